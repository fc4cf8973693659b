-- Undoes 20261120140300_create_settle_background_jobs.sql.
drop function if exists public.settle_background_jobs(jsonb);
drop function if exists private.hold_background_job(uuid, bigint);
