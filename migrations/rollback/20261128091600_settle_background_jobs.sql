-- Undoes 20261128091600_settle_background_jobs.sql.
drop function if exists public.settle_background_jobs(jsonb);
