//! Transactions that meet in the middle: each takes its locks in the order of the others, so that none is ended by
//! PostgreSQL to save another.

use serde_json::{Value, json};
use tests::{Stack, eventually};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::submission::{Submission, decided, event};

/// Skyvern's news, told over a connection of its own.
async fn tell(client: &Client, event: &Value) -> Value {
    let sql = "select public.apply_skyvern_event(
                   event.p_run_id, event.p_run_status, event.p_attempt, event.p_retry_pending, event.p_application_id,
                   event.p_submission_id, event.p_decision, event.p_body, event.p_request_id)
               from jsonb_to_record($1) as event (
                   p_run_id text, p_run_status text, p_attempt integer, p_retry_pending boolean, p_application_id uuid,
                   p_submission_id uuid, p_decision jsonb, p_body text, p_request_id uuid)";
    client.query_one(sql, &[event]).await.unwrap().get(0)
}

async fn pid_of(client: &Client) -> i32 {
    client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0)
}

/// Returns once a connection waits for a lock.
async fn until_it_waits(stack: &Stack, pid: i32) {
    let sql = "select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'";
    eventually("it waits for the other one", async || stack.database().query(sql, &[&pid]).await.pop()).await;
}

const DELETIONS: [&str; 2] = ["delete from auth.users where id = $1", "delete from public.users where id = $1"];

#[tokio::test]
async fn late_news_of_an_erased_application_and_the_end_of_its_persons_account_do_not_wait_for_each_other() {
    let stack = Stack::get().await;
    for deletion in DELETIONS {
        for is_recorded in [true, false] {
            let submission = Submission::claim(&stack, None).await;
            let run_id = if is_recorded { submission.record().await } else { format!("tsk_{}", Uuid::new_v4()) };
            let key = json!({ "p_application_id": submission.application });
            submission.person.caller().await.rpc("erase_application", &key).await.expect_status(204);
            let person = submission.person.user_id;

            // The deletion has got as far as the profile, and not yet to what is deleted with it.
            let mut deleting = stack.database().connect().await;
            let deleting = deleting.transaction().await.unwrap();
            deleting.query("select from public.users where id = $1 for update", &[&person]).await.unwrap();
            let sent = decided("SUBMITTED_BY_SKYVERN");
            let news = event(&run_id, "completed", 1, Some(submission.application), Some(submission.id), &sent);
            let telling = stack.database().connect().await;
            let pid = pid_of(&telling).await;
            let telling = tokio::spawn(async move { tell(&telling, &news).await });
            until_it_waits(&stack, pid).await;
            deleting.execute(deletion, &[&person]).await.unwrap();
            deleting.commit().await.unwrap();

            let told = telling.await.unwrap();
            assert_eq!((&told["outcome"], &told["push_job_id"]), (&json!("application_erased"), &Value::Null));
            let ledger = "select from private.application_runs where submission_id = $1";
            assert!(stack.database().query(ledger, &[&submission.id]).await.is_empty(), "{deletion}, {is_recorded}");
        }
    }
}

#[tokio::test]
async fn news_and_the_end_of_the_persons_account_come_one_after_the_other() {
    let stack = Stack::get().await;
    let sent = decided("SUBMITTED_BY_SKYVERN");
    for is_news_first in [true, false] {
        let submission = Submission::claim(&stack, None).await;
        let run_id = submission.record().await;
        let person = submission.person.user_id;
        let news = event(&run_id, "completed", 1, Some(submission.application), Some(submission.id), &sent);
        let (mut first, second) = (stack.database().connect().await, stack.database().connect().await);
        let pid = pid_of(&second).await;
        // The account of Clerk's is the mirrored one, with which the profile goes.
        let deletion = DELETIONS[0];
        let transaction = first.transaction().await.unwrap();

        let outcome = if is_news_first {
            // The application is what both lock first.
            let lock = "select from public.applications where id = $1 for no key update";
            transaction.query(lock, &[&submission.application]).await.unwrap();
            let deleting = tokio::spawn(async move { second.execute(deletion, &[&person]).await.unwrap() });
            until_it_waits(&stack, pid).await;
            let told = tell(transaction.client(), &news).await;
            transaction.commit().await.unwrap();
            assert_eq!(deleting.await.unwrap(), 1);
            told["outcome"].clone()
        } else {
            transaction.execute(deletion, &[&person]).await.unwrap();
            let telling = tokio::spawn(async move { tell(&second, &news).await });
            until_it_waits(&stack, pid).await;
            transaction.commit().await.unwrap();
            telling.await.unwrap()["outcome"].clone()
        };

        assert_eq!(outcome, if is_news_first { "applied" } else { "waiting" });
        let inbox = "select outcome from public.webhook_events where run_id = $1";
        let kept = stack.database().query(inbox, &[&run_id]).await;
        let kept: Vec<&str> = kept.iter().map(|row| row.get(0)).collect();
        assert_eq!(kept, if is_news_first { &[][..] } else { &["account_deleted"] }, "what was said went as well");
    }
}

/// In what state an application is when two transactions meet over it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Claimed,
    Running,
    /// Silent for days, and past its deadline.
    Silent,
    Queued,
}

/// Calls as a transaction makes them. `{a}`, `{s}`, `{run}` and `{job}` are the application, its submission, its run and
/// its job.
const WITHDRAW: &str = "update public.applications set status = 'WITHDRAWN_BY_USER' where id = '{a}'";
const DELETE: &str = "update public.applications set deleted_at = now() where id = '{a}'";
const RECORD: &str = "public.record_skyvern_run('{a}', '{s}', '{new}', 'created')";
const LOSS: &str = r#"'{"status": "REQUIRES_ATTENTION_MANUAL_REVIEW", "status_details": {"reason": "a_test"}}'"#;

#[tokio::test]
async fn whoever_comes_second_sees_what_the_first_one_has_done() {
    let stack = Stack::get().await;
    let fail = |outcome: &str| format!("public.record_submission_failure('{{a}}', '{{s}}', '{outcome}', 'a_test')");
    let event = format!(
        "public.apply_skyvern_event('{{run}}', 'completed', 1, false, '{{a}}', '{{s}}', {}, '', gen_random_uuid())",
        r#"'{"status": "SUBMITTED_BY_SKYVERN", "status_details": {}}'"#
    );
    let other_run = format!(
        "public.apply_skyvern_event('{{new}}', 'failed', 1, false, '{{a}}', '{{s}}', {LOSS}, '', gen_random_uuid())"
    );
    let claim = "public.claim_application('{a}')".to_owned();
    for (state, first, second, outcome, status) in [
        (State::Claimed, format!("select {RECORD}"), RECORD.to_owned(), "superseded", "PROCESSING_BY_SKYVERN"),
        (State::Claimed, format!("select {RECORD}"), fail("absent"), "superseded", "PROCESSING_BY_SKYVERN"),
        (State::Claimed, format!("select {}", fail("released")), RECORD.to_owned(), "superseded", "DRAFT"),
        (State::Claimed, WITHDRAW.to_owned(), fail("not_started"), "recorded", "WITHDRAWN_BY_USER"),
        (
            State::Claimed,
            format!("select {}", fail("released")),
            claim.clone(),
            "claimed",
            "PENDING_SKYVERN_SUBMISSION",
        ),
        (State::Claimed, DELETE.to_owned(), claim, "application_not_found", "PENDING_SKYVERN_SUBMISSION"),
        (State::Claimed, WITHDRAW.to_owned(), event.clone(), "kept", "WITHDRAWN_BY_USER"),
        (State::Claimed, format!("select {RECORD}"), other_run, "other_run", "PROCESSING_BY_SKYVERN"),
        (State::Running, WITHDRAW.to_owned(), event, "kept", "WITHDRAWN_BY_USER"),
        (
            State::Silent,
            WITHDRAW.to_owned(),
            format!("public.record_lost_skyvern_run('{{a}}', '{{run}}', {LOSS})"),
            "superseded",
            "WITHDRAWN_BY_USER",
        ),
        (
            State::Silent,
            WITHDRAW.to_owned(),
            format!("public.record_overdue_skyvern_run('{{a}}', '{{run}}', {LOSS})"),
            "superseded",
            "WITHDRAWN_BY_USER",
        ),
        (
            State::Queued,
            WITHDRAW.to_owned(),
            format!("public.fail_queued_application('{{a}}', '{{job}}', {LOSS})"),
            "superseded",
            "WITHDRAWN_BY_USER",
        ),
    ] {
        let submission = Submission::claim(&stack, None).await;
        let mut run_id = format!("tsk_{}", Uuid::new_v4());
        if matches!(state, State::Running | State::Silent) {
            run_id = submission.record().await;
        }
        if state == State::Silent {
            let silence = "update public.applications set skyvern_heard_at = now() - interval '2 days' where id = $1";
            stack.database().query(silence, &[&submission.application]).await;
            let last = "update private.application_runs set started_at = now() - interval '2 days' where run_id = $1";
            stack.database().query(last, &[&run_id]).await;
        }
        if state == State::Queued {
            let wait = json!({
                "p_application_id": submission.application, "p_submission_id": submission.id, "p_outcome": "not_started",
                "p_reason": "a_test", "p_queue_after": 3600,
            });
            stack.service().rpc("record_submission_failure", &wait).await.expect_status(200);
        }
        let row = submission.row().await;
        let sql = |call: &str| {
            call.replace("{a}", &submission.application.to_string())
                .replace("{s}", &submission.id.to_string())
                .replace("{run}", &run_id)
                .replace("{new}", &format!("tsk_{}", Uuid::new_v4()))
                .replace("{job}", row["submission_job_id"].as_str().unwrap_or_default())
        };
        let (mut holding, waiting) = (stack.database().connect().await, stack.database().connect().await);
        let claims = json!({ "sub": submission.person.clerk_user_id }).to_string();
        waiting.execute("select set_config('request.jwt.claims', $1, false)", &[&claims]).await.unwrap();
        let pid = pid_of(&waiting).await;
        let holding = holding.transaction().await.unwrap();
        holding.batch_execute(&sql(&first)).await.unwrap();

        let call = format!("select {}", sql(&second));
        let waiting = tokio::spawn(async move { waiting.query_one(&call, &[]).await });
        until_it_waits(&stack, pid).await;
        holding.commit().await.unwrap();

        let answer = match waiting.await.unwrap() {
            Ok(row) => row.get::<_, Value>(0)["outcome"].as_str().unwrap().to_owned(),
            Err(refusal) => refusal.as_db_error().unwrap().message().to_owned(),
        };
        assert!(answer.contains(outcome), "{first}, then {second}: {answer}");
        assert_eq!(submission.row().await["status"], status, "{first}, then {second}");
    }
}
