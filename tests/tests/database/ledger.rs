//! The ledger of runs, and the lease of a claim: who may start a run when, and what is written down of it once.

use serde_json::{Value, json};
use tests::Stack;
use uuid::Uuid;

use crate::submission::{Submission, decided, event, outcome};

/// What the ledger says of a submission: its run, when that was started, and when it was over.
async fn stamps(stack: &Stack, submission: Uuid) -> [Value; 3] {
    let sql = "select to_jsonb(r) from private.application_runs r where submission_id = $1";
    let row = stack.database().json(sql, &[&submission]).await.remove(0);
    ["run_id", "started_at", "ended_at"].map(|column| row[column].clone())
}

/// Everything that is written down happened a minute ago, so that a new time can be told from an old one.
async fn age(stack: &Stack, submission: Uuid) {
    let sql = "update private.application_runs
               set started_at = started_at - interval '1 minute', ended_at = ended_at - interval '1 minute'
               where submission_id = $1";
    stack.database().query(sql, &[&submission]).await;
}

async fn let_lease_end(stack: &Stack, application: Uuid, at: &str) {
    let sql = format!("update public.applications set submission_lease_expires_at = {at} where id = $1");
    stack.database().query(&sql, &[&application]).await;
}

#[tokio::test]
async fn a_claim_is_its_callers_for_a_minute_and_open_from_then_on() {
    let stack = Stack::get().await;
    for key in [None, Some("the same")] {
        let submission = Submission::claim(&stack, key).await;
        let lease = "select extract(epoch from submission_lease_expires_at - submission_started_at)::int
                     from public.applications where id = $1";
        assert_eq!(stack.database().query(lease, &[&submission.application]).await[0].get::<_, i32>(0), 60);

        let_lease_end(&stack, submission.application, "now() + interval '1 hour'").await;
        assert_eq!(outcome(&submission.claim_again(key).await), "in_progress");

        let_lease_end(&stack, submission.application, "now()").await;
        let open = submission.claim_again(key).await;
        assert_eq!((outcome(&open), &open.json["submission_id"]), ("open", &json!(submission.id)), "{open:?}");

        submission.fail("absent").await;
        let next = submission.claim_again(key).await;
        assert_eq!(outcome(&next), "claimed", "{next:?}");
        assert_ne!(next.json["submission_id"], json!(submission.id));
    }
}

#[tokio::test]
async fn a_run_is_over_when_it_is_first_heard_to_be_and_in_progress_again_with_another_attempt() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    age(&stack, submission.id).await;
    let [_, started_at, ended_at] = stamps(&stack, submission.id).await;
    assert!(started_at.is_string() && ended_at.is_null());
    let mut last = ended_at;

    for (status, attempt, retry_pending, is_over, is_new) in [
        ("running", 1, false, false, false),
        ("failed", 1, true, false, false),
        ("running", 2, false, false, false),
        ("canceled", 2, false, true, true),
        ("completed", 2, false, true, false),
        ("running", 3, false, false, true),
        ("terminated", 3, false, true, true),
    ] {
        let mut event = event(&run_id, status, attempt, None, None, &decided("PROCESSING_BY_SKYVERN"));
        event["p_retry_pending"] = json!(retry_pending);
        let heard = stack.service().rpc("apply_skyvern_event", &event).await.expect_status(200);
        let [run, started, ended] = stamps(&stack, submission.id).await;
        let what = format!("{status} of attempt {attempt}: {heard:?}");
        assert_eq!((run, started), (json!(run_id), started_at.clone()), "{what}");
        assert_eq!((ended.is_string(), ended != last), (is_over, is_new), "{what}");
        last = ended;
    }
}

#[tokio::test]
async fn a_run_is_written_down_once_whoever_finds_it_late() {
    let stack = Stack::get().await;
    let new_run = || format!("tsk_{}", Uuid::new_v4());
    let record = async |submission: &Submission, run_id: &str| {
        stack.service().rpc("record_skyvern_run", &submission.run(run_id)).await.expect_status(200)
    };
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    age(&stack, submission.id).await;
    let before = stamps(&stack, submission.id).await;

    assert_eq!(outcome(&record(&submission, &run_id).await), "already_recorded");
    assert_eq!(stamps(&stack, submission.id).await, before, "by the same call once more");
    assert_eq!(outcome(&record(&submission, &new_run()).await), "superseded");
    assert_eq!(stamps(&stack, submission.id).await, before, "another run of the same submission");
    let mut nobodys = submission.run(&new_run());
    nobodys["p_submission_id"] = Value::Null;
    let of_none = stack.service().rpc("record_skyvern_run", &nobodys).await.expect_status(200);
    assert_eq!(outcome(&of_none), "superseded", "a run of no submission");

    // Given up, and found after all: it is in progress, since nobody has heard of its end.
    let given_up = Submission::claim(&stack, None).await;
    given_up.fail("absent").await;
    age(&stack, given_up.id).await;
    let [run, _, ended_at] = stamps(&stack, given_up.id).await;
    assert!(run.is_null() && ended_at.is_string());
    assert_eq!(outcome(&record(&given_up, &run_id).await), "superseded", "somebody else's run");
    assert_eq!(stamps(&stack, given_up.id).await, [run, Value::Null, ended_at]);
    let stranger = Submission { id: given_up.id, ..submission.clone() };
    assert_eq!(outcome(&record(&stranger, &new_run()).await), "superseded", "in another application's name");
    assert!(stamps(&stack, given_up.id).await[0].is_null());
    let found = new_run();
    assert_eq!(outcome(&record(&given_up, &found).await), "superseded");
    let [run, started_at, ended_at] = stamps(&stack, given_up.id).await;
    assert!(run == json!(found) && started_at.is_string() && ended_at.is_null());

    // What an earlier run is heard to have done does not start it again.
    let earlier = Submission::claim(&stack, None).await;
    let first = earlier.record().await;
    earlier.hear(&first, "failed", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);
    earlier.submit_again().await;
    age(&stack, earlier.id).await;
    let before = stamps(&stack, earlier.id).await;
    earlier.hear(&first, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await.expect_status(200);
    assert_eq!(stamps(&stack, earlier.id).await, before);
}

#[tokio::test]
async fn a_run_that_was_stopped_is_over_once_and_stays_the_run_it_was() {
    let stack = Stack::get().await;
    let stop = async |submission: &Submission, run_id: Option<&str>| {
        let arguments = json!({ "p_submission_id": submission.id, "p_run_id": run_id });
        stack.service().rpc("record_stopped_run", &arguments).await.expect_status(200).json
    };
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    assert_eq!(stop(&submission, Some(&format!("tsk_{}", Uuid::new_v4()))).await, json!(true));
    age(&stack, submission.id).await;
    let before = stamps(&stack, submission.id).await;
    assert!(before[0] == json!(run_id) && before[2].is_string(), "{before:?}");
    assert_eq!(stop(&submission, None).await, json!(true));
    assert_eq!(stamps(&stack, submission.id).await, before);

    // A submission turns out to have started a run, but no two to have started the same one.
    let (first, second) = (Submission::claim(&stack, None).await, Submission::claim(&stack, None).await);
    let found = format!("tsk_{}", Uuid::new_v4());
    stop(&first, Some(&found)).await;
    stop(&second, Some(&found)).await;
    let ([run, ..], [other, _, ended_at]) = (stamps(&stack, first.id).await, stamps(&stack, second.id).await);
    assert!(run == json!(found) && other.is_null() && ended_at.is_string(), "{run} {other} {ended_at}");

    let nobodys = json!({ "p_submission_id": Uuid::new_v4(), "p_run_id": null });
    assert_eq!(stack.service().rpc("record_stopped_run", &nobodys).await.json, json!(false));
}
