-- Undoes 20261128093000_create_job_search_cache.sql.
drop function if exists public.record_job_search_failure(text, uuid, text, text, bigint);
drop function if exists public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid);
drop function if exists private.cached_job_search(text, uuid, uuid, timestamptz);
drop table if exists private.job_search_leases;
drop table if exists public.job_search_cache;
