//! What nobody needs any more goes, and nothing else.

use serde_json::{Value, json};
use tests::Stack;
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
async fn it_is_queued_once_a_day() {
    let stack = Stack::get().await;
    let schedule = async || stack.service().rpc("queue_daily_purge", &json!({})).await.expect_status(200);
    futures_util::future::join_all((0..5).map(|_| schedule())).await;
    let sql = "select count(*), count(distinct dedupe_key) from public.background_jobs where dedupe_key like 'purge:%'";
    let row = &stack.database().query(sql, &[]).await[0];
    let (queued, days): (i64, i64) = (row.get(0), row.get(1));
    assert!(queued >= 1 && queued == days, "{queued} purges on {days} days");
}
