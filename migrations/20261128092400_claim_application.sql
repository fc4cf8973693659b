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

create or replace function public.claim_application(p_application_id uuid, p_idempotency_key text default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- How long a caller has to start the run and record it. After that nobody knows whether a run started.
    lease       constant interval := '60 seconds';
    person      public.users;
    application public.applications;
    submission  uuid := gen_random_uuid();
    resume_path text;
begin
    select * into person from public.users where id = public.current_user_id();
    if person.id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    perform private.refuse_impersonation();
    if char_length(p_idempotency_key) not between 1 and 255 then
        perform private.refuse('invalid_input', 422, 'an idempotency key has 1 to 255 characters');
    end if;

    select * into application
    from public.applications
    where id = p_application_id and user_id = person.id and deleted_at is null
    for no key update;
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
    if application.submission_id is not null then
        if application.submission_outcome = 'started'
           and application.submission_lease_expires_at > clock_timestamp() then
            return jsonb_build_object('outcome', 'in_progress');
        end if;
        return jsonb_build_object('outcome', 'open', 'submission_id', application.submission_id,
                                  'title', application.submission_title,
                                  'seconds_ago', floor(extract(epoch from
                                      clock_timestamp() - application.submission_started_at)));
    end if;

    resume_path := coalesce(
        application.resume_url_used, person.current_resume_url,
        (select file_url from public.resumes where user_id = person.id and is_primary));
    if resume_path is null or not private.is_own_file(resume_path, person.id) then
        perform private.refuse('resume_missing', 422, 'there is no résumé to apply with');
    end if;

    perform private.attribute_events('initiate');
    begin
        update public.applications
        set status = 'PENDING_SKYVERN_SUBMISSION',
            submission_id = submission,
            submission_title = 'jobraker-' || submission,
            submission_started_at = clock_timestamp(),
            submission_lease_expires_at = clock_timestamp() + lease,
            submission_outcome = 'started',
            submission_resume_path = resume_path,
            submission_previous_status = status,
            submission_idempotency_key = p_idempotency_key
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
            case when resume_path = person.current_resume_url then person.current_resume_filename end,
            (select file_name from public.resumes
             where user_id = person.id and file_url = resume_path order by is_primary desc, uploaded_at desc limit 1),
            storage.filename(resume_path)),
        -- A cover letter is optional, so one outside the person's folder is left out as if there were none.
        'cover_letter_path', case when private.is_own_file(application.cover_letter_url_used, person.id)
                                  then application.cover_letter_url_used end,
        'person', jsonb_build_object(
            'id', person.id, 'full_name', person.full_name, 'email', person.email,
            'phone_number', person.phone_number, 'linkedin_profile_url', person.linkedin_profile_url,
            'portfolio_url', person.portfolio_url),
        'preferences', (select to_jsonb(preferences) - 'user_id' - 'updated_at'
                        from public.user_preferences as preferences where user_id = person.id));
end
$$;
revoke all on function public.claim_application(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.claim_application(uuid, text) to authenticated;
comment on function public.claim_application(uuid, text) is
    'Claims one of the caller''s applications, to start its one run. '
    'Definer: it writes the submission and the status, which no person may write, and refuses through private.refuse. '
    'Bounds: only an application of the caller''s that may be started; files only from the caller''s own folder; the '
    'key has 1 to 255 characters.';
