-- A submission that Skyvern does not take at the moment waits: a background job `submit_application` hands it over as soon
-- as it does, within a day. The application stays PENDING_SKYVERN_SUBMISSION, and `submission_job_id` names its job.

-- Puts a submission into the queue; the caller has locked the application.
create or replace function private.queue_submission(p_application public.applications, p_seconds integer)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    -- More than a day's, with the backoff of the queue: the claim says when it is over.
    attempts constant integer := 100;
    job      uuid;
begin
    insert into public.background_jobs (user_id, job_type, payload, run_at, max_attempts)
    values (p_application.user_id, 'submit_application', jsonb_build_object('application_id', p_application.id),
            clock_timestamp() + make_interval(secs => p_seconds), attempts)
    returning id into job;
    update public.applications set submission_job_id = job where id = p_application.id;
end
$$;
revoke all on function private.queue_submission(public.applications, integer)
    from public, anon, authenticated, service_role;

-- Withdrawn, taken back, deleted, or handed over: it waits no more, and its job finds nothing to do.
create or replace function private.end_waiting_submission()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.submission_job_id := null;
    return new;
end
$$;
revoke all on function private.end_waiting_submission() from public, anon, authenticated, service_role;

create or replace trigger on_application_changed_end_waiting_submission
    before update of status, deleted_at on public.applications
    for each row when (new.submission_job_id is not null
                       and (new.status <> 'PENDING_SKYVERN_SUBMISSION' or new.deleted_at is not null))
    execute function private.end_waiting_submission();

-- What `claim_application` does for a person, for the job that their submission waits as. The outcomes are those of
-- private.claim_application_of.
create or replace function public.claim_queued_application(p_application_id uuid, p_job_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    application public.applications;
begin
    if p_job_id is null then
        perform private.refuse('invalid_input', 422, 'a job is needed');
    end if;
    -- Whose it is does not change, and claims of one person wait for each other before they lock a row.
    select * into application from public.applications where id = p_application_id;
    return private.claim_application_of(
        application.user_id, p_application_id, application.submission_idempotency_key,
        application.submission_apply_again, p_job_id);
end
$$;
revoke all on function public.claim_queued_application(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.claim_queued_application(uuid, uuid) to service_role;
comment on function public.claim_queued_application(uuid, uuid) is
    'Claims an application that waits in the queue, for the person who submitted it. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the application that waits as this very job; all the limits of claim_application.';

-- A submission that waited will not be handed over after all. `p_decision` {status, status_details, notification} says
-- what that means for the application and its person, who is told in the same transaction: nobody waits for a response.
-- Returns `failed`, or `superseded` when the submission waits no more. A repeated call changes nothing.
create or replace function public.fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    decided     public.application_status_type := p_decision ->> 'status';
    details     jsonb := p_decision -> 'status_details';
    application public.applications;
begin
    select * into application from public.applications where id = p_application_id for no key update;
    if application.id is null or p_job_id is null or application.submission_job_id is distinct from p_job_id then
        return jsonb_build_object('outcome', 'superseded');
    end if;
    if application.submission_id is not null then
        perform public.record_submission_failure(
            application.id, application.submission_id, 'not_started', details ->> 'reason', details);
    end if;
    perform private.attribute_events('queue', details ->> 'reason');
    update public.applications
    set status = decided,
        status_details = details,
        submission_job_id = null,
        submission_idempotency_key = null
    where id = application.id;
    perform private.tell_of_application(application, decided, p_decision -> 'notification');
    return jsonb_build_object('outcome', 'failed');
end
$$;
revoke all on function public.fail_queued_application(uuid, uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.fail_queued_application(uuid, uuid, jsonb) to service_role;
comment on function public.fail_queued_application(uuid, uuid, jsonb) is
    'Gives up a submission that waited in the queue, and tells its person. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the application that waits as this very job; a person''s decision has ended the waiting before.';
