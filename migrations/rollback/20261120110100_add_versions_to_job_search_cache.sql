-- Undoes 20261120110100_add_versions_to_job_search_cache.sql.
alter table public.job_search_cache
    drop column if exists job_ids,
    drop column if exists version;
