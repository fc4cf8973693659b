-- Undoes 20261128091400_enqueue_and_cancel_background_jobs.sql.
drop function if exists public.cancel_background_jobs(uuid[]);
drop function if exists public.enqueue_background_jobs(jsonb);
