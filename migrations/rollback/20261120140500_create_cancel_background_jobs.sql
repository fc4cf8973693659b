-- Undoes 20261120140500_create_cancel_background_jobs.sql.
drop function if exists public.cancel_background_jobs(uuid[]);
drop trigger if exists on_background_jobs_cancelled on public.background_jobs;
drop function if exists private.end_lease_of_cancelled_job();
