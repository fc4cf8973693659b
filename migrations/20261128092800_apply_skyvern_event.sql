-- One event of Skyvern, in one transaction: into the inbox, and onto the application it is about, with its history,
-- notification and push job. A repeated delivery changes nothing; one that comes before its run is recorded waits.
--
-- The reconciler finds events by asking Skyvern. They are applied in the same way and under the same key, so that a
-- webhook that comes later is a duplicate; only `p_source`, `skyvern_webhook` or `reconciler`, says in the history who
-- found them.
--
-- An application that was put back to the start, or has another run by now, is moved by an earlier run only if that
-- proves that it was sent.
--
-- Every code path takes the run's lock first, then the application's row. So deliveries of the same event wait for each
-- other, and the inbox row can be written last, once, with the outcome of the event.
create or replace function public.apply_skyvern_event(
    p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid,
    p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid,
    p_source text default 'skyvern_webhook')
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    key         text := format('%s:%s:%s:%s', p_run_id, p_run_status, p_attempt, p_retry_pending);
    application public.applications;
    run         private.application_runs;
    is_current  boolean := false;
    result      text;
    new_status  public.application_status_type;
    push_job    uuid;
begin
    perform private.lock_skyvern_run(p_run_id);
    if exists (select from public.webhook_events where source = 'skyvern' and event_key = key) then
        return jsonb_build_object('outcome', 'duplicate', 'application_id', null, 'status', null, 'push_job_id', null);
    end if;

    -- Whose run it is: by its id, or by the submission that started it and never heard of it.
    select * into run from private.application_runs where run_id = p_run_id;
    if not found then
        select * into run from private.application_runs
        where submission_id = p_submission_id and run_id is null
          and (application_id = p_application_id or application_id is null);
    end if;
    select * into application from public.applications where skyvern_task_id = p_run_id for no key update;
    if not found then
        select * into application from public.applications
        where id = coalesce(run.application_id, p_application_id) for no key update;
    end if;
    -- Once more: while this waited for its row, the application may have been erased.
    select * into run from private.application_runs where submission_id = run.submission_id;

    if run.submission_id is not null and run.application_id is null then
        application.id := null;
        push_job := private.hear_of_erased_application(run, p_run_id, p_run_status, p_retry_pending, p_decision);
        result := 'application_erased';
    elsif application.skyvern_task_id = p_run_id and application.submission_id is null
          and application.status not in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then
        is_current := true;
    -- Without the submission's id the URL could be that of an earlier attempt, so there must not have been one.
    elsif run.run_id is null and application.submission_id is not null
          and (application.submission_id = p_submission_id
               or (p_submission_id is null and application.skyvern_task_id is null)) then
        perform private.attribute_events(p_source, 'run_adopted');
        perform private.attach_skyvern_run(application.id, p_run_id, null);
        perform private.apply_waiting_skyvern_events(application.id, p_run_id);
        select * into application from public.applications where id = application.id;
        is_current := true;
    elsif run.application_id = application.id then
        update private.application_runs
        set run_id = p_run_id, started_at = coalesce(started_at, clock_timestamp())
        where submission_id = run.submission_id;
        select applied.outcome, applied.status, applied.push_job_id into result, new_status, push_job
        from private.apply_earlier_skyvern_run_event(application, p_run_id, p_run_status, p_retry_pending, p_decision,
                                                     p_source) as applied;
    elsif application.skyvern_task_id is not null then
        result := 'other_run';
        new_status := application.status;
    else
        result := 'waiting';
        application.id := null;
    end if;

    if is_current then
        select applied.outcome, applied.status, applied.push_job_id into result, new_status, push_job
        from private.apply_skyvern_run_event(application, p_run_status, p_attempt, p_retry_pending, p_decision,
                                             p_source) as applied;
        perform private.cancel_unwanted_runs(application.id);
    end if;

    insert into public.webhook_events (
        source, event_key, run_id, run_status, attempt, retry_pending, application_id, named_application_id,
        submission_id, decision, body, outcome, request_id, applied_at)
    values (
        'skyvern', key, p_run_id, p_run_status, p_attempt, p_retry_pending, application.id, p_application_id,
        p_submission_id, case when result <> 'application_erased' then p_decision end,
        case when result = 'application_erased' then '' else p_body end, result, p_request_id,
        case when result in ('applied', 'kept') then clock_timestamp() end);

    return jsonb_build_object('outcome', result, 'application_id', application.id, 'status', new_status,
                              'push_job_id', push_job);
end
$$;
revoke all on function public.apply_skyvern_event(
    text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.apply_skyvern_event(
    text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text) to service_role;
comment on function public.apply_skyvern_event(text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text) is
    'Applies an event of Skyvern. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the application that has the run or its open submission; an event is applied once, in order, and a '
    'person''s decision stands.';
