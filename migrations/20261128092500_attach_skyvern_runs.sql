-- What recording a run and receiving its events have in common. Either may come first, or both at once, so both take
-- the run's lock before they read anything: whoever is second sees everything that the first one wrote.

-- Until the end of the transaction nobody else records this run or applies an event of it. Taken before any row is
-- locked, and only one per transaction, so that it cannot deadlock.
create or replace function private.lock_skyvern_run(p_run_id text)
    returns void
    language sql
    set search_path = ''
as $$
    select pg_advisory_xact_lock(hashtextextended('skyvern_run:' || p_run_id, 0))
$$;
revoke all on function private.lock_skyvern_run(text) from public, anon, authenticated, service_role;

-- True for a status after which Skyvern does no more.
create or replace function private.is_final_skyvern_status(p_run_status text)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select p_run_status in ('completed', 'failed', 'terminated', 'timed_out', 'canceled')
$$;
revoke all on function private.is_final_skyvern_status(text) from public, anon, authenticated, service_role;

-- Gives an application, locked by the caller, the run that its open submission started. A run status of null means that
-- nothing is known of the run but its id. A run that is found late may have ended already: how it ended is in its
-- event, which is applied after the run is attached and would be out of order if the end were recorded here, so a final
-- status is treated as null. The caller then calls private.cancel_unwanted_runs.
create or replace function private.attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text)
    returns void
    language sql
    set search_path = ''
as $$
    insert into private.application_runs (submission_id, application_id, user_id, run_id, started_at)
    select submission_id, id, user_id, p_run_id, clock_timestamp()
    from public.applications where id = p_application_id
    on conflict (submission_id) do update set run_id = excluded.run_id, started_at = excluded.started_at;

    update public.applications
    set skyvern_task_id = p_run_id,
        skyvern_run_status = case when not private.is_final_skyvern_status(p_run_status) then p_run_status end,
        skyvern_run_attempt = 1,
        skyvern_run_retry_pending = false,
        -- Sent: by an earlier run, whose end was heard of while this one was being started.
        status = case when private.needs_no_run(status) then status else 'PROCESSING_BY_SKYVERN' end,
        status_details = case when private.needs_no_run(status) then status_details end,
        resume_url_used = coalesce(submission_resume_path, resume_url_used),
        resume_url_recorded = case when resume_url_used is distinct from resume_url_recorded
                                   then resume_url_recorded else submission_resume_path end,
        submission_id = null,
        submission_title = null,
        submission_started_at = null,
        submission_lease_expires_at = null,
        submission_outcome = null,
        submission_resume_path = null,
        submission_previous_status = null
    where id = p_application_id
$$;
revoke all on function private.attach_skyvern_run(uuid, text, text) from public, anon, authenticated, service_role;

-- When Skyvern was last heard from, so that its silence is noticed. A trigger, so that no code path can forget it:
-- whoever writes what is known of a run has heard of it.
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

create or replace trigger on_application_skyvern_run_written
    before insert or update of skyvern_task_id, skyvern_run_status, skyvern_run_attempt, skyvern_run_retry_pending
    on public.applications
    for each row when (new.skyvern_task_id is not null)
    execute function private.note_news_of_skyvern_run();
