//! Clerk replaces its signing key, and is away for a while. On a stack of its own, whose isolates have seen no key yet.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tests::{
    CLERK_KEY_ID, FUNCTIONS, Fault, FaultSpec, Function, NEXT_KEY_ID, OWN_WORDS, OwnStack, Person, PublishedKey, Reply,
    Service, Stack, TokenSigning, TokenSpec,
};
use uuid::Uuid;

async fn asked_with(stack: &Stack, token: &str) -> Reply {
    stack.bearer(token).invoke("generate-resume-signed-url", &json!({ "resume_path_in_storage": "a/b.pdf" })).await
}

async fn loads(stack: &Stack) -> usize {
    stack.requests(Service::Clerk, "/.well-known/jwks.json", "").await.len()
}

/// Every way in which Clerk can fail to tell its keys.
fn faults() -> Vec<Fault> {
    let says = |status, body| Fault::Status { status, body, headers: [].into() };
    vec![
        says(403, json!({ "errors": [{ "message": OWN_WORDS }] })),
        says(429, json!(OWN_WORDS)),
        says(500, json!(OWN_WORDS)),
        says(200, json!(format!("<html><body>{OWN_WORDS}</body></html>"))),
        says(200, json!({ "keys": [] })),
        // To the keys themselves: whoever followed it would let the person in.
        Fault::Status {
            status: 302,
            body: json!(OWN_WORDS),
            headers: [("location".to_owned(), "?".to_owned())].into(),
        },
        Fault::Html,
        Fault::Cut,
        Fault::Hold,
    ]
}

/// Asks until Clerk was asked for its keys, which happens once in a second at most, and fails.
async fn asked_without_keys(stack: &Stack, person: &Person, function: Function, fault: Fault) {
    let request_id = Uuid::new_v4().to_string();
    let what = format!("{} asks Clerk, and meets {fault:?}", function.name);
    stack.fail(FaultSpec { service: Service::Clerk, contains: request_id.clone(), times: 1, fault }).await;
    tests::eventually(&what, async || {
        let request = function.request_with(stack, person, &json!({})).await.header("x-request-id", &request_id);
        let reply = Reply::to(request.timeout(Duration::from_mins(3))).await.expect_problem(503, "sign_in_unavailable");
        stack.expect_discreet(&reply);
        stack.requests(Service::Clerk, "/.well-known/jwks.json", &request_id).await.pop()
    })
    .await;
}

#[tokio::test]
async fn a_new_key_is_picked_up_and_unknown_ones_do_not_hammer_clerk() {
    let own = OwnStack::start("rotation", &["--skyvern-waits"]);
    let stack = Stack::described_by(own.file());
    let subject = format!("user_{}", Uuid::new_v4().simple());
    let next = || TokenSpec { sub: subject.clone(), signing: TokenSigning::NextKey, ..TokenSpec::default() };

    // Without any key nobody can be told from anybody.
    let ada = stack.new_person().await;
    let people = FUNCTIONS.into_iter().filter(|function| function.is_for_people());
    join_all(people.map(async |function| {
        for fault in faults() {
            asked_without_keys(&stack, &ada, function, fault).await;
        }
    }))
    .await;
    let token = stack.clerk().token(&subject).await;
    tests::eventually("the keys are loaded", async || {
        (asked_with(&stack, &token).await.code() != "sign_in_unavailable").then_some(())
    })
    .await;

    // Keys that nobody has published, one after the other: all are refused, and Clerk is asked once in 30 s at most.
    let (before, began) = (loads(&stack).await, Instant::now());
    for number in 0..50 {
        let mut spec = next();
        spec.header.insert("kid".into(), json!(format!("ins_unknown_{number}")));
        let token = stack.clerk().mint(&spec).await;
        asked_with(&stack, &token).await.expect_problem(401, "token_key_unknown");
    }
    let most = before + 1 + usize::try_from(began.elapsed().as_secs() / 30).unwrap();
    assert!(loads(&stack).await <= most, "{} loads, {before} before", loads(&stack).await);

    // The new key is known to Clerk before the first token carries it, and to us within 30 s of the first such token.
    stack.clerk().rotate().await;
    let before = loads(&stack).await;
    tests::eventually("the new key is picked up", async || {
        let token = stack.clerk().mint(&next()).await;
        (asked_with(&stack, &token).await.code() != "token_key_unknown").then_some(())
    })
    .await;
    assert_eq!(loads(&stack).await, before + 1);
    // And the old one is still good.
    let token = stack.clerk().token(&subject).await;
    assert_ne!(asked_with(&stack, &token).await.status, 401);

    // Clerk takes the old key away. Whoever loads the keys from then on, as a new isolate does, knows it no more.
    let published = |key_id: &str| [PublishedKey { of: TokenSigning::NextKey, key_id: key_id.to_owned() }];
    stack.clerk().publish(&published(NEXT_KEY_ID)).await;
    let stack = with_new_isolates(&own);
    let token = stack.clerk().mint(&next()).await;
    assert_ne!(asked_with(&stack, &token).await.status, 401);
    let token = stack.clerk().token(&subject).await;
    asked_with(&stack, &token).await.expect_problem(401, "token_key_unknown");

    // Or another key takes over its id: then that one is believed, and the old one is not.
    stack.clerk().publish(&published(CLERK_KEY_ID)).await;
    let stack = with_new_isolates(&own);
    let mut heir = next();
    heir.header.insert("kid".into(), json!(CLERK_KEY_ID));
    let token = stack.clerk().mint(&heir).await;
    assert_ne!(asked_with(&stack, &token).await.status, 401);
    let token = stack.clerk().token(&subject).await;
    asked_with(&stack, &token).await.expect_problem(401, "token_signature_invalid");
}

/// Starts the functions again: their isolates have loaded no keys yet.
fn with_new_isolates(own: &OwnStack) -> Stack {
    own.ask("stop-part", "functions");
    own.ask("start-part", "functions");
    Stack::described_by(own.file())
}
