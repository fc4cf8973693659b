//! Skyvern's API: creating, reading, searching and cancelling runs.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tests::{Finish, Method, Reply, RunStatus, Stack};
use uuid::Uuid;

use crate::receiver::{Answer, Receiver};

/// A request for a task, as our functions make them.
pub fn task(title: &str) -> Value {
    json!({ "prompt": "Apply", "url": "https://jobs.example.com", "title": title, "max_steps": 30 })
}

/// The creation of a run, ready to be sent.
pub fn creation(stack: &Stack, body: &Value) -> RequestBuilder {
    call(stack, Method::POST, "/v1/run/tasks").json(body)
}

/// Creates a run.
pub async fn create(stack: &Stack, body: &Value) -> Reply {
    Reply::to(creation(stack, body)).await
}

/// Any request with the key in use.
pub fn call(stack: &Stack, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", stack.description().skyvern_api_url);
    stack.http(method, url).header("x-api-key", &stack.keys().skyvern_api_key)
}

fn title() -> String {
    format!("run-{}", Uuid::new_v4())
}

#[tokio::test]
async fn every_wrong_key_is_forbidden_in_the_same_words() {
    let stack = Stack::get().await;
    let url = format!("{}/v1/run/tasks", stack.description().skyvern_api_url);
    let key = &stack.keys().skyvern_api_key;
    let wrong = [String::new(), "nonsense".to_owned(), format!("Bearer {key}"), format!("\"{key}\"")];
    let body = task(&title());

    let mut replies = vec![Reply::to(stack.http(Method::POST, &url).json(&body)).await];
    replies.push(Reply::to(stack.http(Method::POST, &url).bearer_auth(key).json(&body)).await);
    for key in wrong {
        replies.push(Reply::to(stack.http(Method::POST, &url).header("x-api-key", key).json(&body)).await);
    }

    for reply in replies {
        assert_eq!(reply.expect_status(403).json, json!({ "detail": "Invalid credentials" }));
    }
}

#[tokio::test]
async fn both_keys_of_the_organisation_are_good() {
    let stack = Stack::get().await;
    let url = format!("{}/v1/run/tasks/", stack.description().skyvern_api_url);
    let previous = &stack.keys().skyvern_previous_api_key;

    create(&stack, &task(&title())).await.expect_status(200);
    Reply::to(stack.http(Method::POST, url).header("x-api-key", previous).json(&task(&title())))
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_missing_prompt_is_named_with_an_echo_of_the_body() {
    let stack = Stack::get().await;

    let reply = create(&stack, &json!({ "url": "https://jobs.example.com" })).await;

    let expected = json!({ "detail": [{
        "type": "missing", "loc": ["body", "prompt"], "msg": "Field required",
        "input": { "url": "https://jobs.example.com" },
    }] });
    assert_eq!(reply.expect_status(422).json, expected);
}

#[tokio::test]
async fn wrong_values_are_unprocessable_and_wrong_addresses_bad() {
    let stack = Stack::get().await;
    let with = |name: &str, value: Value| {
        let mut body = task(&title());
        body[name] = value;
        body
    };
    for (name, value, status) in [
        ("proxy_location", json!("RESIDENTIAL_US"), 422),
        ("max_steps", json!("many"), 422),
        ("engine", json!("skyvern-4.0"), 422),
        ("file_ids", json!(["file_1"]), 422),
        ("url", json!("ftp://jobs.example.com"), 400),
        ("url", Value::Null, 400),
        ("webhook_url", json!("https://lab.elb.amazonaws.com/hook"), 400),
        ("browser_profile_id", json!("bp_1"), 400),
        ("browser_session_id", json!("pbs_1"), 404),
    ] {
        create(&stack, &with(name, value)).await.expect_status(status);
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_unprocessable() {
    let stack = Stack::get().await;
    let send = |media_type: &'static str, body: &'static str| {
        Reply::to(call(&stack, Method::POST, "/v1/run/tasks").header("content-type", media_type).body(body))
    };

    let broken = send("application/json", "{\"prompt\":").await;
    let text = send("text/plain", "{\"prompt\":\"Apply\"}").await;

    assert_eq!(broken.expect_status(422).json["detail"][0]["type"], "json_invalid");
    assert_eq!(text.expect_status(422).json["detail"][0]["type"], "model_attributes_type");
}

#[tokio::test]
async fn a_run_begins_created_and_echoes_its_request_rebuilt() {
    let stack = Stack::get().await;
    let mut body = task(&title());
    body["webhook_url"] = json!(" https://hooks.example.com?id=1 ");
    body["unknown_field"] = json!(true);

    let run = create(&stack, &body).await.expect_status(200).json;

    let echo = &run["run_request"];
    assert_eq!((&run["status"], &run["run_type"]), (&json!("created"), &json!("task_v1")));
    assert_eq!((&echo["title"], &echo["max_steps"]), (&Value::Null, &Value::Null));
    assert_eq!(echo["url"], "https://jobs.example.com/");
    assert_eq!(echo["webhook_url"], "https://hooks.example.com/?id=1");
    assert_eq!(echo["proxy_location"], "RESIDENTIAL");
    assert_eq!(echo.get("unknown_field"), None);
    let created_at = run["created_at"].as_str().unwrap();
    assert_eq!((created_at.len(), created_at.contains('Z')), (26, false), "microseconds and no zone: {created_at}");
    assert_eq!(run["app_url"], format!("https://app.skyvern.com/runs/{}", run["run_id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_run_is_found_by_a_part_of_its_title() {
    let stack = Stack::get().await;
    let title = title();
    let run_id = create(&stack, &task(&title)).await.run_id().to_owned();

    let path = format!("/v1/runs?search_key={}&page_size=10", &title[4..30]);
    let found = Reply::to(call(&stack, Method::GET, &path)).await.expect_status(200).json;
    let too_short = Reply::to(call(&stack, Method::GET, "/v1/runs?search_key=ab")).await;

    assert_eq!(found.as_array().map(Vec::len), Some(1));
    assert_eq!((&found[0]["run_id"], &found[0]["title"]), (&json!(run_id), &json!(title)));
    too_short.expect_status(422);
}

#[tokio::test]
async fn a_run_can_be_read_until_its_end_and_an_unknown_one_cannot() {
    let stack = Stack::get().await;
    let run_id = create(&stack, &task(&title())).await.run_id().to_owned();
    stack.skyvern().finish(&run_id, &Finish::submitted()).await;

    let run = Reply::to(call(&stack, Method::GET, &format!("/v1/runs/{run_id}"))).await.expect_status(200).json;
    let unknown = Reply::to(call(&stack, Method::GET, "/v1/runs/tsk_1")).await;

    assert_eq!((&run["status"], &run["output"]["submitted"]), (&json!("completed"), &json!(true)));
    assert!(unknown.expect_status(404).json["detail"].as_str().unwrap().starts_with("Task run not found"));
}

#[tokio::test]
async fn a_cancel_delivers_its_webhook_before_it_answers() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;
    let mut body = task(&title());
    body["webhook_url"] = json!(receiver.url());
    let run_id = create(&stack, &body).await.run_id().to_owned();
    let cancel = || Reply::to(call(&stack, Method::POST, &format!("/v1/runs/{run_id}/cancel")));

    let first = cancel().await;
    let second = cancel().await;

    assert_eq!(first.expect_status(200).text, "null");
    let sent: Value = serde_json::from_slice(&receiver.webhooks()[0].body).unwrap();
    assert_eq!(sent["status"], "canceled");
    assert!(second.expect_status(400).json["detail"].as_str().unwrap().starts_with("Invalid task status transition"));
}

#[tokio::test]
async fn a_cancel_whose_webhook_fails_cancels_all_the_same() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[Answer(404, None)]).await;
    let title = title();
    let mut body = task(&title);
    body["webhook_url"] = json!(receiver.url());
    let run_id = create(&stack, &body).await.run_id().to_owned();

    let reply = Reply::to(call(&stack, Method::POST, &format!("/v1/runs/{run_id}/cancel"))).await;

    assert_eq!(reply.expect_status(500).json, json!({ "error": "Unexpected error: FailedToSendWebhook" }));
    assert_eq!(stack.skyvern().run_for(&title).await.status, RunStatus::Canceled);
}

#[tokio::test]
async fn a_run_may_be_listed_late() {
    let stack = Stack::get().await;
    let (held, slow) = (title(), title());
    stack.skyvern().list_late(&held, None).await;
    stack.skyvern().list_late(&slow, Some(300)).await;
    let run_id = create(&stack, &task(&held)).await.run_id().to_owned();
    create(&stack, &task(&slow)).await.expect_status(200);
    let listed = async |title: &str| {
        let reply = Reply::to(call(&stack, Method::GET, &format!("/v1/runs?search_key={title}"))).await;
        reply.expect_status(200).json.as_array().map(Vec::len)
    };

    assert_eq!(listed(&held).await, Some(0));
    Reply::to(call(&stack, Method::GET, &format!("/v1/runs/{run_id}"))).await.expect_status(200);
    tests::eventually("the slow one is listed", async || (listed(&slow).await == Some(1)).then_some(())).await;
    assert_eq!(listed(&held).await, Some(0), "until it is released");
    stack.skyvern().list_now(&held).await;
    assert_eq!(listed(&held).await, Some(1));
}

#[tokio::test]
async fn what_is_over_stays_over_except_that_a_cancelled_run_may_be_completed() {
    let stack = Stack::get().await;
    let (over, cancelled) = (title(), title());
    let over = create(&stack, &task(&over)).await.run_id().to_owned();
    let cancelled = create(&stack, &task(&cancelled)).await.run_id().to_owned();
    stack.skyvern().finish(&over, &Finish::submitted()).await;
    stack.skyvern().finish(&cancelled, &Finish::with_status(RunStatus::Canceled)).await;

    for (run_id, from, to) in [
        (&over, "completed", RunStatus::Running),
        (&over, "completed", RunStatus::Failed),
        (&over, "completed", RunStatus::Completed),
        (&cancelled, "canceled", RunStatus::Running),
        (&cancelled, "canceled", RunStatus::Failed),
    ] {
        let reply = stack.skyvern().try_to_finish(run_id, &Finish::with_status(to)).await.expect_status(400);
        let detail = format!("Invalid task status transition from {from} to {}", json!(to).as_str().unwrap());
        assert_eq!(reply.json["detail"], detail);
    }
    stack.skyvern().finish(&cancelled, &Finish::submitted()).await;
    let read = Reply::to(call(&stack, Method::GET, &format!("/v1/runs/{cancelled}"))).await.expect_status(200);
    assert_eq!(read.json["status"], "completed");
}

#[tokio::test]
async fn a_run_that_is_cancelled_too_late_completes_all_the_same() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;
    let title = title();
    stack.skyvern().complete_after_cancel(&title, Finish::submitted()).await;
    let mut body = task(&title);
    body["webhook_url"] = json!(receiver.url());
    let run_id = create(&stack, &body).await.run_id().to_owned();

    let cancel = Reply::to(call(&stack, Method::POST, &format!("/v1/runs/{run_id}/cancel"))).await;

    assert_eq!(cancel.expect_status(200).text, "null", "the cancellation is accepted");
    let webhooks =
        tests::eventually("both webhooks", async || Some(receiver.webhooks()).filter(|webhooks| webhooks.len() == 2))
            .await;
    let statuses =
        webhooks.iter().map(|webhook| serde_json::from_slice::<Value>(&webhook.body).unwrap()["status"].clone());
    assert_eq!(statuses.collect::<Vec<_>>(), ["canceled", "completed"]);
}
