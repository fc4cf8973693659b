-- Undoes 20261128093900_run_job_sync.sql. The history of the runs is lost.
drop function if exists public.finish_job_sync(bigint, boolean, text, text[]);
drop function if exists public.begin_job_sync(text, text);
drop function if exists public.close_dead_job_syncs();
drop function if exists private.hold_job_sync(bigint);
drop table if exists public.scraping_logs;
