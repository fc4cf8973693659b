//! What is heard of a run when its application has moved on: withdrawn, erased, in an interview, or submitted once more.

use serde_json::{Value, json};
use tests::{Stack, eventually};

use super::{Submission, decided, event, outcome};

#[tokio::test]
async fn a_run_that_surely_sent_nothing_stays_so_when_the_next_submission_starts_nothing() {
    let stack = Stack::get().await;
    let first = Submission::claim(&stack, None).await;
    let run_id = first.record().await;
    let stopped =
        json!({ "status": "REQUIRES_ATTENTION_USER_INPUT", "status_details": { "reason": "login_required" } });
    first.hear(&run_id, "terminated", 1, &stopped).await.expect_status(200);
    first.decide("DRAFT").await;
    let claim = first.claim_again(None).await;
    let second = Submission { id: claim.json["submission_id"].as_str().unwrap().parse().unwrap(), ..first.clone() };
    second.fail("not_started").await;
    assert_eq!(second.row().await["status_details"]["reason"], "a_test", "the details are about the second one");

    second.decide("DRAFT").await;
    let third = second.claim_again(None).await;

    assert_eq!(outcome(&third), "claimed", "nothing was ever sent: {third:?}");
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_any_more_is_ended_after_its_deadline() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    submission.decide("INTERVIEW_SCHEDULED").await;
    assert!(submission.cancelled().await.is_empty(), "whoever has an interview stops nothing");

    let mut client = stack.database().connect().await;
    for (age, is_cancelled) in [("1 hour", false), ("3 hours", true)] {
        let transaction = client.transaction().await.unwrap();
        let aged =
            format!("update private.application_runs set started_at = now() - interval '{age}' where run_id = $1");
        transaction.execute(&aged, &[&run_id]).await.unwrap();
        transaction.execute("select public.queue_due_reconciliations()", &[]).await.unwrap();
        let queued =
            "select exists (select from public.background_jobs where dedupe_key = 'cancel_skyvern_run:' || $1)";
        let queued: bool = transaction.query_one(queued, &[&run_id]).await.unwrap().get(0);
        assert_eq!(queued, is_cancelled, "after {age}");
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_proves_it_again_is_told_of_once() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    submission.decide("WITHDRAWN_BY_USER").await;
    for attempt in [1, 2] {
        let heard = submission.hear(&run_id, "completed", attempt, &decided("SUBMITTED_BY_SKYVERN")).await;
        assert_eq!(outcome(&heard), "kept", "{heard:?}");
    }
    assert_eq!(submission.told().await, 1);

    let caller = submission.person.caller().await;
    caller.rpc("erase_application", &json!({ "p_application_id": submission.application })).await.expect_status(204);
    let heard = submission.hear(&run_id, "completed", 3, &decided("SUBMITTED_BY_SKYVERN")).await;
    assert_eq!(outcome(&heard), "application_erased", "{heard:?}");
    assert_eq!(told(&submission).await, 0, "they knew, and had it erased");
}

#[tokio::test]
async fn an_event_that_waits_for_the_erasure_of_its_application_is_told_all_the_same() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    let mut erasing = stack.database().connect().await;
    let erasure = erasing.transaction().await.unwrap();
    erasure.execute("delete from public.applications where id = $1", &[&submission.application]).await.unwrap();
    let pid: i32 = erasure.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);

    let heard = tokio::spawn({
        let submission = submission.clone();
        let run_id = run_id.clone();
        async move { submission.hear(&run_id, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await }
    });
    eventually("the event waits for the erasure", async || {
        let sql = "select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))";
        (!stack.database().query(sql, &[&pid]).await.is_empty()).then_some(())
    })
    .await;
    erasure.commit().await.unwrap();

    let heard = heard.await.unwrap();
    assert_eq!(outcome(&heard), "application_erased", "{heard:?}");
    assert_eq!(told(&submission).await, 1, "it was sent before it could be stopped");
}

#[tokio::test]
async fn late_news_of_a_run_that_was_cancelled_does_not_put_it_in_progress_again() {
    let stack = Stack::get().await;
    for is_erased in [false, true] {
        let submission = Submission::claim(&stack, None).await;
        let run_id = submission.record().await;
        if is_erased {
            let erase = json!({ "p_application_id": submission.application });
            submission.person.caller().await.rpc("erase_application", &erase).await.expect_status(204);
        } else {
            submission.decide("WITHDRAWN_BY_USER").await;
        }
        let stopped = json!({ "p_submission_id": submission.id, "p_run_id": run_id });
        stack.service().rpc("record_stopped_run", &stopped).await.expect_status(200);

        let late = event(&run_id, "running", 1, Some(submission.application), None, &decided("PROCESSING_BY_SKYVERN"));
        stack.service().rpc("apply_skyvern_event", &late).await.expect_status(200);

        let sql = "select to_jsonb(ended_at is not null) from private.application_runs where run_id = $1";
        let is_over = stack.database().json(sql, &[&run_id]).await;
        assert_eq!(is_over, [Value::Bool(true)], "is erased: {is_erased}");
    }
}

/// How many notifications the person has.
async fn told(submission: &Submission) -> i64 {
    let sql = "select count(*) from public.notifications where user_id = $1";
    submission.stack.database().query(sql, &[&submission.person.user_id]).await[0].get(0)
}
