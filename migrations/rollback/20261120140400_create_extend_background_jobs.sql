-- Undoes 20261120140400_create_extend_background_jobs.sql.
drop function if exists public.extend_background_jobs(jsonb);
