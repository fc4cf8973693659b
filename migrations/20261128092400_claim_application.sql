-- First step of an application through Skyvern: the caller that claims it may start the one run, all others are told
-- how far it is. Because of the row lock, any number of calls at once agree on one submission.

-- True for a path in the person's own folder. Segments that a URL resolves away are refused too, since `<own
-- id>/../<other id>/cv.pdf` names another person's file once something resolves it.
create or replace function private.is_own_file(p_path text, p_user_id uuid)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select starts_with(p_path, p_user_id::text || '/') and p_path !~ '(^|/)\.{0,2}(/|$)'
$$;
revoke all on function private.is_own_file(text, uuid) from public, anon, authenticated, service_role;

-- What both ways to claim an application have in common: a person's call, and the background job that hands over a
-- submission that had to wait (`p_job_id`; null for a person's call). Returns an outcome:
--   claimed          with everything that the run needs
--   already_started  {run_id, status}
--   in_progress      another call is at it
--   open             an earlier submission {submission_id, title, seconds_ago}, of which nobody knows the outcome
--   queued           {status}: a person's call; the submission waits until Skyvern takes it
--   paused           {retry_after_seconds}: a job; it still does not
--   superseded       a job: the submission that it is about waits no more
--   expired          a job: its submission has waited for too long
create or replace function private.claim_application_of(
    p_user_id uuid, p_application_id uuid, p_idempotency_key text, p_apply_again boolean, p_job_id uuid)
    returns jsonb
    language plpgsql
    set search_path = ''
as $$
declare
    -- How long a caller has to start the run and record it. After that nobody knows whether a run started.
    lease       constant interval := '60 seconds';
    -- How long a submission waits for Skyvern.
    patience    constant interval := '24 hours';
    person      public.users;
    application public.applications;
    sent        record;
    submission  uuid := gen_random_uuid();
    resume_path text;
    pause       integer;
begin
    -- Claims of one person wait for each other, so that of two drafts for one posting one is sent, and the limits are
    -- exact. Not by the person's row, which is locked after applications; this lock comes before any row.
    perform pg_advisory_xact_lock(hashtextextended('claims_of_person:' || p_user_id, 0));
    select * into person from public.users where id = p_user_id;
    if person.id is null then
        if p_job_id is not null then
            return jsonb_build_object('outcome', 'superseded');
        end if;
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    if char_length(p_idempotency_key) not between 1 and 255 then
        perform private.refuse('invalid_input', 422, 'an idempotency key has 1 to 255 characters');
    end if;

    select * into application
    from public.applications
    where id = p_application_id and user_id = person.id and deleted_at is null
    for no key update;
    if p_job_id is not null and application.submission_job_id is distinct from p_job_id then
        return jsonb_build_object('outcome', 'superseded');
    end if;
    if application.id is null then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;
    if exists (select from public.applications
               where user_id = person.id and submission_idempotency_key = p_idempotency_key
                 and id <> application.id) then
        perform private.refuse('idempotency_key_reused', 422, 'this idempotency key belongs to another application');
    end if;

    if application.skyvern_task_id is not null and application.submission_id is null
       and (application.status = 'PROCESSING_BY_SKYVERN'
            or application.submission_idempotency_key = p_idempotency_key) then
        return jsonb_build_object('outcome', 'already_started', 'run_id', application.skyvern_task_id,
                                  'status', application.status);
    end if;
    if application.status not in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then
        perform private.refuse('application_wrong_status', 409,
            format('the application cannot be started while its status is %s', application.status),
            application.status::text);
    end if;
    if application.submission_id is not null
       and application.submission_outcome = 'started'
       and application.submission_lease_expires_at > clock_timestamp() then
        return jsonb_build_object('outcome', 'in_progress');
    end if;
    if p_job_id is null and private.is_waiting(application.submission_job_id) then
        return jsonb_build_object('outcome', 'queued', 'status', application.status);
    end if;
    if application.submission_id is not null then
        return jsonb_build_object('outcome', 'open', 'submission_id', application.submission_id,
                                  'title', application.submission_title,
                                  'seconds_ago', floor(extract(epoch from
                                      clock_timestamp() - application.submission_started_at)));
    end if;
    if p_job_id is not null and exists (select from public.background_jobs
                                        where id = p_job_id and created_at <= clock_timestamp() - patience) then
        return jsonb_build_object('outcome', 'expired');
    end if;

    if exists (select from public.user_preferences as preferences, unnest(preferences.excluded_companies) as company
               where preferences.user_id = person.id
                 and private.company_key(company) = private.company_key(application.company_name)) then
        perform private.refuse('company_excluded', 409,
            format('%s is among the companies that you exclude', application.company_name));
    end if;
    if not coalesce(p_apply_again, false) then
        select * into sent from private.sent_application(application);
        if sent.id is not null then
            perform private.refuse('already_applied', 409,
                case when sent.id = application.id
                     then format('this application may have been sent before: it became %s', sent.status)
                     else format('another application for this posting was or may have been sent: it is %s',
                                 sent.status)
                end,
                jsonb_build_object('application_id', sent.id, 'application_status', sent.status)::text);
        end if;
    end if;

    resume_path := coalesce(
        -- The person's choice for this application.
        case when application.resume_url_used is distinct from application.resume_url_recorded
             then application.resume_url_used end,
        (select file_url from public.resumes where user_id = person.id and is_primary),
        person.current_resume_url,
        application.resume_url_used);
    if resume_path is null or not private.is_own_file(resume_path, person.id) then
        perform private.refuse('resume_missing', 422, 'there is no résumé to apply with');
    end if;

    perform private.refuse_beyond_application_limits(person, application.id);

    -- Last, since it may give this call the one trial, and nothing else must stand in its way.
    pause := private.pass_circuit_breaker('skyvern');
    if pause is not null and p_job_id is not null then
        return jsonb_build_object('outcome', 'paused', 'retry_after_seconds', pause);
    end if;
    perform private.attribute_events(case when p_job_id is null then 'initiate' else 'queue' end);
    begin
        if pause is not null then
            update public.applications
            set status = 'PENDING_SKYVERN_SUBMISSION',
                status_details = jsonb_build_object('reason', 'skyvern_paused', 'submission', 'queued'),
                submission_idempotency_key = p_idempotency_key,
                submission_apply_again = coalesce(p_apply_again, false)
            where id = application.id;
            perform private.queue_submission(application, pause);
            return jsonb_build_object('outcome', 'queued', 'status', 'PENDING_SKYVERN_SUBMISSION');
        end if;
        update public.applications
        set status = 'PENDING_SKYVERN_SUBMISSION',
            submission_id = submission,
            submission_title = 'jobraker-' || submission,
            submission_started_at = clock_timestamp(),
            submission_lease_expires_at = clock_timestamp() + lease,
            submission_outcome = 'started',
            submission_resume_path = resume_path,
            submission_previous_status = status,
            submission_idempotency_key = p_idempotency_key,
            submission_apply_again = coalesce(p_apply_again, false),
            submission_job_id = p_job_id
        where id = application.id;
    exception
        when unique_violation then -- another application was claimed with this key at the same moment
            perform private.refuse('idempotency_key_reused', 422,
                'this idempotency key belongs to another application');
    end;
    insert into private.application_runs (submission_id, application_id, user_id)
    values (submission, application.id, person.id);

    return jsonb_build_object(
        'outcome', 'claimed',
        'submission_id', submission,
        'title', 'jobraker-' || submission,
        'application', jsonb_build_object(
            'id', application.id, 'job_title', application.job_title, 'company_name', application.company_name,
            'job_url', application.job_url),
        'resume_path', resume_path,
        'resume_filename', coalesce(
            (select file_name from public.resumes
             where user_id = person.id and file_url = resume_path order by is_primary desc, uploaded_at desc limit 1),
            case when resume_path = person.current_resume_url then person.current_resume_filename end,
            storage.filename(resume_path)),
        -- A cover letter is optional, so one outside the person's folder is left out as if there were none.
        'cover_letter_path', case when private.is_own_file(application.cover_letter_url_used, person.id)
                                  then application.cover_letter_url_used end,
        'person', jsonb_build_object(
            'id', person.id, 'full_name', person.full_name, 'email', person.email,
            'phone_number', person.phone_number, 'linkedin_profile_url', person.linkedin_profile_url,
            'portfolio_url', person.portfolio_url),
        'preferences', (select to_jsonb(preferences) - 'user_id' - 'updated_at' - 'excluded_companies'
                        from public.user_preferences as preferences where user_id = person.id));
end
$$;
revoke all on function private.claim_application_of(uuid, uuid, text, boolean, uuid)
    from public, anon, authenticated, service_role;

create or replace function public.claim_application(
    p_application_id uuid, p_idempotency_key text default null, p_apply_again boolean default false)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    perform private.refuse_impersonation();
    return private.claim_application_of(
        public.current_user_id(), p_application_id, p_idempotency_key, p_apply_again, null);
end
$$;
revoke all on function public.claim_application(uuid, text, boolean) from public, anon, authenticated, service_role;
grant execute on function public.claim_application(uuid, text, boolean) to authenticated;
comment on function public.claim_application(uuid, text, boolean) is
    'Claims one of the caller''s applications, to start its one run. '
    'Definer: it writes the submission and the status, which no person may write, and refuses through private.refuse. '
    'Bounds: only an application of the caller''s that may be started; one posting once, unless the caller says that '
    'it is meant; as many runs as the tier allows; files only from the caller''s own folder; the key has 1 to 255 '
    'characters.';
