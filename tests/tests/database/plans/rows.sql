-- Fills a database as it is after years: 200,000 people and a million applications. Run as superuser.
--
-- Everything has an age at which it is kept, so that a purge finds nothing. Person 1 has as much as a person may have.
-- Ids are made of a kind and a number, `scale.id(2, 7)`, so that tests can name rows.

-- Triggers and foreign keys are not what is tested, and would take minutes.
set session_replication_role = replica;
set maintenance_work_mem = '256MB';

create schema scale;
create function scale.id(kind integer, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(kind), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;
-- The first 4,990 rows of a kind, or almost as many as one person may have, are person 1's; the others are spread over
-- all.
create function scale.person(number bigint, of_one bigint default 4990) returns uuid language sql immutable as $$
    select scale.id(1, case when number <= of_one then 1 else 1 + number % 200000 end)
$$;

-- Runs a statement with the rights and the policies of the caller, so that one plan counts all that it causes.
create function scale.run(statement text) returns void language plpgsql as $$
begin
    execute statement;
end
$$;
grant usage on schema scale to public;

-- Without a log and without indexes rows are stored in a fraction of the time. What is published needs the log.
drop publication supabase_realtime;
create table scale.indexes as
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index join pg_class on pg_class.oid = indrelid
where relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  and not exists (select from pg_constraint where conindid = indexrelid);
do $$
declare
    index_name text;
    table_name text;
begin
    for index_name in select name from scale.indexes loop
        execute 'drop index ' || index_name;
    end loop;
    -- A table cannot be unlogged before those that refer to it.
    loop
        select oid::regclass into table_name from pg_class
        where relkind = 'r' and relpersistence = 'p'
          and relnamespace in ('public'::regnamespace, 'private'::regnamespace)
          and not exists (
              select from pg_constraint
              join pg_class as referring on referring.oid = conrelid
              where confrelid = pg_class.oid and conrelid <> confrelid and referring.relpersistence = 'p')
        limit 1;
        exit when table_name is null;
        execute format('alter table %s set unlogged', table_name);
    end loop;
end
$$;

-- A million times it would take half a minute to work out under which key a posting is known.
create table scale.functions as
select pg_get_functiondef(oid) as definition from pg_proc where oid = 'private.posting_key(text)'::regprocedure;
create or replace function private.posting_key(p_job_url text) returns text language sql immutable
    set search_path = '' as 'select p_job_url';

insert into auth.users (id, email, phone, raw_app_meta_data)
select scale.id(1, n), format('person%s@jobs.example', n), '1' || 1000000000 + n,
       jsonb_build_object('clerk_id', 'user_' || n)
from generate_series(1, 200000) as n;
insert into public.users (id, clerk_user_id, email, full_name, current_resume_url, tier)
select scale.id(1, n), 'user_' || n, format('person%s@jobs.example', n), 'Person ' || n,
       scale.id(1, n) || '/cv.pdf', case when n = 1 or n % 1000 = 3 then 'enterprise' else 'free' end::public.user_tier
from generate_series(1, 200000) as n;
-- The next week's, of which 300 are due.
insert into private.profile_reminders (user_id, next_at)
select scale.id(1, n), now() + (n - 300) * interval '3 seconds' from generate_series(1, 200000) as n;
insert into private.clerk_accounts (clerk_user_id, updated_at)
select 'user_' || n, n from generate_series(1, 200000) as n;
insert into public.user_preferences (user_id, preferred_job_titles)
select scale.id(1, n), array['Engineer'] from generate_series(1, 200000) as n;

-- Every fourth is a draft, every 500th has a run in progress, of which a fifth have been silent for a quarter of an hour.
insert into public.applications (
    id, user_id, job_title, company_name, job_url, adzuna_job_id, status, created_at, skyvern_task_id,
    skyvern_run_status, skyvern_run_attempt, skyvern_heard_at, deleted_at)
select scale.id(2, n), scale.person(n), 'Engineer', 'Company ' || n % 10000, 'https://jobs.example/' || n,
       'a' || n % 300000, status::public.application_status_type, now() - n * interval '1 minute',
       case when status <> 'DRAFT' then 'tsk_' || n end,
       case status when 'DRAFT' then null when 'PROCESSING_BY_SKYVERN' then 'running' else 'completed' end, 1,
       now() - n / 500 % 5 * interval '4 minutes',
       case when n % 20 = 7 then now() - interval '100 days' end
from generate_series(1, 1000000) as n
cross join lateral (select case when n % 500 = 1 then 'PROCESSING_BY_SKYVERN' when n % 4 = 0 then 'DRAFT'
                                when n % 4 = 1 then 'FAILED_APPLICATION' else 'SUBMITTED_BY_SKYVERN' end) as of (status);
insert into public.application_deletions (application_id, user_id, deleted_at)
select id, user_id, deleted_at from public.applications where deleted_at is not null;
-- Of the runs in progress, a fifth are over their deadline.
insert into private.application_runs (submission_id, application_id, user_id, run_id, claimed_at, started_at, ended_at)
select scale.id(17, n), scale.id(2, n), scale.person(n), 'tsk_' || n, moment, moment,
       case when n % 500 <> 1 then moment + interval '5 minutes' end
from generate_series(1, 1000000) as n
cross join lateral (select case when n % 500 = 1 then now() - n / 500 % 5 * interval '40 minutes'
                                else now() - n * interval '1 minute' end
                           -- So that person 1 has used up no limit.
                           - case when n <= 4990 then interval '2 days' else '0' end) as of (moment)
where n % 4 > 0;
insert into public.application_events (id, application_id, user_id, to_status, source, created_at)
select scale.id(3, n), scale.id(2, n), scale.person(n), 'DRAFT', 'person', now() - n * interval '1 minute'
from generate_series(1, 1000000) as n;
insert into public.notifications (id, user_id, type, title, message, is_read, created_at)
select scale.id(4, n), scale.person(n), 'APPLICATION_STATUS_UPDATE', 'Applied', 'Your application was sent.', n % 3 > 0,
       now() - n * interval '10 seconds'
from generate_series(1, 1000000) as n;

-- Two thirds are over. A twentieth have embeddings: enough of them to be looked for by their index.
insert into public.jobs (
    id, source, external_id, provider_id, title, company, description, description_hash, url, posted_at, is_active,
    last_seen, updated_at, embedding)
select scale.id(5, n), case when n % 100 = 0 then 'provider' else 'jsearch' end,
       case when n % 100 > 0 then 'x' || n end, case when n % 100 = 0 then scale.person(n, 100) end, 'Engineer',
       'Company ' || n % 10000, 'text ' || n, encode(sha256(convert_to('text ' || n, 'UTF8')), 'hex'),
       'https://jobs.example/' || n, date_trunc('second', now()) - n * interval '1 minute', n % 3 = 0,
       now() - interval '1 hour',
       now() - interval '100 days',
       case when n % 20 = 9 then (
           select array_agg(sin(n * place))::extensions.vector(384) from generate_series(1, 384) as place) end
from generate_series(1, 200000) as n;
insert into private.job_clicks (job_id, user_id, counted_on)
select scale.id(5, 1 + n % 200000), scale.id(1, 1 + (n::bigint * 7919) % 199999), current_date
from generate_series(1, 400000) as n;
insert into public.saved_jobs (id, user_id, adzuna_job_id, job_title, company_name, job_url, saved_at)
select scale.id(6, n), scale.person(n), 'a' || n % 300000, 'Engineer', 'Company', 'https://jobs.example/' || n,
       now() - n * interval '1 minute'
from generate_series(1, 400000) as n;

-- A thousand are due, and the people of a quarter want no alerts.
insert into public.saved_searches (id, user_id, search_name, search_query, last_run_at)
select scale.id(7, n), scale.person(n, 48), 'Search', jsonb_build_object('keywords', 'engineer ' || n % 20000),
       now() - interval '1 hour'
from generate_series(1, 200000) as n;
insert into private.saved_search_alerts (saved_search_id, user_id, since, next_at)
select scale.id(7, n), scale.person(n, 48), now() - interval '30 days', case when n % 4 > 0 then now() + (n - 1000) * interval '1 second' end
from generate_series(1, 200000) as n;
insert into private.saved_search_alert_turns (user_id, due_at)
select user_id, min(next_at) from private.saved_search_alerts group by user_id;
insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at)
select scale.id(7, 1 + n / 5), 'a' || n, now() - interval '1 hour' from generate_series(0, 999999) as n;

insert into public.resumes (id, user_id, file_url, file_name, is_primary)
select scale.id(8, n), scale.id(1, n), scale.id(1, n) || '/cv.pdf', 'cv.pdf', true from generate_series(1, 200000) as n;
insert into public.user_push_tokens (id, user_id, token)
select scale.id(9, n), scale.id(1, n), format('ExponentPushToken[%s]', lpad(n::text, 22, '0'))
from generate_series(1, 200000) as n;

-- A thousand wait, a hundred are being worked on. Of the others, those older than a week have failed.
insert into public.background_jobs (
    id, user_id, status, job_type, payload, dedupe_key, run_at, created_at, updated_at, lease_expires_at, lease_number)
select scale.id(10, n), case when n % 2 = 0 then scale.id(1, 1 + n % 200000) end, status::public.job_status,
       (array['push_notification', 'reconcile_application', 'saved_search_alert', 'push_receipts', 'no_operation'])
           [1 + n % 5],
       '{}', 'key ' || n, moment, moment, moment, case status when 'processing' then now() + interval '1 minute' end, 1
from generate_series(1, 500000) as n
cross join lateral (select case when n <= 1000 then 'pending' when n <= 1100 then 'processing'
                                when n > 400000 then 'failed' else 'completed' end,
                           now() - n * interval '1 second' - case when n > 400000 then interval '20 days' else '0' end)
    as of (status, moment);
insert into public.push_tickets (id, push_token_id, job_id, ticket_id, status, sent_at, receipt_due_at)
select scale.id(11, n), scale.id(9, 1 + n % 200000), scale.id(10, n), 'ticket ' || n,
       case when n <= 1000 then 'sent' else 'delivered' end, now() - n * interval '5 seconds',
       case when n <= 1000 then now() - interval '1 minute' end
from generate_series(1, 500000) as n;
-- Bodies are there for a month, the events for three.
insert into public.webhook_events (
    id, source, event_key, run_id, run_status, attempt, retry_pending, application_id, named_application_id, body,
    outcome, received_at)
select scale.id(12, n), 'skyvern', 'tsk_' || n || ':completed:1:f', 'tsk_' || n, 'completed', 1, false, scale.id(2, n),
       scale.id(2, n), case when n <= 150000 then '{}' else '' end, 'applied', now() - n * interval '15 seconds'
from generate_series(1, 500000) as n;

insert into public.job_search_cache (id, query_key, query, results, fetched_at, expires_at, job_ids)
select scale.id(13, n), encode(sha256(convert_to(n::text, 'UTF8')), 'hex'), '{}', '[]', moment,
       moment + interval '1 hour', array(select 'a' || (n * 50 + place) % 300000 from generate_series(1, 50) as place)
from generate_series(1, 20000) as n
cross join lateral (select now() - n % 10000 * interval '1 minute') as of (moment);
-- What Adzuna allows in a month.
insert into private.job_search_calls (id, called_at, user_id)
select scale.id(14, n), now() - n * interval '20 minutes', scale.id(1, n) from generate_series(1, 2000) as n;
insert into public.scraping_logs (id, source_name, status, lock_number, started_at, completed_at)
select scale.id(15, n), 'jsearch', 'completed', n, now() - n * interval '1 day', now() - n * interval '1 day'
from generate_series(1, 170) as n;
select setval('private.cron_lock_numbers', 1000);
insert into storage.objects (id, bucket_id, name)
select scale.id(16, n), 'resumes', scale.id(1, n) || '/cv.pdf' from generate_series(1, 200000) as n;

do $$
declare
    index_definition text;
begin
    execute (select definition from scale.functions);
    for index_definition in select definition from scale.indexes loop
        execute index_definition;
    end loop;
end
$$;
