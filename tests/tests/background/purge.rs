//! What nobody needs any more goes, and nothing else.

use serde_json::{Value, json};
use tests::{Stack, Turn, scratch_database::ScratchDatabase, turn};
use uuid::Uuid;

use crate::support::{enqueue, run_jobs, unknown_type};

/// A job as it was left so many days ago.
async fn old_job(stack: &Stack, job_type: &str, status: &str, days: i32) -> Uuid {
    let job_id = enqueue(stack, &json!([{ "job_type": job_type, "run_at": "2100-01-01T00:00:00Z" }])).await[0];
    let client = stack.database().connect().await;
    // The trigger that keeps `updated_at` would undo it.
    let sql = format!(
        "set session_replication_role = replica;
         update public.background_jobs set status = '{status}', updated_at = now() - interval '{days} days'
         where id = '{job_id}'"
    );
    client.batch_execute(&sql).await.unwrap();
    job_id
}

async fn is_there(stack: &Stack, table: &str, id: Uuid) -> bool {
    !stack.database().rows(table, "id", id).await.is_empty()
}

/// Runs the purge of today, or once more.
async fn purge(stack: &Stack) -> Value {
    let job_id = enqueue(stack, &json!([{ "job_type": "purge" }])).await[0];
    tests::eventually("the purge is done", async || {
        run_jobs(stack, &["purge"]).await;
        let row = stack.database().row("background_jobs", job_id).await;
        (row["status"] == "completed").then(|| row["result"].clone())
    })
    .await
}

#[tokio::test]
async fn finished_jobs_go_after_their_time_and_unfinished_ones_stay() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let mut kept = Vec::new();
    let mut gone = Vec::new();
    for (job_type, status, days, goes) in [
        (job_type.as_str(), "completed", 8, true),
        (job_type.as_str(), "completed", 6, false),
        (job_type.as_str(), "failed", 8, false),
        (job_type.as_str(), "failed", 91, true),
        (job_type.as_str(), "pending", 400, false),
    ] {
        let job_id = old_job(&stack, job_type, status, days).await;
        if goes { &mut gone } else { &mut kept }.push((job_id, status, days));
    }

    let result = purge(&stack).await;

    assert!(result["background_jobs"].is_u64(), "{result}");
    for (job_id, status, days) in gone {
        assert!(!is_there(&stack, "background_jobs", job_id).await, "{status}, {days} days");
    }
    for (job_id, status, days) in kept {
        assert!(is_there(&stack, "background_jobs", job_id).await, "{status}, {days} days");
    }
}

#[tokio::test]
async fn what_webhooks_said_goes_before_the_webhooks_do() {
    let stack = Stack::get().await;
    let event = async |outcome: &str, days: i32| -> Uuid {
        let sql = "insert into public.webhook_events (source, event_key, body, outcome, received_at)
                   values ('test', gen_random_uuid()::text, 'personal', $1, now() - make_interval(days => $2))
                   returning id";
        stack.database().query(sql, &[&outcome, &days]).await[0].get(0)
    };
    let (new, old, waiting, oldest) = (
        event("applied", 29).await,
        event("applied", 31).await,
        event("waiting", 31).await,
        event("applied", 91).await,
    );

    purge(&stack).await;

    let body = async |id| stack.database().row("webhook_events", id).await["body"].clone();
    assert_eq!((body(new).await, body(old).await), (json!("personal"), json!("")));
    assert_eq!(body(waiting).await, "personal", "it has not been applied yet");
    assert!(!is_there(&stack, "webhook_events", oldest).await);
}

#[tokio::test]
async fn devices_and_their_tickets_go_long_after_their_last_use() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let device = async |days: i32| -> Uuid {
        let sql = "insert into public.user_push_tokens (user_id, token, revoked_at)
                   values ($1, gen_random_uuid()::text, now() - make_interval(days => $2)) returning id";
        stack.database().query(sql, &[&person.user_id, &days]).await[0].get(0)
    };
    let (kept, gone) = (device(89).await, device(91).await);
    let ticket = async |days: i32| -> Uuid {
        let sql = "insert into public.push_tickets (push_token_id, ticket_id, status, sent_at)
                   values ($1, gen_random_uuid()::text, 'delivered', now() - make_interval(days => $2)) returning id";
        stack.database().query(sql, &[&kept, &days]).await[0].get(0)
    };
    let (kept_ticket, gone_ticket) = (ticket(29).await, ticket(31).await);

    purge(&stack).await;

    assert!(is_there(&stack, "user_push_tokens", kept).await && !is_there(&stack, "user_push_tokens", gone).await);
    assert!(
        is_there(&stack, "push_tickets", kept_ticket).await && !is_there(&stack, "push_tickets", gone_ticket).await
    );
}

#[tokio::test]
async fn logs_of_old_syncs_go_and_locks_that_nobody_holds() {
    let stack = Stack::get().await;
    let log = async |days: i32| -> Uuid {
        let sql = "insert into public.scraping_logs (source_name, status, lock_number, completed_at)
                   values ('test', 'completed', (random() * 1e15)::bigint, now() - make_interval(days => $1))
                   returning id";
        stack.database().query(sql, &[&days]).await[0].get(0)
    };
    let (kept, gone) = (log(179).await, log(181).await);
    let lock = async |hours: i32| -> String {
        let sql = "insert into public.cron_locks (lock_name, locked_by, lock_number, expires_at)
                   values (gen_random_uuid()::text, 'test', 0, now() - make_interval(hours => $1)) returning lock_name";
        stack.database().query(sql, &[&hours]).await[0].get(0)
    };
    let (kept_lock, gone_lock) = (lock(23).await, lock(25).await);

    purge(&stack).await;

    assert!(is_there(&stack, "scraping_logs", kept).await && !is_there(&stack, "scraping_logs", gone).await);
    let sql = "select lock_name from public.cron_locks where lock_name = any ($1)";
    let names: Vec<String> =
        stack.database().query(sql, &[&vec![&kept_lock, &gone_lock]]).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, [kept_lock]);
}

#[tokio::test]
async fn notifications_go_after_their_time_and_unread_ones_later() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let notification = async |is_read: bool, days: i32| -> Uuid {
        let sql = "insert into public.notifications (user_id, type, title, message, is_read, created_at)
                   values ($1, 'GENERAL_ANNOUNCEMENT', 't', 'm', $2, now() - make_interval(days => $3)) returning id";
        stack.database().query(sql, &[&person.user_id, &is_read, &days]).await[0].get(0)
    };
    let kept = [notification(true, 179).await, notification(false, 364).await];
    let gone = [notification(true, 181).await, notification(false, 366).await];

    purge(&stack).await;

    for id in kept {
        assert!(is_there(&stack, "notifications", id).await);
    }
    for id in gone {
        assert!(!is_there(&stack, "notifications", id).await);
    }
}

#[tokio::test]
async fn postings_go_long_after_they_are_over_and_clicks_when_they_cannot_count_twice() {
    let stack = Stack::get().await;
    // A sync takes out of the catalogue what it does not see, and counts what is there.
    let _turn = Turn::alone(&stack, turn::JOB_SYNC).await;
    let person = stack.new_person().await;
    let client = stack.database().connect().await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let posting = async |is_active: bool, provider: Option<Uuid>, days: i32| -> Uuid {
        let sql = "insert into public.jobs (source, provider_id, title, description, is_active, updated_at)
                   values (case when $1::uuid is null then 'jsearch' else 'provider' end, $1, 'Engineer', '', $2,
                           now() - make_interval(days => $3)) returning id";
        client.query(sql, &[&provider, &is_active, &days]).await.unwrap()[0].get(0)
    };
    let shown = posting(true, None, 181).await;
    let recent = posting(false, None, 179).await;
    let providers = posting(false, Some(person.user_id), 181).await;
    let over = posting(false, None, 181).await;
    for (posting, days) in [(shown, 0), (recent, 3)] {
        let sql =
            "insert into private.job_clicks (job_id, user_id, counted_on) values ($1, $2, current_date - $3::int)";
        client.execute(sql, &[&posting, &person.user_id, &days]).await.unwrap();
    }

    purge(&stack).await;

    for id in [shown, recent, providers] {
        assert!(is_there(&stack, "jobs", id).await);
    }
    assert!(!is_there(&stack, "jobs", over).await);
    let sql = "select job_id from private.job_clicks where user_id = $1";
    let clicks: Vec<Uuid> = client.query(sql, &[&person.user_id]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(clicks, [shown]);
}

#[tokio::test]
async fn deleted_applications_go_unless_a_run_may_still_report() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let client = stack.database().connect().await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let application = async |status: &str, days: i32, is_submitted: bool| -> Uuid {
        let sql = format!(
            "insert into public.applications (
                 user_id, job_title, company_name, job_url, status, deleted_at, submission_id, submission_outcome,
                 submission_title, submission_started_at, submission_lease_expires_at)
             select $1, 'Engineer', 'C', 'https://jobs.example/1', '{status}', now() - make_interval(days => $2),
                    id, case when $3 then 'open' end, case when $3 then 'jobraker' end, case when $3 then now() end,
                    case when $3 then timestamptz '2100-01-01' end
             from (select case when $3 then gen_random_uuid() end) as submission (id)
             returning id"
        );
        client.query(&sql, &[&person.user_id, &days, &is_submitted]).await.unwrap()[0].get(0)
    };
    let kept = [
        application("SUBMITTED_BY_SKYVERN", 179, false).await,
        application("PROCESSING_BY_SKYVERN", 181, false).await,
        application("PENDING_SKYVERN_SUBMISSION", 181, true).await,
    ];
    let gone = application("SUBMITTED_BY_SKYVERN", 181, false).await;

    purge(&stack).await;

    for id in kept {
        assert!(is_there(&stack, "applications", id).await);
    }
    assert!(!is_there(&stack, "applications", gone).await);
}

#[tokio::test]
async fn a_search_that_rests_forgets_what_it_has_found_and_then_begins_anew() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let client = stack.database().connect().await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let search = async |days: i32, is_wanted: bool| -> Uuid {
        let sql = "with search as (
                       insert into public.saved_searches (user_id, search_name, search_query, last_run_at)
                       values ($1, 's', '{}', now() - make_interval(days => $2)) returning id, user_id),
                   alert as (
                       insert into private.saved_search_alerts (saved_search_id, user_id, since, next_at)
                       select id, user_id, now() - interval '1 year', case when $3 then timestamptz '2100-01-01' end from search),
                   sighting as (
                       insert into private.saved_search_sightings (saved_search_id, posting_id, sighted_at)
                       select id, 'a1', now() - interval '1 year' from search)
                   select id from search";
        client.query(sql, &[&person.user_id, &days, &is_wanted]).await.unwrap()[0].get(0)
    };
    let (rested, resting, running) = (search(91, false).await, search(89, false).await, search(91, true).await);

    purge(&stack).await;

    let remembers = async |id: Uuid| {
        let sql = "select exists (select from private.saved_search_sightings where saved_search_id = $1),
                          (select since > now() - interval '1 hour' from private.saved_search_alerts
                           where saved_search_id = $1)";
        let row = &stack.database().query(sql, &[&id]).await[0];
        (row.get::<_, bool>(0), row.get::<_, bool>(1))
    };
    assert_eq!(remembers(rested).await, (false, true), "and what is there then is not new");
    assert_eq!(remembers(resting).await, (true, false));
    assert_eq!(remembers(running).await, (true, false));
}

#[tokio::test]
async fn pages_of_searches_go_when_nobody_is_shown_them_and_leases_when_nobody_waits() {
    let stack = Stack::get().await;
    let insert = async |sql: &str, age: &str| -> String { stack.database().query(sql, &[&age]).await[0].get(0) };
    let page = "insert into public.job_search_cache (query_key, query, results, expires_at)
                values (gen_random_uuid()::text, '{}', '[]', now() - $1::text::interval) returning query_key";
    let lease = "insert into private.job_search_leases (query_key, id, expires_at)
                 values (gen_random_uuid()::text, gen_random_uuid(), now() - $1::text::interval) returning query_key";
    let keys = [
        insert(page, "6 days").await,
        insert(page, "8 days").await,
        insert(lease, "20 minutes").await,
        insert(lease, "25 hours").await,
    ];

    purge(&stack).await;

    let sql = "select query_key from public.job_search_cache where query_key = any ($1)
               union all select query_key from private.job_search_leases where query_key = any ($1)";
    let rows = stack.database().query(sql, &[&keys.to_vec()]).await;
    let left: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, [keys[0].clone(), keys[2].clone()]);
}

#[tokio::test]
async fn a_period_is_changed_in_a_row_and_what_has_none_is_kept() {
    let database = ScratchDatabase::create(&Stack::get().await);
    database.up();
    let client = database.connect().await;
    let purge = async || -> Value { client.query_one("select public.purge_expired_rows()", &[]).await.unwrap().get(0) };
    let sql = "select jsonb_object_agg(kind, 0) from private.retention_periods";
    let kinds: Value = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(purge().await["purged"], kinds, "each period is that of a kind");
    client
        .batch_execute(
            "insert into public.scraping_logs (source_name, status, lock_number, completed_at)
             select 'test', 'completed', days, now() - days * interval '1 day' from unnest(array[20, 200]) as days;
             insert into public.cron_locks (lock_name, locked_by, lock_number, expires_at)
             values ('old', 'test', 0, now() - interval '1 year');
             update private.retention_periods set keep_for = interval '10 days' where kind = 'scraping_logs';
             delete from private.retention_periods where kind = 'cron_locks'",
        )
        .await
        .unwrap();

    let answer = purge().await;

    assert_eq!((&answer["purged"]["scraping_logs"], &answer["purged"]["cron_locks"]), (&json!(2), &Value::Null));
    let locks: i64 = client.query_one("select count(*) from public.cron_locks", &[]).await.unwrap().get(0);
    assert_eq!(locks, 1);
}

/// An index forgets rows only when it is vacuumed, and not at all while an older transaction might still see them.
#[tokio::test]
async fn the_tenth_round_of_a_purge_reads_no_more_than_the_first() {
    let database = ScratchDatabase::create(&Stack::get().await);
    database.up();
    let client = database.connect().await;
    client
        .batch_execute(
            "-- Those that go, and as many of each age that stay.
             insert into public.webhook_events (source, event_key, body, outcome, received_at)
             select 'test', n::text, case when n % 3 = 0 then 'x' else '' end, 'applied',
                    now() - case when n % 2 = 0 then interval '200 days' else interval '60 days' end
                    + n * interval '1 second'
             from generate_series(1, 40000) as n;
             insert into public.background_jobs (user_id, status, job_type, payload)
             select null, case when n % 2 = 0 then 'failed' else 'completed' end::public.job_status, 'test', '{}'
             from generate_series(1, 40000) as n;
             set session_replication_role = replica;
             update public.background_jobs set updated_at = now() - interval '60 days';
             set session_replication_role = origin;
             create temp table rounds (number serial, answer jsonb)",
        )
        .await
        .unwrap();
    client.batch_execute("vacuum analyze").await.unwrap();
    let mut other = database.connect().await;
    let reader = other.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
    let reader = reader.start().await.unwrap();
    reader.query("select from public.webhook_events limit 1", &[]).await.unwrap();

    let mut after = json!({});
    let mut pages = Vec::new();
    for _ in 0..10 {
        let sql = format!(
            "explain (analyze, buffers, format json)
             insert into rounds (answer) select public.purge_expired_rows(1000, '{after}')"
        );
        let plan: Value = client.query_one(&sql, &[]).await.unwrap().get(0);
        let plan = &plan[0]["Plan"];
        pages.push(plan["Shared Hit Blocks"].as_u64().unwrap() + plan["Shared Read Blocks"].as_u64().unwrap());
        let sql = "select answer from rounds order by number desc limit 1";
        let answer: Value = client.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(answer["purged"]["webhook_events"], 1000);
        assert_eq!(answer["purged"]["background_jobs"], 1000);
        after = answer["after"].clone();
    }

    assert!(pages[9] <= pages[0] + pages[0] / 10, "{pages:?}");
}

#[tokio::test]
async fn it_is_queued_once_a_day() {
    let stack = Stack::get().await;
    // Nothing of this is committed, so that it is no other test's day.
    let mut client = stack.database().connect().await;
    let transaction = client.transaction().await.unwrap();
    let today = "update public.background_jobs set dedupe_key = 'a test ' || id
                 where dedupe_key = 'purge:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD')";
    // Both zones together have another date than Greenwich at any time.
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        transaction.execute(today, &[]).await.unwrap();
        transaction.batch_execute(&format!("set local timezone = '{zone}'")).await.unwrap();
        for queued in [1, 0, 0] {
            let row = transaction.query_one("select public.queue_daily_purge()", &[]).await.unwrap();
            assert_eq!(row.get::<_, Value>(0), json!({ "queued": queued }), "{zone}");
        }
        let job = transaction
            .query_one(
                "select job_type, user_id is null from public.background_jobs
                 where dedupe_key = 'purge:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD')",
                &[],
            )
            .await
            .unwrap();
        assert_eq!((job.get::<_, &str>(0), job.get::<_, bool>(1)), ("purge", true), "{zone}");
    }
    transaction.rollback().await.unwrap();
}
