//! The libraries that the outside world uses: supabase-js as the app, jose as an issuer.

use serde_json::{Value, json};
use tests::{CLERK_KEY_ID, Person, Service, Stack, client};
use uuid::Uuid;

async fn invoke(stack: &Stack, token: &str, application: Uuid, abort_after_ms: Option<u32>) -> Value {
    let mut input = json!({
        "url": stack.description().supabase_url, "key": stack.keys().anon_key, "token": token,
        "function": "initiate-skyvern-application", "body": { "application_id": application },
    });
    if let Some(milliseconds) = abort_after_ms {
        input["abort_after_ms"] = json!(milliseconds);
    }
    client::run("invoke.mjs", &input).await
}

async fn token_from_jose(stack: &Stack, person: &Person) -> String {
    let claims = json!({
        "iss": stack.description().clerk_issuer, "sub": person.clerk_user_id, "sid": "sess_jose", "v": 2,
        "sts": "active", "role": "authenticated",
    });
    // The key that the stack made for its Clerk.
    let state = stack.description().log_dir.parent().unwrap();
    let input = json!({ "pem": state.join("keys/clerk.pem"), "kid": CLERK_KEY_ID, "claims": claims });
    client::run("mint.mjs", &input).await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn supabase_js_invokes_a_function_with_a_token_that_jose_made() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;

    let token = token_from_jose(&stack, &ada).await;
    let answer = invoke(&stack, &token, application, None).await;

    assert_eq!(answer["error"], Value::Null, "{answer:#}");
    assert_eq!(answer["data"]["status"], "PROCESSING_BY_SKYVERN", "parsed, because it is declared as JSON: {answer:#}");
    assert_eq!(answer["data"]["run_id"], stack.skyvern().run_for(application).await.run_id);
}

#[tokio::test]
async fn supabase_js_gets_our_problem_as_the_context_of_its_error() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;

    let unknown = invoke(&stack, &ada.token().await, Uuid::new_v4(), None).await;
    assert_eq!((&unknown["error"], &unknown["status"]), (&json!("FunctionsHttpError"), &json!(404)), "{unknown:#}");
    assert_eq!(unknown["problem"]["code"], "application_not_found");

    let signed_out = invoke(&stack, "", Uuid::new_v4(), None).await;
    assert_eq!((&signed_out["error"], &signed_out["status"]), (&json!("FunctionsHttpError"), &json!(401)));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_lose_its_application() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.hold(Service::Skyvern, application, 1).await;

    let aborted = invoke(&stack, &ada.token().await, application, Some(1000)).await;
    assert_eq!(aborted["error"], "FunctionsFetchError", "{aborted:#}");
    stack.release(application).await;

    // Whatever became of the first call, the next one finds its run or waits for it.
    tests::eventually("the application is being processed", async || {
        let reply = ada.initiate(application).await;
        (reply.status == 202).then_some(())
    })
    .await;
    assert_eq!(stack.skyvern().runs_for(application).await.len(), 1);
}
