-- Runs and their events are also found by looking for them. What happens then is the same to the letter, the inbox's
-- key included, so that what comes later by webhook is a duplicate; only the history tells who found it. `p_source` is
-- `initiate` or `skyvern_webhook`, as before, or `reconciler`.
drop function if exists public.record_skyvern_run(uuid, uuid, text, text);
drop function if exists public.apply_skyvern_event(text, text, integer, boolean, uuid, uuid, jsonb, text, uuid);

create or replace function public.record_skyvern_run(
    p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text default 'initiate')
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    application public.applications;
    result      text;
begin
    perform private.lock_skyvern_run(p_run_id);
    select * into application from public.applications where id = p_application_id for no key update;
    if application.id is null then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;

    if application.skyvern_task_id = p_run_id then
        result := 'already_recorded'; -- a repeated call, or a webhook that was quicker
    elsif application.submission_id is distinct from p_submission_id or p_submission_id is null then
        result := 'superseded';
    else
        perform private.attribute_events(p_source);
        perform private.attach_skyvern_run(application.id, p_run_id, p_run_status);
        perform private.apply_waiting_skyvern_events(application.id, p_run_id);
        select * into application from public.applications where id = p_application_id;
        result := 'recorded';
    end if;

    return jsonb_build_object('outcome', result, 'run_id', application.skyvern_task_id, 'status', application.status);
end
$$;
revoke all on function public.record_skyvern_run(uuid, uuid, text, text, text)
    from public, anon, authenticated, service_role;
grant execute on function public.record_skyvern_run(uuid, uuid, text, text, text) to service_role;

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
    known       boolean;
    result      text;
    new_status  public.application_status_type;
    push_job    uuid;
begin
    perform private.lock_skyvern_run(p_run_id);
    if exists (select from public.webhook_events where source = 'skyvern' and event_key = key) then
        return jsonb_build_object('outcome', 'duplicate', 'application_id', null, 'status', null, 'push_job_id', null);
    end if;

    select * into application from public.applications where skyvern_task_id = p_run_id for no key update;
    known := found;
    if not known then
        select * into application from public.applications where id = p_application_id for no key update;
        -- Without the submission's id the URL could be that of an earlier try, so then there must not have been one.
        if application.submission_id is not null
           and (application.submission_id = p_submission_id
                or (p_submission_id is null and application.skyvern_task_id is null)) then
            perform private.attribute_events(p_source, 'run_adopted');
            perform private.attach_skyvern_run(application.id, p_run_id, null);
            perform private.apply_waiting_skyvern_events(application.id, p_run_id);
            select * into application from public.applications where id = p_application_id;
            known := true;
        end if;
    end if;

    if known then
        select applied.outcome, applied.status, applied.push_job_id into result, new_status, push_job
        from private.apply_skyvern_run_event(application, p_run_status, p_attempt, p_retry_pending, p_decision,
                                             p_source) as applied;
    elsif application.skyvern_task_id is not null then
        result := 'other_run';
        new_status := application.status;
    else
        result := 'waiting';
        application.id := null;
    end if;

    insert into public.webhook_events (
        source, event_key, run_id, run_status, attempt, retry_pending, application_id, named_application_id,
        submission_id, decision, body, outcome, request_id, applied_at)
    values (
        'skyvern', key, p_run_id, p_run_status, p_attempt, p_retry_pending, application.id, p_application_id,
        p_submission_id, p_decision, p_body, result, p_request_id,
        case when result in ('applied', 'kept') then clock_timestamp() end);

    return jsonb_build_object('outcome', result, 'application_id', application.id, 'status', new_status,
                              'push_job_id', push_job);
end
$$;
revoke all on function public.apply_skyvern_event(
    text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.apply_skyvern_event(
    text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text) to service_role;
