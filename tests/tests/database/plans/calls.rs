//! One call of every SQL function, and one statement for every policy, as the app and the backend make them. Rows are
//! those of `rows.sql`, where `scale.id(2, 7)` is the seventh application. Person 1 asks, who has as much as a person
//! may have.

/// Who calls.
#[derive(Clone, Copy)]
pub(crate) enum Caller {
    /// Through PostgREST or Storage.
    Person,
    Service,
    /// Supabase Auth, which owns the accounts.
    Auth,
}

impl Caller {
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Person => "authenticated",
            Self::Service => "service_role",
            Self::Auth => "supabase_auth_admin",
        }
    }

    pub(crate) fn claims(self) -> &'static str {
        match self {
            Self::Person => r#"{"sub": "user_1", "role": "authenticated"}"#,
            Self::Service => r#"{"role": "service_role"}"#,
            Self::Auth => "",
        }
    }
}

pub(crate) struct Call {
    /// The function, or the policy.
    pub(crate) of: &'static str,
    pub(crate) caller: Caller,
    pub(crate) sql: &'static str,
    /// What the superuser does before, so that the call has something to do.
    pub(crate) before: &'static str,
    /// How many pages of tables and indexes it reads at most.
    pub(crate) pages: u64,
    /// Tables of which it updates rows without touching an index.
    pub(crate) in_page: &'static [&'static str],
}

impl Call {
    const fn new(of: &'static str, caller: Caller, sql: &'static str) -> Self {
        Self { of, caller, sql, before: "", pages: 300, in_page: &[] }
    }

    const fn after(self, before: &'static str) -> Self {
        Self { before, ..self }
    }

    /// For what does many things at once.
    const fn reads(self, pages: u64) -> Self {
        Self { pages, ..self }
    }

    const fn updates_in_page(self, in_page: &'static [&'static str]) -> Self {
        Self { in_page, ..self }
    }
}

const fn person(of: &'static str, sql: &'static str) -> Call {
    Call::new(of, Caller::Person, sql)
}

const fn service(of: &'static str, sql: &'static str) -> Call {
    Call::new(of, Caller::Service, sql)
}

/// Application 4 has an open submission.
const SUBMITTED: &str = "
    update public.applications
    set status = 'PENDING_SKYVERN_SUBMISSION', submission_id = scale.id(20, 1), submission_outcome = 'started',
        submission_title = 'jobraker-1', submission_started_at = now(), submission_lease_expires_at = now()
    where id = scale.id(2, 4)";
/// Nobody has heard of the run of application 1 for two days.
const SILENT: &str =
    "update public.applications set skyvern_heard_at = now() - interval '2 days' where id = scale.id(2, 1)";
/// Job 2 is leased.
const LEASED: &str = "
    update public.background_jobs
    set status = 'processing', lease_number = 7, lease_expires_at = now() + interval '1 minute', user_id = null
    where id = scale.id(10, 2)";
const LEASED_PUSH: &str = "
    update public.background_jobs
    set status = 'processing', lease_number = 7, lease_expires_at = now() + interval '1 minute',
        job_type = 'push_notification', user_id = scale.id(1, 1)
    where id = scale.id(10, 2)";
const LEASED_ALERT: &str = "
    update public.background_jobs
    set status = 'processing', lease_number = 7, lease_expires_at = now() + interval '1 minute', user_id = null
    where id = scale.id(10, 2);
    select set_config('scale.since', since::text, true) from private.saved_search_alerts
    where saved_search_id = scale.id(7, 9)";
const QUEUED: &str = "
    update public.background_jobs
    set status = 'pending', job_type = 'saved_search_alert', user_id = scale.id(1, 1)
    where id = scale.id(10, 2)";
/// Application 4 waits in the queue, as job 2.
const QUEUED_SUBMISSION: &str = "
    update public.applications
    set status = 'PENDING_SKYVERN_SUBMISSION', submission_job_id = scale.id(10, 2)
    where id = scale.id(2, 4);
    update public.background_jobs
    set status = 'processing', lease_number = 7, lease_expires_at = now() + interval '1 minute',
        job_type = 'submit_application', user_id = scale.id(1, 1)
    where id = scale.id(10, 2)";
const OVERDUE: &str = "
    update private.application_runs set started_at = now() - interval '1 day' where run_id = 'tsk_1501'";
const NO_REMINDERS: &str =
    "update private.profile_reminders set next_at = next_at + interval '1 hour' where next_at <= now()";
const ANNOUNCED: &str = "
    insert into private.announcements (id, title, message) values (scale.id(18, 1), 'New', 'Saved searches');
    insert into private.announcement_tiers (announcement_id, tier) values (scale.id(18, 1), 'enterprise')";
const SYNCING: &str = "select public.begin_job_sync('jsearch', 'me')";
/// The same, and all but a few postings have been seen.
const SYNCED: &str = "
    select public.begin_job_sync('jsearch', 'me');
    update public.scraping_logs set jobs_fetched = 10, started_at = now() - interval '2 hours' where status = 'running'";
const PROVIDER: &str = "
    update public.users set role = 'provider' where id = scale.id(1, 1)";

pub(crate) const CALLS: &[Call] = &[
    // Functions, by name.
    service("application_to_reconcile", "select public.application_to_reconcile(scale.id(2, 1), null)"),
    service(
        "apply_clerk_event",
        r#"select public.apply_clerk_event('evt', 'user.created', 'user_new', 5,
               '{"email": "new@jobs.example", "phone_number": "+4912345678", "full_name": "New"}', '{}', null)"#,
    ),
    service(
        "apply_clerk_event",
        r#"select public.apply_clerk_event('evt', 'user.updated', 'user_77', 500000,
               '{"email": "person78@jobs.example", "phone_number": "+11000000079", "full_name": "New"}', '{}', null)"#,
    )
    .reads(500)
    .updates_in_page(&["private.clerk_accounts"]),
    service(
        "apply_clerk_event",
        "select public.apply_clerk_event('evt', 'user.deleted', 'user_77', null, null, '{}', null)",
    )
    .reads(1000),
    service(
        "apply_skyvern_event",
        r#"select public.apply_skyvern_event('tsk_1', 'completed', 1, false, scale.id(2, 1), null,
               '{"status": "FAILED_APPLICATION", "status_details": {"reason": "x"},
                 "notification": {"title": "t", "message": "m"}}', '{}', null)"#,
    ),
    service(
        "apply_skyvern_event",
        r#"select public.apply_skyvern_event('tsk_unknown', 'completed', 1, false, scale.id(2, 5), null,
               '{"status": "FAILED_APPLICATION"}', '{}', null)"#,
    ),
    service("announce", "select public.announce('New', 'Saved searches', array['enterprise'::public.user_tier])"),
    service("begin_job_sync", "select public.begin_job_sync('jsearch', 'me')"),
    person("cancel_background_jobs", "select public.cancel_background_jobs(array[scale.id(10, 2)])").after(QUEUED),
    person("claim_application", "select public.claim_application(scale.id(2, 4), 'key')"),
    service(
        "claim_background_jobs",
        "select public.claim_background_jobs('me', array['push_notification', 'reconcile_application',
             'saved_search_alert', 'push_receipts', 'purge', 'no_operation'], 100)",
    )
    .reads(10_000),
    service("claim_queued_application", "select public.claim_queued_application(scale.id(2, 4), scale.id(10, 2))")
        .after(QUEUED_SUBMISSION),
    service(
        "claim_push_messages",
        "select public.claim_push_messages(jsonb_build_array(
             jsonb_build_object('job_id', scale.id(10, 2), 'lease_number', 7),
             jsonb_build_object('user_id', scale.id(1, 1))))",
    )
    .after(LEASED_PUSH),
    // A thousand tickets, each in five indexes.
    service("claim_push_receipts", "select public.claim_push_receipts()").reads(40_000),
    service("close_dead_job_syncs", "select public.close_dead_job_syncs()"),
    person("count_job_click", "select public.count_job_click(scale.id(5, 3))"),
    person("current_user_id", "select public.current_user_id()"),
    person("delete_application", "select public.delete_application(scale.id(2, 1), 'a reason')"),
    person("restore_application", "select public.restore_application(scale.id(2, 7))"),
    person("erase_application", "select public.erase_application(scale.id(2, 7))"),
    service(
        "enqueue_background_jobs",
        r#"select public.enqueue_background_jobs(
               '[{"job_type": "no_operation", "payload": {}, "dedupe_key": "key 5"},
                 {"job_type": "no_operation", "payload": {}}]')"#,
    ),
    person("ensure_person", "select public.ensure_person()"),
    service(
        "extend_background_jobs",
        "select public.extend_background_jobs(jsonb_build_array(
             jsonb_build_object('job_id', scale.id(10, 2), 'lease_number', 7)))",
    )
    .after(LEASED),
    service("extend_cron_lock", "select public.extend_cron_lock('job_sync', 1, 60)"),
    service(
        "fail_queued_application",
        r#"select public.fail_queued_application(scale.id(2, 4), scale.id(10, 2),
               '{"status": "FAILED_SKYVERN_SUBMISSION", "status_details": {"reason": "x"},
                 "notification": {"title": "t", "message": "m"}}')"#,
    )
    .after(QUEUED_SUBMISSION),
    // It looks at each active posting of its source, once a night.
    service(
        "finish_job_sync",
        "select public.finish_job_sync((select max(lock_number) from public.scraping_logs), true)",
    )
    .after(SYNCED)
    .reads(30_000),
    service(
        "lease_job_search",
        "select public.lease_job_search(encode(sha256('new'::bytea), 'hex'), null, scale.id(1, 1))",
    ),
    person("make_resume_primary", "select public.make_resume_primary(scale.id(8, 1))"),
    person(
        "match_jobs",
        "select * from public.match_jobs(
             (select array_agg(cos(place))::extensions.vector(384) from generate_series(1, 384) as place), 10)",
    )
    .reads(2000),
    service("note_ongoing_skyvern_run", "select public.note_ongoing_skyvern_run(scale.id(2, 1), 'tsk_1')"),
    service("note_vendor_call", "select public.note_vendor_call('adzuna', 'failed', null, false)"),
    // There is nothing to delete.
    service("purge_expired_rows", "select public.purge_expired_rows(2000, '{}')"),
    service("queue_daily_purge", "select public.queue_daily_purge()"),
    service("queue_due_profile_reminders", "select public.queue_due_profile_reminders()").after(NO_REMINDERS),
    service("queue_due_push_receipts", "select public.queue_due_push_receipts()"),
    // It queues 500.
    service("queue_due_reconciliations", "select public.queue_due_reconciliations()").reads(30_000),
    // It looks at 200 searches, and at Adzuna's allowance.
    service("queue_due_saved_search_alerts", "select public.queue_due_saved_search_alerts()").reads(10_000),
    service(
        "record_absent_submission",
        r#"select public.record_absent_submission(scale.id(2, 4), scale.id(20, 1),
               '{"status": "FAILED_SKYVERN_SUBMISSION", "status_details": {"reason": "x"},
                 "notification": {"title": "t", "message": "m"}}')"#,
    )
    .after(SUBMITTED),
    service(
        "record_job_search_failure",
        "select public.record_job_search_failure(repeat('a', 64), gen_random_uuid(), 'adzuna_failed', 'failed', null)",
    ),
    service(
        "record_lost_skyvern_run",
        r#"select public.record_lost_skyvern_run(scale.id(2, 1), 'tsk_1',
               '{"status": "REQUIRES_ATTENTION_MANUAL_REVIEW", "status_details": {"reason": "run_lost"},
                 "notification": {"title": "t", "message": "m"}}')"#,
    )
    .after(SILENT),
    service(
        "record_overdue_skyvern_run",
        r#"select public.record_overdue_skyvern_run(scale.id(2, 1501), 'tsk_1501',
               '{"status": "REQUIRES_ATTENTION_MANUAL_REVIEW", "status_details": {"reason": "run_overdue"},
                 "notification": {"title": "t", "message": "m"}}')"#,
    )
    .after(OVERDUE),
    // 300 receipts.
    service(
        "record_push_receipts",
        "select public.record_push_receipts((
             select jsonb_agg(jsonb_build_object('ticket_id', 'ticket ' || n, 'device_gone', n % 10 = 0))
             from generate_series(1, 300) as n))",
    )
    .reads(15_000),
    // 100 tickets.
    service(
        "record_push_tickets",
        "select public.record_push_tickets(now(), (
             select jsonb_agg(jsonb_build_object('device_id', scale.id(9, n), 'job_id', scale.id(10, 2),
                                                 'ticket_id', 'new ' || n))
             from generate_series(1, 100) as n),
             jsonb_build_array(jsonb_build_object('job_id', scale.id(10, 2), 'lease_number', 7,
                                                  'outcome', 'completed')))",
    )
    .after(LEASED_PUSH)
    .reads(10_000),
    // 50 postings, of which it has seen five before.
    service(
        "record_saved_search_alert",
        "select public.record_saved_search_alert(
             scale.id(10, 2), 7, scale.id(7, 9), current_setting('scale.since')::timestamptz, (
                 select jsonb_agg(jsonb_build_object('id', 'a' || n, 'title', 'Engineer ' || n, 'company', 'C',
                                                     'location', 'L', 'posted_at', '2099-01-01T00:00:00Z'))
                 from generate_series(40, 89) as n), now())",
    )
    .after(LEASED_ALERT)
    .reads(2000)
    .updates_in_page(&["private.saved_search_sightings", "public.saved_searches"]),
    service(
        "record_skyvern_run",
        "select public.record_skyvern_run(scale.id(2, 4), scale.id(20, 1), 'tsk_started', 'running')",
    )
    .after(SUBMITTED),
    service(
        "record_submission_failure",
        "select public.record_submission_failure(scale.id(2, 4), scale.id(20, 1), 'not_started', 'skyvern_failed')",
    )
    .after(SUBMITTED),
    service("record_stopped_run", "select public.record_stopped_run(scale.id(17, 1), 'tsk_1')"),
    person(
        "register_push_token",
        "select public.register_push_token('ExponentPushToken[0123456789012345678901]', 'ios')",
    ),
    person(
        "register_push_token",
        "select public.register_push_token('ExponentPushToken[0000000000000000000001]', 'ios')",
    )
    .updates_in_page(&["public.user_push_tokens"]),
    // 200 people.
    service("remind_of_profiles", "select public.remind_of_profiles(200)").reads(30_000),
    service("release_cron_lock", "select public.release_cron_lock('job_sync', 1)"),
    service("saved_search_to_alert", "select public.saved_search_to_alert(scale.id(10, 2), scale.id(7, 9))")
        .after(LEASED),
    // It marks the postings of the page among the 5,000 of each kind that a person may have.
    person("search_jobs", "select public.search_jobs(encode(sha256('5'::bytea), 'hex'))").reads(1000),
    person("search_jobs", "select public.search_jobs(encode(sha256('new'::bytea), 'hex'))"),
    service(
        "search_jobs_for_alert",
        "select public.search_jobs_for_alert(encode(sha256('new'::bytea), 'hex'), null, scale.id(1, 1), now())",
    ),
    service(
        "settle_background_jobs",
        "select public.settle_background_jobs(jsonb_build_array(
             jsonb_build_object('job_id', scale.id(10, 2), 'lease_number', 7, 'outcome', 'completed')))",
    )
    .after(LEASED),
    // 100 postings that have changed, and 100 that are as they were.
    service(
        "store_job_postings",
        "select public.store_job_postings((select max(lock_number) from public.scraping_logs), 1, (
             select jsonb_agg(jsonb_build_object('external_id', 'x' || n, 'title', 'Other', 'description', 'other ' || n,
                                                 'employment_types', '[]'::jsonb))
             from generate_series(101, 199) as n))",
    )
    .after(SYNCING)
    .reads(20_000),
    service(
        "store_job_postings",
        "select public.store_job_postings((select max(lock_number) from public.scraping_logs), 1, (
             select jsonb_agg(jsonb_build_object(
                 'external_id', external_id, 'title', title, 'company', company, 'description', description, 'url', url,
                 'employment_types', '[]'::jsonb, 'posted_at_seconds', extract(epoch from posted_at)))
             from public.jobs where id in (select scale.id(5, n * 63) from generate_series(101, 199) as n)
               and source = 'jsearch'))",
    )
    .after(SYNCING)
    .reads(10_000)
    .updates_in_page(&["public.jobs"]),
    service(
        "store_job_search",
        "select public.store_job_search(repeat('a', 64), '{}', '[]', array['a1', 'a2'], gen_random_uuid(),
             scale.id(1, 1))",
    )
    .reads(1000),
    // 100 people, few of whom are in that tier.
    service("tell_announcement", "select public.tell_announcement(scale.id(18, 1), 100)").after(ANNOUNCED).reads(20_000),
    service("take_cron_lock", "select public.take_cron_lock('new', 'me', 60)"),
    // Policies, by table: what the app lists and changes.
    person("applications_select_own", "select * from public.applications order by created_at desc limit 20"),
    person("applications_select_own", "select * from public.applications where id = scale.id(2, 8)"),
    person(
        "applications_select_own",
        "select * from public.applications where status = 'SUBMITTED_BY_SKYVERN' order by created_at desc limit 20",
    ),
    person(
        "applications_insert_own",
        "insert into public.applications (job_title, company_name, job_url)
         values ('Engineer', 'Company', 'https://jobs.example/new')",
    ),
    person("applications_update_own", "update public.applications set notes = 'x' where id = scale.id(2, 8)")
        .after("update public.applications set job_url = job_url where id = scale.id(2, 8)") // for its posting_key
        .updates_in_page(&["public.applications"]),
    person(
        "applications_update_own",
        "update public.applications set status = 'WITHDRAWN_BY_USER' where id = scale.id(2, 8)",
    ),
    // It may look at all of a person's applications for those that are deleted.
    person("application_events_select_own", "select * from public.application_events order by created_at desc limit 20")
        .reads(2000),
    person(
        "application_events_select_own",
        "select * from public.application_events where application_id = scale.id(2, 8) order by position",
    ),
    person(
        "application_deletions_select_own",
        "select * from public.application_deletions order by deleted_at desc limit 20",
    ),
    person("background_jobs_select_own", "select * from public.background_jobs order by created_at desc limit 20"),
    person(
        "background_jobs_select_own",
        "select * from public.background_jobs where status in ('pending', 'processing') order by created_at",
    ),
    person(
        "background_jobs_insert_own",
        "insert into public.background_jobs (job_type, payload) values ('saved_search_alert', '{}')",
    ),
    person(
        "background_jobs_cancel_own",
        "update public.background_jobs set status = 'failed', error = 'cancelled' where id = scale.id(10, 2)",
    )
    .after(QUEUED),
    person("jobs_select_active_or_own", "select * from public.jobs order by posted_at desc limit 20"),
    person("jobs_select_active_or_own", "select * from public.jobs where is_active order by posted_at desc limit 20"),
    person(
        "jobs_select_active_or_own",
        "select * from public.jobs where is_active and status = 'active' order by posted_at desc limit 20 offset 40",
    ),
    person(
        "jobs_select_active_or_own",
        "select * from public.jobs where provider_id = scale.id(1, 1) order by created_at desc limit 20",
    ),
    person("jobs_select_active_or_own", "select * from public.jobs where id = scale.id(5, 3)"),
    person("jobs_insert_own", "insert into public.jobs (title, description) values ('Engineer', 'text')")
        .after(PROVIDER),
    person("jobs_update_own", "update public.jobs set title = 'Other' where id = scale.id(5, 100)").after(PROVIDER),
    person("jobs_delete_own", "delete from public.jobs where id = scale.id(5, 100)").after(PROVIDER),
    person("notifications_select_own", "select * from public.notifications order by created_at desc limit 20"),
    person(
        "notifications_select_own",
        "select * from public.notifications where is_read = false order by created_at desc limit 20",
    ),
    person("notifications_select_own", "select count(*) from public.notifications where is_read = false"),
    person("notifications_update_own", "update public.notifications set is_read = true where id = scale.id(4, 3)"),
    person("notifications_delete_own", "delete from public.notifications where id = scale.id(4, 3)"),
    person("resumes_select_own", "select * from public.resumes order by uploaded_at desc"),
    person("resumes_insert_own", "insert into public.resumes (file_url, file_name) values ('x', 'x')"),
    person("resumes_update_own", "update public.resumes set version_name = 'x' where id = scale.id(8, 1)"),
    person("resumes_delete_own", "delete from public.resumes where id = scale.id(8, 1)"),
    person("saved_jobs_select_own", "select * from public.saved_jobs order by saved_at desc limit 20"),
    person("saved_jobs_select_own", "select * from public.saved_jobs where adzuna_job_id = 'a5'"),
    person(
        "saved_jobs_insert_own",
        "insert into public.saved_jobs (job_title, company_name, job_url)
         values ('Engineer', 'Company', 'https://jobs.example/new')",
    ),
    person("saved_jobs_update_own", "update public.saved_jobs set notes = 'x' where id = scale.id(6, 7)"),
    person("saved_jobs_delete_own", "delete from public.saved_jobs where id = scale.id(6, 7)"),
    person("saved_searches_select_own", "select * from public.saved_searches order by created_at desc limit 20"),
    person(
        "saved_searches_insert_own",
        r#"insert into public.saved_searches (search_name, search_query) values ('x', '{"keywords": "engineer"}')"#,
    ),
    person(
        "saved_searches_update_own",
        r#"update public.saved_searches set search_query = '{"keywords": "x"}' where id = scale.id(7, 7)"#,
    ),
    person("saved_searches_delete_own", "delete from public.saved_searches where id = scale.id(7, 7)"),
    person("user_preferences_select_own", "select * from public.user_preferences"),
    // These schedule the person's 50 searches anew.
    person("user_preferences_insert_own", "insert into public.user_preferences (salary_min) values (1)")
        .after("delete from public.user_preferences where user_id = scale.id(1, 1)")
        .reads(4000),
    person("user_preferences_update_own", "update public.user_preferences set alert_frequency = 'weekly'").reads(4000),
    person("user_preferences_delete_own", "delete from public.user_preferences").reads(4000),
    person("user_push_tokens_select_own", "select * from public.user_push_tokens order by last_seen_at desc"),
    person("user_push_tokens_delete_own", "delete from public.user_push_tokens where id = scale.id(9, 1)"),
    person("users_select_own", "select * from public.users"),
    person("users_update_own", "update public.users set full_name = 'x'").updates_in_page(&["public.users"]),
    // Storage asks as the person; of a folder it asks for what begins like it.
    person(
        "person_files_select_own",
        "select * from storage.objects
         where bucket_id = 'resumes' and name = '00000001-0000-4000-8000-000000000001/cv.pdf'",
    ),
    person(
        "person_files_select_own",
        "select * from storage.objects
         where bucket_id = 'resumes' and lower(name) like '00000001-0000-4000-8000-000000000001/%'
         order by name limit 100",
    ),
    person(
        "person_files_insert_own",
        "insert into storage.objects (bucket_id, name)
         values ('resumes', '00000001-0000-4000-8000-000000000001/new.pdf')",
    ),
    person(
        "person_files_update_own",
        "update storage.objects set metadata = '{}'
         where bucket_id = 'resumes' and name = '00000001-0000-4000-8000-000000000001/cv.pdf'",
    ),
    person(
        "person_files_delete_own",
        "delete from storage.objects
         where bucket_id = 'resumes' and name = '00000001-0000-4000-8000-000000000001/cv.pdf'",
    )
    .after("select set_config('storage.allow_delete_query', 'true', true)"),
    // An account takes with it whatever refers to it, and that is found by an index, too.
    Call::new("account_deletion", Caller::Auth, "delete from auth.users where id = scale.id(1, 77)").reads(1000),
];
