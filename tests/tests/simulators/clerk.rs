//! Clerk's tokens, as PostgREST verifies them with the keys of the stack.

use axum::http::HeaderName;
use serde_json::{Map, Value, json};
use tests::schedule::ScheduledMessage;
use tests::{CLERK_KEY_ID, EventSpec, Method, Reply, Stack, TokenSigning, TokenSpec};

use crate::receiver::{Answer, Receiver};

#[tokio::test]
async fn the_key_set_has_one_public_rsa_key() {
    let stack = Stack::get().await;
    let url = format!("{}/.well-known/jwks.json", stack.description().clerk_issuer);

    let keys = Reply::to(stack.http(Method::GET, url)).await.expect_status(200).json;

    let key = &keys["keys"][0];
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!((&key["kid"], &key["kty"], &key["alg"]), (&json!(CLERK_KEY_ID), &json!("RSA"), &json!("RS256")));
    assert_eq!(key.get("d"), None, "the private half stays at Clerk");
}

#[tokio::test]
async fn a_token_lets_a_person_see_themselves() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;

    let reply = ada.caller().await.select("users?select=clerk_user_id").await;

    assert_eq!(reply.expect_status(200).json, json!([{ "clerk_user_id": ada.clerk_user_id }]));
}

#[tokio::test]
async fn a_forged_token_is_refused_by_postgrest() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for signing in [TokenSigning::ForeignKey, TokenSigning::None, TokenSigning::Hs256PublicKey] {
        let spec = TokenSpec { sub: ada.clerk_user_id.clone(), signing, ..TokenSpec::default() };
        let token = stack.clerk().mint(&spec).await;

        let reply = stack.bearer(&token).select("users").await;

        assert_eq!(reply.expect_status(401).code(), "PGRST301", "{signing:?}");
    }
}

#[tokio::test]
async fn claims_and_header_are_as_ordered() {
    use base64::Engine as _;
    let stack = Stack::get().await;
    let spec = TokenSpec {
        sub: "user_1".to_owned(),
        claims: changes(&json!({ "azp": null, "sts": "pending" })),
        header: changes(&json!({ "kid": null, "crit": ["exp"] })),
        expires_in: Some(-5),
        signing: TokenSigning::Clerk,
    };

    let token = stack.clerk().mint(&spec).await;

    let part = |index| {
        let text = token.split('.').nth(index).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!((header.get("kid"), &header["crit"]), (None, &json!(["exp"])));
    assert_eq!(
        (claims.get("azp"), &claims["sts"], &claims["role"]),
        (None, &json!("pending"), &json!("authenticated"))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), -5);
    assert_eq!(claims["iss"], stack.description().clerk_issuer);
}

fn changes(object: &Value) -> Map<String, Value> {
    object.as_object().cloned().unwrap()
}

/// The attempts at a message: when they were made, and what was answered.
fn attempts(message: &ScheduledMessage) -> Vec<(u64, Option<u16>)> {
    message.attempts.iter().map(|attempt| (attempt.at, attempt.answer.status)).collect()
}

async fn handed_over(receiver: &Receiver) -> ScheduledMessage {
    let event = EventSpec {
        target: Some(receiver.url().parse().unwrap()),
        ..EventSpec::new("user.updated", json!({ "id": "user_1" }))
    };
    Stack::get().await.clerk().hand_over(&event).await
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_tried_eight_times_in_twenty_eight_hours() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[500, 404, 302, 400, 401, 503, 429, 500].map(|status| Answer(status, None))).await;

    let mut message = handed_over(&receiver).await;
    assert_eq!((attempts(&message), message.next_at), (vec![(0, Some(500))], Some(5)));
    message = stack.clerk().pass(&message, 4).await;
    assert_eq!(message.attempts.len(), 1, "not before its time");
    message = stack.clerk().pass(&message, 28 * 60 * 60).await;

    let expected =
        [(0, 500), (5, 404), (305, 302), (2_105, 400), (9_305, 401), (27_305, 503), (63_305, 429), (99_305, 500)];
    assert_eq!(attempts(&message), expected.map(|(at, status)| (at, Some(status))));
    assert_eq!(message.next_at, None, "given up");
    let webhooks = receiver.webhooks();
    assert_eq!(webhooks.len(), 8);
    for webhook in &webhooks {
        assert_eq!(webhook.header("svix-id"), message.svix_id, "always the same message");
        assert_eq!(webhook.body, webhooks[0].body);
    }
}

#[tokio::test]
async fn a_message_that_was_taken_or_is_not_wanted_is_not_tried_again() {
    let stack = Stack::get().await;
    let taken = Receiver::start(&[Answer(503, None), Answer(204, None)]).await;
    let unwanted =
        Receiver::start(&[Answer(503, Some((HeaderName::from_static("webhook-delivery"), "abort-message")))]).await;
    for (receiver, expected) in [(taken, 2), (unwanted, 1)] {
        let message = handed_over(&receiver).await;
        let message = stack.clerk().pass(&message, 28 * 60 * 60).await;
        assert_eq!((message.attempts.len(), message.next_at, receiver.webhooks().len()), (expected, None, expected));
    }
}
