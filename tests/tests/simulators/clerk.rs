//! Clerk's tokens, as PostgREST verifies them with the keys of the stack.

use serde_json::{Map, Value, json};
use tests::{CLERK_KEY_ID, Method, Reply, Stack, TokenSigning, TokenSpec};

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
