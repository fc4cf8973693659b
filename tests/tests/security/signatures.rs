//! Webhooks are accepted with their sender's signature, and refused with any other.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use simulators::clerk::webhook::sign;
use tests::{EventSpec, Finish, Method, Person, Reply, SigningKey, Stack, WebhookKey, client};
use uuid::Uuid;

const CLERK_HANDLER: &str = "clerk-webhook-handler";

/// An application that Skyvern is working on, and its run.
async fn started(person: &Person) -> (Uuid, String) {
    let application = person.pending_application().await;
    let reply = person.initiate(application).await.expect_status(202);
    (application, reply.run_id().to_owned())
}

fn new_clerk_id() -> String {
    format!("user_{}", Uuid::new_v4().simple())
}

/// A person as Clerk describes them.
fn user(clerk_id: &str) -> Value {
    json!({ "id": clerk_id, "updated_at": 1_000, "first_name": "Grace", "last_name": "Hopper", "email_addresses": [] })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Posts to the handler directly, without the simulator.
async fn post_to_clerk_handler(stack: &Stack, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let request = stack.http(Method::POST, stack.function_url(CLERK_HANDLER)).body(body.into());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_bytes()));
    Reply::to(request).await
}

/// Neither an event nor an account.
async fn expect_no_trace(stack: &Stack, clerk_id: &str) {
    let traces = "select from public.webhook_events where clerk_user_id = $1
                  union all select from public.users where clerk_user_id = $1";
    assert!(stack.database().query(traces, &[&clerk_id]).await.is_empty(), "{clerk_id} left a trace");
}

#[tokio::test]
async fn a_webhook_that_skyvern_has_not_signed_changes_nothing() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    let body = json!({ "run_id": run_id, "run_type": "task_v1", "output": null, "errors": [], "status": "completed" })
        .to_string();
    let good = stack.skyvern().sign(body.as_bytes());
    let query = format!("?application_id={application}");

    let long = format!("{good}0");
    let prefixed = format!("sha256={good}");
    let upper = good.to_uppercase();
    let accented = "é".repeat(32);
    for signature in [None, Some(""), Some(&good[..63]), Some(&long), Some(&prefixed), Some(&upper), Some(&accented)] {
        let headers: Vec<_> = signature.into_iter().map(|signature| ("x-skyvern-signature", signature)).collect();
        let reply = stack.send_webhook(&query, &headers, body.clone()).await;
        assert_eq!((reply.status, reply.code()), (401, "signature_invalid"), "{signature:?} {reply:?}");
    }
    for changed in [body.replacen("completed", "compleded", 1), format!("{body} "), String::new()] {
        let reply = stack.send_webhook(&query, &[("x-skyvern-signature", &good)], changed).await;
        reply.expect_problem(401, "signature_invalid");
    }
    let finish = Finish { key: SigningKey::Wrong, ..Finish::submitted() };
    let finished = stack.skyvern().finish(&run_id, &finish).await;
    assert_eq!(finished.deliveries[0].attempts.len(), 1, "401 is final for Skyvern: {finished:#?}");
    assert_eq!(finished.deliveries[0].status(), Some(401));

    let inbox = "select to_jsonb(e) from public.webhook_events e where run_id = $1";
    assert!(stack.database().json(inbox, &[&run_id]).await.is_empty());
    assert!(stack.database().rows("notifications", "related_entity_id", application).await.is_empty());
    assert_eq!(ada.application_row(application).await["status"], "PROCESSING_BY_SKYVERN");
}

#[tokio::test]
async fn a_webhook_that_is_signed_with_skyverns_previous_key_is_accepted() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for key in [SigningKey::Current, SigningKey::Previous] {
        let (application, run_id) = started(&ada).await;
        stack.skyvern().finish(&run_id, &Finish { key, ..Finish::submitted() }).await;
        assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN", "{key:?}");
    }
}

#[tokio::test]
async fn clerks_signature_is_accepted_under_either_key_and_within_five_minutes() {
    let stack = Stack::get().await;
    for (key, timestamp_shift, is_accepted) in [
        (WebhookKey::Current, 0, true),
        (WebhookKey::Previous, 0, true),
        (WebhookKey::Both, 0, true),
        (WebhookKey::Wrong, 0, false),
        (WebhookKey::Current, -200, true),
        (WebhookKey::Current, 290, true), // and less by the time that it arrives
        (WebhookKey::Current, -310, false),
        (WebhookKey::Current, 400, false),
        (WebhookKey::Current, -2_000_000_000, false),
    ] {
        let clerk_id = new_clerk_id();
        let spec = EventSpec { key, timestamp_shift, ..EventSpec::new("user.created", user(&clerk_id)) };
        let sent = stack.clerk().send(&spec).await;
        if is_accepted {
            assert_eq!(sent.outcome(), "created", "{key:?} {timestamp_shift}");
        } else {
            assert_eq!(sent.refusal(), (401, "signature_invalid"), "{key:?} {timestamp_shift}");
            expect_no_trace(&stack, &clerk_id).await;
        }
    }
}

#[tokio::test]
async fn what_clerk_has_not_signed_to_the_byte_is_refused() {
    let stack = Stack::get().await;
    let clerk_id = new_clerk_id();
    let spec = EventSpec { timestamp_shift: -310, ..EventSpec::new("user.created", user(&clerk_id)) };
    let sent = stack.clerk().send(&spec).await;
    let fresh = now().to_string();
    let signature = sign(&stack.keys().clerk_webhook_secret, &sent.svix_id, &fresh, &sent.body);
    let good = [
        ("content-type", "application/json"),
        ("svix-id", sent.svix_id.as_str()),
        ("svix-timestamp", fresh.as_str()),
        ("svix-signature", signature.as_str()),
    ];
    let refused = async |headers: &[(&str, &str)], body: &str| {
        let reply = post_to_clerk_handler(&stack, headers, body).await;
        assert_eq!(reply.header("www-authenticate"), "Signature");
        reply.expect_problem(401, "signature_invalid");
    };

    for (name, value) in [
        ("svix-id", "msg_other"),
        ("svix-id", ""),
        ("svix-timestamp", "soon"),
        ("svix-timestamp", "99999999999999999999999999"),
        ("svix-timestamp", sent.timestamp.as_str()),
        ("svix-signature", ""),
        ("svix-signature", "v1,"),
        ("svix-signature", "v1,é"),
        ("svix-signature", &signature[3..]),
        ("svix-signature", &signature.replace("v1,", "v2,")),
    ] {
        let headers = good.map(|header| if header.0 == name { (name, value) } else { header });
        refused(&headers, &sent.body).await;
    }
    for missing in 1..good.len() {
        let headers: Vec<_> = good.iter().copied().filter(|header| *header != good[missing]).collect();
        refused(&headers, &sent.body).await;
    }
    refused(&good, &sent.body.replace("Grace", "Mallory")).await;
    refused(&good, &format!("{} ", sent.body)).await;
    refused(&good, "").await;
    expect_no_trace(&stack, &clerk_id).await;

    post_to_clerk_handler(&stack, &good, sent.body.as_str()).await.expect_status(200);
}

#[tokio::test]
async fn a_signature_by_svixs_own_library_is_accepted() {
    let stack = Stack::get().await;
    let deliver = async |secret: &str, id: &str, body: &str| {
        let input = json!({ "target": stack.function_url(CLERK_HANDLER), "secret": secret, "id": id, "body": body });
        client::run("svix.mjs", &input).await
    };
    let clerk_id = new_clerk_id();
    let body = json!({ "type": "user.created", "data": user(&clerk_id), "note": "Zoë – ☕" });
    let (id, body) = (format!("msg.{}", Uuid::new_v4().simple()), body.to_string());
    let keys = stack.keys();

    let refused = deliver("whsec_bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZyE=", &id, &body).await;
    assert_eq!((&refused["status"], &refused["body"]["code"]), (&json!(401), &json!("signature_invalid")));
    let first = deliver(&keys.clerk_webhook_secret, &id, &body).await;
    assert_eq!((&first["status"], &first["body"]["outcome"]), (&json!(200), &json!("created")), "{first}");
    let second = deliver(&keys.clerk_previous_webhook_secret, &id, &body).await;
    assert_eq!((&second["status"], &second["body"]["outcome"]), (&json!(200), &json!("duplicate")), "{second}");
}
