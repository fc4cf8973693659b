-- When Skyvern was last heard of about an application's run, so that its silence is noticed.
alter table public.applications add column if not exists skyvern_heard_at timestamptz;

create or replace function private.note_news_of_skyvern_run()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.skyvern_heard_at := clock_timestamp();
    return new;
end
$$;
revoke all on function private.note_news_of_skyvern_run() from public, anon, authenticated, service_role;

-- A trigger, so that no path can forget it: whoever writes what is known of a run has heard of it.
create or replace trigger on_application_skyvern_run_written
    before insert or update of skyvern_task_id, skyvern_run_status, skyvern_run_attempt, skyvern_run_retry_pending
    on public.applications
    for each row when (new.skyvern_task_id is not null)
    execute function private.note_news_of_skyvern_run();

update public.applications
set skyvern_heard_at = last_status_update_at
where status = 'PROCESSING_BY_SKYVERN' and skyvern_task_id is not null and skyvern_heard_at is null;

-- The two searches for what has to be looked up. Both shrink to what is open at the moment.
create index if not exists idx_applications_skyvern_heard_at
    on public.applications (skyvern_heard_at) where status = 'PROCESSING_BY_SKYVERN';
create index if not exists idx_applications_submission_lease_expires_at
    on public.applications (submission_lease_expires_at) where submission_id is not null;
