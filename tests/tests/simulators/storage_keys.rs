//! API keys on their way to the file store: the gateway checks them, and puts a token in the place of a new one.

use serde_json::json;
use tests::{Method, Reply, Stack};

use crate::storage_files::assert_refused;

/// Lists the résumés of everybody with these credentials.
async fn list(stack: &Stack, prefix: &str, headers: &[(&str, &str)]) -> Reply {
    let url = format!("{}/storage/v1/object/list/resumes", stack.description().supabase_url);
    let request = stack.http(Method::POST, url).json(&json!({ "prefix": prefix }));
    Reply::to(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_the_file_store_is_not_reached() {
    let stack = Stack::get().await;
    let bearer = format!("Bearer {}", stack.keys().service_role_key);

    let without = list(&stack, "", &[("authorization", &bearer)]).await.expect_status(401);
    let wrong = list(&stack, "", &[("authorization", &bearer), ("apikey", "sb_secret_wrong")]).await.expect_status(401);

    assert_eq!(without.json["message"], "No API key found in request");
    assert_eq!(wrong.json["message"], "Invalid API key");
}

#[tokio::test]
async fn a_new_secret_key_acts_as_the_service_and_a_publishable_one_as_nobody() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let folder = ada.user_id.to_string();
    let secret = stack.keys().secret_key.as_str();
    let bearer = format!("Bearer {secret}");

    for headers in [&[("apikey", secret)][..], &[("apikey", secret), ("authorization", &bearer)]] {
        let found = list(&stack, &folder, headers).await.expect_status(200);
        assert_eq!(found.json[0]["name"], "ada-lovelace.pdf");
    }
    let nobody = list(&stack, &folder, &[("apikey", &stack.keys().publishable_key)]).await.expect_status(200);
    assert_eq!(nobody.json, json!([]));
    list(&stack, &folder, &[("apikey", secret), ("user-agent", "Mozilla/5.0 (X11)")]).await.expect_status(401);
}

#[tokio::test]
async fn a_new_key_is_no_token_next_to_another_key_and_an_old_one_needs_a_token_beside_it() {
    let stack = Stack::get().await;
    let bearer = format!("Bearer {}", stack.keys().secret_key);

    let beside = list(&stack, "", &[("apikey", &stack.keys().anon_key), ("authorization", &bearer)]).await;
    let alone = list(&stack, "", &[("apikey", &stack.keys().service_role_key)]).await;

    assert_refused(&beside, "403", "AccessDenied");
    assert_eq!(beside.json["message"], "Invalid Compact JWS");
    assert_refused(&alone, "400", "InvalidRequest");
}

#[tokio::test]
async fn a_persons_token_decides_even_next_to_a_secret_key() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let bearer = format!("Bearer {}", ada.token().await);
    let headers = [("apikey", stack.keys().secret_key.as_str()), ("authorization", &bearer)];

    let own = list(&stack, &ada.user_id.to_string(), &headers).await.expect_status(200);
    let foreign = list(&stack, &grace.user_id.to_string(), &headers).await.expect_status(200);

    assert_eq!((own.json.as_array().map(Vec::len), foreign.json), (Some(1), json!([])));
}

#[tokio::test]
async fn a_link_needs_no_key_but_a_wrong_one_is_refused() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let path = format!("/storage/v1/object/sign/resumes/{}", ada.resume_path);
    let request = ada.caller().await.request(Method::POST, &path).json(&json!({ "expiresIn": 60 }));
    let link = Reply::to(request).await.expect_status(200).json["signedURL"].as_str().unwrap().to_owned();
    let url = format!("{}/storage/v1{link}", stack.description().supabase_url);

    Reply::to(stack.http(Method::GET, &url)).await.expect_status(200);
    Reply::to(stack.http(Method::GET, &url).header("apikey", "nonsense")).await.expect_status(401);
}
