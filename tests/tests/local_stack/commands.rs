//! What the commands of `cargo xtask` say of this stack.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::{Stack, eventually};
use uuid::Uuid;

fn xtask(stack: &Stack, command: &str, arguments: &[&str]) -> Output {
    let name = &stack.description().name;
    Command::new(&stack.description().xtask).args([command, "--name", name]).args(arguments).output().unwrap()
}

/// Function and outcome of each line about a request.
fn lines_of(stack: &Stack, request_id: &str, more: &[&str]) -> Vec<(String, String)> {
    let shown = xtask(stack, "logs", &[&["--json", "--request-id", request_id], more].concat());
    assert!(shown.status.success(), "{shown:?}");
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    String::from_utf8(shown.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (text(&line, "function"), text(&line, "outcome")))
        .collect()
}

#[tokio::test]
async fn the_id_of_a_request_leads_through_all_that_it_caused() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let device = json!({ "p_token": format!("ExponentPushToken[{}]", Uuid::new_v4().simple()) });
    ada.caller().await.rpc("register_push_token", &device).await.expect_status(200);
    let application = ada.pending_application().await;

    let started = ada.initiate(application).await.expect_status(202);
    let news =
        json!({ "run_id": started.run_id(), "run_type": "task_v1", "status": "failed", "output": null }).to_string();
    let signature = stack.skyvern().sign(news.as_bytes());
    let heard = stack.send_webhook("", &[("x-skyvern-signature", &signature)], news).await.expect_status(200);

    let (from_ada, from_skyvern) = (started.header("x-request-id"), heard.header("x-request-id"));
    let expected = |function: &str, outcome: &str| (function.to_owned(), outcome.to_owned());
    let webhook = expected("skyvern-webhook-handler", "applied");
    let push = expected("trigger-push-notification", "sent");
    eventually("the person's own request is in the log", async || {
        let lines = lines_of(&stack, from_ada, &[]);
        (lines == [expected("initiate-skyvern-application", "started")]).then_some(())
    })
    .await;
    eventually("the webhook is in the log, and the push message that it caused", async || {
        let mut lines = lines_of(&stack, from_skyvern, &[]);
        lines.sort();
        (lines == [webhook.clone(), push.clone()]).then_some(())
    })
    .await;
    let both = lines_of(&stack, from_skyvern, &["--function", "trigger-push-notification"]);
    assert_eq!(both, [push], "several filters mean all of them");

    let readable = xtask(&stack, "logs", &["--request-id", from_skyvern, "--function", "skyvern-webhook-handler"]);
    let readable = String::from_utf8(readable.stdout).unwrap();
    assert_eq!(readable.lines().count(), 1, "{readable}");
    for part in ["  skyvern-webhook-handler  ", "  200  ", "  applied  ", "(database 200 ", from_skyvern] {
        assert!(readable.contains(part), "{part} in {readable}");
    }
}

#[tokio::test]
async fn a_stack_without_logs_is_named_and_those_with_logs_are_too() {
    let stack = Stack::get().await;

    let refused = xtask(&stack, "logs", &["--name", "nobody-ever"]);

    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stdout).unwrap();
    assert!(said.contains("nobody-ever has logs") && said.contains(&stack.description().name), "{said}");
}

#[tokio::test]
async fn only_what_has_a_cron_is_fired() {
    let stack = Stack::get().await;

    let refused = xtask(&stack, "cron", &["adzuna-job-search"]);

    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stdout).unwrap();
    assert!(said.contains("adzuna-job-search has no cron") && said.contains("job-runner"), "{said}");
}
