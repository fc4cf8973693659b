-- Undoes 20261128093100_search_jobs.sql.
drop function if exists public.search_jobs_for_alert(text, uuid, uuid, uuid, timestamptz);
drop function if exists public.search_jobs(text, uuid, uuid);
drop function if exists private.search_jobs(text, uuid, uuid, uuid, boolean, timestamptz);
