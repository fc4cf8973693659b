//! The functions' clock, which nobody can set where they are deployed: keys that age, and a clock that is not the
//! database's, a vendor's or the file store's. What is promised while it is minutes off is in `two_runtimes.rs`.
//!
//! Each test has isolates of its own, which have seen nothing yet, and sets their clock.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use simulators::clerk::webhook::sign;
use tests::{
    CLERK_KEY_ID, Fault, FaultSpec, Method, Person, Reply, Service, Stack, TokenSpec,
    runtimes::{Gateway, Runtime},
};
use uuid::Uuid;

const MINUTE: i64 = 60;

/// New isolates, whose clock is set with every request.
struct Isolates {
    stack: Stack,
    _runtime: Runtime,
}

impl Isolates {
    async fn new(name: &str) -> Self {
        let stack = Stack::get().await;
        let gateway = Gateway::open(&stack).await;
        let runtime = Runtime::start(&stack, name, gateway.url(), 0).await;
        gateway.lead_to(&[&runtime]);
        Self { stack: Stack::described_by(&gateway.description(&stack, false)), _runtime: runtime }
    }

    /// Asks for a link to the person's résumé at this time, with a token of its own that is good for hours either way. Clerk
    /// meets `fault` if it is asked for its keys, and whether it was is returned.
    async fn ask(&self, person: &Person, at: i64, key_id: &str, fault: Option<Fault>) -> (Reply, bool) {
        let request_id = Uuid::new_v4().to_string();
        if let Some(fault) = fault {
            let spec = FaultSpec { service: Service::Clerk, contains: request_id.clone(), times: 1, fault };
            self.stack.fail(spec).await;
        }
        let mut token =
            TokenSpec { sub: person.clerk_user_id.clone(), expires_in: Some(4 * 3600), ..TokenSpec::default() };
        token.header.insert("kid".into(), json!(key_id));
        let start = Utc::now().timestamp() - 10 * MINUTE;
        token.claims.extend(["iat", "nbf"].map(|claim| (claim.to_owned(), json!(start))));
        let token = self.stack.clerk().mint(&token).await;
        let request = signed_url_request(&self.stack, person, &token, at).header("x-request-id", &request_id);
        let reply = Reply::to(request).await;
        (reply, !self.stack.requests(Service::Clerk, "/.well-known/jwks.json", &request_id).await.is_empty())
    }
}

fn signed_url_request(stack: &Stack, person: &Person, token: &str, at: i64) -> reqwest::RequestBuilder {
    stack
        .bearer(token)
        .request(Method::POST, "/functions/v1/generate-resume-signed-url")
        .header("x-test-clock", at)
        .json(&json!({ "resume_path_in_storage": person.resume_path }))
}

fn away() -> Fault {
    Fault::Status { status: 503, body: Value::Null, headers: [].into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_good_for_seventy_minutes_without_clerk_and_then_nobody_is_let_in_until_it_is_back() {
    let isolates = Isolates::new("aging").await;
    let ada = isolates.stack.new_person().await;
    let ask = async |at, fault| {
        let (reply, asked_clerk) = isolates.ask(&ada, at, CLERK_KEY_ID, fault).await;
        (reply.status, asked_clerk)
    };

    assert_eq!(ask(0, None).await, (200, true), "the first one loads them");
    assert_eq!(ask(9 * MINUTE, Some(away())).await, (200, false), "they are fresh");
    assert_eq!(ask(11 * MINUTE, Some(away())).await, (200, true), "they are not, and the old ones are good");
    assert_eq!(ask(11 * MINUTE, Some(away())).await, (200, false), "Clerk is not asked again at once");
    assert_eq!(ask(69 * MINUTE, Some(away())).await, (200, true), "still good");
    assert_eq!(ask(71 * MINUTE, Some(away())).await, (503, true), "no more");
    let (refused, _) = isolates.ask(&ada, 71 * MINUTE, CLERK_KEY_ID, Some(away())).await;
    refused.expect_problem(503, "sign_in_unavailable");
    assert_eq!(ask(72 * MINUTE, None).await, (200, true), "Clerk is back");
    assert_eq!(ask(81 * MINUTE, Some(away())).await, (200, false), "and its keys are fresh again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_lets_nobody_in_from_the_refresh_on() {
    let isolates = Isolates::new("withdrawn").await;
    let ada = isolates.stack.new_person().await;
    // The same key under another id stands for the one that takes its place.
    let url = format!("{}/.well-known/jwks.json", isolates.stack.description().clerk_issuer);
    let mut keys = Reply::to(isolates.stack.http(Method::GET, url)).await.expect_status(200).json;
    keys["keys"][0]["kid"] = json!("ins_successor");
    let withdrawn = || Some(Fault::Status { status: 200, body: keys.clone(), headers: [].into() });

    let (before, _) = isolates.ask(&ada, 0, CLERK_KEY_ID, None).await;
    assert_eq!(before.status, 200);
    let (fresh, asked_clerk) = isolates.ask(&ada, 9 * MINUTE, CLERK_KEY_ID, withdrawn()).await;
    assert_eq!((fresh.status, asked_clerk), (200, false), "nobody has looked yet");

    let (after, asked_clerk) = isolates.ask(&ada, 11 * MINUTE, CLERK_KEY_ID, withdrawn()).await;
    assert!(asked_clerk);
    after.expect_problem(401, "token_key_unknown");
    let (still, asked_clerk) = isolates.ask(&ada, 11 * MINUTE, CLERK_KEY_ID, None).await;
    assert!(!asked_clerk, "who knows an unknown key does not make us ask");
    still.expect_problem(401, "token_key_unknown");
    let (successor, _) = isolates.ask(&ada, 11 * MINUTE, "ins_successor", None).await;
    assert_eq!(successor.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_clock_that_is_minutes_off_nobody_is_let_in_by_mistake_and_everybody_once_it_is_right() {
    let isolates = Isolates::new("tokens").await;
    let ada = isolates.stack.new_person().await;
    // As Clerk makes them: good for a minute.
    let spec = TokenSpec { sub: ada.clerk_user_id.clone(), ..TokenSpec::default() };
    let token_of_a_minute = async || isolates.stack.clerk().mint(&spec).await;
    for (at, code) in [(5 * MINUTE, "token_expired"), (-5 * MINUTE, "token_not_yet_valid")] {
        let token = token_of_a_minute().await;
        let reply = Reply::to(signed_url_request(&isolates.stack, &ada, &token, at)).await;
        reply.expect_problem(401, code);
        Reply::to(signed_url_request(&isolates.stack, &ada, &token_of_a_minute().await, 0)).await.expect_status(200);
    }
    // A token that this isolate has let in before ends by its clock as well.
    let token = token_of_a_minute().await;
    Reply::to(signed_url_request(&isolates.stack, &ada, &token, 0)).await.expect_status(200);
    Reply::to(signed_url_request(&isolates.stack, &ada, &token, 2 * MINUTE)).await.expect_problem(401, "token_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_when_the_file_store_says_whatever_the_functions_clock_says() {
    let isolates = Isolates::new("links").await;
    let ada = isolates.stack.new_person().await;
    for at in [0, 5 * MINUTE, -5 * MINUTE] {
        let (reply, _) = isolates.ask(&ada, at, CLERK_KEY_ID, None).await;
        let told = DateTime::parse_from_rfc3339(reply.json["expires_at"].as_str().unwrap()).unwrap();
        let link = url::Url::parse(reply.json["signed_url"].as_str().unwrap()).unwrap();
        let (_, token) = link.query_pairs().find(|(name, _)| name == "token").unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["exp"], told.timestamp(), "{at} seconds off: {reply:?}");
    }
}

/// Clerk's webhooks are signed with their time, at each of eight attempts anew. So a clock that is off by more than five
/// minutes refuses all of them, and what they say is applied once it is right.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_clerks_wait_for_a_clock_that_is_less_than_five_minutes_off() {
    let isolates = Isolates::new("webhooks").await;
    let id = format!("msg_{}", Uuid::new_v4().simple());
    let clerk_id = format!("user_{}", Uuid::new_v4().simple());
    let event = json!({
        "type": "user.deleted", "object": "event",
        "data": { "id": clerk_id, "object": "user", "deleted": true },
    });
    let attempt = async |at: i64| {
        let (body, timestamp) = (event.to_string(), Utc::now().timestamp().to_string());
        let signature = sign(&isolates.stack.keys().clerk_webhook_secret, &id, &timestamp, &body);
        let request = isolates
            .stack
            .http(Method::POST, isolates.stack.function_url("clerk-webhook-handler"))
            .header("content-type", "application/json")
            .header("x-test-clock", at)
            .header("svix-id", &id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", signature);
        Reply::to(request.body(body)).await
    };
    let applied = async || {
        let sql = "select count(*) from public.webhook_events where event_key = $1";
        isolates.stack.database().query(sql, &[&id]).await[0].get::<_, i64>(0)
    };

    for at in [6 * MINUTE, -6 * MINUTE] {
        attempt(at).await.expect_problem(401, "signature_invalid");
    }
    assert_eq!(applied().await, 0);
    for at in [4 * MINUTE, -4 * MINUTE, 0] {
        attempt(at).await.expect_status(200);
    }
    assert_eq!(applied().await, 1, "once");
}
