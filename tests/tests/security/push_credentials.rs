//! Push messages where Expo asks for an access token, with Supabase keys of both kinds. The stack is this test's own.

use serde_json::json;
use tests::{Method, OwnStack, Person, ProjectSpec, Reply, Stack};
use uuid::Uuid;

#[tokio::test]
async fn the_access_token_is_sent_and_both_kinds_of_service_keys_let_in() {
    let file = std::env::temp_dir().join(format!("jobraker-push-{}.vars", std::process::id()));
    std::fs::write(&file, "EXPO_ACCESS_TOKEN=expo_secret\n").unwrap();
    let own = OwnStack::start("push", &["--vars", file.to_str().unwrap()]);
    let stack = Stack::described_by(own.file());
    let project = simulators::expo::USUAL_PROJECT.to_owned();
    let spec = ProjectSpec { project, access_token: Some("expo_secret".into()), answers_after_ms: 0 };
    stack.expo().set_project(&spec).await;
    let ada = stack.new_person().await;
    let token = format!("ExponentPushToken[{}]", Uuid::new_v4().simple());
    ada.caller().await.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);

    let (legacy, new) = (&stack.keys().service_role_key, &stack.keys().secret_key);
    push(&stack, &ada, "authorization", legacy).await.expect_status(200);
    let request = stack.expo().requests_for(&token).await.remove(0);
    assert_eq!(request.headers.get("authorization").map(String::as_str), Some("Bearer expo_secret"));
    push(&stack, &ada, "apikey", new).await.expect_problem(401, "service_key_required");

    // From now on the functions have the new kind of key, which is no bearer for the database.
    let stack = own.with_settings(&file, &format!("EXPO_ACCESS_TOKEN=wrong\nSUPABASE_SERVICE_ROLE_KEY={new}\n"));
    push(&stack, &ada, "apikey", legacy).await.expect_problem(401, "service_key_required");
    push(&stack, &ada, "apikey", new).await.expect_problem(502, "expo_unauthorized");

    // Expo is left alone after that, until an operator says that the token is mended.
    stack.database().query("delete from private.circuit_breakers where vendor = 'expo'", &[]).await;
    let stack = own.with_settings(&file, &format!("EXPO_ACCESS_TOKEN=expo_secret\nSUPABASE_SERVICE_ROLE_KEY={new}\n"));
    push(&stack, &ada, "apikey", new).await.expect_status(200);
    push(&stack, &ada, "authorization", new).await.expect_status(200);
    assert_eq!(stack.expo().delivered(&token).await.len(), 3);
    std::fs::remove_file(&file).unwrap();
}

async fn push(stack: &Stack, person: &Person, header: &str, key: &str) -> Reply {
    let message = json!({ "user_id": person.user_id, "title": "News", "message": Uuid::new_v4().to_string() });
    let key = if header == "authorization" { format!("Bearer {key}") } else { key.to_owned() };
    let request = stack.http(Method::POST, stack.function_url("trigger-push-notification"));
    Reply::to(request.header(header, key).json(&message)).await
}
