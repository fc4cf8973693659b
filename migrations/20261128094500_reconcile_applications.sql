-- A look at Skyvern: what is to be asked, and what is recorded when there is no event to apply.

-- What is to be asked about an application. `p_user_id` is the person who asked for it, null for a scheduled look;
-- nobody has a stranger's application looked for. Returns an outcome:
--   run         what became of the run {run_id, attempt, is_overdue}
--   submission  whether the submission {submission_id, title, seconds_ago} started a run
--   paused      Skyvern's circuit breaker is open {retry_after_seconds}
--   nothing     {reason}: not_found, in_progress, just_heard_of, settled
create or replace function public.application_to_reconcile(p_application_id uuid, p_user_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- People may ask as often as they like; Skyvern is asked no more often than this.
    fresh       constant interval := '1 minute';
    application public.applications;
    is_overdue  boolean;
    reason      text;
begin
    select * into application from public.applications
    where id = p_application_id and (p_user_id is null or (user_id = p_user_id and deleted_at is null));
    is_overdue := exists (
        select from private.application_runs
        where run_id = application.skyvern_task_id and ended_at is null
          and started_at <= clock_timestamp() - private.application_run_deadline());

    if application.id is null then
        reason := 'not_found';
    elsif application.submission_id is not null then
        if application.submission_lease_expires_at <= clock_timestamp() then
            return private.unless_skyvern_is_paused(jsonb_build_object(
                'outcome', 'submission', 'submission_id', application.submission_id,
                'title', application.submission_title,
                'seconds_ago', floor(extract(epoch from clock_timestamp() - application.submission_started_at))));
        end if;
        reason := 'in_progress';
    elsif application.status <> 'PROCESSING_BY_SKYVERN' or application.skyvern_task_id is null then
        reason := 'settled';
    -- Nothing is known of a run without a status but its id.
    elsif application.skyvern_heard_at > clock_timestamp() - fresh and application.skyvern_run_status is not null
          and not is_overdue then
        reason := 'just_heard_of';
    else
        return private.unless_skyvern_is_paused(jsonb_build_object(
            'outcome', 'run', 'run_id', application.skyvern_task_id,
            'attempt', coalesce(application.skyvern_run_attempt, 1), 'is_overdue', is_overdue));
    end if;
    return jsonb_build_object('outcome', 'nothing', 'reason', reason);
end
$$;
revoke all on function public.application_to_reconcile(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.application_to_reconcile(uuid, uuid) to service_role;
comment on function public.application_to_reconcile(uuid, uuid) is
    'What is to be asked of Skyvern about an application. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: if a person is named, only an application of theirs that is not deleted.';

-- Skyvern was asked, and the run is still in progress; only the time is recorded. Returns whether the application still
-- has that run.
create or replace function public.note_ongoing_skyvern_run(p_application_id uuid, p_run_id text)
    returns boolean
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    update public.applications set skyvern_heard_at = clock_timestamp()
    where id = p_application_id and skyvern_task_id = p_run_id and status = 'PROCESSING_BY_SKYVERN';
    return found;
end
$$;
revoke all on function public.note_ongoing_skyvern_run(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.note_ongoing_skyvern_run(uuid, text) to service_role;
comment on function public.note_ongoing_skyvern_run(uuid, text) is
    'Notes that a run is still in progress. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: only an application that waits for exactly this run.';

-- Skyvern does not know the run. The cause may be a wrong key for a while, so the application is given up only after a
-- day without news: `unknown` before that, `lost` then, and `superseded` if the application no longer waits for that
-- run. If the run is heard of later, its event is applied as usual. `p_decision` {status, status_details, notification}
-- says what the loss means for the application and its person, who is told in the same transaction. A repeated call
-- changes nothing.
create or replace function public.record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    silence     constant interval := '24 hours';
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
    if application.skyvern_heard_at > clock_timestamp() - silence then
        return jsonb_build_object('outcome', 'unknown');
    end if;

    perform private.attribute_events('reconciler', p_decision #>> '{status_details,reason}');
    update public.applications set status = decided, status_details = p_decision -> 'status_details'
    where id = application.id;
    update private.application_runs set ended_at = clock_timestamp() where run_id = p_run_id;
    perform private.tell_of_application(application, decided, p_decision -> 'notification');
    return jsonb_build_object('outcome', 'lost');
end
$$;
revoke all on function public.record_lost_skyvern_run(uuid, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.record_lost_skyvern_run(uuid, text, jsonb) to service_role;
comment on function public.record_lost_skyvern_run(uuid, text, jsonb) is
    'Gives up an application whose run Skyvern does not know, and tells its person. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only an application that waits for exactly this run, after a day without news.';

-- Skyvern says that the run is in progress, and its deadline has passed: the application is given up and the run
-- cancelled. Nobody knows whether it was sent. `overdue`, `in_time` if the deadline was moved meanwhile, or
-- `superseded`. The end of the run that is heard of later is believed, except that it was cancelled, which says nothing
-- new. `p_decision` as above. A repeated call changes nothing.
create or replace function public.record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
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
    if not exists (select from private.application_runs
                   where run_id = p_run_id
                     and started_at <= clock_timestamp() - private.application_run_deadline()) then
        return jsonb_build_object('outcome', 'in_time');
    end if;

    perform private.attribute_events('reconciler', p_decision #>> '{status_details,reason}');
    update public.applications set status = decided, status_details = p_decision -> 'status_details'
    where id = application.id;
    perform private.cancel_application_runs(application.id);
    perform private.tell_of_application(application, decided, p_decision -> 'notification');
    return jsonb_build_object('outcome', 'overdue');
end
$$;
revoke all on function public.record_overdue_skyvern_run(uuid, text, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.record_overdue_skyvern_run(uuid, text, jsonb) to service_role;
comment on function public.record_overdue_skyvern_run(uuid, text, jsonb) is
    'Gives up an application whose run is past its deadline, cancels the run, and tells its person. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only an application that waits for exactly this run, after its deadline.';

-- Skyvern knows no run of the submission, which was looked for late enough to be sure that it started none: `absent`,
-- or `superseded` if it is no longer the current one. What the person decided in the meantime stands, and then there is
-- nothing to tell. `p_decision` as above. A repeated call changes nothing.
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
    -- One that waits in the queue is handed over by its job, now that nothing was started.
    if not private.needs_no_run(application.status) and application.submission_job_id is null then
        update public.applications set status = decided where id = application.id;
        perform private.tell_of_application(application, decided, p_decision -> 'notification');
    end if;
    return jsonb_build_object('outcome', 'absent');
end
$$;
revoke all on function public.record_absent_submission(uuid, uuid, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.record_absent_submission(uuid, uuid, jsonb) to service_role;
comment on function public.record_absent_submission(uuid, uuid, jsonb) is
    'Ends a submission that started no run, and tells its person. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the application whose current submission id (the fencing token) the caller knows; a person''s '
    'decision stands.';
