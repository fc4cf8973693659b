-- Second step of an application through Skyvern: how a claim ended. The submission id is the fencing token: a caller
-- whose claim is no longer the current one changes nothing.

-- A run started: it is recorded, and the events of it that have arrived in the meantime are applied. `p_source` says in
-- the history who found the run: `initiate` or `reconciler`.
--
-- A run that nobody wants any more is cancelled: its application was withdrawn or deleted meanwhile, was sent by an
-- earlier run, or has had another submission since (`superseded`).
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
        result := 'already_recorded'; -- a repeated call, or a webhook that was faster
    elsif application.submission_id is distinct from p_submission_id or p_submission_id is null then
        result := 'superseded';
        insert into private.application_runs as run (submission_id, application_id, user_id, run_id, started_at)
        select p_submission_id, application.id, application.user_id, p_run_id, clock_timestamp()
        where p_submission_id is not null
          and not exists (select from private.application_runs as known where known.run_id = p_run_id)
        on conflict (submission_id) do update
            set run_id = excluded.run_id, started_at = excluded.started_at, ended_at = null
            where run.application_id = excluded.application_id and run.run_id is null;
        perform private.cancel_application_runs(application.id, p_submission_id)
        where p_submission_id is not null;
    else
        perform private.attribute_events(p_source);
        perform private.attach_skyvern_run(application.id, p_run_id, p_run_status);
        perform private.apply_waiting_skyvern_events(application.id, p_run_id);
        perform private.cancel_unwanted_runs(application.id);
        select * into application from public.applications where id = p_application_id;
        result := 'recorded';
    end if;
    if p_source = 'initiate' then
        perform private.note_vendor_call('skyvern', 'succeeded');
    end if;

    return jsonb_build_object('outcome', result, 'run_id', application.skyvern_task_id, 'status', application.status);
end
$$;
revoke all on function public.record_skyvern_run(uuid, uuid, text, text, text)
    from public, anon, authenticated, service_role;
grant execute on function public.record_skyvern_run(uuid, uuid, text, text, text) to service_role;
comment on function public.record_skyvern_run(uuid, uuid, text, text, text) is
    'Records the run that a claim started. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the application whose current submission id (the fencing token) the caller knows.';

-- No run, or nobody knows. `not_started` is certain and final, `open` leaves the submission open until somebody has
-- looked for the run, `absent` says that the run was looked for and is not there, and `released` takes the claim back
-- as if it had not been made. With `p_queue_after` seconds, a submission that was not started, or is open and turns out
-- not to have started, waits in the queue and is due then. `p_call_outcome` and `p_retry_after` are for Skyvern's circuit
-- breaker; null where Skyvern was not called.
create or replace function public.record_submission_failure(
    p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb default '{}',
    p_queue_after integer default null, p_call_outcome text default null, p_retry_after integer default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    application public.applications;
    ended       boolean := p_outcome <> 'open';
    details     jsonb := coalesce(p_details, '{}') || jsonb_build_object('reason', p_reason);
    waits       boolean;
    new_status  public.application_status_type;
    new_details jsonb;
begin
    if p_outcome is null or p_outcome not in ('not_started', 'open', 'released', 'absent') then
        perform private.refuse('invalid_input', 422, 'the outcome is none of not_started, open, released, absent');
    end if;

    select * into application from public.applications where id = p_application_id for no key update;
    if application.id is null then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;
    if application.submission_id is distinct from p_submission_id or p_submission_id is null then
        return jsonb_build_object('outcome', 'superseded', 'status', application.status,
                                  'queued', application.submission_job_id is not null);
    end if;

    -- Whoever took it back or decided otherwise in the meantime does not wait for Skyvern.
    waits := p_queue_after is not null and p_outcome in ('not_started', 'open')
             and application.status = 'PENDING_SKYVERN_SUBMISSION' and application.deleted_at is null;
    new_status := application.status;
    new_details := application.status_details;
    -- What the person decided in the meantime stands, with its details, as does the proof of an earlier run.
    if not private.needs_no_run(application.status) then
        case p_outcome
            when 'not_started' then
                if waits then
                    new_details := details || jsonb_build_object('submission', 'queued');
                else
                    new_status := 'FAILED_SKYVERN_SUBMISSION';
                    new_details := details;
                end if;
            when 'released' then
                if application.status = 'PENDING_SKYVERN_SUBMISSION' then
                    new_status := application.submission_previous_status;
                end if;
            else
                new_details := details || jsonb_build_object('submission', p_outcome);
        end case;
    end if;

    perform private.attribute_events(case p_outcome when 'absent' then 'reconciler' else 'initiate' end, p_reason);
    update public.applications
    set status = new_status,
        status_details = new_details,
        submission_id = case when not ended then submission_id end,
        submission_title = case when not ended then submission_title end,
        submission_started_at = case when not ended then submission_started_at end,
        submission_lease_expires_at = case when not ended then clock_timestamp() end,
        submission_outcome = case when not ended then 'open' end,
        submission_resume_path = case when not ended then submission_resume_path end,
        submission_previous_status = case when not ended then submission_previous_status end,
        -- The key must not give a repeated request an older run.
        submission_idempotency_key = case when not ended or waits or submission_job_id is not null
                                          then submission_idempotency_key end,
        -- An open submission that was not to wait is found out about, and no more.
        submission_job_id = case when p_outcome <> 'open' or waits then submission_job_id end
    where id = application.id;
    if p_outcome = 'released' or (p_outcome = 'not_started' and waits) then
        delete from private.application_runs where submission_id = p_submission_id;
    elsif ended then
        update private.application_runs set ended_at = clock_timestamp() where submission_id = p_submission_id;
    end if;
    if waits and application.submission_job_id is null then
        perform private.queue_submission(application, p_queue_after);
    end if;
    if p_call_outcome is not null then
        perform private.note_vendor_call('skyvern', p_call_outcome, p_retry_after);
    end if;

    return jsonb_build_object('outcome', 'recorded', 'status', new_status, 'queued', waits);
end
$$;
revoke all on function public.record_submission_failure(uuid, uuid, text, text, jsonb, integer, text, integer)
    from public, anon, authenticated, service_role;
grant execute on function public.record_submission_failure(uuid, uuid, text, text, jsonb, integer, text, integer) to service_role;
comment on function public.record_submission_failure(uuid, uuid, text, text, jsonb, integer, text, integer) is
    'Records that a claim started no run, or that nobody knows. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the application whose current submission id (the fencing token) the caller knows; four outcomes; a '
    'person''s decision and an earlier run''s proof stand; one job for each submission that waits.';
