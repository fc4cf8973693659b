//! Catching up with Skyvern: what it did not tell is asked for, and nothing else changes.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Fault, FaultSpec, Finish, Finished, Person, RunStatus, Service, Stack};
use uuid::Uuid;

use crate::support::{enqueue, id, let_time_pass, run_jobs};

/// The runner does what other tests left behind as well, and waits for those vendors that are told to be slow.

#[tokio::test]
async fn a_lost_webhook_is_found_and_comes_too_late_when_it_comes() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let lost = lose_webhook(&stack, &run_id, &Finish::submitted()).await;

    silence(&stack, application, "16 minutes").await;
    tick_until(&ada, application, "SUBMITTED_BY_SKYVERN").await;

    let row = ada.application_row(application).await;
    assert_eq!(row["status_details"]["confirmation_id"], "CONF-2041", "{row:#}");
    assert_eq!(history(&stack, application).await.last().unwrap(), "reconciler: SUBMITTED_BY_SKYVERN");
    assert_eq!(told(&stack, application).await, 1);

    let late = stack.send_webhook("", &[("x-skyvern-signature", &lost.signature)], lost.body).await;
    assert_eq!(late.expect_status(200).json["outcome"], "duplicate");
    assert_eq!(told(&stack, application).await, 1);
    let events = stack.database().rows("webhook_events", "application_id", application).await;
    assert_eq!(events.len(), 1, "{events:#?}");
    // Skyvern's answer echoes what the run was told to do, about whom and with which file.
    let body = events[0]["body"].as_str().unwrap();
    assert!(body.contains("CONF-2041") && !body.contains("Ada") && !body.contains("run_request"), "{body}");
}

#[tokio::test]
async fn every_end_that_was_missed_is_written_down_as_its_webhook_would_have_been() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (finish, status, reason) in [
        (Finish::with_status(RunStatus::Completed), "REQUIRES_ATTENTION_MANUAL_REVIEW", "unproven"),
        (
            Finish::with_error(RunStatus::Terminated, "login_required", "an account is needed"),
            "REQUIRES_ATTENTION_USER_INPUT",
            "login_required",
        ),
        (Finish::with_status(RunStatus::TimedOut), "FAILED_SKYVERN_SUBMISSION", "timed_out"),
        (Finish::with_status(RunStatus::Canceled), "FAILED_SKYVERN_SUBMISSION", "canceled"),
    ] {
        let (application, run_id) = started(&ada).await;
        lose_webhook(&stack, &run_id, &finish).await;
        silence(&stack, application, "2 minutes").await;

        assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "applied" }), "{finish:?}");

        let row = ada.application_row(application).await;
        assert_eq!((&row["status"], &row["status_details"]["reason"]), (&json!(status), &json!(reason)));
        assert_eq!(told(&stack, application).await, 1, "{finish:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_later_attempt_is_not_taken_for_that_of_the_first() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let second =
        |finish: Finish, retry_pending| Finish { attempt: Some(2), retry_pending: Some(retry_pending), ..finish };
    stack.skyvern().finish(&run_id, &second(Finish::with_status(RunStatus::Failed), true)).await;
    lose_webhook(&stack, &run_id, &second(Finish::submitted(), false)).await;
    silence(&stack, application, "2 minutes").await;

    // Skyvern's answer says nothing of attempts.
    assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "applied" }));

    let row = ada.application_row(application).await;
    assert_eq!((&row["status"], &row["skyvern_run_attempt"]), (&json!("SUBMITTED_BY_SKYVERN"), &json!(2)));
}

#[tokio::test]
async fn of_an_application_that_was_deleted_only_that_it_was_sent_is_told() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (finish, status, messages) in [
        (Finish::submitted(), "SUBMITTED_BY_SKYVERN", 1),
        (Finish::with_status(RunStatus::Failed), "FAILED_SKYVERN_SUBMISSION", 0),
    ] {
        let (application, run_id) = started(&ada).await;
        lose_webhook(&stack, &run_id, &finish).await;
        silence(&stack, application, "2 minutes").await;
        let deletion = json!({ "p_application_id": application });
        ada.caller().await.rpc("delete_application", &deletion).await.expect_status(204);

        look(&stack, application, None).await;

        // The job that cancels the run may have been faster.
        assert_eq!(ada.application_row(application).await["status"], status);
        assert_eq!(told(&stack, application).await, messages, "{status}");
    }
}

#[tokio::test]
async fn a_run_is_given_up_and_cancelled_at_its_deadline_and_its_end_is_believed() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (finish, status) in [
        (Finish::submitted(), "SUBMITTED_BY_SKYVERN"),
        (
            Finish { out_of_turn: true, reports_progress: true, ..Finish::with_status(RunStatus::Running) },
            "REQUIRES_ATTENTION_MANUAL_REVIEW",
        ),
    ] {
        let (application, run_id) = started(&ada).await;
        let_run_last(&stack, &run_id, "121 minutes").await;

        tick_until(&ada, application, "REQUIRES_ATTENTION_MANUAL_REVIEW").await;
        let row = ada.application_row(application).await;
        assert_eq!(row["status_details"]["reason"], "run_overdue", "{row:#}");
        assert_eq!(history(&stack, application).await.last().unwrap(), "reconciler: REQUIRES_ATTENTION_MANUAL_REVIEW");
        assert_eq!(told(&stack, application).await, 1);

        // Skyvern's webhook about the cancellation says nothing of what was done before.
        tests::eventually("the run is cancelled", async || {
            run_jobs(&stack, &["cancel_skyvern_run"]).await;
            (ada.application_row(application).await["skyvern_run_status"] == "canceled").then_some(())
        })
        .await;
        assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled);
        let row = ada.application_row(application).await;
        assert_eq!(
            (&row["status"], &row["status_details"]["reason"]),
            (&json!("REQUIRES_ATTENTION_MANUAL_REVIEW"), &json!("run_overdue"))
        );
        assert_eq!(told(&stack, application).await, 1);

        stack.skyvern().finish(&run_id, &finish).await;
        assert_eq!(ada.application_row(application).await["status"], status);
        assert_eq!(told(&stack, application).await, if status == "SUBMITTED_BY_SKYVERN" { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_run_that_ended_by_its_deadline_is_what_it_ended_as() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    lose_webhook(&stack, &run_id, &Finish::submitted()).await;
    let_run_last(&stack, &run_id, "1 day").await;

    tick_until(&ada, application, "SUBMITTED_BY_SKYVERN").await;

    assert_eq!(told(&stack, application).await, 1);
}

#[tokio::test]
async fn the_deadline_is_two_hours_unless_an_operator_sets_another() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    // Nobody else sees another deadline.
    let mut client = stack.database().connect().await;
    let transaction = client.transaction().await.unwrap();
    for (deadline, time, is_overdue) in [
        (None, "119 minutes", false),
        (None, "121 minutes", true),
        (Some("4 hours"), "121 minutes", false),
        (Some("4 hours"), "241 minutes", true),
    ] {
        if let Some(deadline) = deadline {
            let sql = format!("update private.application_run_limits set deadline = '{deadline}'");
            transaction.execute(&sql, &[]).await.unwrap();
        }
        let sql =
            format!("update private.application_runs set started_at = now() - interval '{time}' where run_id = $1");
        transaction.execute(&sql, &[&run_id]).await.unwrap();
        transaction
            .execute(
                "update public.applications set skyvern_heard_at = now() - interval '2 minutes' where id = $1",
                &[&application],
            )
            .await
            .unwrap();

        let row = transaction.query_one("select public.application_to_reconcile($1, null)", &[&application]).await;
        let question: Value = row.unwrap().get(0);
        assert_eq!(question["is_overdue"], is_overdue, "{deadline:?} {time}");
        let overdue = json!({ "status": "REQUIRES_ATTENTION_MANUAL_REVIEW", "status_details": {} });
        let sql = "select public.record_overdue_skyvern_run($1, $2, $3)";
        if !is_overdue {
            let row = transaction.query_one(sql, &[&application, &run_id, &overdue]).await.unwrap();
            assert_eq!(row.get::<_, Value>(0)["outcome"], "in_time");
        }
    }
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn a_run_that_goes_on_is_asked_for_again_after_the_next_silence() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    silence(&stack, application, "16 minutes").await;
    let before = ada.application_row(application).await;

    tests::eventually("Skyvern is heard of", async || {
        run_jobs(&stack, &["reconcile_application"]).await;
        let row = ada.application_row(application).await;
        (row["skyvern_heard_at"] != before["skyvern_heard_at"]).then_some(())
    })
    .await;
    assert_eq!(ada.application_row(application).await["status"], "PROCESSING_BY_SKYVERN");
    assert_eq!(told(&stack, application).await, 0);

    for _ in 0..2 {
        silence(&stack, application, "2 minutes").await;
        assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "ongoing" }));
        assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "just_heard_of" }));
    }
    silence(&stack, application, "2 minutes").await;
    lose_webhook(&stack, &run_id, &Finish::submitted()).await;
    assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "applied" }));
    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
}

#[tokio::test]
async fn it_is_silence_after_a_quarter_of_an_hour_and_not_before() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, _) = started(&ada).await;
    // In one transaction it is one moment. Nothing of it is committed, and nobody else queues anything meanwhile.
    let mut client = stack.database().connect().await;
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("lock table public.background_jobs in share row exclusive mode").await.unwrap();
    for (time, queued) in [("14 minutes 59.999 seconds", 0), ("15 minutes", 1), ("1 hour", 1)] {
        let silence =
            format!("update public.applications set skyvern_heard_at = now() - interval '{time}' where id = $1");
        transaction.execute(&silence, &[&application]).await.unwrap();
        transaction.execute("select public.queue_due_reconciliations()", &[]).await.unwrap();

        let sql = "select count(*) from public.background_jobs
                   where job_type = 'reconcile_application' and payload ->> 'application_id' = $1";
        let count: i64 = transaction.query_one(sql, &[&application.to_string()]).await.unwrap().get(0);
        assert_eq!(count, queued, "{time}");
    }
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn every_kind_of_news_ends_the_silence() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let heard_at = async || ada.application_row(application).await["skyvern_heard_at"].clone();
    let recorded = heard_at().await;
    assert!(recorded.is_string(), "the run's creation is news");

    let progress = Finish { reports_progress: true, ..Finish::with_status(RunStatus::Running) };
    stack.skyvern().finish(&run_id, &progress).await;
    let running = heard_at().await;
    assert_ne!(running, recorded);

    stack.skyvern().finish(&run_id, &progress).await;
    let path = format!("applications?id=eq.{application}");
    ada.caller().await.update(&path, &json!({ "notes": "They called" })).await.expect_status(200);
    assert_eq!(heard_at().await, running, "neither the same again nor what the person writes is news of the run");
}

#[tokio::test]
async fn while_skyvern_cannot_be_asked_the_application_stays_as_it_is() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let status = |status, body| Fault::Status { status, body, headers: [].into() };
    let failures = [
        (status(403, json!({ "detail": "Invalid credentials" })), "skyvern_unauthorized"),
        (status(404, json!({ "detail": "Organization not found" })), "skyvern_rejected"),
        (status(404, json!("<html>")), "skyvern_rejected"),
        (status(429, json!({ "detail": "Rate limit exceeded for organization o_1." })), "skyvern_rate_limited"),
        (status(500, json!({ "error": "Unexpected error: KeyError" })), "skyvern_failed"),
        (status(200, json!("<html>")), "skyvern_unreadable"),
        (status(200, json!({ "run_id": "tsk_of_somebody_else", "status": "completed" })), "skyvern_unreadable"),
        (Fault::Html, "skyvern_failed"),
        (Fault::Cut, "skyvern_unreachable"),
        (Fault::Hold, "skyvern_timed_out"),
    ];
    join_all(failures.map(async |(fault, error)| {
        let (application, run_id) = started(&ada).await;
        lose_webhook(&stack, &run_id, &Finish::submitted()).await;
        stack.skyvern().fail_once(&run_id, fault).await;
        silence(&stack, application, "2 minutes").await;
        let before = ada.application_row(application).await;

        let job = look(&stack, application, None).await;
        assert_eq!((&job["status"], &job["error"]), (&json!("pending"), &json!(error)), "it is tried again: {job:#}");
        assert_eq!(ada.application_row(application).await, before, "{error}");

        let_time_pass(&stack, id(&job["id"])).await;
        assert_eq!(ended(&stack, id(&job["id"]), 1).await["result"], json!({ "found": "applied" }), "{error}");
        assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
        assert_eq!(told(&stack, application).await, 1);
    }))
    .await;
}

#[tokio::test]
async fn a_submission_that_started_a_run_unheard_is_found_by_its_title() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for finish in [None, Some(Finish::submitted()), Some(Finish::with_status(RunStatus::Canceled))] {
        let application = ada.pending_application().await;
        stack.skyvern().fail_once(application, Fault::CutAfterEffect).await;
        ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");
        let run = stack.skyvern().run_for(application).await;
        if let Some(finish) = &finish {
            lose_webhook(&stack, &run.run_id, finish).await;
        }
        let expected = match finish.map(|finish| finish.status) {
            None => "PROCESSING_BY_SKYVERN",
            Some(RunStatus::Completed) => "SUBMITTED_BY_SKYVERN",
            Some(_) => "FAILED_SKYVERN_SUBMISSION",
        };

        tests::eventually(&format!("the application becomes {expected}"), async || {
            run_jobs(&stack, &["reconcile_application"]).await;
            let status = ada.application_row(application).await["status"].clone();
            if status == "PROCESSING_BY_SKYVERN" {
                // The runner of another test may have looked before the run was over, and the next look would be far away.
                silence(&stack, application, "16 minutes").await;
            }
            (status == expected).then_some(())
        })
        .await;

        let row = ada.application_row(application).await;
        assert_eq!((&row["skyvern_task_id"], &row["submission_id"]), (&json!(run.run_id), &Value::Null));
        assert!(history(&stack, application).await.contains(&"reconciler: PROCESSING_BY_SKYVERN".to_owned()));
        assert_eq!(told(&stack, application).await, i64::from(expected != "PROCESSING_BY_SKYVERN"));
        assert_eq!(stack.skyvern().runs_for(application).await.len(), 1, "nothing was started");
    }
}

#[tokio::test]
async fn a_submission_that_started_nothing_is_given_up_when_that_is_sure() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::Cut).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");

    let job_id = queue_look(&stack, application, None).await;
    let job = tests::eventually("it is looked for", async || {
        run_jobs(&stack, &["reconcile_application"]).await;
        let job = stack.database().row("background_jobs", job_id).await;
        (job["lease_number"] != 0 && job["status"] == "pending").then_some(job)
    })
    .await;
    assert_eq!((&job["retry_count"], &job["error"]), (&json!(0), &Value::Null), "too early, which is no failure");
    assert_eq!(ada.application_row(application).await["status_details"]["submission"], "open");

    let_submission_age(&stack, application).await;
    let_time_pass(&stack, job_id).await;
    tick_until(&ada, application, "FAILED_SKYVERN_SUBMISSION").await;

    let row = ada.application_row(application).await;
    assert_eq!(row["status_details"]["reason"], "run_never_started");
    assert_eq!(row["submission_id"], Value::Null);
    assert_eq!(history(&stack, application).await.last().unwrap(), "reconciler: FAILED_SKYVERN_SUBMISSION");
    assert_eq!(told(&stack, application).await, 1);

    // The person may try again, and that is a submission of its own.
    let path = format!("applications?id=eq.{application}");
    let change = json!({ "status": "PENDING_SKYVERN_SUBMISSION" });
    ada.caller().await.update(&path, &change).await.expect_status(200);
    ada.initiate(application).await.expect_status(202);
    assert_eq!(stack.skyvern().runs_for(application).await.len(), 1);
}

#[tokio::test]
async fn while_skyvern_cannot_be_searched_a_submission_stays_open() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let status = |status, body| Fault::Status { status, body, headers: [].into() };
    for (fault, error) in [
        (status(403, json!({ "detail": "Invalid credentials" })), "skyvern_unauthorized"),
        (status(404, json!({ "detail": "Task run not found" })), "skyvern_rejected"),
        (status(503, json!({ "error": "Database temporarily unavailable" })), "skyvern_failed"),
        (status(200, json!({ "runs": [] })), "skyvern_unreadable"),
        (Fault::Html, "skyvern_failed"),
        (Fault::Cut, "skyvern_unreachable"),
    ] {
        let application = claimed(&ada).await;
        let title = ada.application_row(application).await["submission_title"].as_str().unwrap().to_owned();
        // The clock has it looked for as well, from the end of its lease on.
        stack.fail(FaultSpec { service: Service::Skyvern, contains: title, times: 20, fault }).await;
        let_submission_age(&stack, application).await;
        let before = ada.application_row(application).await;

        let job = look(&stack, application, None).await;

        assert_eq!((&job["status"], &job["error"]), (&json!("pending"), &json!(error)), "{job:#}");
        assert_eq!(ada.application_row(application).await, before, "{error}");
    }
}

#[tokio::test]
async fn a_submission_whose_caller_vanished_is_resolved_when_its_lease_has_ended() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = claimed(&ada).await;

    let early = look(&stack, application, None).await;
    assert_eq!(early["result"], json!({ "found": "in_progress" }), "its caller may still be at it");

    let_submission_age(&stack, application).await;
    tick_until(&ada, application, "FAILED_SKYVERN_SUBMISSION").await;
    assert_eq!(told(&stack, application).await, 1);
}

#[tokio::test]
async fn what_the_person_decided_during_an_open_submission_stands() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = claimed(&ada).await;
    let path = format!("applications?id=eq.{application}");
    ada.caller().await.update(&path, &json!({ "status": "WITHDRAWN_BY_USER" })).await.expect_status(200);
    let_submission_age(&stack, application).await;

    tests::eventually("the submission is resolved", async || {
        run_jobs(&stack, &["reconcile_application"]).await;
        ada.application_row(application).await["submission_id"].is_null().then_some(())
    })
    .await;

    assert_eq!(ada.application_row(application).await["status"], "WITHDRAWN_BY_USER");
    assert_eq!(told(&stack, application).await, 0);
}

#[tokio::test]
async fn a_run_that_skyvern_does_not_know_is_given_up_after_a_day() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = with_unknown_run(&ada).await;

    silence(&stack, application, "23 hours").await;
    assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "unknown" }));
    assert_eq!(ada.application_row(application).await["status"], "PROCESSING_BY_SKYVERN");
    assert_eq!(told(&stack, application).await, 0);

    silence(&stack, application, "25 hours").await;
    queue_look(&stack, application, None).await;
    tick_until(&ada, application, "REQUIRES_ATTENTION_MANUAL_REVIEW").await;
    assert_eq!(ada.application_row(application).await["status_details"]["reason"], "run_lost");
    assert_eq!(history(&stack, application).await.last().unwrap(), "reconciler: REQUIRES_ATTENTION_MANUAL_REVIEW");
    assert_eq!(told(&stack, application).await, 1);
    assert_eq!(look(&stack, application, None).await["result"], json!({ "found": "settled" }));

    // It was not lost after all.
    let body = json!({ "run_id": run_id, "status": "failed", "output": null }).to_string();
    let signature = stack.skyvern().sign(body.as_bytes());
    stack.send_webhook("", &[("x-skyvern-signature", &signature)], body).await.expect_status(200);
    assert_eq!(ada.application_row(application).await["status"], "FAILED_SKYVERN_SUBMISSION");
}

#[tokio::test]
async fn a_person_has_their_own_application_looked_for_and_nobody_elses() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let (application, run_id) = started(&ada).await;
    lose_webhook(&stack, &run_id, &Finish::submitted()).await;
    silence(&stack, application, "2 minutes").await;
    let before = ada.application_row(application).await;

    let foreign = look(&stack, application, Some(&grace)).await;
    assert_eq!(foreign["result"], json!({ "found": "not_found" }));
    assert_eq!(ada.application_row(application).await, before);
    assert!(stack.requests(Service::Skyvern, "/v1/runs/", &run_id).await.is_empty());

    let own = look(&stack, application, Some(&ada)).await;
    assert_eq!(own["result"], json!({ "found": "applied" }));
    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
}

#[tokio::test]
async fn skyvern_is_not_asked_about_what_it_just_told() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;

    assert_eq!(look(&stack, application, Some(&ada)).await["result"], json!({ "found": "just_heard_of" }));

    assert!(stack.requests(Service::Skyvern, "/v1/runs/", &run_id).await.is_empty());
}

#[tokio::test]
async fn a_payload_that_names_no_application_fails_for_good() {
    let stack = Stack::get().await;
    let caller = stack.new_person().await.caller().await;
    for payload in [json!({}), json!({ "application_id": "../x" }), json!({ "application_id": null })] {
        let job = json!({ "job_type": "reconcile_application", "payload": payload });
        let job_id = id(&caller.insert("background_jobs", &job).await.expect_status(201).json[0]["id"]);
        let job = ended(&stack, job_id, 0).await;
        assert_eq!((&job["status"], &job["error"]), (&json!("failed"), &json!("malformed_payload")));
    }
}

#[tokio::test]
async fn however_many_are_silent_each_is_queued_once_in_a_quarter_of_an_hour() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    // Nothing of this is committed, and nobody else queues anything meanwhile.
    let mut client = stack.database().connect().await;
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("lock table public.background_jobs in share row exclusive mode").await.unwrap();
    let insert = "insert into public.applications (user_id, job_title, company_name, job_url, status, skyvern_task_id)
                  select $1, 'Analyst', 'Difference Engines', 'https://jobs.example.com/7', 'PROCESSING_BY_SKYVERN',
                         gen_random_uuid()
                  from generate_series(1, 700)";
    transaction.execute(insert, &[&ada.user_id]).await.unwrap();
    let silence = "update public.applications set skyvern_heard_at = now() - interval '1 day' where user_id = $1";
    transaction.execute(silence, &[&ada.user_id]).await.unwrap();

    let queue = async || {
        let row = transaction.query_one("select public.queue_due_reconciliations()", &[]).await.unwrap();
        row.get::<_, i32>(0)
    };
    assert_eq!(queue().await, 500, "bounded");
    while queue().await > 0 {}

    let mine = "select count(*), count(distinct payload ->> 'application_id') from public.background_jobs
                where job_type = 'reconcile_application'
                  and payload ->> 'application_id' in (select id::text from public.applications where user_id = $1)";
    let row = transaction.query_one(mine, &[&ada.user_id]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (700, 700));
    transaction.rollback().await.unwrap();
}

/// An application that Skyvern is working on, and its run.
async fn started(person: &Person) -> (Uuid, String) {
    let application = person.pending_application().await;
    let reply = person.initiate(application).await.expect_status(202);
    (application, reply.run_id().to_owned())
}

/// An application that a call has claimed to hand it over, and nothing more.
async fn claimed(person: &Person) -> Uuid {
    let application = person.draft_application().await;
    let arguments = json!({ "p_application_id": application });
    person.caller().await.rpc("claim_application", &arguments).await.expect_status(200);
    application
}

/// An application whose run nobody at Skyvern ever heard of.
async fn with_unknown_run(person: &Person) -> (Uuid, String) {
    let stack = Stack::get().await;
    let application = claimed(person).await;
    let submission_id = person.application_row(application).await["submission_id"].clone();
    let run_id = format!("tsk_{}", Uuid::new_v4().simple());
    let run = json!({
        "p_application_id": application, "p_submission_id": submission_id, "p_run_id": run_id,
        "p_run_status": "created",
    });
    stack.service().rpc("record_skyvern_run", &run).await.expect_status(200);
    (application, run_id)
}

/// The run goes on in this way, and its webhook, which is answered, does not arrive.
async fn lose_webhook(stack: &Stack, run_id: &str, finish: &Finish) -> Finished {
    stack.skyvern().finish(run_id, &Finish { deliver: false, ..finish.clone() }).await
}

/// Pretends that nothing was heard of the application's run for this long.
async fn silence(stack: &Stack, application: Uuid, time: &str) {
    let sql = format!("update public.applications set skyvern_heard_at = now() - interval '{time}' where id = $1");
    stack.database().query(&sql, &[&application]).await;
}

/// Pretends that the run was started so long ago.
async fn let_run_last(stack: &Stack, run_id: &str, time: &str) {
    let sql = format!("update private.application_runs set started_at = now() - interval '{time}' where run_id = $1");
    stack.database().query(&sql, &[&run_id]).await;
}

/// The application's submission was sent three minutes ago, and its lease is over.
async fn let_submission_age(stack: &Stack, application: Uuid) {
    let sql = "update public.applications
               set submission_started_at = now() - interval '3 minutes', submission_lease_expires_at = now()
               where id = $1";
    stack.database().query(sql, &[&application]).await;
}

/// Lets the schedule find what is due until the application is there.
async fn tick_until(person: &Person, application: Uuid, status: &str) {
    let stack = Stack::get().await;
    tests::eventually(&format!("the application becomes {status}"), async || {
        run_jobs(&stack, &["reconcile_application"]).await;
        (person.application_row(application).await["status"] == status).then_some(())
    })
    .await;
}

/// Queues a look at Skyvern, for a person or for the product itself.
async fn queue_look(stack: &Stack, application: Uuid, by: Option<&Person>) -> Uuid {
    let mut job = json!({ "job_type": "reconcile_application", "payload": { "application_id": application } });
    let Some(person) = by else {
        job["user_id"] = Value::Null;
        return enqueue(stack, &json!([job])).await[0];
    };
    id(&person.caller().await.insert("background_jobs", &job).await.expect_status(201).json[0]["id"])
}

/// Looks, and returns the job after its first attempt.
async fn look(stack: &Stack, application: Uuid, by: Option<&Person>) -> Value {
    let job_id = queue_look(stack, application, by).await;
    ended(stack, job_id, 0).await
}

/// The job when it is finished, or has failed once more than so many times.
async fn ended(stack: &Stack, job_id: Uuid, failures: u64) -> Value {
    tests::eventually("the job is dealt with", async || {
        run_jobs(stack, &["reconcile_application"]).await;
        let job = stack.database().row("background_jobs", job_id).await;
        let is_over = job["status"] == "completed" || job["status"] == "failed";
        (is_over || job["retry_count"].as_u64().unwrap() > failures).then_some(job)
    })
    .await
}

async fn history(stack: &Stack, application: Uuid) -> Vec<String> {
    let sql = "select source || ': ' || to_status from public.application_events
               where application_id = $1 order by position";
    stack.database().query(sql, &[&application]).await.iter().map(|row| row.get(0)).collect()
}

/// How often the person was told of the application: each notification has its push job.
async fn told(stack: &Stack, application: Uuid) -> i64 {
    let counts = "select (select count(*) from public.notifications where related_entity_id = $1),
                         (select count(*) from public.background_jobs
                          where job_type = 'push_notification' and payload #>> '{data,application_id}' = $1::text)";
    let rows = stack.database().query(counts, &[&application]).await;
    let (notifications, jobs) = (rows[0].get(0), rows[0].get::<_, i64>(1));
    assert_eq!(notifications, jobs, "a push for each notification");
    notifications
}
