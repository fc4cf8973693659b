//! Supabase's gateway: which keys it takes, and what it makes of them.

use serde_json::json;
use tests::{Method, Reply, Stack};

async fn read_users(stack: &Stack, headers: &[(&str, &str)]) -> Reply {
    let url = format!("{}/rest/v1/users?select=id", stack.description().supabase_url);
    let request = stack.http(Method::GET, url);
    Reply::to(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_the_database_is_not_reached() {
    let stack = Stack::get().await;
    let bearer = format!("Bearer {}", stack.keys().service_role_key);

    let without = read_users(&stack, &[("authorization", &bearer)]).await;
    let wrong = read_users(&stack, &[("authorization", &bearer), ("apikey", "sb_secret_wrong")]).await;

    assert_eq!(without.expect_status(401).json["message"], "No API key found in request");
    assert_eq!(wrong.expect_status(401).json["message"], "Invalid API key");
}

#[tokio::test]
async fn a_secret_key_of_the_new_kind_acts_as_the_service() {
    let stack = Stack::get().await;
    let secret = stack.keys().secret_key.as_str();
    let bearer = format!("Bearer {secret}");

    read_users(&stack, &[("apikey", secret)]).await.expect_status(200);
    read_users(&stack, &[("apikey", secret), ("authorization", &bearer)]).await.expect_status(200);
}

#[tokio::test]
async fn a_publishable_key_acts_as_nobody() {
    let stack = Stack::get().await;

    let reply = read_users(&stack, &[("apikey", &stack.keys().publishable_key)]).await;

    assert_eq!(reply.expect_status(401).code(), "42501");
}

#[tokio::test]
async fn a_new_key_is_no_token_next_to_another_key() {
    let stack = Stack::get().await;
    let bearer = format!("Bearer {}", stack.keys().secret_key);

    let reply = read_users(&stack, &[("apikey", &stack.keys().anon_key), ("authorization", &bearer)]).await;

    assert_eq!(reply.expect_status(401).code(), "PGRST301");
}

#[tokio::test]
async fn a_secret_key_is_refused_from_a_browser() {
    let stack = Stack::get().await;

    let headers = [("apikey", stack.keys().secret_key.as_str()), ("user-agent", "Mozilla/5.0 (X11)")];

    read_users(&stack, &headers).await.expect_status(401);
}

#[tokio::test]
async fn a_persons_token_decides_even_next_to_a_secret_key() {
    let stack = Stack::get().await;
    let (ada, _grace) = (stack.new_person().await, stack.new_person().await);
    let bearer = format!("Bearer {}", ada.token().await);

    let reply = read_users(&stack, &[("apikey", &stack.keys().secret_key), ("authorization", &bearer)]).await;

    assert_eq!(reply.expect_status(200).json, json!([{ "id": ada.user_id }]));
}

#[tokio::test]
async fn both_kinds_of_service_keys_see_the_same() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let query = format!("users?select=email&id=eq.{}", ada.user_id);

    let legacy = stack.service().select(&query).await;
    let url = format!("{}/rest/v1/{query}", stack.description().supabase_url);
    let new = Reply::to(stack.http(Method::GET, url).header("apikey", &stack.keys().secret_key)).await;

    assert_eq!(legacy.expect_status(200).json, json!([{ "email": ada.email }]));
    assert_eq!(new.expect_status(200).json, json!([{ "email": ada.email }]));
}

#[tokio::test]
async fn supabase_auth_tells_its_public_key_and_no_secret() {
    let stack = Stack::get().await;
    let url = format!("{}/auth/v1/.well-known/jwks.json", stack.description().supabase_url);

    let told = Reply::to(stack.http(Method::GET, url)).await.expect_status(200).json;

    let keys = told["keys"].as_array().unwrap();
    let [key] = &keys[..] else { panic!("one key was expected in {told}") };
    assert_eq!([&key["kty"], &key["crv"], &key["alg"], &key["use"]], ["EC", "P-256", "ES256", "sig"]);
    assert!(key["kid"].is_string() && key["x"].is_string() && key["y"].is_string(), "{key}");
    assert!(key.get("d").is_none(), "the secret number stays secret: {key}");
}
