//! What is asked of Skyvern about an application, and what is written down when there is no event to apply.

use serde_json::{Value, json};
use tests::{Person, Stack};
use uuid::Uuid;

use crate::submission::{Submission, decided, outcome};

async fn question(stack: &Stack, application: Uuid, by: Option<&Person>) -> Value {
    let about = json!({ "p_application_id": application, "p_user_id": by.map(|person| person.user_id) });
    stack.service().rpc("application_to_reconcile", &about).await.expect_status(200).json
}

/// `nothing` with its reason, or what is to be asked.
fn kind(question: &Value) -> String {
    match question["reason"].as_str() {
        Some(reason) => reason.to_owned(),
        None => question["outcome"].as_str().unwrap().to_owned(),
    }
}

async fn let_be(submission: &Submission, change: &str) {
    let sql = format!("update public.applications set {change} where id = $1");
    submission.stack.database().query(&sql, &[&submission.application]).await;
}

/// The run was started so long ago.
async fn let_run_last(submission: &Submission, time: &str) {
    let sql =
        format!("update private.application_runs set started_at = now() - interval '{time}' where submission_id = $1");
    submission.stack.database().query(&sql, &[&submission.id]).await;
}

async fn running(stack: &Stack) -> (Submission, String) {
    let submission = Submission::claim(stack, None).await;
    let run_id = submission.record().await;
    (submission, run_id)
}

/// How many looks at Skyvern are queued for an application when it is time. Nothing of that stays, since it is about
/// everybody's.
async fn queued(submission: &Submission) -> i64 {
    let mut client = submission.stack.database().connect().await;
    let transaction = client.transaction().await.unwrap();
    let queue = "select public.queue_due_reconciliations()";
    // As many as fit into one call, the oldest first.
    while transaction.query_one(queue, &[]).await.unwrap().get::<_, i32>(0) == 500 {}
    let sql = "select count(*) from public.background_jobs
               where job_type = 'reconcile_application' and payload ->> 'application_id' = $1";
    let jobs = transaction.query_one(sql, &[&submission.application.to_string()]).await.unwrap().get(0);
    transaction.rollback().await.unwrap();
    jobs
}

#[tokio::test]
async fn a_submission_is_looked_for_once_its_lease_is_over() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    assert_eq!(kind(&question(&stack, submission.application, None).await), "in_progress");
    assert_eq!(queued(&submission).await, 0);

    let_be(&submission, "submission_lease_expires_at = now(), submission_started_at = now() - interval '5 minutes'")
        .await;

    let asked = question(&stack, submission.application, Some(&submission.person)).await;
    assert_eq!((kind(&asked), &asked["submission_id"]), ("submission".to_owned(), &json!(submission.id)));
    assert_eq!(asked["title"], format!("jobraker-{}", submission.id));
    assert!((300..360).contains(&asked["seconds_ago"].as_i64().unwrap()), "{asked}");
    assert_eq!(queued(&submission).await, 1);
}

#[tokio::test]
async fn a_run_is_asked_about_after_a_minute_of_silence_by_whom_it_concerns() {
    let stack = Stack::get().await;
    let (submission, run_id) = running(&stack).await;
    let (application, person) = (submission.application, &submission.person);
    let stranger = stack.new_person().await;
    for (state, expected) in [
        ("skyvern_heard_at = now() - interval '35 seconds'", "just_heard_of"),
        // Nothing is known of it but its id.
        ("skyvern_run_status = null", "run"),
        ("skyvern_run_status = 'running', skyvern_heard_at = now() - interval '1 minute'", "run"),
        ("status = 'INTERVIEW_SCHEDULED'", "settled"),
        ("status = 'PROCESSING_BY_SKYVERN', skyvern_heard_at = now() - interval '1 hour'", "run"),
    ] {
        // What is written of a run counts as news of it, so the time is set apart.
        let (news, time) = state.split_once(", skyvern_heard_at").map_or((state, ""), |(news, time)| (news, time));
        let_be(&submission, news).await;
        if !time.is_empty() {
            let_be(&submission, &format!("skyvern_heard_at{time}")).await;
        }
        for by in [None, Some(person)] {
            assert_eq!(kind(&question(&stack, application, by).await), expected, "{state}");
        }
        assert_eq!(kind(&question(&stack, application, Some(&stranger)).await), "not_found");
    }
    let asked = question(&stack, application, None).await;
    assert_eq!((&asked["run_id"], &asked["attempt"], &asked["is_overdue"]), (&json!(run_id), &json!(1), &json!(false)));

    let_be(&submission, "deleted_at = now()").await;
    assert_eq!(kind(&question(&stack, application, Some(person)).await), "not_found", "what is hidden from them");
    assert_eq!(kind(&question(&stack, application, None).await), "run");
    assert_eq!(kind(&question(&stack, Uuid::new_v4(), None).await), "not_found");

    // Past its deadline it is asked about whenever it was heard of, until it is over.
    let_be(&submission, "skyvern_heard_at = now()").await;
    let_run_last(&submission, "3 hours").await;
    assert_eq!(question(&stack, application, None).await["is_overdue"], true);
    assert_eq!(queued(&submission).await, 1);
    let over = "update private.application_runs set ended_at = now() where submission_id = $1";
    stack.database().query(over, &[&submission.id]).await;
    assert_eq!(kind(&question(&stack, application, None).await), "just_heard_of");
}

#[tokio::test]
async fn only_what_is_silent_and_waits_for_skyvern_is_queued() {
    let stack = Stack::get().await;
    for (state, jobs) in [
        ("skyvern_heard_at = now() - interval '15 minutes'", 1),
        ("skyvern_heard_at = now() - interval '14 minutes'", 0),
        ("skyvern_heard_at = now() - interval '1 day', status = 'SUBMITTED_BY_SKYVERN'", 0),
        ("skyvern_heard_at = now() - interval '1 day', status = 'WITHDRAWN_BY_USER'", 0),
    ] {
        let (submission, _) = running(&stack).await;
        let_be(&submission, state).await;
        assert_eq!(queued(&submission).await, jobs, "{state}");
    }
    // Past its deadline, but over, or decided upon.
    for state in ["ended", "decided"] {
        let (submission, _) = running(&stack).await;
        let_run_last(&submission, "3 hours").await;
        if state == "ended" {
            let over = "update private.application_runs set ended_at = now() where submission_id = $1";
            stack.database().query(over, &[&submission.id]).await;
        } else {
            submission.decide("INTERVIEW_SCHEDULED").await;
        }
        assert_eq!(queued(&submission).await, 0, "{state}");
    }
}

#[tokio::test]
async fn what_is_found_out_counts_for_the_run_that_the_application_waits_for_and_once() {
    let stack = Stack::get().await;
    let given_up = decided("REQUIRES_ATTENTION_MANUAL_REVIEW");
    for (function, patience, end) in [
        ("record_lost_skyvern_run", "unknown", "lost"),
        ("record_overdue_skyvern_run", "in_time", "overdue"),
        ("note_ongoing_skyvern_run", "true", "true"),
    ] {
        let (submission, run_id) = running(&stack).await;
        let record = async |run_id: &str| {
            let mut found = json!({ "p_application_id": submission.application, "p_run_id": run_id });
            if function != "note_ongoing_skyvern_run" {
                found["p_decision"] = given_up.clone();
            }
            let reply = stack.service().rpc(function, &found).await.expect_status(200);
            reply.json["outcome"].as_str().map_or_else(|| reply.json.to_string(), str::to_owned)
        };
        let superseded = if function == "note_ongoing_skyvern_run" { "false" } else { "superseded" };
        assert_eq!(record(&run_id).await, patience, "{function}");
        assert_eq!(submission.told().await, 0);
        let_be(&submission, "skyvern_heard_at = now() - interval '24 hours'").await;
        let_run_last(&submission, "2 hours").await;
        assert_eq!(record(&format!("tsk_{}", Uuid::new_v4())).await, superseded, "{function}: another run");

        assert_eq!(record(&run_id).await, end, "{function}");

        let row = submission.row().await;
        if function == "note_ongoing_skyvern_run" {
            assert_eq!(row["status"], "PROCESSING_BY_SKYVERN");
            assert_eq!(kind(&question(&stack, submission.application, None).await), "run", "overdue all the same");
        } else {
            assert_eq!((&row["status"], &row["status_details"]["reason"]), (&given_up["status"], &json!("a_test")));
            assert_eq!(record(&run_id).await, superseded, "{function}: once more");
            assert_eq!(submission.told().await, 1, "{function}");
        }
        let is_over = json!([submission.id, run_id, true, end == "lost"]);
        assert_eq!(submission.ledger().await, [is_over], "{function}");
        assert_eq!(submission.cancelled().await.len(), usize::from(end == "overdue"), "{function}");
        let_be(&submission, "status = 'INTERVIEW_SCHEDULED'").await;
        assert_eq!(record(&run_id).await, superseded, "{function}: decided");
    }
}

#[tokio::test]
async fn a_submission_that_is_not_there_is_told_of_once_unless_it_waits_or_was_decided_upon() {
    let stack = Stack::get().await;
    for (state, status, messages) in [
        ("", "FAILED_SKYVERN_SUBMISSION", 1),
        ("decided", "WITHDRAWN_BY_USER", 0),
        ("waits", "PENDING_SKYVERN_SUBMISSION", 0),
    ] {
        let submission = Submission::claim(&stack, None).await;
        if state == "decided" {
            submission.decide("WITHDRAWN_BY_USER").await;
        }
        let mut open = json!({
            "p_application_id": submission.application, "p_submission_id": submission.id, "p_outcome": "open",
            "p_reason": "a_test",
        });
        if state == "waits" {
            open["p_queue_after"] = json!(3600);
        }
        stack.service().rpc("record_submission_failure", &open).await.expect_status(200);
        let absent = async |id: Uuid| {
            let found = json!({
                "p_application_id": submission.application, "p_submission_id": id,
                "p_decision": decided("FAILED_SKYVERN_SUBMISSION"),
            });
            stack.service().rpc("record_absent_submission", &found).await.expect_status(200)
        };
        assert_eq!(outcome(&absent(Uuid::new_v4()).await), "superseded", "{state}: another submission");

        for expected in ["absent", "superseded"] {
            assert_eq!(outcome(&absent(submission.id).await), expected, "{state}");
            let row = submission.row().await;
            assert_eq!((&row["status"], submission.told().await), (&json!(status), messages), "{state}");
        }
    }
}
