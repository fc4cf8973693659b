-- Undoes 20261120110300_create_search_jobs.sql.
drop function if exists public.record_job_search_failure(text, uuid, text);
drop function if exists public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid);
drop function if exists public.search_jobs(text, uuid, uuid);
drop function if exists private.cached_job_search(text, uuid, uuid);
drop table if exists private.job_search_leases;
