//! An injected fault meets the request that it is meant for, and no other.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::{Fault, FaultSpec, Method, Reply, Service, Stack, eventually};
use uuid::Uuid;

use crate::skyvern_runs::{create, task};

fn marker() -> String {
    format!("fault-{}", Uuid::new_v4())
}

fn refusal(status: u16) -> Fault {
    let headers = [("retry-after".to_owned(), "7".to_owned())].into();
    Fault::Status { status, body: json!({ "detail": "Rate limit exceeded" }), headers }
}

#[tokio::test]
async fn a_refusal_meets_one_request_with_its_text() {
    let stack = Stack::get().await;
    let (title, other) = (marker(), marker());
    stack.skyvern().fail_once(&title, refusal(429)).await;

    let unharmed = create(&stack, &task(&other)).await;
    let refused = create(&stack, &task(&title)).await;
    let again = create(&stack, &task(&title)).await;

    unharmed.expect_status(200);
    assert_eq!((refused.status, refused.header("retry-after")), (429, "7"), "{refused:?}");
    again.expect_status(200);
    assert_eq!(stack.skyvern().runs_for(&title).await.len(), 1, "a refused request creates nothing");
    assert_eq!(stack.skyvern().creations_for(&title).await.len(), 2, "but it is remembered");
}

#[tokio::test]
async fn an_answer_is_held_until_it_is_released() {
    let stack = Stack::get().await;
    let title = marker();
    stack.hold(Service::Skyvern, &title, 1).await;

    let mut answer = tokio::spawn(Reply::to(crate::skyvern_runs::creation(&stack, &task(&title))));
    let run = eventually("the run exists", async || stack.skyvern().runs_for(&title).await.pop()).await;
    assert!(!answer.is_finished(), "the effect is there, the answer is not");
    stack.release(&title).await;

    let answer = (&mut answer).await.unwrap().expect_status(200);
    assert_eq!(answer.json["run_id"], run.run_id.as_str());
    create(&stack, &task(&title)).await.expect_status(200);
}

#[tokio::test]
async fn a_cut_connection_has_no_answer_and_no_effect() {
    let stack = Stack::get().await;
    let title = marker();
    stack.skyvern().fail_once(&title, Fault::Cut).await;

    let answer = Reply::try_to(crate::skyvern_runs::creation(&stack, &task(&title))).await;

    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(stack.skyvern().runs_for(&title).await.len(), 0);
}

#[tokio::test]
async fn a_connection_cut_after_the_effect_leaves_a_run_behind() {
    let stack = Stack::get().await;
    let title = marker();
    stack.skyvern().fail_once(&title, Fault::CutAfterEffect).await;

    let answer = Reply::try_to(crate::skyvern_runs::creation(&stack, &task(&title))).await;

    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(stack.skyvern().run_for(&title).await.title, Some(title));
}

#[tokio::test]
async fn a_late_answer_comes_after_its_effect() {
    let stack = Stack::get().await;
    let title = marker();
    stack.skyvern().fail_once(&title, Fault::Delay { ms: 300 }).await;

    let started = Instant::now();
    create(&stack, &task(&title)).await.expect_status(200);

    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_page_of_html_comes_instead_of_json() {
    let stack = Stack::get().await;
    let title = marker();
    stack.skyvern().fail_once(&title, Fault::Html).await;

    let reply = create(&stack, &task(&title)).await;

    assert_eq!((reply.status, reply.header("content-type")), (502, "text/html"));
}

#[tokio::test]
async fn postgrest_can_fail_before_and_after_its_effect() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;
    let caller = ada.caller().await;
    let spec = |times, fault| FaultSpec { service: Service::Rest, contains: application.to_string(), times, fault };

    stack.fail(spec(2, refusal(503))).await;
    for _ in 0..2 {
        caller.select(&format!("applications?id=eq.{application}")).await.expect_status(503);
    }
    stack.fail(spec(1, Fault::CutAfterEffect)).await;
    let path = format!("/rest/v1/applications?id=eq.{application}");
    let cut = caller.request(Method::PATCH, &path).json(&json!({ "notes": "written" }));

    assert!(Reply::try_to(cut).await.is_err());
    assert_eq!(ada.application_row(application).await["notes"], "written");
}

#[tokio::test]
async fn a_fault_that_would_meet_everybody_is_not_taken() {
    let stack = Stack::get().await;
    let url = format!("{}/__control/faults", stack.description().simulators_url);
    let spec = FaultSpec { service: Service::Storage, contains: String::new(), times: 1, fault: Fault::Cut };

    Reply::to(stack.http(Method::POST, url).json(&spec)).await.expect_status(422);
}
