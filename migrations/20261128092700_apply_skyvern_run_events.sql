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
-- without a message. About an application that the person deleted only that it was sent all the same.
create or replace function private.tell_of_application(
    p_application public.applications, p_status public.application_status_type, p_message jsonb)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    title   text;
    message text;
begin
    if p_application.deleted_at is not null then
        p_message := case when p_status = 'SUBMITTED_BY_SKYVERN' then private.message_of_late_stop() end;
    end if;
    title := left(private.name_the_posting(p_message ->> 'title', p_application), 300);
    message := left(private.name_the_posting(p_message ->> 'message', p_application), 4000);
    if title is null then
        return null;
    end if;
    return (private.notify_person(
        p_application.user_id, 'APPLICATION_STATUS_UPDATE', title, message, p_application.id, 'application',
        jsonb_build_object('application_id', p_application.id, 'status', p_status))).push_job_id;
end
$$;
revoke all on function private.tell_of_application(
    public.applications, public.application_status_type, jsonb) from public, anon, authenticated, service_role;

-- Skyvern does not stop at once, and may have been done before it was told to.
create or replace function private.message_of_late_stop()
    returns jsonb
    language sql
    immutable
    set search_path = ''
as $$
    select jsonb_build_object(
        'title', 'It had been sent already',
        'message', 'Your application for {job_title} at {company_name} was sent before it could be stopped.')
$$;
revoke all on function private.message_of_late_stop() from public, anon, authenticated, service_role;

-- When the run is over it no longer counts as in progress; an attempt that follows puts it in progress again. Not if the
-- run was cancelled, or its application erased: then it is late news, and nobody would hear of the end again.
create or replace function private.note_end_of_run(p_run_id text, p_run_status text, p_retry_pending boolean)
    returns void
    language sql
    set search_path = ''
as $$
    update private.application_runs
    set ended_at = case
        when private.is_final_skyvern_status(p_run_status) and not p_retry_pending
            then coalesce(ended_at, clock_timestamp())
        when application_id is null
             or exists (select from public.background_jobs
                        where dedupe_key in ('cancel_skyvern_run:' || run_id, 'cancel_skyvern_run:' || submission_id))
            then ended_at end
    where run_id = p_run_id
$$;
revoke all on function private.note_end_of_run(text, text, boolean) from public, anon, authenticated, service_role;

-- Whether the run has proven before that it sent the application: another attempt may prove it again. The ledger knows
-- after the application is erased, too.
create or replace function private.has_proven_run(p_run_id text)
    returns boolean
    language sql
    stable
    set search_path = ''
as $$
    select exists (select from private.application_runs where run_id = p_run_id and outcome = 'submitted')
$$;
revoke all on function private.has_proven_run(text) from public, anon, authenticated, service_role;

create or replace function private.note_proof_of_run(p_run_id text)
    returns void
    language sql
    set search_path = ''
as $$
    update private.application_runs set outcome = 'submitted' where run_id = p_run_id
$$;
revoke all on function private.note_proof_of_run(text) from public, anon, authenticated, service_role;

-- A run proves that an application was sent which is not to be moved by it: its person decided otherwise, or another
-- run has sent it too. The proof is kept in the details and in the history, and the person is told the truth, unless
-- their decision says that they know. Returns the push job.
create or replace function private.keep_proof_of_run(
    p_application public.applications, p_run_id text, p_details jsonb, p_source text)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    is_second constant boolean := p_application.status = 'SUBMITTED_BY_SKYVERN';
    -- What does not wait for an answer: after an interview nobody wonders whether the application was sent.
    is_news   constant boolean := is_second or private.is_decision_against_run(p_application.status);
    proof     constant jsonb := p_details || jsonb_build_object('run_id', p_run_id);
    reason    constant text := case
        when is_second then 'sent_twice'
        when p_application.status = 'WITHDRAWN_BY_USER' then 'sent_despite_withdrawal'
        when is_news then 'sent_despite_decision'
        else 'submitted' end;
begin
    if private.has_proven_run(p_run_id) then
        return null;
    end if;
    update public.applications
    set status_details = coalesce(status_details, '{}') || case
            when is_second then jsonb_build_object('sent_twice', proof)
            else proof || jsonb_build_object('reason', reason) end
    where id = p_application.id;
    insert into public.application_events (application_id, user_id, from_status, to_status, source, reason)
    values (p_application.id, p_application.user_id, p_application.status, p_application.status, p_source, reason);
    perform private.note_proof_of_run(p_run_id);
    return private.tell_of_application(p_application, p_application.status, case
        when is_second then jsonb_build_object(
            'title', 'Sent twice', 'message', 'Your application for {job_title} at {company_name} was sent twice.')
        when is_news then private.message_of_late_stop() end);
end
$$;
revoke all on function private.keep_proof_of_run(public.applications, text, jsonb, text)
    from public, anon, authenticated, service_role;

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
    decided   public.application_status_type := p_decision ->> 'status';
    details   jsonb := nullif(p_decision -> 'status_details', 'null'::jsonb);
    message   jsonb := nullif(p_decision -> 'notification', 'null'::jsonb);
    reason    text := left(coalesce(details ->> 'reason', 'skyvern_' || p_run_status), 500);
    is_proven boolean := decided = 'SUBMITTED_BY_SKYVERN';
    -- What the person decided, and what an earlier run has proven, which names its run in the details.
    stands    boolean := private.is_decision_of_person(p_application.status)
                         or (p_application.status = 'SUBMITTED_BY_SKYVERN' and p_application.status_details ? 'run_id');
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

    perform private.note_end_of_run(p_application.skyvern_task_id, p_run_status, p_retry_pending);

    -- A run that was given up for being overdue is cancelled, and only that is what `canceled` says: it may have been
    -- sent before. What says more is believed.
    if stands
       or (p_application.status = 'REQUIRES_ATTENTION_MANUAL_REVIEW'
           and p_application.status_details ->> 'reason' = 'run_overdue'
           and (decided = 'PROCESSING_BY_SKYVERN' or p_run_status = 'canceled')) then
        update public.applications
        set skyvern_run_status = p_run_status,
            skyvern_run_attempt = p_attempt,
            skyvern_run_retry_pending = p_retry_pending
        where id = p_application.id;
        if is_proven then
            push_job_id := private.keep_proof_of_run(p_application, p_application.skyvern_task_id, details, p_source);
        else
            insert into public.application_events (application_id, user_id, from_status, to_status, source, reason)
            values (p_application.id, p_application.user_id, p_application.status, p_application.status, p_source,
                    reason);
        end if;
        outcome := 'kept';
        return;
    end if;

    if is_proven and p_application.deleted_at is not null then
        reason := 'sent_despite_deletion';
    end if;
    perform private.attribute_events(p_source, reason);
    update public.applications as application
    set status = decided,
        status_details = details,
        applied_at = case when is_proven and decided <> application.status
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

-- Applies one event of an earlier run to an application, locked by the caller, that was put back to the start since
-- then. Nothing of it touches the application but the proof that it was sent after all; then what was started since is
-- cancelled, as is the earlier run itself if it is not over. Returns as above; the outcome of what is no proof is
-- `other_run`.
create or replace function private.apply_earlier_skyvern_run_event(
    p_application public.applications, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb,
    p_source text,
    out outcome text, out status public.application_status_type, out push_job_id uuid)
    language plpgsql
    set search_path = ''
as $$
declare
    details jsonb := p_decision -> 'status_details';
begin
    status := p_application.status;
    outcome := 'other_run';
    perform private.note_end_of_run(p_run_id, p_run_status, p_retry_pending);
    perform private.cancel_application_runs(p_application.id, submission_id)
    from private.application_runs where run_id = p_run_id;
    if p_decision ->> 'status' <> 'SUBMITTED_BY_SKYVERN' then
        return;
    end if;

    perform private.cancel_application_runs(p_application.id);
    if p_run_id in (p_application.status_details ->> 'run_id',
                    p_application.status_details #>> '{sent_twice,run_id}') then
        return; -- it is the proof that is there
    elsif private.needs_no_run(p_application.status) then
        push_job_id := private.keep_proof_of_run(p_application, p_run_id, details, p_source);
        outcome := 'kept';
        return;
    end if;
    perform private.attribute_events(p_source, case
        when p_application.deleted_at is null then 'sent_by_earlier_run' else 'sent_despite_deletion' end);
    update public.applications
    set status = 'SUBMITTED_BY_SKYVERN',
        status_details = details || jsonb_build_object('run_id', p_run_id),
        applied_at = clock_timestamp()
    where id = p_application.id;
    perform private.note_proof_of_run(p_run_id);
    status := 'SUBMITTED_BY_SKYVERN';
    outcome := 'applied';
    push_job_id := private.tell_of_application(
        p_application, 'SUBMITTED_BY_SKYVERN', nullif(p_decision -> 'notification', 'null'::jsonb));
end
$$;
revoke all on function private.apply_earlier_skyvern_run_event(
    public.applications, text, text, boolean, jsonb, text) from public, anon, authenticated, service_role;

-- An application that its person erased: nothing of the event is kept, but whether it was sent in spite of that is told,
-- without a word of what is erased. Returns the push job.
create or replace function private.hear_of_erased_application(
    p_run private.application_runs, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
begin
    -- The person before the ledger, in the order in which an account's deletion takes them.
    perform from public.users where id = p_run.user_id for key share;
    if not found then
        return null;
    end if;
    if p_run.run_id is null then
        update private.application_runs set run_id = p_run_id, started_at = clock_timestamp()
        where submission_id = p_run.submission_id;
    end if;
    perform private.note_end_of_run(p_run_id, p_run_status, p_retry_pending);
    if p_decision ->> 'status' is distinct from 'SUBMITTED_BY_SKYVERN' or private.has_proven_run(p_run_id) then
        return null;
    end if;
    perform private.note_proof_of_run(p_run_id);
    return (private.notify_person(
        p_run.user_id, 'APPLICATION_STATUS_UPDATE', 'It had been sent already',
        'An application that you erased was sent before it could be stopped.', null, null, '{}')).push_job_id;
end
$$;
revoke all on function private.hear_of_erased_application(private.application_runs, text, text, boolean, jsonb)
    from public, anon, authenticated, service_role;

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
