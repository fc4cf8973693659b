-- Nobody applies twice for one posting without meaning it.

-- Whether a submission, by its row in private.application_runs, may have reached the employer. It has not when no run
-- was started, and when the run says what stopped it before it could send the form. A run that failed otherwise, or of
-- which nothing is known, may have pressed the button.
create or replace function private.may_have_been_sent(p_run private.application_runs)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select not (p_run.run_id is null and p_run.started_at is null and p_run.ended_at is not null)
       and coalesce(p_run.outcome not in ('job_closed', 'login_required', 'missing_information', 'captcha_blocked',
                                          'resume_upload_failed'), true)
$$;
revoke all on function private.may_have_been_sent(private.application_runs)
    from public, anon, authenticated, service_role;

-- Whether a submission waits in the queue as this job. One that is dead does not come back for it.
create or replace function private.is_waiting(p_job_id uuid)
    returns boolean
    language sql
    stable
    set search_path = ''
as $$
    select exists (select from public.background_jobs where id = p_job_id and status in ('pending', 'processing'))
$$;
revoke all on function private.is_waiting(uuid) from public, anon, authenticated, service_role;

-- The latest application of the same person for the same posting that was or may have been sent, or will be as soon as
-- Skyvern takes it; the very application that is asked about, too, after an earlier submission of it. One that was
-- deleted counts: it was sent all the same. The status is the one that says most: what came of it, not that it was made
-- a draft again.
create or replace function private.sent_application(
    p_application public.applications, out id uuid, out status public.application_status_type)
    language sql
    stable
    set search_path = ''
as $$
    select
        earlier.id,
        coalesce(
            case when earlier.status in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then (
                select to_status from public.application_events
                where application_id = earlier.id and user_id = earlier.user_id
                  and to_status not in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION')
                order by position desc
                limit 1) end,
            earlier.status)
    from public.applications as earlier
    where earlier.user_id = p_application.user_id
      and (earlier.posting_key = any (array[p_application.posting_key, 'adzuna:' || p_application.adzuna_job_id])
           or earlier.adzuna_job_id = any (
               array[p_application.adzuna_job_id, substring(p_application.posting_key from '^adzuna:(.*)$')]))
      and (earlier.status in ('PROCESSING_BY_SKYVERN', 'SUBMITTED_BY_SKYVERN', 'APPLIED_MANUALLY',
                              'INTERVIEW_SCHEDULED', 'OFFER_RECEIVED', 'REJECTED_BY_COMPANY')
           or (earlier.id <> p_application.id and private.is_waiting(earlier.submission_job_id))
           or exists (select from private.application_runs as run
                      where run.application_id = earlier.id and private.may_have_been_sent(run)))
    order by earlier.last_status_update_at desc
    limit 1
$$;
revoke all on function private.sent_application(public.applications) from public, anon, authenticated, service_role;

-- What a run came to is kept beside it: the application's details tell only of its last one. A trigger, so that no code
-- path can forget it. The person's own decision leaves the details as they are, and so the outcome unknown.
--
-- Not what the details say at the start, where they are about the next submission: that it waits, or came to nothing, says
-- nothing about the run before. Nor what is the proof of another run, which they name then.
create or replace function private.note_outcome_of_run()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    update private.application_runs set outcome = left(new.status_details ->> 'reason', 100)
    where run_id = new.skyvern_task_id;
    return null;
end
$$;
revoke all on function private.note_outcome_of_run() from public, anon, authenticated, service_role;
comment on function private.note_outcome_of_run() is
    'Keeps what a run came to. '
    'Definer: nobody may write application_runs. '
    'Bounds: a trigger function, which nobody can call: it writes only about the run of the row that is being changed.';

create or replace trigger on_application_details_changed_note_outcome_of_run
    after update of status_details on public.applications
    for each row when (new.skyvern_task_id is not null and new.submission_id is null
                       and old.status not in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION')
                       and coalesce(new.status_details ->> 'run_id', new.skyvern_task_id) = new.skyvern_task_id
                       and new.status_details ->> 'reason' is distinct from old.status_details ->> 'reason')
    execute function private.note_outcome_of_run();
