-- Undoes 20261120150800_create_finish_job_sync.sql.
drop function if exists public.finish_job_sync(bigint, boolean, text);
