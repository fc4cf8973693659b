//! Who is let in, and what everybody else is told.

use chrono::TimeDelta;
use jwt_compact::{
    AlgorithmExt as _, Claims, Header, TimeOptions,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Value, json};
use tests::{Reply, Stack, TokenOrder, TokenSigning};
use uuid::Uuid;

/// What a function says to a caller with this token.
async fn asked_with(stack: &Stack, token: &str) -> Reply {
    let body = json!({ "application_id": Uuid::new_v4() });
    stack.bearer(token).invoke("initiate-skyvern-application", &body).await
}

fn order(subject: &str, claims: &Value, header: &Value) -> TokenOrder {
    TokenOrder {
        sub: subject.to_owned(),
        claims: claims.as_object().unwrap().clone(),
        header: header.as_object().unwrap().clone(),
        ..TokenOrder::default()
    }
}

#[tokio::test]
async fn a_person_with_a_fresh_token_is_let_in() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    asked_with(&stack, &person.token().await).await.expect_problem(404, "application_not_found");
}

#[tokio::test]
async fn a_request_without_a_token_is_asked_for_one() {
    let stack = Stack::get().await;
    let url = stack.function_url("initiate-skyvern-application");
    let body = json!({ "application_id": Uuid::new_v4() });
    let reply = Reply::to(stack.http(tests::Method::POST, url).json(&body)).await;
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    reply.expect_problem(401, "token_missing");

    // What supabase-js sends for somebody who is signed out.
    let key = stack.keys().publishable_key.clone();
    asked_with(&stack, &key).await.expect_problem(401, "token_missing");
    let key = stack.keys().anon_key.clone();
    asked_with(&stack, &key).await.expect_problem(401, "token_issuer_refused");
}

#[tokio::test]
async fn a_person_of_supabase_auth_is_let_in_with_its_own_tokens() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let claims = json!({
        "iss": format!("{}/auth/v1", stack.description().supabase_url), "aud": "authenticated",
        "role": "authenticated", "sub": person.user_id,
    });
    let token = supabase_token(&stack.keys().jwt_secret, &claims);
    let application = person.draft_application().await;
    let body = json!({ "application_id": application });
    let reply = stack.bearer(&token).invoke("initiate-skyvern-application", &body).await.expect_status(202);
    assert_eq!(stack.skyvern().run_for(application).await.run_id, reply.run_id());

    let token = supabase_token("a secret of somebody else, long enough to be one", &claims);
    asked_with(&stack, &token).await.expect_problem(401, "token_signature_invalid");
    // The project's own API keys carry the same signature, and are no persons.
    let mut role_token = claims.clone();
    role_token["role"] = json!("service_role");
    let token = supabase_token(&stack.keys().jwt_secret, &role_token);
    asked_with(&stack, &token).await.expect_problem(401, "token_kind_refused");
}

/// A token of the project's own Supabase Auth, as it signs them with the legacy secret.
fn supabase_token(secret: &str, claims: &Value) -> String {
    let hour = TimeOptions::default();
    let claims = Claims::new(claims.clone()).set_duration_and_issuance(&hour, TimeDelta::hours(1));
    let header = Header::empty().with_token_type("JWT");
    Hs256.token(&header, &claims, &Hs256Key::new(secret.as_bytes())).unwrap()
}

#[tokio::test]
async fn forged_tokens_are_told_apart_and_refused() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let subject = person.clerk_user_id.as_str();
    let signed = |signing| TokenOrder { sub: subject.to_owned(), signing, ..TokenOrder::default() };
    let none = json!({});
    for (order, code) in [
        (TokenOrder { expires_in: Some(-60), ..signed(TokenSigning::Clerk) }, "token_expired"),
        (signed(TokenSigning::ForeignKey), "token_signature_invalid"),
        (signed(TokenSigning::None), "token_algorithm_refused"),
        (signed(TokenSigning::Hs256PublicKey), "token_algorithm_refused"),
        (order(subject, &json!({ "iss": "https://clerk.elsewhere.example" }), &none), "token_issuer_refused"),
        (order(subject, &json!({ "sts": "pending" }), &none), "token_kind_refused"),
        (order("mch_2lab", &none, &none), "token_kind_refused"),
        (order(subject, &none, &json!({ "cat": "cl_B7d4PD333AAA" })), "token_kind_refused"),
        (order(subject, &none, &json!({ "kid": null })), "token_malformed"),
        (order(subject, &none, &json!({ "kid": "ins_elsewhere" })), "token_key_unknown"),
        (order(subject, &none, &json!({ "crit": ["exp"] })), "token_malformed"),
    ] {
        let token = stack.clerk().mint(&order).await;
        let reply = asked_with(&stack, &token).await;
        assert!(reply.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""), "{reply:?}");
        reply.expect_problem(401, code);
    }
}

#[tokio::test]
async fn one_changed_byte_spoils_a_token_even_after_it_was_accepted() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let token = person.token().await;
    asked_with(&stack, &token).await.expect_problem(404, "application_not_found");

    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let other_person = stack.new_person().await.token().await;
    let other_claims = other_person.split('.').nth(1).unwrap();
    let other_first = if signature.starts_with('A') { "B" } else { "A" };
    for (tampered, code) in [
        (format!("{header}.{other_claims}.{signature}"), "token_signature_invalid"),
        (format!("{signed}.{other_first}{}", &signature[1..]), "token_signature_invalid"),
        (format!("{signed}."), "token_signature_invalid"),
        (format!("{header}.{claims}"), "token_malformed"),
        (format!("{token}.x"), "token_malformed"),
        ("x".repeat(20_000), "token_malformed"),
    ] {
        asked_with(&stack, &tampered).await.expect_problem(401, code);
    }
}

#[tokio::test]
async fn somebody_whose_profile_has_not_come_yet_is_told_to_wait() {
    let stack = Stack::get().await;
    let token = stack.clerk().token(&format!("user_{}", Uuid::new_v4().simple())).await;
    let reply = asked_with(&stack, &token).await;
    assert_eq!(reply.header("retry-after"), "2");
    reply.expect_problem(403, "profile_pending");
}
