-- What recording a run and hearing of it have in common. Both may come first, or at the same instant, so both take the
-- run's lock before they look at anything: whoever is second sees everything that the first one wrote.

-- Until the end of the transaction nobody else records this run or applies an event of it. Taken before any row is
-- locked, and only one a transaction, so that nobody can wait in a circle.
create or replace function private.lock_skyvern_run(p_run_id text)
    returns void
    language sql
    set search_path = ''
as $$
    select pg_advisory_xact_lock(hashtextextended('skyvern_run:' || p_run_id, 0))
$$;
revoke all on function private.lock_skyvern_run(text) from public, anon, authenticated, service_role;

-- Gives an application, locked by the caller, the run that its open submission started. A run status of null says that
-- nothing is known of the run but its id.
create or replace function private.attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text)
    returns void
    language sql
    set search_path = ''
as $$
    update public.applications
    set skyvern_task_id = p_run_id,
        skyvern_run_status = p_run_status,
        skyvern_run_attempt = 1,
        skyvern_run_retry_pending = false,
        status = case when private.is_decision_of_person(status) then status else 'PROCESSING_BY_SKYVERN' end,
        status_details = case when private.is_decision_of_person(status) then status_details end,
        resume_url_used = coalesce(submission_resume_path, resume_url_used),
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

-- Applies one event of its current run to an application that the caller has locked and just read. Answers the outcome
-- (`applied`, `kept`, `out_of_order`), the status after it, and the push job if there is one.
create or replace function private.apply_skyvern_run_event(
    p_application public.applications, p_run_status text, p_attempt integer, p_retry_pending boolean,
    p_decision jsonb, p_source text,
    out outcome text, out status public.application_status_type, out push_job_id uuid)
    language plpgsql
    set search_path = ''
as $$
declare
    decided         public.application_status_type := p_decision ->> 'status';
    details         jsonb := nullif(p_decision -> 'status_details', 'null'::jsonb);
    message         jsonb := nullif(p_decision -> 'notification', 'null'::jsonb);
    reason          text := left(coalesce(details ->> 'reason', 'skyvern_' || p_run_status), 500);
    title           text;
    body            text;
    notification_id uuid;
begin
    status := p_application.status;

    -- Skyvern numbers nothing but attempts: within one attempt the first final state stands, save that a canceled run
    -- may turn out to have been completed.
    if p_attempt < p_application.skyvern_run_attempt
       or (p_attempt = p_application.skyvern_run_attempt
           and p_application.skyvern_run_status in ('completed', 'failed', 'terminated', 'timed_out', 'canceled')
           and not p_application.skyvern_run_retry_pending
           and not (p_application.skyvern_run_status = 'canceled' and p_run_status = 'completed')) then
        outcome := 'out_of_order';
        return;
    end if;

    if private.is_decision_of_person(p_application.status) then
        update public.applications
        set skyvern_run_status = p_run_status,
            skyvern_run_attempt = p_attempt,
            skyvern_run_retry_pending = p_retry_pending
        where id = p_application.id;
        insert into public.application_events (application_id, user_id, from_status, to_status, source, reason)
        values (p_application.id, p_application.user_id, p_application.status, p_application.status, p_source, reason);
        outcome := 'kept';
        return;
    end if;

    perform private.attribute_events(p_source, reason);
    update public.applications as application
    set status = decided,
        status_details = details,
        applied_at = case when decided = 'SUBMITTED_BY_SKYVERN' and decided <> application.status
                          then clock_timestamp() else application.applied_at end,
        skyvern_run_status = p_run_status,
        skyvern_run_attempt = p_attempt,
        skyvern_run_retry_pending = p_retry_pending
    where id = p_application.id;
    outcome := 'applied';
    status := decided;

    -- Told once a change, and not of an application that the person threw away.
    if message is null or decided = p_application.status or p_application.deleted_at is not null then
        return;
    end if;

    title := left(private.name_the_job(message ->> 'title', p_application), 300);
    body := left(private.name_the_job(message ->> 'message', p_application), 4000);
    insert into public.notifications (user_id, type, title, message, related_entity_id, related_entity_type)
    values (p_application.user_id, 'APPLICATION_STATUS_UPDATE', title, body, p_application.id, 'application')
    returning id into notification_id;
    insert into public.background_jobs (user_id, job_type, payload, dedupe_key)
    values (
        p_application.user_id, 'push_notification',
        jsonb_build_object(
            'user_id', p_application.user_id, 'title', title, 'message', body,
            'data', jsonb_build_object('application_id', p_application.id, 'notification_id', notification_id,
                                       'status', decided)),
        'notification:' || notification_id)
    returning id into push_job_id;
end
$$;
revoke all on function private.apply_skyvern_run_event(
    public.applications, text, integer, boolean, jsonb, text) from public, anon, authenticated, service_role;

-- Puts the job's own words where a text says {job_title} and {company_name}.
create or replace function private.name_the_job(p_text text, p_application public.applications)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select replace(replace(p_text, '{company_name}', p_application.company_name), '{job_title}', p_application.job_title)
$$;
revoke all on function private.name_the_job(text, public.applications) from public, anon, authenticated, service_role;

-- Applies, in the order in which they came, the events that waited in the inbox for this run. The caller holds the
-- run's lock and the application's.
create or replace function private.apply_waiting_skyvern_events(p_application_id uuid, p_run_id text)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    waiting     public.webhook_events;
    application public.applications;
    result      text;
begin
    for waiting in
        select * from public.webhook_events
        where source = 'skyvern' and run_id = p_run_id and webhook_events.outcome = 'waiting'
        order by received_at, id
    loop
        select * into application from public.applications where id = p_application_id;
        select applied.outcome into result
        from private.apply_skyvern_run_event(application, waiting.run_status, waiting.attempt, waiting.retry_pending,
                                             waiting.decision, 'skyvern_inbox') as applied;
        update public.webhook_events
        set outcome = result,
            application_id = p_application_id,
            applied_at = case when result in ('applied', 'kept') then clock_timestamp() end
        where id = waiting.id;
    end loop;
end
$$;
revoke all on function private.apply_waiting_skyvern_events(uuid, text) from public, anon, authenticated, service_role;
