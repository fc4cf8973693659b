//! Hearing from Skyvern what became of an application.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Fault, Finish, Person, RunStatus, Service, Stack};
use uuid::Uuid;

/// An application that Skyvern is working on, and its run.
async fn started(person: &Person) -> (Uuid, String) {
    let application = person.pending_application().await;
    let reply = person.initiate(application).await.expect_status(202);
    (application, reply.run_id().to_owned())
}

async fn inbox(stack: &Stack, run_id: &str) -> Vec<Value> {
    let sql = "select to_jsonb(e) from public.webhook_events e where run_id = $1 order by received_at, id";
    stack.database().json(sql, &[&run_id]).await
}

async fn notifications(stack: &Stack, application: Uuid) -> Vec<Value> {
    stack.database().rows("notifications", "related_entity_id", application).await
}

async fn push_jobs(stack: &Stack, application: Uuid) -> Vec<Value> {
    let sql = "select to_jsonb(j) from public.background_jobs j
               where job_type = 'push_notification' and payload #>> '{data,application_id}' = $1";
    stack.database().json(sql, &[&application.to_string()]).await
}

/// A webhook's body and the headers that Skyvern sends with it.
fn payload(run_id: &str, fields: &Value) -> String {
    let mut payload = json!({ "run_id": run_id, "run_type": "task_v1", "output": null, "errors": [] });
    payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    payload.to_string()
}

#[tokio::test]
async fn a_confirmed_application_is_submitted_and_the_person_is_told() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;

    let finished = stack.skyvern().finish(&run_id, &Finish::submitted()).await;

    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    let row = ada.application_row(application).await;
    assert_eq!(row["status"], "SUBMITTED_BY_SKYVERN");
    assert_eq!(row["stage"], "applied");
    assert_eq!(row["status_details"]["confirmation_id"], "CONF-2041");

    let notifications = notifications(&stack, application).await;
    assert_eq!(notifications.len(), 1, "{notifications:#?}");
    assert_eq!(notifications[0]["type"], "APPLICATION_STATUS_UPDATE");
    assert_eq!(notifications[0]["related_entity_type"], "application");
    assert_eq!(notifications[0]["user_id"], json!(ada.user_id));
    let message = notifications[0]["message"].as_str().unwrap();
    assert!(message.contains("Analyst") && message.contains("Difference Engines"), "{message}");

    let jobs = push_jobs(&stack, application).await;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    assert_eq!(jobs[0]["payload"]["user_id"], json!(ada.user_id));
    assert_eq!(jobs[0]["payload"]["title"], notifications[0]["title"]);
    assert_eq!(jobs[0]["payload"]["data"]["notification_id"], notifications[0]["id"]);

    // The person reads it with their own token.
    let mine = ada.caller().await.select(&format!("notifications?related_entity_id=eq.{application}")).await;
    assert_eq!(mine.parse::<Vec<Value>>().len(), 1);
}

#[tokio::test]
async fn every_end_of_a_run_is_told_as_what_it_means() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let completed = |output: Value| Finish { output, ..Finish::with_status(RunStatus::Completed) };
    let error = |code| Finish::with_error(RunStatus::Terminated, code, "because");
    for (finish, status, reason) in [
        (completed(Value::Null), "REQUIRES_ATTENTION_MANUAL_REVIEW", "unproven"),
        (
            completed(json!({ "submitted": true, "confirmation_text": "Thanks", "resume_attached": false })),
            "REQUIRES_ATTENTION_MANUAL_REVIEW",
            "unproven",
        ),
        (error("captcha_blocked"), "REQUIRES_ATTENTION_MANUAL_REVIEW", "captcha_blocked"),
        (Finish::with_status(RunStatus::Terminated), "REQUIRES_ATTENTION_MANUAL_REVIEW", "terminated"),
        (error("missing_information"), "REQUIRES_ATTENTION_USER_INPUT", "missing_information"),
        (error("login_required"), "REQUIRES_ATTENTION_USER_INPUT", "login_required"),
        (error("job_closed"), "FAILED_APPLICATION", "job_closed"),
        (error("already_applied"), "FAILED_APPLICATION", "already_applied"),
        (Finish::with_status(RunStatus::Failed), "FAILED_SKYVERN_SUBMISSION", "failed"),
        (Finish::with_status(RunStatus::TimedOut), "FAILED_SKYVERN_SUBMISSION", "timed_out"),
        (Finish::with_status(RunStatus::Canceled), "FAILED_SKYVERN_SUBMISSION", "canceled"),
    ] {
        let (application, run_id) = started(&ada).await;
        stack.skyvern().finish(&run_id, &finish).await;

        let row = ada.application_row(application).await;
        assert_eq!(row["status"], status, "{finish:?}");
        assert_eq!(row["status_details"]["reason"], reason, "{finish:?}");
        let asks = row["status_details"]["action_prompt"].is_string();
        assert_eq!(asks, status == "REQUIRES_ATTENTION_USER_INPUT", "{row:#}");
        assert_eq!(notifications(&stack, application).await.len(), 1, "{finish:?}");
        assert_eq!(push_jobs(&stack, application).await.len(), 1, "{finish:?}");
    }
}

#[tokio::test]
async fn news_that_is_not_final_changes_nothing_for_the_person() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let retrying = Finish { attempt: Some(1), retry_pending: Some(true), ..Finish::with_status(RunStatus::Failed) };
    for finish in [
        Finish { reports_progress: true, ..Finish::with_status(RunStatus::Created) },
        Finish { reports_progress: true, ..Finish::with_status(RunStatus::Queued) },
        Finish { reports_progress: true, ..Finish::with_status(RunStatus::Running) },
        retrying,
    ] {
        let (application, run_id) = started(&ada).await;
        let finished = stack.skyvern().finish(&run_id, &finish).await;
        assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
        assert_eq!(ada.application_row(application).await["status"], "PROCESSING_BY_SKYVERN", "{finish:?}");
        assert!(notifications(&stack, application).await.is_empty(), "{finish:?}");
    }
}

#[tokio::test]
async fn hearing_back_costs_one_call_to_the_database() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (_, run_id) = started(&ada).await;
    let body = payload(&run_id, &json!({ "status": "running" }));
    let signature = stack.skyvern().sign(body.as_bytes());
    let reply = stack.send_webhook("", &[("x-skyvern-signature", &signature)], body).await.expect_status(200);
    let timing = reply.header("server-timing");
    assert!(timing.starts_with("database;") && !timing.contains(','), "{timing}");
}

#[tokio::test]
async fn the_same_webhook_fifty_times_is_one_event_and_one_notification() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let body = payload(
        &run_id,
        &json!({ "status": "completed", "output": { "submitted": true, "resume_attached": true, "confirmation_text": "Thanks" } }),
    );
    let signature = stack.skyvern().sign(body.as_bytes());
    let query = format!("?application_id={application}");
    let headers = [("x-skyvern-signature", signature.as_str())];

    let mut replies = join_all((0..25).map(|_| stack.send_webhook(&query, &headers, body.clone()))).await;
    for _ in 0..25 {
        replies.push(stack.send_webhook(&query, &headers, body.clone()).await);
    }

    let outcomes: Vec<String> = replies
        .into_iter()
        .map(|reply| reply.expect_status(200).json["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "applied").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "duplicate").count(), 49, "{outcomes:?}");
    assert_eq!(inbox(&stack, &run_id).await.len(), 1);
    assert_eq!(notifications(&stack, application).await.len(), 1);
    assert_eq!(push_jobs(&stack, application).await.len(), 1);
    let events = stack.database().rows("application_events", "application_id", application).await;
    assert_eq!(events.iter().filter(|event| event["to_status"] == "SUBMITTED_BY_SKYVERN").count(), 1);
}

#[tokio::test]
async fn a_webhook_that_comes_before_its_run_is_recorded_is_applied() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    // Skyvern starts the run at once, and answers when the webhook has overtaken it.
    stack.hold(Service::Skyvern, application, 1).await;

    let overtake = async {
        let run = tests::eventually("the run exists", async || stack.skyvern().runs_for(application).await.pop()).await;
        let finished = stack.skyvern().finish(&run.run_id, &Finish::submitted()).await;
        stack.release(application).await;
        finished
    };
    let (reply, finished) = tokio::join!(ada.initiate(application), overtake);

    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    assert_eq!(reply.expect_status(202).json["status"], "SUBMITTED_BY_SKYVERN");
    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
    assert_eq!(notifications(&stack, application).await.len(), 1);
}

#[tokio::test]
async fn an_event_of_an_unknown_run_waits_until_the_run_is_recorded() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.hold(Service::Skyvern, application, 1).await;

    let overtake = async {
        let run = tests::eventually("the run exists", async || stack.skyvern().runs_for(application).await.pop()).await;
        // Without the ids in the address nothing tells whose run it is.
        let body = payload(&run.run_id, &json!({ "status": "terminated" }));
        let signature = stack.skyvern().sign(body.as_bytes());
        let reply = stack.send_webhook("", &[("x-skyvern-signature", &signature)], body).await.expect_status(200);
        assert_eq!(reply.json["outcome"], "waiting", "{reply:?}");
        stack.release(application).await;
        run.run_id
    };
    let (reply, run_id) = tokio::join!(ada.initiate(application), overtake);

    assert_eq!(reply.expect_status(202).json["status"], "REQUIRES_ATTENTION_MANUAL_REVIEW");
    assert_eq!(inbox(&stack, &run_id).await[0]["outcome"], "applied");
    assert_eq!(notifications(&stack, application).await.len(), 1);
}

#[tokio::test]
async fn a_webhook_repairs_a_submission_whose_answer_was_lost() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::CutAfterEffect).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");
    let run = stack.skyvern().run_for(application).await;

    stack.skyvern().finish(&run.run_id, &Finish::submitted()).await;

    let row = ada.application_row(application).await;
    assert_eq!(row["status"], "SUBMITTED_BY_SKYVERN");
    assert_eq!(row["skyvern_task_id"], run.run_id.as_str());
    assert_eq!(row["submission_id"], Value::Null);
}

#[tokio::test]
async fn an_event_of_a_run_that_is_nobodys_is_kept_and_accepted() {
    let stack = Stack::get().await;
    let run_id = format!("tsk_{}", Uuid::new_v4().simple());
    let body = payload(&run_id, &json!({ "status": "completed" }));
    let signature = stack.skyvern().sign(body.as_bytes());
    for query in ["", "?application_id=nonsense", &format!("?application_id={}", Uuid::new_v4())] {
        stack.send_webhook(query, &[("x-skyvern-signature", &signature)], body.clone()).await.expect_status(200);
    }
    let events = inbox(&stack, &run_id).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["outcome"], "waiting");
    assert_eq!(events[0]["body"], body.as_str(), "as it was received");
}

#[tokio::test]
async fn what_the_person_decided_meanwhile_stands() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for decision in
        ["WITHDRAWN_BY_USER", "INTERVIEW_SCHEDULED", "OFFER_RECEIVED", "REJECTED_BY_COMPANY", "APPLIED_MANUALLY"]
    {
        let (application, run_id) = started(&ada).await;
        let path = format!("applications?id=eq.{application}");
        ada.caller().await.update(&path, &json!({ "status": decision })).await.expect_status(200);

        stack.skyvern().finish(&run_id, &Finish::submitted()).await;

        let row = ada.application_row(application).await;
        assert_eq!(row["status"], decision);
        assert_eq!(row["skyvern_run_status"], "completed", "what Skyvern did is known all the same");
        let events = inbox(&stack, &run_id).await;
        assert!(events.iter().all(|event| event["outcome"] == "kept"), "{events:#?}");
        assert_eq!(row["status_details"]["confirmation_id"], "CONF-2041", "and the proof is kept");
        let told: Vec<Value> =
            notifications(&stack, application).await.iter().map(|notification| notification["title"].clone()).collect();
        // Whoever stopped it hears that it was too late.
        let is_stopped = ["WITHDRAWN_BY_USER", "APPLIED_MANUALLY"].contains(&decision);
        assert_eq!(told, if is_stopped { vec![json!("It had been sent already")] } else { vec![] }, "{decision}");
    }
}

#[tokio::test]
async fn a_late_event_does_not_undo_a_final_one() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    for late in [RunStatus::Failed, RunStatus::Running, RunStatus::Canceled, RunStatus::Terminated] {
        let late_news = Finish { out_of_turn: true, reports_progress: true, ..Finish::with_status(late) };
        let finished = stack.skyvern().finish(&run_id, &late_news).await;
        assert_eq!(finished.deliveries[0].status(), Some(200), "{late:?}");
        assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN", "{late:?}");
    }
    assert_eq!(notifications(&stack, application).await.len(), 1);
    let outcomes: Vec<Value> = inbox(&stack, &run_id).await.into_iter().map(|event| event["outcome"].clone()).collect();
    assert_eq!(outcomes, ["applied", "out_of_order", "out_of_order", "out_of_order", "out_of_order"]);
}

#[tokio::test]
async fn a_cancelled_run_may_turn_out_to_have_been_completed() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    stack.skyvern().finish(&run_id, &Finish::with_status(RunStatus::Canceled)).await;
    assert_eq!(ada.application_row(application).await["status"], "FAILED_SKYVERN_SUBMISSION");

    stack.skyvern().finish(&run_id, &Finish::submitted()).await;

    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
    assert_eq!(notifications(&stack, application).await.len(), 2);
}

#[tokio::test]
async fn the_next_attempt_of_a_run_follows_a_failed_one() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let attempt = |attempt, retry_pending, finish: Finish| Finish {
        attempt: Some(attempt),
        retry_pending: Some(retry_pending),
        ..finish
    };
    let failed = || Finish::with_status(RunStatus::Failed);

    stack.skyvern().finish(&run_id, &attempt(1, true, failed())).await;
    assert_eq!(ada.application_row(application).await["status"], "PROCESSING_BY_SKYVERN");
    stack.skyvern().finish(&run_id, &attempt(2, false, failed())).await;
    assert_eq!(ada.application_row(application).await["status"], "FAILED_SKYVERN_SUBMISSION");
    stack.skyvern().finish(&run_id, &Finish { out_of_turn: true, ..attempt(1, false, failed()) }).await;
    assert_eq!(ada.application_row(application).await["skyvern_run_attempt"], 2, "an older attempt is too late");
    stack.skyvern().finish(&run_id, &Finish { out_of_turn: true, ..attempt(3, false, Finish::submitted()) }).await;
    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
}

#[tokio::test]
async fn a_run_does_not_take_over_an_application_that_has_another_one() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let other_run = format!("tsk_{}", Uuid::new_v4().simple());
    let body = payload(&other_run, &json!({ "status": "failed" }));
    let signature = stack.skyvern().sign(body.as_bytes());
    let query = format!("?application_id={application}");

    let reply = stack.send_webhook(&query, &[("x-skyvern-signature", &signature)], body).await.expect_status(200);

    assert_eq!(reply.json["outcome"], "other_run", "{reply:?}");
    let row = ada.application_row(application).await;
    assert_eq!((&row["status"], &row["skyvern_task_id"]), (&json!("PROCESSING_BY_SKYVERN"), &json!(run_id)));
}

#[tokio::test]
async fn a_large_body_with_odd_characters_is_kept() {
    let stack = Stack::get().await;
    // Larger than any limit for clients, and with characters that PostgreSQL cannot keep as text.
    let run_id = format!("tsk_{}", Uuid::new_v4().simple());
    let note = "ü\\u0000".repeat(200_000);
    let body = format!(r#"{{"run_id":"{run_id}","status":"failed","failure_reason":"{note}","output":"{note}"}}"#);
    let signature = stack.skyvern().sign(body.as_bytes());
    stack.send_webhook("", &[("x-skyvern-signature", &signature)], body).await.expect_status(200);
    assert_eq!(inbox(&stack, &run_id).await.len(), 1);
}
