-- Rows in every table, as use leaves them: each column with a value in one row and, where it may be, null in another.
-- Run as superuser.
--
-- Person 1 has something of everything, with every column filled. Persons 2 and 3 have what cannot be left out.
-- Foreign keys and checks hold, as they do in use; what the triggers would do beside it is written out instead.
do $$
declare
    name text;
begin
    for name in
        select oid::regclass from pg_class where relkind = 'r'
          and relnamespace in ('auth'::regnamespace, 'public'::regnamespace, 'private'::regnamespace,
                               'storage'::regnamespace)
    loop
        execute format('alter table %s disable trigger user', name);
    end loop;
end
$$;

create function pg_temp.id(kind integer, number integer) returns uuid language sql immutable as $$
    select (lpad(to_hex(kind), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;

-- Two of Clerk's people, whose accounts are closed, and one of Supabase Auth's own.
insert into auth.users (
    id, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, banned_until, confirmation_token,
    recovery_token, reauthentication_token, email_change, email_change_token_new) values
    (pg_temp.id(1, 1), null, null, '{"clerk_id": "user_1"}', '{"phone_number": "+15550100001"}', '9999-01-01Z', '', '',
     '', '', ''),
    (pg_temp.id(1, 2), null, null, '{"clerk_id": "user_2"}', null, '9999-01-01Z', '', '', '', '', ''),
    (pg_temp.id(1, 3), 'grace@jobs.example', now(), null, null, null, null, null, null, null, null);
insert into public.users (
    id, clerk_user_id, full_name, email, phone_number, linkedin_profile_url, portfolio_url, current_resume_url,
    current_resume_filename, tier, role, timezone, resume_text, resume_embedding) values
    (pg_temp.id(1, 1), 'user_1', 'Ada', 'ada@jobs.example', '+1 555 0100001', 'https://linkedin.example/in/ada',
     'https://ada.example', pg_temp.id(1, 1) || '/cv.pdf', 'cv.pdf', 'pro', 'provider', 'Europe/Berlin', 'Engineer',
     array_fill(0.5, array[384])::extensions.vector(384));
insert into public.users (id, clerk_user_id) values (pg_temp.id(1, 2), 'user_2');
insert into public.users (id, clerk_user_id, email) values
    (pg_temp.id(1, 3), pg_temp.id(1, 3)::text, 'grace@jobs.example');
insert into private.authorized_parties (party) values ('https://jobs.example');
insert into private.clerk_accounts (clerk_user_id, updated_at, deleted_at) values
    ('user_1', 1, null), ('user_2', 2, null), ('user_3', 3, now());
insert into private.profile_reminders (user_id, next_at) values
    (pg_temp.id(1, 1), now()), (pg_temp.id(1, 2), now() + interval '7 days'),
    (pg_temp.id(1, 3), now() + interval '7 days');
insert into public.user_preferences (
    user_id, preferred_job_titles, target_locations, salary_min, salary_max, salary_currency, employment_types,
    industries, key_skills, work_arrangement, excluded_companies, receive_job_alerts, alert_frequency,
    quiet_hours_start, quiet_hours_end) values
    (pg_temp.id(1, 1), '{Engineer}', '["Berlin"]', 50000, 90000, 'EUR', '{full-time}', '{Software}', '{Rust}', '{remote}',
     '{Acme}', true, 'instant', 22, 7),
    (pg_temp.id(1, 2), null, null, null, null, null, null, null, null, null, null, null, null, 21, 8);

-- One application of each status. The first has everything, the last is as a person drafts it.
insert into public.applications (
    id, user_id, job_title, company_name, job_url, adzuna_job_id, skyvern_task_id, status, status_details, applied_at,
    notes, resume_url_used, resume_url_recorded, cover_letter_url_used, application_source, skyvern_run_status,
    skyvern_run_attempt, skyvern_run_retry_pending, skyvern_heard_at, submission_id, submission_title,
    submission_started_at, submission_lease_expires_at, submission_outcome, submission_resume_path,
    submission_previous_status, submission_idempotency_key, submission_apply_again, submission_job_id, deleted_at,
    deleted_by, deletion_reason)
select pg_temp.id(2, number), pg_temp.id(1, 1), 'Engineer', 'Company', 'https://jobs.example/' || number, 'a' || number,
       'tsk_' || number, status, '{"run_id": "tsk_0"}', now(), 'Notes', pg_temp.id(1, 1) || '/cv.pdf',
       pg_temp.id(1, 1) || '/cv.pdf', pg_temp.id(1, 1) || '/letter.pdf', 'MANUAL', 'running', 1, true, now(),
       pg_temp.id(17, number), 'Engineer', now(), now() + interval '1 minute', 'started',
       pg_temp.id(1, 1) || '/cv.pdf', 'DRAFT', 'key ' || number, true, pg_temp.id(10, 1),
       case when number = 1 then now() end, case when number = 1 then pg_temp.id(1, 1) end,
       case when number = 1 then 'Doubled' end
from unnest(enum_range(null::public.application_status_type)) with ordinality as of (status, place)
cross join lateral (select place::integer) as numbered (number);
insert into public.applications (id, user_id, job_title, company_name, job_url, application_source) values
    (pg_temp.id(2, 100), pg_temp.id(1, 2), 'Engineer', 'Company', 'https://jobs.example/1', null);
insert into public.application_deletions (application_id, user_id)
select id, user_id from public.applications where deleted_at is not null;
insert into public.application_events (application_id, user_id, from_status, to_status, source, reason) values
    (pg_temp.id(2, 1), pg_temp.id(1, 1), null, 'DRAFT', 'person', null),
    (pg_temp.id(2, 2), pg_temp.id(1, 1), 'DRAFT', 'PENDING_SKYVERN_SUBMISSION', 'submission', 'claimed');
insert into private.application_runs (
    submission_id, application_id, user_id, run_id, claimed_at, started_at, ended_at, outcome) values
    (pg_temp.id(17, 1), pg_temp.id(2, 1), pg_temp.id(1, 1), 'tsk_1', now(), now(), now(), 'sent'),
    (pg_temp.id(17, 99), null, pg_temp.id(1, 1), null, now(), null, null, null);

insert into public.saved_jobs (
    user_id, adzuna_job_id, job_title, company_name, job_url, location, salary_summary, snippet, job_details_snapshot,
    notes) values
    (pg_temp.id(1, 1), 'a1', 'Engineer', 'Company', 'https://jobs.example/1', 'Berlin', '50k', 'Text', '{}', 'Notes'),
    (pg_temp.id(1, 2), null, 'Engineer', 'Company', 'https://jobs.example/1', null, null, null, null, null);
insert into public.saved_searches (id, user_id, search_name, search_query, notify_new_jobs, last_run_at) values
    (pg_temp.id(7, 1), pg_temp.id(1, 1), 'Search', '{"keywords": "engineer"}', true, now()),
    (pg_temp.id(7, 2), pg_temp.id(1, 2), 'Search', '{"keywords": "engineer"}', null, null);
insert into private.saved_search_alerts (saved_search_id, user_id, since, next_at, job_id) values
    (pg_temp.id(7, 1), pg_temp.id(1, 1), now(), now(), pg_temp.id(10, 1)),
    (pg_temp.id(7, 2), pg_temp.id(1, 2), now(), null, null);
insert into private.saved_search_alert_turns (user_id, due_at) values
    (pg_temp.id(1, 1), now()), (pg_temp.id(1, 2), null);
insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at) values (pg_temp.id(7, 1), 'a1', now());

insert into public.notifications (
    user_id, type, title, message, related_entity_id, related_entity_type, is_read, read_at)
select pg_temp.id(1, 1), type, 'Title', 'Message', pg_temp.id(2, 1), 'application', true, now()
from unnest(enum_range(null::public.notification_type)) as of (type);
insert into public.notifications (user_id, type, title, message) values
    (pg_temp.id(1, 2), 'GENERAL_ANNOUNCEMENT', 'Title', 'Message');
insert into private.announcements (id, title, message) values (pg_temp.id(18, 1), 'Title', 'Message');
insert into private.announcement_tiers (announcement_id, tier, told_up_to, told, finished_at) values
    (pg_temp.id(18, 1), 'free', null, 0, null), (pg_temp.id(18, 1), 'pro', pg_temp.id(1, 1), 1, now());

insert into public.resumes (user_id, file_url, file_name, version_name, is_primary) values
    (pg_temp.id(1, 1), pg_temp.id(1, 1) || '/cv.pdf', 'cv.pdf', 'First', true),
    (pg_temp.id(1, 1), pg_temp.id(1, 1) || '/cv.pdf', 'cv.pdf', null, false),
    (pg_temp.id(1, 1), pg_temp.id(1, 1) || '/other.pdf', 'other.pdf', null, false);
insert into storage.objects (bucket_id, name, owner_id, metadata) values
    ('resumes', pg_temp.id(1, 1) || '/cv.pdf', pg_temp.id(1, 1)::text, '{"size": 1}'),
    ('cover_letters', pg_temp.id(1, 1) || '/letter.pdf', null, null);

insert into public.user_push_tokens (id, user_id, token, platform, device_name, revoked_at) values
    (pg_temp.id(9, 1), pg_temp.id(1, 1), 'ExponentPushToken[1]', 'ios', 'Phone', now()),
    (pg_temp.id(9, 2), pg_temp.id(1, 2), 'ExponentPushToken[2]', null, null, null);
insert into public.background_jobs (
    id, user_id, status, job_type, payload, result, progress, error, locked_by, lease_expires_at, dedupe_key)
select pg_temp.id(10, number), pg_temp.id(1, 1), status, 'no_operation', '{}', '{}', '{}', 'error', 'runner', now(),
       'key ' || number
from unnest(enum_range(null::public.job_status)) with ordinality as of (status, place)
cross join lateral (select place::integer) as numbered (number);
insert into public.background_jobs (user_id, job_type, payload) values (null, 'no_operation', '{}');
insert into public.push_tickets (
    push_token_id, job_id, ticket_id, refusal_key, status, error, message, receipt_due_at, receipt_at) values
    (pg_temp.id(9, 1), pg_temp.id(10, 1), 'ticket', 'refusal', 'sent', 'error', 'message', now(), now()),
    (pg_temp.id(9, 2), null, null, null, 'failed', null, null, null, null);
insert into public.webhook_events (
    source, event_key, run_id, run_status, attempt, retry_pending, application_id, named_application_id, submission_id,
    clerk_user_id, decision, body, outcome, request_id, applied_at) values
    ('skyvern', 'tsk_1:completed:1:f', 'tsk_1', 'completed', 1, false, pg_temp.id(2, 1), pg_temp.id(2, 1),
     pg_temp.id(17, 1), 'user_1', '{}', '{}', 'applied', pg_temp.id(19, 1), now()),
    ('clerk', 'msg_1', null, null, null, null, null, null, null, null, null, '', 'stale', null, null);

insert into private.circuit_breakers (vendor, failures, open_until, reason, openings, trial_until, held) values
    ('skyvern', 3, now(), 'failed', 1, now(), 'open'), ('adzuna', 0, null, null, 0, null, null);
-- What operators set otherwise than the migrations.
update private.application_limits set per_day = per_day + 1;
update private.application_run_limits set deadline = deadline + interval '1 hour';
update private.job_search_limits set calls = calls + 1;
update private.retention_periods set keep_for = keep_for + interval '1 day';
update private.row_limits set per_person = per_person + 1;
-- A period without shares, beside those that are there.
insert into private.job_search_limits (period, calls) values ('1 year', 1000000);
insert into private.job_search_calls (id, called_at, user_id) values
    (pg_temp.id(14, 1), now(), pg_temp.id(1, 1)), (pg_temp.id(14, 2), now(), null);
insert into private.job_search_leases (query_key, id, expires_at, failure) values
    ('key 1', pg_temp.id(14, 1), now(), 'adzuna_timed_out'), ('key 2', pg_temp.id(14, 2), now(), null);
insert into public.job_search_cache (query_key, query, results, expires_at, job_ids) values
    ('key 1', '{}', '[]', now() + interval '1 hour', '{a1}');

insert into public.jobs (
    id, source, external_id, provider_id, title, company, company_logo_url, description, description_hash, url,
    publisher, location, city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max,
    salary_period, salary_currency, salary_text, lane, skills_required, resume_guide_generated,
    prep_guide_generated, embedding, last_seen, seen_by)
select pg_temp.id(5, number), source, external_id, provider_id, 'Engineer', 'Company', 'https://jobs.example/logo.png',
       'Text', 'hash', 'https://jobs.example/' || number, 'Publisher', 'Berlin', 'Berlin', 'Berlin', 'DE', true, 'remote',
       '{FULLTIME}', 1, 2, 'YEAR', 'EUR', '1 to 2', 'lane', '["Rust"]', '{}', '{}',
       array_fill(0.5, array[384])::extensions.vector(384), now(), '{jsearch}'
from (values (1, 'jsearch', 'x1', null::uuid), (2, 'provider', null, pg_temp.id(1, 1)))
    as of (number, source, external_id, provider_id);
insert into public.jobs (source, external_id, provider_id, title, description, posted_at) values
    ('jsearch', 'x3', null, 'Engineer', 'Text', null);
insert into private.job_clicks (job_id, user_id, counted_on) values (pg_temp.id(5, 1), pg_temp.id(1, 1), current_date);
insert into public.cron_locks (lock_name, locked_by, lock_number, expires_at) values ('job-sync', 'runner', 1, now());
insert into public.scraping_logs (source_name, status, lock_number, error, completed_at) values
    ('jsearch', 'running', 1, null, null), ('jsearch', 'failed', 2, 'error', now());

do $$
declare
    name text;
begin
    for name in
        select oid::regclass from pg_class where relkind = 'r'
          and relnamespace in ('auth'::regnamespace, 'public'::regnamespace, 'private'::regnamespace,
                               'storage'::regnamespace)
    loop
        execute format('alter table %s enable trigger user', name);
    end loop;
end
$$;
