//! Which submissions wait in the queue, and what a claim that is taken back leaves.

use serde_json::json;
use tests::Stack;

use crate::submission::{Submission, outcome};

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

#[tokio::test]
async fn of_no_submission_nothing_is_written_down() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    submission.fail("released").await;
    let before = submission.row().await;

    for how in ["not_started", "open", "absent", "released"] {
        let arguments = json!({
            "p_application_id": submission.application, "p_submission_id": null, "p_outcome": how, "p_reason": "a_test",
        });
        let ended = stack.service().rpc("record_submission_failure", &arguments).await.expect_status(200);
        assert_eq!(outcome(&ended), "superseded", "{how}");
    }

    assert_eq!(submission.row().await, before);
}

#[tokio::test]
async fn what_its_job_could_not_hand_over_waits_on_unless_a_run_may_have_started() {
    let stack = Stack::get().await;
    for (how, waits_on) in [("released", true), ("not_started", true), ("open", false)] {
        let submission = Submission::claim(&stack, Some("a key")).await;
        end(&submission, Some("not_started")).await.expect_status(200);
        let job = submission.row().await["submission_job_id"].clone();
        let turn = json!({ "p_application_id": submission.application, "p_job_id": job });
        let claim = stack.service().rpc("claim_queued_application", &turn).await;
        assert_eq!(outcome(&claim), "claimed", "{claim:?}");
        let next =
            Submission { id: serde_json::from_value(claim.json["submission_id"].clone()).unwrap(), ..submission };

        if how == "not_started" {
            end(&next, Some(how)).await.expect_status(200);
        } else {
            next.fail(how).await;
        }

        let row = next.row().await;
        assert_eq!(row["submission_job_id"] == job, waits_on, "{how}: {row:#}");
        assert_eq!(row["submission_idempotency_key"], "a key", "{how}");
        assert_eq!(row["status"], "PENDING_SKYVERN_SUBMISSION", "{how}");
    }
}
