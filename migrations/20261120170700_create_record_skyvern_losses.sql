-- What Skyvern does not know, although we do. `p_decision` {status, status_details, notification} says what that means
-- for the application and its person, who is told in the same transaction. Saying the same again changes nothing.

-- A run. It may be our key that is wrong for a while, so the application is given up only after a day without news:
-- `unknown` before that, `lost` then, and `superseded` if the application is not waiting for that run any more. Should
-- the run be heard of later, its event is applied as ever.
create or replace function public.record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    patience    constant interval := '24 hours';
    decided     public.application_status_type := p_decision ->> 'status';
    application public.applications;
begin
    perform private.lock_skyvern_run(p_run_id);
    select * into application from public.applications
    where id = p_application_id and skyvern_task_id = p_run_id and status = 'PROCESSING_BY_SKYVERN'
    for no key update;
    if application.id is null then
        return jsonb_build_object('outcome', 'superseded');
    end if;
    if application.skyvern_heard_at > clock_timestamp() - patience then
        return jsonb_build_object('outcome', 'unknown');
    end if;

    perform private.attribute_events('reconciler', p_decision #>> '{status_details,reason}');
    update public.applications set status = decided, status_details = p_decision -> 'status_details'
    where id = application.id;
    perform private.tell_of_application(application, decided, p_decision -> 'notification');
    return jsonb_build_object('outcome', 'lost');
end
$$;
revoke all on function public.record_lost_skyvern_run(uuid, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.record_lost_skyvern_run(uuid, text, jsonb) to service_role;

-- A submission, which was looked for late enough to be sure that it started no run: `absent`, or `superseded` if it is
-- not the current one any more. What the person decided meanwhile stands, and then there is nothing to tell.
create or replace function public.record_absent_submission(
    p_application_id uuid, p_submission_id uuid, p_decision jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    decided     public.application_status_type := p_decision ->> 'status';
    application public.applications;
    details     jsonb := p_decision -> 'status_details';
    recorded    jsonb;
begin
    recorded := public.record_submission_failure(
        p_application_id, p_submission_id, 'absent', details ->> 'reason', details);
    if recorded ->> 'outcome' <> 'recorded' then
        return recorded;
    end if;

    select * into application from public.applications where id = p_application_id;
    if not private.is_decision_of_person(application.status) then
        update public.applications set status = decided where id = application.id;
        perform private.tell_of_application(application, decided, p_decision -> 'notification');
    end if;
    return jsonb_build_object('outcome', 'absent');
end
$$;
revoke all on function public.record_absent_submission(uuid, uuid, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.record_absent_submission(uuid, uuid, jsonb) to service_role;
