-- Undoes 20261120091800_create_job_search_cache.sql.
drop table if exists public.job_search_cache;
