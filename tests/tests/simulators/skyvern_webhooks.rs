//! Skyvern's webhooks: how they are signed, and how often they are tried.

use std::time::{Duration, Instant};

use axum::http::header::{LOCATION, RETRY_AFTER};
use serde_json::{Value, json};
use tests::{Finish, Finished, Method, Reply, RunStatus, SigningKey, Stack};
use uuid::Uuid;

use crate::receiver::{Answer, Receiver};
use crate::skyvern_runs::{call, create, task};

/// A new run that reports to the receiver.
async fn run_for(stack: &Stack, receiver: &Receiver) -> String {
    let mut body = task(&format!("webhook-{}", Uuid::new_v4()));
    body["webhook_url"] = json!(receiver.url());
    create(stack, &body).await.run_id().to_owned()
}

async fn finish(stack: &Stack, receiver: &Receiver, finish: &Finish) -> Finished {
    stack.skyvern().finish(&run_for(stack, receiver).await, finish).await
}

fn statuses(finished: &Finished) -> Vec<Option<u16>> {
    finished.deliveries.iter().flat_map(|delivery| &delivery.attempts).map(|attempt| attempt.status).collect()
}

#[tokio::test]
async fn the_bytes_that_arrive_are_the_bytes_that_are_signed() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;
    let output = json!({ "zeta": 3.0, "alpha": 0.5, "note": "Merci – reçu" });

    finish(&stack, &receiver, &Finish { output, ..Finish::with_status(RunStatus::Completed) }).await;

    let webhook = &receiver.webhooks()[0];
    assert_eq!(webhook.header("x-skyvern-signature"), stack.skyvern().sign(&webhook.body));
    let text = std::str::from_utf8(&webhook.body).unwrap();
    assert!(text.contains(r#""output":{"zeta":3,"alpha":0.5,"note":"Merci – reçu"}"#), "{text}");
    assert!(text.starts_with(r#"{"task_id":"tsk_"#) && text.ends_with(r#""run_type":"task_v1"}"#), "{text}");
    assert_eq!(webhook.header("content-type"), "application/json");
    assert_eq!(webhook.header("user-agent"), "python-httpx/0.28.1");
    assert!(webhook.header("x-skyvern-timestamp").parse::<u64>().is_ok());
}

#[tokio::test]
async fn each_key_signs_differently() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;

    for key in [SigningKey::Current, SigningKey::Previous, SigningKey::Wrong] {
        finish(&stack, &receiver, &Finish { key, ..Finish::submitted() }).await;
    }

    let webhooks = receiver.webhooks();
    let verifies = |index: usize| {
        let (webhook, skyvern) = (&webhooks[index], stack.skyvern());
        let signature = webhook.header("x-skyvern-signature");
        (signature == skyvern.sign(&webhook.body), signature == skyvern.sign_with_previous_key(&webhook.body))
    };
    assert_eq!([verifies(0), verifies(1), verifies(2)], [(true, false), (false, true), (false, false)]);
}

#[tokio::test]
async fn only_a_workflow_has_attempts() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;
    let interim = Finish { attempt: Some(2), retry_pending: Some(true), ..Finish::with_status(RunStatus::Failed) };

    let task: Value = serde_json::from_str(&finish(&stack, &receiver, &Finish::submitted()).await.body).unwrap();
    let workflow: Value = serde_json::from_str(&finish(&stack, &receiver, &interim).await.body).unwrap();

    assert_eq!((task.get("attempt"), task.get("retry_pending")), (None, None));
    assert_eq!((&workflow["attempt"], &workflow["retry_pending"]), (&json!(2), &json!(true)));
    assert_eq!(workflow["attempts"][0]["retry_decision"], "retry");
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_three_times_with_the_same_bytes() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[Answer(503, None), Answer(403, None), Answer(500, None)]).await;

    let started = Instant::now();
    let finished = finish(&stack, &receiver, &Finish::submitted()).await;

    assert_eq!(statuses(&finished), [Some(503), Some(403), Some(500)]);
    assert!(started.elapsed() >= Duration::from_secs(3), "1 to 2 seconds, then 2 to 3");
    let webhooks = receiver.webhooks();
    assert!(webhooks.iter().all(|webhook| webhook.body == webhooks[0].body));
    assert!(webhooks.iter().all(|webhook| webhook.headers == webhooks[0].headers));
}

#[tokio::test]
async fn the_receiver_may_ask_for_a_shorter_pause() {
    let stack = Stack::get().await;
    let pause_after = async |answer: Answer| {
        let receiver = Receiver::start(&[answer]).await;
        let started = Instant::now();
        let finished = finish(&stack, &receiver, &Finish::submitted()).await;
        assert_eq!(statuses(&finished), [Some(429), Some(200)]);
        started.elapsed()
    };

    // However slow the machine is, the other one takes a second longer at least.
    let shorter = pause_after(Answer(429, Some((RETRY_AFTER, "0")))).await;
    assert!(shorter < pause_after(Answer(429, None)).await);
}

#[tokio::test]
async fn a_final_refusal_and_a_redirect_are_tried_once() {
    let stack = Stack::get().await;
    for answer in [Answer(401, None), Answer(422, None), Answer(307, Some((LOCATION, "/elsewhere")))] {
        let receiver = Receiver::start(std::slice::from_ref(&answer)).await;

        let finished = finish(&stack, &receiver, &Finish::submitted()).await;

        assert_eq!(statuses(&finished), [Some(answer.0)]);
    }
}

#[tokio::test]
async fn copies_are_delivered_all_at_once() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;

    let finished = finish(&stack, &receiver, &Finish { copies: 20, concurrently: true, ..Finish::submitted() }).await;

    assert_eq!(statuses(&finished), [Some(200); 20]);
    assert_eq!(receiver.webhooks().len(), 20);
}

#[tokio::test]
async fn a_replay_answers_200_whatever_the_receiver_says() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[Answer(503, None)]).await;
    let run_id = run_for(&stack, &receiver).await;
    let replay = || Reply::to(call(&stack, Method::POST, &format!("/v1/runs/{run_id}/retry_webhook")));

    let too_early = replay().await;
    stack.skyvern().finish(&run_id, &Finish { deliver: false, ..Finish::submitted() }).await;
    let replayed = replay().await.expect_status(200).json;

    too_early.expect_status(400);
    assert_eq!((&replayed["status_code"], &replayed["run_id"]), (&json!(503), &json!(run_id)));
    assert_eq!(receiver.webhooks().len(), 1, "one attempt");
    assert_eq!(replayed["payload"], std::str::from_utf8(&receiver.webhooks()[0].body).unwrap());
}

#[tokio::test]
async fn of_a_run_that_goes_on_nothing_is_said_unless_a_test_wants_it() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;
    let run_id = run_for(&stack, &receiver).await;
    for status in [RunStatus::Queued, RunStatus::Running, RunStatus::Paused] {
        assert!(
            stack.skyvern().finish(&run_id, &Finish::with_status(status)).await.deliveries.is_empty(),
            "{status:?}"
        );
    }
    assert!(receiver.webhooks().is_empty());

    let progress = Finish { reports_progress: true, ..Finish::with_status(RunStatus::Running) };
    stack.skyvern().finish(&run_id, &progress).await;
    stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    let late = Finish { out_of_turn: true, ..Finish::with_status(RunStatus::Failed) };
    stack.skyvern().finish(&run_id, &late).await;

    let webhooks = receiver.webhooks();
    let statuses =
        webhooks.iter().map(|webhook| serde_json::from_slice::<Value>(&webhook.body).unwrap()["status"].clone());
    assert_eq!(statuses.collect::<Vec<_>>(), ["running", "completed", "failed"]);
    let read = Reply::to(call(&stack, Method::GET, &format!("/v1/runs/{run_id}"))).await.expect_status(200);
    assert_eq!(read.json["status"], "completed", "what comes out of turn changes nothing");
}
