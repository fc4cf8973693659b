-- Undoes 20261120150600_create_begin_job_sync.sql.
drop function if exists public.begin_job_sync(text, text);
drop function if exists public.close_dead_job_syncs();
drop function if exists private.hold_job_sync(bigint);
