//! News of a run that comes when its application has gone on, or is gone.

use serde_json::{Value, json};
use tests::{Reply, Stack, eventually};
use uuid::Uuid;

use crate::submission::{Submission, cancelled_and_sent_by_the_next, decided, event, outcome};

async fn ledger(stack: &Stack, submission: Uuid) -> Value {
    let sql = "select to_jsonb(r) from private.application_runs r where submission_id = $1";
    stack.database().json(sql, &[&submission]).await.remove(0)
}

fn new_run() -> String {
    format!("tsk_{}", Uuid::new_v4())
}

async fn tell(stack: &Stack, event: &Value) -> Reply {
    stack.service().rpc("apply_skyvern_event", event).await.expect_status(200)
}

/// What the inbox says of a run's events, in the order in which they came.
async fn inbox(stack: &Stack, run_id: &str) -> Vec<Value> {
    let sql = "select jsonb_build_array(outcome, application_id, applied_at is not null)
               from public.webhook_events where run_id = $1 order by received_at";
    stack.database().json(sql, &[&run_id]).await
}

/// How many notifications the person has, of whatever.
async fn notifications_of(submission: &Submission) -> i64 {
    let sql = "select count(*) from public.notifications where user_id = $1";
    submission.stack.database().query(sql, &[&submission.person.user_id]).await[0].get(0)
}

#[tokio::test]
async fn what_is_said_twice_in_different_words_is_told_once() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    let sent = decided("SUBMITTED_BY_SKYVERN");
    assert_eq!(outcome(&submission.hear(&run_id, "completed", 1, &sent).await), "applied");
    let first = submission.row().await;

    assert_eq!(outcome(&submission.hear(&run_id, "completed", 2, &sent).await), "applied");

    let second = submission.row().await;
    assert_eq!(first["applied_at"], second["applied_at"]);
    assert_eq!((&second["skyvern_run_attempt"], submission.told().await), (&json!(2), 1));
}

#[tokio::test]
async fn a_failure_that_is_tried_again_and_one_that_is_not_are_two_events() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    for (retry_pending, decision) in [(true, "PROCESSING_BY_SKYVERN"), (false, "FAILED_SKYVERN_SUBMISSION")] {
        let mut event = event(&run_id, "failed", 1, None, None, &decided(decision));
        event["p_retry_pending"] = json!(retry_pending);
        for expected in ["applied", "duplicate"] {
            assert_eq!(outcome(&tell(&stack, &event).await), expected, "retry pending: {retry_pending}");
        }
        let row = submission.row().await;
        assert_eq!((&row["status"], &row["applied_at"]), (&json!(decision), &Value::Null), "nothing was sent");
    }
}

#[tokio::test]
async fn what_the_person_decided_stands_and_the_run_is_followed_all_the_same() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    submission.decide("INTERVIEW_SCHEDULED").await;
    let going_on = decided("PROCESSING_BY_SKYVERN");

    assert_eq!(outcome(&submission.hear(&run_id, "running", 2, &going_on).await), "kept");
    assert_eq!(submission.row().await["skyvern_run_attempt"], 2);
    assert_eq!(outcome(&submission.hear(&run_id, "failed", 1, &going_on).await), "out_of_order");

    // After an interview nobody wonders whether it was sent, and the proof is kept.
    assert_eq!(outcome(&submission.hear(&run_id, "completed", 2, &decided("SUBMITTED_BY_SKYVERN")).await), "kept");
    let row = submission.row().await;
    assert_eq!((&row["status"], &row["status_details"]["run_id"]), (&json!("INTERVIEW_SCHEDULED"), &json!(run_id)));
    assert_eq!(submission.told().await, 0);
}

#[tokio::test]
async fn that_it_was_sent_in_spite_of_a_decision_is_told_once() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    submission.decide("WITHDRAWN_BY_USER").await;

    for attempt in 1..=3 {
        let sent = decided("SUBMITTED_BY_SKYVERN");
        assert_eq!(outcome(&submission.hear(&run_id, "completed", attempt, &sent).await), "kept");
        assert_eq!(submission.told().await, 1, "after attempt {attempt}");
    }
    assert_eq!(submission.row().await["status_details"]["run_id"], json!(run_id));
}

#[tokio::test]
async fn only_what_was_given_up_for_its_deadline_is_not_moved_by_its_cancellation() {
    let stack = Stack::get().await;
    let (given_up, failed) = ("REQUIRES_ATTENTION_MANUAL_REVIEW", "FAILED_SKYVERN_SUBMISSION");
    for (reason, event, decision, status) in [
        ("run_overdue", "running", "PROCESSING_BY_SKYVERN", given_up),
        ("run_overdue", "canceled", failed, given_up),
        ("run_overdue", "failed", failed, failed),
        ("unproven", "canceled", failed, failed),
    ] {
        let submission = Submission::claim(&stack, None).await;
        let run_id = submission.record().await;
        let path = format!("applications?id=eq.{}", submission.application);
        let change = json!({ "status": given_up, "status_details": { "reason": reason } });
        stack.service().update(&path, &change).await.expect_status(200);

        submission.hear(&run_id, event, 1, &decided(decision)).await.expect_status(200);

        let row = submission.row().await;
        assert_eq!((&row["status"], &row["skyvern_run_status"]), (&json!(status), &json!(event)), "{reason}, {event}");
    }
}

#[tokio::test]
async fn an_earlier_run_that_goes_on_is_stopped_and_its_proof_is_told_once() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    // Given up, and put back to the start by its person.
    let path = format!("applications?id=eq.{}", submission.application);
    let given_up = json!({ "status": "REQUIRES_ATTENTION_MANUAL_REVIEW" });
    stack.service().update(&path, &given_up).await.expect_status(200);
    submission.decide("DRAFT").await;

    let heard = submission.hear(&run_id, "running", 1, &decided("PROCESSING_BY_SKYVERN")).await;

    assert_eq!(outcome(&heard), "other_run", "{heard:?}");
    assert_eq!(submission.cancelled().await, [run_id.as_str()], "nobody wants it any more");
    assert_eq!(submission.row().await["status"], "DRAFT");
    let sent = decided("SUBMITTED_BY_SKYVERN");
    assert_eq!(outcome(&submission.hear(&run_id, "completed", 1, &sent).await), "applied");
    assert!(ledger(&stack, submission.id).await["ended_at"].is_string(), "it is over");
    submission.hear(&run_id, "completed", 2, &sent).await.expect_status(200);
    assert_eq!(submission.told().await, 1);
}

#[tokio::test]
async fn the_same_proof_of_an_earlier_run_once_more_is_no_second_sending() {
    let stack = Stack::get().await;
    let (earlier, first, _) = cancelled_and_sent_by_the_next(&stack).await;
    let sent = decided("SUBMITTED_BY_SKYVERN");
    earlier.hear(&first, "completed", 1, &sent).await.expect_status(200);
    let told = earlier.told().await;

    earlier.hear(&first, "completed", 2, &sent).await.expect_status(200);

    assert_eq!(earlier.told().await, told, "that it was sent twice was told");
}

#[tokio::test]
async fn news_of_an_earlier_run_is_not_that_of_the_submission_that_is_open() {
    let stack = Stack::get().await;
    let failed = decided("FAILED_SKYVERN_SUBMISSION");
    let earlier = Submission::claim(&stack, None).await;
    let first = earlier.record().await;
    earlier.hear(&first, "failed", 1, &failed).await.expect_status(200);
    let later = earlier.submit_again().await;
    later.decide("WITHDRAWN_BY_USER").await;
    let before = later.row().await;
    assert_eq!(outcome(&earlier.hear(&first, "failed", 2, &failed).await), "other_run", "whatever was decided since");
    assert_eq!(later.row().await, before);

    // A run that was found late, of a submission that was given up before the next one.
    let earlier = Submission::claim(&stack, None).await;
    earlier.fail("absent").await;
    let later = earlier.submit_again().await;
    let found = new_run();
    stack.service().rpc("record_skyvern_run", &earlier.run(&found)).await.expect_status(200);
    let unnamed = event(&found, "running", 1, Some(later.application), None, &decided("PROCESSING_BY_SKYVERN"));
    assert_eq!(outcome(&tell(&stack, &unnamed).await), "other_run");
    let row = later.row().await;
    assert_eq!((&row["submission_id"], &row["skyvern_task_id"]), (&json!(later.id), &Value::Null));

    // And one that is heard of before it is found: the address of its webhook names its submission.
    let earlier = Submission::claim(&stack, None).await;
    earlier.fail("absent").await;
    let later = earlier.submit_again().await;
    let heard = new_run();
    assert_eq!(outcome(&earlier.hear(&heard, "running", 1, &decided("PROCESSING_BY_SKYVERN")).await), "other_run");
    let run = ledger(&stack, earlier.id).await;
    assert!(run["run_id"] == json!(heard) && run["started_at"].is_string() && run["ended_at"].is_null(), "{run:#}");
    assert_eq!(earlier.cancelled().await, [heard], "nobody wants it any more");
    assert_eq!(later.row().await["submission_id"], json!(later.id));
}

#[tokio::test]
async fn what_waited_is_applied_in_the_order_in_which_it_came_and_once() {
    let stack = Stack::get().await;
    for is_found_by_webhook in [false, true] {
        let submission = Submission::claim(&stack, None).await;
        let run_id = new_run();
        let (canceled, sent) = (decided("FAILED_SKYVERN_SUBMISSION"), decided("SUBMITTED_BY_SKYVERN"));
        let early = event(&run_id, "canceled", 1, None, None, &canceled);
        assert_eq!(outcome(&tell(&stack, &early).await), "waiting");

        // The other way round, the second would be out of order.
        if is_found_by_webhook {
            assert_eq!(outcome(&submission.hear(&run_id, "completed", 1, &sent).await), "applied");
        } else {
            let early = event(&run_id, "completed", 1, None, None, &sent);
            assert_eq!(outcome(&tell(&stack, &early).await), "waiting");
            stack.service().rpc("record_skyvern_run", &submission.run(&run_id)).await.expect_status(200);
        }

        let applied = json!(["applied", submission.application, true]);
        assert_eq!(inbox(&stack, &run_id).await, [applied.clone(), applied]);
        assert_eq!((&submission.row().await["status"], submission.told().await), (&json!("SUBMITTED_BY_SKYVERN"), 2));
    }
}

#[tokio::test]
async fn an_event_names_its_submission_and_no_stranger_to_it() {
    let stack = Stack::get().await;
    let (submission, other) = (Submission::claim(&stack, None).await, Submission::claim(&stack, None).await);
    let going_on = decided("PROCESSING_BY_SKYVERN");

    // Another application's submission: it is nobody's as far as anything is known.
    let run_id = new_run();
    let strange = event(&run_id, "running", 1, Some(submission.application), Some(other.id), &going_on);
    assert_eq!(outcome(&tell(&stack, &strange).await), "waiting");
    assert_eq!(inbox(&stack, &run_id).await, [json!(["waiting", null, false])]);
    assert!(ledger(&stack, other.id).await["run_id"].is_null());
    // When its run is recorded, it is applied, and once.
    stack.service().rpc("record_skyvern_run", &submission.run(&run_id)).await.expect_status(200);
    assert_eq!(inbox(&stack, &run_id).await, [json!(["applied", submission.application, true])]);

    // Without a submission, and with an earlier run, it could be that of an earlier attempt.
    let earlier = Submission::claim(&stack, None).await;
    let first = earlier.record().await;
    earlier.hear(&first, "failed", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);
    let later = earlier.submit_again().await;
    let unknown = event(&new_run(), "running", 1, Some(later.application), None, &going_on);
    assert_eq!(outcome(&tell(&stack, &unknown).await), "other_run");
    assert!(ledger(&stack, later.id).await["run_id"].is_null());
    // Without an earlier one it can only be this.
    let adopted = event(&new_run(), "running", 1, Some(other.application), None, &going_on);
    assert_eq!(outcome(&tell(&stack, &adopted).await), "applied");
    assert_eq!(ledger(&stack, other.id).await["run_id"], adopted["p_run_id"]);
}

#[tokio::test]
async fn of_an_erased_application_its_run_is_followed_and_that_it_was_sent_is_told() {
    let stack = Stack::get().await;
    for is_recorded in [true, false] {
        let submission = Submission::claim(&stack, None).await;
        let run_id = if is_recorded { submission.record().await } else { new_run() };
        let key = json!({ "p_application_id": submission.application });
        submission.person.caller().await.rpc("erase_application", &key).await.expect_status(204);
        let told = async || stack.database().rows("notifications", "user_id", submission.person.user_id).await.len();

        for (status, attempt, decision, is_over, messages) in [
            ("running", 1, "PROCESSING_BY_SKYVERN", false, 0),
            ("failed", 1, "FAILED_SKYVERN_SUBMISSION", true, 0),
            ("completed", 2, "SUBMITTED_BY_SKYVERN", true, 1),
        ] {
            let heard = submission.hear(&run_id, status, attempt, &decided(decision)).await;
            assert_eq!(outcome(&heard), "application_erased", "{status}: {heard:?}");
            let run = ledger(&stack, submission.id).await;
            assert!(run["run_id"] == json!(run_id) && run["started_at"].is_string(), "{status}: {run:#}");
            assert_eq!((run["ended_at"].is_string(), told().await), (is_over, messages), "{status}");
        }
        assert_eq!(inbox(&stack, &run_id).await.len(), 3);
        let kept = "select from public.webhook_events where run_id = $1 and (body <> '' or decision is not null)";
        assert!(stack.database().query(kept, &[&run_id]).await.is_empty(), "nothing of what was said");
    }
}

#[tokio::test]
async fn a_run_that_is_found_when_it_is_over_ends_with_its_event() {
    let stack = Stack::get().await;
    for status in ["completed", "failed", "terminated", "timed_out", "canceled"] {
        let submission = Submission::claim(&stack, None).await;
        submission.fail("open").await;
        let mut run = submission.run(&new_run());
        run["p_run_status"] = json!(status);
        stack.service().rpc("record_skyvern_run", &run).await.expect_status(200);
        let row = submission.row().await;
        assert_eq!((&row["status"], &row["status_details"]), (&json!("PROCESSING_BY_SKYVERN"), &Value::Null));
        let run_id = run["p_run_id"].as_str().unwrap();

        let ended = submission.hear(run_id, status, 1, &decided("FAILED_SKYVERN_SUBMISSION")).await;

        assert_eq!(outcome(&ended), "applied", "{status}");
        assert!(ledger(&stack, submission.id).await["ended_at"].is_string(), "{status}");
        let late = submission.hear(run_id, "running", 1, &decided("PROCESSING_BY_SKYVERN")).await;
        assert_eq!(outcome(&late), "out_of_order", "{status}");
    }
}

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
    assert_eq!(notifications_of(&submission).await, 0, "they knew, and had it erased");
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
    assert_eq!(notifications_of(&submission).await, 1, "it was sent before it could be stopped");
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
