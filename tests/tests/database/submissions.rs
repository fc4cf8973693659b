//! The database functions behind applying through Skyvern and hearing back, called as the functions call them: what
//! they promise when calls come twice, late, in another order, or at the same instant.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::Stack;
use uuid::Uuid;

use crate::submission::{Submission, cancelled_and_sent_by_the_next, decided, event, leave_skyvern_alone, outcome};

#[tokio::test]
async fn twenty_claims_at_once_make_one_submission() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let application = person.draft_application().await;
    let caller = person.caller().await;

    let arguments = json!({ "p_application_id": application });
    let claims = join_all((0..20).map(|_| caller.rpc("claim_application", &arguments))).await;

    let outcomes: Vec<&str> = claims.iter().map(outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "claimed").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "in_progress").count(), 19, "{outcomes:?}");
}

#[tokio::test]
async fn one_key_claims_one_application_even_at_the_same_instant() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let applications = [person.draft_application().await, person.draft_application().await];
    let caller = person.caller().await;
    let arguments = applications.map(|id| json!({"p_application_id": id, "p_idempotency_key": "one"}));

    let (first, second) =
        tokio::join!(caller.rpc("claim_application", &arguments[0]), caller.rpc("claim_application", &arguments[1]));

    let mut answers = [(first.status, first.code()), (second.status, second.code())];
    answers.sort_unstable();
    assert_eq!(answers, [(200, ""), (422, "idempotency_key_reused")]);
}

#[tokio::test]
async fn a_key_answers_its_run_whatever_became_of_it() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, Some("again")).await;
    let run_id = submission.record().await;
    submission.hear(&run_id, "failed", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);

    let replay = submission.claim_again(Some("again")).await;
    assert_eq!((outcome(&replay), replay.run_id()), ("already_started", run_id.as_str()));

    let other = submission.claim_again(Some("another")).await;
    assert_eq!((other.status, other.code()), (409, "application_wrong_status"), "{other:?}");
}

#[tokio::test]
async fn a_foreign_or_folded_path_is_no_resume() {
    let stack = Stack::get().await;
    let (person, other) = (stack.new_person().await, stack.new_person().await);
    let application = person.draft_application().await;
    let caller = person.caller().await;
    for path in [
        other.resume_path.clone(),
        format!("{}/../{}", person.user_id, other.resume_path),
        format!("{}//cv.pdf", person.user_id),
        format!("{}/", person.user_id),
        format!("{}x/cv.pdf", person.user_id),
        "cv.pdf".to_owned(),
    ] {
        caller
            .update(&format!("users?id=eq.{}", person.user_id), &json!({"current_resume_url": path}))
            .await
            .expect_status(200);
        let claim = caller.rpc("claim_application", &json!({ "p_application_id": application })).await;
        assert_eq!((claim.status, claim.code()), (422, "resume_missing"), "{path}: {claim:?}");
    }
}

#[tokio::test]
async fn a_late_caller_does_not_touch_the_next_submission() {
    let stack = Stack::get().await;
    let first = Submission::claim(&stack, None).await;
    first.fail("released").await;
    let second = first.claim_again(None).await;
    assert_eq!(outcome(&second), "claimed", "{second:?}");

    let late = stack.service().rpc("record_skyvern_run", &first.run("tsk_late")).await;
    assert_eq!(outcome(&late), "superseded", "{late:?}");
    let late = first.fail("not_started").await;
    assert_eq!(outcome(&late), "superseded", "{late:?}");
    assert_eq!(outcome(&first.claim_again(None).await), "in_progress", "the second submission stands");
}

#[tokio::test]
async fn a_submission_that_is_open_is_not_started_again_until_its_run_was_looked_for() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;

    let open = submission.fail("open").await;
    assert_eq!((outcome(&open), &open.json["status"]), ("recorded", &json!("PENDING_SKYVERN_SUBMISSION")));
    let again = submission.claim_again(None).await;
    assert_eq!(outcome(&again), "open", "{again:?}");
    assert_eq!(again.json["submission_id"], json!(submission.id));

    submission.fail("absent").await;
    assert_eq!(outcome(&submission.claim_again(None).await), "claimed");
}

#[tokio::test]
async fn a_released_claim_leaves_the_application_as_it_was() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, Some("free again")).await;

    submission.fail("released").await;

    let row = submission.row().await;
    assert_eq!(row["status"], "DRAFT");
    for column in ["submission_id", "submission_lease_expires_at", "submission_idempotency_key", "status_details"] {
        assert_eq!(row[column], Value::Null, "{column}");
    }
}

#[tokio::test]
async fn what_the_person_decides_during_a_submission_stands() {
    let stack = Stack::get().await;
    for end in ["run", "not_started", "open", "absent", "released"] {
        let submission = Submission::claim(&stack, None).await;
        submission.decide("WITHDRAWN_BY_USER").await;

        if end == "run" {
            submission.record().await;
        } else {
            submission.fail(end).await;
        }

        assert_eq!(submission.row().await["status"], "WITHDRAWN_BY_USER", "{end}");
    }
}

#[tokio::test]
async fn events_that_come_before_their_run_are_applied_in_order_when_it_is_recorded() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = format!("tsk_{}", Uuid::new_v4());
    for (status, decision) in
        [("running", decided("PROCESSING_BY_SKYVERN")), ("completed", decided("SUBMITTED_BY_SKYVERN"))]
    {
        let early = stack.service().rpc("apply_skyvern_event", &event(&run_id, status, 1, None, None, &decision)).await;
        assert_eq!(outcome(&early), "waiting", "{early:?}");
    }

    let recorded = stack.service().rpc("record_skyvern_run", &submission.run(&run_id)).await.expect_status(200);

    assert_eq!((outcome(&recorded), &recorded.json["status"]), ("recorded", &json!("SUBMITTED_BY_SKYVERN")));
    assert_eq!(
        submission.history().await,
        [
            "person: DRAFT",
            "initiate: PENDING_SKYVERN_SUBMISSION",
            "initiate: PROCESSING_BY_SKYVERN",
            "skyvern_inbox: SUBMITTED_BY_SKYVERN",
        ]
    );
    assert_eq!(submission.told().await, 1);
}

#[tokio::test]
async fn an_event_and_the_record_of_its_run_at_the_same_instant_leave_nothing_waiting() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    for round in 0..40 {
        let submission = Submission::claim_by(&stack, person.clone(), None).await;
        let run_id = format!("tsk_{}", Uuid::new_v4());
        let decision = decided("SUBMITTED_BY_SKYVERN");
        let service = stack.service();
        let run = submission.run(&run_id);
        // Odd rounds hear from a webhook whose URL names the application, which may then adopt the run.
        let named = (round % 2 == 1).then_some(submission.application);
        let event = event(&run_id, "completed", 1, named, named.map(|_| submission.id), &decision);

        let (recorded, heard) =
            tokio::join!(service.rpc("record_skyvern_run", &run), service.rpc("apply_skyvern_event", &event));

        assert!(["recorded", "already_recorded"].contains(&outcome(&recorded)), "{recorded:?}");
        assert!(["applied", "waiting"].contains(&outcome(&heard)), "{heard:?}");
        assert_eq!(submission.row().await["status"], "SUBMITTED_BY_SKYVERN", "round {round}: {recorded:?} {heard:?}");
        assert_eq!(submission.told().await, 1, "round {round}");
    }
}

#[tokio::test]
async fn fifty_deliveries_of_an_event_apply_it_once() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    let event = event(&run_id, "completed", 1, None, None, &decided("SUBMITTED_BY_SKYVERN"));
    let service = stack.service();

    let deliveries = join_all((0..50).map(|_| service.rpc("apply_skyvern_event", &event))).await;

    let outcomes: Vec<&str> = deliveries.iter().map(outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "applied").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "duplicate").count(), 49, "{outcomes:?}");
    assert_eq!(submission.told().await, 1);
}

#[tokio::test]
async fn a_run_moves_on_only_in_the_order_that_skyvern_promises() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    let steps = [
        ("canceled", 1, "FAILED_SKYVERN_SUBMISSION", "applied"),
        ("running", 1, "PROCESSING_BY_SKYVERN", "out_of_order"),
        ("failed", 1, "FAILED_SKYVERN_SUBMISSION", "out_of_order"),
        ("completed", 1, "SUBMITTED_BY_SKYVERN", "applied"),
        ("canceled", 1, "FAILED_SKYVERN_SUBMISSION", "duplicate"),
        ("failed", 2, "FAILED_APPLICATION", "applied"),
        ("terminated", 1, "REQUIRES_ATTENTION_MANUAL_REVIEW", "out_of_order"),
    ];
    for (status, attempt, decision, expected) in steps {
        let heard = submission.hear(&run_id, status, attempt, &decided(decision)).await;
        assert_eq!(outcome(&heard), expected, "{status} of attempt {attempt}: {heard:?}");
    }
    assert_eq!(submission.row().await["status"], "FAILED_APPLICATION");
}

#[tokio::test]
async fn a_decision_of_the_person_stands_and_the_history_says_what_was_heard() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    submission.decide("INTERVIEW_SCHEDULED").await;

    let heard = submission.hear(&run_id, "failed", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await;

    assert_eq!((outcome(&heard), &heard.json["status"]), ("kept", &json!("INTERVIEW_SCHEDULED")));
    assert_eq!(submission.row().await["skyvern_run_status"], "failed");
    assert_eq!(submission.history().await.last().unwrap(), "skyvern_webhook: INTERVIEW_SCHEDULED");
    assert_eq!(submission.told().await, 0);
}

#[tokio::test]
async fn an_event_of_another_run_changes_nothing() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    submission.record().await;

    let earlier = format!("tsk_{}", Uuid::new_v4());
    let heard = submission.hear(&earlier, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await;

    assert_eq!(outcome(&heard), "other_run", "{heard:?}");
    assert_eq!(submission.row().await["status"], "PROCESSING_BY_SKYVERN");
}

#[tokio::test]
async fn the_ledger_has_a_row_for_each_submission_until_its_run_is_over() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, None).await;
    assert_eq!(submission.ledger().await, [json!([submission.id, null, false, false])], "claimed");
    submission.fail("released").await;
    assert!(submission.ledger().await.is_empty(), "as if it had not been claimed");

    for (end, is_over) in [("open", false), ("not_started", true), ("absent", true)] {
        let submission = Submission::claim(&stack, None).await;
        submission.fail(end).await;
        assert_eq!(submission.ledger().await, [json!([submission.id, null, false, is_over])], "{end}");
    }

    let submission = Submission::claim(&stack, None).await;
    let run_id = submission.record().await;
    for (status, decision, is_over) in [
        ("created", "PROCESSING_BY_SKYVERN", false),
        ("running", "PROCESSING_BY_SKYVERN", false),
        ("failed", "FAILED_SKYVERN_SUBMISSION", true),
    ] {
        submission.hear(&run_id, status, 1, &decided(decision)).await.expect_status(200);
        assert_eq!(submission.ledger().await, [json!([submission.id, run_id, true, is_over])], "{status}");
    }
}

#[tokio::test]
async fn while_skyvern_is_left_alone_a_submission_waits_and_calls_nobody() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let application = person.draft_application().await;
    let mut client = stack.database().connect().await;
    let transaction = leave_skyvern_alone(&mut client, &person).await;
    let ask = async |sql: &str| -> Value { transaction.query_one(sql, &[&application]).await.unwrap().get(0) };

    for call in ["first", "second"] {
        let claim = ask("select public.claim_application($1)").await;
        let expected = json!({ "outcome": "queued", "status": "PENDING_SKYVERN_SUBMISSION" });
        assert_eq!(claim, expected, "the {call} call");
    }
    let row = ask("select to_jsonb(a) from public.applications a where id = $1").await;
    let details = json!({ "reason": "skyvern_paused", "submission": "queued" });
    assert_eq!((&row["status_details"], &row["submission_id"]), (&details, &Value::Null));
    let in_turn =
        ask("select public.claim_queued_application(id, submission_job_id) from public.applications where id = $1");
    assert_eq!(in_turn.await, json!({ "outcome": "paused", "retry_after_seconds": 300 }));
    let jobs = ask(
        "select jsonb_agg(job_type) from public.background_jobs where payload ->> 'application_id' = $1::uuid::text",
    );
    assert_eq!(jobs.await, json!(["submit_application"]), "once");
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn a_run_whose_application_was_stopped_meanwhile_is_cancelled_when_it_is_heard_of() {
    let stack = Stack::get().await;
    for stop in ["withdrawn", "deleted"] {
        for finder in ["record", "webhook"] {
            let submission = Submission::claim(&stack, None).await;
            if stop == "withdrawn" {
                submission.decide("WITHDRAWN_BY_USER").await;
            } else {
                let key = json!({ "p_application_id": submission.application });
                submission.person.caller().await.rpc("delete_application", &key).await.expect_status(204);
            }

            let run_id = if finder == "record" {
                submission.record().await
            } else {
                let run_id = format!("tsk_{}", Uuid::new_v4());
                let running = decided("PROCESSING_BY_SKYVERN");
                submission.hear(&run_id, "running", 1, &running).await.expect_status(200);
                run_id
            };

            assert!(submission.cancelled().await.contains(&run_id), "{stop}, {finder}");
            assert_eq!(submission.told().await, 0);
        }
    }
}

#[tokio::test]
async fn what_is_proven_late_of_an_earlier_run_stands_and_the_later_one_is_cancelled() {
    let stack = Stack::get().await;
    for later in ["started", "claimed", "draft"] {
        let earlier = Submission::claim(&stack, None).await;
        let first = earlier.record().await;
        let failed = decided("FAILED_SKYVERN_SUBMISSION");
        earlier.hear(&first, "canceled", 1, &failed).await.expect_status(200);
        let mut submission = earlier.clone();
        let mut second = String::new();
        if later == "draft" {
            earlier.decide("DRAFT").await;
        } else {
            submission = earlier.submit_again().await;
            if later == "started" {
                second = submission.record().await;
            }
        }
        let before = earlier.row().await;

        for (status, decision) in [("running", "PROCESSING_BY_SKYVERN"), ("failed", "FAILED_APPLICATION")] {
            let heard = earlier.hear(&first, status, 1, &decided(decision)).await;
            assert_eq!(outcome(&heard), "other_run", "{later}: {heard:?}");
        }
        assert_eq!(earlier.row().await, before, "{later}: only proof counts");
        let heard = earlier.hear(&first, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await;

        assert_eq!((outcome(&heard), &heard.json["status"]), ("applied", &json!("SUBMITTED_BY_SKYVERN")), "{later}");
        let row = earlier.row().await;
        assert_eq!((&row["status"], &row["status_details"]["run_id"]), (&json!("SUBMITTED_BY_SKYVERN"), &json!(first)));
        assert_eq!(earlier.told().await, 2, "{later}: that it failed, and that it was sent");
        if later == "draft" {
            continue;
        }

        if later == "claimed" {
            second = submission.record().await;
        }
        assert!(submission.cancelled().await.contains(&second), "{later}");
        for (status, decision) in [("running", "PROCESSING_BY_SKYVERN"), ("canceled", "FAILED_SKYVERN_SUBMISSION")] {
            let heard = submission.hear(&second, status, 1, &decided(decision)).await;
            assert_eq!(outcome(&heard), "kept", "{later}: {heard:?}");
        }
        let row = earlier.row().await;
        assert_eq!((&row["status"], &row["status_details"]["run_id"]), (&json!("SUBMITTED_BY_SKYVERN"), &json!(first)));
        assert_eq!(earlier.told().await, 2, "{later}");

        // It was too late to cancel it.
        let heard = submission.hear(&second, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await;
        assert_eq!((outcome(&heard), earlier.told().await), ("kept", 3), "{later}: {heard:?}");
        assert_eq!(earlier.row().await["status_details"]["sent_twice"]["run_id"], json!(second));
    }
}

#[tokio::test]
async fn that_two_runs_sent_it_is_told_whichever_is_heard_of_first() {
    let stack = Stack::get().await;
    let (earlier, first, second) = cancelled_and_sent_by_the_next(&stack).await;
    let sent = decided("SUBMITTED_BY_SKYVERN");

    let heard = earlier.hear(&first, "completed", 1, &sent).await;

    assert_eq!((outcome(&heard), &heard.json["status"]), ("kept", &json!("SUBMITTED_BY_SKYVERN")), "{heard:?}");
    let row = earlier.row().await;
    assert_eq!(
        (&row["skyvern_task_id"], &row["status_details"]["sent_twice"]["run_id"]),
        (&json!(second), &json!(first))
    );
    assert_eq!(earlier.told().await, 3);
}

#[tokio::test]
async fn a_submission_that_fails_does_not_undo_what_an_earlier_run_has_proven() {
    let stack = Stack::get().await;
    for end in ["not_started", "open", "absent", "released"] {
        let earlier = Submission::claim(&stack, None).await;
        let first = earlier.record().await;
        earlier.hear(&first, "canceled", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);
        let later = earlier.submit_again().await;
        earlier.hear(&first, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await.expect_status(200);
        let before = earlier.row().await;

        later.fail(end).await;

        let row = earlier.row().await;
        assert_eq!((&row["status"], &row["status_details"]), (&before["status"], &before["status_details"]), "{end}");
    }
}

#[tokio::test]
async fn a_run_that_another_submission_has_superseded_is_cancelled_and_its_proof_is_found() {
    let stack = Stack::get().await;
    let earlier = Submission::claim(&stack, None).await;
    earlier.fail("absent").await;
    let later = earlier.submit_again().await;
    let first = format!("tsk_{}", Uuid::new_v4());

    let late = stack.service().rpc("record_skyvern_run", &earlier.run(&first)).await;

    assert_eq!(outcome(&late), "superseded", "{late:?}");
    assert_eq!(earlier.cancelled().await, [first.as_str()], "and not the later one");
    let sent = decided("SUBMITTED_BY_SKYVERN");
    let heard = earlier.hear(&first, "completed", 1, &sent).await;
    assert_eq!(outcome(&heard), "applied", "{heard:?}");
    assert!(later.cancelled().await.contains(&later.id.to_string()), "the submission that is open is stopped now");
}
