-- Undoes 20261120140000_let_people_queue_background_jobs.sql.
drop index if exists public.idx_background_jobs_user_id_unfinished;
drop trigger if exists on_background_jobs_created_limit_people on public.background_jobs;
drop function if exists private.limit_queued_jobs();
drop policy if exists background_jobs_cancel_own on public.background_jobs;
drop policy if exists background_jobs_insert_own on public.background_jobs;
drop policy if exists background_jobs_select_own on public.background_jobs;
revoke all on table public.background_jobs from authenticated;
alter table public.background_jobs
    drop constraint if exists background_jobs_check_lost_leases,
    drop column if exists lost_leases,
    drop column if exists progress,
    alter column user_id drop default;
