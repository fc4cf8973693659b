//! More requests at once than an isolate takes. Nothing else may run beside this: it would be refused, too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::http::Endpoint;
use tests::{Method, Reply, Service, Stack, eventually};

const FUNCTION: &str = "generate-resume-signed-url";

#[tokio::test]
async fn what_an_isolate_cannot_take_is_refused_at_once_and_what_it_took_is_answered() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let most = Endpoint::client(FUNCTION).most_in_flight;
    let body = json!({ "resume_path_in_storage": ada.resume_path });
    let ask = || Reply::to(caller.request(Method::POST, &format!("/functions/v1/{FUNCTION}")).json(&body));
    ask().await.expect_status(200);
    stack.hold(Service::Storage, &ada.resume_path, u32::try_from(most).unwrap()).await;

    let accepted = tokio::spawn(join_all((0..most).map(|_| ask())));
    eventually("as many as it takes are in flight", async || {
        let asked = stack.requests(Service::Storage, "/object/sign/", &ada.resume_path).await;
        (asked.len() == most + 1).then_some(())
    })
    .await;

    // Storage answers nobody, so only what does not wait for it can be answered.
    let refused = ask().await.expect_problem(503, "overloaded");
    let retry_after: u64 = refused.header("retry-after").parse().unwrap();
    assert!(Duration::from_secs(retry_after) <= Duration::from_secs(5), "{refused:?}");
    assert_eq!(refused.header("access-control-allow-origin"), "*", "a browser may read why");
    let preflight = stack.http(Method::OPTIONS, stack.function_url(FUNCTION));
    Reply::to(preflight.header("origin", "https://app.example")).await.expect_status(204);
    assert!(!accepted.is_finished());

    stack.release(&ada.resume_path).await;
    for reply in accepted.await.unwrap() {
        reply.expect_status(200);
    }
    ask().await.expect_status(200);
}
