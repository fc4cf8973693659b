//! The simulated push service refuses what the real one refuses.

use serde_json::{Value, json};
use tests::{Device, Method, ProjectSpec, Reply, Stack};
use uuid::Uuid;

fn token() -> String {
    format!("ExponentPushToken[{}]", &Uuid::new_v4().simple().to_string()[..22])
}

async fn ask(stack: &Stack, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
    let url = format!("{}/expo/--/api/v2/push/{path}", stack.description().simulators_url);
    let request = stack.http(Method::POST, url).json(body);
    Reply::to(match bearer {
        Some(bearer) => request.bearer_auth(bearer),
        None => request,
    })
    .await
}

fn code(reply: &Reply) -> &str {
    reply.json["errors"][0]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn tickets_come_for_each_recipient_in_order() {
    let stack = Stack::get().await;
    let tokens: Vec<String> = (0..3).map(|_| token()).collect();
    let gone = Device { ticket_error: Some("DeviceNotRegistered".into()), ..Device::default() };
    stack.expo().set_devices(&tokens[1..2], gone).await;
    let body = json!([{ "to": tokens[..2], "body": "a" }, { "to": tokens[2], "body": "b" }]);
    let reply = ask(&stack, "send", None, &body).await.expect_status(200);
    let statuses: Vec<&Value> = reply.json["data"].as_array().unwrap().iter().map(|ticket| &ticket["status"]).collect();
    assert_eq!(statuses, ["ok", "error", "ok"]);
    assert_eq!(reply.json["data"][1]["details"]["expoPushToken"], json!(tokens[1]));

    let single = ask(&stack, "send", None, &json!({ "to": tokens[0] })).await.expect_status(200);
    assert_eq!(single.json["data"]["status"], "ok", "one message that is no array gets one ticket that is none");
    let malformed = ask(&stack, "send", None, &json!([{ "to": "ExponentPushToken[xd]" }])).await.expect_status(200);
    assert_eq!(malformed.json["data"][0]["details"]["error"], "DeviceNotRegistered");
    let long = json!([{ "to": tokens[0], "body": "x".repeat(5000) }]);
    let long = ask(&stack, "send", None, &long).await.expect_status(200);
    assert_eq!(long.json["data"][0]["details"]["error"], "MessageTooBig");
}

#[tokio::test]
async fn requests_have_limits() {
    let stack = Stack::get().await;
    let many: Vec<Value> = (0..101).map(|_| json!({ "to": token() })).collect();
    for (path, body, expected) in [
        ("send", json!(many), "PUSH_TOO_MANY_NOTIFICATIONS"),
        ("send", json!({ "to": vec![token(); 101] }), "VALIDATION_ERROR"),
        ("send", json!([{ "to": token(), "titel": "misspelled" }]), "VALIDATION_ERROR"),
        ("send", json!([{ "title": "to nobody" }]), "VALIDATION_ERROR"),
        ("getReceipts", json!({ "ids": vec!["a"; 1001] }), "PUSH_TOO_MANY_RECEIPTS"),
        ("getReceipts", json!({ "ids": "a" }), "VALIDATION_ERROR"),
    ] {
        let reply = ask(&stack, path, None, &body).await.expect_status(400);
        assert_eq!(code(&reply), expected, "{reply:?}");
    }
    let empty = ask(&stack, "getReceipts", None, &json!({ "ids": ["unknown"] })).await.expect_status(200);
    assert_eq!(empty.json, json!({ "data": {} }));
}

#[tokio::test]
async fn a_project_takes_six_hundred_messages_a_second_and_no_other_projects() {
    let stack = Stack::get().await;
    let (mine, foreign) = (token(), token());
    let project = format!("@acme/{}", Uuid::new_v4());
    let device = Device { project: Some(project.clone()), ..Device::default() };
    stack.expo().set_devices(std::slice::from_ref(&mine), device).await;

    let mixed = ask(&stack, "send", None, &json!([{ "to": mine }, { "to": foreign }])).await.expect_status(400);
    assert_eq!(code(&mixed), "PUSH_TOO_MANY_EXPERIENCE_IDS");
    assert_eq!(mixed.json["errors"][0]["details"][&project], json!([mine]), "{mixed:?}");
    assert!(stack.expo().delivered(&mine).await.is_empty(), "nothing is sent");

    let hundred = json!([{ "to": vec![&mine; 100] }]);
    let replies = futures_util::future::join_all((0..8).map(|_| ask(&stack, "send", None, &hundred))).await;
    assert!(replies.iter().any(|reply| reply.status == 429 && code(reply) == "TOO_MANY_REQUESTS"));
    assert!(stack.expo().delivered(&mine).await.len() <= 600);
}

#[tokio::test]
async fn a_wrong_bearer_is_refused_and_a_right_one_may_be_needed() {
    let stack = Stack::get().await;
    let (mine, usual) = (token(), token());
    let project = format!("@acme/{}", Uuid::new_v4());
    let device = Device { project: Some(project.clone()), ..Device::default() };
    stack.expo().set_devices(std::slice::from_ref(&mine), device).await;
    let secret = Uuid::new_v4().to_string();
    let spec = ProjectSpec { project, access_token: Some(secret.clone()), answers_after_ms: 0 };
    stack.expo().set_project(&spec).await;

    let wrong = ask(&stack, "send", Some("wrong"), &json!([{ "to": usual }])).await.expect_status(401);
    assert_eq!(wrong.json["error"], "invalid_token", "even where none is needed");
    let missing = ask(&stack, "send", None, &json!([{ "to": mine }])).await.expect_status(403);
    assert_eq!(code(&missing), "UNAUTHORIZED");
    ask(&stack, "send", Some(&secret), &json!([{ "to": mine }])).await.expect_status(200);
}

#[tokio::test]
async fn receipts_are_gone_after_a_day() {
    let stack = Stack::get().await;
    let mine = token();
    let ticket = ask(&stack, "send", None, &json!([{ "to": mine }])).await.expect_status(200);
    let id = ticket.json["data"][0]["id"].as_str().unwrap().to_owned();
    let receipts = async || ask(&stack, "getReceipts", None, &json!({ "ids": [id] })).await.expect_status(200).json;

    stack.expo().let_age(&mine, 24 * 60 * 60 - 1).await;
    assert_eq!(receipts().await, json!({ "data": { &id: { "status": "ok" } } }));
    stack.expo().let_age(&mine, 1).await;
    assert_eq!(receipts().await, json!({ "data": {} }));
}
