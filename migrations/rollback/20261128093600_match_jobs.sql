-- Undoes 20261128093600_match_jobs.sql.
drop function if exists public.match_jobs(extensions.vector, integer);
drop trigger if exists on_jobs_described on public.jobs;
drop function if exists private.handle_job_description();
