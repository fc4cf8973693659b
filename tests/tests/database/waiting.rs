//! Which submissions wait in the queue, and what a claim that is taken back leaves.

use serde_json::json;
use tests::Stack;

use crate::submissions::{Submission, outcome};

/// Ends a submission so that it waits, if it may.
async fn end(submission: &Submission, end: Option<&str>) -> tests::Reply {
    let arguments = json!({
        "p_application_id": submission.application, "p_submission_id": submission.id, "p_outcome": end,
        "p_reason": "a_test", "p_queue_after": 3600,
    });
    submission.stack.service().rpc("record_submission_failure", &arguments).await
}

#[tokio::test]
async fn what_was_not_started_waits_if_it_is_still_wanted() {
    let stack = Stack::get().await;
    for (how, meanwhile, waits) in [
        ("not_started", "", true),
        ("open", "", true),
        ("absent", "", false),
        ("released", "", false),
        ("not_started", "WITHDRAWN_BY_USER", false),
        ("not_started", "DRAFT", false),
        ("open", "DRAFT", false),
        ("not_started", "deleted", false),
        ("open", "deleted", false),
    ] {
        let submission = Submission::claim(&stack, Some("a key")).await;
        match meanwhile {
            "" => {}
            "deleted" => {
                let key = json!({ "p_application_id": submission.application });
                submission.person.caller().await.rpc("delete_application", &key).await.expect_status(204);
            }
            status => submission.decide(status).await,
        }

        let ended = end(&submission, Some(how)).await.expect_status(200);

        let row = submission.row().await;
        let jobs = "select count(*) from public.background_jobs
                    where job_type = 'submit_application' and payload ->> 'application_id' = $1";
        let jobs = stack.database().query(jobs, &[&submission.application.to_string()]).await;
        let what = format!("{how} {meanwhile}: {row:#}");
        assert_eq!(ended.json["queued"], json!(waits), "{what}");
        assert_eq!(row["submission_job_id"].is_string(), waits, "{what}");
        assert_eq!(jobs[0].get::<_, i64>(0), i64::from(waits), "{what}");
        // A repeated request gets the response of what waits, or of what may have started, and of nothing else.
        assert_eq!(row["submission_idempotency_key"].is_string(), waits || how == "open", "{what}");
        // What surely started nothing has cost nothing.
        let is_listed = how == "open" || how == "absent" || (how == "not_started" && !waits);
        assert_eq!(submission.ledger().await.len(), usize::from(is_listed), "{what}");
    }

    for unknown in [None, Some("lost")] {
        let submission = Submission::claim(&stack, None).await;
        let refused = end(&submission, unknown).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_input"), "{unknown:?}: {refused:?}");
        assert_eq!(outcome(&submission.claim_again(None).await), "in_progress");
    }
}

#[tokio::test]
async fn a_claim_that_is_taken_back_does_not_undo_what_the_person_did_meanwhile() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let application = person.pending_application().await;
    let pending = Submission::claim_of(&stack, person, application, None).await;
    pending.decide("DRAFT").await;

    pending.fail("released").await;

    assert_eq!(pending.row().await["status"], "DRAFT");
}
