-- The schema that the migrations make, written by `cargo xtask db docs`; do not edit.
-- Not shown: what Supabase provides, who owns what (the role `postgres`), and rows.

-- SCHEMA private
CREATE SCHEMA private;

-- TYPE application_status
CREATE TYPE public.application_status AS ENUM (
    'applied',
    'screening',
    'interview',
    'offer',
    'closed',
    'rejected'
);

-- TYPE application_status_type
CREATE TYPE public.application_status_type AS ENUM (
    'DRAFT',
    'PENDING_SKYVERN_SUBMISSION',
    'PROCESSING_BY_SKYVERN',
    'SUBMITTED_BY_SKYVERN',
    'REQUIRES_ATTENTION_USER_INPUT',
    'REQUIRES_ATTENTION_MANUAL_REVIEW',
    'FAILED_SKYVERN_SUBMISSION',
    'FAILED_APPLICATION',
    'APPLIED_MANUALLY',
    'INTERVIEW_SCHEDULED',
    'OFFER_RECEIVED',
    'REJECTED_BY_COMPANY',
    'WITHDRAWN_BY_USER'
);

-- TYPE employment_type
CREATE TYPE public.employment_type AS ENUM (
    'full-time',
    'part-time',
    'contract',
    'internship',
    'temporary'
);

-- TYPE h1b_sponsor_status
CREATE TYPE public.h1b_sponsor_status AS ENUM (
    'unknown',
    'sponsor',
    'not_sponsor'
);

-- TYPE job_status
CREATE TYPE public.job_status AS ENUM (
    'pending',
    'processing',
    'completed',
    'failed'
);

-- TYPE notification_type
CREATE TYPE public.notification_type AS ENUM (
    'APPLICATION_STATUS_UPDATE',
    'NEW_JOB_MATCH_SAVED_SEARCH',
    'PROFILE_REMINDER',
    'GENERAL_ANNOUNCEMENT'
);

-- TYPE user_role
CREATE TYPE public.user_role AS ENUM (
    'seeker',
    'provider',
    'admin'
);

-- TYPE user_tier
CREATE TYPE public.user_tier AS ENUM (
    'free',
    'pro',
    'h1b_pro',
    'career_insurance',
    'enterprise'
);

-- TYPE work_preference_type
CREATE TYPE public.work_preference_type AS ENUM (
    'remote',
    'hybrid',
    'onsite'
);

-- FUNCTION address_of_account(auth.users)
CREATE FUNCTION private.address_of_account(p_account auth.users) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select nullif(p_account.email, '')
    where p_account.email_confirmed_at is not null or p_account.raw_app_meta_data ->> 'clerk_id' <> ''
$$;

-- FUNCTION after_quiet_hours(timestamp with time zone, text, smallint, smallint)
CREATE FUNCTION private.after_quiet_hours(p_moment timestamp with time zone, p_timezone text, p_quiet_start smallint, p_quiet_end smallint) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case
        when case when p_quiet_start <= p_quiet_end then hour >= p_quiet_start and hour < p_quiet_end
                  else hour >= p_quiet_start or hour < p_quiet_end end
        then (midnight + make_interval(days => (hour >= p_quiet_end)::integer, hours => p_quiet_end))
                 at time zone p_timezone
        else p_moment end
    from (select date_trunc('day', p_moment at time zone p_timezone) as midnight,
                 extract(hour from p_moment at time zone p_timezone) as hour) as clock
$$;

-- FUNCTION current_user_id()
CREATE FUNCTION public.current_user_id() RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    subject text;
begin
    subject := private.token_subject();
    if subject is null then
        return null;
    end if;
    if subject ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
        return (select id from public.users where id = subject::uuid);
    end if;
    return (select id from public.users where clerk_user_id = subject);
exception
    when data_exception then -- claims that are not JSON, or text that PostgreSQL cannot store
        return null;
end
$_$;

-- COMMENT FUNCTION current_user_id()
COMMENT ON FUNCTION public.current_user_id() IS 'The id of the person behind the verified token, or null. Definer: it reads users, whose policies call it. Bounds: it takes no arguments; the claims are those that PostgREST has verified, and malformed ones give null, as do those of an unfinished sign-in or of a foreign front end.';

-- TABLE saved_searches
CREATE TABLE public.saved_searches (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid DEFAULT public.current_user_id() NOT NULL,
    search_name text NOT NULL,
    search_query jsonb NOT NULL,
    schema_version integer DEFAULT 1 NOT NULL,
    notify_new_jobs boolean DEFAULT true,
    last_run_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT saved_searches_check_search_name CHECK (((char_length(search_name) >= 1) AND (char_length(search_name) <= 200))),
    CONSTRAINT saved_searches_check_search_query CHECK (((jsonb_typeof(search_query) = 'object'::text) AND (octet_length((search_query)::text) <= 10000)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02', fillfactor='85');

-- COMMENT TABLE saved_searches
COMMENT ON TABLE public.saved_searches IS 'Searches that a person keeps, to run again and to be told of new postings.';

-- FUNCTION alert_due_at(public.saved_searches, timestamp with time zone)
CREATE FUNCTION private.alert_due_at(p_search public.saved_searches, p_since timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select case
        when not private.is_alert_wanted(p_search) then null
        when p_search.last_run_at >= p_since then private.next_alert_of_person(
            p_search.user_id, p_search.search_query, p_search.last_run_at)
        else clock_timestamp() end
$$;

-- FUNCTION alert_frequency(uuid)
CREATE FUNCTION private.alert_frequency(p_user_id uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select case when coalesce(preference.receive_job_alerts, true)
                then coalesce(preference.alert_frequency, 'daily') end
    from (values (p_user_id)) as person (id)
    left join public.user_preferences as preference on preference.user_id = person.id
$$;

-- FUNCTION application_run_deadline()
CREATE FUNCTION private.application_run_deadline() RETURNS interval
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select deadline from private.application_run_limits
$$;

-- FUNCTION posting_key(text)
CREATE FUNCTION private.posting_key(p_job_url text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $_$
declare
    uuid       constant text := '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    -- Who sent the reader, and in which language the page is shown: never which posting it is.
    tracking   constant text := '^(utm_.*|fbclid|gclid|gclsrc|gbraid|wbraid|dclid|msclkid|twclid|ttclid|li_fat_id|igshid'
        || '|yclid|mc_cid|mc_eid|_ga|_gl|_hsenc|_hsmi|mkt_tok|gh_src|lever[-_](source|origin|via)(\[\])?'
        || '|ashby_jid_source|oga|dcr_ci|trk|trackingid|refid|originalsubdomain|lang|language|locale)$';
    -- On a site of an employer's own these may say which posting it is.
    referring  constant text := '^(ref|referrer|source|src|from|embed)$';
    systems    constant text := '(^|\.)(greenhouse\.io|lever\.co|ashbyhq\.com|workable\.com|smartrecruiters\.com'
        || '|recruitee\.com|personio\.(de|com))$';
    -- Browsers take these three out of an address, and read a backslash as a slash.
    address    constant text := translate(btrim(p_job_url), E'\\\t\n\r', '/');
    parts      constant text[] := regexp_match(
        address,
        '^https?://(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:@]+)(?::([0-9]*))?(/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?$', 'i');
    host       text;
    path       text;
    parameters text[] := '{}';
    key        text;
begin
    if parts is null then
        key := 'url:' || address;
    else
        host := regexp_replace(rtrim(lower(parts[1]), '.'), '^www\.', '');
        path := coalesce(parts[3], '');
        if parts[4] <> '' then
            parameters := array(
                select parameter from unnest(string_to_array(parts[4], '&')) as parameter
                where parameter <> ''
                  and lower(split_part(parameter, '=', 1)) !~ tracking
                  and (host !~ systems or lower(split_part(parameter, '=', 1)) !~ referring)
                group by parameter
                order by parameter collate "C");
        end if;

        key := case
            when host ~ '(^|\.)adzuna\.[a-z]{2,3}(\.[a-z]{2})?$' then
                'adzuna:' || substring(path from '/(?:land/ad|details)/([0-9]+)(?:/|$)')
            when host ~ '(^|\.)greenhouse\.io$' then
                -- An embedded form names the posting `token`. Where a path and `gh_jid` differ, nobody knows.
                case when path ~ '^/embed/job_app/*$' then
                         'greenhouse:' || (select substring(parameter from '^token=([0-9]+)$')
                                           from unnest(parameters) as parameter
                                           where parameter ~ '^token=[0-9]+$' limit 1)
                     when not exists (
                         select from unnest(parameters) as parameter
                         where parameter ~ '^gh_jid='
                           and parameter <> 'gh_jid=' || coalesce(substring(path from '/jobs/([0-9]+)(?:/|$)'), ''))
                     then 'greenhouse:' || substring(path from '^(?:/v1/boards)?/[^/]+/jobs/([0-9]+)(?:/|$)') end
            when host in ('jobs.lever.co', 'jobs.eu.lever.co') then
                'lever:' || substring(lower(path) from '^/[^/]+/(' || uuid || ')(?:/|$)')
            when host in ('api.lever.co', 'api.eu.lever.co') then
                'lever:' || substring(lower(path) from '^/v0/postings/[^/]+/(' || uuid || ')(?:/|$)')
            when host = 'jobs.ashbyhq.com' then
                'ashby:' || substring(lower(path) from '^/[^/]+/(' || uuid || ')(?:/|$)')
            when host = 'apply.workable.com' then
                'workable:' || upper(substring(path from '^(?:/[^/]+)?/j/([0-9A-Za-z]+)(?:/|$)'))
            when host in ('jobs.smartrecruiters.com', 'careers.smartrecruiters.com') then
                'smartrecruiters:' || coalesce(
                    substring(path from '/([0-9]{6,})(?:-[^/]*)?/*$'),
                    substring(lower(path) from '/publication/(' || uuid || ')(?:/|$)'))
            when host ~ '^[a-z0-9-]+\.recruitee\.com$' then
                'recruitee:' || host || ':' || substring(lower(path) from '^/o/([^/]+)(?:/|$)')
            when host ~ '^[a-z0-9-]+\.jobs\.personio\.(de|com)$' then
                'personio:' || split_part(host, '.', 1) || ':' || substring(path from '^/job/([0-9]+)(?:/|$)')
            when parameters <> '{}' then coalesce(
                -- An employer's own page around a form of one of these systems.
                (select 'greenhouse:' || substring(parameter from '=([0-9]+)$') from unnest(parameters) as parameter
                 where parameter ~ '^gh_jid=[0-9]+$' limit 1),
                (select 'ashby:' || lower(substring(parameter from '=(.*)$')) from unnest(parameters) as parameter
                 where parameter ~* ('^ashby_jid=' || uuid || '$') limit 1))
        end;
        key := coalesce(key, 'url:' || host
            || case when coalesce(parts[2], '') in ('', '80', '443') then '' else ':' || parts[2] end
            || rtrim(path, '/')
            || case when parameters = '{}' then '' else '?' || array_to_string(parameters, '&') end
            -- Single-page sites name the posting behind `#/`.
            || case when parts[5] ~ '^[^:]*/' then '#' || rtrim(parts[5], '/') else '' end);
    end if;
    -- An entry of an index has a length limit.
    return case when octet_length(key) <= 500 then key
                else 'sha256:' || encode(sha256(convert_to(key, 'UTF8')), 'hex') end;
end
$_$;

-- TABLE applications
CREATE TABLE public.applications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid DEFAULT public.current_user_id() NOT NULL,
    job_title text NOT NULL,
    company_name text NOT NULL,
    job_url text NOT NULL,
    posting_key text GENERATED ALWAYS AS (private.posting_key(job_url)) STORED NOT NULL,
    adzuna_job_id text,
    skyvern_task_id text,
    status public.application_status_type DEFAULT 'DRAFT'::public.application_status_type NOT NULL,
    stage public.application_status GENERATED ALWAYS AS (
CASE status
    WHEN 'SUBMITTED_BY_SKYVERN'::public.application_status_type THEN 'applied'::public.application_status
    WHEN 'APPLIED_MANUALLY'::public.application_status_type THEN 'applied'::public.application_status
    WHEN 'INTERVIEW_SCHEDULED'::public.application_status_type THEN 'interview'::public.application_status
    WHEN 'OFFER_RECEIVED'::public.application_status_type THEN 'offer'::public.application_status
    WHEN 'REJECTED_BY_COMPANY'::public.application_status_type THEN 'rejected'::public.application_status
    WHEN 'FAILED_APPLICATION'::public.application_status_type THEN 'closed'::public.application_status
    WHEN 'WITHDRAWN_BY_USER'::public.application_status_type THEN 'closed'::public.application_status
    ELSE NULL::public.application_status
END) STORED,
    status_details jsonb,
    schema_version integer DEFAULT 1 NOT NULL,
    applied_at timestamp with time zone,
    last_status_update_at timestamp with time zone DEFAULT now() NOT NULL,
    notes text,
    resume_url_used text,
    resume_url_recorded text,
    cover_letter_url_used text,
    application_source text DEFAULT 'JOBRAKER_AUTOMATED'::text,
    skyvern_run_status text,
    skyvern_run_attempt integer,
    skyvern_run_retry_pending boolean DEFAULT false NOT NULL,
    skyvern_heard_at timestamp with time zone,
    submission_id uuid,
    submission_title text,
    submission_started_at timestamp with time zone,
    submission_lease_expires_at timestamp with time zone,
    submission_outcome text,
    submission_resume_path text,
    submission_previous_status public.application_status_type,
    submission_idempotency_key text,
    submission_apply_again boolean DEFAULT false NOT NULL,
    submission_job_id uuid,
    deleted_at timestamp with time zone,
    deleted_by uuid,
    deletion_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT applications_check_adzuna_job_id CHECK (((char_length(adzuna_job_id) >= 1) AND (char_length(adzuna_job_id) <= 100))),
    CONSTRAINT applications_check_application_source CHECK ((application_source ~ '^[A-Z_]{1,50}$'::text)),
    CONSTRAINT applications_check_company_name CHECK (((char_length(company_name) >= 1) AND (char_length(company_name) <= 300))),
    CONSTRAINT applications_check_cover_letter_url_used CHECK (((char_length(cover_letter_url_used) >= 1) AND (char_length(cover_letter_url_used) <= 1024))),
    CONSTRAINT applications_check_deletion_reason CHECK ((char_length(deletion_reason) <= 1000)),
    CONSTRAINT applications_check_job_title CHECK (((char_length(job_title) >= 1) AND (char_length(job_title) <= 300))),
    CONSTRAINT applications_check_job_url CHECK (((char_length(job_url) >= 1) AND (char_length(job_url) <= 2083))),
    CONSTRAINT applications_check_notes CHECK ((char_length(notes) <= 10000)),
    CONSTRAINT applications_check_resume_url_used CHECK (((char_length(resume_url_used) >= 1) AND (char_length(resume_url_used) <= 1024))),
    CONSTRAINT applications_check_skyvern_task_id CHECK (((char_length(skyvern_task_id) >= 1) AND (char_length(skyvern_task_id) <= 200))),
    CONSTRAINT applications_check_status_details CHECK ((jsonb_typeof(status_details) = 'object'::text)),
    CONSTRAINT applications_check_submission CHECK ((((submission_id IS NULL) = (submission_outcome IS NULL)) AND ((submission_id IS NULL) = (submission_title IS NULL)) AND ((submission_id IS NULL) = (submission_started_at IS NULL)))),
    CONSTRAINT applications_check_submission_idempotency_key CHECK (((char_length(submission_idempotency_key) >= 1) AND (char_length(submission_idempotency_key) <= 255))),
    CONSTRAINT applications_check_submission_outcome CHECK ((submission_outcome = ANY (ARRAY['started'::text, 'open'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02', fillfactor='90');

-- COMMENT TABLE applications
COMMENT ON TABLE public.applications IS 'A person''s job applications, from the draft to the end.';

-- FUNCTION apply_earlier_skyvern_run_event(public.applications, text, text, boolean, jsonb, text)
CREATE FUNCTION private.apply_earlier_skyvern_run_event(p_application public.applications, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb, p_source text, OUT outcome text, OUT status public.application_status_type, OUT push_job_id uuid) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION apply_skyvern_run_event(public.applications, text, integer, boolean, jsonb, text)
CREATE FUNCTION private.apply_skyvern_run_event(p_application public.applications, p_run_status text, p_attempt integer, p_retry_pending boolean, p_decision jsonb, p_source text, OUT outcome text, OUT status public.application_status_type, OUT push_job_id uuid) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION apply_waiting_skyvern_events(uuid, text)
CREATE FUNCTION private.apply_waiting_skyvern_events(p_application_id uuid, p_run_id text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION attach_skyvern_run(uuid, text, text)
CREATE FUNCTION private.attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into private.application_runs (submission_id, application_id, user_id, run_id, started_at)
    select submission_id, id, user_id, p_run_id, clock_timestamp()
    from public.applications where id = p_application_id
    on conflict (submission_id) do update set run_id = excluded.run_id, started_at = excluded.started_at;

    update public.applications
    set skyvern_task_id = p_run_id,
        skyvern_run_status = case when not private.is_final_skyvern_status(p_run_status) then p_run_status end,
        skyvern_run_attempt = 1,
        skyvern_run_retry_pending = false,
        -- Sent: by an earlier run, whose end was heard of while this one was being started.
        status = case when private.needs_no_run(status) then status else 'PROCESSING_BY_SKYVERN' end,
        status_details = case when private.needs_no_run(status) then status_details end,
        resume_url_used = coalesce(submission_resume_path, resume_url_used),
        resume_url_recorded = case when resume_url_used is distinct from resume_url_recorded
                                   then resume_url_recorded else submission_resume_path end,
        submission_id = null,
        submission_title = null,
        submission_started_at = null,
        submission_lease_expires_at = null,
        submission_outcome = null,
        submission_resume_path = null,
        submission_previous_status = null
    where id = p_application_id
$$;

-- FUNCTION attribute_events(text, text)
CREATE FUNCTION private.attribute_events(p_source text, p_reason text DEFAULT NULL::text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select set_config('jobraker.event_source', p_source, true),
           set_config('jobraker.event_reason', coalesce(left(p_reason, 500), ''), true)
$$;

-- FUNCTION cached_job_search(text, uuid, uuid, timestamp with time zone)
CREATE FUNCTION private.cached_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select jsonb_build_object(
        'version', version,
        'is_fresh', expires_at > clock_timestamp(),
        'fetched_at', fetched_at,
        'age_seconds', greatest(0, floor(extract(epoch from clock_timestamp() - fetched_at))),
        'results', case when version is distinct from p_known_version then results end,
        'saved', array(
            select distinct adzuna_job_id from public.saved_jobs
            where user_id = p_user_id and adzuna_job_id = any (job_ids)),
        -- Of several applications for one posting the newest counts.
        'applications', coalesce(
            (select jsonb_object_agg(adzuna_job_id, status order by created_at) from public.applications
             where user_id = p_user_id and adzuna_job_id = any (job_ids) and deleted_at is null),
            '{}'))
    from public.job_search_cache
    -- Older results than these mislead more than they help.
    where query_key = p_query_key and fetched_at > clock_timestamp() - interval '7 days'
      and (p_newer_than is null or fetched_at > p_newer_than)
$$;

-- FUNCTION call_outcome(text)
CREATE FUNCTION private.call_outcome(p_code text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case substring(p_code from '^(?:adzuna|expo|jsearch|openai|skyvern)_(.*)$')
        when 'rejected' then 'succeeded'
        when 'failed' then 'failed'
        when 'timed_out' then 'failed'
        when 'unreachable' then 'failed'
        when 'unreadable' then 'failed'
        when 'rate_limited' then 'limited'
        when 'unauthorized' then 'refused'
        when 'unknown_path' then 'refused'
        when 'credits_exhausted' then 'spent'
        when 'quota_spent' then 'spent'
    end
$_$;

-- FUNCTION cancel_application_runs(uuid, uuid)
CREATE FUNCTION private.cancel_application_runs(p_application_id uuid, p_submission_id uuid DEFAULT NULL::uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into public.background_jobs (user_id, job_type, max_attempts, payload, dedupe_key)
    select null, 'cancel_skyvern_run',
           -- An outage of Skyvern must not let a run go on. With an hour between the later attempts, this is more than
           -- three days.
           80,
           jsonb_build_object(
               'application_id', application_id, 'submission_id', submission_id, 'run_id', run_id,
               'submission_title', case when run_id is null then 'jobraker-' || submission_id end),
           'cancel_skyvern_run:' || coalesce(run_id, submission_id::text)
    from private.application_runs
    where application_id = p_application_id and ended_at is null
      and (p_submission_id is null or submission_id = p_submission_id)
    order by submission_id -- always in the same order, so that two callers cannot deadlock
    on conflict (dedupe_key) do nothing
$$;

-- FUNCTION cancel_runs_of_stopped_application()
CREATE FUNCTION private.cancel_runs_of_stopped_application() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tg_op = 'DELETE' then
        perform private.cancel_application_runs(old.id);
        return old;
    end if;
    perform private.cancel_application_runs(new.id);
    return null;
end
$$;

-- COMMENT FUNCTION cancel_runs_of_stopped_application()
COMMENT ON FUNCTION private.cancel_runs_of_stopped_application() IS 'Queues the cancellation of the runs of an application that is withdrawn or deleted. Definer: a person who withdraws an application may neither see the runs nor queue such a job. Bounds: a trigger function, which nobody can call: it cancels only runs of the row that is being changed.';

-- FUNCTION cancel_unwanted_runs(uuid)
CREATE FUNCTION private.cancel_unwanted_runs(p_application_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if exists (select from public.applications
               where id = p_application_id
                 and (deleted_at is not null or status = 'SUBMITTED_BY_SKYVERN'
                      or private.is_decision_against_run(status))) then
        perform private.cancel_application_runs(p_application_id);
    end if;
end
$$;

-- FUNCTION check_preferences()
CREATE FUNCTION private.check_preferences() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    before constant jsonb := case tg_op when 'UPDATE' then to_jsonb(old) end;
    field  text;
    list   jsonb;
    fault  text;
begin
    -- All lists, so that none that is added later is forgotten. One that stays as it is is left alone: whoever changes
    -- something else cannot help it.
    for field, list in
        select key, value from jsonb_each(to_jsonb(new))
        where jsonb_typeof(value) = 'array' and value is distinct from before -> key
        order by key
    loop
        if field = 'target_locations' then
            select format('target_locations[%s] %s', place - 1, private.fault_of_location(location)) into fault
            from jsonb_array_elements(list) with ordinality as listed (location, place)
            where private.fault_of_location(location) is not null
            order by place limit 1;
        else
            select format('%s[%s] must be a text', field, place - 1) into fault
            from jsonb_array_elements(list) with ordinality as listed (entry, place)
            where jsonb_typeof(entry) <> 'string'
            order by place limit 1;
        end if;
        if fault is not null then
            perform private.refuse('invalid_input', 422, fault, field);
        end if;
    end loop;
    return new;
end
$$;

-- COMMENT FUNCTION check_preferences()
COMMENT ON FUNCTION private.check_preferences() IS 'Refuses preferences of a shape that applications cannot use. Definer: it refuses through private.refuse, which service_role cannot call. Bounds: a trigger function, which nobody can call: it reads the row that is being written, whose size the checks of user_preferences limit.';

-- FUNCTION check_timezone()
CREATE FUNCTION private.check_timezone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not exists (select from pg_catalog.pg_timezone_names where name = new.timezone) then
        perform private.refuse('invalid_input', 422,
            'timezone must be a name of the IANA time zone database, such as Europe/London', 'timezone');
    end if;
    return new;
end
$$;

-- COMMENT FUNCTION check_timezone()
COMMENT ON FUNCTION private.check_timezone() IS 'Refuses a time zone that the database does not know. Definer: it refuses through private.refuse, which service_role cannot call. Bounds: a trigger function, which nobody can call: it reads one name.';

-- FUNCTION circuit_breaker_pause(text, boolean)
CREATE FUNCTION private.circuit_breaker_pause(p_vendor text, p_costs_nothing boolean DEFAULT false) RETURNS integer
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    -- How soon to ask again while an operator holds it open: five minutes.
    select case when held = 'open' then 300 else ceil(extract(epoch from open_until - clock_timestamp())) end::integer
    from private.circuit_breakers
    where vendor = p_vendor
      and (held = 'open'
           or (held is null and open_until > clock_timestamp()
               and not (p_costs_nothing and reason in ('spent', 'limited'))))
$$;

-- FUNCTION claim_application_of(uuid, uuid, text, boolean, uuid)
CREATE FUNCTION private.claim_application_of(p_user_id uuid, p_application_id uuid, p_idempotency_key text, p_apply_again boolean, p_job_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION clock_of_person(uuid)
CREATE FUNCTION private.clock_of_person(p_user_id uuid, OUT timezone text, OUT quiet_start smallint, OUT quiet_end smallint) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    select person.timezone, coalesce(preference.quiet_hours_start, 21), coalesce(preference.quiet_hours_end, 8)
    into timezone, quiet_start, quiet_end
    from public.users as person
    left join public.user_preferences as preference on preference.user_id = person.id
    where person.id = p_user_id;
    begin
        perform now() at time zone timezone;
    exception
        when invalid_parameter_value then
            timezone := 'UTC';
    end;
end
$$;

-- FUNCTION close_mirrored_account()
CREATE FUNCTION private.close_mirrored_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not exists (select from public.users
                   where id = new.id and clerk_user_id = new.raw_app_meta_data ->> 'clerk_id') then
        return new;
    end if;
    new.email := null;
    new.email_confirmed_at := null;
    new.phone := null;
    new.phone_confirmed_at := null;
    new.encrypted_password := null;
    -- Empty texts, because the Auth server cannot read null in these columns.
    new.confirmation_token := '';
    new.recovery_token := '';
    new.reauthentication_token := '';
    new.email_change := '';
    new.email_change_token_new := '';
    new.email_change_token_current := '';
    new.phone_change := '';
    new.phone_change_token := '';
    -- A date, because the Auth server cannot read `infinity`; nor can it write a year of five digits.
    new.banned_until := '9999-01-01 00:00:00+00';
    return new;
end
$$;

-- COMMENT FUNCTION close_mirrored_account()
COMMENT ON FUNCTION private.close_mirrored_account() IS 'Keeps the account of a person of Clerk''s closed to Supabase Auth. Definer: it runs for Supabase Auth, which has no rights on public.users. Bounds: a trigger function, which nobody can call: it changes only the row of auth.users that is being updated.';

-- FUNCTION close_new_mirrored_account()
CREATE FUNCTION private.close_new_mirrored_account() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    update auth.users set updated_at = updated_at where id = new.id; -- the trigger above does the rest
    return null;
end
$$;

-- FUNCTION company_key(text)
CREATE FUNCTION private.company_key(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    with words as (select btrim(regexp_replace(lower(p_name), '[[:punct:][:space:]]+', ' ', 'g')) as name)
    select coalesce(
        nullif(regexp_replace(name,
            '( (inc|incorporated|corp|corporation|co|company|ltd|limited|llc|llp|lp|plc|gmbh|mbh|ag|se|kg|kgaa|ohg'
            || '|sa|sas|sarl|srl|spa|bv|nv|ab|as|asa|oy|oyj|aps|pty|pte|s a|s p a|b v|n v|s r l))+$', ''), ''),
        name)
    from words
$_$;

-- FUNCTION create_profile(auth.users)
CREATE FUNCTION private.create_profile(p_account auth.users) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    clerk_id text := nullif(p_account.raw_app_meta_data ->> 'clerk_id', '');
    address  text := private.address_of_account(p_account);
begin
    if clerk_id is null or exists (select from public.users where clerk_user_id = clerk_id) then
        clerk_id := p_account.id::text;
    end if;
    if exists (select from public.users where email = address) then
        address := null;
    end if;

    insert into public.users (id, clerk_user_id, email, full_name)
    values (p_account.id, clerk_id, address, left(nullif(p_account.raw_user_meta_data ->> 'full_name', ''), 200))
    on conflict (id) do nothing;
exception
    -- Two sign-ups at once with the same Clerk id or address, or a value that the table does not take.
    when integrity_constraint_violation then
        insert into public.users (id, clerk_user_id) values (p_account.id, p_account.id::text)
        on conflict do nothing;
end
$$;

-- FUNCTION delete_clerk_account(text)
CREATE FUNCTION private.delete_clerk_account(p_clerk_user_id text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    account uuid;
begin
    insert into private.clerk_accounts as known (clerk_user_id, updated_at, deleted_at)
    values (p_clerk_user_id, 0, clock_timestamp())
    on conflict (clerk_user_id) do update set deleted_at = coalesce(known.deleted_at, excluded.deleted_at);
    -- Here as well: the account may have been deleted in another way, and have had events since then.
    update public.webhook_events set body = '' where clerk_user_id = p_clerk_user_id and body <> '';

    select id into account from public.users where clerk_user_id = p_clerk_user_id;
    delete from auth.users where id = account;
    return account;
end
$$;

-- FUNCTION describe_new_postings(text, bigint, jsonb)
CREATE FUNCTION private.describe_new_postings(p_search_name text, p_count bigint, p_first jsonb) RETURNS TABLE(title text, message text)
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case when p_count = 1 then 'New job for “' else p_count || ' new jobs for “' end || p_search_name || '”',
           string_agg(left(posting ->> 'title', 80) || coalesce(' at ' || left(posting ->> 'company', 60), ''), ', '
                      order by place)
               || case when p_count > count(*) then ' and ' || p_count - count(*) || ' more' else '' end
    from jsonb_array_elements(p_first) with ordinality as first (posting, place)
$$;

-- FUNCTION end_lease_of_cancelled_job()
CREATE FUNCTION private.end_lease_of_cancelled_job() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.lease_number := old.lease_number + 1;
    new.locked_by := null;
    new.lease_expires_at := null;
    return new;
end
$$;

-- FUNCTION end_waiting_submission()
CREATE FUNCTION private.end_waiting_submission() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.submission_job_id := null;
    return new;
end
$$;

-- FUNCTION fault_of_location(jsonb)
CREATE FUNCTION private.fault_of_location(p_location jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case
        when jsonb_typeof(p_location) <> 'object' then
            'must be an object with city, state or zip, or with remote_only'
        when exists (select from unnest(array['city', 'state', 'zip']) as name
                     where jsonb_typeof(p_location -> name) not in ('string', 'null')) then
            'has a city, state or zip that is no text'
        when jsonb_typeof(p_location -> 'remote_only') <> 'boolean' then
            'has a remote_only that is neither true nor false'
        when p_location -> 'remote_only' is distinct from 'true'
             and concat(p_location ->> 'city', p_location ->> 'state', p_location ->> 'zip') !~ '[^[:space:]]' then
            'names no city, state or zip, and is not remote_only'
    end
$$;

-- FUNCTION follow_primary_resume()
CREATE FUNCTION private.follow_primary_resume() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if new.is_primary then
        update public.users set current_resume_url = new.file_url, current_resume_filename = new.file_name
        where id = new.user_id
          and (current_resume_url, current_resume_filename) is distinct from (new.file_url, new.file_name);
    elsif tg_op = 'DELETE' and old.is_primary then
        update public.users set current_resume_url = null, current_resume_filename = null
        where id = old.user_id and current_resume_url = old.file_url;
    end if;
    return null;
end
$$;

-- COMMENT FUNCTION follow_primary_resume()
COMMENT ON FUNCTION private.follow_primary_resume() IS 'Keeps users.current_resume_url and its file name those of the primary résumé. Definer: it runs for whoever changes a résumé, and for the cascade of a deletion. Bounds: a trigger function, which nobody can call: it writes only to the person of the row that is being changed.';

-- FUNCTION forget_event_of_deleted_application()
CREATE FUNCTION private.forget_event_of_deleted_application() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if not exists (select from public.applications where id = new.named_application_id) then
        new.outcome := 'account_deleted';
        new.decision := null;
        new.body := '';
    end if;
    return new;
end
$$;

-- FUNCTION give_back_trial(text)
CREATE FUNCTION private.give_back_trial(p_vendor text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    update private.circuit_breakers set trial_until = null where vendor = p_vendor and trial_until is not null
$$;

-- FUNCTION guard_application_status()
CREATE FUNCTION private.guard_application_status() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    allowed boolean;
begin
    if current_user <> 'authenticated' then
        return new;
    end if;

    if private.is_decision_of_person(new.status) then
        allowed := true;
    elsif new.status not in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then
        allowed := false;
    elsif tg_op = 'INSERT' then
        allowed := true;
    elsif old.status in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION', 'FAILED_SKYVERN_SUBMISSION', 'FAILED_APPLICATION',
                         'REQUIRES_ATTENTION_USER_INPUT', 'REQUIRES_ATTENTION_MANUAL_REVIEW') then
        allowed := true;
    else
        allowed := old.status in ('APPLIED_MANUALLY', 'WITHDRAWN_BY_USER', 'REJECTED_BY_COMPANY')
                   and old.skyvern_task_id is null;
    end if;

    if not allowed then
        perform private.refuse('status_not_yours', 409,
            case tg_op
                when 'INSERT' then format('an application cannot start as %s', new.status)
                else format('an application cannot be moved from %s to %s by its person', old.status, new.status)
            end);
    end if;
    return new;
end
$$;

-- FUNCTION handle_account_deleted()
CREATE FUNCTION private.handle_account_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tg_op = 'DELETE' then
        perform private.prepare_deletion_of_person(old.id);
        return old;
    end if;
    perform private.cancel_application_runs(id) from public.applications where user_id = new.id order by id;
    return null;
end
$$;

-- COMMENT FUNCTION handle_account_deleted()
COMMENT ON FUNCTION private.handle_account_deleted() IS 'Does what the cascade cannot do when an account is deleted. Definer: it runs for Supabase Auth, which has no rights on the tables of people. Bounds: a trigger function, which nobody can call: it concerns only the account that is being deleted.';

-- FUNCTION handle_job_description()
CREATE FUNCTION private.handle_job_description() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    new.description_hash := case when new.description <> '' then
        encode(sha256(convert_to(new.description, 'UTF8')), 'hex') end;
    if tg_op = 'UPDATE' and new.description_hash is not distinct from old.description_hash
        or tg_op = 'INSERT' and new.embedding is not null then
        return new;
    end if;
    select same.skills_required, same.resume_guide_generated, same.prep_guide_generated, same.schema_version,
           same.embedding
    into new.skills_required, new.resume_guide_generated, new.prep_guide_generated, new.schema_version, new.embedding
    from public.jobs as same
    where same.description_hash = new.description_hash and same.embedding is not null and same.id <> new.id
    limit 1;
    new.schema_version := coalesce(new.schema_version, 1);
    return new;
end
$$;

-- COMMENT FUNCTION handle_job_description()
COMMENT ON FUNCTION private.handle_job_description() IS 'Keeps the hash of a posting''s description, and what is derived from it. Definer: it copies from a posting with the same text, which the writer may not see. Bounds: a trigger function, which nobody can call: it changes only the row that is being written.';

-- FUNCTION handle_soft_delete()
CREATE FUNCTION private.handle_soft_delete() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if new.deleted_at is null then
        new.deleted_by = null;
        new.deletion_reason = null;
    elsif old.deleted_at is null then
        new.deleted_at = now();
        new.deleted_by = coalesce(new.deleted_by, public.current_user_id());
    else
        new.deleted_at = old.deleted_at;
    end if;
    return new;
end
$$;

-- FUNCTION has_proven_run(text)
CREATE FUNCTION private.has_proven_run(p_run_id text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select exists (select from private.application_runs where run_id = p_run_id and outcome = 'submitted')
$$;

-- TABLE application_runs
CREATE TABLE private.application_runs (
    submission_id uuid NOT NULL,
    application_id uuid,
    user_id uuid NOT NULL,
    run_id text,
    claimed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    outcome text,
    CONSTRAINT application_runs_check_run_id CHECK (((char_length(run_id) >= 1) AND (char_length(run_id) <= 200)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE application_runs
COMMENT ON TABLE private.application_runs IS 'Every submission of an application to Skyvern, and the run it started.';

-- FUNCTION hear_of_erased_application(private.application_runs, text, text, boolean, jsonb)
CREATE FUNCTION private.hear_of_erased_application(p_run private.application_runs, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION hold_background_job(uuid, bigint)
CREATE FUNCTION private.hold_background_job(p_job_id uuid, p_lease_number bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform from public.background_jobs
    where id = p_job_id and status = 'processing' and lease_number = p_lease_number
    for update;
    return found;
end
$$;

-- FUNCTION hold_cron_lock(text, bigint, integer)
CREATE FUNCTION private.hold_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform from public.cron_locks where lock_name = p_lock_name for update;
    update public.cron_locks
    set expires_at = clock_timestamp() + make_interval(secs => p_seconds)
    where lock_name = p_lock_name and lock_number = p_lock_number and expires_at > clock_timestamp();
    return found;
end
$$;

-- TABLE scraping_logs
CREATE TABLE public.scraping_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    source_name text NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    lock_number bigint NOT NULL,
    batches integer DEFAULT 0 NOT NULL,
    jobs_fetched integer DEFAULT 0 NOT NULL,
    jobs_new integer DEFAULT 0 NOT NULL,
    jobs_updated integer DEFAULT 0 NOT NULL,
    jobs_skipped integer DEFAULT 0 NOT NULL,
    jobs_deactivated integer DEFAULT 0 NOT NULL,
    errors integer DEFAULT 0 NOT NULL,
    is_whole boolean DEFAULT false NOT NULL,
    error text,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT scraping_logs_check_completed_at CHECK (((status = 'running'::text) = (completed_at IS NULL))),
    CONSTRAINT scraping_logs_check_error CHECK ((((status = 'failed'::text) = (error IS NOT NULL)) AND (char_length(error) <= 500))),
    CONSTRAINT scraping_logs_check_status CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text])))
);

-- COMMENT TABLE scraping_logs
COMMENT ON TABLE public.scraping_logs IS 'The runs of the posting sync.';

-- FUNCTION hold_job_sync(bigint)
CREATE FUNCTION private.hold_job_sync(p_lock_number bigint) RETURNS public.scraping_logs
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    run public.scraping_logs;
begin
    if private.hold_cron_lock('job_sync', p_lock_number, 120) then
        select * into run from public.scraping_logs
        where lock_number = p_lock_number and status = 'running'
        for update;
    end if;
    return run;
end
$$;

-- FUNCTION hold_people_told(uuid[], uuid[])
CREATE FUNCTION private.hold_people_told(p_device_ids uuid[], p_job_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform from public.users
    where id in (select user_id from public.user_push_tokens where id = any (p_device_ids)
                 union all
                 select user_id from public.background_jobs where id = any (p_job_ids))
    order by id
    for key share;
end
$$;

-- FUNCTION is_alert_wanted(public.saved_searches)
CREATE FUNCTION private.is_alert_wanted(p_search public.saved_searches) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select coalesce(p_search.notify_new_jobs, true) and private.alert_frequency(p_search.user_id) is not null
$$;

-- FUNCTION is_decision_against_run(public.application_status_type)
CREATE FUNCTION private.is_decision_against_run(p_status public.application_status_type) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select p_status in ('WITHDRAWN_BY_USER', 'APPLIED_MANUALLY')
$$;

-- FUNCTION is_decision_of_person(public.application_status_type)
CREATE FUNCTION private.is_decision_of_person(p_status public.application_status_type) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select p_status in ('APPLIED_MANUALLY', 'INTERVIEW_SCHEDULED', 'OFFER_RECEIVED', 'REJECTED_BY_COMPANY',
                        'WITHDRAWN_BY_USER')
$$;

-- FUNCTION is_final_skyvern_status(text)
CREATE FUNCTION private.is_final_skyvern_status(p_run_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select p_run_status in ('completed', 'failed', 'terminated', 'timed_out', 'canceled')
$$;

-- FUNCTION is_own_file(text, uuid)
CREATE FUNCTION private.is_own_file(p_path text, p_user_id uuid) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select starts_with(p_path, p_user_id::text || '/') and p_path !~ '(^|/)\.{0,2}(/|$)'
$_$;

-- FUNCTION is_provider()
CREATE FUNCTION private.is_provider() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select exists (select from public.users where id = public.current_user_id() and role = 'provider')
$$;

-- COMMENT FUNCTION is_provider()
COMMENT ON FUNCTION private.is_provider() IS 'Whether the caller is a provider. Definer: policies call it for a person, who must not need rights on users for that. Bounds: it takes no arguments and returns only the caller''s own role.';

-- FUNCTION is_waiting(uuid)
CREATE FUNCTION private.is_waiting(p_job_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select exists (select from public.background_jobs where id = p_job_id and status in ('pending', 'processing'))
$$;

-- FUNCTION job_search_calls_left_for_alerts()
CREATE FUNCTION private.job_search_calls_left_for_alerts() RETURNS bigint
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select greatest(0, min(least(limits.calls - made.by_all, limits.calls_for_alerts - made.by_alerts)))
    from private.job_search_limits as limits
    cross join lateral (
        select count(*) as by_all, count(*) filter (where is_alert) as by_alerts
        from private.job_search_calls
        where called_at > clock_timestamp() - limits.period) as made
$$;

-- FUNCTION keep_proof_of_run(public.applications, text, jsonb, text)
CREATE FUNCTION private.keep_proof_of_run(p_application public.applications, p_run_id text, p_details jsonb, p_source text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION lease_job_search(text, uuid, uuid, boolean, timestamp with time zone)
CREATE FUNCTION private.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_is_alert boolean, p_newer_than timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    -- How long a caller has to ask Adzuna and store the results.
    lease_time constant interval := '15 seconds';
    found_so   jsonb := private.look_for_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
    page       jsonb;
    lease      private.job_search_leases;
    reserved   record;
    pause      integer;
begin
    if found_so ->> 'outcome' <> 'missing' then
        return found_so;
    end if;
    insert into private.job_search_leases as held (query_key, id, expires_at)
    values (p_query_key, gen_random_uuid(), clock_timestamp() + lease_time)
    on conflict (query_key) do update set id = excluded.id, expires_at = excluded.expires_at, failure = null
        where held.expires_at <= clock_timestamp()
    returning * into lease;
    if not found then
        -- Another caller was quicker.
        found_so := private.look_for_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
        return case when found_so ->> 'outcome' = 'missing'
                    then jsonb_build_object('outcome', 'awaited', 'page', found_so -> 'page') else found_so end;
    end if;

    -- Between the first look and the lease another caller may have stored the results.
    page := private.cached_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
    if (page ->> 'is_fresh')::boolean then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object('outcome', 'fresh', 'page', page);
    end if;

    select * into reserved from private.reserve_job_search_call(lease.id, p_user_id, p_is_alert);
    if reserved.free_at is not null then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object(
            'outcome', 'spent', 'page', page, 'is_own_limit', reserved.is_own_limit,
            'retry_after_seconds', greatest(1, ceil(extract(epoch from reserved.free_at - clock_timestamp()))));
    end if;
    -- Last: whoever gets the one trial here makes the call.
    pause := private.pass_circuit_breaker('adzuna');
    if pause is not null then
        delete from private.job_search_calls where id = lease.id;
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object('outcome', 'paused', 'page', page, 'retry_after_seconds', pause);
    end if;
    return jsonb_build_object('outcome', 'leased', 'lease_id', lease.id, 'user_id', p_user_id, 'page', page);
end
$$;

-- FUNCTION limit_files_per_person()
CREATE FUNCTION private.limit_files_per_person() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    at_most integer;
    folder  record;
    present bigint;
begin
    select per_person into at_most from private.row_limits where table_name = 'files';
    if at_most is null then
        return null;
    end if;
    perform private.lock_rows_of_people('files', array(
        select distinct bucket_id || '/' || (storage.foldername(name))[1] from inserted
        where bucket_id in ('resumes', 'cover_letters')));
    for folder in
        select distinct bucket_id, (storage.foldername(name))[1] as name from inserted
        where bucket_id in ('resumes', 'cover_letters')
    loop
        -- Executed as text, so that the index is used, which needs to see the beginning of the name.
        execute
            'select count(*) from (select from storage.objects where bucket_id = $1 and name like $2 limit $3) as counted'
        into present
        using folder.bucket_id, replace(replace(replace(folder.name, '\', '\\'), '%', '\%'), '_', '\_') || '/%',
              at_most + 1;
        if present > at_most then
            raise exception 'too_many_files: a person may have % files in %', at_most, folder.bucket_id
                using errcode = 'check_violation';
        end if;
    end loop;
    return null;
end
$_$;

-- COMMENT FUNCTION limit_files_per_person()
COMMENT ON FUNCTION private.limit_files_per_person() IS 'Refuses files beyond what a person may have. Definer: it reads private.row_limits, and counts files that the policies of a caller may hide. Bounds: a trigger function, which nobody can call: it counts only in the folders of the files that are being inserted, and no further than the limit.';

-- FUNCTION limit_queued_jobs()
CREATE FUNCTION private.limit_queued_jobs() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    unfinished_at_most constant integer := 20;
    a_day_at_most      constant integer := 100;
    payload_at_most    constant integer := 4096; -- bytes
    a_minute           constant integer := 60; -- the job runner comes that often
    today              integer;
    pause              integer; -- until the oldest of them is a day old, in seconds
begin
    if current_user <> 'authenticated' then
        return new;
    end if;
    if octet_length(new.payload::text) > payload_at_most then
        perform private.refuse('invalid_input', 422, format('a payload is at most %s bytes long', payload_at_most));
    end if;
    -- One person's inserts wait for each other, so that the count is exact.
    perform pg_advisory_xact_lock(hashtextextended('queued_jobs:' || new.user_id, 0));
    if (select count(*) from public.background_jobs
        where user_id = new.user_id and status in ('pending', 'processing')) >= unfinished_at_most then
        perform private.refuse('too_many_jobs', 429,
            format('%s jobs are waiting already; more can be queued when they are done', unfinished_at_most),
            p_retry_after => a_minute);
    end if;
    select count(*), greatest(1, ceil(extract(epoch from min(created_at) + interval '1 day' - clock_timestamp())))
    into today, pause
    from public.background_jobs
    where user_id = new.user_id and created_at > clock_timestamp() - interval '1 day' and dedupe_key is null;
    if today >= a_day_at_most then
        perform private.refuse('too_many_background_jobs', 429,
            format('%s jobs were queued within a day, cancelled ones included; more can be queued later', a_day_at_most),
            p_retry_after => pause);
    end if;
    return new;
end
$$;

-- FUNCTION limit_rows_per_person()
CREATE FUNCTION private.limit_rows_per_person() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    at_most integer;
    is_over boolean;
    reason  text;
begin
    select per_person into at_most from private.row_limits where table_name = tg_table_name;
    if at_most is null then
        return null;
    end if;
    perform private.lock_rows_of_people(tg_table_name, array(select distinct user_id::text from inserted));
    -- Nobody's rows are counted further than it takes to know.
    execute format(
        'select exists (
             select from (select distinct user_id from inserted) as person
             cross join lateral (
                 select count(*) as present
                 from (select from %I.%I where user_id = person.user_id limit $1 + 1) as counted) as own
             where present > $1)',
        tg_table_schema, tg_table_name)
    into is_over using at_most;
    if not is_over then
        return null;
    end if;

    reason := format('a person may have %s rows in %s, deleted ones that are still kept among them',
                     at_most, tg_table_name);
    -- Each code in full, so that a search for it leads here.
    case tg_table_name
        when 'applications' then perform private.refuse('too_many_applications', 409, reason);
        when 'resumes' then perform private.refuse('too_many_resumes', 409, reason);
        when 'saved_jobs' then perform private.refuse('too_many_saved_jobs', 409, reason);
        when 'saved_searches' then perform private.refuse('too_many_saved_searches', 409, reason);
    end case;
end
$_$;

-- COMMENT FUNCTION limit_rows_per_person()
COMMENT ON FUNCTION private.limit_rows_per_person() IS 'Refuses rows beyond what a person may have. Definer: it counts rows that policies hide from their person, and reads private.row_limits. Bounds: a trigger function, which nobody can call: it counts only for the people of the rows that are being inserted, and no further than the limit.';

-- FUNCTION lock_clerk_account(text)
CREATE FUNCTION private.lock_clerk_account(p_clerk_user_id text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select pg_advisory_xact_lock(hashtextextended('clerk_account:' || p_clerk_user_id, 0))
$$;

-- FUNCTION lock_person_of_resumes()
CREATE FUNCTION private.lock_person_of_resumes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform from public.users where id = public.current_user_id() for no key update;
    return null;
end
$$;

-- COMMENT FUNCTION lock_person_of_resumes()
COMMENT ON FUNCTION private.lock_person_of_resumes() IS 'Locks the caller''s profile before their résumés are changed. Definer: so that it does not depend on what the caller may change of a profile. Bounds: a trigger function, which nobody can call: it locks the caller''s own row.';

-- FUNCTION lock_rows_of_people(text, text[])
CREATE FUNCTION private.lock_rows_of_people(p_table_name text, p_people text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock(hashtext('rows per person of ' || p_table_name), lock.number)
    from (select distinct hashtext(person) & 255 as number from unnest(p_people) as person order by number) as lock;
end
$$;

-- FUNCTION lock_skyvern_run(text)
CREATE FUNCTION private.lock_skyvern_run(p_run_id text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select pg_advisory_xact_lock(hashtextextended('skyvern_run:' || p_run_id, 0))
$$;

-- FUNCTION look_for_job_search(text, uuid, uuid, timestamp with time zone)
CREATE FUNCTION private.look_for_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
    page  jsonb;
    lease private.job_search_leases;
    pause integer;
begin
    if p_query_key is null or p_query_key !~ '^[0-9a-f]{64}$' then
        perform private.refuse('invalid_input', 422, 'the key of a query is a SHA-256 in hexadecimal digits');
    end if;
    page := private.cached_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
    if (page ->> 'is_fresh')::boolean then
        return jsonb_build_object('outcome', 'fresh', 'page', page);
    end if;

    select * into lease from private.job_search_leases
    where query_key = p_query_key and expires_at > clock_timestamp();
    if found and lease.failure is null then
        return jsonb_build_object('outcome', 'awaited', 'page', page);
    elsif found and page is not null then
        return jsonb_build_object('outcome', 'resting', 'page', page);
    elsif found then
        return jsonb_build_object(
            'outcome', 'failed', 'failure', lease.failure, 'retry_after_seconds',
            greatest(1, ceil(extract(epoch from lease.expires_at - clock_timestamp()))));
    end if;

    pause := private.circuit_breaker_pause('adzuna');
    if pause is not null then
        return jsonb_build_object('outcome', 'paused', 'page', page, 'retry_after_seconds', pause);
    end if;
    return jsonb_build_object('outcome', 'missing', 'page', page, 'user_id', p_user_id);
end
$_$;

-- FUNCTION may_disturb_from(uuid)
CREATE FUNCTION private.may_disturb_from(p_user_id uuid) RETURNS timestamp with time zone
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select private.after_quiet_hours(clock_timestamp(), clock.timezone, clock.quiet_start, clock.quiet_end)
    from private.clock_of_person(p_user_id) as clock
$$;

-- FUNCTION may_have_been_sent(private.application_runs)
CREATE FUNCTION private.may_have_been_sent(p_run private.application_runs) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select not (p_run.run_id is null and p_run.started_at is null and p_run.ended_at is not null)
       and coalesce(p_run.outcome not in ('job_closed', 'login_required', 'missing_information', 'captcha_blocked',
                                          'resume_upload_failed'), true)
$$;

-- FUNCTION message_of_late_stop()
CREATE FUNCTION private.message_of_late_stop() RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select jsonb_build_object(
        'title', 'It had been sent already',
        'message', 'Your application for {job_title} at {company_name} was sent before it could be stopped.')
$$;

-- TABLE users
CREATE TABLE public.users (
    id uuid NOT NULL,
    clerk_user_id text NOT NULL,
    full_name text,
    email text,
    phone_number text,
    linkedin_profile_url text,
    portfolio_url text,
    current_resume_url text,
    current_resume_filename text,
    tier public.user_tier DEFAULT 'free'::public.user_tier NOT NULL,
    role public.user_role DEFAULT 'seeker'::public.user_role NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    resume_text text,
    resume_embedding extensions.vector(384),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_check_clerk_user_id CHECK (((char_length(clerk_user_id) >= 1) AND (char_length(clerk_user_id) <= 255))),
    CONSTRAINT users_check_current_resume_filename CHECK (((char_length(current_resume_filename) >= 1) AND (char_length(current_resume_filename) <= 255))),
    CONSTRAINT users_check_current_resume_url CHECK (((char_length(current_resume_url) >= 1) AND (char_length(current_resume_url) <= 1024))),
    CONSTRAINT users_check_email CHECK (((char_length(email) >= 3) AND (char_length(email) <= 320))),
    CONSTRAINT users_check_full_name CHECK ((char_length(full_name) <= 200)),
    CONSTRAINT users_check_linkedin_profile_url CHECK (((char_length(linkedin_profile_url) <= 2048) AND (linkedin_profile_url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'::text))),
    CONSTRAINT users_check_phone_number CHECK ((phone_number ~ '^\+?[0-9][0-9 ().-]{4,30}$'::text)),
    CONSTRAINT users_check_portfolio_url CHECK (((char_length(portfolio_url) <= 2048) AND (portfolio_url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'::text))),
    CONSTRAINT users_check_resume_text CHECK ((char_length(resume_text) <= 200000)),
    CONSTRAINT users_check_timezone CHECK ((timezone ~ '^[A-Za-z0-9_+/-]{1,64}$'::text))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02', fillfactor='90');

-- COMMENT TABLE users
COMMENT ON TABLE public.users IS 'People: one profile for each account.';

-- FUNCTION missing_for_applying(public.users)
CREATE FUNCTION private.missing_for_applying(p_person public.users) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select array_remove(array[
        case when p_person.current_resume_url is null
                  and not exists (select from public.resumes where user_id = p_person.id and is_primary)
             then 'a résumé' end,
        case when coalesce(p_person.full_name, '') !~ '[^[:space:]]' then 'your name' end,
        case when p_person.email is null and p_person.phone_number is null
             then 'an e-mail address or a phone number' end
    ], null)
$$;

-- FUNCTION name_the_posting(text, public.applications)
CREATE FUNCTION private.name_the_posting(p_text text, p_application public.applications) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select replace(replace(p_text, '{company_name}', p_application.company_name), '{job_title}', p_application.job_title)
$$;

-- FUNCTION needs_no_run(public.application_status_type)
CREATE FUNCTION private.needs_no_run(p_status public.application_status_type) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select private.is_decision_of_person(p_status) or p_status = 'SUBMITTED_BY_SKYVERN'
$$;

-- FUNCTION next_alert_at(jsonb, text, text, smallint, smallint, timestamp with time zone)
CREATE FUNCTION private.next_alert_at(p_search_query jsonb, p_frequency text, p_timezone text, p_quiet_start smallint, p_quiet_end smallint, p_after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    with search as (
        -- 2^40 spreads over all moments of a week, and leaves room for the arithmetic.
        select abs(hashtextextended(p_search_query::text, 0) % 1099511627776) as number,
               case when p_quiet_start = p_quiet_end then 86400
                    else (p_quiet_start - p_quiet_end + 24) % 24 * 3600 end as awake,
               case when p_quiet_start = p_quiet_end then 0 else p_quiet_end * 3600 end as morning
    ),
    hourly as (
        select to_timestamp(paused + ((number - paused) % 3600 + 3600) % 3600) as moment
        from search
        cross join lateral (select floor(extract(epoch from p_after))::bigint + 1 as later) as second
        cross join lateral (select floor(extract(epoch from private.after_quiet_hours(
            to_timestamp(later + ((number - later) % 3600 + 3600) % 3600),
            p_timezone, p_quiet_start, p_quiet_end)))::bigint as paused) as pause
    ),
    daily as (
        select private.after_quiet_hours(
                   (day + make_interval(secs => (morning + number % awake) % 86400)) at time zone p_timezone,
                   p_timezone, p_quiet_start, p_quiet_end) as moment
        from search
        cross join generate_series(-1, 8) as distance
        cross join lateral (select (p_after at time zone p_timezone)::date + distance as day) as calendar
        where p_frequency = 'daily' or (day - date '1970-01-01') % 7 = number / awake % 7
    )
    select case p_frequency
        when 'instant' then (select moment from hourly)
        when 'daily' then (select min(moment) from daily where moment > p_after)
        when 'weekly' then (select min(moment) from daily where moment > p_after) end
$$;

-- FUNCTION next_alert_of_person(uuid, jsonb, timestamp with time zone)
CREATE FUNCTION private.next_alert_of_person(p_user_id uuid, p_search_query jsonb, p_after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select private.next_alert_at(
        p_search_query, private.alert_frequency(p_user_id), clock.timezone, clock.quiet_start, clock.quiet_end, p_after)
    from private.clock_of_person(p_user_id) as clock
$$;

-- FUNCTION note_chosen_resume()
CREATE FUNCTION private.note_chosen_resume() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if current_user = 'authenticated' then
        new.resume_url_recorded := null;
    end if;
    return new;
end
$$;

-- FUNCTION note_end_of_run(text, text, boolean)
CREATE FUNCTION private.note_end_of_run(p_run_id text, p_run_status text, p_retry_pending boolean) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
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

-- FUNCTION note_news_of_skyvern_run()
CREATE FUNCTION private.note_news_of_skyvern_run() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.skyvern_heard_at := clock_timestamp();
    return new;
end
$$;

-- FUNCTION note_outcome_of_run()
CREATE FUNCTION private.note_outcome_of_run() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update private.application_runs set outcome = left(new.status_details ->> 'reason', 100)
    where run_id = new.skyvern_task_id;
    return null;
end
$$;

-- COMMENT FUNCTION note_outcome_of_run()
COMMENT ON FUNCTION private.note_outcome_of_run() IS 'Keeps what a run came to. Definer: nobody may write application_runs. Bounds: a trigger function, which nobody can call: it writes only about the run of the row that is being changed.';

-- FUNCTION note_proof_of_run(text)
CREATE FUNCTION private.note_proof_of_run(p_run_id text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    update private.application_runs set outcome = 'submitted' where run_id = p_run_id
$$;

-- FUNCTION note_settled_jobs(jsonb)
CREATE FUNCTION private.note_settled_jobs(p_jobs jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    ended record;
begin
    if not exists (select from private.circuit_breakers where vendor = 'skyvern')
       and not exists (select from jsonb_to_recordset(p_jobs) as reported (error text)
                       where private.call_outcome(error) <> 'succeeded') then
        return;
    end if;
    for ended in
        select case job.job_type when 'push_receipts' then 'expo' else 'skyvern' end as vendor,
               coalesce(private.call_outcome(reported.error), 'succeeded') as outcome
        from jsonb_to_recordset(p_jobs) as reported (job_id uuid, outcome text, error text, result jsonb)
        join public.background_jobs as job on job.id = reported.job_id
        where case job.job_type
                when 'push_receipts' then private.call_outcome(reported.error) is not null
                when 'cancel_skyvern_run' then
                    reported.outcome = 'completed' or private.call_outcome(reported.error) is not null
                when 'reconcile_application' then
                    private.call_outcome(reported.error) is not null
                    -- Otherwise Skyvern was not asked.
                    or (reported.outcome = 'completed' and reported.result ->> 'found'
                        not in ('not_found', 'in_progress', 'just_heard_of', 'settled'))
                else false end
        order by coalesce(private.call_outcome(reported.error), 'succeeded') = 'succeeded'
    loop
        perform private.note_vendor_call(ended.vendor, ended.outcome, p_costs_nothing => true);
    end loop;
end
$$;

-- FUNCTION note_vendor_call(text, text, bigint, boolean)
CREATE FUNCTION private.note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint DEFAULT NULL::bigint, p_costs_nothing boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    failures_in_a_row constant integer := 5;
    -- After so long without an opening the next pause is a short one again.
    good_while        constant interval := '1 hour';
    moment            timestamptz := clock_timestamp();
    breaker           private.circuit_breakers;
    first_pause       interval;
    longest_pause     interval;
    pause             interval;
begin
    if p_outcome = 'succeeded' then
        if not exists (select from private.circuit_breakers where vendor = p_vendor) then
            return;
        end if;
        update private.circuit_breakers
        set failures = 0, open_until = null, reason = null, trial_until = null, updated_at = moment
        where vendor = p_vendor and (failures > 0 or open_until is not null)
          -- That a run can be read does not mean that one can be paid for.
          and not (p_costs_nothing and coalesce(reason in ('spent', 'limited'), false));
        delete from private.circuit_breakers
        where vendor = p_vendor and held is null and open_until is null and failures = 0
          and updated_at <= moment - case when openings > 0 then good_while else interval '0' end;
        return;
    end if;
    if p_outcome is null or p_outcome not in ('failed', 'limited', 'refused', 'spent') then
        perform private.refuse('invalid_input', 422,
            'the outcome is none of succeeded, failed, limited, refused, spent');
    end if;

    insert into private.circuit_breakers as known (vendor, failures) values (p_vendor, 1)
    on conflict (vendor) do update set failures = known.failures + 1, updated_at = moment
    returning * into breaker;
    -- Calls that were on their way when it opened say nothing new.
    if breaker.open_until > moment
       or (p_outcome = 'failed' and breaker.open_until is null and breaker.failures < failures_in_a_row) then
        return;
    end if;

    -- What passes by itself is tried soon; what somebody has to mend, or a new month, is tried seldom.
    if p_outcome in ('refused', 'spent') then
        first_pause := '5 minutes';
        longest_pause := '1 hour';
    else
        first_pause := '30 seconds';
        longest_pause := '15 minutes';
    end if;
    pause := least(first_pause * 2 ^ least(breaker.openings, 10), longest_pause);
    -- The vendor's word counts; more than a day is a mistake of its.
    pause := greatest(pause, make_interval(secs => least(greatest(p_retry_after_seconds, 0), 86400)));
    update private.circuit_breakers
    set open_until = moment + pause, reason = p_outcome, openings = openings + 1, failures = 0, trial_until = null,
        updated_at = moment
    where vendor = p_vendor;
end
$$;

-- FUNCTION notify_person(uuid, public.notification_type, text, text, uuid, text, jsonb, timestamp with time zone)
CREATE FUNCTION private.notify_person(p_user_id uuid, p_type public.notification_type, p_title text, p_message text, p_related_entity_id uuid, p_related_entity_type text, p_data jsonb, p_not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, OUT notification_id uuid, OUT push_job_id uuid) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    insert into public.notifications (user_id, type, title, message, related_entity_id, related_entity_type)
    values (p_user_id, p_type, p_title, p_message, p_related_entity_id, p_related_entity_type)
    returning id into notification_id;

    with queued as (
        insert into public.background_jobs (user_id, job_type, run_at, payload, dedupe_key)
        select p_user_id, channel.job_type, coalesce(p_not_before, now()),
               jsonb_build_object(
                   'user_id', p_user_id, 'title', p_title, 'message', p_message,
                   'data', p_data || jsonb_build_object('notification_id', notification_id)),
               channel.dedupe_prefix || ':' || notification_id
        from private.notification_channels as channel
        returning id, job_type
    )
    select id into push_job_id from queued where job_type = 'push_notification';
end
$$;

-- FUNCTION one_cancellation_on_trial(uuid[])
CREATE FUNCTION private.one_cancellation_on_trial(p_job_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    cancellations uuid[];
begin
    if not exists (select from private.circuit_breakers
                   where vendor = 'skyvern' and held is null and open_until is not null
                     and reason not in ('spent', 'limited')) then
        return p_job_ids;
    end if;
    cancellations := array(
        select id from public.background_jobs
        where id = any (p_job_ids) and job_type = 'cancel_skyvern_run'
        order by run_at, id);
    if cancellations = '{}' then
        return p_job_ids;
    end if;
    if private.pass_circuit_breaker('skyvern', true) is null then
        cancellations := cancellations[2:];
    end if;
    return array(select id from unnest(p_job_ids) as job (id) where id <> all (cancellations));
end
$$;

-- FUNCTION pass_circuit_breaker(text, boolean)
CREATE FUNCTION private.pass_circuit_breaker(p_vendor text, p_costs_nothing boolean DEFAULT false) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    -- Longer than any single call and what is recorded of it.
    trial_time constant interval := '1 minute';
    moment     timestamptz := clock_timestamp();
    pause      integer := private.circuit_breaker_pause(p_vendor, p_costs_nothing);
begin
    if pause is not null
       or not exists (select from private.circuit_breakers
                      where vendor = p_vendor and held is null and open_until is not null
                        and not (p_costs_nothing and reason in ('spent', 'limited'))) then
        return pause;
    end if;

    -- It is time to try. Of several callers at once one finds the row unlocked and no trial under way.
    perform from private.circuit_breakers
    where vendor = p_vendor and open_until <= moment and coalesce(trial_until <= moment, true)
    for update skip locked;
    if not found then
        return (select greatest(1, ceil(extract(epoch from trial_until - clock_timestamp())))
                from private.circuit_breakers where vendor = p_vendor);
    end if;
    update private.circuit_breakers set trial_until = moment + trial_time, updated_at = moment
    where vendor = p_vendor;
    return null;
end
$$;

-- FUNCTION paused_job_types()
CREATE FUNCTION private.paused_job_types() RETURNS text[]
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select coalesce(array_agg(called.job_type), '{}')
    from private.circuit_breakers as breaker
    join (values ('cancel_skyvern_run', 'skyvern', true), ('reconcile_application', 'skyvern', true),
                 ('submit_application', 'skyvern', false), ('push_notification', 'expo', false),
                 ('push_receipts', 'expo', false), ('saved_search_alert', 'adzuna', false),
                 ('job_sync', 'jsearch', false))
        as called (job_type, vendor, costs_nothing) on called.vendor = breaker.vendor
    where private.circuit_breaker_pause(called.vendor, called.costs_nothing) is not null
$$;

-- FUNCTION plain_email(text)
CREATE FUNCTION private.plain_email(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case when char_length(p_text) between 3 and 255 and p_text ~ '^[^[:space:]@]+@[^[:space:]@]+$'
                then lower(p_text) end
$_$;

-- FUNCTION plain_phone(text)
CREATE FUNCTION private.plain_phone(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case when p_text ~ '^\+[1-9][0-9]{4,14}$' then p_text end
$_$;

-- FUNCTION prepare_deletion_of_person(uuid)
CREATE FUNCTION private.prepare_deletion_of_person(p_user_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    clerk_id text;
begin
    -- Applications before the person, in the order in which everything that changes an application locks them.
    perform from public.applications where user_id = p_user_id order by id for update;

    -- Files can only be deleted through the Storage API. The job is nobody's, since a person's jobs are deleted with
    -- them.
    insert into public.background_jobs (user_id, job_type, max_attempts, payload, dedupe_key)
    values (null, 'delete_files',
            -- An outage of Storage must not leave somebody's files behind. With an hour between the later attempts,
            -- this is more than three days.
            80,
            jsonb_build_object('buckets', jsonb_build_array('resumes', 'cover_letters'), 'folder', p_user_id),
            'delete_files:' || p_user_id)
    on conflict (dedupe_key) do nothing;

    -- Skyvern's events that wait for a run that will never be recorded.
    delete from public.webhook_events
    where application_id is null
      and named_application_id in (select id from public.applications where user_id = p_user_id);
    -- What the inbox holds of the person. The rows stay, so that a repeated delivery is still a duplicate.
    select clerk_user_id into clerk_id from public.users where id = p_user_id;
    update public.webhook_events set body = '' where clerk_user_id = clerk_id and body <> '';
end
$$;

-- FUNCTION purge_resting_searches(timestamp with time zone, integer)
CREATE FUNCTION private.purge_resting_searches(p_before timestamp with time zone, p_limit integer) RETURNS integer
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with resting as materialized (
        select alert.saved_search_id
        from private.saved_search_alerts as alert
        join public.saved_searches as search on search.id = alert.saved_search_id
        where alert.next_at is null and alert.since < p_before
          and (search.last_run_at is null or search.last_run_at < p_before)
        order by alert.since
        limit p_limit
        for update of alert skip locked
    ),
    forgotten as (
        delete from private.saved_search_sightings as sighting
        using resting
        where sighting.saved_search_id = resting.saved_search_id
    ),
    renewed as (
        update private.saved_search_alerts as alert
        set since = clock_timestamp()
        from resting
        where alert.saved_search_id = resting.saved_search_id
    )
    select count(*)::integer from resting
$$;

-- FUNCTION purge_rows(regclass, name, text, text, timestamp with time zone, timestamp with time zone, integer)
CREATE FUNCTION private.purge_rows(p_table regclass, p_column name, p_condition text, p_instead text, p_after timestamp with time zone, p_before timestamp with time zone, p_limit integer, OUT purged integer, OUT reached timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
begin
    execute format(
        'with expired as materialized (
             select ctid, %2$I as moment from %1$s
             where %3$s and %2$I >= $1 and %2$I < $2
             order by %2$I
             limit $3
             for update skip locked
         ),
         gone as (
             %4$s where ctid = any (array(select ctid from expired))
         )
         select count(*), max(moment) from expired',
        p_table, p_column, p_condition,
        case when p_instead is null then format('delete from %s', p_table)
             else format('update %s set %s', p_table, p_instead) end)
    into purged, reached
    using p_after, p_before, p_limit;
end
$_$;

-- FUNCTION put_clerk_account(text, text, text, text, bigint)
CREATE FUNCTION private.put_clerk_account(p_clerk_user_id text, p_email text, p_phone_number text, p_full_name text, p_updated_at bigint) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    address  text := private.plain_email(p_email);
    number   text := private.plain_phone(p_phone_number);
    new_name text := left(nullif(btrim(p_full_name), ''), 200);
    said     jsonb := jsonb_strip_nulls(jsonb_build_object('full_name', new_name, 'phone_number', number));
    former   jsonb;
    account  uuid;
begin
    -- Whoever wants this address waits here, before any row is locked, and after the lock of the Clerk account: two
    -- accounts never take one address at the same time.
    if address is not null then
        perform pg_advisory_xact_lock(hashtextextended('address:' || address, 0));
    end if;

    select id into account from public.users where clerk_user_id = p_clerk_user_id;
    if account is null then
        -- Empty texts, because the Auth server cannot read null in these columns. The triggers on `auth.users` close
        -- the account and create its profile.
        insert into auth.users (
            id, instance_id, aud, role, raw_app_meta_data, raw_user_meta_data,
            confirmation_token, recovery_token, email_change, email_change_token_new, created_at, updated_at)
        values (
            gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated',
            jsonb_build_object('provider', 'clerk', 'providers', jsonb_build_array('clerk'),
                               'clerk_id', p_clerk_user_id),
            said, '', '', '', '', clock_timestamp(), clock_timestamp())
        returning id into account;
    else
        select raw_user_meta_data into former from auth.users where id = account for update;
        update auth.users as mirror
        set raw_user_meta_data = case when jsonb_typeof(former) = 'object'
                                      then former - 'full_name' - 'phone_number' else '{}' end || said,
            updated_at = clock_timestamp()
        where mirror.id = account;
    end if;

    -- Both profiles that may change, always in the same order, so that two accounts that swap addresses cannot deadlock.
    perform from public.users where id = account or email = address order by id for update;

    update public.users as holder
    set email = null
    where holder.email = address
      and holder.id <> account
      and starts_with(holder.clerk_user_id, 'user_')
      and coalesce((select known.updated_at from private.clerk_accounts as known
                    where known.clerk_user_id = holder.clerk_user_id), 0) < p_updated_at;
    if exists (select from public.users where email = address and id <> account) then
        address := null;
    end if;
    loop
        begin
            update public.users as profile
            set email = address,
                full_name = case when profile.full_name is not distinct from left(former ->> 'full_name', 200)
                                 then new_name else profile.full_name end,
                phone_number = case when profile.phone_number is not distinct from former ->> 'phone_number'
                                    then number else profile.phone_number end
            where profile.id = account
              and profile.clerk_user_id = p_clerk_user_id;
            if not found then
                raise exception 'the account of a Clerk user has no profile';
            end if;
            exit;
        exception
            when unique_violation then -- Supabase Auth has given the address to somebody since the check
                address := null;
        end;
    end loop;

    insert into private.clerk_accounts as known (clerk_user_id, updated_at)
    values (p_clerk_user_id, p_updated_at)
    on conflict (clerk_user_id) do update set updated_at = greatest(known.updated_at, excluded.updated_at);
    return account;
end
$$;

-- FUNCTION queue_submission(public.applications, integer)
CREATE FUNCTION private.queue_submission(p_application public.applications, p_seconds integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION record_application_deletion()
CREATE FUNCTION private.record_application_deletion() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if new.deleted_at is null then
        delete from public.application_deletions where application_id = new.id;
    else
        insert into public.application_deletions (application_id, user_id, deleted_at)
        values (new.id, new.user_id, new.deleted_at)
        on conflict (application_id) do nothing;
    end if;
    return null;
end
$$;

-- COMMENT FUNCTION record_application_deletion()
COMMENT ON FUNCTION private.record_application_deletion() IS 'Keeps application_deletions in step with applications. Definer: nobody may write application_deletions. Bounds: a trigger function, which nobody can call: it writes only about the row that is being changed.';

-- FUNCTION record_application_event()
CREATE FUNCTION private.record_application_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into public.application_events (application_id, user_id, from_status, to_status, source, reason)
    values (
        new.id, new.user_id,
        case tg_op when 'UPDATE' then old.status end, new.status,
        coalesce(
            nullif(current_setting('jobraker.event_source', true), ''),
            case current_setting('role', true) when 'authenticated' then 'person' else 'service' end),
        nullif(current_setting('jobraker.event_reason', true), ''));
    return null;
end
$$;

-- COMMENT FUNCTION record_application_event()
COMMENT ON FUNCTION private.record_application_event() IS 'Writes the history of an application. Definer: nobody may write application_events, so that the history cannot be forged. Bounds: a trigger function, which nobody can call: it writes only about the row that is being changed.';

-- FUNCTION refuse(text, integer, text, text, integer)
CREATE FUNCTION private.refuse(p_code text, p_status integer, p_message text, p_details text DEFAULT NULL::text, p_retry_after integer DEFAULT NULL::integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    raise sqlstate 'PGRST' using
        message = pg_catalog.jsonb_build_object(
            'code', p_code, 'message', p_message, 'details', p_details, 'hint', null)::text,
        detail = pg_catalog.jsonb_build_object(
            'status', p_status,
            'headers', case when p_retry_after is null then '{}'
                            else pg_catalog.jsonb_build_object('Retry-After', p_retry_after::text) end)::text;
end
$$;

-- FUNCTION refuse_beyond_application_limits(public.users, uuid)
CREATE FUNCTION private.refuse_beyond_application_limits(p_person public.users, p_application_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    day         constant interval := '24 hours';
    -- In seconds. Nobody knows when a run ends; most take a few minutes.
    look_again  constant integer := 300;
    moment      constant timestamptz := clock_timestamp();
    per_day     integer;
    at_once     integer;
    today       integer;
    in_progress integer;
    waiting     integer;
    reached     text;
    pause       integer := look_again;
begin
    select limits.per_day, limits.at_once into per_day, at_once
    from private.application_limits as limits where limits.tier = p_person.tier;
    per_day := coalesce(per_day, 0);
    at_once := coalesce(at_once, 0);

    -- A submission that surely started nothing cost nothing.
    select count(*) filter (where run.claimed_at > moment - day and (run.run_id is not null or run.ended_at is null)),
           count(*) filter (where run.ended_at is null)
    into today, in_progress
    from private.application_runs as run
    where run.user_id = p_person.id and (run.claimed_at > moment - day or run.ended_at is null);
    select count(*) into waiting
    from public.applications
    where user_id = p_person.id and submission_job_id is not null and id <> p_application_id
      and private.is_waiting(submission_job_id);

    if today + waiting >= per_day then
        reached := format('your plan allows %s applications in 24 hours', per_day);
        -- Until enough of the runs are a day old.
        select ceil(extract(epoch from run.claimed_at + day - moment)) into pause
        from private.application_runs as run
        where run.user_id = p_person.id and run.claimed_at > moment - day
          and (run.run_id is not null or run.ended_at is null)
        order by run.claimed_at
        offset today + waiting - per_day
        limit 1;
        pause := coalesce(pause, case when per_day = 0 then extract(epoch from day)::integer else look_again end);
    elsif in_progress >= at_once then
        reached := format('your plan allows %s applications at the same time', at_once);
    else
        return;
    end if;
    perform private.refuse('application_limit_reached', 429, reached,
        jsonb_build_object('retry_after_seconds', pause)::text, pause);
end
$$;

-- FUNCTION refuse_impersonation()
CREATE FUNCTION private.refuse_impersonation() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    actor jsonb;
begin
    begin
        actor := nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb -> 'act';
    exception
        when data_exception then -- claims that are not JSON
            return;
    end;
    if actor <> 'null' then
        perform private.refuse('impersonation_refused', 403, 'only the person themselves may do this');
    end if;
end
$$;

-- FUNCTION reserve_job_search_call(uuid, uuid, boolean)
CREATE FUNCTION private.reserve_job_search_call(p_call_id uuid, p_user_id uuid, p_is_alert boolean, OUT free_at timestamp with time zone, OUT is_own_limit boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    moment         timestamptz;
    alerts_free_at timestamptz;
    own_free_at    timestamptz;
begin
    perform from private.job_search_limits order by period for update;
    moment := clock_timestamp(); -- after the wait, so that times grow in the order of the reservations

    -- A limit of n calls is spent while the n-th newest call is within its period, and free when that call leaves it.
    select max(of_all.called_at + limits.period), max(of_alerts.called_at + limits.period),
           max(own.called_at + limits.period)
    into free_at, alerts_free_at, own_free_at
    from (select period, calls,
                 case when p_is_alert then calls_for_alerts end as calls_for_alerts,
                 case when p_is_alert then calls_for_alerts_per_person else calls_per_person end as calls_of_person
          from private.job_search_limits) as limits
    left join lateral (
        select called_at from private.job_search_calls
        order by called_at desc offset limits.calls - 1 limit 1) as of_all
        on of_all.called_at > moment - limits.period
    left join lateral (
        select called_at from private.job_search_calls
        where is_alert and limits.calls_for_alerts is not null
        order by called_at desc offset limits.calls_for_alerts - 1 limit 1) as of_alerts
        on of_alerts.called_at > moment - limits.period
    left join lateral (
        select called_at from private.job_search_calls
        where user_id = p_user_id and is_alert = p_is_alert and limits.calls_of_person is not null
        order by called_at desc offset limits.calls_of_person - 1 limit 1) as own
        on own.called_at > moment - limits.period;

    is_own_limit := own_free_at is not null;
    free_at := greatest(free_at, alerts_free_at, own_free_at); -- which ignores nulls
    if free_at is null then
        insert into private.job_search_calls (id, called_at, user_id, is_alert)
        values (p_call_id, moment, p_user_id, p_is_alert);
        delete from private.job_search_calls
        where called_at < moment - (select max(period) from private.job_search_limits);
    end if;
end
$$;

-- FUNCTION saved_search_of_job(uuid, uuid)
CREATE FUNCTION private.saved_search_of_job(p_job_id uuid, p_saved_search_id uuid) RETURNS public.saved_searches
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select search.*
    from public.background_jobs as job
    join public.saved_searches as search
        on search.id = p_saved_search_id and search.user_id = coalesce(job.user_id, search.user_id)
    where job.id = p_job_id
$$;

-- FUNCTION schedule_profile_reminder()
CREATE FUNCTION private.schedule_profile_reminder() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into private.profile_reminders (user_id) values (new.id) on conflict (user_id) do nothing;
    return null;
end
$$;

-- COMMENT FUNCTION schedule_profile_reminder()
COMMENT ON FUNCTION private.schedule_profile_reminder() IS 'Schedules the first look at a new profile. Definer: it runs for whoever makes a profile, who cannot reach the schema private. Bounds: a trigger function, which nobody can call: it writes one row, for the profile that is being made.';

-- FUNCTION schedule_saved_search()
CREATE FUNCTION private.schedule_saved_search() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    first_moment timestamptz;
begin
    if tg_op = 'INSERT' then
        first_moment := new.created_at;
    elsif new.search_query <> old.search_query then
        first_moment := clock_timestamp();
    end if;

    insert into private.saved_search_alerts as alert (saved_search_id, user_id, since, next_at)
    values (new.id, new.user_id, coalesce(first_moment, new.created_at),
            private.alert_due_at(new, coalesce(first_moment, new.created_at)))
    on conflict (saved_search_id) do update
    set since = coalesce(first_moment, alert.since),
        next_at = private.alert_due_at(new, coalesce(first_moment, alert.since)),
        job_id = case when first_moment is null then alert.job_id end;
    return null;
end
$$;

-- COMMENT FUNCTION schedule_saved_search()
COMMENT ON FUNCTION private.schedule_saved_search() IS 'Keeps the schedule of a saved search up to date. Definer: it runs for the person, who cannot reach the schema private. Bounds: a trigger function, which nobody can call: it changes only the schedule of the row that is being written.';

-- FUNCTION schedule_saved_searches_of_person()
CREATE FUNCTION private.schedule_saved_searches_of_person() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    person_id uuid;
begin
    if tg_table_name = 'users' then
        person_id := new.id;
    elsif tg_op = 'DELETE' then
        person_id := old.user_id;
    else
        person_id := new.user_id;
    end if;
    update private.saved_search_alerts as alert
    set next_at = private.alert_due_at(search, alert.since)
    from public.saved_searches as search
    where search.id = alert.saved_search_id and alert.user_id = person_id;
    return null;
end
$$;

-- COMMENT FUNCTION schedule_saved_searches_of_person()
COMMENT ON FUNCTION private.schedule_saved_searches_of_person() IS 'Keeps the schedules of a person''s saved searches up to date. Definer: it runs for the person, who cannot reach the schema private. Bounds: a trigger function, which nobody can call: it changes only the schedules of the person whose preferences or time zone are being written.';

-- FUNCTION sent_application(public.applications)
CREATE FUNCTION private.sent_application(p_application public.applications, OUT id uuid, OUT status public.application_status_type) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION set_applied_at()
CREATE FUNCTION private.set_applied_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if new.status in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then
        new.applied_at := null;
    elsif new.status in ('SUBMITTED_BY_SKYVERN', 'APPLIED_MANUALLY') and new.applied_at is null then
        new.applied_at := coalesce(case tg_op when 'UPDATE' then old.applied_at end, now());
    end if;
    return new;
end
$$;

-- FUNCTION set_read_at()
CREATE FUNCTION private.set_read_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.read_at := case when new.is_read then coalesce(case when old.is_read then old.read_at end, now()) end;
    return new;
end
$$;

-- FUNCTION take_a_turn()
CREATE FUNCTION private.take_a_turn() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into private.saved_search_alert_turns as turn (user_id, due_at)
    values (new.user_id, greatest(new.next_at, clock_timestamp()))
    on conflict (user_id) do update set due_at = excluded.due_at
        where turn.due_at is null or turn.due_at > excluded.due_at;
    return null;
end
$$;

-- COMMENT FUNCTION take_a_turn()
COMMENT ON FUNCTION private.take_a_turn() IS 'Keeps a person''s turn not later than their first search is due. Definer: it runs for the person, who cannot reach the schema private. Bounds: a trigger function, which nobody can call: it changes only the turn of the person of the row that is being written.';

-- FUNCTION tell_of_application(public.applications, public.application_status_type, jsonb)
CREATE FUNCTION private.tell_of_application(p_application public.applications, p_status public.application_status_type, p_message jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION token_subject()
CREATE FUNCTION private.token_subject() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    claims    json := nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::json;
    front_end text := claims ->> 'azp';
begin
    if claims ->> 'sts' = 'pending' then
        return null;
    end if;
    if front_end is not null
        and (select pg_catalog.bool_or(party = front_end) from private.authorized_parties) is false then
        return null;
    end if;
    return claims ->> 'sub';
end
$$;

-- FUNCTION unless_skyvern_is_paused(jsonb)
CREATE FUNCTION private.unless_skyvern_is_paused(p_question jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    pause integer := private.pass_circuit_breaker('skyvern', true);
begin
    if pause is null then
        return p_question;
    end if;
    return jsonb_build_object('outcome', 'paused', 'retry_after_seconds', pause);
end
$$;

-- FUNCTION wants_profile_reminder(uuid)
CREATE FUNCTION private.wants_profile_reminder(p_user_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select (exists (select from public.applications where user_id = p_user_id and deleted_at is null)
            or exists (select from public.saved_jobs where user_id = p_user_id)
            or exists (select from public.saved_searches where user_id = p_user_id))
       and not exists (select from public.notifications
                       where user_id = p_user_id and not is_read and type = 'PROFILE_REMINDER')
$$;

-- FUNCTION announce(text, text, public.user_tier[])
CREATE FUNCTION public.announce(p_title text, p_message text, p_tiers public.user_tier[] DEFAULT enum_range(NULL::public.user_tier)) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    announcement private.announcements;
begin
    if coalesce(char_length(p_title), 0) not between 1 and 200
       or coalesce(char_length(p_message), 0) not between 1 and 1000 then
        perform private.refuse('invalid_input', 422, 'the title has 1 to 200 characters, and the message 1 to 1000');
    end if;
    if coalesce(cardinality(p_tiers), 0) = 0 or array_position(p_tiers, null) is not null then
        perform private.refuse('invalid_input', 422, 'there must be a tier, and none of them may be null');
    end if;

    -- The update changes nothing but locks the row, so that two calls at once queue one job.
    insert into private.announcements (title, message) values (p_title, p_message)
    on conflict (title, md5(message)) do update set title = excluded.title
    returning * into announcement;
    insert into private.announcement_tiers (announcement_id, tier)
    select distinct announcement.id, tier from unnest(p_tiers) as tier
    on conflict (announcement_id, tier) do nothing;

    if not exists (select from private.announcement_tiers
                   where announcement_id = announcement.id and finished_at is null) then
        return jsonb_build_object('announcement_id', announcement.id, 'outcome', 'already_announced');
    end if;
    insert into public.background_jobs (job_type, payload)
    select 'announcement', jsonb_build_object('announcement_id', announcement.id)
    where not exists (select from public.background_jobs
                      where job_type = 'announcement' and status in ('pending', 'processing')
                        and payload ->> 'announcement_id' = announcement.id::text);
    return jsonb_build_object('announcement_id', announcement.id, 'outcome', 'announced');
end
$$;

-- COMMENT FUNCTION announce(p_title text, p_message text, p_tiers public.user_tier[])
COMMENT ON FUNCTION public.announce(p_title text, p_message text, p_tiers public.user_tier[]) IS 'Tells everybody of some tiers something, once. Definer: it writes tables in the schema private. Bounds: only operators call it; the texts are short enough for a push message, and the same text is told once.';

-- FUNCTION application_to_reconcile(uuid, uuid)
CREATE FUNCTION public.application_to_reconcile(p_application_id uuid, p_user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION application_to_reconcile(p_application_id uuid, p_user_id uuid)
COMMENT ON FUNCTION public.application_to_reconcile(p_application_id uuid, p_user_id uuid) IS 'What is to be asked of Skyvern about an application. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: if a person is named, only an application of theirs that is not deleted.';

-- FUNCTION apply_clerk_event(text, text, text, bigint, jsonb, text, uuid)
CREATE FUNCTION public.apply_clerk_event(p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text, p_request_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    known   private.clerk_accounts;
    is_new  boolean;
    account uuid;
    result  text;
begin
    perform private.lock_clerk_account(p_clerk_user_id);
    if exists (select from public.webhook_events where source = 'clerk' and event_key = p_event_id) then
        return jsonb_build_object('outcome', 'duplicate', 'user_id', null);
    end if;

    select * into known from private.clerk_accounts where clerk_user_id = p_clerk_user_id;
    if p_event_type = 'user.deleted' then
        account := private.delete_clerk_account(p_clerk_user_id);
        result := 'deleted';
    elsif known.deleted_at is not null then
        result := 'account_deleted';
    elsif known.updated_at > p_updated_at or (known.updated_at = p_updated_at and p_event_type = 'user.created') then
        -- Of two events of the same instant, the creation is the older one.
        result := 'outdated';
    else
        is_new := not exists (select from public.users where clerk_user_id = p_clerk_user_id);
        account := private.put_clerk_account(
            p_clerk_user_id, p_person ->> 'email', p_person ->> 'phone_number', p_person ->> 'full_name',
            p_updated_at);
        result := case when is_new then 'created' else 'updated' end;
    end if;

    insert into public.webhook_events (source, event_key, clerk_user_id, body, outcome, request_id, applied_at)
    values ('clerk', p_event_id, p_clerk_user_id,
            case when result = 'account_deleted' then '' else p_body end, result, p_request_id,
            case when result in ('created', 'updated', 'deleted') then clock_timestamp() end);
    return jsonb_build_object('outcome', result, 'user_id', account);
end
$$;

-- COMMENT FUNCTION apply_clerk_event(p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text, p_request_id uuid)
COMMENT ON FUNCTION public.apply_clerk_event(p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text, p_request_id uuid) IS 'Applies a webhook of Clerk. Definer: it writes auth.users and the schema private. Bounds: only the account that is named; an event is applied once, never over a newer one, and never after a deletion.';

-- FUNCTION apply_skyvern_event(text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text)
CREATE FUNCTION public.apply_skyvern_event(p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid, p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid, p_source text DEFAULT 'skyvern_webhook'::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION apply_skyvern_event(p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid, p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid, p_source text)
COMMENT ON FUNCTION public.apply_skyvern_event(p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid, p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid, p_source text) IS 'Applies an event of Skyvern. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the application that has the run or its open submission; an event is applied once, in order, and a person''s decision stands.';

-- FUNCTION begin_job_sync(text, text)
CREATE FUNCTION public.begin_job_sync(p_source text, p_locked_by text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    lock  jsonb := public.take_cron_lock('job_sync', p_locked_by, 120);
    pause integer;
    run   public.scraping_logs;
begin
    if not (lock ->> 'taken')::boolean then
        return jsonb_build_object('outcome', 'running', 'retry_after_seconds', coalesce(
            greatest(1, ceil(extract(epoch from (lock ->> 'expires_at')::timestamptz - clock_timestamp()))), 1));
    end if;
    pause := private.pass_circuit_breaker(p_source);
    if pause is not null then
        perform public.release_cron_lock('job_sync', (lock ->> 'lock_number')::bigint);
        return jsonb_build_object('outcome', 'paused', 'retry_after_seconds', pause);
    end if;
    perform public.close_dead_job_syncs();
    insert into public.scraping_logs (source_name, lock_number) values (p_source, (lock ->> 'lock_number')::bigint)
    returning * into run;
    return jsonb_build_object('outcome', 'began', 'run_id', run.id, 'lock_number', run.lock_number);
end
$$;

-- COMMENT FUNCTION begin_job_sync(p_source text, p_locked_by text)
COMMENT ON FUNCTION public.begin_job_sync(p_source text, p_locked_by text) IS 'Begins a run of the posting sync, if none is in progress. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: one run at a time; a source whose name is not valid cannot store a posting.';

-- FUNCTION cancel_background_jobs(uuid[])
CREATE FUNCTION public.cancel_background_jobs(p_job_ids uuid[]) RETURNS jsonb
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with cancelled as (
        update public.background_jobs
        set status = 'failed', error = 'cancelled'
        -- In the order of settle_background_jobs, so that the two cannot deadlock.
        where id in (select id from public.background_jobs
                     where id = any (p_job_ids) and status in ('pending', 'processing')
                     order by id
                     for update)
        returning id
    )
    select coalesce(jsonb_agg(id), '[]') from cancelled
$$;

-- FUNCTION claim_application(uuid, text, boolean)
CREATE FUNCTION public.claim_application(p_application_id uuid, p_idempotency_key text DEFAULT NULL::text, p_apply_again boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform private.refuse_impersonation();
    return private.claim_application_of(
        public.current_user_id(), p_application_id, p_idempotency_key, p_apply_again, null);
end
$$;

-- COMMENT FUNCTION claim_application(p_application_id uuid, p_idempotency_key text, p_apply_again boolean)
COMMENT ON FUNCTION public.claim_application(p_application_id uuid, p_idempotency_key text, p_apply_again boolean) IS 'Claims one of the caller''s applications, to start its one run. Definer: it writes the submission and the status, which no person may write, and refuses through private.refuse. Bounds: only an application of the caller''s that may be started; one posting once, unless the caller says that it is meant; as many runs as the tier allows; files only from the caller''s own folder; the key has 1 to 255 characters.';

-- FUNCTION claim_background_jobs(text, text[], integer, boolean)
CREATE FUNCTION public.claim_background_jobs(p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    lease   constant interval := '30 seconds';
    moment  constant timestamptz := clock_timestamp();
    chosen  uuid[];
    claimed jsonb;
    -- Not those whose vendor is in trouble.
    wanted  constant text[] := array(select unnest(p_job_types) except select unnest(private.paused_job_types()));
begin
    if p_limit is null or p_limit not between 1 and 500 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 500');
    end if;

    -- Their workers have vanished.
    update public.background_jobs
    set status = case when retry_count + 1 < max_attempts then 'pending' else 'failed' end::public.job_status,
        error = case when retry_count + 1 < max_attempts then error else 'lease_expired' end,
        retry_count = retry_count + 1,
        lost_leases = lost_leases + 1,
        lease_number = lease_number + 1,
        locked_by = null,
        lease_expires_at = null
    where id in (
        select id from public.background_jobs
        where status = 'processing' and lease_expires_at <= moment and job_type = any (p_job_types)
        order by lease_expires_at
        limit p_limit
        for update skip locked);

    if p_suspect_only is not true then
        with due as (
            select job.job_type, job.run_at, row_number() over (partition by job.job_type order by job.run_at) as turn
            from unnest(wanted) as known (job_type)
            cross join lateral (
                select job_type, run_at from public.background_jobs
                where job_type = known.job_type and status = 'pending' and lost_leases = 0 and run_at <= moment
                order by run_at
                limit p_limit) as job
        ),
        -- How many of each type. Nothing is locked before this is known, so nothing is locked that is not claimed.
        shares as (
            select job_type, count(*) as jobs
            from (select job_type from due order by turn, run_at limit p_limit) as next
            group by job_type
        )
        select array_agg(job.id) into chosen
        from shares
        cross join lateral (
            select id from public.background_jobs
            where job_type = shares.job_type and status = 'pending' and lost_leases = 0 and run_at <= moment
            order by run_at
            limit shares.jobs
            for update skip locked) as job;
    end if;

    if chosen is null then
        chosen := array(
            select id from public.background_jobs
            where status = 'pending' and lost_leases > 0 and run_at <= moment and job_type = any (wanted)
            order by lost_leases, run_at
            limit 1
            for update skip locked);
    end if;

    chosen := private.one_cancellation_on_trial(chosen);

    with leased as (
        update public.background_jobs as job
        set status = 'processing',
            locked_by = left(p_worker, 200),
            lease_expires_at = moment + lease,
            lease_number = job.lease_number + 1
        where job.id = any (chosen)
        returning job.*
    )
    select jsonb_agg(jsonb_build_object(
               'id', id, 'user_id', user_id, 'job_type', job_type, 'payload', payload, 'progress', progress,
               'lease_number', lease_number, 'attempt', retry_count + 1) order by run_at, id)
    into claimed
    from leased;
    return coalesce(claimed, '[]');
end
$$;

-- COMMENT FUNCTION claim_background_jobs(p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean)
COMMENT ON FUNCTION public.claim_background_jobs(p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean) IS 'Leases due background jobs to a worker. Definer: it refuses through private.refuse, which service_role cannot call. Bounds: 1 to 500 jobs, only of the types named, leased for 30 seconds.';

-- FUNCTION claim_push_messages(jsonb)
CREATE FUNCTION public.claim_push_messages(p_messages jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    -- Longer than sending may take, retries included.
    lease    constant interval := interval '30 seconds';
    read_at  constant timestamptz := clock_timestamp();
    pause    constant integer := private.pass_circuit_breaker('expo');
    messages jsonb;
begin
    if pause is not null then
        perform public.settle_background_jobs(coalesce(jsonb_agg(wanted || jsonb_build_object(
            'outcome', 'put_back', 'retry_after_seconds', pause)), '[]'))
        from jsonb_array_elements(p_messages) as wanted
        where wanted ->> 'lease_number' is not null;
        return jsonb_build_object('read_at', read_at, 'messages', '[]'::jsonb, 'retry_after_seconds', pause);
    end if;

    with asked as (
        select listed.place, (listed.wanted ->> 'job_id')::uuid as job_id, (listed.wanted ->> 'user_id')::uuid as user_id,
               (listed.wanted ->> 'lease_number')::bigint as lease_number
        from jsonb_array_elements(p_messages) with ordinality as listed (wanted, place)
    ),
    due as materialized (
        select job.id, job.lease_number = asked.lease_number as is_handed_over
        from public.background_jobs as job
        join asked on asked.job_id = job.id
        where job.job_type = 'push_notification'
          and job.retry_count < job.max_attempts
          and case when asked.lease_number is null
                   then (job.status = 'pending' and job.run_at <= read_at)
                        or (job.status = 'processing' and job.lease_expires_at <= read_at)
                   else job.status = 'processing' and job.lease_number = asked.lease_number end
        for update of job skip locked
    ),
    claimed as (
        update public.background_jobs as job
        set status = 'processing',
            -- A lease that expired has used up an attempt.
            retry_count = job.retry_count
                          + case when job.status = 'processing' and due.is_handed_over is not true then 1 else 0 end,
            locked_by = 'trigger-push-notification',
            lease_expires_at = read_at + lease,
            lease_number = job.lease_number + 1
        from due
        where job.id = due.id
        returning job.id, job.user_id, job.payload, job.lease_number
    )
    select coalesce(jsonb_agg(
        case
            when asked.job_id is not null and claimed.id is null then
                jsonb_build_object('claimed', false, 'job_status', (select job.status from public.background_jobs as job
                                                                    where job.id = asked.job_id), 'devices', '[]'::jsonb)
            else
                jsonb_build_object('claimed', true, 'lease_number', claimed.lease_number, 'payload', claimed.payload,
                                   'devices', coalesce(reached.devices, '[]'::jsonb))
        end order by asked.place), '[]'::jsonb)
    into messages
    from asked
    left join claimed on claimed.id = asked.job_id
    left join lateral (
        select jsonb_agg(jsonb_build_object('id', device.id, 'token', device.token)
                         order by device.last_seen_at desc, device.id) as devices
        from public.user_push_tokens as device
        where device.user_id = coalesce(claimed.user_id, asked.user_id)
          and device.revoked_at is null
          and not exists (select from public.push_tickets as ticket
                          where ticket.job_id = claimed.id and ticket.push_token_id = device.id)
    ) as reached on true;

    if not jsonb_path_exists(messages, '$[*].devices[*]') then
        perform private.give_back_trial('expo'); -- there is nothing to send
    end if;

    return jsonb_build_object('read_at', read_at, 'messages', messages);
end
$_$;

-- COMMENT FUNCTION claim_push_messages(p_messages jsonb)
COMMENT ON FUNCTION public.claim_push_messages(p_messages jsonb) IS 'Leases queued push messages and lists the devices they go to. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: only jobs of the type push_notification that are due, or whose fencing token the caller knows; only devices of the person concerned, 20 at most.';

-- FUNCTION claim_push_receipts()
CREATE FUNCTION public.claim_push_receipts() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tickets_at_most constant integer := 1000;
    kept_for        constant interval := interval '24 hours';
    next_look       constant interval := interval '15 minutes';
    moment          constant timestamptz := clock_timestamp();
    tickets         jsonb;
begin
    if private.pass_circuit_breaker('expo') is not null then
        return '[]'; -- they stay due
    end if;
    update public.push_tickets
    set status = 'unknown', receipt_due_at = null
    where id in (select id from public.push_tickets
                 where receipt_due_at <= moment and sent_at < moment - kept_for
                 order by receipt_due_at
                 limit tickets_at_most
                 for update skip locked);

    with due as (
        select id from public.push_tickets
        where receipt_due_at <= moment
        order by receipt_due_at
        limit tickets_at_most
        for update skip locked
    ),
    claimed as (
        update public.push_tickets as ticket
        set receipt_due_at = moment + next_look, receipt_checks = receipt_checks + 1
        from due
        where ticket.id = due.id
        returning ticket.ticket_id
    )
    select jsonb_agg(ticket_id) into tickets from claimed;
    if tickets is null then
        perform private.give_back_trial('expo');
    end if;
    return coalesce(tickets, '[]');
end
$$;

-- COMMENT FUNCTION claim_push_receipts()
COMMENT ON FUNCTION public.claim_push_receipts() IS 'Claims the tickets whose receipt is due. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: it takes no arguments; 1,000 tickets at most.';

-- FUNCTION claim_queued_application(uuid, uuid)
CREATE FUNCTION public.claim_queued_application(p_application_id uuid, p_job_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION claim_queued_application(p_application_id uuid, p_job_id uuid)
COMMENT ON FUNCTION public.claim_queued_application(p_application_id uuid, p_job_id uuid) IS 'Claims an application that waits in the queue, for the person who submitted it. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the application that waits as this very job; all the limits of claim_application.';

-- FUNCTION close_dead_job_syncs()
CREATE FUNCTION public.close_dead_job_syncs() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    closed bigint;
begin
    -- Waits for a run that is extending its lock at this moment.
    perform from public.cron_locks where lock_name = 'job_sync' for update;
    update public.scraping_logs as run
    set status = 'failed', error = 'run_died', completed_at = clock_timestamp()
    where run.status = 'running'
      and not exists (select from public.cron_locks as lock
                      where lock.lock_name = 'job_sync' and lock.lock_number = run.lock_number
                        and lock.expires_at > clock_timestamp());
    get diagnostics closed = row_count;
    return jsonb_build_object('closed', closed);
end
$$;

-- COMMENT FUNCTION close_dead_job_syncs()
COMMENT ON FUNCTION public.close_dead_job_syncs() IS 'Closes the log rows of runs that died. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: it takes no arguments; only runs without a valid lock.';

-- FUNCTION count_job_click(uuid)
CREATE FUNCTION public.count_job_click(p_job_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    person_id uuid := public.current_user_id();
    today     date := (clock_timestamp() at time zone 'utc')::date;
    counted   boolean;
    clicks    integer;
begin
    if person_id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    select click_count into clicks from public.jobs where id = p_job_id and is_active and status = 'active';
    if not found then
        perform private.refuse('job_not_found', 404, 'there is no such job posting');
    end if;

    insert into private.job_clicks as known (job_id, user_id, counted_on) values (p_job_id, person_id, today)
    on conflict (job_id, user_id) do update set counted_on = excluded.counted_on
        where known.counted_on < excluded.counted_on;
    counted := found;
    if counted then
        update public.jobs set click_count = click_count + 1 where id = p_job_id returning click_count into clicks;
    end if;
    return jsonb_build_object('counted', counted, 'click_count', clicks);
end
$$;

-- COMMENT FUNCTION count_job_click(p_job_id uuid)
COMMENT ON FUNCTION public.count_job_click(p_job_id uuid) IS 'Counts a click of the caller on a posting. Definer: no person may write click_count or reach the schema private. Bounds: the person is the caller, never an argument; only active postings, and one click per person, posting and day.';

-- FUNCTION delete_application(uuid, text)
CREATE FUNCTION public.delete_application(p_application_id uuid, p_reason text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if char_length(p_reason) > 1000 then
        perform private.refuse('invalid_input', 422, 'a reason has at most 1000 characters');
    end if;
    update public.applications set deleted_at = clock_timestamp(), deletion_reason = p_reason
    where id = p_application_id and user_id = public.current_user_id() and deleted_at is null;
    if not found then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;
end
$$;

-- COMMENT FUNCTION delete_application(p_application_id uuid, p_reason text)
COMMENT ON FUNCTION public.delete_application(p_application_id uuid, p_reason text) IS 'Hides one of the caller''s applications, and cancels its runs. Definer: no person may hide a row from themselves by an update that their select policy checks. Bounds: only an application of the caller''s; the reason has at most 1,000 characters.';

-- FUNCTION enqueue_background_jobs(jsonb)
CREATE FUNCTION public.enqueue_background_jobs(p_jobs jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    outcomes jsonb;
begin
    with asked as (
        select listed.place, gen_random_uuid() as id, job.*
        from jsonb_array_elements(p_jobs) with ordinality as listed (job, place)
        cross join lateral jsonb_to_record(listed.job) as job (
            job_type text, payload jsonb, user_id uuid, run_at timestamptz, max_attempts integer, dedupe_key text)
    ),
    queued as (
        insert into public.background_jobs (id, user_id, job_type, payload, run_at, max_attempts, dedupe_key)
        select id, user_id, job_type, coalesce(payload, '{}'), coalesce(run_at, clock_timestamp()),
               coalesce(max_attempts, 5), dedupe_key
        from asked
        -- Always in the same order, so that two callers with the same keys cannot deadlock.
        order by dedupe_key
        on conflict (dedupe_key) do nothing
        returning id, dedupe_key
    )
    select jsonb_agg(jsonb_build_object(
               'id', coalesce(mine.id, same.id, earlier.id),
               'outcome', case when mine.id is null then 'already_queued' else 'queued' end) order by asked.place)
    into outcomes
    from asked
    left join queued as mine on mine.id = asked.id
    left join queued as same on same.dedupe_key = asked.dedupe_key -- twice in this call
    left join public.background_jobs as earlier on earlier.dedupe_key = asked.dedupe_key;
    return coalesce(outcomes, '[]');
end
$$;

-- COMMENT FUNCTION enqueue_background_jobs(p_jobs jsonb)
COMMENT ON FUNCTION public.enqueue_background_jobs(p_jobs jsonb) IS 'Queues many background jobs at once. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: the checks of background_jobs apply, of which none limits a payload, since only the service calls it; a dedupe key is queued once.';

-- FUNCTION ensure_person()
CREATE FUNCTION public.ensure_person() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    claims  json;
    subject text;
    address text;
    account uuid;
begin
    begin
        claims := nullif(current_setting('request.jwt.claims', true), '')::json;
        subject := private.token_subject();
        -- An address makes somebody known unless it is said not to be verified.
        if json_typeof(claims -> 'email') = 'string' and coalesce(claims ->> 'email_verified', 'true') = 'true' then
            address := private.plain_email(claims ->> 'email');
        end if;
    exception
        when data_exception then -- text that PostgreSQL cannot store
            subject := null;
    end;

    account := public.current_user_id();
    if account is null and subject ~ '^user_[!-~]{1,250}$' then
        perform private.lock_clerk_account(subject);
        if exists (select from private.clerk_accounts where clerk_user_id = subject and deleted_at is not null) then
            perform private.refuse('account_deleted', 403, 'this account has been deleted');
        end if;
        -- The webhook, or another call, may have been faster.
        select id into account from public.users where clerk_user_id = subject;
        if account is null and address is not null then
            -- It is theirs only if it is said to be verified. Otherwise the webhook brings it.
            account := private.put_clerk_account(
                subject, case when claims ->> 'email_verified' = 'true' then address end, null, null, 0);
        end if;
    end if;
    if account is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    return jsonb_build_object('user_id', account);
end
$_$;

-- COMMENT FUNCTION ensure_person()
COMMENT ON FUNCTION public.ensure_person() IS 'Creates the caller''s profile from their session token if the webhook has not come yet. Definer: it writes auth.users and the schema private. Bounds: it takes no arguments: everything is from the claims that PostgREST has verified, and only a verified address is taken.';

-- FUNCTION erase_application(uuid)
CREATE FUNCTION public.erase_application(p_application_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    person uuid := public.current_user_id();
begin
    -- First, as everybody who changes an application.
    perform from public.applications where id = p_application_id and user_id = person for update;
    if not found then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;

    delete from public.notifications
    where user_id = person and related_entity_type = 'application' and related_entity_id = p_application_id;
    -- Messages that wait to be sent, and those that were.
    delete from public.background_jobs
    where user_id = person and payload #>> '{data,application_id}' = p_application_id::text;
    delete from public.webhook_events
    where application_id is null and named_application_id = p_application_id;
    delete from public.applications where id = p_application_id;
end
$$;

-- COMMENT FUNCTION erase_application(p_application_id uuid)
COMMENT ON FUNCTION public.erase_application(p_application_id uuid) IS 'Erases one of the caller''s applications for good, and cancels its runs. Definer: no person may delete applications, notifications'' jobs or the inbox. Bounds: only an application of the caller''s, and only rows that are about it.';

-- FUNCTION extend_background_jobs(jsonb)
CREATE FUNCTION public.extend_background_jobs(p_jobs jsonb) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    with reported as (
        select * from jsonb_to_recordset(p_jobs) as reported (job_id uuid, lease_number bigint, progress jsonb)
    ),
    -- In the order of settle_background_jobs, so that a late worker and the next one cannot deadlock.
    held as materialized (
        select job.id, reported.progress
        from public.background_jobs as job
        join reported on job.id = reported.job_id
                         and job.status = 'processing' and job.lease_number = reported.lease_number
        order by job.id
        for update of job
    ),
    extended as (
        update public.background_jobs as job
        set lease_expires_at = clock_timestamp() + interval '30 seconds',
            progress = coalesce(held.progress, job.progress)
        from held
        where job.id = held.id
        returning job.id
    )
    select coalesce(jsonb_agg(id), '[]') from extended
$$;

-- COMMENT FUNCTION extend_background_jobs(p_jobs jsonb)
COMMENT ON FUNCTION public.extend_background_jobs(p_jobs jsonb) IS 'Extends the leases of background jobs. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: only jobs whose current fencing token the caller knows, and by 30 seconds.';

-- FUNCTION extend_cron_lock(text, bigint, integer)
CREATE FUNCTION public.extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if p_seconds is null or p_seconds not between 1 and 86400 then
        perform private.refuse('invalid_input', 422, 'a lock is held for 1 to 86400 seconds');
    end if;
    return private.hold_cron_lock(p_lock_name, p_lock_number, p_seconds);
end
$$;

-- COMMENT FUNCTION extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer)
COMMENT ON FUNCTION public.extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer) IS 'Extends a lock for scheduled work. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only a lock that has not expired and whose fencing token the caller knows; 1 to 86,400 seconds.';

-- FUNCTION fail_queued_application(uuid, uuid, jsonb)
CREATE FUNCTION public.fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb)
COMMENT ON FUNCTION public.fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb) IS 'Gives up a submission that waited in the queue, and tells its person. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the application that waits as this very job; a person''s decision has ended the waiting before.';

-- FUNCTION finish_job_sync(bigint, boolean, text, text[])
CREATE FUNCTION public.finish_job_sync(p_lock_number bigint, p_is_whole boolean, p_error text DEFAULT NULL::text, p_exhausted text[] DEFAULT '{}'::text[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    days        constant integer := 5;
    run         public.scraping_logs := private.hold_job_sync(p_lock_number);
    is_telling  boolean;
    unseen_from timestamptz; -- when the run began that was the first of this many days
    deactivated integer := 0;
begin
    if run.id is null then
        select * into run from public.scraping_logs where lock_number = p_lock_number;
        if run.status <> 'running' and run.error is not distinct from p_error then
            return jsonb_build_object('outcome', 'finished', 'run', to_jsonb(run));
        end if;
        return jsonb_build_object('outcome', 'superseded');
    end if;

    is_telling := p_error is null and p_is_whole and run.jobs_fetched > run.errors;
    if is_telling then
        select min(began_at) into unseen_from
        from (select min(log.started_at) as began_at
              from public.scraping_logs as log
              where log.source_name = run.source_name and (log.is_whole or log.id = run.id)
              group by (log.started_at at time zone 'UTC')::date
              order by began_at desc
              limit days) as told
        having count(*) = days;
        update public.jobs
        set is_active = false
        where source = run.source_name and is_active
          and coalesce(last_seen, created_at) < run.started_at
          and (seen_by <> '{}' and seen_by <@ coalesce(p_exhausted, '{}')
               or coalesce(last_seen, created_at) < unseen_from);
        get diagnostics deactivated = row_count;
    end if;
    update public.scraping_logs
    set status = case when p_error is null then 'completed' else 'failed' end,
        error = left(p_error, 500),
        jobs_deactivated = deactivated,
        is_whole = is_telling,
        completed_at = clock_timestamp()
    where id = run.id
    returning * into run;
    perform public.release_cron_lock('job_sync', p_lock_number);
    if p_error is null or private.call_outcome(p_error) is not null then
        perform private.note_vendor_call(
            run.source_name, coalesce(private.call_outcome(p_error), 'succeeded'));
    end if;
    return jsonb_build_object('outcome', 'finished', 'run', to_jsonb(run));
end
$$;

-- COMMENT FUNCTION finish_job_sync(p_lock_number bigint, p_is_whole boolean, p_error text, p_exhausted text[])
COMMENT ON FUNCTION public.finish_job_sync(p_lock_number bigint, p_is_whole boolean, p_error text, p_exhausted text[]) IS 'Ends a run of the posting sync. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the current run, known by its fencing token; only postings of its source are deactivated, and only those that are known to be gone; the error is cut at 500 characters.';

-- FUNCTION handle_application_status_update_timestamp()
CREATE FUNCTION public.handle_application_status_update_timestamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.last_status_update_at = now();
    return new;
end
$$;

-- FUNCTION handle_new_user_from_clerk()
CREATE FUNCTION public.handle_new_user_from_clerk() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform private.create_profile(new);
    return null;
exception
    when others then
        raise warning 'no profile was made for a new account (SQLSTATE %)', sqlstate;
        return null;
end
$$;

-- COMMENT FUNCTION handle_new_user_from_clerk()
COMMENT ON FUNCTION public.handle_new_user_from_clerk() IS 'Gives every new account its profile. Definer: it runs for Supabase Auth, which has no rights on public.users. Bounds: a trigger function, which nobody can call: it sees only the row of auth.users that is being inserted.';

-- FUNCTION handle_updated_at()
CREATE FUNCTION public.handle_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.updated_at = now();
    return new;
end
$$;

-- FUNCTION handle_user_email_changed()
CREATE FUNCTION public.handle_user_email_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    -- Not of an account of Clerk's, whose row has no address.
    update public.users set email = private.address_of_account(new)
    where id = new.id and clerk_user_id is distinct from new.raw_app_meta_data ->> 'clerk_id';
    return null;
exception
    when integrity_constraint_violation then
        -- Another profile has the address. The old one is out of date, so this profile has none.
        update public.users set email = null where id = new.id;
        return null;
end
$$;

-- COMMENT FUNCTION handle_user_email_changed()
COMMENT ON FUNCTION public.handle_user_email_changed() IS 'Follows an e-mail address of Supabase Auth that was changed or confirmed into the profile. Definer: it runs for Supabase Auth, which has no rights on public.users. Bounds: a trigger function, which nobody can call: it changes only the profile of the changed account.';

-- FUNCTION lease_job_search(text, uuid, uuid)
CREATE FUNCTION public.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select private.lease_job_search(p_query_key, p_known_version, p_user_id, false, null)
$$;

-- COMMENT FUNCTION lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid)
COMMENT ON FUNCTION public.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid) IS 'The right to ask Adzuna for the page of a search, or what there is instead. Definer: it takes calls out of the allowance, in tables of the schema private. Bounds: the key is a SHA-256; calls are limited per person. A person cannot call it, or they could spend the allowance without a search.';

-- TABLE resumes
CREATE TABLE public.resumes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid DEFAULT public.current_user_id() NOT NULL,
    file_url text NOT NULL,
    file_name text NOT NULL,
    version_name text,
    is_primary boolean DEFAULT false NOT NULL,
    uploaded_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT resumes_check_file_name CHECK (((char_length(file_name) >= 1) AND (char_length(file_name) <= 255))),
    CONSTRAINT resumes_check_file_url CHECK (((char_length(file_url) >= 1) AND (char_length(file_url) <= 1024))),
    CONSTRAINT resumes_check_version_name CHECK ((char_length(version_name) <= 200))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE resumes
COMMENT ON TABLE public.resumes IS 'A person''s résumés; the files are in storage.';

-- FUNCTION make_resume_primary(uuid)
CREATE FUNCTION public.make_resume_primary(p_resume_id uuid) RETURNS public.resumes
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    person uuid := public.current_user_id();
    chosen public.resumes;
begin
    if person is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    -- Two calls at once wait for each other here.
    perform from public.users where id = person for no key update;
    select * into chosen from public.resumes where id = p_resume_id and user_id = person for no key update;
    if chosen.id is null then
        perform private.refuse('resume_not_found', 404, 'there is no such résumé');
    end if;
    if not chosen.is_primary then
        update public.resumes set is_primary = false where user_id = person and is_primary;
        update public.resumes set is_primary = true where id = chosen.id returning * into chosen;
    end if;
    return chosen;
end
$$;

-- COMMENT FUNCTION make_resume_primary(p_resume_id uuid)
COMMENT ON FUNCTION public.make_resume_primary(p_resume_id uuid) IS 'Makes one of the caller''s résumés the primary one. Definer: it locks the caller''s profile, and refuses through private.refuse. Bounds: only résumés of the caller''s.';

-- FUNCTION match_jobs(extensions.vector, integer)
CREATE FUNCTION public.match_jobs(query_embedding extensions.vector, match_count integer DEFAULT 10) RETURNS TABLE(id uuid, similarity double precision)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    -- The index does not know which postings are active, so the scan goes on until it has found enough of them. Set
    -- here and not as the function's own setting, which needs a superuser where pgvector is not loaded yet.
    perform set_config('hnsw.iterative_scan', 'strict_order', true);
    return query
        select job.id, 1 - (job.embedding operator(extensions.<=>) query_embedding)
        from public.jobs as job
        where job.embedding is not null and job.is_active and job.status = 'active'
        order by job.embedding operator(extensions.<=>) query_embedding
        limit least(greatest(coalesce(match_count, 10), 0), 200);
end
$$;

-- FUNCTION note_ongoing_skyvern_run(uuid, text)
CREATE FUNCTION public.note_ongoing_skyvern_run(p_application_id uuid, p_run_id text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.applications set skyvern_heard_at = clock_timestamp()
    where id = p_application_id and skyvern_task_id = p_run_id and status = 'PROCESSING_BY_SKYVERN';
    return found;
end
$$;

-- COMMENT FUNCTION note_ongoing_skyvern_run(p_application_id uuid, p_run_id text)
COMMENT ON FUNCTION public.note_ongoing_skyvern_run(p_application_id uuid, p_run_id text) IS 'Notes that a run is still in progress. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: only an application that waits for exactly this run.';

-- FUNCTION note_vendor_call(text, text, bigint, boolean)
CREATE FUNCTION public.note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform private.note_vendor_call(p_vendor, p_outcome, p_retry_after_seconds, p_costs_nothing);
    return '{}';
end
$$;

-- COMMENT FUNCTION note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean)
COMMENT ON FUNCTION public.note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean) IS 'What came of a call of a vendor, for its circuit breaker. Definer: the circuit breakers are in the schema private. Bounds: a known vendor and a known outcome; a pause is a day at most.';

-- FUNCTION purge_expired_rows(integer, jsonb)
CREATE FUNCTION public.purge_expired_rows(p_limit integer DEFAULT 2000, p_after jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    moment  constant timestamptz := clock_timestamp();
    kind    record;
    from_on timestamptz;
    number  integer;
    purged  jsonb := '{}';
    reached jsonb := '{}';
begin
    for kind in
        select listed.*, moment - period.keep_for as before
        from (values
            ('background_jobs', 'public.background_jobs', 'updated_at',
             $cond$status = 'completed'$cond$, null),
            ('failed_background_jobs', 'public.background_jobs', 'updated_at',
             $cond$status = 'failed'$cond$, null),
            ('webhook_bodies', 'public.webhook_events', 'received_at',
             $cond$body <> '' and outcome <> 'waiting'$cond$, $set$body = ''$set$),
            ('webhook_events', 'public.webhook_events', 'received_at', 'true', null),
            ('push_tickets', 'public.push_tickets', 'sent_at', 'receipt_due_at is null', null),
            ('user_push_tokens', 'public.user_push_tokens', 'revoked_at', 'true', null),
            ('read_notifications', 'public.notifications', 'created_at', 'is_read', null),
            ('unread_notifications', 'public.notifications', 'created_at', 'not is_read', null),
            ('job_clicks', 'private.job_clicks', 'counted_on', 'true', null),
            ('inactive_jobs', 'public.jobs', 'updated_at', $cond$not is_active and source <> 'provider'$cond$, null),
            -- Not while a run may still report.
            ('deleted_applications', 'public.applications', 'deleted_at',
             $cond$submission_id is null and status <> 'PROCESSING_BY_SKYVERN'$cond$, null),
            ('erased_application_runs', 'private.application_runs', 'ended_at', 'application_id is null', null),
            ('resting_searches', null, null, null, null),
            ('job_search_cache', 'public.job_search_cache', 'expires_at', 'true', null),
            ('job_search_leases', 'private.job_search_leases', 'expires_at', 'true', null),
            ('scraping_logs', 'public.scraping_logs', 'completed_at', 'true', null),
            ('cron_locks', 'public.cron_locks', 'expires_at', 'true', null)
        ) as listed (name, of_table, of_column, condition, instead)
        join private.retention_periods as period on period.kind = listed.name
    loop
        from_on := coalesce((p_after ->> kind.name)::timestamptz, '-infinity');
        if from_on = 'infinity' then
            continue; -- there were no more
        end if;
        if kind.name = 'resting_searches' then
            number := private.purge_resting_searches(kind.before, p_limit);
        else
            select rows.purged, rows.reached into number, from_on
            from private.purge_rows(kind.of_table::regclass, kind.of_column, kind.condition, kind.instead, from_on,
                                    kind.before, p_limit) as rows;
        end if;
        purged := purged || jsonb_build_object(kind.name, number);
        reached := reached || jsonb_build_object(kind.name, case when number < p_limit then 'infinity' else from_on end);
    end loop;
    return jsonb_build_object('purged', purged, 'after', p_after || reached);
end
$_$;

-- COMMENT FUNCTION purge_expired_rows(p_limit integer, p_after jsonb)
COMMENT ON FUNCTION public.purge_expired_rows(p_limit integer, p_after jsonb) IS 'Deletes what nobody needs any more. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: no more rows of each kind than p_limit, and none younger than private.retention_periods says; p_after can only leave rows out.';

-- FUNCTION queue_daily_purge()
CREATE FUNCTION public.queue_daily_purge() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    queued integer;
begin
    insert into public.background_jobs (job_type, payload, dedupe_key)
    values ('purge', '{}', 'purge:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD'))
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;
    return jsonb_build_object('queued', queued);
end
$$;

-- COMMENT FUNCTION queue_daily_purge()
COMMENT ON FUNCTION public.queue_daily_purge() IS 'Queues the purge of the day. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: it takes no arguments; one job a day.';

-- FUNCTION queue_due_profile_reminders()
CREATE FUNCTION public.queue_due_profile_reminders() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    queued integer;
begin
    insert into public.background_jobs (job_type, payload, dedupe_key)
    select 'profile_reminders', '{}',
           'profile_reminders:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI')
    -- now() and not clock_timestamp(), which no index can be searched for.
    where exists (select from private.profile_reminders where next_at <= now())
      and not exists (select from public.background_jobs
                      where job_type = 'profile_reminders' and status in ('pending', 'processing'))
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;
    return jsonb_build_object('queued', queued);
end
$$;

-- COMMENT FUNCTION queue_due_profile_reminders()
COMMENT ON FUNCTION public.queue_due_profile_reminders() IS 'Queues the job that reminds people of what is missing in their profiles. Definer: it reads schedules in the schema private. Bounds: it takes no arguments; one job a minute, and one at a time.';

-- FUNCTION queue_due_push_receipts()
CREATE FUNCTION public.queue_due_push_receipts() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tickets_per_job constant integer := 1000;
    jobs_at_most    constant integer := 20;
    jobs            integer;
    queued          integer;
begin
    select ceil(count(*)::numeric / tickets_per_job) into jobs
    from (select from public.push_tickets
          where receipt_due_at <= clock_timestamp()
          limit tickets_per_job * jobs_at_most) as due;

    insert into public.background_jobs (job_type, payload, dedupe_key)
    select 'push_receipts', '{}',
           format('push_receipts:%s:%s', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI'), number)
    from generate_series(1, jobs) as number
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;
    return jsonb_build_object('queued', queued);
end
$$;

-- COMMENT FUNCTION queue_due_push_receipts()
COMMENT ON FUNCTION public.queue_due_push_receipts() IS 'Queues the jobs that ask for due receipts. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: it takes no arguments; 20 jobs at most, and each once a minute.';

-- FUNCTION queue_due_reconciliations()
CREATE FUNCTION public.queue_due_reconciliations() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    silence constant interval := '15 minutes';
    at_most constant integer := 500;
    -- Counted from the epoch. A silent run is looked for once in each.
    quarter constant bigint := floor(extract(epoch from now()) / extract(epoch from silence));
    queued  integer;
begin
    with due as (
        select id as application_id, skyvern_heard_at as since,
               format('reconcile_application:%s:%s', id, quarter) as key
        from public.applications
        where status = 'PROCESSING_BY_SKYVERN' and skyvern_task_id is not null and skyvern_heard_at <= now() - silence
        union all
        -- The key names the submission: the next one of the same application need not wait for the next quarter.
        select id, submission_lease_expires_at, format('reconcile_application:%s:%s', submission_id, quarter)
        from public.applications
        where submission_id is not null and submission_lease_expires_at <= now()
        union all
        -- A key of its own: it may have been looked for in this quarter already, when it was not overdue yet.
        select application.id, run.started_at, format('reconcile_application:%s:overdue:%s', run.run_id, quarter)
        from private.application_runs as run
        join public.applications as application
            on application.id = run.application_id and application.skyvern_task_id = run.run_id
        where run.ended_at is null and run.started_at <= now() - private.application_run_deadline()
          and application.status = 'PROCESSING_BY_SKYVERN'
    ),
    oldest as (
        select * from due
        -- Before the limit applies, or the same ones would take up all places again and again.
        where not exists (select from public.background_jobs where dedupe_key = due.key)
        order by since
        limit at_most
    )
    insert into public.background_jobs (job_type, payload, dedupe_key)
    select 'reconcile_application', jsonb_build_object('application_id', application_id), key
    from oldest
    order by key -- always in the same order, so that two ticks at once cannot deadlock
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;

    -- Its person has an interview, say: no run is stopped for that, and nobody waits for its end any more. Past the
    -- deadline it is, and the cancellation finds out what became of it.
    with abandoned as (
        select run.application_id, run.submission_id
        from private.application_runs as run
        join public.applications as application on application.id = run.application_id
        where run.ended_at is null and run.run_id is not null
          and run.started_at <= now() - private.application_run_deadline()
          and (application.status <> 'PROCESSING_BY_SKYVERN' or application.skyvern_task_id <> run.run_id)
          and not exists (select from public.background_jobs
                          where dedupe_key = 'cancel_skyvern_run:' || run.run_id)
        order by run.started_at
        limit at_most
    )
    select queued + count(*) into queued
    from abandoned
    cross join lateral private.cancel_application_runs(abandoned.application_id, abandoned.submission_id);
    return queued;
end
$$;

-- COMMENT FUNCTION queue_due_reconciliations()
COMMENT ON FUNCTION public.queue_due_reconciliations() IS 'Queues a look at Skyvern for every application that needs one. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: it takes no arguments; 500 applications at most, each once in a quarter of an hour.';

-- FUNCTION queue_due_saved_search_alerts()
CREATE FUNCTION public.queue_due_saved_search_alerts() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    moment          constant timestamptz := clock_timestamp();
    people_at_once  constant integer := 200;
    of_one_person   constant integer := 3;
    -- More than three, since some of them may turn out to be queued already, or to be no search.
    looked_at       constant integer := 10;
    -- For an alert that the queue has given up on.
    at_the_latest   constant interval := '6 hours';
    room            constant bigint := private.job_search_calls_left_for_alerts();
    queued_count    integer;
    had_their_turn  uuid[];
begin
    if room = 0 then
        return jsonb_build_object('queued', 0);
    end if;

    -- A person who is just being deleted is skipped: a job refers to the row in `users`.
    with people as materialized (
        select turn.user_id, turn.due_at
        from private.saved_search_alert_turns as turn
        join public.users as person on person.id = turn.user_id
        where turn.due_at <= moment
        order by turn.due_at
        limit people_at_once
        for update of turn skip locked
        for key share of person skip locked
    ),
    due as materialized (
        select alert.*, people.due_at as waits_since, search.search_query
        from people
        cross join lateral (
            select saved_search_id, user_id, next_at, job_id
            from private.saved_search_alerts
            where user_id = people.user_id and next_at <= moment
            order by next_at
            limit looked_at
            for update skip locked) as alert
        join public.saved_searches as search on search.id = alert.saved_search_id
    ),
    judged as materialized (
        select due.*,
               coalesce(last_job.status in ('pending', 'processing'), false) as is_queued,
               -- The search stays invalid until the person changes it, which clears the job.
               coalesce(last_job.status = 'failed' and last_job.error = 'invalid_search', false) as is_invalid
        from due
        left join public.background_jobs as last_job on last_job.id = due.job_id
    ),
    numbered as (
        select judged.*,
               row_number() over (partition by user_id order by next_at, saved_search_id)
                   + (select count(*) from public.background_jobs as job
                      where job.user_id = judged.user_id and job.status in ('pending', 'processing')
                        and job.job_type = 'saved_search_alert') as place
        from judged
        where not is_queued and not is_invalid
    ),
    asked as (
        select search_query from numbered
        where place <= of_one_person
        group by search_query
        -- Nobody's second one before everybody's first.
        order by min(place), min(waits_since)
        limit room
    ),
    chosen as materialized (
        select * from numbered
        where place <= of_one_person and search_query in (select search_query from asked)
    ),
    queued as (
        insert into public.background_jobs (user_id, job_type, payload, dedupe_key)
        select user_id, 'saved_search_alert', jsonb_build_object('saved_search_id', saved_search_id),
               format('saved_search_alert:%s:%s', saved_search_id, extract(epoch from next_at))
        from chosen
        on conflict (dedupe_key) do nothing
        returning id, (payload ->> 'saved_search_id')::uuid as saved_search_id
    ),
    scheduled as (
        update private.saved_search_alerts as alert
        set job_id = coalesce(queued.id, alert.job_id),
            next_at = case when not judged.is_invalid then least(
                moment + at_the_latest,
                private.next_alert_of_person(judged.user_id, judged.search_query, moment)) end
        from judged
        left join chosen on chosen.saved_search_id = judged.saved_search_id
        left join queued on queued.saved_search_id = judged.saved_search_id
        where alert.saved_search_id = judged.saved_search_id
          and (chosen.saved_search_id is not null or judged.is_queued or judged.is_invalid)
    )
    select (select count(*) from queued),
           array(select user_id from people
                 where user_id in (select user_id from chosen)
                    or user_id not in (select user_id from numbered where place <= of_one_person))
    into queued_count, had_their_turn;

    -- Those who had a turn, and those for whom there was nothing to do. All others keep their places in the line.
    update private.saved_search_alert_turns as turn
    set due_at = case when next.due_at <= moment then clock_timestamp() else next.due_at end
    from unnest(had_their_turn) as person (id)
    left join lateral (
        select min(next_at) as due_at from private.saved_search_alerts where user_id = person.id) as next on true
    where turn.user_id = person.id;
    return jsonb_build_object('queued', queued_count);
end
$$;

-- COMMENT FUNCTION queue_due_saved_search_alerts()
COMMENT ON FUNCTION public.queue_due_saved_search_alerts() IS 'Queues the alerts that are due. Definer: it reads and writes schedules in the schema private. Bounds: it takes no arguments; 200 people at a time, no more than Adzuna''s allowance for alerts, and three per person.';

-- FUNCTION record_absent_submission(uuid, uuid, jsonb)
CREATE FUNCTION public.record_absent_submission(p_application_id uuid, p_submission_id uuid, p_decision jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION record_absent_submission(p_application_id uuid, p_submission_id uuid, p_decision jsonb)
COMMENT ON FUNCTION public.record_absent_submission(p_application_id uuid, p_submission_id uuid, p_decision jsonb) IS 'Ends a submission that started no run, and tells its person. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the application whose current submission id (the fencing token) the caller knows; a person''s decision stands.';

-- FUNCTION record_job_search_failure(text, uuid, text, text, bigint)
CREATE FUNCTION public.record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    first_pause   constant interval := '30 seconds';
    longest_pause constant interval := '1 hour';
    moment        timestamptz := clock_timestamp();
begin
    update private.job_search_leases
    set failure = p_failure,
        failures = failures + 1,
        -- What Adzuna has refused it will refuse again.
        expires_at = moment + case when p_outcome = 'succeeded' then longest_pause
                                   else least(first_pause * 2 ^ least(failures, 10), longest_pause) end
    where query_key = p_query_key and id = p_lease_id and failure is null;
    update private.job_search_calls set called_at = moment where id = p_lease_id;

    -- After that time a failure is the first again.
    delete from private.job_search_leases
    where query_key in (select query_key from private.job_search_leases
                        where expires_at < moment - interval '1 hour' order by expires_at limit 20
                        for update skip locked);
    perform private.note_vendor_call('adzuna', p_outcome, p_retry_after_seconds);
    return '{}';
end
$$;

-- COMMENT FUNCTION record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint)
COMMENT ON FUNCTION public.record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint) IS 'Ends a lease of a search that failed, and tells Adzuna''s circuit breaker. Definer: it writes leases and the ledger in the schema private. Bounds: only the lease that is named by its key and id; a known outcome; a page is left alone for an hour at most.';

-- FUNCTION record_lost_skyvern_run(uuid, text, jsonb)
CREATE FUNCTION public.record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
COMMENT ON FUNCTION public.record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) IS 'Gives up an application whose run Skyvern does not know, and tells its person. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only an application that waits for exactly this run, after a day without news.';

-- FUNCTION record_overdue_skyvern_run(uuid, text, jsonb)
CREATE FUNCTION public.record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
COMMENT ON FUNCTION public.record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) IS 'Gives up an application whose run is past its deadline, cancels the run, and tells its person. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only an application that waits for exactly this run, after its deadline.';

-- FUNCTION record_push_receipts(jsonb)
CREATE FUNCTION public.record_push_receipts(p_receipts jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    recorded bigint;
    revoked  bigint;
begin
    -- People, devices, tickets: the order of a deletion. The devices in the order of record_push_tickets, so that the two
    -- cannot deadlock either.
    perform private.hold_people_told(
        array(select ticket.push_token_id
              from jsonb_to_recordset(p_receipts) as receipt (ticket_id text)
              join public.push_tickets as ticket on ticket.ticket_id = receipt.ticket_id),
        '{}');
    perform from public.user_push_tokens as device
    where device.id in (
        select ticket.push_token_id
        from jsonb_to_recordset(p_receipts) as receipt (ticket_id text, device_gone boolean)
        join public.push_tickets as ticket on ticket.ticket_id = receipt.ticket_id
        where receipt.device_gone)
    order by device.id
    for no key update;
    perform from public.push_tickets as ticket
    where ticket.ticket_id in (select receipt.ticket_id from jsonb_to_recordset(p_receipts) as receipt (ticket_id text))
    order by ticket.id
    for no key update;

    -- Not a device that was registered again after the message was sent: the receipt says nothing about that.
    update public.user_push_tokens as device
    set revoked_at = clock_timestamp()
    from jsonb_to_recordset(p_receipts) as receipt (ticket_id text, device_gone boolean)
    join public.push_tickets as ticket on ticket.ticket_id = receipt.ticket_id
    where receipt.device_gone
      and device.id = ticket.push_token_id
      and device.revoked_at is null
      and device.last_seen_at <= ticket.sent_at;
    get diagnostics revoked = row_count;

    update public.push_tickets as ticket
    set status = case when receipt.error is null then 'delivered' else 'failed' end,
        error = left(receipt.error, 200),
        message = left(receipt.message, 1000),
        receipt_at = clock_timestamp(),
        receipt_due_at = null
    from jsonb_to_recordset(p_receipts) as receipt (ticket_id text, error text, message text)
    where ticket.ticket_id = receipt.ticket_id and ticket.status = 'sent';
    get diagnostics recorded = row_count;
    perform private.note_vendor_call('expo', 'succeeded');
    return jsonb_build_object('recorded', recorded, 'revoked', revoked);
end
$$;

-- COMMENT FUNCTION record_push_receipts(p_receipts jsonb)
COMMENT ON FUNCTION public.record_push_receipts(p_receipts jsonb) IS 'Records receipts of push messages. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: only tickets that await their receipt, each once; texts are cut.';

-- FUNCTION record_push_tickets(timestamp with time zone, jsonb, jsonb)
CREATE FUNCTION public.record_push_tickets(p_read_at timestamp with time zone, p_tickets jsonb, p_jobs jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    -- The push service says to ask after a quarter of an hour.
    receipt_after constant interval := interval '15 minutes';
    device_ids    constant uuid[] := array(
        select ticket.device_id from jsonb_to_recordset(p_tickets) as ticket (device_id uuid));
    job_ids       constant uuid[] := array(
        select reported.job_id from jsonb_to_recordset(p_jobs) as reported (job_id uuid)
        union
        select ticket.job_id from jsonb_to_recordset(p_tickets) as ticket (job_id uuid));
    recorded      bigint;
    revoked       bigint;
    jobs          jsonb;
begin
    -- Deleting a person deletes devices and jobs at any time, so what a ticket refers to is locked first, in the order
    -- of a deletion: people, devices, jobs.
    perform private.hold_people_told(device_ids, job_ids);
    perform from public.user_push_tokens as device
    where device.id = any (device_ids)
    order by device.id
    for no key update;
    perform from public.background_jobs as job
    where job.id = any (job_ids)
    order by job.id
    for update;

    insert into public.push_tickets (
        push_token_id, job_id, ticket_id, refusal_key, status, error, message, receipt_due_at)
    select device.id, job.id, ticket.ticket_id,
           -- A message that was not queued is known by when it was claimed and its place in this call.
           case when ticket.ticket_id is null
                then coalesce(ticket.job_id::text, format('%s/%s', extract(epoch from p_read_at), listed.place))
                     || '/' || device.id end,
           case when ticket.ticket_id is null then 'failed' else 'sent' end,
           left(ticket.error, 200), left(ticket.message, 1000),
           case when ticket.ticket_id is not null then clock_timestamp() + receipt_after end
    from jsonb_array_elements(p_tickets) with ordinality as listed (reported, place)
    cross join lateral jsonb_to_record(listed.reported) as ticket (
        device_id uuid, job_id uuid, ticket_id text, error text, message text)
    join public.user_push_tokens as device on device.id = ticket.device_id
    left join public.background_jobs as job on job.id = ticket.job_id
    on conflict do nothing;
    get diagnostics recorded = row_count;

    -- Not a device that was registered again in the meantime: the ticket is older than that.
    update public.user_push_tokens as device
    set revoked_at = clock_timestamp()
    where device.id in (select ticket.device_id
                        from jsonb_to_recordset(p_tickets) as ticket (device_id uuid, device_gone boolean)
                        where ticket.device_gone)
      and device.revoked_at is null
      and device.last_seen_at <= p_read_at;
    get diagnostics revoked = row_count;

    jobs := public.settle_background_jobs(p_jobs);
    if exists (select from jsonb_to_recordset(p_tickets) as ticket (ticket_id text, error text)
               where ticket_id is not null or error <> 'invalid_token') then -- which is known without asking
        perform private.note_vendor_call('expo', 'succeeded');
    end if;

    return jsonb_build_object('recorded', recorded, 'revoked', revoked, 'jobs', jobs);
end
$$;

-- COMMENT FUNCTION record_push_tickets(p_read_at timestamp with time zone, p_tickets jsonb, p_jobs jsonb)
COMMENT ON FUNCTION public.record_push_tickets(p_read_at timestamp with time zone, p_tickets jsonb, p_jobs jsonb) IS 'Records what the push service said to messages. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: devices and jobs that exist; a ticket id, and a refusal of one message by one device, is recorded once; jobs as in settle_background_jobs; texts are cut.';

-- FUNCTION record_saved_search_alert(uuid, bigint, uuid, timestamp with time zone, jsonb, timestamp with time zone)
CREATE FUNCTION public.record_saved_search_alert(p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamp with time zone, p_postings jsonb, p_searched_at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    -- Adzuna shows postings late, with the date that they have elsewhere.
    grace           constant interval := '2 days';
    search          public.saved_searches;
    alert           private.saved_search_alerts;
    since           timestamptz;
    unseen          record;
    message         record;
    notification_id uuid;
    push_job_id     uuid;
    result          jsonb;
begin
    -- Deleting an account locks `users` first, and what is written here refers to it. Locked in the same order, the two
    -- cannot deadlock.
    perform from public.users
    where id = (select user_id from public.saved_searches where id = p_saved_search_id)
    for key share;
    if not private.hold_background_job(p_job_id, p_lease_number) then
        return jsonb_build_object('outcome', 'superseded');
    end if;

    -- From here on, two runs of the same search wait for each other.
    perform from public.saved_searches where id = p_saved_search_id for no key update;
    search := private.saved_search_of_job(p_job_id, p_saved_search_id);
    select * into alert from private.saved_search_alerts where saved_search_id = search.id for update;
    if search.id is null then
        result := jsonb_build_object('outcome', 'search_not_found');
    elsif not private.is_alert_wanted(search) then
        result := jsonb_build_object('outcome', 'switched_off');
    elsif alert.since <> p_since then
        -- The change has made it due again.
        result := jsonb_build_object('outcome', 'search_changed');
    else
        since := greatest(alert.since, search.last_run_at - grace);

        with found as (
            select * from rows from (jsonb_to_recordset(p_postings) as (
                id text, title text, company text, location text, posted_at text))
                with ordinality as found (id, title, company, location, posted_at, place)
        ),
        new_postings as (
            select found.*,
                   -- The same posting comes from several boards, with an id from each.
                   row_number() over (partition by lower(title), lower(company), lower(location) order by place) as copy
            from found
            -- Dates are written so that they sort as text, and nothing guarantees that they are dates.
            where posted_at collate "C" >= to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
              and not exists (select from private.saved_search_sightings
                              where saved_search_id = search.id and posting_id = found.id)
        ),
        sighted as (
            insert into private.saved_search_sightings as sighting (saved_search_id, posting_id, sighted_at)
            select distinct search.id, id, p_searched_at from found
            on conflict (saved_search_id, posting_id) do update
            set sighted_at = greatest(sighting.sighted_at, excluded.sighted_at)
        )
        select count(*) as number,
               coalesce(jsonb_agg(to_jsonb(new_postings) order by place), '[]') as postings
        into unseen
        from new_postings
        where copy = 1;

        if unseen.number > 0 then
            select * into message from private.describe_new_postings(
                search.search_name, unseen.number, jsonb_path_query_array(unseen.postings, '$[0 to 2]'));
            select told.notification_id, told.push_job_id into notification_id, push_job_id
            from private.notify_person(
                search.user_id, 'NEW_JOB_MATCH_SAVED_SEARCH', message.title, message.message, search.id, 'saved_search',
                jsonb_build_object('saved_search_id', search.id), private.may_disturb_from(search.user_id)) as told;
        end if;

        -- A posting that was last seen before that is too old to be reported again.
        delete from private.saved_search_sightings where saved_search_id = search.id and sighted_at < since;
        update public.saved_searches
        set last_run_at = greatest(last_run_at, p_searched_at)
        where id = search.id;
        update private.saved_search_alerts
        set next_at = private.next_alert_of_person(search.user_id, search.search_query, clock_timestamp())
        where saved_search_id = search.id;
        result := jsonb_build_object(
            'outcome', case when unseen.number > 0 then 'told' else 'nothing_new' end, 'new_postings', unseen.number,
            'notification_id', notification_id, 'push_job_id', push_job_id);
    end if;

    perform public.settle_background_jobs(jsonb_build_array(jsonb_build_object(
        'job_id', p_job_id, 'lease_number', p_lease_number, 'outcome', 'completed', 'result', result)));
    return result;
end
$_$;

-- COMMENT FUNCTION record_saved_search_alert(p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamp with time zone, p_postings jsonb, p_searched_at timestamp with time zone)
COMMENT ON FUNCTION public.record_saved_search_alert(p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamp with time zone, p_postings jsonb, p_searched_at timestamp with time zone) IS 'Records what a run of a saved search found, and tells its person. Definer: it reads and writes schedules in the schema private. Bounds: only with a lease of the job whose current fencing token the caller knows; a person''s job reaches only that person''s searches; texts are cut.';

-- FUNCTION record_skyvern_run(uuid, uuid, text, text, text)
CREATE FUNCTION public.record_skyvern_run(p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text DEFAULT 'initiate'::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION record_skyvern_run(p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text)
COMMENT ON FUNCTION public.record_skyvern_run(p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text) IS 'Records the run that a claim started. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the application whose current submission id (the fencing token) the caller knows.';

-- FUNCTION record_stopped_run(uuid, text)
CREATE FUNCTION public.record_stopped_run(p_submission_id uuid, p_run_id text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if p_run_id is not null then
        perform private.lock_skyvern_run(p_run_id);
    end if;
    update private.application_runs as run
    set run_id = coalesce(run.run_id, case when not exists (
                     select from private.application_runs as other where other.run_id = p_run_id) then p_run_id end),
        ended_at = coalesce(run.ended_at, clock_timestamp())
    where run.submission_id = p_submission_id;
    return found;
end
$$;

-- COMMENT FUNCTION record_stopped_run(p_submission_id uuid, p_run_id text)
COMMENT ON FUNCTION public.record_stopped_run(p_submission_id uuid, p_run_id text) IS 'Notes that a submission has no run in progress any more. Definer: it writes the schema private, which service_role cannot reach. Bounds: only the submission that is named, and a run that is recorded stays what it is.';

-- FUNCTION record_submission_failure(uuid, uuid, text, text, jsonb, integer, text, integer)
CREATE FUNCTION public.record_submission_failure(p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb DEFAULT '{}'::jsonb, p_queue_after integer DEFAULT NULL::integer, p_call_outcome text DEFAULT NULL::text, p_retry_after integer DEFAULT NULL::integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- COMMENT FUNCTION record_submission_failure(p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb, p_queue_after integer, p_call_outcome text, p_retry_after integer)
COMMENT ON FUNCTION public.record_submission_failure(p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb, p_queue_after integer, p_call_outcome text, p_retry_after integer) IS 'Records that a claim started no run, or that nobody knows. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the application whose current submission id (the fencing token) the caller knows; four outcomes; a person''s decision and an earlier run''s proof stand; one job for each submission that waits.';

-- FUNCTION register_push_token(text, text, text)
CREATE FUNCTION public.register_push_token(p_token text, p_platform text DEFAULT NULL::text, p_device_name text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    -- Enough for anybody's devices, and few enough that one message is one request to the push service.
    most_devices constant integer := 20;
    me           uuid := public.current_user_id();
    device       public.user_push_tokens;
    violated     text;
begin
    if me is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;

    begin
        insert into public.user_push_tokens as known (user_id, token, platform, device_name)
        values (me, p_token, p_platform, p_device_name)
        on conflict (token) do update
            set user_id = excluded.user_id,
                platform = excluded.platform,
                device_name = excluded.device_name,
                last_seen_at = now(),
                revoked_at = null
        returning known.* into device;
    exception
        when check_violation then
            get stacked diagnostics violated = constraint_name;
            if violated = 'user_push_tokens_check_token' then
                perform private.refuse('invalid_input', 422,
                    'p_token is no push token of Expo''s, such as ExponentPushToken[…]');
            end if;
            raise;
    end;

    delete from public.user_push_tokens
    where id in (select id from public.user_push_tokens
                 where user_id = me
                 order by last_seen_at desc, id
                 offset most_devices);

    return jsonb_build_object('id', device.id, 'platform', device.platform, 'device_name', device.device_name,
                              'last_seen_at', device.last_seen_at);
end
$$;

-- COMMENT FUNCTION register_push_token(p_token text, p_platform text, p_device_name text)
COMMENT ON FUNCTION public.register_push_token(p_token text, p_platform text, p_device_name text) IS 'Registers the caller''s device for push messages. Definer: a token that another person has registered must leave them, which no policy could allow. Bounds: the person is the caller, never an argument; the columns'' checks limit the texts, and 20 devices are kept per person.';

-- FUNCTION release_cron_lock(text, bigint)
CREATE FUNCTION public.release_cron_lock(p_lock_name text, p_lock_number bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from public.cron_locks where lock_name = p_lock_name and lock_number = p_lock_number;
    return found;
end
$$;

-- COMMENT FUNCTION release_cron_lock(p_lock_name text, p_lock_number bigint)
COMMENT ON FUNCTION public.release_cron_lock(p_lock_name text, p_lock_number bigint) IS 'Releases a lock for scheduled work. Definer: so that it does not depend on what service_role is granted on the tables. Bounds: only a lock whose fencing token the caller knows.';

-- FUNCTION remind_of_profiles(integer)
CREATE FUNCTION public.remind_of_profiles(p_limit integer DEFAULT 200) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    moment constant timestamptz := clock_timestamp();
    result jsonb;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 1000');
    end if;

    -- A person who is just being deleted is skipped: a notification refers to the row in `users`.
    with due as materialized (
        select reminder.user_id, private.missing_for_applying(person) as missing
        from private.profile_reminders as reminder
        join public.users as person on person.id = reminder.user_id
        where reminder.next_at <= moment
        order by reminder.next_at
        limit p_limit
        for update of reminder skip locked
        for key share of person skip locked
    ),
    told as (
        select (private.notify_person(
            user_id, 'PROFILE_REMINDER', 'Your profile is not complete',
            format('To apply for jobs, add %s to your profile.',
                   regexp_replace(array_to_string(missing, ', '), ', ([^,]*)$', ' and \1')),
            user_id, 'profile', '{}', private.may_disturb_from(user_id))).notification_id
        from due
        where cardinality(missing) > 0 and private.wants_profile_reminder(user_id)
    ),
    looked_at as (
        update private.profile_reminders as reminder
        set next_at = moment + interval '7 days'
        from due
        where reminder.user_id = due.user_id
        returning reminder.user_id
    )
    select jsonb_build_object('looked_at', (select count(*) from looked_at),
                              'reminded', (select count(notification_id) from told))
    into result;
    return result;
end
$_$;

-- COMMENT FUNCTION remind_of_profiles(p_limit integer)
COMMENT ON FUNCTION public.remind_of_profiles(p_limit integer) IS 'Reminds people of what is missing in their profiles. Definer: it reads and writes schedules in the schema private. Bounds: 1 to 1000 profiles, only those that are due; each is due once a week.';

-- FUNCTION restore_application(uuid)
CREATE FUNCTION public.restore_application(p_application_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.applications set deleted_at = null
    where id = p_application_id and user_id = public.current_user_id() and deleted_at is not null;
    if not found then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;
end
$$;

-- COMMENT FUNCTION restore_application(p_application_id uuid)
COMMENT ON FUNCTION public.restore_application(p_application_id uuid) IS 'Brings back one of the caller''s applications that was deleted. Definer: no person may see or update a row that is deleted. Bounds: only an application of the caller''s; what was cancelled stays so.';

-- FUNCTION saved_search_to_alert(uuid, uuid)
CREATE FUNCTION public.saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    -- A page of this age is as good as a new one, so that running a search again and again does not call Adzuna.
    new_enough constant interval := '15 minutes';
    search     public.saved_searches := private.saved_search_of_job(p_job_id, p_saved_search_id);
    alert      private.saved_search_alerts;
begin
    if search.id is null then
        return jsonb_build_object('outcome', 'search_not_found');
    elsif not private.is_alert_wanted(search) then
        return jsonb_build_object('outcome', 'switched_off');
    end if;
    select * into alert from private.saved_search_alerts where saved_search_id = search.id;
    return jsonb_build_object(
        'outcome', 'wanted', 'search_query', search.search_query, 'user_id', search.user_id, 'since', alert.since,
        -- An older page, cached for another search, has nothing new.
        'newer_than', least(greatest(search.last_run_at, alert.since), clock_timestamp() - new_enough));
end
$$;

-- COMMENT FUNCTION saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid)
COMMENT ON FUNCTION public.saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid) IS 'What a job of a saved search is to search for. Definer: it reads schedules in the schema private. Bounds: a person''s job reaches only that person''s searches.';

-- FUNCTION search_jobs(text, uuid)
CREATE FUNCTION public.search_jobs(p_query_key text, p_known_version uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    person_id uuid := public.current_user_id();
    found_so  jsonb;
begin
    if person_id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    found_so := private.look_for_job_search(p_query_key, p_known_version, person_id, null);
    if found_so ->> 'outcome' = 'missing' then
        -- What is there may be looked at; asking would spend the person's share.
        perform private.refuse_impersonation();
    end if;
    return found_so;
end
$$;

-- COMMENT FUNCTION search_jobs(p_query_key text, p_known_version uuid)
COMMENT ON FUNCTION public.search_jobs(p_query_key text, p_known_version uuid) IS 'The cached page of a search for the caller, or that it is missing. Definer: it reads everybody''s cache, in tables that no person reaches. Bounds: the person is the caller, never an argument; the key is a SHA-256, so it reveals a page only to those who know its query; it changes nothing.';

-- FUNCTION search_jobs_for_alert(text, uuid, uuid, timestamp with time zone)
CREATE FUNCTION public.search_jobs_for_alert(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select private.lease_job_search(p_query_key, p_known_version, p_user_id, true, p_newer_than)
$$;

-- COMMENT FUNCTION search_jobs_for_alert(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone)
COMMENT ON FUNCTION public.search_jobs_for_alert(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) IS 'The cached page of a search, or the right to ask Adzuna, for an alert of the person named. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: the key is a SHA-256; calls are limited by the share of alerts.';

-- FUNCTION settle_background_jobs(jsonb)
CREATE FUNCTION public.settle_background_jobs(p_jobs jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    moment   constant timestamptz := clock_timestamp();
    statuses jsonb;
begin
    if exists (select from jsonb_to_recordset(p_jobs) as reported (outcome text)
               where outcome is null or outcome not in ('completed', 'failed', 'retry', 'put_back')) then
        perform private.refuse('invalid_input', 422, 'an outcome is none of completed, failed, retry, put_back');
    end if;

    -- Always in the same order, so that a late worker and the next one cannot deadlock.
    perform from public.background_jobs as job
    where job.id in (select reported.job_id from jsonb_to_recordset(p_jobs) as reported (job_id uuid))
    order by job.id
    for update;

    with reported as (
        select * from jsonb_to_recordset(p_jobs) as reported (
            job_id uuid, lease_number bigint, outcome text, error text, result jsonb, retry_after_seconds integer)
    ),
    settled as (
        update public.background_jobs as job
        set status = case
                when reported.outcome = 'completed' then 'completed'
                when reported.outcome = 'put_back' then 'pending'
                when reported.outcome = 'retry' and job.retry_count + 1 < job.max_attempts then 'pending'
                else 'failed'
            end::public.job_status,
            retry_count = job.retry_count + case when reported.outcome in ('retry', 'failed') then 1 else 0 end,
            run_at = case reported.outcome
                -- Half a minute, one, two, … with jitter, so that jobs that failed together do not come back together.
                when 'retry' then moment + greatest(
                    make_interval(secs => least(3600, 30 * 2 ^ job.retry_count) * (0.75 + random() / 2)),
                    make_interval(secs => coalesce(reported.retry_after_seconds, 0)))
                when 'put_back' then moment + make_interval(secs => coalesce(reported.retry_after_seconds, 0))
                else job.run_at end,
            error = left(reported.error, 500),
            result = reported.result,
            locked_by = null,
            lease_expires_at = null
        from reported
        where job.id = reported.job_id
          and job.status = 'processing'
          and job.lease_number = reported.lease_number
        returning job.id, job.status
    )
    select jsonb_agg(jsonb_build_object(
        'job_id', reported.job_id, 'status', coalesce(settled.status::text, 'superseded')))
    into statuses
    from reported
    left join settled on settled.id = reported.job_id;
    perform private.note_settled_jobs(p_jobs);
    return coalesce(statuses, '[]');
end
$$;

-- COMMENT FUNCTION settle_background_jobs(p_jobs jsonb)
COMMENT ON FUNCTION public.settle_background_jobs(p_jobs jsonb) IS 'Completes, fails or puts back leased background jobs. Definer: it refuses through private.refuse, which service_role cannot call. Bounds: only jobs whose current fencing token the caller knows; four outcomes; errors are cut at 500 characters.';

-- FUNCTION store_job_postings(bigint, integer, jsonb, integer, integer)
CREATE FUNCTION public.store_job_postings(p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer DEFAULT 0, p_errors integer DEFAULT 0) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    run     public.scraping_logs;
    moment  timestamptz;
    given   integer;
    added   integer;
    changed integer;
begin
    if p_batch is null or p_postings is null or jsonb_typeof(p_postings) <> 'array'
        or jsonb_array_length(p_postings) > 500 then
        perform private.refuse('invalid_input', 422, 'a batch has a number and an array of at most 500 postings');
    end if;
    run := private.hold_job_sync(p_lock_number);
    if run.id is null then
        return jsonb_build_object('outcome', 'superseded');
    end if;
    if p_batch <= run.batches then
        return jsonb_build_object('outcome', 'stored');
    end if;
    given := jsonb_array_length(p_postings);
    moment := clock_timestamp();

    with fetched as materialized (
        select distinct on (posting.external_id)
               posting.*, to_timestamp(posting.posted_at_seconds) as posted_at,
               case when posting.description <> '' then
                   encode(sha256(convert_to(posting.description, 'UTF8')), 'hex') end as description_hash
        from rows from (jsonb_to_recordset(p_postings) as (
            external_id text, title text, company text, company_logo_url text, description text, url text,
            publisher text, location text, city text, state text, country text, is_remote boolean,
            work_arrangement public.work_preference_type, employment_types text[], salary_min numeric,
            salary_max numeric, salary_period text, salary_currency text, salary_text text,
            posted_at_seconds double precision)) as posting
        order by posting.external_id
    ),
    finders as materialized (
        select external_id, coalesce(array_agg(distinct query) filter (where query is not null), '{}') as queries
        from jsonb_to_recordset(p_postings) as posting (external_id text, query text)
        group by external_id
    ),
    known as materialized (
        select job.id, job.external_id,
               case when job.seen_by @> finders.queries then job.seen_by
                    else array(select unnest(job.seen_by) union select unnest(finders.queries) order by 1) end as seen_by,
               not job.is_active
               or (job.title, job.company, job.company_logo_url, job.description_hash, job.url, job.publisher,
                   job.location, job.city, job.state, job.country, job.is_remote, job.work_arrangement,
                   job.employment_types, job.salary_min, job.salary_max, job.salary_period, job.salary_currency,
                   job.salary_text, job.posted_at)
               is distinct from
                  (fetched.title, fetched.company, fetched.company_logo_url, fetched.description_hash, fetched.url,
                   fetched.publisher, fetched.location, fetched.city, fetched.state, fetched.country,
                   fetched.is_remote, fetched.work_arrangement, fetched.employment_types, fetched.salary_min,
                   fetched.salary_max, fetched.salary_period, fetched.salary_currency, fetched.salary_text,
                   fetched.posted_at) as has_changed
        from public.jobs as job
        join fetched using (external_id)
        join finders using (external_id)
        where job.source = run.source_name
        order by job.id
        for no key update of job
    ),
    seen as (
        update public.jobs as job set last_seen = moment, seen_by = known.seen_by
        from known
        where job.id = known.id and not known.has_changed
    ),
    updated as (
        update public.jobs as job
        set title = fetched.title, company = fetched.company, company_logo_url = fetched.company_logo_url,
            description = fetched.description, url = fetched.url, publisher = fetched.publisher,
            location = fetched.location, city = fetched.city, state = fetched.state, country = fetched.country,
            is_remote = fetched.is_remote, work_arrangement = fetched.work_arrangement,
            employment_types = fetched.employment_types, salary_min = fetched.salary_min,
            salary_max = fetched.salary_max, salary_period = fetched.salary_period,
            salary_currency = fetched.salary_currency, salary_text = fetched.salary_text,
            posted_at = fetched.posted_at, is_active = true, last_seen = moment, seen_by = known.seen_by
        from known
        join fetched using (external_id)
        where job.id = known.id and known.has_changed
        returning job.id
    ),
    inserted as (
        insert into public.jobs (
            source, external_id, provider_id, title, company, company_logo_url, description, url, publisher, location,
            city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max,
            salary_period, salary_currency, salary_text, posted_at, last_seen, seen_by)
        select run.source_name, external_id, null, title, company, company_logo_url, description, url, publisher,
               location, city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max,
               salary_period, salary_currency, salary_text, posted_at, moment,
               queries
        from fetched
        join finders using (external_id)
        where not exists (select from known where known.external_id = fetched.external_id)
        returning id
    )
    select (select count(*) from inserted), (select count(*) from updated) into added, changed;

    update public.scraping_logs
    set batches = p_batch,
        jobs_fetched = jobs_fetched + given + coalesce(p_skipped, 0) + coalesce(p_errors, 0),
        jobs_new = jobs_new + added,
        jobs_updated = jobs_updated + changed,
        jobs_skipped = jobs_skipped + given - added - changed + coalesce(p_skipped, 0),
        errors = errors + coalesce(p_errors, 0)
    where id = run.id;
    return jsonb_build_object('outcome', 'stored');
end
$$;

-- COMMENT FUNCTION store_job_postings(p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer, p_errors integer)
COMMENT ON FUNCTION public.store_job_postings(p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer, p_errors integer) IS 'Stores postings that a run of the sync has fetched. Definer: it calls functions of the schema private, which service_role cannot reach. Bounds: only the current run, known by its fencing token; 500 postings at most, of its source, each batch once; the checks of jobs limit every column.';

-- FUNCTION store_job_search(text, jsonb, jsonb, text[], uuid, uuid)
CREATE FUNCTION public.store_job_search(p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    -- How long results count as fresh. Adzuna's allowance is about three calls an hour.
    fresh       constant interval := '1 hour';
    moment      timestamptz := clock_timestamp();
    new_version uuid := gen_random_uuid();
begin
    insert into public.job_search_cache (query_key, query, results, job_ids, version, fetched_at, expires_at)
    values (p_query_key, p_query, p_results, p_job_ids, new_version, moment, moment + fresh)
    on conflict (query_key) do update
    set query = excluded.query, results = excluded.results, job_ids = excluded.job_ids, version = excluded.version,
        fetched_at = excluded.fetched_at, expires_at = excluded.expires_at;
    delete from private.job_search_leases where query_key = p_query_key and id = p_lease_id;
    update private.job_search_calls set called_at = moment where id = p_lease_id;

    -- Pages that are too old to be shown are deleted, a few with each call.
    delete from public.job_search_cache
    where id in (select id from public.job_search_cache
                 where expires_at < moment - interval '7 days' order by expires_at limit 20 for update skip locked);

    perform private.note_vendor_call('adzuna', 'succeeded');
    return private.cached_job_search(p_query_key, new_version, p_user_id);
end
$$;

-- COMMENT FUNCTION store_job_search(p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid)
COMMENT ON FUNCTION public.store_job_search(p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid) IS 'Stores results of Adzuna and returns the page. Definer: it writes leases and the ledger in the schema private. Bounds: one page by its key; it ends only the lease that is named. A person cannot call it, or they could write into everybody''s results.';

-- FUNCTION take_cron_lock(text, text, integer)
CREATE FUNCTION public.take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    held public.cron_locks;
begin
    if p_seconds is null or p_seconds not between 1 and 86400 then
        perform private.refuse('invalid_input', 422, 'a lock is held for 1 to 86400 seconds');
    end if;
    insert into public.cron_locks as lock (lock_name, locked_by, lock_number, expires_at)
    values (p_lock_name, left(p_locked_by, 200), nextval('private.cron_lock_numbers'),
            clock_timestamp() + make_interval(secs => p_seconds))
    on conflict (lock_name) do update
        set locked_by = excluded.locked_by, lock_number = excluded.lock_number,
            locked_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => p_seconds)
        where lock.expires_at <= clock_timestamp()
    returning * into held;
    if found then
        return jsonb_build_object('taken', true, 'lock_number', held.lock_number, 'expires_at', held.expires_at);
    end if;
    select * into held from public.cron_locks where lock_name = p_lock_name;
    return jsonb_build_object('taken', false, 'lock_number', null, 'expires_at', held.expires_at);
end
$$;

-- COMMENT FUNCTION take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer)
COMMENT ON FUNCTION public.take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer) IS 'Takes a lock for scheduled work, if it is free. Definer: it takes its fencing token from a sequence in the schema private. Bounds: a lock is held for 1 to 86,400 seconds; the columns'' checks limit the texts.';

-- FUNCTION tell_announcement(uuid, integer)
CREATE FUNCTION public.tell_announcement(p_announcement_id uuid, p_limit integer DEFAULT 500) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    announcement private.announcements;
    step         private.announcement_tiers;
    people       uuid[];
    told_now     integer;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 1000');
    end if;
    select * into announcement from private.announcements where id = p_announcement_id;
    select * into step from private.announcement_tiers
    where announcement_id = p_announcement_id and finished_at is null
    order by tier limit 1
    for update;

    if step.tier is not null then
        people := array(
            select id from public.users
            where tier = step.tier and id > coalesce(step.told_up_to, '00000000-0000-0000-0000-000000000000')
              and created_at <= step.announced_at
            order by id limit p_limit);
        -- A person who was told before has come to this tier from another one. Locking the row keeps this condition
        -- before the call.
        select count(told.notification_id) into told_now
        from (select id from public.users
              where id = any (people)
                and not exists (select from public.notifications
                                where user_id = users.id and related_entity_id = announcement.id
                                  and type = 'GENERAL_ANNOUNCEMENT')
              order by id
              for key share) as person
        cross join lateral private.notify_person(
            person.id, 'GENERAL_ANNOUNCEMENT', announcement.title, announcement.message, announcement.id,
            'announcement', jsonb_build_object('announcement_id', announcement.id),
            private.may_disturb_from(person.id)) as told;
        update private.announcement_tiers
        set told_up_to = coalesce(people[cardinality(people)], told_up_to),
            told = told + told_now,
            finished_at = case when cardinality(people) < p_limit then clock_timestamp() end
        where announcement_id = step.announcement_id and tier = step.tier;
    end if;

    return (select jsonb_build_object('told', coalesce(sum(told), 0),
                                      'is_finished', coalesce(bool_and(finished_at is not null), true))
            from private.announcement_tiers where announcement_id = p_announcement_id);
end
$$;

-- COMMENT FUNCTION tell_announcement(p_announcement_id uuid, p_limit integer)
COMMENT ON FUNCTION public.tell_announcement(p_announcement_id uuid, p_limit integer) IS 'Tells the next people of an announcement. Definer: it reads and writes tables in the schema private. Bounds: 1 to 1000 people, only those to whom it was announced, and each once.';

-- TABLE announcement_tiers
CREATE TABLE private.announcement_tiers (
    announcement_id uuid NOT NULL,
    tier public.user_tier NOT NULL,
    announced_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    told_up_to uuid,
    told integer DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone
);

-- COMMENT TABLE announcement_tiers
COMMENT ON TABLE private.announcement_tiers IS 'To whom each announcement goes, and how far that is.';

-- TABLE announcements
CREATE TABLE private.announcements (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT announcements_check_message CHECK (((char_length(message) >= 1) AND (char_length(message) <= 1000))),
    CONSTRAINT announcements_check_title CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200)))
);

-- COMMENT TABLE announcements
COMMENT ON TABLE private.announcements IS 'What operators have told people.';

-- TABLE application_limits
CREATE TABLE private.application_limits (
    tier public.user_tier NOT NULL,
    per_day integer NOT NULL,
    at_once integer NOT NULL,
    CONSTRAINT application_limits_check_at_once CHECK ((at_once >= 0)),
    CONSTRAINT application_limits_check_per_day CHECK ((per_day >= 0))
);

-- COMMENT TABLE application_limits
COMMENT ON TABLE private.application_limits IS 'How many runs a person may have, by tier. A tier without a row may have none.';

-- TABLE application_run_limits
CREATE TABLE private.application_run_limits (
    is_only boolean DEFAULT true NOT NULL,
    deadline interval DEFAULT '02:00:00'::interval NOT NULL,
    CONSTRAINT application_run_limits_check_deadline CHECK ((deadline > '00:00:00'::interval)),
    CONSTRAINT application_run_limits_check_is_only CHECK (is_only)
);

-- COMMENT TABLE application_run_limits
COMMENT ON TABLE private.application_run_limits IS 'How long a run may take until it is cancelled.';

-- TABLE authorized_parties
CREATE TABLE private.authorized_parties (
    party text NOT NULL,
    CONSTRAINT authorized_parties_check_party CHECK (((char_length(party) >= 1) AND (char_length(party) <= 255)))
);

-- COMMENT TABLE authorized_parties
COMMENT ON TABLE private.authorized_parties IS 'The front ends whose tokens are accepted; without a row, any.';

-- TABLE circuit_breakers
CREATE TABLE private.circuit_breakers (
    vendor text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    reason text,
    openings integer DEFAULT 0 NOT NULL,
    trial_until timestamp with time zone,
    held text,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT circuit_breakers_check_held CHECK ((held = ANY (ARRAY['open'::text, 'closed'::text]))),
    CONSTRAINT circuit_breakers_check_open_until CHECK (((open_until IS NULL) = (reason IS NULL))),
    CONSTRAINT circuit_breakers_check_reason CHECK ((reason = ANY (ARRAY['failed'::text, 'refused'::text, 'spent'::text, 'limited'::text]))),
    CONSTRAINT circuit_breakers_check_vendor CHECK ((vendor = ANY (ARRAY['adzuna'::text, 'expo'::text, 'jsearch'::text, 'openai'::text, 'skyvern'::text])))
);

-- COMMENT TABLE circuit_breakers
COMMENT ON TABLE private.circuit_breakers IS 'Which vendors are in trouble, and until when they are left alone. No row: the vendor is called.';

-- TABLE clerk_accounts
CREATE TABLE private.clerk_accounts (
    clerk_user_id text NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT clerk_accounts_check_clerk_user_id CHECK ((clerk_user_id ~ '^user_[!-~]{1,250}$'::text)),
    CONSTRAINT clerk_accounts_check_updated_at CHECK ((updated_at >= 0))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02', fillfactor='90');

-- COMMENT TABLE clerk_accounts
COMMENT ON TABLE private.clerk_accounts IS 'When Clerk last changed each account, and whether it was deleted.';

-- SEQUENCE cron_lock_numbers
CREATE SEQUENCE private.cron_lock_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- TABLE job_clicks
CREATE TABLE private.job_clicks (
    job_id uuid NOT NULL,
    user_id uuid NOT NULL,
    counted_on date NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE job_clicks
COMMENT ON TABLE private.job_clicks IS 'When each person last counted as a click on each posting.';

-- TABLE job_search_calls
CREATE TABLE private.job_search_calls (
    id uuid NOT NULL,
    called_at timestamp with time zone NOT NULL,
    user_id uuid,
    is_alert boolean DEFAULT false NOT NULL
);

-- COMMENT TABLE job_search_calls
COMMENT ON TABLE private.job_search_calls IS 'The ledger of calls to Adzuna.';

-- TABLE job_search_leases
CREATE TABLE private.job_search_leases (
    query_key text NOT NULL,
    id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    failure text,
    failures integer DEFAULT 0 NOT NULL
);

-- COMMENT TABLE job_search_leases
COMMENT ON TABLE private.job_search_leases IS 'Who is asking Adzuna for which page at the moment, and which pages are left alone after a failure.';

-- TABLE job_search_limits
CREATE TABLE private.job_search_limits (
    period interval NOT NULL,
    calls integer NOT NULL,
    calls_per_person integer,
    calls_for_alerts integer,
    calls_for_alerts_per_person integer,
    CONSTRAINT job_search_limits_check_calls CHECK ((calls > 0)),
    CONSTRAINT job_search_limits_check_calls_for_alerts CHECK ((calls_for_alerts > 0)),
    CONSTRAINT job_search_limits_check_calls_for_alerts_per_person CHECK ((calls_for_alerts_per_person > 0)),
    CONSTRAINT job_search_limits_check_calls_per_person CHECK ((calls_per_person > 0))
);

-- COMMENT TABLE job_search_limits
COMMENT ON TABLE private.job_search_limits IS 'The limits of calls to Adzuna, and how they are shared out.';

-- TABLE notification_channels
CREATE TABLE private.notification_channels (
    job_type text NOT NULL,
    dedupe_prefix text NOT NULL,
    CONSTRAINT notification_channels_check_dedupe_prefix CHECK ((dedupe_prefix ~ '^[a-z][a-z0-9_]{0,99}$'::text)),
    CONSTRAINT notification_channels_check_job_type CHECK ((job_type ~ '^[a-z][a-z0-9_]{0,99}$'::text))
);

-- COMMENT TABLE notification_channels
COMMENT ON TABLE private.notification_channels IS 'The channels beside the app: which job type delivers a notification there.';

-- TABLE profile_reminders
CREATE TABLE private.profile_reminders (
    user_id uuid NOT NULL,
    next_at timestamp with time zone DEFAULT (now() + '7 days'::interval) NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE profile_reminders
COMMENT ON TABLE private.profile_reminders IS 'When it is looked next at what is missing in each person''s profile.';

-- TABLE retention_periods
CREATE TABLE private.retention_periods (
    kind text NOT NULL,
    keep_for interval NOT NULL,
    reason text NOT NULL,
    CONSTRAINT retention_periods_check_keep_for CHECK ((keep_for >= '1 day'::interval)),
    CONSTRAINT retention_periods_check_kind CHECK ((kind ~ '^[a-z_]{1,50}$'::text))
);

-- COMMENT TABLE retention_periods
COMMENT ON TABLE private.retention_periods IS 'How long each kind of rows is kept, and why.';

-- TABLE row_limits
CREATE TABLE private.row_limits (
    table_name text NOT NULL,
    per_person integer NOT NULL,
    CONSTRAINT row_limits_check_per_person CHECK ((per_person > 0))
);

-- COMMENT TABLE row_limits
COMMENT ON TABLE private.row_limits IS 'How many rows of each kind a person may have; no row means any number.';

-- TABLE saved_search_alert_turns
CREATE TABLE private.saved_search_alert_turns (
    user_id uuid NOT NULL,
    due_at timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE saved_search_alert_turns
COMMENT ON TABLE private.saved_search_alert_turns IS 'Whose saved searches are to run next.';

-- TABLE saved_search_alerts
CREATE TABLE private.saved_search_alerts (
    saved_search_id uuid NOT NULL,
    user_id uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    next_at timestamp with time zone,
    job_id uuid
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE saved_search_alerts
COMMENT ON TABLE private.saved_search_alerts IS 'When each saved search is due for its person.';

-- TABLE saved_search_sightings
CREATE TABLE private.saved_search_sightings (
    saved_search_id uuid NOT NULL,
    posting_id text NOT NULL,
    sighted_at timestamp with time zone NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02', fillfactor='80');

-- COMMENT TABLE saved_search_sightings
COMMENT ON TABLE private.saved_search_sightings IS 'The postings that each saved search has found before.';

-- TABLE application_deletions
CREATE TABLE public.application_deletions (
    application_id uuid NOT NULL,
    user_id uuid NOT NULL,
    deleted_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE application_deletions
COMMENT ON TABLE public.application_deletions IS 'Which applications their persons have deleted: for lists to take them off, and to restore them.';

-- TABLE application_events
CREATE TABLE public.application_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    application_id uuid NOT NULL,
    user_id uuid NOT NULL,
    "position" bigint NOT NULL,
    from_status public.application_status_type,
    to_status public.application_status_type NOT NULL,
    source text NOT NULL,
    reason text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT application_events_check_reason CHECK ((char_length(reason) <= 500)),
    CONSTRAINT application_events_check_source CHECK ((source ~ '^[a-z_]{1,50}$'::text))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE application_events
COMMENT ON TABLE public.application_events IS 'The history of applications: one row per status change, never altered.';

-- SEQUENCE application_events_position_seq
ALTER TABLE public.application_events ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.application_events_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE background_jobs
CREATE TABLE public.background_jobs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid DEFAULT public.current_user_id(),
    status public.job_status DEFAULT 'pending'::public.job_status NOT NULL,
    job_type text NOT NULL,
    payload jsonb NOT NULL,
    result jsonb,
    schema_version integer DEFAULT 1 NOT NULL,
    progress jsonb,
    error text,
    retry_count integer DEFAULT 0 NOT NULL,
    lost_leases integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 5 NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    locked_by text,
    lease_expires_at timestamp with time zone,
    lease_number bigint DEFAULT 0 NOT NULL,
    dedupe_key text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT background_jobs_check_dedupe_key CHECK (((char_length(dedupe_key) >= 1) AND (char_length(dedupe_key) <= 500))),
    CONSTRAINT background_jobs_check_job_type CHECK ((job_type ~ '^[a-z][a-z0-9_]{0,99}$'::text)),
    CONSTRAINT background_jobs_check_lost_leases CHECK ((lost_leases >= 0)),
    CONSTRAINT background_jobs_check_max_attempts CHECK ((max_attempts > 0)),
    CONSTRAINT background_jobs_check_payload CHECK ((jsonb_typeof(payload) = 'object'::text)),
    CONSTRAINT background_jobs_check_progress CHECK ((jsonb_typeof(progress) = 'object'::text)),
    CONSTRAINT background_jobs_check_retry_count CHECK ((retry_count >= 0))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_threshold='500', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_cost_delay='0');

-- COMMENT TABLE background_jobs
COMMENT ON TABLE public.background_jobs IS 'The queue of background jobs, with their leases and outcomes.';

-- TABLE cron_locks
CREATE TABLE public.cron_locks (
    lock_name text NOT NULL,
    locked_by text NOT NULL,
    lock_number bigint NOT NULL,
    locked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT cron_locks_check_lock_name CHECK (((char_length(lock_name) >= 1) AND (char_length(lock_name) <= 100))),
    CONSTRAINT cron_locks_check_locked_by CHECK (((char_length(locked_by) >= 1) AND (char_length(locked_by) <= 200)))
);

-- COMMENT TABLE cron_locks
COMMENT ON TABLE public.cron_locks IS 'Locks that keep scheduled work from overlapping.';

-- TABLE job_search_cache
CREATE TABLE public.job_search_cache (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    query_key text NOT NULL,
    query jsonb NOT NULL,
    results jsonb NOT NULL,
    schema_version integer DEFAULT 1 NOT NULL,
    fetched_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    version uuid DEFAULT gen_random_uuid() NOT NULL,
    job_ids text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT job_search_cache_check_query_key CHECK (((char_length(query_key) >= 1) AND (char_length(query_key) <= 2000)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE job_search_cache
COMMENT ON TABLE public.job_search_cache IS 'Results of Adzuna by normalised query.';

-- TABLE jobs
CREATE TABLE public.jobs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    source text DEFAULT 'provider'::text NOT NULL,
    external_id text,
    provider_id uuid DEFAULT public.current_user_id(),
    title text NOT NULL,
    company text,
    company_logo_url text,
    description text NOT NULL,
    description_hash text,
    url text,
    publisher text,
    location text,
    city text,
    state text,
    country text,
    is_remote boolean,
    work_arrangement public.work_preference_type,
    employment_types text[] DEFAULT '{}'::text[] NOT NULL,
    salary_min numeric,
    salary_max numeric,
    salary_period text,
    salary_currency text,
    salary_text text,
    posted_at timestamp with time zone DEFAULT now(),
    h1b_sponsor_status public.h1b_sponsor_status DEFAULT 'unknown'::public.h1b_sponsor_status NOT NULL,
    lane text,
    click_count integer DEFAULT 0 NOT NULL,
    skills_required jsonb,
    resume_guide_generated jsonb,
    prep_guide_generated jsonb,
    schema_version integer DEFAULT 1 NOT NULL,
    embedding extensions.vector(384),
    status text DEFAULT 'active'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    last_seen timestamp with time zone,
    seen_by text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT jobs_check_city CHECK ((char_length(city) <= 300)),
    CONSTRAINT jobs_check_click_count CHECK ((click_count >= 0)),
    CONSTRAINT jobs_check_company CHECK (((char_length(company) >= 1) AND (char_length(company) <= 300))),
    CONSTRAINT jobs_check_company_logo_url CHECK (((char_length(company_logo_url) <= 2083) AND (company_logo_url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'::text))),
    CONSTRAINT jobs_check_country CHECK ((char_length(country) <= 100)),
    CONSTRAINT jobs_check_description CHECK ((octet_length(description) <= 20000)),
    CONSTRAINT jobs_check_employment_types CHECK ((employment_types <@ ARRAY['FULLTIME'::text, 'CONTRACTOR'::text, 'PARTTIME'::text, 'INTERN'::text])),
    CONSTRAINT jobs_check_external_id CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 300))),
    CONSTRAINT jobs_check_lane CHECK (((char_length(lane) >= 1) AND (char_length(lane) <= 100))),
    CONSTRAINT jobs_check_location CHECK ((char_length(location) <= 300)),
    CONSTRAINT jobs_check_provider_id CHECK (((source = 'provider'::text) = (provider_id IS NOT NULL))),
    CONSTRAINT jobs_check_publisher CHECK ((char_length(publisher) <= 300)),
    CONSTRAINT jobs_check_salary CHECK (((salary_min >= (0)::numeric) AND (salary_max >= salary_min))),
    CONSTRAINT jobs_check_salary_currency CHECK ((salary_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT jobs_check_salary_period CHECK ((salary_period = ANY (ARRAY['YEAR'::text, 'MONTH'::text, 'WEEK'::text, 'DAY'::text, 'HOUR'::text]))),
    CONSTRAINT jobs_check_salary_text CHECK ((char_length(salary_text) <= 300)),
    CONSTRAINT jobs_check_skills_required CHECK ((jsonb_typeof(skills_required) = 'array'::text)),
    CONSTRAINT jobs_check_source CHECK ((source ~ '^[a-z][a-z0-9_-]{0,49}$'::text)),
    CONSTRAINT jobs_check_state CHECK ((char_length(state) <= 300)),
    CONSTRAINT jobs_check_status CHECK ((status = ANY (ARRAY['processing'::text, 'active'::text]))),
    CONSTRAINT jobs_check_title CHECK (((char_length(title) >= 1) AND (char_length(title) <= 300))),
    CONSTRAINT jobs_check_url CHECK (((char_length(url) <= 2083) AND (url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'::text)))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE jobs
COMMENT ON TABLE public.jobs IS 'The postings, of the sync and of providers.';

-- TABLE notifications
CREATE TABLE public.notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    type public.notification_type NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    related_entity_id uuid,
    related_entity_type text,
    is_read boolean DEFAULT false NOT NULL,
    read_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notifications_check_message CHECK (((char_length(message) >= 1) AND (char_length(message) <= 4000))),
    CONSTRAINT notifications_check_related_entity_type CHECK ((related_entity_type ~ '^[a-z_]{1,50}$'::text)),
    CONSTRAINT notifications_check_title CHECK (((char_length(title) >= 1) AND (char_length(title) <= 300)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE notifications
COMMENT ON TABLE public.notifications IS 'What a person is told in the app.';

-- TABLE push_tickets
CREATE TABLE public.push_tickets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    push_token_id uuid NOT NULL,
    job_id uuid,
    ticket_id text,
    refusal_key text,
    status text DEFAULT 'sent'::text NOT NULL,
    error text,
    message text,
    sent_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    receipt_due_at timestamp with time zone,
    receipt_checks integer DEFAULT 0 NOT NULL,
    receipt_at timestamp with time zone,
    CONSTRAINT push_tickets_check_receipt_checks CHECK ((receipt_checks >= 0)),
    CONSTRAINT push_tickets_check_receipt_due_at CHECK (((receipt_due_at IS NULL) OR ((status = 'sent'::text) AND (ticket_id IS NOT NULL)))),
    CONSTRAINT push_tickets_check_status CHECK ((status = ANY (ARRAY['sent'::text, 'delivered'::text, 'failed'::text, 'unknown'::text]))),
    CONSTRAINT push_tickets_check_ticket_id CHECK (((char_length(ticket_id) >= 1) AND (char_length(ticket_id) <= 255)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE push_tickets
COMMENT ON TABLE public.push_tickets IS 'What the push service said to each message for each device.';

-- TABLE saved_jobs
CREATE TABLE public.saved_jobs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid DEFAULT public.current_user_id() NOT NULL,
    adzuna_job_id text,
    job_title text NOT NULL,
    company_name text NOT NULL,
    job_url text NOT NULL,
    location text,
    salary_summary text,
    snippet text,
    job_details_snapshot jsonb,
    schema_version integer DEFAULT 1 NOT NULL,
    saved_at timestamp with time zone DEFAULT now() NOT NULL,
    notes text,
    CONSTRAINT saved_jobs_check_adzuna_job_id CHECK (((char_length(adzuna_job_id) >= 1) AND (char_length(adzuna_job_id) <= 100))),
    CONSTRAINT saved_jobs_check_company_name CHECK (((char_length(company_name) >= 1) AND (char_length(company_name) <= 300))),
    CONSTRAINT saved_jobs_check_job_details_snapshot CHECK ((octet_length((job_details_snapshot)::text) <= 100000)),
    CONSTRAINT saved_jobs_check_job_title CHECK (((char_length(job_title) >= 1) AND (char_length(job_title) <= 300))),
    CONSTRAINT saved_jobs_check_job_url CHECK (((char_length(job_url) >= 1) AND (char_length(job_url) <= 2083))),
    CONSTRAINT saved_jobs_check_location CHECK ((char_length(location) <= 300)),
    CONSTRAINT saved_jobs_check_notes CHECK ((char_length(notes) <= 10000)),
    CONSTRAINT saved_jobs_check_salary_summary CHECK ((char_length(salary_summary) <= 200)),
    CONSTRAINT saved_jobs_check_snippet CHECK ((char_length(snippet) <= 5000))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE saved_jobs
COMMENT ON TABLE public.saved_jobs IS 'Postings that a person keeps, each with a snapshot.';

-- TABLE user_preferences
CREATE TABLE public.user_preferences (
    user_id uuid DEFAULT public.current_user_id() NOT NULL,
    preferred_job_titles text[],
    target_locations jsonb,
    schema_version integer DEFAULT 1 NOT NULL,
    salary_min integer,
    salary_max integer,
    salary_currency text DEFAULT 'USD'::text,
    employment_types public.employment_type[],
    industries text[],
    key_skills text[],
    work_arrangement public.work_preference_type[],
    excluded_companies text[],
    receive_job_alerts boolean DEFAULT true,
    alert_frequency text DEFAULT 'daily'::text,
    quiet_hours_start smallint DEFAULT 21 NOT NULL,
    quiet_hours_end smallint DEFAULT 8 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_preferences_check_alert_frequency CHECK ((alert_frequency = ANY (ARRAY['instant'::text, 'daily'::text, 'weekly'::text]))),
    CONSTRAINT user_preferences_check_employment_types CHECK ((cardinality(employment_types) <= 10)),
    CONSTRAINT user_preferences_check_excluded_companies CHECK (((cardinality(excluded_companies) <= 200) AND (octet_length(array_to_string(excluded_companies, ''::text)) <= 20000))),
    CONSTRAINT user_preferences_check_industries CHECK (((cardinality(industries) <= 50) AND (octet_length(array_to_string(industries, ''::text)) <= 10000))),
    CONSTRAINT user_preferences_check_key_skills CHECK (((cardinality(key_skills) <= 100) AND (octet_length(array_to_string(key_skills, ''::text)) <= 10000))),
    CONSTRAINT user_preferences_check_preferred_job_titles CHECK (((cardinality(preferred_job_titles) <= 50) AND (octet_length(array_to_string(preferred_job_titles, ''::text)) <= 10000))),
    CONSTRAINT user_preferences_check_quiet_hours_end CHECK (((quiet_hours_end >= 0) AND (quiet_hours_end <= 23))),
    CONSTRAINT user_preferences_check_quiet_hours_start CHECK (((quiet_hours_start >= 0) AND (quiet_hours_start <= 23))),
    CONSTRAINT user_preferences_check_salary_currency CHECK ((salary_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT user_preferences_check_salary_max CHECK (((salary_max >= 0) AND (salary_max >= salary_min))),
    CONSTRAINT user_preferences_check_salary_min CHECK ((salary_min >= 0)),
    CONSTRAINT user_preferences_check_target_locations CHECK (
CASE
    WHEN (jsonb_typeof(target_locations) = 'array'::text) THEN ((jsonb_array_length(target_locations) <= 50) AND (octet_length((target_locations)::text) <= 20000))
    ELSE (target_locations IS NULL)
END),
    CONSTRAINT user_preferences_check_work_arrangement CHECK ((cardinality(work_arrangement) <= 10))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE user_preferences
COMMENT ON TABLE public.user_preferences IS 'What kind of job a person looks for, and when and how often they want to be told of postings.';

-- TABLE user_push_tokens
CREATE TABLE public.user_push_tokens (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    token text NOT NULL,
    platform text,
    device_name text,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_push_tokens_check_device_name CHECK ((char_length(device_name) <= 200)),
    CONSTRAINT user_push_tokens_check_platform CHECK ((platform = ANY (ARRAY['ios'::text, 'android'::text, 'web'::text]))),
    CONSTRAINT user_push_tokens_check_token CHECK (((char_length(token) <= 255) AND ((token ~ '^(ExponentPushToken|ExpoPushToken)\[[^][:space:]]+\]$'::text) OR (token ~* '^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}$'::text))))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02', fillfactor='85');

-- COMMENT TABLE user_push_tokens
COMMENT ON TABLE public.user_push_tokens IS 'The devices on which a person gets push messages.';

-- TABLE webhook_events
CREATE TABLE public.webhook_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    source text NOT NULL,
    event_key text NOT NULL,
    run_id text,
    run_status text,
    attempt integer,
    retry_pending boolean,
    application_id uuid,
    named_application_id uuid,
    submission_id uuid,
    clerk_user_id text,
    decision jsonb,
    schema_version integer DEFAULT 1 NOT NULL,
    body text NOT NULL,
    outcome text NOT NULL,
    request_id uuid,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    applied_at timestamp with time zone,
    CONSTRAINT webhook_events_check_event_key CHECK (((char_length(event_key) >= 1) AND (char_length(event_key) <= 500))),
    CONSTRAINT webhook_events_check_outcome CHECK ((outcome ~ '^[a-z_]{1,50}$'::text)),
    CONSTRAINT webhook_events_check_source CHECK ((source ~ '^[a-z_]{1,50}$'::text))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

-- COMMENT TABLE webhook_events
COMMENT ON TABLE public.webhook_events IS 'The inbox: every accepted webhook once, with its outcome.';

-- CONSTRAINT announcement_tiers announcement_tiers_pkey
ALTER TABLE ONLY private.announcement_tiers
    ADD CONSTRAINT announcement_tiers_pkey PRIMARY KEY (announcement_id, tier);

-- CONSTRAINT announcements announcements_pkey
ALTER TABLE ONLY private.announcements
    ADD CONSTRAINT announcements_pkey PRIMARY KEY (id);

-- CONSTRAINT application_limits application_limits_pkey
ALTER TABLE ONLY private.application_limits
    ADD CONSTRAINT application_limits_pkey PRIMARY KEY (tier);

-- CONSTRAINT application_run_limits application_run_limits_pkey
ALTER TABLE ONLY private.application_run_limits
    ADD CONSTRAINT application_run_limits_pkey PRIMARY KEY (is_only);

-- CONSTRAINT application_runs application_runs_pkey
ALTER TABLE ONLY private.application_runs
    ADD CONSTRAINT application_runs_pkey PRIMARY KEY (submission_id);

-- CONSTRAINT application_runs application_runs_unique_run_id
ALTER TABLE ONLY private.application_runs
    ADD CONSTRAINT application_runs_unique_run_id UNIQUE (run_id);

-- CONSTRAINT authorized_parties authorized_parties_pkey
ALTER TABLE ONLY private.authorized_parties
    ADD CONSTRAINT authorized_parties_pkey PRIMARY KEY (party);

-- CONSTRAINT circuit_breakers circuit_breakers_pkey
ALTER TABLE ONLY private.circuit_breakers
    ADD CONSTRAINT circuit_breakers_pkey PRIMARY KEY (vendor);

-- CONSTRAINT clerk_accounts clerk_accounts_pkey
ALTER TABLE ONLY private.clerk_accounts
    ADD CONSTRAINT clerk_accounts_pkey PRIMARY KEY (clerk_user_id);

-- CONSTRAINT job_clicks job_clicks_pkey
ALTER TABLE ONLY private.job_clicks
    ADD CONSTRAINT job_clicks_pkey PRIMARY KEY (job_id, user_id);

-- CONSTRAINT job_search_calls job_search_calls_pkey
ALTER TABLE ONLY private.job_search_calls
    ADD CONSTRAINT job_search_calls_pkey PRIMARY KEY (id);

-- CONSTRAINT job_search_leases job_search_leases_pkey
ALTER TABLE ONLY private.job_search_leases
    ADD CONSTRAINT job_search_leases_pkey PRIMARY KEY (query_key);

-- CONSTRAINT job_search_limits job_search_limits_pkey
ALTER TABLE ONLY private.job_search_limits
    ADD CONSTRAINT job_search_limits_pkey PRIMARY KEY (period);

-- CONSTRAINT notification_channels notification_channels_pkey
ALTER TABLE ONLY private.notification_channels
    ADD CONSTRAINT notification_channels_pkey PRIMARY KEY (job_type);

-- CONSTRAINT notification_channels notification_channels_unique_dedupe_prefix
ALTER TABLE ONLY private.notification_channels
    ADD CONSTRAINT notification_channels_unique_dedupe_prefix UNIQUE (dedupe_prefix);

-- CONSTRAINT profile_reminders profile_reminders_pkey
ALTER TABLE ONLY private.profile_reminders
    ADD CONSTRAINT profile_reminders_pkey PRIMARY KEY (user_id);

-- CONSTRAINT retention_periods retention_periods_pkey
ALTER TABLE ONLY private.retention_periods
    ADD CONSTRAINT retention_periods_pkey PRIMARY KEY (kind);

-- CONSTRAINT row_limits row_limits_pkey
ALTER TABLE ONLY private.row_limits
    ADD CONSTRAINT row_limits_pkey PRIMARY KEY (table_name);

-- CONSTRAINT saved_search_alert_turns saved_search_alert_turns_pkey
ALTER TABLE ONLY private.saved_search_alert_turns
    ADD CONSTRAINT saved_search_alert_turns_pkey PRIMARY KEY (user_id);

-- CONSTRAINT saved_search_alerts saved_search_alerts_pkey
ALTER TABLE ONLY private.saved_search_alerts
    ADD CONSTRAINT saved_search_alerts_pkey PRIMARY KEY (saved_search_id);

-- CONSTRAINT saved_search_sightings saved_search_sightings_pkey
ALTER TABLE ONLY private.saved_search_sightings
    ADD CONSTRAINT saved_search_sightings_pkey PRIMARY KEY (saved_search_id, posting_id);

-- CONSTRAINT application_deletions application_deletions_pkey
ALTER TABLE ONLY public.application_deletions
    ADD CONSTRAINT application_deletions_pkey PRIMARY KEY (application_id);

-- CONSTRAINT application_events application_events_pkey
ALTER TABLE ONLY public.application_events
    ADD CONSTRAINT application_events_pkey PRIMARY KEY (id);

-- CONSTRAINT applications applications_pkey
ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_pkey PRIMARY KEY (id);

-- CONSTRAINT applications applications_unique_id_user_id
ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_unique_id_user_id UNIQUE (id, user_id);

-- CONSTRAINT applications applications_unique_skyvern_task_id
ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_unique_skyvern_task_id UNIQUE (skyvern_task_id);

-- CONSTRAINT applications applications_unique_user_id_submission_idempotency_key
ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_unique_user_id_submission_idempotency_key UNIQUE (user_id, submission_idempotency_key);

-- CONSTRAINT background_jobs background_jobs_pkey
ALTER TABLE ONLY public.background_jobs
    ADD CONSTRAINT background_jobs_pkey PRIMARY KEY (id);

-- CONSTRAINT background_jobs background_jobs_unique_dedupe_key
ALTER TABLE ONLY public.background_jobs
    ADD CONSTRAINT background_jobs_unique_dedupe_key UNIQUE (dedupe_key);

-- CONSTRAINT cron_locks cron_locks_pkey
ALTER TABLE ONLY public.cron_locks
    ADD CONSTRAINT cron_locks_pkey PRIMARY KEY (lock_name);

-- CONSTRAINT job_search_cache job_search_cache_pkey
ALTER TABLE ONLY public.job_search_cache
    ADD CONSTRAINT job_search_cache_pkey PRIMARY KEY (id);

-- CONSTRAINT job_search_cache job_search_cache_unique_query_key
ALTER TABLE ONLY public.job_search_cache
    ADD CONSTRAINT job_search_cache_unique_query_key UNIQUE (query_key);

-- CONSTRAINT jobs jobs_pkey
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

-- CONSTRAINT jobs jobs_unique_source_external_id
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_unique_source_external_id UNIQUE (source, external_id);

-- CONSTRAINT notifications notifications_pkey
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);

-- CONSTRAINT push_tickets push_tickets_pkey
ALTER TABLE ONLY public.push_tickets
    ADD CONSTRAINT push_tickets_pkey PRIMARY KEY (id);

-- CONSTRAINT push_tickets push_tickets_unique_refusal_key
ALTER TABLE ONLY public.push_tickets
    ADD CONSTRAINT push_tickets_unique_refusal_key UNIQUE (refusal_key);

-- CONSTRAINT push_tickets push_tickets_unique_ticket_id
ALTER TABLE ONLY public.push_tickets
    ADD CONSTRAINT push_tickets_unique_ticket_id UNIQUE (ticket_id);

-- CONSTRAINT resumes resumes_pkey
ALTER TABLE ONLY public.resumes
    ADD CONSTRAINT resumes_pkey PRIMARY KEY (id);

-- CONSTRAINT saved_jobs saved_jobs_pkey
ALTER TABLE ONLY public.saved_jobs
    ADD CONSTRAINT saved_jobs_pkey PRIMARY KEY (id);

-- CONSTRAINT saved_jobs saved_jobs_unique_user_id_job_url
ALTER TABLE ONLY public.saved_jobs
    ADD CONSTRAINT saved_jobs_unique_user_id_job_url UNIQUE (user_id, job_url);

-- CONSTRAINT saved_searches saved_searches_pkey
ALTER TABLE ONLY public.saved_searches
    ADD CONSTRAINT saved_searches_pkey PRIMARY KEY (id);

-- CONSTRAINT saved_searches saved_searches_unique_id_user_id
ALTER TABLE ONLY public.saved_searches
    ADD CONSTRAINT saved_searches_unique_id_user_id UNIQUE (id, user_id);

-- CONSTRAINT scraping_logs scraping_logs_pkey
ALTER TABLE ONLY public.scraping_logs
    ADD CONSTRAINT scraping_logs_pkey PRIMARY KEY (id);

-- CONSTRAINT scraping_logs scraping_logs_unique_lock_number
ALTER TABLE ONLY public.scraping_logs
    ADD CONSTRAINT scraping_logs_unique_lock_number UNIQUE (lock_number);

-- CONSTRAINT user_preferences user_preferences_pkey
ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id);

-- CONSTRAINT user_push_tokens user_push_tokens_pkey
ALTER TABLE ONLY public.user_push_tokens
    ADD CONSTRAINT user_push_tokens_pkey PRIMARY KEY (id);

-- CONSTRAINT user_push_tokens user_push_tokens_unique_token
ALTER TABLE ONLY public.user_push_tokens
    ADD CONSTRAINT user_push_tokens_unique_token UNIQUE (token);

-- CONSTRAINT users users_pkey
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- CONSTRAINT users users_unique_clerk_user_id
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_unique_clerk_user_id UNIQUE (clerk_user_id);

-- CONSTRAINT users users_unique_email
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_unique_email UNIQUE (email);

-- CONSTRAINT webhook_events webhook_events_pkey
ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_pkey PRIMARY KEY (id);

-- CONSTRAINT webhook_events webhook_events_unique_source_event_key
ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_unique_source_event_key UNIQUE (source, event_key);

-- INDEX idx_announcements_title_message
CREATE UNIQUE INDEX idx_announcements_title_message ON private.announcements USING btree (title, md5(message));

-- INDEX idx_application_runs_application_id
CREATE INDEX idx_application_runs_application_id ON private.application_runs USING btree (application_id);

-- INDEX idx_application_runs_ended_at_erased
CREATE INDEX idx_application_runs_ended_at_erased ON private.application_runs USING btree (ended_at) WHERE (application_id IS NULL);

-- INDEX idx_application_runs_started_at_in_progress
CREATE INDEX idx_application_runs_started_at_in_progress ON private.application_runs USING btree (started_at) WHERE (ended_at IS NULL);

-- INDEX idx_application_runs_user_id_claimed_at
CREATE INDEX idx_application_runs_user_id_claimed_at ON private.application_runs USING btree (user_id, claimed_at);

-- INDEX idx_application_runs_user_id_in_progress
CREATE INDEX idx_application_runs_user_id_in_progress ON private.application_runs USING btree (user_id) WHERE (ended_at IS NULL);

-- INDEX idx_job_clicks_counted_on
CREATE INDEX idx_job_clicks_counted_on ON private.job_clicks USING btree (counted_on);

-- INDEX idx_job_clicks_user_id
CREATE INDEX idx_job_clicks_user_id ON private.job_clicks USING btree (user_id);

-- INDEX idx_job_search_calls_called_at
CREATE INDEX idx_job_search_calls_called_at ON private.job_search_calls USING btree (called_at DESC);

-- INDEX idx_job_search_calls_called_at_of_alerts
CREATE INDEX idx_job_search_calls_called_at_of_alerts ON private.job_search_calls USING btree (called_at DESC) WHERE is_alert;

-- INDEX idx_job_search_calls_user_id_called_at
CREATE INDEX idx_job_search_calls_user_id_called_at ON private.job_search_calls USING btree (user_id, called_at DESC);

-- INDEX idx_job_search_leases_expires_at
CREATE INDEX idx_job_search_leases_expires_at ON private.job_search_leases USING btree (expires_at);

-- INDEX idx_profile_reminders_next_at
CREATE INDEX idx_profile_reminders_next_at ON private.profile_reminders USING btree (next_at);

-- INDEX idx_saved_search_alert_turns_due_at
CREATE INDEX idx_saved_search_alert_turns_due_at ON private.saved_search_alert_turns USING btree (due_at) WHERE (due_at IS NOT NULL);

-- INDEX idx_saved_search_alerts_since_resting
CREATE INDEX idx_saved_search_alerts_since_resting ON private.saved_search_alerts USING btree (since) WHERE (next_at IS NULL);

-- INDEX idx_saved_search_alerts_user_id_next_at
CREATE INDEX idx_saved_search_alerts_user_id_next_at ON private.saved_search_alerts USING btree (user_id, next_at);

-- INDEX idx_application_deletions_user_id_deleted_at
CREATE INDEX idx_application_deletions_user_id_deleted_at ON public.application_deletions USING btree (user_id, deleted_at DESC);

-- INDEX idx_application_events_application_id_user_id_position
CREATE INDEX idx_application_events_application_id_user_id_position ON public.application_events USING btree (application_id, user_id, "position");

-- INDEX idx_application_events_user_id_created_at
CREATE INDEX idx_application_events_user_id_created_at ON public.application_events USING btree (user_id, created_at DESC);

-- INDEX idx_applications_deleted_at
CREATE INDEX idx_applications_deleted_at ON public.applications USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

-- INDEX idx_applications_skyvern_heard_at
CREATE INDEX idx_applications_skyvern_heard_at ON public.applications USING btree (skyvern_heard_at) WHERE (status = 'PROCESSING_BY_SKYVERN'::public.application_status_type);

-- INDEX idx_applications_submission_lease_expires_at
CREATE INDEX idx_applications_submission_lease_expires_at ON public.applications USING btree (submission_lease_expires_at) WHERE (submission_id IS NOT NULL);

-- INDEX idx_applications_user_id_adzuna_job_id
CREATE INDEX idx_applications_user_id_adzuna_job_id ON public.applications USING btree (user_id, adzuna_job_id) WHERE (adzuna_job_id IS NOT NULL);

-- INDEX idx_applications_user_id_created_at
CREATE INDEX idx_applications_user_id_created_at ON public.applications USING btree (user_id, created_at DESC);

-- INDEX idx_applications_user_id_posting_key
CREATE INDEX idx_applications_user_id_posting_key ON public.applications USING btree (user_id, posting_key);

-- INDEX idx_applications_user_id_status
CREATE INDEX idx_applications_user_id_status ON public.applications USING btree (user_id, status);

-- INDEX idx_applications_user_id_submission_job_id
CREATE INDEX idx_applications_user_id_submission_job_id ON public.applications USING btree (user_id) WHERE (submission_job_id IS NOT NULL);

-- INDEX idx_background_jobs_job_type_created_at
CREATE INDEX idx_background_jobs_job_type_created_at ON public.background_jobs USING btree (job_type, created_at);

-- INDEX idx_background_jobs_job_type_run_at
CREATE INDEX idx_background_jobs_job_type_run_at ON public.background_jobs USING btree (job_type, run_at) WHERE ((status = 'pending'::public.job_status) AND (lost_leases = 0));

-- INDEX idx_background_jobs_lease_expires_at
CREATE INDEX idx_background_jobs_lease_expires_at ON public.background_jobs USING btree (lease_expires_at) WHERE (status = 'processing'::public.job_status);

-- INDEX idx_background_jobs_lost_leases_run_at
CREATE INDEX idx_background_jobs_lost_leases_run_at ON public.background_jobs USING btree (lost_leases, run_at) WHERE ((status = 'pending'::public.job_status) AND (lost_leases > 0));

-- INDEX idx_background_jobs_updated_at_completed
CREATE INDEX idx_background_jobs_updated_at_completed ON public.background_jobs USING btree (updated_at) WHERE (status = 'completed'::public.job_status);

-- INDEX idx_background_jobs_updated_at_failed
CREATE INDEX idx_background_jobs_updated_at_failed ON public.background_jobs USING btree (updated_at) WHERE (status = 'failed'::public.job_status);

-- INDEX idx_background_jobs_user_id_created_at
CREATE INDEX idx_background_jobs_user_id_created_at ON public.background_jobs USING btree (user_id, created_at);

-- INDEX idx_background_jobs_user_id_unfinished
CREATE INDEX idx_background_jobs_user_id_unfinished ON public.background_jobs USING btree (user_id) WHERE (status = ANY (ARRAY['pending'::public.job_status, 'processing'::public.job_status]));

-- INDEX idx_job_search_cache_expires_at
CREATE INDEX idx_job_search_cache_expires_at ON public.job_search_cache USING btree (expires_at);

-- INDEX idx_jobs_description_hash
CREATE INDEX idx_jobs_description_hash ON public.jobs USING btree (description_hash) WHERE (embedding IS NOT NULL);

-- INDEX idx_jobs_embedding_hnsw
CREATE INDEX idx_jobs_embedding_hnsw ON public.jobs USING hnsw (embedding extensions.vector_cosine_ops) WITH (m='16', ef_construction='64');

-- INDEX idx_jobs_posted_at
CREATE INDEX idx_jobs_posted_at ON public.jobs USING btree (posted_at DESC);

-- INDEX idx_jobs_provider_id
CREATE INDEX idx_jobs_provider_id ON public.jobs USING btree (provider_id);

-- INDEX idx_jobs_source_active
CREATE INDEX idx_jobs_source_active ON public.jobs USING btree (source) WHERE is_active;

-- INDEX idx_jobs_updated_at_inactive
CREATE INDEX idx_jobs_updated_at_inactive ON public.jobs USING btree (updated_at) WHERE ((NOT is_active) AND (source <> 'provider'::text));

-- INDEX idx_notifications_is_read_created_at
CREATE INDEX idx_notifications_is_read_created_at ON public.notifications USING btree (is_read, created_at);

-- INDEX idx_notifications_user_id_created_at
CREATE INDEX idx_notifications_user_id_created_at ON public.notifications USING btree (user_id, created_at DESC);

-- INDEX idx_notifications_user_id_is_read
CREATE INDEX idx_notifications_user_id_is_read ON public.notifications USING btree (user_id, is_read, created_at DESC);

-- INDEX idx_push_tickets_job_id
CREATE INDEX idx_push_tickets_job_id ON public.push_tickets USING btree (job_id) WHERE (job_id IS NOT NULL);

-- INDEX idx_push_tickets_push_token_id
CREATE INDEX idx_push_tickets_push_token_id ON public.push_tickets USING btree (push_token_id);

-- INDEX idx_push_tickets_receipt_due_at
CREATE INDEX idx_push_tickets_receipt_due_at ON public.push_tickets USING btree (receipt_due_at) WHERE (receipt_due_at IS NOT NULL);

-- INDEX idx_push_tickets_sent_at
CREATE INDEX idx_push_tickets_sent_at ON public.push_tickets USING btree (sent_at) WHERE (receipt_due_at IS NULL);

-- INDEX idx_resumes_user_id
CREATE INDEX idx_resumes_user_id ON public.resumes USING btree (user_id);

-- INDEX idx_resumes_user_id_is_primary_true
CREATE UNIQUE INDEX idx_resumes_user_id_is_primary_true ON public.resumes USING btree (user_id) WHERE is_primary;

-- INDEX idx_saved_jobs_user_id_adzuna_job_id
CREATE INDEX idx_saved_jobs_user_id_adzuna_job_id ON public.saved_jobs USING btree (user_id, adzuna_job_id) WHERE (adzuna_job_id IS NOT NULL);

-- INDEX idx_saved_jobs_user_id_saved_at
CREATE INDEX idx_saved_jobs_user_id_saved_at ON public.saved_jobs USING btree (user_id, saved_at DESC);

-- INDEX idx_saved_searches_user_id_created_at
CREATE INDEX idx_saved_searches_user_id_created_at ON public.saved_searches USING btree (user_id, created_at DESC);

-- INDEX idx_scraping_logs_completed_at
CREATE INDEX idx_scraping_logs_completed_at ON public.scraping_logs USING btree (completed_at) WHERE (completed_at IS NOT NULL);

-- INDEX idx_scraping_logs_running
CREATE INDEX idx_scraping_logs_running ON public.scraping_logs USING btree (source_name) WHERE (status = 'running'::text);

-- INDEX idx_scraping_logs_source_name_started_at
CREATE INDEX idx_scraping_logs_source_name_started_at ON public.scraping_logs USING btree (source_name, started_at DESC);

-- INDEX idx_user_push_tokens_revoked_at
CREATE INDEX idx_user_push_tokens_revoked_at ON public.user_push_tokens USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);

-- INDEX idx_user_push_tokens_user_id
CREATE INDEX idx_user_push_tokens_user_id ON public.user_push_tokens USING btree (user_id);

-- INDEX idx_users_tier_id
CREATE INDEX idx_users_tier_id ON public.users USING btree (tier, id);

-- INDEX idx_webhook_events_application_id
CREATE INDEX idx_webhook_events_application_id ON public.webhook_events USING btree (application_id);

-- INDEX idx_webhook_events_clerk_user_id
CREATE INDEX idx_webhook_events_clerk_user_id ON public.webhook_events USING btree (clerk_user_id) WHERE (clerk_user_id IS NOT NULL);

-- INDEX idx_webhook_events_named_application_id_unattributed
CREATE INDEX idx_webhook_events_named_application_id_unattributed ON public.webhook_events USING btree (named_application_id) WHERE (application_id IS NULL);

-- INDEX idx_webhook_events_received_at
CREATE INDEX idx_webhook_events_received_at ON public.webhook_events USING btree (received_at);

-- INDEX idx_webhook_events_received_at_with_body
CREATE INDEX idx_webhook_events_received_at_with_body ON public.webhook_events USING btree (received_at) WHERE ((body <> ''::text) AND (outcome <> 'waiting'::text));

-- INDEX idx_webhook_events_run_id_waiting
CREATE INDEX idx_webhook_events_run_id_waiting ON public.webhook_events USING btree (run_id, received_at) WHERE (outcome = 'waiting'::text);

-- TRIGGER users on_auth_user_created_from_clerk
CREATE TRIGGER on_auth_user_created_from_clerk AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.handle_new_user_from_clerk();

-- TRIGGER users on_auth_user_deleted
CREATE TRIGGER on_auth_user_deleted BEFORE DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION private.handle_account_deleted();

-- TRIGGER users on_auth_user_email_changed
CREATE TRIGGER on_auth_user_email_changed AFTER UPDATE OF email, email_confirmed_at ON auth.users FOR EACH ROW WHEN ((((new.email)::text IS DISTINCT FROM (old.email)::text) OR (new.email_confirmed_at IS DISTINCT FROM old.email_confirmed_at))) EXECUTE FUNCTION public.handle_user_email_changed();

-- TRIGGER users on_auth_user_marked_as_deleted
CREATE TRIGGER on_auth_user_marked_as_deleted AFTER UPDATE OF deleted_at ON auth.users FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION private.handle_account_deleted();

-- TRIGGER users on_auth_user_mirrored_created
CREATE TRIGGER on_auth_user_mirrored_created AFTER INSERT ON auth.users FOR EACH ROW WHEN (((new.raw_app_meta_data ->> 'clerk_id'::text) <> ''::text)) EXECUTE FUNCTION private.close_new_mirrored_account();

-- TRIGGER users on_auth_user_mirrored_updated
CREATE TRIGGER on_auth_user_mirrored_updated BEFORE UPDATE ON auth.users FOR EACH ROW WHEN (((new.raw_app_meta_data ->> 'clerk_id'::text) <> ''::text)) EXECUTE FUNCTION private.close_mirrored_account();

-- TRIGGER saved_search_alerts on_saved_search_alerts_created_take_a_turn
CREATE TRIGGER on_saved_search_alerts_created_take_a_turn AFTER INSERT ON private.saved_search_alerts FOR EACH ROW WHEN ((new.next_at IS NOT NULL)) EXECUTE FUNCTION private.take_a_turn();

-- TRIGGER saved_search_alerts on_saved_search_alerts_updated_take_a_turn
CREATE TRIGGER on_saved_search_alerts_updated_take_a_turn AFTER UPDATE OF next_at, user_id ON private.saved_search_alerts FOR EACH ROW WHEN ((new.next_at IS NOT NULL)) EXECUTE FUNCTION private.take_a_turn();

-- TRIGGER applications on_application_changed_end_waiting_submission
CREATE TRIGGER on_application_changed_end_waiting_submission BEFORE UPDATE OF status, deleted_at ON public.applications FOR EACH ROW WHEN (((new.submission_job_id IS NOT NULL) AND ((new.status <> 'PENDING_SKYVERN_SUBMISSION'::public.application_status_type) OR (new.deleted_at IS NOT NULL)))) EXECUTE FUNCTION private.end_waiting_submission();

-- TRIGGER applications on_application_deleted
CREATE TRIGGER on_application_deleted BEFORE UPDATE OF deleted_at ON public.applications FOR EACH ROW EXECUTE FUNCTION private.handle_soft_delete();

-- TRIGGER applications on_application_deleted_cancel_runs
CREATE TRIGGER on_application_deleted_cancel_runs AFTER UPDATE OF deleted_at ON public.applications FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION private.cancel_runs_of_stopped_application();

-- TRIGGER applications on_application_deleted_record_deletion
CREATE TRIGGER on_application_deleted_record_deletion AFTER UPDATE OF deleted_at ON public.applications FOR EACH ROW WHEN (((old.deleted_at IS NULL) <> (new.deleted_at IS NULL))) EXECUTE FUNCTION private.record_application_deletion();

-- TRIGGER applications on_application_details_changed_note_outcome_of_run
CREATE TRIGGER on_application_details_changed_note_outcome_of_run AFTER UPDATE OF status_details ON public.applications FOR EACH ROW WHEN (((new.skyvern_task_id IS NOT NULL) AND (new.submission_id IS NULL) AND (old.status <> ALL (ARRAY['DRAFT'::public.application_status_type, 'PENDING_SKYVERN_SUBMISSION'::public.application_status_type])) AND (COALESCE((new.status_details ->> 'run_id'::text), new.skyvern_task_id) = new.skyvern_task_id) AND ((new.status_details ->> 'reason'::text) IS DISTINCT FROM (old.status_details ->> 'reason'::text)))) EXECUTE FUNCTION private.note_outcome_of_run();

-- TRIGGER applications on_application_erased_cancel_runs
CREATE TRIGGER on_application_erased_cancel_runs BEFORE DELETE ON public.applications FOR EACH ROW EXECUTE FUNCTION private.cancel_runs_of_stopped_application();

-- TRIGGER applications on_application_inserted_guard_status
CREATE TRIGGER on_application_inserted_guard_status BEFORE INSERT ON public.applications FOR EACH ROW EXECUTE FUNCTION private.guard_application_status();

-- TRIGGER applications on_application_inserted_record_event
CREATE TRIGGER on_application_inserted_record_event AFTER INSERT ON public.applications FOR EACH ROW EXECUTE FUNCTION private.record_application_event();

-- TRIGGER applications on_application_inserted_set_applied_at
CREATE TRIGGER on_application_inserted_set_applied_at BEFORE INSERT ON public.applications FOR EACH ROW EXECUTE FUNCTION private.set_applied_at();

-- TRIGGER applications on_application_resume_written
CREATE TRIGGER on_application_resume_written BEFORE UPDATE OF resume_url_used ON public.applications FOR EACH ROW EXECUTE FUNCTION private.note_chosen_resume();

-- TRIGGER applications on_application_skyvern_run_written
CREATE TRIGGER on_application_skyvern_run_written BEFORE INSERT OR UPDATE OF skyvern_task_id, skyvern_run_status, skyvern_run_attempt, skyvern_run_retry_pending ON public.applications FOR EACH ROW WHEN ((new.skyvern_task_id IS NOT NULL)) EXECUTE FUNCTION private.note_news_of_skyvern_run();

-- TRIGGER applications on_application_status_changed
CREATE TRIGGER on_application_status_changed BEFORE UPDATE OF status ON public.applications FOR EACH ROW WHEN ((new.status IS DISTINCT FROM old.status)) EXECUTE FUNCTION public.handle_application_status_update_timestamp();

-- TRIGGER applications on_application_updated_guard_status
CREATE TRIGGER on_application_updated_guard_status BEFORE UPDATE OF status ON public.applications FOR EACH ROW WHEN ((new.status IS DISTINCT FROM old.status)) EXECUTE FUNCTION private.guard_application_status();

-- TRIGGER applications on_application_updated_record_event
CREATE TRIGGER on_application_updated_record_event AFTER UPDATE OF status ON public.applications FOR EACH ROW WHEN ((new.status IS DISTINCT FROM old.status)) EXECUTE FUNCTION private.record_application_event();

-- TRIGGER applications on_application_updated_set_applied_at
CREATE TRIGGER on_application_updated_set_applied_at BEFORE UPDATE OF status, applied_at ON public.applications FOR EACH ROW WHEN (((new.status IS DISTINCT FROM old.status) OR (new.applied_at IS DISTINCT FROM old.applied_at))) EXECUTE FUNCTION private.set_applied_at();

-- TRIGGER applications on_application_withdrawn_cancel_runs
CREATE TRIGGER on_application_withdrawn_cancel_runs AFTER UPDATE OF status ON public.applications FOR EACH ROW WHEN (((new.status IS DISTINCT FROM old.status) AND private.is_decision_against_run(new.status))) EXECUTE FUNCTION private.cancel_runs_of_stopped_application();

-- TRIGGER applications on_applications_inserted_limit_rows
CREATE TRIGGER on_applications_inserted_limit_rows AFTER INSERT ON public.applications REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION private.limit_rows_per_person();

-- TRIGGER applications on_applications_updated
CREATE TRIGGER on_applications_updated BEFORE UPDATE ON public.applications FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER background_jobs on_background_jobs_cancelled
CREATE TRIGGER on_background_jobs_cancelled BEFORE UPDATE OF status ON public.background_jobs FOR EACH ROW WHEN (((old.status = ANY (ARRAY['pending'::public.job_status, 'processing'::public.job_status])) AND (new.status = 'failed'::public.job_status) AND (new.error = 'cancelled'::text))) EXECUTE FUNCTION private.end_lease_of_cancelled_job();

-- TRIGGER background_jobs on_background_jobs_created_limit_people
CREATE TRIGGER on_background_jobs_created_limit_people BEFORE INSERT ON public.background_jobs FOR EACH ROW EXECUTE FUNCTION private.limit_queued_jobs();

-- TRIGGER background_jobs on_background_jobs_updated
CREATE TRIGGER on_background_jobs_updated BEFORE UPDATE ON public.background_jobs FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER jobs on_jobs_described
CREATE TRIGGER on_jobs_described BEFORE INSERT OR UPDATE OF description ON public.jobs FOR EACH ROW EXECUTE FUNCTION private.handle_job_description();

-- TRIGGER jobs on_jobs_updated
CREATE TRIGGER on_jobs_updated BEFORE UPDATE OF source, external_id, provider_id, title, company, company_logo_url, description, url, publisher, location, city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max, salary_period, salary_currency, salary_text, posted_at, h1b_sponsor_status, lane, skills_required, resume_guide_generated, prep_guide_generated, schema_version, embedding, status, is_active ON public.jobs FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER notifications on_notifications_updated_set_read_at
CREATE TRIGGER on_notifications_updated_set_read_at BEFORE UPDATE OF is_read, read_at ON public.notifications FOR EACH ROW EXECUTE FUNCTION private.set_read_at();

-- TRIGGER resumes on_resumes_changed_follow_primary
CREATE TRIGGER on_resumes_changed_follow_primary AFTER INSERT OR DELETE OR UPDATE OF user_id, file_url, file_name, is_primary ON public.resumes FOR EACH ROW EXECUTE FUNCTION private.follow_primary_resume();

-- TRIGGER resumes on_resumes_changed_lock_person
CREATE TRIGGER on_resumes_changed_lock_person BEFORE INSERT OR DELETE OR UPDATE ON public.resumes FOR EACH STATEMENT EXECUTE FUNCTION private.lock_person_of_resumes();

-- TRIGGER resumes on_resumes_inserted_limit_rows
CREATE TRIGGER on_resumes_inserted_limit_rows AFTER INSERT ON public.resumes REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION private.limit_rows_per_person();

-- TRIGGER resumes on_resumes_updated
CREATE TRIGGER on_resumes_updated BEFORE UPDATE ON public.resumes FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER saved_jobs on_saved_jobs_inserted_limit_rows
CREATE TRIGGER on_saved_jobs_inserted_limit_rows AFTER INSERT ON public.saved_jobs REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION private.limit_rows_per_person();

-- TRIGGER saved_searches on_saved_searches_created_schedule
CREATE TRIGGER on_saved_searches_created_schedule AFTER INSERT ON public.saved_searches FOR EACH ROW EXECUTE FUNCTION private.schedule_saved_search();

-- TRIGGER saved_searches on_saved_searches_inserted_limit_rows
CREATE TRIGGER on_saved_searches_inserted_limit_rows AFTER INSERT ON public.saved_searches REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION private.limit_rows_per_person();

-- TRIGGER saved_searches on_saved_searches_updated
CREATE TRIGGER on_saved_searches_updated BEFORE UPDATE ON public.saved_searches FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER saved_searches on_saved_searches_updated_schedule
CREATE TRIGGER on_saved_searches_updated_schedule AFTER UPDATE OF search_query, notify_new_jobs ON public.saved_searches FOR EACH ROW WHEN (((old.search_query <> new.search_query) OR (old.notify_new_jobs IS DISTINCT FROM new.notify_new_jobs))) EXECUTE FUNCTION private.schedule_saved_search();

-- TRIGGER users on_user_deleted
CREATE TRIGGER on_user_deleted BEFORE DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION private.handle_account_deleted();

-- TRIGGER user_preferences on_user_preferences_created_or_deleted_schedule
CREATE TRIGGER on_user_preferences_created_or_deleted_schedule AFTER INSERT OR DELETE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION private.schedule_saved_searches_of_person();

-- TRIGGER user_preferences on_user_preferences_updated
CREATE TRIGGER on_user_preferences_updated BEFORE UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER user_preferences on_user_preferences_updated_schedule
CREATE TRIGGER on_user_preferences_updated_schedule AFTER UPDATE OF receive_job_alerts, alert_frequency, quiet_hours_start, quiet_hours_end ON public.user_preferences FOR EACH ROW WHEN (((((old.receive_job_alerts IS DISTINCT FROM new.receive_job_alerts) OR (old.alert_frequency IS DISTINCT FROM new.alert_frequency)) OR (old.quiet_hours_start IS DISTINCT FROM new.quiet_hours_start)) OR (old.quiet_hours_end IS DISTINCT FROM new.quiet_hours_end))) EXECUTE FUNCTION private.schedule_saved_searches_of_person();

-- TRIGGER user_preferences on_user_preferences_written_check
CREATE TRIGGER on_user_preferences_written_check BEFORE INSERT OR UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION private.check_preferences();

-- TRIGGER user_push_tokens on_user_push_tokens_updated
CREATE TRIGGER on_user_push_tokens_updated BEFORE UPDATE ON public.user_push_tokens FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER users on_users_created_schedule_reminder
CREATE TRIGGER on_users_created_schedule_reminder AFTER INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION private.schedule_profile_reminder();

-- TRIGGER users on_users_inserted_check_timezone
CREATE TRIGGER on_users_inserted_check_timezone BEFORE INSERT ON public.users FOR EACH ROW WHEN ((new.timezone <> 'UTC'::text)) EXECUTE FUNCTION private.check_timezone();

-- TRIGGER users on_users_updated
CREATE TRIGGER on_users_updated BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.handle_updated_at();

-- TRIGGER users on_users_updated_check_timezone
CREATE TRIGGER on_users_updated_check_timezone BEFORE UPDATE OF timezone ON public.users FOR EACH ROW WHEN ((new.timezone <> old.timezone)) EXECUTE FUNCTION private.check_timezone();

-- TRIGGER users on_users_updated_schedule
CREATE TRIGGER on_users_updated_schedule AFTER UPDATE OF timezone ON public.users FOR EACH ROW WHEN ((new.timezone <> old.timezone)) EXECUTE FUNCTION private.schedule_saved_searches_of_person();

-- TRIGGER webhook_events on_webhook_events_created_forget_deleted_application
CREATE TRIGGER on_webhook_events_created_forget_deleted_application BEFORE INSERT ON public.webhook_events FOR EACH ROW WHEN (((new.outcome = 'waiting'::text) AND (new.named_application_id IS NOT NULL))) EXECUTE FUNCTION private.forget_event_of_deleted_application();

-- FK CONSTRAINT announcement_tiers announcement_tiers_fk_announcement
ALTER TABLE ONLY private.announcement_tiers
    ADD CONSTRAINT announcement_tiers_fk_announcement FOREIGN KEY (announcement_id) REFERENCES private.announcements(id) ON DELETE CASCADE;

-- FK CONSTRAINT application_runs application_runs_fk_application
ALTER TABLE ONLY private.application_runs
    ADD CONSTRAINT application_runs_fk_application FOREIGN KEY (application_id) REFERENCES public.applications(id) ON DELETE SET NULL;

-- FK CONSTRAINT application_runs application_runs_fk_user
ALTER TABLE ONLY private.application_runs
    ADD CONSTRAINT application_runs_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT job_clicks job_clicks_fk_job
ALTER TABLE ONLY private.job_clicks
    ADD CONSTRAINT job_clicks_fk_job FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;

-- FK CONSTRAINT job_clicks job_clicks_fk_user
ALTER TABLE ONLY private.job_clicks
    ADD CONSTRAINT job_clicks_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT job_search_calls job_search_calls_fk_user
ALTER TABLE ONLY private.job_search_calls
    ADD CONSTRAINT job_search_calls_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT profile_reminders profile_reminders_fk_user
ALTER TABLE ONLY private.profile_reminders
    ADD CONSTRAINT profile_reminders_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT saved_search_alert_turns saved_search_alert_turns_fk_user
ALTER TABLE ONLY private.saved_search_alert_turns
    ADD CONSTRAINT saved_search_alert_turns_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT saved_search_alerts saved_search_alerts_fk_saved_search
ALTER TABLE ONLY private.saved_search_alerts
    ADD CONSTRAINT saved_search_alerts_fk_saved_search FOREIGN KEY (saved_search_id, user_id) REFERENCES public.saved_searches(id, user_id) ON UPDATE CASCADE ON DELETE CASCADE;

-- FK CONSTRAINT saved_search_sightings saved_search_sightings_fk_saved_search
ALTER TABLE ONLY private.saved_search_sightings
    ADD CONSTRAINT saved_search_sightings_fk_saved_search FOREIGN KEY (saved_search_id) REFERENCES public.saved_searches(id) ON DELETE CASCADE;

-- FK CONSTRAINT application_deletions application_deletions_fk_application
ALTER TABLE ONLY public.application_deletions
    ADD CONSTRAINT application_deletions_fk_application FOREIGN KEY (application_id, user_id) REFERENCES public.applications(id, user_id) ON DELETE CASCADE;

-- FK CONSTRAINT application_events application_events_fk_application
ALTER TABLE ONLY public.application_events
    ADD CONSTRAINT application_events_fk_application FOREIGN KEY (application_id, user_id) REFERENCES public.applications(id, user_id) ON DELETE CASCADE;

-- FK CONSTRAINT applications applications_fk_user
ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT background_jobs background_jobs_fk_user
ALTER TABLE ONLY public.background_jobs
    ADD CONSTRAINT background_jobs_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT jobs jobs_fk_provider
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_fk_provider FOREIGN KEY (provider_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT notifications notifications_fk_user
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT push_tickets push_tickets_fk_job
ALTER TABLE ONLY public.push_tickets
    ADD CONSTRAINT push_tickets_fk_job FOREIGN KEY (job_id) REFERENCES public.background_jobs(id) ON DELETE SET NULL;

-- FK CONSTRAINT push_tickets push_tickets_fk_push_token
ALTER TABLE ONLY public.push_tickets
    ADD CONSTRAINT push_tickets_fk_push_token FOREIGN KEY (push_token_id) REFERENCES public.user_push_tokens(id) ON DELETE CASCADE;

-- FK CONSTRAINT resumes resumes_fk_user
ALTER TABLE ONLY public.resumes
    ADD CONSTRAINT resumes_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT saved_jobs saved_jobs_fk_user
ALTER TABLE ONLY public.saved_jobs
    ADD CONSTRAINT saved_jobs_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT saved_searches saved_searches_fk_user
ALTER TABLE ONLY public.saved_searches
    ADD CONSTRAINT saved_searches_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT user_preferences user_preferences_fk_user
ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT user_push_tokens user_push_tokens_fk_user
ALTER TABLE ONLY public.user_push_tokens
    ADD CONSTRAINT user_push_tokens_fk_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT users users_fk_auth_user
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_fk_auth_user FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT webhook_events webhook_events_fk_application
ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_fk_application FOREIGN KEY (application_id) REFERENCES public.applications(id) ON DELETE CASCADE;

-- ROW SECURITY announcement_tiers
ALTER TABLE private.announcement_tiers ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY announcements
ALTER TABLE private.announcements ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY application_limits
ALTER TABLE private.application_limits ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY application_run_limits
ALTER TABLE private.application_run_limits ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY application_runs
ALTER TABLE private.application_runs ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY authorized_parties
ALTER TABLE private.authorized_parties ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY circuit_breakers
ALTER TABLE private.circuit_breakers ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY clerk_accounts
ALTER TABLE private.clerk_accounts ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY job_clicks
ALTER TABLE private.job_clicks ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY job_search_calls
ALTER TABLE private.job_search_calls ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY job_search_leases
ALTER TABLE private.job_search_leases ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY job_search_limits
ALTER TABLE private.job_search_limits ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY notification_channels
ALTER TABLE private.notification_channels ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY profile_reminders
ALTER TABLE private.profile_reminders ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY retention_periods
ALTER TABLE private.retention_periods ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY row_limits
ALTER TABLE private.row_limits ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY saved_search_alert_turns
ALTER TABLE private.saved_search_alert_turns ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY saved_search_alerts
ALTER TABLE private.saved_search_alerts ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY saved_search_sightings
ALTER TABLE private.saved_search_sightings ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY application_deletions
ALTER TABLE public.application_deletions ENABLE ROW LEVEL SECURITY;

-- POLICY application_deletions application_deletions_select_own
CREATE POLICY application_deletions_select_own ON public.application_deletions FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY application_events
ALTER TABLE public.application_events ENABLE ROW LEVEL SECURITY;

-- POLICY application_events application_events_select_own
CREATE POLICY application_events_select_own ON public.application_events FOR SELECT TO authenticated USING (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (EXISTS ( SELECT
   FROM public.applications
  WHERE ((applications.id = application_events.application_id) AND (applications.deleted_at IS NULL))))));

-- ROW SECURITY applications
ALTER TABLE public.applications ENABLE ROW LEVEL SECURITY;

-- POLICY applications applications_insert_own
CREATE POLICY applications_insert_own ON public.applications FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY applications applications_select_own
CREATE POLICY applications_select_own ON public.applications FOR SELECT TO authenticated USING (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (deleted_at IS NULL)));

-- POLICY applications applications_update_own
CREATE POLICY applications_update_own ON public.applications FOR UPDATE TO authenticated USING (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (deleted_at IS NULL))) WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY background_jobs
ALTER TABLE public.background_jobs ENABLE ROW LEVEL SECURITY;

-- POLICY background_jobs background_jobs_cancel_own
CREATE POLICY background_jobs_cancel_own ON public.background_jobs FOR UPDATE TO authenticated USING (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (job_type = ANY (ARRAY['reconcile_application'::text, 'saved_search_alert'::text])) AND (status = ANY (ARRAY['pending'::public.job_status, 'processing'::public.job_status])))) WITH CHECK (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (status = 'failed'::public.job_status) AND (error = 'cancelled'::text)));

-- POLICY background_jobs background_jobs_insert_own
CREATE POLICY background_jobs_insert_own ON public.background_jobs FOR INSERT TO authenticated WITH CHECK (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (job_type = ANY (ARRAY['reconcile_application'::text, 'saved_search_alert'::text]))));

-- POLICY background_jobs background_jobs_select_own
CREATE POLICY background_jobs_select_own ON public.background_jobs FOR SELECT TO authenticated USING (((user_id = ( SELECT public.current_user_id() AS current_user_id)) AND (job_type = ANY (ARRAY['reconcile_application'::text, 'saved_search_alert'::text]))));

-- ROW SECURITY cron_locks
ALTER TABLE public.cron_locks ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY job_search_cache
ALTER TABLE public.job_search_cache ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY jobs
ALTER TABLE public.jobs ENABLE ROW LEVEL SECURITY;

-- POLICY jobs jobs_delete_own
CREATE POLICY jobs_delete_own ON public.jobs FOR DELETE TO authenticated USING (((provider_id = ( SELECT public.current_user_id() AS current_user_id)) AND ( SELECT private.is_provider() AS is_provider)));

-- POLICY jobs jobs_insert_own
CREATE POLICY jobs_insert_own ON public.jobs FOR INSERT TO authenticated WITH CHECK (((provider_id = ( SELECT public.current_user_id() AS current_user_id)) AND ( SELECT private.is_provider() AS is_provider)));

-- POLICY jobs jobs_select_active_or_own
CREATE POLICY jobs_select_active_or_own ON public.jobs FOR SELECT TO authenticated USING (((is_active AND (status = 'active'::text) AND (( SELECT public.current_user_id() AS current_user_id) IS NOT NULL)) OR (provider_id = ( SELECT public.current_user_id() AS current_user_id))));

-- POLICY jobs jobs_update_own
CREATE POLICY jobs_update_own ON public.jobs FOR UPDATE TO authenticated USING (((provider_id = ( SELECT public.current_user_id() AS current_user_id)) AND ( SELECT private.is_provider() AS is_provider))) WITH CHECK (((provider_id = ( SELECT public.current_user_id() AS current_user_id)) AND ( SELECT private.is_provider() AS is_provider)));

-- ROW SECURITY notifications
ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY;

-- POLICY notifications notifications_delete_own
CREATE POLICY notifications_delete_own ON public.notifications FOR DELETE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY notifications notifications_select_own
CREATE POLICY notifications_select_own ON public.notifications FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY notifications notifications_update_own
CREATE POLICY notifications_update_own ON public.notifications FOR UPDATE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY push_tickets
ALTER TABLE public.push_tickets ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY resumes
ALTER TABLE public.resumes ENABLE ROW LEVEL SECURITY;

-- POLICY resumes resumes_delete_own
CREATE POLICY resumes_delete_own ON public.resumes FOR DELETE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY resumes resumes_insert_own
CREATE POLICY resumes_insert_own ON public.resumes FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY resumes resumes_select_own
CREATE POLICY resumes_select_own ON public.resumes FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY resumes resumes_update_own
CREATE POLICY resumes_update_own ON public.resumes FOR UPDATE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY saved_jobs
ALTER TABLE public.saved_jobs ENABLE ROW LEVEL SECURITY;

-- POLICY saved_jobs saved_jobs_delete_own
CREATE POLICY saved_jobs_delete_own ON public.saved_jobs FOR DELETE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY saved_jobs saved_jobs_insert_own
CREATE POLICY saved_jobs_insert_own ON public.saved_jobs FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY saved_jobs saved_jobs_select_own
CREATE POLICY saved_jobs_select_own ON public.saved_jobs FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY saved_jobs saved_jobs_update_own
CREATE POLICY saved_jobs_update_own ON public.saved_jobs FOR UPDATE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY saved_searches
ALTER TABLE public.saved_searches ENABLE ROW LEVEL SECURITY;

-- POLICY saved_searches saved_searches_delete_own
CREATE POLICY saved_searches_delete_own ON public.saved_searches FOR DELETE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY saved_searches saved_searches_insert_own
CREATE POLICY saved_searches_insert_own ON public.saved_searches FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY saved_searches saved_searches_select_own
CREATE POLICY saved_searches_select_own ON public.saved_searches FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY saved_searches saved_searches_update_own
CREATE POLICY saved_searches_update_own ON public.saved_searches FOR UPDATE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY scraping_logs
ALTER TABLE public.scraping_logs ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY user_preferences
ALTER TABLE public.user_preferences ENABLE ROW LEVEL SECURITY;

-- POLICY user_preferences user_preferences_delete_own
CREATE POLICY user_preferences_delete_own ON public.user_preferences FOR DELETE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY user_preferences user_preferences_insert_own
CREATE POLICY user_preferences_insert_own ON public.user_preferences FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY user_preferences user_preferences_select_own
CREATE POLICY user_preferences_select_own ON public.user_preferences FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY user_preferences user_preferences_update_own
CREATE POLICY user_preferences_update_own ON public.user_preferences FOR UPDATE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY user_push_tokens
ALTER TABLE public.user_push_tokens ENABLE ROW LEVEL SECURITY;

-- POLICY user_push_tokens user_push_tokens_delete_own
CREATE POLICY user_push_tokens_delete_own ON public.user_push_tokens FOR DELETE TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY user_push_tokens user_push_tokens_select_own
CREATE POLICY user_push_tokens_select_own ON public.user_push_tokens FOR SELECT TO authenticated USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY users
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

-- POLICY users users_select_own
CREATE POLICY users_select_own ON public.users FOR SELECT TO authenticated USING ((id = ( SELECT public.current_user_id() AS current_user_id)));

-- POLICY users users_update_own
CREATE POLICY users_update_own ON public.users FOR UPDATE TO authenticated USING ((id = ( SELECT public.current_user_id() AS current_user_id))) WITH CHECK ((id = ( SELECT public.current_user_id() AS current_user_id)));

-- ROW SECURITY webhook_events
ALTER TABLE public.webhook_events ENABLE ROW LEVEL SECURITY;

-- POLICY objects person_files_delete_own
CREATE POLICY person_files_delete_own ON storage.objects FOR DELETE TO authenticated USING (((bucket_id = ANY (ARRAY['resumes'::text, 'cover_letters'::text])) AND ((storage.foldername(name))[1] = (( SELECT public.current_user_id() AS current_user_id))::text) AND (name ~>=~ (( SELECT public.current_user_id() AS current_user_id) || '/'::text)) AND (name ~<~ (( SELECT public.current_user_id() AS current_user_id) || '0'::text))));

-- POLICY objects person_files_insert_own
CREATE POLICY person_files_insert_own ON storage.objects FOR INSERT TO authenticated WITH CHECK (((bucket_id = ANY (ARRAY['resumes'::text, 'cover_letters'::text])) AND ((storage.foldername(name))[1] = (( SELECT public.current_user_id() AS current_user_id))::text)));

-- POLICY objects person_files_select_own
CREATE POLICY person_files_select_own ON storage.objects FOR SELECT TO authenticated USING (((bucket_id = ANY (ARRAY['resumes'::text, 'cover_letters'::text])) AND ((storage.foldername(name))[1] = (( SELECT public.current_user_id() AS current_user_id))::text) AND (name ~>=~ (( SELECT public.current_user_id() AS current_user_id) || '/'::text)) AND (name ~<~ (( SELECT public.current_user_id() AS current_user_id) || '0'::text))));

-- POLICY objects person_files_update_own
CREATE POLICY person_files_update_own ON storage.objects FOR UPDATE TO authenticated USING (((bucket_id = ANY (ARRAY['resumes'::text, 'cover_letters'::text])) AND ((storage.foldername(name))[1] = (( SELECT public.current_user_id() AS current_user_id))::text) AND (name ~>=~ (( SELECT public.current_user_id() AS current_user_id) || '/'::text)) AND (name ~<~ (( SELECT public.current_user_id() AS current_user_id) || '0'::text)))) WITH CHECK (((bucket_id = ANY (ARRAY['resumes'::text, 'cover_letters'::text])) AND ((storage.foldername(name))[1] = (( SELECT public.current_user_id() AS current_user_id))::text)));

-- PUBLICATION TABLE supabase_realtime application_deletions
ALTER PUBLICATION supabase_realtime ADD TABLE ONLY public.application_deletions;

-- PUBLICATION TABLE supabase_realtime applications
ALTER PUBLICATION supabase_realtime ADD TABLE ONLY public.applications;

-- PUBLICATION TABLE supabase_realtime background_jobs
ALTER PUBLICATION supabase_realtime ADD TABLE ONLY public.background_jobs;

-- PUBLICATION TABLE supabase_realtime notifications
ALTER PUBLICATION supabase_realtime ADD TABLE ONLY public.notifications;

-- ACL SCHEMA private
GRANT USAGE ON SCHEMA private TO authenticated;

-- ACL FUNCTION address_of_account(p_account auth.users)
REVOKE ALL ON FUNCTION private.address_of_account(p_account auth.users) FROM PUBLIC;

-- ACL FUNCTION after_quiet_hours(p_moment timestamp with time zone, p_timezone text, p_quiet_start smallint, p_quiet_end smallint)
REVOKE ALL ON FUNCTION private.after_quiet_hours(p_moment timestamp with time zone, p_timezone text, p_quiet_start smallint, p_quiet_end smallint) FROM PUBLIC;

-- ACL FUNCTION current_user_id()
REVOKE ALL ON FUNCTION public.current_user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION public.current_user_id() TO authenticated;
GRANT ALL ON FUNCTION public.current_user_id() TO service_role;

-- ACL TABLE saved_searches
GRANT SELECT,DELETE ON TABLE public.saved_searches TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.saved_searches TO service_role;

-- ACL COLUMN saved_searches.user_id
GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.saved_searches TO authenticated;

-- ACL COLUMN saved_searches.search_name
GRANT INSERT(search_name),UPDATE(search_name) ON TABLE public.saved_searches TO authenticated;

-- ACL COLUMN saved_searches.search_query
GRANT INSERT(search_query),UPDATE(search_query) ON TABLE public.saved_searches TO authenticated;

-- ACL COLUMN saved_searches.schema_version
GRANT INSERT(schema_version),UPDATE(schema_version) ON TABLE public.saved_searches TO authenticated;

-- ACL COLUMN saved_searches.notify_new_jobs
GRANT INSERT(notify_new_jobs),UPDATE(notify_new_jobs) ON TABLE public.saved_searches TO authenticated;

-- ACL FUNCTION alert_due_at(p_search public.saved_searches, p_since timestamp with time zone)
REVOKE ALL ON FUNCTION private.alert_due_at(p_search public.saved_searches, p_since timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION alert_frequency(p_user_id uuid)
REVOKE ALL ON FUNCTION private.alert_frequency(p_user_id uuid) FROM PUBLIC;

-- ACL FUNCTION application_run_deadline()
REVOKE ALL ON FUNCTION private.application_run_deadline() FROM PUBLIC;

-- ACL FUNCTION posting_key(p_job_url text)
REVOKE ALL ON FUNCTION private.posting_key(p_job_url text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.posting_key(p_job_url text) TO authenticated;
GRANT ALL ON FUNCTION private.posting_key(p_job_url text) TO service_role;

-- ACL TABLE applications
GRANT SELECT ON TABLE public.applications TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.applications TO service_role;

-- ACL COLUMN applications.user_id
GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.job_title
GRANT INSERT(job_title),UPDATE(job_title) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.company_name
GRANT INSERT(company_name),UPDATE(company_name) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.job_url
GRANT INSERT(job_url),UPDATE(job_url) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.adzuna_job_id
GRANT INSERT(adzuna_job_id),UPDATE(adzuna_job_id) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.status
GRANT INSERT(status),UPDATE(status) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.applied_at
GRANT INSERT(applied_at),UPDATE(applied_at) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.notes
GRANT INSERT(notes),UPDATE(notes) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.resume_url_used
GRANT INSERT(resume_url_used),UPDATE(resume_url_used) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.cover_letter_url_used
GRANT INSERT(cover_letter_url_used),UPDATE(cover_letter_url_used) ON TABLE public.applications TO authenticated;

-- ACL COLUMN applications.application_source
GRANT INSERT(application_source),UPDATE(application_source) ON TABLE public.applications TO authenticated;

-- ACL FUNCTION apply_earlier_skyvern_run_event(p_application public.applications, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb, p_source text, OUT outcome text, OUT status public.application_status_type, OUT push_job_id uuid)
REVOKE ALL ON FUNCTION private.apply_earlier_skyvern_run_event(p_application public.applications, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb, p_source text, OUT outcome text, OUT status public.application_status_type, OUT push_job_id uuid) FROM PUBLIC;

-- ACL FUNCTION apply_skyvern_run_event(p_application public.applications, p_run_status text, p_attempt integer, p_retry_pending boolean, p_decision jsonb, p_source text, OUT outcome text, OUT status public.application_status_type, OUT push_job_id uuid)
REVOKE ALL ON FUNCTION private.apply_skyvern_run_event(p_application public.applications, p_run_status text, p_attempt integer, p_retry_pending boolean, p_decision jsonb, p_source text, OUT outcome text, OUT status public.application_status_type, OUT push_job_id uuid) FROM PUBLIC;

-- ACL FUNCTION apply_waiting_skyvern_events(p_application_id uuid, p_run_id text)
REVOKE ALL ON FUNCTION private.apply_waiting_skyvern_events(p_application_id uuid, p_run_id text) FROM PUBLIC;

-- ACL FUNCTION attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text)
REVOKE ALL ON FUNCTION private.attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text) FROM PUBLIC;

-- ACL FUNCTION attribute_events(p_source text, p_reason text)
REVOKE ALL ON FUNCTION private.attribute_events(p_source text, p_reason text) FROM PUBLIC;

-- ACL FUNCTION cached_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone)
REVOKE ALL ON FUNCTION private.cached_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION call_outcome(p_code text)
REVOKE ALL ON FUNCTION private.call_outcome(p_code text) FROM PUBLIC;

-- ACL FUNCTION cancel_application_runs(p_application_id uuid, p_submission_id uuid)
REVOKE ALL ON FUNCTION private.cancel_application_runs(p_application_id uuid, p_submission_id uuid) FROM PUBLIC;

-- ACL FUNCTION cancel_runs_of_stopped_application()
REVOKE ALL ON FUNCTION private.cancel_runs_of_stopped_application() FROM PUBLIC;

-- ACL FUNCTION cancel_unwanted_runs(p_application_id uuid)
REVOKE ALL ON FUNCTION private.cancel_unwanted_runs(p_application_id uuid) FROM PUBLIC;

-- ACL FUNCTION check_preferences()
REVOKE ALL ON FUNCTION private.check_preferences() FROM PUBLIC;

-- ACL FUNCTION check_timezone()
REVOKE ALL ON FUNCTION private.check_timezone() FROM PUBLIC;

-- ACL FUNCTION circuit_breaker_pause(p_vendor text, p_costs_nothing boolean)
REVOKE ALL ON FUNCTION private.circuit_breaker_pause(p_vendor text, p_costs_nothing boolean) FROM PUBLIC;

-- ACL FUNCTION claim_application_of(p_user_id uuid, p_application_id uuid, p_idempotency_key text, p_apply_again boolean, p_job_id uuid)
REVOKE ALL ON FUNCTION private.claim_application_of(p_user_id uuid, p_application_id uuid, p_idempotency_key text, p_apply_again boolean, p_job_id uuid) FROM PUBLIC;

-- ACL FUNCTION clock_of_person(p_user_id uuid, OUT timezone text, OUT quiet_start smallint, OUT quiet_end smallint)
REVOKE ALL ON FUNCTION private.clock_of_person(p_user_id uuid, OUT timezone text, OUT quiet_start smallint, OUT quiet_end smallint) FROM PUBLIC;

-- ACL FUNCTION close_mirrored_account()
REVOKE ALL ON FUNCTION private.close_mirrored_account() FROM PUBLIC;

-- ACL FUNCTION close_new_mirrored_account()
REVOKE ALL ON FUNCTION private.close_new_mirrored_account() FROM PUBLIC;

-- ACL FUNCTION company_key(p_name text)
REVOKE ALL ON FUNCTION private.company_key(p_name text) FROM PUBLIC;

-- ACL FUNCTION create_profile(p_account auth.users)
REVOKE ALL ON FUNCTION private.create_profile(p_account auth.users) FROM PUBLIC;

-- ACL FUNCTION delete_clerk_account(p_clerk_user_id text)
REVOKE ALL ON FUNCTION private.delete_clerk_account(p_clerk_user_id text) FROM PUBLIC;

-- ACL FUNCTION describe_new_postings(p_search_name text, p_count bigint, p_first jsonb)
REVOKE ALL ON FUNCTION private.describe_new_postings(p_search_name text, p_count bigint, p_first jsonb) FROM PUBLIC;

-- ACL FUNCTION end_lease_of_cancelled_job()
REVOKE ALL ON FUNCTION private.end_lease_of_cancelled_job() FROM PUBLIC;

-- ACL FUNCTION end_waiting_submission()
REVOKE ALL ON FUNCTION private.end_waiting_submission() FROM PUBLIC;

-- ACL FUNCTION fault_of_location(p_location jsonb)
REVOKE ALL ON FUNCTION private.fault_of_location(p_location jsonb) FROM PUBLIC;

-- ACL FUNCTION follow_primary_resume()
REVOKE ALL ON FUNCTION private.follow_primary_resume() FROM PUBLIC;

-- ACL FUNCTION forget_event_of_deleted_application()
REVOKE ALL ON FUNCTION private.forget_event_of_deleted_application() FROM PUBLIC;

-- ACL FUNCTION give_back_trial(p_vendor text)
REVOKE ALL ON FUNCTION private.give_back_trial(p_vendor text) FROM PUBLIC;

-- ACL FUNCTION guard_application_status()
REVOKE ALL ON FUNCTION private.guard_application_status() FROM PUBLIC;

-- ACL FUNCTION handle_account_deleted()
REVOKE ALL ON FUNCTION private.handle_account_deleted() FROM PUBLIC;

-- ACL FUNCTION handle_job_description()
REVOKE ALL ON FUNCTION private.handle_job_description() FROM PUBLIC;

-- ACL FUNCTION handle_soft_delete()
REVOKE ALL ON FUNCTION private.handle_soft_delete() FROM PUBLIC;

-- ACL FUNCTION has_proven_run(p_run_id text)
REVOKE ALL ON FUNCTION private.has_proven_run(p_run_id text) FROM PUBLIC;

-- ACL FUNCTION hear_of_erased_application(p_run private.application_runs, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb)
REVOKE ALL ON FUNCTION private.hear_of_erased_application(p_run private.application_runs, p_run_id text, p_run_status text, p_retry_pending boolean, p_decision jsonb) FROM PUBLIC;

-- ACL FUNCTION hold_background_job(p_job_id uuid, p_lease_number bigint)
REVOKE ALL ON FUNCTION private.hold_background_job(p_job_id uuid, p_lease_number bigint) FROM PUBLIC;

-- ACL FUNCTION hold_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer)
REVOKE ALL ON FUNCTION private.hold_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer) FROM PUBLIC;

-- ACL TABLE scraping_logs
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scraping_logs TO service_role;

-- ACL FUNCTION hold_job_sync(p_lock_number bigint)
REVOKE ALL ON FUNCTION private.hold_job_sync(p_lock_number bigint) FROM PUBLIC;

-- ACL FUNCTION hold_people_told(p_device_ids uuid[], p_job_ids uuid[])
REVOKE ALL ON FUNCTION private.hold_people_told(p_device_ids uuid[], p_job_ids uuid[]) FROM PUBLIC;

-- ACL FUNCTION is_alert_wanted(p_search public.saved_searches)
REVOKE ALL ON FUNCTION private.is_alert_wanted(p_search public.saved_searches) FROM PUBLIC;

-- ACL FUNCTION is_decision_against_run(p_status public.application_status_type)
REVOKE ALL ON FUNCTION private.is_decision_against_run(p_status public.application_status_type) FROM PUBLIC;
GRANT ALL ON FUNCTION private.is_decision_against_run(p_status public.application_status_type) TO authenticated;
GRANT ALL ON FUNCTION private.is_decision_against_run(p_status public.application_status_type) TO service_role;

-- ACL FUNCTION is_decision_of_person(p_status public.application_status_type)
REVOKE ALL ON FUNCTION private.is_decision_of_person(p_status public.application_status_type) FROM PUBLIC;
GRANT ALL ON FUNCTION private.is_decision_of_person(p_status public.application_status_type) TO authenticated;

-- ACL FUNCTION is_final_skyvern_status(p_run_status text)
REVOKE ALL ON FUNCTION private.is_final_skyvern_status(p_run_status text) FROM PUBLIC;

-- ACL FUNCTION is_own_file(p_path text, p_user_id uuid)
REVOKE ALL ON FUNCTION private.is_own_file(p_path text, p_user_id uuid) FROM PUBLIC;

-- ACL FUNCTION is_provider()
REVOKE ALL ON FUNCTION private.is_provider() FROM PUBLIC;
GRANT ALL ON FUNCTION private.is_provider() TO authenticated;

-- ACL FUNCTION is_waiting(p_job_id uuid)
REVOKE ALL ON FUNCTION private.is_waiting(p_job_id uuid) FROM PUBLIC;

-- ACL FUNCTION job_search_calls_left_for_alerts()
REVOKE ALL ON FUNCTION private.job_search_calls_left_for_alerts() FROM PUBLIC;

-- ACL FUNCTION keep_proof_of_run(p_application public.applications, p_run_id text, p_details jsonb, p_source text)
REVOKE ALL ON FUNCTION private.keep_proof_of_run(p_application public.applications, p_run_id text, p_details jsonb, p_source text) FROM PUBLIC;

-- ACL FUNCTION lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_is_alert boolean, p_newer_than timestamp with time zone)
REVOKE ALL ON FUNCTION private.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_is_alert boolean, p_newer_than timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION limit_files_per_person()
REVOKE ALL ON FUNCTION private.limit_files_per_person() FROM PUBLIC;

-- ACL FUNCTION limit_queued_jobs()
REVOKE ALL ON FUNCTION private.limit_queued_jobs() FROM PUBLIC;

-- ACL FUNCTION limit_rows_per_person()
REVOKE ALL ON FUNCTION private.limit_rows_per_person() FROM PUBLIC;

-- ACL FUNCTION lock_clerk_account(p_clerk_user_id text)
REVOKE ALL ON FUNCTION private.lock_clerk_account(p_clerk_user_id text) FROM PUBLIC;

-- ACL FUNCTION lock_person_of_resumes()
REVOKE ALL ON FUNCTION private.lock_person_of_resumes() FROM PUBLIC;

-- ACL FUNCTION lock_rows_of_people(p_table_name text, p_people text[])
REVOKE ALL ON FUNCTION private.lock_rows_of_people(p_table_name text, p_people text[]) FROM PUBLIC;

-- ACL FUNCTION lock_skyvern_run(p_run_id text)
REVOKE ALL ON FUNCTION private.lock_skyvern_run(p_run_id text) FROM PUBLIC;

-- ACL FUNCTION look_for_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone)
REVOKE ALL ON FUNCTION private.look_for_job_search(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION may_disturb_from(p_user_id uuid)
REVOKE ALL ON FUNCTION private.may_disturb_from(p_user_id uuid) FROM PUBLIC;

-- ACL FUNCTION may_have_been_sent(p_run private.application_runs)
REVOKE ALL ON FUNCTION private.may_have_been_sent(p_run private.application_runs) FROM PUBLIC;

-- ACL FUNCTION message_of_late_stop()
REVOKE ALL ON FUNCTION private.message_of_late_stop() FROM PUBLIC;

-- ACL TABLE users
GRANT SELECT ON TABLE public.users TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO service_role;

-- ACL COLUMN users.full_name
GRANT UPDATE(full_name) ON TABLE public.users TO authenticated;

-- ACL COLUMN users.phone_number
GRANT UPDATE(phone_number) ON TABLE public.users TO authenticated;

-- ACL COLUMN users.linkedin_profile_url
GRANT UPDATE(linkedin_profile_url) ON TABLE public.users TO authenticated;

-- ACL COLUMN users.portfolio_url
GRANT UPDATE(portfolio_url) ON TABLE public.users TO authenticated;

-- ACL COLUMN users.current_resume_url
GRANT UPDATE(current_resume_url) ON TABLE public.users TO authenticated;

-- ACL COLUMN users.current_resume_filename
GRANT UPDATE(current_resume_filename) ON TABLE public.users TO authenticated;

-- ACL COLUMN users.timezone
GRANT UPDATE(timezone) ON TABLE public.users TO authenticated;

-- ACL FUNCTION missing_for_applying(p_person public.users)
REVOKE ALL ON FUNCTION private.missing_for_applying(p_person public.users) FROM PUBLIC;

-- ACL FUNCTION name_the_posting(p_text text, p_application public.applications)
REVOKE ALL ON FUNCTION private.name_the_posting(p_text text, p_application public.applications) FROM PUBLIC;

-- ACL FUNCTION needs_no_run(p_status public.application_status_type)
REVOKE ALL ON FUNCTION private.needs_no_run(p_status public.application_status_type) FROM PUBLIC;

-- ACL FUNCTION next_alert_at(p_search_query jsonb, p_frequency text, p_timezone text, p_quiet_start smallint, p_quiet_end smallint, p_after timestamp with time zone)
REVOKE ALL ON FUNCTION private.next_alert_at(p_search_query jsonb, p_frequency text, p_timezone text, p_quiet_start smallint, p_quiet_end smallint, p_after timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION next_alert_of_person(p_user_id uuid, p_search_query jsonb, p_after timestamp with time zone)
REVOKE ALL ON FUNCTION private.next_alert_of_person(p_user_id uuid, p_search_query jsonb, p_after timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION note_chosen_resume()
REVOKE ALL ON FUNCTION private.note_chosen_resume() FROM PUBLIC;

-- ACL FUNCTION note_end_of_run(p_run_id text, p_run_status text, p_retry_pending boolean)
REVOKE ALL ON FUNCTION private.note_end_of_run(p_run_id text, p_run_status text, p_retry_pending boolean) FROM PUBLIC;

-- ACL FUNCTION note_news_of_skyvern_run()
REVOKE ALL ON FUNCTION private.note_news_of_skyvern_run() FROM PUBLIC;

-- ACL FUNCTION note_outcome_of_run()
REVOKE ALL ON FUNCTION private.note_outcome_of_run() FROM PUBLIC;

-- ACL FUNCTION note_proof_of_run(p_run_id text)
REVOKE ALL ON FUNCTION private.note_proof_of_run(p_run_id text) FROM PUBLIC;

-- ACL FUNCTION note_settled_jobs(p_jobs jsonb)
REVOKE ALL ON FUNCTION private.note_settled_jobs(p_jobs jsonb) FROM PUBLIC;

-- ACL FUNCTION note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean)
REVOKE ALL ON FUNCTION private.note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean) FROM PUBLIC;

-- ACL FUNCTION notify_person(p_user_id uuid, p_type public.notification_type, p_title text, p_message text, p_related_entity_id uuid, p_related_entity_type text, p_data jsonb, p_not_before timestamp with time zone, OUT notification_id uuid, OUT push_job_id uuid)
REVOKE ALL ON FUNCTION private.notify_person(p_user_id uuid, p_type public.notification_type, p_title text, p_message text, p_related_entity_id uuid, p_related_entity_type text, p_data jsonb, p_not_before timestamp with time zone, OUT notification_id uuid, OUT push_job_id uuid) FROM PUBLIC;

-- ACL FUNCTION one_cancellation_on_trial(p_job_ids uuid[])
REVOKE ALL ON FUNCTION private.one_cancellation_on_trial(p_job_ids uuid[]) FROM PUBLIC;

-- ACL FUNCTION pass_circuit_breaker(p_vendor text, p_costs_nothing boolean)
REVOKE ALL ON FUNCTION private.pass_circuit_breaker(p_vendor text, p_costs_nothing boolean) FROM PUBLIC;

-- ACL FUNCTION paused_job_types()
REVOKE ALL ON FUNCTION private.paused_job_types() FROM PUBLIC;

-- ACL FUNCTION plain_email(p_text text)
REVOKE ALL ON FUNCTION private.plain_email(p_text text) FROM PUBLIC;

-- ACL FUNCTION plain_phone(p_text text)
REVOKE ALL ON FUNCTION private.plain_phone(p_text text) FROM PUBLIC;

-- ACL FUNCTION prepare_deletion_of_person(p_user_id uuid)
REVOKE ALL ON FUNCTION private.prepare_deletion_of_person(p_user_id uuid) FROM PUBLIC;

-- ACL FUNCTION purge_resting_searches(p_before timestamp with time zone, p_limit integer)
REVOKE ALL ON FUNCTION private.purge_resting_searches(p_before timestamp with time zone, p_limit integer) FROM PUBLIC;

-- ACL FUNCTION purge_rows(p_table regclass, p_column name, p_condition text, p_instead text, p_after timestamp with time zone, p_before timestamp with time zone, p_limit integer, OUT purged integer, OUT reached timestamp with time zone)
REVOKE ALL ON FUNCTION private.purge_rows(p_table regclass, p_column name, p_condition text, p_instead text, p_after timestamp with time zone, p_before timestamp with time zone, p_limit integer, OUT purged integer, OUT reached timestamp with time zone) FROM PUBLIC;

-- ACL FUNCTION put_clerk_account(p_clerk_user_id text, p_email text, p_phone_number text, p_full_name text, p_updated_at bigint)
REVOKE ALL ON FUNCTION private.put_clerk_account(p_clerk_user_id text, p_email text, p_phone_number text, p_full_name text, p_updated_at bigint) FROM PUBLIC;

-- ACL FUNCTION queue_submission(p_application public.applications, p_seconds integer)
REVOKE ALL ON FUNCTION private.queue_submission(p_application public.applications, p_seconds integer) FROM PUBLIC;

-- ACL FUNCTION record_application_deletion()
REVOKE ALL ON FUNCTION private.record_application_deletion() FROM PUBLIC;

-- ACL FUNCTION record_application_event()
REVOKE ALL ON FUNCTION private.record_application_event() FROM PUBLIC;

-- ACL FUNCTION refuse(p_code text, p_status integer, p_message text, p_details text, p_retry_after integer)
REVOKE ALL ON FUNCTION private.refuse(p_code text, p_status integer, p_message text, p_details text, p_retry_after integer) FROM PUBLIC;
GRANT ALL ON FUNCTION private.refuse(p_code text, p_status integer, p_message text, p_details text, p_retry_after integer) TO authenticated;

-- ACL FUNCTION refuse_beyond_application_limits(p_person public.users, p_application_id uuid)
REVOKE ALL ON FUNCTION private.refuse_beyond_application_limits(p_person public.users, p_application_id uuid) FROM PUBLIC;

-- ACL FUNCTION refuse_impersonation()
REVOKE ALL ON FUNCTION private.refuse_impersonation() FROM PUBLIC;
GRANT ALL ON FUNCTION private.refuse_impersonation() TO authenticated;

-- ACL FUNCTION reserve_job_search_call(p_call_id uuid, p_user_id uuid, p_is_alert boolean, OUT free_at timestamp with time zone, OUT is_own_limit boolean)
REVOKE ALL ON FUNCTION private.reserve_job_search_call(p_call_id uuid, p_user_id uuid, p_is_alert boolean, OUT free_at timestamp with time zone, OUT is_own_limit boolean) FROM PUBLIC;

-- ACL FUNCTION saved_search_of_job(p_job_id uuid, p_saved_search_id uuid)
REVOKE ALL ON FUNCTION private.saved_search_of_job(p_job_id uuid, p_saved_search_id uuid) FROM PUBLIC;

-- ACL FUNCTION schedule_profile_reminder()
REVOKE ALL ON FUNCTION private.schedule_profile_reminder() FROM PUBLIC;

-- ACL FUNCTION schedule_saved_search()
REVOKE ALL ON FUNCTION private.schedule_saved_search() FROM PUBLIC;

-- ACL FUNCTION schedule_saved_searches_of_person()
REVOKE ALL ON FUNCTION private.schedule_saved_searches_of_person() FROM PUBLIC;

-- ACL FUNCTION sent_application(p_application public.applications, OUT id uuid, OUT status public.application_status_type)
REVOKE ALL ON FUNCTION private.sent_application(p_application public.applications, OUT id uuid, OUT status public.application_status_type) FROM PUBLIC;

-- ACL FUNCTION set_applied_at()
REVOKE ALL ON FUNCTION private.set_applied_at() FROM PUBLIC;

-- ACL FUNCTION set_read_at()
REVOKE ALL ON FUNCTION private.set_read_at() FROM PUBLIC;

-- ACL FUNCTION take_a_turn()
REVOKE ALL ON FUNCTION private.take_a_turn() FROM PUBLIC;

-- ACL FUNCTION tell_of_application(p_application public.applications, p_status public.application_status_type, p_message jsonb)
REVOKE ALL ON FUNCTION private.tell_of_application(p_application public.applications, p_status public.application_status_type, p_message jsonb) FROM PUBLIC;

-- ACL FUNCTION token_subject()
REVOKE ALL ON FUNCTION private.token_subject() FROM PUBLIC;

-- ACL FUNCTION unless_skyvern_is_paused(p_question jsonb)
REVOKE ALL ON FUNCTION private.unless_skyvern_is_paused(p_question jsonb) FROM PUBLIC;

-- ACL FUNCTION wants_profile_reminder(p_user_id uuid)
REVOKE ALL ON FUNCTION private.wants_profile_reminder(p_user_id uuid) FROM PUBLIC;

-- ACL FUNCTION announce(p_title text, p_message text, p_tiers public.user_tier[])
REVOKE ALL ON FUNCTION public.announce(p_title text, p_message text, p_tiers public.user_tier[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.announce(p_title text, p_message text, p_tiers public.user_tier[]) TO service_role;

-- ACL FUNCTION application_to_reconcile(p_application_id uuid, p_user_id uuid)
REVOKE ALL ON FUNCTION public.application_to_reconcile(p_application_id uuid, p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.application_to_reconcile(p_application_id uuid, p_user_id uuid) TO service_role;

-- ACL FUNCTION apply_clerk_event(p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text, p_request_id uuid)
REVOKE ALL ON FUNCTION public.apply_clerk_event(p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text, p_request_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.apply_clerk_event(p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text, p_request_id uuid) TO service_role;

-- ACL FUNCTION apply_skyvern_event(p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid, p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid, p_source text)
REVOKE ALL ON FUNCTION public.apply_skyvern_event(p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid, p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid, p_source text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.apply_skyvern_event(p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid, p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid, p_source text) TO service_role;

-- ACL FUNCTION begin_job_sync(p_source text, p_locked_by text)
REVOKE ALL ON FUNCTION public.begin_job_sync(p_source text, p_locked_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.begin_job_sync(p_source text, p_locked_by text) TO service_role;

-- ACL FUNCTION cancel_background_jobs(p_job_ids uuid[])
REVOKE ALL ON FUNCTION public.cancel_background_jobs(p_job_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.cancel_background_jobs(p_job_ids uuid[]) TO authenticated;
GRANT ALL ON FUNCTION public.cancel_background_jobs(p_job_ids uuid[]) TO service_role;

-- ACL FUNCTION claim_application(p_application_id uuid, p_idempotency_key text, p_apply_again boolean)
REVOKE ALL ON FUNCTION public.claim_application(p_application_id uuid, p_idempotency_key text, p_apply_again boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_application(p_application_id uuid, p_idempotency_key text, p_apply_again boolean) TO authenticated;

-- ACL FUNCTION claim_background_jobs(p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean)
REVOKE ALL ON FUNCTION public.claim_background_jobs(p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_background_jobs(p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean) TO service_role;

-- ACL FUNCTION claim_push_messages(p_messages jsonb)
REVOKE ALL ON FUNCTION public.claim_push_messages(p_messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_push_messages(p_messages jsonb) TO service_role;

-- ACL FUNCTION claim_push_receipts()
REVOKE ALL ON FUNCTION public.claim_push_receipts() FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_push_receipts() TO service_role;

-- ACL FUNCTION claim_queued_application(p_application_id uuid, p_job_id uuid)
REVOKE ALL ON FUNCTION public.claim_queued_application(p_application_id uuid, p_job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_queued_application(p_application_id uuid, p_job_id uuid) TO service_role;

-- ACL FUNCTION close_dead_job_syncs()
REVOKE ALL ON FUNCTION public.close_dead_job_syncs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.close_dead_job_syncs() TO service_role;

-- ACL FUNCTION count_job_click(p_job_id uuid)
REVOKE ALL ON FUNCTION public.count_job_click(p_job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_job_click(p_job_id uuid) TO authenticated;

-- ACL FUNCTION delete_application(p_application_id uuid, p_reason text)
REVOKE ALL ON FUNCTION public.delete_application(p_application_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.delete_application(p_application_id uuid, p_reason text) TO authenticated;

-- ACL FUNCTION enqueue_background_jobs(p_jobs jsonb)
REVOKE ALL ON FUNCTION public.enqueue_background_jobs(p_jobs jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enqueue_background_jobs(p_jobs jsonb) TO service_role;

-- ACL FUNCTION ensure_person()
REVOKE ALL ON FUNCTION public.ensure_person() FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_person() TO authenticated;

-- ACL FUNCTION erase_application(p_application_id uuid)
REVOKE ALL ON FUNCTION public.erase_application(p_application_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.erase_application(p_application_id uuid) TO authenticated;

-- ACL FUNCTION extend_background_jobs(p_jobs jsonb)
REVOKE ALL ON FUNCTION public.extend_background_jobs(p_jobs jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.extend_background_jobs(p_jobs jsonb) TO service_role;

-- ACL FUNCTION extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer)
REVOKE ALL ON FUNCTION public.extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer) TO service_role;

-- ACL FUNCTION fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb)
REVOKE ALL ON FUNCTION public.fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.fail_queued_application(p_application_id uuid, p_job_id uuid, p_decision jsonb) TO service_role;

-- ACL FUNCTION finish_job_sync(p_lock_number bigint, p_is_whole boolean, p_error text, p_exhausted text[])
REVOKE ALL ON FUNCTION public.finish_job_sync(p_lock_number bigint, p_is_whole boolean, p_error text, p_exhausted text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.finish_job_sync(p_lock_number bigint, p_is_whole boolean, p_error text, p_exhausted text[]) TO service_role;

-- ACL FUNCTION handle_application_status_update_timestamp()
REVOKE ALL ON FUNCTION public.handle_application_status_update_timestamp() FROM PUBLIC;

-- ACL FUNCTION handle_new_user_from_clerk()
REVOKE ALL ON FUNCTION public.handle_new_user_from_clerk() FROM PUBLIC;

-- ACL FUNCTION handle_updated_at()
REVOKE ALL ON FUNCTION public.handle_updated_at() FROM PUBLIC;

-- ACL FUNCTION handle_user_email_changed()
REVOKE ALL ON FUNCTION public.handle_user_email_changed() FROM PUBLIC;

-- ACL FUNCTION lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid)
REVOKE ALL ON FUNCTION public.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid) TO service_role;

-- ACL TABLE resumes
GRANT SELECT,DELETE ON TABLE public.resumes TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resumes TO service_role;

-- ACL COLUMN resumes.user_id
GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.resumes TO authenticated;

-- ACL COLUMN resumes.file_url
GRANT INSERT(file_url),UPDATE(file_url) ON TABLE public.resumes TO authenticated;

-- ACL COLUMN resumes.file_name
GRANT INSERT(file_name),UPDATE(file_name) ON TABLE public.resumes TO authenticated;

-- ACL COLUMN resumes.version_name
GRANT INSERT(version_name),UPDATE(version_name) ON TABLE public.resumes TO authenticated;

-- ACL COLUMN resumes.is_primary
GRANT INSERT(is_primary),UPDATE(is_primary) ON TABLE public.resumes TO authenticated;

-- ACL FUNCTION make_resume_primary(p_resume_id uuid)
REVOKE ALL ON FUNCTION public.make_resume_primary(p_resume_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_resume_primary(p_resume_id uuid) TO authenticated;

-- ACL FUNCTION match_jobs(query_embedding extensions.vector, match_count integer)
REVOKE ALL ON FUNCTION public.match_jobs(query_embedding extensions.vector, match_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.match_jobs(query_embedding extensions.vector, match_count integer) TO authenticated;
GRANT ALL ON FUNCTION public.match_jobs(query_embedding extensions.vector, match_count integer) TO service_role;

-- ACL FUNCTION note_ongoing_skyvern_run(p_application_id uuid, p_run_id text)
REVOKE ALL ON FUNCTION public.note_ongoing_skyvern_run(p_application_id uuid, p_run_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_ongoing_skyvern_run(p_application_id uuid, p_run_id text) TO service_role;

-- ACL FUNCTION note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean)
REVOKE ALL ON FUNCTION public.note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_vendor_call(p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean) TO service_role;

-- ACL FUNCTION purge_expired_rows(p_limit integer, p_after jsonb)
REVOKE ALL ON FUNCTION public.purge_expired_rows(p_limit integer, p_after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_expired_rows(p_limit integer, p_after jsonb) TO service_role;

-- ACL FUNCTION queue_daily_purge()
REVOKE ALL ON FUNCTION public.queue_daily_purge() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_daily_purge() TO service_role;

-- ACL FUNCTION queue_due_profile_reminders()
REVOKE ALL ON FUNCTION public.queue_due_profile_reminders() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_due_profile_reminders() TO service_role;

-- ACL FUNCTION queue_due_push_receipts()
REVOKE ALL ON FUNCTION public.queue_due_push_receipts() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_due_push_receipts() TO service_role;

-- ACL FUNCTION queue_due_reconciliations()
REVOKE ALL ON FUNCTION public.queue_due_reconciliations() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_due_reconciliations() TO service_role;

-- ACL FUNCTION queue_due_saved_search_alerts()
REVOKE ALL ON FUNCTION public.queue_due_saved_search_alerts() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_due_saved_search_alerts() TO service_role;

-- ACL FUNCTION record_absent_submission(p_application_id uuid, p_submission_id uuid, p_decision jsonb)
REVOKE ALL ON FUNCTION public.record_absent_submission(p_application_id uuid, p_submission_id uuid, p_decision jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_absent_submission(p_application_id uuid, p_submission_id uuid, p_decision jsonb) TO service_role;

-- ACL FUNCTION record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint)
REVOKE ALL ON FUNCTION public.record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint) TO service_role;

-- ACL FUNCTION record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
REVOKE ALL ON FUNCTION public.record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_lost_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) TO service_role;

-- ACL FUNCTION record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb)
REVOKE ALL ON FUNCTION public.record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_overdue_skyvern_run(p_application_id uuid, p_run_id text, p_decision jsonb) TO service_role;

-- ACL FUNCTION record_push_receipts(p_receipts jsonb)
REVOKE ALL ON FUNCTION public.record_push_receipts(p_receipts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_push_receipts(p_receipts jsonb) TO service_role;

-- ACL FUNCTION record_push_tickets(p_read_at timestamp with time zone, p_tickets jsonb, p_jobs jsonb)
REVOKE ALL ON FUNCTION public.record_push_tickets(p_read_at timestamp with time zone, p_tickets jsonb, p_jobs jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_push_tickets(p_read_at timestamp with time zone, p_tickets jsonb, p_jobs jsonb) TO service_role;

-- ACL FUNCTION record_saved_search_alert(p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamp with time zone, p_postings jsonb, p_searched_at timestamp with time zone)
REVOKE ALL ON FUNCTION public.record_saved_search_alert(p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamp with time zone, p_postings jsonb, p_searched_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_saved_search_alert(p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamp with time zone, p_postings jsonb, p_searched_at timestamp with time zone) TO service_role;

-- ACL FUNCTION record_skyvern_run(p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text)
REVOKE ALL ON FUNCTION public.record_skyvern_run(p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_skyvern_run(p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text, p_source text) TO service_role;

-- ACL FUNCTION record_stopped_run(p_submission_id uuid, p_run_id text)
REVOKE ALL ON FUNCTION public.record_stopped_run(p_submission_id uuid, p_run_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_stopped_run(p_submission_id uuid, p_run_id text) TO service_role;

-- ACL FUNCTION record_submission_failure(p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb, p_queue_after integer, p_call_outcome text, p_retry_after integer)
REVOKE ALL ON FUNCTION public.record_submission_failure(p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb, p_queue_after integer, p_call_outcome text, p_retry_after integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_submission_failure(p_application_id uuid, p_submission_id uuid, p_outcome text, p_reason text, p_details jsonb, p_queue_after integer, p_call_outcome text, p_retry_after integer) TO service_role;

-- ACL FUNCTION register_push_token(p_token text, p_platform text, p_device_name text)
REVOKE ALL ON FUNCTION public.register_push_token(p_token text, p_platform text, p_device_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.register_push_token(p_token text, p_platform text, p_device_name text) TO authenticated;

-- ACL FUNCTION release_cron_lock(p_lock_name text, p_lock_number bigint)
REVOKE ALL ON FUNCTION public.release_cron_lock(p_lock_name text, p_lock_number bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.release_cron_lock(p_lock_name text, p_lock_number bigint) TO service_role;

-- ACL FUNCTION remind_of_profiles(p_limit integer)
REVOKE ALL ON FUNCTION public.remind_of_profiles(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remind_of_profiles(p_limit integer) TO service_role;

-- ACL FUNCTION restore_application(p_application_id uuid)
REVOKE ALL ON FUNCTION public.restore_application(p_application_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.restore_application(p_application_id uuid) TO authenticated;

-- ACL FUNCTION saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid)
REVOKE ALL ON FUNCTION public.saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid) TO service_role;

-- ACL FUNCTION search_jobs(p_query_key text, p_known_version uuid)
REVOKE ALL ON FUNCTION public.search_jobs(p_query_key text, p_known_version uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_jobs(p_query_key text, p_known_version uuid) TO authenticated;

-- ACL FUNCTION search_jobs_for_alert(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone)
REVOKE ALL ON FUNCTION public.search_jobs_for_alert(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_jobs_for_alert(p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamp with time zone) TO service_role;

-- ACL FUNCTION settle_background_jobs(p_jobs jsonb)
REVOKE ALL ON FUNCTION public.settle_background_jobs(p_jobs jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.settle_background_jobs(p_jobs jsonb) TO service_role;

-- ACL FUNCTION store_job_postings(p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer, p_errors integer)
REVOKE ALL ON FUNCTION public.store_job_postings(p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer, p_errors integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.store_job_postings(p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer, p_errors integer) TO service_role;

-- ACL FUNCTION store_job_search(p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid)
REVOKE ALL ON FUNCTION public.store_job_search(p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.store_job_search(p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid) TO service_role;

-- ACL FUNCTION take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer)
REVOKE ALL ON FUNCTION public.take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer) TO service_role;

-- ACL FUNCTION tell_announcement(p_announcement_id uuid, p_limit integer)
REVOKE ALL ON FUNCTION public.tell_announcement(p_announcement_id uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_announcement(p_announcement_id uuid, p_limit integer) TO service_role;

-- ACL TABLE application_deletions
GRANT SELECT ON TABLE public.application_deletions TO authenticated;
GRANT SELECT ON TABLE public.application_deletions TO service_role;

-- ACL TABLE application_events
GRANT SELECT ON TABLE public.application_events TO authenticated;
GRANT SELECT ON TABLE public.application_events TO service_role;

-- ACL TABLE background_jobs
GRANT SELECT ON TABLE public.background_jobs TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.background_jobs TO service_role;

-- ACL COLUMN background_jobs.user_id
GRANT INSERT(user_id) ON TABLE public.background_jobs TO authenticated;

-- ACL COLUMN background_jobs.status
GRANT UPDATE(status) ON TABLE public.background_jobs TO authenticated;

-- ACL COLUMN background_jobs.job_type
GRANT INSERT(job_type) ON TABLE public.background_jobs TO authenticated;

-- ACL COLUMN background_jobs.payload
GRANT INSERT(payload) ON TABLE public.background_jobs TO authenticated;

-- ACL COLUMN background_jobs.error
GRANT UPDATE(error) ON TABLE public.background_jobs TO authenticated;

-- ACL COLUMN background_jobs.run_at
GRANT INSERT(run_at) ON TABLE public.background_jobs TO authenticated;

-- ACL TABLE cron_locks
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cron_locks TO service_role;

-- ACL TABLE job_search_cache
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_search_cache TO service_role;

-- ACL TABLE jobs
GRANT SELECT,DELETE ON TABLE public.jobs TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.jobs TO service_role;

-- ACL COLUMN jobs.provider_id
GRANT INSERT(provider_id) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.title
GRANT INSERT(title),UPDATE(title) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.company
GRANT INSERT(company),UPDATE(company) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.company_logo_url
GRANT INSERT(company_logo_url),UPDATE(company_logo_url) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.description
GRANT INSERT(description),UPDATE(description) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.url
GRANT INSERT(url),UPDATE(url) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.location
GRANT INSERT(location),UPDATE(location) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.city
GRANT INSERT(city),UPDATE(city) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.state
GRANT INSERT(state),UPDATE(state) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.country
GRANT INSERT(country),UPDATE(country) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.is_remote
GRANT INSERT(is_remote),UPDATE(is_remote) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.work_arrangement
GRANT INSERT(work_arrangement),UPDATE(work_arrangement) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.employment_types
GRANT INSERT(employment_types),UPDATE(employment_types) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.salary_min
GRANT INSERT(salary_min),UPDATE(salary_min) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.salary_max
GRANT INSERT(salary_max),UPDATE(salary_max) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.salary_period
GRANT INSERT(salary_period),UPDATE(salary_period) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.salary_currency
GRANT INSERT(salary_currency),UPDATE(salary_currency) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.salary_text
GRANT INSERT(salary_text),UPDATE(salary_text) ON TABLE public.jobs TO authenticated;

-- ACL COLUMN jobs.is_active
GRANT INSERT(is_active),UPDATE(is_active) ON TABLE public.jobs TO authenticated;

-- ACL TABLE notifications
GRANT SELECT,DELETE ON TABLE public.notifications TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notifications TO service_role;

-- ACL COLUMN notifications.is_read
GRANT UPDATE(is_read) ON TABLE public.notifications TO authenticated;

-- ACL COLUMN notifications.read_at
GRANT UPDATE(read_at) ON TABLE public.notifications TO authenticated;

-- ACL TABLE push_tickets
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.push_tickets TO service_role;

-- ACL TABLE saved_jobs
GRANT SELECT,DELETE ON TABLE public.saved_jobs TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.saved_jobs TO service_role;

-- ACL COLUMN saved_jobs.user_id
GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.adzuna_job_id
GRANT INSERT(adzuna_job_id),UPDATE(adzuna_job_id) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.job_title
GRANT INSERT(job_title),UPDATE(job_title) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.company_name
GRANT INSERT(company_name),UPDATE(company_name) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.job_url
GRANT INSERT(job_url),UPDATE(job_url) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.location
GRANT INSERT(location),UPDATE(location) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.salary_summary
GRANT INSERT(salary_summary),UPDATE(salary_summary) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.snippet
GRANT INSERT(snippet),UPDATE(snippet) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.job_details_snapshot
GRANT INSERT(job_details_snapshot),UPDATE(job_details_snapshot) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.schema_version
GRANT INSERT(schema_version),UPDATE(schema_version) ON TABLE public.saved_jobs TO authenticated;

-- ACL COLUMN saved_jobs.notes
GRANT INSERT(notes),UPDATE(notes) ON TABLE public.saved_jobs TO authenticated;

-- ACL TABLE user_preferences
GRANT SELECT,DELETE ON TABLE public.user_preferences TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_preferences TO service_role;

-- ACL COLUMN user_preferences.user_id
GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.preferred_job_titles
GRANT INSERT(preferred_job_titles),UPDATE(preferred_job_titles) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.target_locations
GRANT INSERT(target_locations),UPDATE(target_locations) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.schema_version
GRANT INSERT(schema_version),UPDATE(schema_version) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.salary_min
GRANT INSERT(salary_min),UPDATE(salary_min) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.salary_max
GRANT INSERT(salary_max),UPDATE(salary_max) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.salary_currency
GRANT INSERT(salary_currency),UPDATE(salary_currency) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.employment_types
GRANT INSERT(employment_types),UPDATE(employment_types) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.industries
GRANT INSERT(industries),UPDATE(industries) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.key_skills
GRANT INSERT(key_skills),UPDATE(key_skills) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.work_arrangement
GRANT INSERT(work_arrangement),UPDATE(work_arrangement) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.excluded_companies
GRANT INSERT(excluded_companies),UPDATE(excluded_companies) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.receive_job_alerts
GRANT INSERT(receive_job_alerts),UPDATE(receive_job_alerts) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.alert_frequency
GRANT INSERT(alert_frequency),UPDATE(alert_frequency) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.quiet_hours_start
GRANT INSERT(quiet_hours_start),UPDATE(quiet_hours_start) ON TABLE public.user_preferences TO authenticated;

-- ACL COLUMN user_preferences.quiet_hours_end
GRANT INSERT(quiet_hours_end),UPDATE(quiet_hours_end) ON TABLE public.user_preferences TO authenticated;

-- ACL TABLE user_push_tokens
GRANT SELECT,DELETE ON TABLE public.user_push_tokens TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_push_tokens TO service_role;

-- ACL TABLE webhook_events
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_events TO service_role;
