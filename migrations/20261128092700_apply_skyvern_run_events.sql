-- What an event of its run does to an application, whoever brings the event: a webhook, the inbox or the reconciler.

-- Fills in the posting where a text says {job_title} and {company_name}.
create or replace function private.name_the_posting(p_text text, p_application public.applications)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select replace(replace(p_text, '{company_name}', p_application.company_name), '{job_title}', p_application.job_title)
$$;
revoke all on function private.name_the_posting(text, public.applications)
    from public, anon, authenticated, service_role;

-- Tells a person what became of their application, with `p_message` {title, message}, and returns the push job. Nothing
-- without a message, and nothing about an application that the person deleted.
create or replace function private.tell_of_application(
    p_application public.applications, p_status public.application_status_type, p_message jsonb)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    title   text := left(private.name_the_posting(p_message ->> 'title', p_application), 300);
    message text := left(private.name_the_posting(p_message ->> 'message', p_application), 4000);
begin
    if title is null or p_application.deleted_at is not null then
        return null;
    end if;
    return (private.notify_person(
        p_application.user_id, 'APPLICATION_STATUS_UPDATE', title, message, p_application.id, 'application',
        jsonb_build_object('application_id', p_application.id, 'status', p_status))).push_job_id;
end
$$;
revoke all on function private.tell_of_application(
    public.applications, public.application_status_type, jsonb) from public, anon, authenticated, service_role;

-- Applies one event of its current run to an application that the caller has locked and just read. Returns the outcome
-- (`applied`, `kept`, `out_of_order`), the status after it, and the push job if there is one.
create or replace function private.apply_skyvern_run_event(
    p_application public.applications, p_run_status text, p_attempt integer, p_retry_pending boolean,
    p_decision jsonb, p_source text,
    out outcome text, out status public.application_status_type, out push_job_id uuid)
    language plpgsql
    set search_path = ''
as $$
declare
    decided public.application_status_type := p_decision ->> 'status';
    details jsonb := nullif(p_decision -> 'status_details', 'null'::jsonb);
    message jsonb := nullif(p_decision -> 'notification', 'null'::jsonb);
    reason  text := left(coalesce(details ->> 'reason', 'skyvern_' || p_run_status), 500);
begin
    status := p_application.status;

    -- Skyvern numbers only attempts: within one attempt the first final status stands, except that a canceled run may
    -- turn out to have been completed.
    if p_attempt < p_application.skyvern_run_attempt
       or (p_attempt = p_application.skyvern_run_attempt
           and private.is_final_skyvern_status(p_application.skyvern_run_status)
           and not p_application.skyvern_run_retry_pending
           and not (p_application.skyvern_run_status = 'canceled' and p_run_status = 'completed')) then
        outcome := 'out_of_order';
        return;
    end if;

    -- An attempt that follows puts the run in progress again.
    update private.application_runs as run
    set ended_at = case when private.is_final_skyvern_status(p_run_status) and not p_retry_pending
                        then coalesce(run.ended_at, clock_timestamp()) end
    where run.run_id = p_application.skyvern_task_id;

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

    -- Once per change.
    if decided <> p_application.status then
        push_job_id := private.tell_of_application(p_application, decided, message);
    end if;
end
$$;
revoke all on function private.apply_skyvern_run_event(
    public.applications, text, integer, boolean, jsonb, text) from public, anon, authenticated, service_role;

-- Applies, in the order of their arrival, the events that waited in the inbox for this run. The caller holds the run's
-- lock and the application's.
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
