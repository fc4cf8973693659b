-- Undoes 20261128093100_search_jobs.sql.
drop function if exists public.search_jobs_for_alert(text, uuid, uuid, timestamptz);
drop function if exists public.lease_job_search(text, uuid, uuid);
drop function if exists public.search_jobs(text, uuid);
drop function if exists private.lease_job_search(text, uuid, uuid, boolean, timestamptz);
drop function if exists private.look_for_job_search(text, uuid, uuid, timestamptz);
