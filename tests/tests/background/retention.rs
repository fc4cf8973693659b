//! Each kind of row goes when its time is over, and neither earlier nor for anything but its age and kind.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Stack, scratch_database::ScratchDatabase};
use tokio_postgres::Client;

/// Rows of one kind.
struct Kind {
    name: &'static str,
    table: &'static str,
    /// Inserts one row; `{at}` is the time by which it is as old as it is.
    row: &'static str,
    /// What is never taken for one of this kind however old it is, as `row`.
    others: &'static [&'static str],
}

const JOBS: &str = "public.background_jobs";
const NOTIFICATIONS: &str = "public.notifications";

const KINDS: &[Kind] = &[
    Kind {
        name: "background_jobs",
        table: JOBS,
        row: "insert into public.background_jobs (user_id, status, job_type, payload, updated_at)
              values (null, 'completed', 'test', '{}', {at})",
        others: &["insert into public.background_jobs (user_id, status, job_type, payload, updated_at)
                   select null, status::public.job_status, 'test', '{}', {at}
                   from unnest(array['pending', 'processing', 'failed']) as status"],
    },
    Kind {
        name: "failed_background_jobs",
        table: JOBS,
        row: "insert into public.background_jobs (user_id, status, job_type, payload, updated_at)
              values (null, 'failed', 'test', '{}', {at})",
        others: &["insert into public.background_jobs (user_id, status, job_type, payload, updated_at)
                   select null, status::public.job_status, 'test', '{}', {at}
                   from unnest(array['pending', 'processing', 'completed']) as status"],
    },
    Kind {
        name: "webhook_bodies",
        table: "public.webhook_events",
        row: "insert into public.webhook_events (source, event_key, body, outcome, received_at)
              values ('test', gen_random_uuid()::text, 'personal', 'applied', {at})",
        others: &["insert into public.webhook_events (source, event_key, body, outcome, received_at)
                   values ('test', gen_random_uuid()::text, 'personal', 'waiting', {at}),
                          ('test', gen_random_uuid()::text, '', 'applied', {at})"],
    },
    Kind {
        name: "webhook_events",
        table: "public.webhook_events",
        row: "insert into public.webhook_events (source, event_key, body, outcome, received_at)
              values ('test', gen_random_uuid()::text, '', 'waiting', {at})",
        others: &[],
    },
    Kind {
        name: "push_tickets",
        table: "public.push_tickets",
        row: "insert into public.push_tickets (push_token_id, ticket_id, status, sent_at)
              values (gen_random_uuid(), gen_random_uuid()::text, 'delivered', {at})",
        others: &["insert into public.push_tickets (push_token_id, ticket_id, sent_at, receipt_due_at)
                   values (gen_random_uuid(), gen_random_uuid()::text, {at}, {at})"],
    },
    Kind {
        name: "user_push_tokens",
        table: "public.user_push_tokens",
        row: "insert into public.user_push_tokens (user_id, token, revoked_at)
              values (gen_random_uuid(), gen_random_uuid()::text, {at})",
        others: &["insert into public.user_push_tokens (user_id, token, last_seen_at, created_at)
                   values (gen_random_uuid(), gen_random_uuid()::text, {at}, {at})"],
    },
    Kind {
        name: "read_notifications",
        table: NOTIFICATIONS,
        row: "insert into public.notifications (user_id, type, title, message, is_read, created_at)
              values (gen_random_uuid(), 'GENERAL_ANNOUNCEMENT', 't', 'm', true, {at})",
        others: &["insert into public.notifications (user_id, type, title, message, created_at)
                   values (gen_random_uuid(), 'GENERAL_ANNOUNCEMENT', 't', 'm', {at})"],
    },
    Kind {
        name: "unread_notifications",
        table: NOTIFICATIONS,
        row: "insert into public.notifications (user_id, type, title, message, created_at)
              values (gen_random_uuid(), 'GENERAL_ANNOUNCEMENT', 't', 'm', {at})",
        others: &["insert into public.notifications (user_id, type, title, message, is_read, created_at)
                   values (gen_random_uuid(), 'GENERAL_ANNOUNCEMENT', 't', 'm', true, {at})"],
    },
    Kind {
        name: "job_clicks",
        table: "private.job_clicks",
        row: "insert into private.job_clicks (job_id, user_id, counted_on)
              values (gen_random_uuid(), gen_random_uuid(), ({at})::date)",
        others: &[],
    },
    Kind {
        name: "inactive_jobs",
        table: "public.jobs",
        row: "insert into public.jobs (source, title, description, is_active, updated_at)
              values ('jsearch', 'Engineer', '', false, {at})",
        others: &["insert into public.jobs (source, provider_id, title, description, is_active, updated_at)
                   values ('jsearch', null, 'Engineer', '', true, {at}),
                          ('provider', gen_random_uuid(), 'Engineer', '', false, {at})"],
    },
    Kind {
        name: "deleted_applications",
        table: "public.applications",
        row: "insert into public.applications (user_id, job_title, company_name, job_url, status, deleted_at)
              values (gen_random_uuid(), 't', 'c', 'https://jobs.example.com', 'SUBMITTED_BY_SKYVERN', {at})",
        others: &[
            "insert into public.applications (user_id, job_title, company_name, job_url, status, deleted_at)
             values (gen_random_uuid(), 't', 'c', 'https://jobs.example.com', 'PROCESSING_BY_SKYVERN', {at})",
            "insert into public.applications (user_id, job_title, company_name, job_url, created_at)
             values (gen_random_uuid(), 't', 'c', 'https://jobs.example.com', {at})",
            "insert into public.applications (user_id, job_title, company_name, job_url, status, deleted_at,
                 submission_id, submission_outcome, submission_title, submission_started_at)
             values (gen_random_uuid(), 't', 'c', 'https://jobs.example.com', 'DRAFT', {at},
                 gen_random_uuid(), 'open', 't', {at})",
        ],
    },
    Kind {
        name: "erased_application_runs",
        table: "private.application_runs",
        row: "insert into private.application_runs (submission_id, user_id, claimed_at, ended_at)
              values (gen_random_uuid(), gen_random_uuid(), {at}, {at})",
        others: &["insert into private.application_runs (submission_id, application_id, user_id, claimed_at, ended_at)
                   values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), {at}, {at}),
                          (gen_random_uuid(), null, gen_random_uuid(), {at}, null)"],
    },
    Kind {
        name: "resting_searches",
        table: "private.saved_search_sightings",
        row: "with search as (
                  insert into public.saved_searches (user_id, search_name, search_query, last_run_at)
                  values (gen_random_uuid(), 's', '{}', {at}) returning id, user_id),
              alert as (
                  insert into private.saved_search_alerts (saved_search_id, user_id, since)
                  select id, user_id, {at} from search)
              insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at)
              select id, 'a1', {at} from search",
        others: &[
            "with search as (
                 insert into public.saved_searches (user_id, search_name, search_query, last_run_at)
                 values (gen_random_uuid(), 's', '{}', {at}) returning id, user_id),
             alert as (
                 insert into private.saved_search_alerts (saved_search_id, user_id, since, next_at)
                 select id, user_id, {at}, {at} from search)
             insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at)
             select id, 'a1', {at} from search",
            "with search as (
                 insert into public.saved_searches (user_id, search_name, search_query, last_run_at)
                 values (gen_random_uuid(), 's', '{}', now()) returning id, user_id),
             alert as (
                 insert into private.saved_search_alerts (saved_search_id, user_id, since)
                 select id, user_id, {at} from search)
             insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at)
             select id, 'a1', {at} from search",
            "with search as (
                 insert into public.saved_searches (user_id, search_name, search_query, last_run_at)
                 values (gen_random_uuid(), 's', '{}', {at}) returning id, user_id),
             alert as (
                 insert into private.saved_search_alerts (saved_search_id, user_id, since)
                 select id, user_id, now() from search)
             insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at)
             select id, 'a1', {at} from search",
        ],
    },
    Kind {
        name: "job_search_cache",
        table: "public.job_search_cache",
        row: "insert into public.job_search_cache (query_key, query, results, expires_at)
              values (gen_random_uuid()::text, '{}', '[]', {at})",
        others: &[],
    },
    Kind {
        name: "job_search_leases",
        table: "private.job_search_leases",
        row: "insert into private.job_search_leases (query_key, id, expires_at)
              values (gen_random_uuid()::text, gen_random_uuid(), {at})",
        others: &[],
    },
    Kind {
        name: "scraping_logs",
        table: "public.scraping_logs",
        row: "insert into public.scraping_logs (source_name, status, lock_number, completed_at)
              values ('test', 'completed', (random() * 1e15)::bigint, {at})",
        others: &["insert into public.scraping_logs (source_name, status, lock_number, started_at)
                   values ('test', 'running', (random() * 1e15)::bigint, {at})"],
    },
    Kind {
        name: "cron_locks",
        table: "public.cron_locks",
        row: "insert into public.cron_locks (lock_name, locked_by, lock_number, expires_at)
              values (gen_random_uuid()::text, 'test', 0, {at})",
        others: &[],
    },
];

/// How many rows of this kind the purge finds.
async fn purged(client: &Client, kind: &Kind) -> i64 {
    let answer = client.query_one("select public.purge_expired_rows()", &[]).await.unwrap();
    answer.get::<_, Value>(0)["purged"][kind.name].as_i64().unwrap()
}

#[tokio::test]
async fn each_kind_of_row_goes_when_its_time_is_over_and_not_before() {
    let database = ScratchDatabase::create(&Stack::get().await);
    database.up();
    let client = database.connect().await;
    // Rows without those that they refer to, and with the times that are given.
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let known = client.query("select kind from private.retention_periods", &[]).await.unwrap();
    let known: BTreeSet<&str> = known.iter().map(|row| row.get(0)).collect();
    assert_eq!(known, KINDS.iter().map(|kind| kind.name).collect(), "every kind is tried");

    for kind in KINDS {
        // Alone, so that no other kind takes what this one must leave. Undone at the end, rows and all.
        let alone = format!("begin; delete from private.retention_periods where kind <> '{}'", kind.name);
        client.batch_execute(&alone).await.unwrap();
        // A day is the unit of one of them.
        let limit = if kind.name == "job_clicks" { "day" } else { "hour" };
        let at = |sign: char| {
            format!(
                "now() - (select keep_for from private.retention_periods where kind = '{}') {sign} interval '1 {limit}'",
                kind.name
            )
        };
        let (younger, older) = (at('+'), at('-'));
        let count = format!("select count(*) from {}", kind.table);
        let insert = async |sql: &str, at: &str| client.batch_execute(&sql.replace("{at}", at)).await.unwrap();

        insert(kind.row, &younger).await;
        assert_eq!(purged(&client, kind).await, 0, "{}: a row stays until its time is over", kind.name);
        insert(kind.row, &older).await;
        assert_eq!(purged(&client, kind).await, 1, "{}: a row goes when its time is over", kind.name);
        let is_changed_in_place = kind.name == "webhook_bodies";
        let left: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
        assert_eq!(left, if is_changed_in_place { 2 } else { 1 }, "{}", kind.name);
        for other in kind.others {
            insert(other, &older).await;
            assert_eq!(purged(&client, kind).await, 0, "{}: {other}", kind.name);
        }
        client.batch_execute("rollback").await.unwrap();
    }
}
