//! Signed URLs: who may make one, and what becomes of one that was changed or is over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_compact::alg::Hs256Key;
use serde_json::{Value, json};
use simulators::tokens::{Signing, mint};
use tests::{Caller, Method, PDF, Person, Reply, Stack, eventually};

use crate::storage_files::assert_refused;

async fn sign(caller: &Caller, person: &Person, body: &Value) -> Reply {
    let path = format!("/storage/v1/object/sign/resumes/{}", person.resume_path);
    Reply::to(caller.request(Method::POST, &path).json(body)).await
}

/// A link of the person's own, without the host.
async fn link(person: &Person, seconds: u32) -> String {
    let reply = sign(&person.caller().await, person, &json!({ "expiresIn": seconds })).await.expect_status(200);
    reply.json["signedURL"].as_str().unwrap().to_owned()
}

/// Fetches a link as Skyvern's workers do: without any credentials.
async fn fetch(stack: &Stack, link: &str) -> Reply {
    Reply::to(stack.http(Method::GET, format!("{}/storage/v1{link}", stack.description().supabase_url))).await
}

#[tokio::test]
async fn a_link_gives_the_file_to_whoever_has_it_and_more_than_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let link = link(&ada, 60).await;

    assert!(link.starts_with(&format!("/object/sign/resumes/{}?token=ey", ada.resume_path)), "{link}");
    for _ in 0..2 {
        let file = fetch(&stack, &format!("{link}&download=Ada%20CV.pdf")).await;
        assert_eq!((file.status, file.text.as_bytes()), (200, PDF));
        assert_eq!(file.header("content-type"), "application/pdf");
        assert!(file.header("content-disposition").starts_with("attachment; filename=Ada%20CV.pdf;"));
    }
}

#[tokio::test]
async fn another_persons_resume_cannot_be_signed() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let body = json!({ "expiresIn": 60 });

    let foreign = sign(&grace.caller().await, &ada, &body).await;
    let anonymous = sign(&stack.anonymous(), &ada, &body).await;

    assert_refused(&foreign, "404", "NoSuchKey");
    assert_refused(&anonymous, "404", "NoSuchKey");
    sign(&stack.service(), &ada, &body).await.expect_status(200);
}

#[tokio::test]
async fn the_time_of_a_link_is_a_whole_number_of_seconds() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;

    for body in [json!({}), json!({ "expiresIn": 0 }), json!({ "expiresIn": "60" }), json!({ "expiresIn": 1.5 })] {
        assert_refused(&sign(&caller, &ada, &body).await, "400", "InvalidRequest");
    }
}

#[tokio::test]
async fn a_link_ends_with_its_time() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let link = link(&ada, 1).await;

    let over = eventually("the link to end", async || {
        let reply = fetch(&stack, &link).await;
        (reply.status != 200).then_some(reply)
    })
    .await;

    assert_refused(&over, "400", "InvalidJWT");
}

#[tokio::test]
async fn an_altered_link_is_refused() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let (of_ada, of_grace) = (link(&ada, 60).await, link(&grace, 60).await);
    let (path, token) = of_ada.split_once("?token=").unwrap();
    let forged = forge(token, "exp", &json!(4_000_000_000_u64));

    let for_another_file = fetch(&stack, &format!("{}?token={token}", of_grace.split_once('?').unwrap().0)).await;
    let with_more_time = fetch(&stack, &format!("{path}?token={forged}")).await;
    let without_token = fetch(&stack, path).await;

    assert_refused(&for_another_file, "400", "InvalidSignature");
    assert_refused(&with_more_time, "400", "InvalidJWT");
    assert_refused(&without_token, "400", "InvalidRequest");
}

#[tokio::test]
async fn another_token_of_the_project_is_no_link() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let path = format!("/object/sign/resumes/{}", ada.resume_path);

    let with_a_key = fetch(&stack, &format!("{path}?token={}", stack.keys().service_role_key)).await;
    let with_clerks = fetch(&stack, &format!("{path}?token={}", ada.token().await)).await;
    let for_an_upload = fetch(&stack, &format!("{path}?token={}", upload_token(&stack, &ada))).await;

    assert_refused(&with_a_key, "400", "InvalidSignature");
    assert_refused(&with_clerks, "400", "InvalidJWT");
    assert_refused(&for_an_upload, "400", "InvalidSignature");
}

#[tokio::test]
async fn of_many_paths_each_is_signed_or_refused_for_itself() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let body = json!({ "expiresIn": 60, "paths": [ada.resume_path, grace.resume_path] });
    let caller = ada.caller().await;

    let reply = Reply::to(caller.request(Method::POST, "/storage/v1/object/sign/resumes").json(&body)).await;

    let answers = reply.expect_status(200).json;
    assert!(answers[0]["signedURL"].is_string() && answers[0]["error"].is_null());
    assert!(answers[1]["signedURL"].is_null() && answers[1]["error"].is_string());
}

/// A token that lets its bearer put a file where the résumé is, and not read it.
fn upload_token(stack: &Stack, person: &Person) -> String {
    let url = format!("resumes/{}", person.resume_path);
    let claims = json!({ "url": url, "scope": "upload", "exp": 4_000_000_000_u64 });
    let key = Hs256Key::new(stack.keys().jwt_secret.as_bytes());
    mint(&json!({ "alg": "HS256" }), &claims, &Signing::Hs256(&key))
}

/// The token with another claim under its old signature.
fn forge(token: &str, claim: &str, value: &Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
    claims[claim] = value.clone();
    parts[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
    parts.join(".")
}
