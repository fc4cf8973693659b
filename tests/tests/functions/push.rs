//! Push messages: from a call, from the queue, and from Skyvern's webhook, to the devices.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Device, Fault, Finish, Method, Person, ProjectSpec, Receipt, Reply, Service, Stack};
use uuid::Uuid;

const FUNCTION: &str = "trigger-push-notification";

fn token() -> String {
    format!("ExponentPushToken[{}]", &Uuid::new_v4().simple().to_string()[..22])
}

/// Registers devices of the person, and returns their tokens.
async fn devices(person: &Person, count: usize) -> Vec<String> {
    let caller = person.caller().await;
    let tokens: Vec<String> = (0..count).map(|_| token()).collect();
    for token in &tokens {
        let device = json!({ "p_token": token, "p_platform": "ios" });
        caller.rpc("register_push_token", &device).await.expect_status(200);
    }
    tokens
}

fn message(person: &Person, text: &str) -> Value {
    json!({ "user_id": person.user_id, "title": "News", "message": text, "data": { "kind": "test" } })
}

async fn push(stack: &Stack, body: &Value) -> Reply {
    stack.service().invoke(FUNCTION, body).await
}

/// The outcomes of a message's devices, in no particular order.
fn outcomes(reply: &Reply, message: usize) -> Vec<String> {
    let devices = reply.json["messages"][message]["devices"].as_array().unwrap_or_else(|| panic!("{reply:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut outcomes: Vec<String> = devices
        .iter()
        .map(|device| format!("{} {}", text(&device["outcome"]), text(&device["error"])).trim().to_owned())
        .collect();
    outcomes.sort();
    outcomes
}

async fn device_row(stack: &Stack, token: &str) -> Value {
    let sql = "select to_jsonb(d) from public.user_push_tokens d where token = $1";
    stack.database().json(sql, &[&token]).await.remove(0)
}

async fn tickets(stack: &Stack, token: &str) -> Vec<Value> {
    let sql = "select to_jsonb(t) from public.push_tickets t join public.user_push_tokens d on d.id = t.push_token_id
               where d.token = $1 order by sent_at";
    stack.database().json(sql, &[&token]).await
}

/// Queues a message as a notification does.
async fn queue(stack: &Stack, person: &Person, payload: &Value) -> Uuid {
    let sql = "insert into public.background_jobs (user_id, job_type, payload) values ($1, 'push_notification', $2)
               returning id";
    stack.database().query(sql, &[&person.user_id, payload]).await[0].get(0)
}

async fn job(stack: &Stack, id: Uuid) -> Value {
    stack.database().row("background_jobs", id).await
}

fn refusal(status: u16, body: Value, headers: &[(&str, &str)]) -> Fault {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fault::Status { status, body, headers }
}

#[tokio::test]
async fn a_message_reaches_every_device_of_the_person_and_no_other() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let (tokens, others) = (devices(&ada, 3).await, devices(&grace, 1).await);

    let reply = push(&stack, &message(&ada, "Hello – ça va?")).await.expect_status(200);

    assert_eq!((&reply.json["sent"], outcomes(&reply, 0)), (&json!(3), vec!["sent".to_owned(); 3]), "{reply:?}");
    for token in &tokens {
        let delivered = stack.expo().delivered(token).await;
        assert_eq!(delivered.len(), 1);
        assert_eq!((delivered[0].title.as_str(), delivered[0].body.as_str()), ("News", "Hello – ça va?"));
        assert_eq!(delivered[0].data, json!({ "kind": "test" }));
        let tickets = tickets(&stack, token).await;
        assert_eq!((tickets.len(), &tickets[0]["ticket_id"]), (1, &json!(delivered[0].ticket_id)));
    }
    assert!(stack.expo().delivered(&others[0]).await.is_empty());
    let requests = stack.expo().requests_for(&tokens[0]).await;
    assert_eq!(requests.len(), 1, "one request for all devices");
    assert!(requests[0].body.starts_with('['), "always an array");
    assert_eq!(requests[0].headers.get("authorization"), None, "no bearer where there is no access token");
    assert_eq!(requests[0].headers.get("x-request-id").map(String::as_str), Some(reply.header("x-request-id")));
}

#[tokio::test]
async fn sending_costs_one_call_to_the_database_before_and_one_after() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    devices(&ada, 2).await;
    let messages = json!([message(&ada, "one"), message(&ada, "two")]);
    let reply = push(&stack, &messages).await.expect_status(200);
    let calls: Vec<&str> =
        reply.header("server-timing").split(", ").filter_map(|call| call.split(';').next()).collect();
    assert_eq!(calls, ["database", "expo", "database"]);

    let nobody = json!({ "user_id": Uuid::new_v4(), "title": "a", "message": "b" });
    let reply = push(&stack, &nobody).await.expect_status(200);
    assert_eq!(reply.json["messages"][0]["devices"], json!([]), "{reply:?}");
    assert!(!reply.header("server-timing").contains(','), "nothing to send, nothing to write: {reply:?}");
}

#[tokio::test]
async fn only_the_backend_may_send() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let url = stack.function_url(FUNCTION);
    let person = format!("Bearer {}", ada.token().await);
    let anon = format!("Bearer {}", stack.keys().anon_key);
    let almost = format!("Bearer {}x", stack.keys().service_role_key);
    for headers in [
        &[][..],
        &[("authorization", person.as_str())],
        &[("authorization", anon.as_str()), ("apikey", &stack.keys().anon_key)],
        &[("authorization", almost.as_str())],
        &[("authorization", "Bearer ")],
    ] {
        let request = stack.http(Method::POST, &url).json(&message(&ada, "Hello"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let reply = Reply::to(request).await.expect_problem(401, "service_key_required");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    assert!(stack.expo().requests_for(&tokens[0]).await.is_empty());

    let key = &stack.keys().service_role_key;
    for (name, value) in [("authorization", format!("Bearer {key}")), ("apikey", key.clone())] {
        let request = stack.http(Method::POST, &url).json(&message(&ada, name)).header(name, value);
        Reply::to(request).await.expect_status(200);
    }
    assert_eq!(stack.expo().delivered(&tokens[0]).await.len(), 2);
}

#[tokio::test]
async fn a_thousand_messages_go_in_ten_compressed_requests_four_at_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let project = format!("@acme/{}", Uuid::new_v4());
    stack.expo().set_devices(&tokens, Device { project: Some(project.clone()), ..Device::default() }).await;
    // So late that all four of a round are there, and no two rounds in one second, of which Expo takes six hundred messages.
    let spec = ProjectSpec { project: project.clone(), access_token: None, answers_after_ms: 2000 };
    stack.expo().set_project(&spec).await;
    let messages: Vec<Value> = (0..1000)
        .map(|number| {
            json!({ "user_id": ada.user_id, "title": "News", "message": format!("number {number}"), "data": { "number": number } })
        })
        .collect();

    let reply = push(&stack, &json!(messages)).await.expect_status(200);

    assert_eq!((&reply.json["sent"], &reply.json["not_sent"]), (&json!(1000), &json!(0)));
    let record = stack.expo().project(&project).await;
    assert_eq!((record.requests, record.most_at_once), (10, 4));
    let delivered = stack.expo().delivered(&project).await;
    assert_eq!(delivered.len(), 1000);
    for message in &delivered {
        let number = usize::try_from(message.data["number"].as_u64().unwrap()).unwrap();
        let reported = &reply.json["messages"][number]["devices"][0]["ticket_id"];
        assert_eq!(reported, message.ticket_id.as_str(), "the ticket of each message is its own");
    }
    for request in stack.expo().requests_for(&tokens[0]).await {
        assert_eq!(request.headers.get("content-encoding").map(String::as_str), Some("gzip"));
    }
    assert_eq!(tickets(&stack, &tokens[0]).await.len(), 1000);
}

#[tokio::test]
async fn a_device_that_is_gone_is_not_asked_again_until_it_comes_back() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 2).await;
    stack
        .expo()
        .set_devices(&tokens[..1], Device { ticket_error: Some("DeviceNotRegistered".into()), ..Device::default() })
        .await;
    let caller = ada.caller().await;

    let reply = push(&stack, &message(&ada, "first")).await.expect_status(200);
    assert_eq!(outcomes(&reply, 0), ["revoked DeviceNotRegistered", "sent"]);
    assert!(device_row(&stack, &tokens[0]).await["revoked_at"].is_string());
    assert_eq!(tickets(&stack, &tokens[0]).await[0]["status"], "failed");

    let reply = push(&stack, &message(&ada, "second")).await.expect_status(200);
    assert_eq!(outcomes(&reply, 0), ["sent"]);

    caller.rpc("register_push_token", &json!({ "p_token": tokens[0] })).await.expect_status(200);
    stack.expo().set_devices(&tokens[..1], Device::default()).await;
    let reply = push(&stack, &message(&ada, "third")).await.expect_status(200);
    assert_eq!(outcomes(&reply, 0), ["sent", "sent"]);
}

#[tokio::test]
async fn what_is_no_push_token_is_not_registered() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let (id, long) = (Uuid::new_v4(), "a".repeat(300));
    for token in [
        json!(format!("apns-{id}")),
        json!(format!("ExponentPushToken{id}")),
        json!("ExponentPushToken[]"),
        json!(format!(" ExponentPushToken[{id}]")),
        json!(format!("ExponentPushToken[{long}]")),
        json!(""),
    ] {
        let reply = caller.rpc("register_push_token", &json!({ "p_token": token })).await;
        assert_eq!((reply.status, reply.code()), (422, "invalid_input"), "{token}: {reply:?}");
    }
    for token in [format!("ExponentPushToken[{id}]"), format!("ExpoPushToken[{id}]"), id.to_string()] {
        caller.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);
    }
}

#[tokio::test]
async fn one_bad_recipient_does_not_keep_the_others_from_their_message() {
    let stack = Stack::get().await;
    let people = join_all((0..50).map(|_| stack.new_person())).await;
    let tokens = join_all(people.iter().map(|person| devices(person, 1))).await.concat();
    let mut jobs = Vec::new();
    for person in &people {
        jobs.push(queue(&stack, person, &message(person, "queued")).await);
    }
    let bad = 17;
    let refused = json!({ "errors": [{ "code": "VALIDATION_ERROR", "message": "no" }] });
    stack.expo().fail(&tokens[bad], 100, refusal(400, refused, &[])).await;

    let requests: Vec<Value> = jobs.iter().map(|id| json!({ "job_id": id })).collect();
    let reply = push(&stack, &json!(requests)).await.expect_status(200);

    assert_eq!((&reply.json["sent"], &reply.json["failed"]), (&json!(49), &json!(1)), "{reply:?}");
    for (place, job_id) in jobs.iter().enumerate() {
        let row = job(&stack, *job_id).await;
        let expected = if place == bad { ("failed", json!("expo_rejected")) } else { ("completed", Value::Null) };
        assert_eq!((&row["status"], &row["error"]), (&json!(expected.0), &expected.1), "{place}");
        let delivered = stack.expo().delivered(&tokens[place]).await;
        assert_eq!(delivered.len(), usize::from(place != bad), "{place}");
    }
    assert!(stack.expo().requests_for(&tokens[bad]).await.len() <= 8, "halves of halves");
}

#[tokio::test]
async fn news_that_a_device_is_gone_does_not_undo_a_later_registration() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let asked = json!({ "p_messages": [{ "user_id": ada.user_id }] });
    let claimed = stack.service().rpc("claim_push_messages", &asked).await.expect_status(200);
    let device = &claimed.json["messages"][0]["devices"][0]["id"];

    ada.caller().await.rpc("register_push_token", &json!({ "p_token": tokens[0] })).await.expect_status(200);
    let gone = json!([{ "device_id": device, "error": "DeviceNotRegistered", "device_gone": true }]);
    let record = json!({ "p_read_at": claimed.json["read_at"], "p_tickets": gone, "p_jobs": [] });
    let recorded = stack.service().rpc("record_push_tickets", &record).await.expect_status(200);

    assert_eq!((&recorded.json["recorded"], &recorded.json["revoked"]), (&json!(1), &json!(0)));
    assert_eq!(device_row(&stack, &tokens[0]).await["revoked_at"], Value::Null);
}

#[tokio::test]
async fn tickets_are_kept_with_what_their_receipts_need() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let gone_later = Device { receipt: Some(Receipt::Error("DeviceNotRegistered".into())), ..Device::default() };
    stack.expo().set_devices(&tokens, gone_later).await;
    push(&stack, &message(&ada, "Hello")).await.expect_status(200);

    let ticket = &tickets(&stack, &tokens[0]).await[0];
    assert_eq!((&ticket["status"], &ticket["receipt_checks"]), (&json!("sent"), &json!(0)));
    let sql =
        "select extract(epoch from receipt_due_at - sent_at)::float8 from public.push_tickets where ticket_id = $1";
    let wait: f64 = stack.database().query(sql, &[&ticket["ticket_id"].as_str()]).await[0].get(0);
    assert!((890.0..910.0).contains(&wait), "a quarter of an hour: {wait}");

    let id = ticket["ticket_id"].as_str().unwrap();
    let url = format!("{}/expo/--/api/v2/push/getReceipts", stack.description().simulators_url);
    let receipts = Reply::to(stack.http(Method::POST, url).json(&json!({ "ids": [id, "absent"] }))).await;
    assert_eq!(receipts.json["data"][id]["details"]["error"], "DeviceNotRegistered", "{receipts:?}");
    assert_eq!(receipts.json["data"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_message_twice_shows_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    for text in ["same", "same", "other"] {
        push(&stack, &message(&ada, text)).await.expect_status(200);
    }
    let delivered = stack.expo().delivered(&tokens[0]).await;
    assert_eq!((delivered.len(), stack.expo().shown(&tokens[0]).await), (3, 2));
    assert!(delivered.iter().all(|message| !message.collapse_id.is_empty() && message.collapse_id == message.tag));
}

#[tokio::test]
async fn expo_decides_how_long_to_wait_after_429() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let too_many = json!({ "errors": [{ "code": "TOO_MANY_REQUESTS", "message": "slow down" }] });
    stack.expo().fail(&tokens[0], 1, refusal(429, too_many.clone(), &[("retry-after", "3")])).await;

    let started = Instant::now();
    let reply = push(&stack, &message(&ada, "Hello")).await.expect_status(200);
    assert!(started.elapsed() >= Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(outcomes(&reply, 0), ["sent"]);
    assert_eq!(stack.expo().delivered(&tokens[0]).await.len(), 1);

    // Longer than there is time: told at once, so that the caller can come back.
    stack.expo().fail(&tokens[0], 1, refusal(429, too_many, &[("retry-after", "120")])).await;
    let reply = push(&stack, &message(&ada, "later")).await.expect_problem(502, "expo_rate_limited");
    assert!(!reply.header("retry-after").is_empty(), "{reply:?}");
    assert_eq!(stack.expo().requests_for(&tokens[0]).await.len(), 3, "and nothing is tried meanwhile");
    assert_eq!(stack.expo().delivered(&tokens[0]).await.len(), 1);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_is_named() {
    let stack = Stack::get().await;
    let server_error = json!({ "errors": [{ "code": "INTERNAL_SERVER_ERROR", "message": "oops" }] });
    let cases = [
        (refusal(500, server_error, &[]), "expo_failed"),
        (refusal(503, json!("<html>busy</html>"), &[]), "expo_failed"),
        (Fault::Html, "expo_failed"),
        (refusal(200, json!("<html>welcome</html>"), &[]), "expo_unreadable"),
        (refusal(200, json!({ "data": [] }), &[]), "expo_unreadable"),
        (refusal(429, Value::Null, &[]), "expo_rate_limited"),
        (Fault::Cut, "expo_unreachable"),
    ];
    let try_one = async |(fault, code): (Fault, &'static str)| {
        let ada = stack.new_person().await;
        let tokens = devices(&ada, 1).await;
        stack.expo().fail(&tokens[0], 1, fault.clone()).await;
        let reply = push(&stack, &message(&ada, "Hello")).await.expect_status(200);
        assert_eq!(outcomes(&reply, 0), ["sent"], "{fault:?}");

        stack.expo().fail(&tokens[0], 4, fault.clone()).await;
        let reply = push(&stack, &message(&ada, "again")).await.expect_problem(502, code);
        assert_eq!(stack.expo().requests_for(&tokens[0]).await.len(), 6, "{fault:?} {reply:?}");
        assert_eq!(stack.expo().delivered(&tokens[0]).await.len(), 1, "{fault:?}");
        assert_eq!(tickets(&stack, &tokens[0]).await.len(), 1, "{fault:?}");
    };
    join_all(cases.into_iter().map(try_one)).await;
}

#[tokio::test]
async fn what_expo_will_never_take_is_sent_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let error = |code: &str| json!({ "errors": [{ "code": code, "message": "no" }] });
    for (fault, code) in [
        (refusal(400, error("VALIDATION_ERROR"), &[]), "expo_rejected"),
        (refusal(400, json!({ "unrelated": 1 }), &[]), "expo_rejected"),
        (refusal(401, json!({ "error": "invalid_token", "error_description": "no" }), &[]), "expo_unauthorized"),
        (refusal(403, error("UNAUTHORIZED"), &[]), "expo_unauthorized"),
    ] {
        let before = stack.expo().requests_for(&tokens[0]).await.len();
        stack.expo().fail(&tokens[0], 1, fault).await;
        push(&stack, &message(&ada, code)).await.expect_problem(502, code);
        assert_eq!(stack.expo().requests_for(&tokens[0]).await.len(), before + 1, "{code}");
    }
    assert!(stack.expo().delivered(&tokens[0]).await.is_empty());
}

#[tokio::test]
async fn an_answer_that_is_lost_or_late_shows_no_message_twice() {
    let stack = Stack::get().await;
    let try_one = async |fault: Fault| {
        let ada = stack.new_person().await;
        let tokens = devices(&ada, 1).await;
        stack.expo().fail(&tokens[0], 1, fault.clone()).await;
        let reply = push(&stack, &message(&ada, "Hello")).await.expect_status(200);
        assert_eq!(outcomes(&reply, 0), ["sent"], "{fault:?}");
        assert_eq!(stack.expo().delivered(&tokens[0]).await.len(), 2, "{fault:?}");
        assert_eq!(stack.expo().shown(&tokens[0]).await, 1, "{fault:?}");
    };
    join_all([Fault::CutAfterEffect, Fault::Hold].map(try_one)).await;
}

#[tokio::test]
async fn an_expo_that_never_answers_holds_nobody_longer_than_the_budget() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    stack.hold(Service::Expo, &tokens[0], 4).await;
    push(&stack, &message(&ada, "Hello")).await.expect_problem(504, "expo_timed_out");
}

#[tokio::test]
async fn one_batch_that_fails_does_not_take_the_others_along() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let mut messages: Vec<Value> = (0..101).map(|number| message(&ada, &format!("number {number}"))).collect();
    let marker = Uuid::new_v4().to_string();
    messages[100]["data"] = json!({ "marker": marker });
    stack.expo().fail(&marker, 1, refusal(400, json!({}), &[])).await;

    let reply = push(&stack, &json!(messages)).await.expect_status(200);

    assert_eq!((&reply.json["sent"], &reply.json["failed"]), (&json!(100), &json!(1)), "{reply:?}");
    assert_eq!(outcomes(&reply, 99), ["sent"]);
    assert_eq!(outcomes(&reply, 100), ["failed expo_rejected"]);
    assert_eq!(stack.expo().delivered(&tokens[0]).await.len(), 100);
}

#[tokio::test]
async fn devices_of_several_projects_are_regrouped() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 4).await;
    let project = |name: &str| format!("@acme/{name}-{}", ada.user_id);
    for (tokens, name) in [(&tokens[..1], "app"), (&tokens[1..3], "dev")] {
        let device = Device { project: Some(project(name)), ..Device::default() };
        stack.expo().set_devices(tokens, device).await;
    }
    // The one that is gone keeps its place among the tickets.
    let gone =
        Device { project: Some(project("dev")), ticket_error: Some("DeviceNotRegistered".into()), ..Device::default() };
    stack.expo().set_devices(&tokens[2..3], gone).await;

    let reply = push(&stack, &json!([message(&ada, "one"), message(&ada, "two")])).await.expect_status(200);

    for place in [0, 1] {
        assert_eq!(outcomes(&reply, place), ["revoked DeviceNotRegistered", "sent", "sent", "sent"], "{reply:?}");
    }
    for token in [&tokens[0], &tokens[1], &tokens[3]] {
        assert_eq!(stack.expo().delivered(token).await.len(), 2);
    }
    assert_eq!(stack.expo().delivered(&tokens[2]).await.len(), 0);
    assert!(device_row(&stack, &tokens[2]).await["revoked_at"].is_string());
    assert_eq!(stack.expo().project(&project("app")).await.requests, 1);
}

#[tokio::test]
async fn each_ticket_says_what_it_means() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 5).await;
    let errors = ["MessageRateExceeded", "InvalidCredentials", "SomethingNew", ""];
    for (token, error) in tokens.chunks(1).zip(errors) {
        stack.expo().set_devices(token, Device { ticket_error: Some(error.into()), ..Device::default() }).await;
    }
    let reply = push(&stack, &message(&ada, "Hello")).await.expect_status(200);
    let expected =
        ["failed InvalidCredentials", "failed SomethingNew", "failed unknown", "not_sent MessageRateExceeded", "sent"];
    assert_eq!(outcomes(&reply, 0), expected);
    for token in &tokens {
        assert_eq!(device_row(&stack, token).await["revoked_at"], Value::Null);
    }
    assert!(tickets(&stack, &tokens[0]).await.is_empty(), "it may still be sent");
}

#[tokio::test]
async fn a_queued_message_is_sent_once_however_many_want_to_send_it() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 2).await;
    let job_id = queue(&stack, &ada, &message(&ada, "queued")).await;
    let request = json!({ "job_id": job_id });

    let replies = join_all((0..10).map(|_| push(&stack, &request))).await;

    let sent: u64 = replies.iter().map(|reply| reply.json["sent"].as_u64().unwrap()).sum();
    assert_eq!(sent, 2, "{replies:?}");
    for token in &tokens {
        assert_eq!(stack.expo().delivered(token).await.len(), 1);
        assert_eq!(tickets(&stack, token).await[0]["job_id"], json!(job_id));
    }
    let row = job(&stack, job_id).await;
    assert_eq!((&row["status"], &row["locked_by"], &row["error"]), (&json!("completed"), &Value::Null, &Value::Null));
    assert_eq!(row["result"], json!({ "sent": 2, "revoked": 0, "failed": 0, "not_sent": 0 }));

    let again = push(&stack, &request).await.expect_status(200);
    assert_eq!(again.json["messages"][0]["error"], "not_due");
    assert_eq!(again.json["messages"][0]["job_status"], "completed");
    let absent = push(&stack, &json!({ "job_id": Uuid::new_v4() })).await.expect_status(200);
    assert_eq!(absent.json["messages"][0]["error"], "not_due");
}

#[tokio::test]
async fn a_failure_puts_a_queued_message_back_and_the_next_attempt_sends_the_rest() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 2).await;
    let slow = Device { ticket_error: Some("MessageRateExceeded".into()), ..Device::default() };
    stack.expo().set_devices(&tokens[..1], slow).await;
    let job_id = queue(&stack, &ada, &message(&ada, "queued")).await;
    let request = json!({ "job_id": job_id });

    let reply = push(&stack, &request).await.expect_status(200);
    assert_eq!(outcomes(&reply, 0), ["not_sent MessageRateExceeded", "sent"]);
    let row = job(&stack, job_id).await;
    assert_eq!(
        (&row["status"], &row["retry_count"], &row["error"]),
        (&json!("pending"), &json!(1), &json!("MessageRateExceeded"))
    );
    let sql = "select extract(epoch from run_at - now())::float8 from public.background_jobs where id = $1";
    let wait: f64 = stack.database().query(sql, &[&job_id]).await[0].get(0);
    assert!((15.0..45.0).contains(&wait), "half a minute, with a spread: {wait}");
    let early = push(&stack, &request).await.expect_status(200);
    assert_eq!(early.json["messages"][0]["job_status"], "pending", "{early:?}");

    stack.database().query("update public.background_jobs set run_at = now() where id = $1", &[&job_id]).await;
    stack.expo().set_devices(&tokens[..1], Device::default()).await;
    let reply = push(&stack, &request).await.expect_status(200);
    assert_eq!(outcomes(&reply, 0), ["sent"], "the other device has its message");
    assert_eq!(job(&stack, job_id).await["status"], "completed");
    for token in &tokens {
        assert_eq!(stack.expo().delivered(token).await.len(), 1);
    }
}

#[tokio::test]
async fn a_queued_message_waits_as_long_as_expo_asks() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    let job_id = queue(&stack, &ada, &message(&ada, "queued")).await;
    stack.expo().fail(&tokens[0], 1, refusal(429, Value::Null, &[("retry-after", "600")])).await;

    push(&stack, &json!({ "job_id": job_id })).await.expect_problem(502, "expo_rate_limited");

    let sql = "select extract(epoch from run_at - now())::float8 from public.background_jobs where id = $1";
    let wait: f64 = stack.database().query(sql, &[&job_id]).await[0].get(0);
    assert!((590.0..610.0).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_queued_message_that_cannot_be_sent_fails_with_the_reason() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;
    for (payload, error) in [
        (message(&ada, &"x".repeat(4096)), "MessageTooBig"),
        (json!({ "user_id": ada.user_id, "title": "only" }), "malformed"),
    ] {
        let job_id = queue(&stack, &ada, &payload).await;
        let reply = push(&stack, &json!({ "job_id": job_id })).await.expect_status(200);
        assert_eq!(reply.json["messages"][0]["error"], error);
        let row = job(&stack, job_id).await;
        assert_eq!((&row["status"], &row["error"]), (&json!("failed"), &json!(error)));
    }
    assert!(stack.expo().requests_for(&tokens[0]).await.is_empty());

    // The last attempt.
    let job_id = queue(&stack, &ada, &message(&ada, "queued")).await;
    stack.database().query("update public.background_jobs set retry_count = 4 where id = $1", &[&job_id]).await;
    stack.expo().fail(&tokens[0], 1, refusal(403, Value::Null, &[])).await;
    push(&stack, &json!({ "job_id": job_id })).await.expect_problem(502, "expo_unauthorized");
    let row = job(&stack, job_id).await;
    assert_eq!((&row["status"], &row["error"]), (&json!("failed"), &json!("expo_unauthorized")));
}

#[tokio::test]
async fn a_sender_that_lost_its_lease_decides_nothing() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let job_id = queue(&stack, &ada, &message(&ada, "queued")).await;
    let service = stack.service();
    let asked = json!({ "p_messages": [{ "job_id": job_id }] });
    let first = service.rpc("claim_push_messages", &asked).await.expect_status(200);
    let held = service.rpc("claim_push_messages", &asked).await.expect_status(200);
    assert_eq!(
        (&first.json["messages"][0]["claimed"], &held.json["messages"][0]["claimed"]),
        (&json!(true), &json!(false))
    );

    let expire = "update public.background_jobs set lease_expires_at = now() where id = $1";
    stack.database().query(expire, &[&job_id]).await;
    let second = service.rpc("claim_push_messages", &asked).await.expect_status(200);
    assert_eq!(job(&stack, job_id).await["retry_count"], 1, "the first has used up an attempt");

    let end = async |claimed: &Reply, outcome: &str| {
        let lease = &claimed.json["messages"][0]["lease_number"];
        let jobs = json!([{ "job_id": job_id, "lease_number": lease, "outcome": outcome, "error": "late" }]);
        let record = json!({ "p_read_at": claimed.json["read_at"], "p_tickets": [], "p_jobs": jobs });
        service.rpc("record_push_tickets", &record).await.expect_status(200).json["jobs"][0]["status"].clone()
    };
    assert_eq!(end(&first, "failed").await, "superseded");
    assert_eq!(job(&stack, job_id).await["status"], "processing");
    assert_eq!(end(&second, "completed").await, "completed");
    assert_eq!(end(&second, "retry").await, "superseded", "once is enough");
    assert_eq!(job(&stack, job_id).await["status"], "completed");
}

/// An application that Skyvern is working on, and its run.
async fn started(person: &Person) -> (Uuid, String) {
    let application = person.pending_application().await;
    let reply = person.initiate(application).await.expect_status(202);
    (application, reply.run_id().to_owned())
}

async fn push_job(stack: &Stack, application: Uuid) -> Value {
    let sql = "select to_jsonb(j) from public.background_jobs j
               where job_type = 'push_notification' and payload #>> '{data,application_id}' = $1";
    let mut jobs = stack.database().json(sql, &[&application.to_string()]).await;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    jobs.remove(0)
}

async fn until_job_is(stack: &Stack, application: Uuid, status: &str) -> Value {
    let what = format!("the push job is {status}");
    tests::eventually(&what, async || Some(push_job(stack, application).await).filter(|job| job["status"] == status))
        .await
}

#[tokio::test]
async fn a_webhook_that_comes_twenty_times_sends_one_push_message_at_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 2).await;
    let (application, run_id) = started(&ada).await;

    let finish = Finish { copies: 20, concurrently: true, ..Finish::submitted() };
    let finished = stack.skyvern().finish(&run_id, &finish).await;
    assert!(finished.deliveries.iter().all(|delivery| delivery.status() == Some(200)), "{finished:#?}");

    let job = until_job_is(&stack, application, "completed").await;
    assert_eq!(job["result"]["sent"], 2);
    for token in &tokens {
        let delivered = stack.expo().delivered(token).await;
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0].title, "Application sent");
        assert!(delivered[0].body.contains("Difference Engines"));
        assert_eq!(delivered[0].data["application_id"], json!(application));
        assert_eq!(delivered[0].data, job["payload"]["data"]);
        assert_eq!(tickets(&stack, token).await[0]["job_id"], job["id"]);
    }
    assert_eq!(stack.expo().requests_for(&tokens[0]).await.len(), 1);
}

#[tokio::test]
async fn a_webhook_neither_waits_for_the_push_message_nor_fails_with_it() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let tokens = devices(&ada, 1).await;

    stack.hold(Service::Expo, &tokens[0], 1).await;
    let (application, run_id) = started(&ada).await;
    let finished = stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    assert_ne!(push_job(&stack, application).await["status"], "completed", "Expo has not answered yet");
    stack.release(&tokens[0]).await;
    until_job_is(&stack, application, "completed").await;

    stack.expo().fail(&tokens[0], 1, refusal(403, Value::Null, &[])).await;
    let (application, run_id) = started(&ada).await;
    let finished = stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    let what = "the push message is put back";
    let job = tests::eventually(what, async || {
        Some(push_job(&stack, application).await).filter(|job| job["retry_count"] == 1)
    })
    .await;
    assert_eq!((&job["status"], &job["error"]), (&json!("pending"), &json!("expo_unauthorized")));
    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
}
