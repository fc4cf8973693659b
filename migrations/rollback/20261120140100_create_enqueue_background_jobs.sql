-- Undoes 20261120140100_create_enqueue_background_jobs.sql.
drop function if exists public.enqueue_background_jobs(jsonb);
