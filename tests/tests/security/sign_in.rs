//! Who is let in, and what everybody else is told.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jwt_compact::alg::Hs256Key;
use serde_json::{Value, json};
use tests::{EllipticKey, Method, Person, Reply, SUPABASE_AUTH_KEY_ID, Signing, Stack, TokenSigning, TokenSpec, mint};
use uuid::Uuid;

/// What a function says to a caller with this token.
async fn asked_with(stack: &Stack, token: &str) -> Reply {
    let body = json!({ "application_id": Uuid::new_v4() });
    stack.bearer(token).invoke("initiate-skyvern-application", &body).await
}

fn token_spec(subject: &str, claims: &Value, header: &Value) -> TokenSpec {
    TokenSpec {
        sub: subject.to_owned(),
        claims: claims.as_object().unwrap().clone(),
        header: header.as_object().unwrap().clone(),
        ..TokenSpec::default()
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
async fn a_person_of_supabase_auth_is_let_in_with_a_token_by_the_projects_secret() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let claims = stack.supabase_auth().claims(person.user_id);
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
    mint(&json!({ "alg": "HS256", "typ": "JWT" }), claims, &Signing::Hs256(&Hs256Key::new(secret.as_bytes())))
}

#[tokio::test]
async fn a_person_of_supabase_auth_is_let_in_with_a_token_by_its_signing_key() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let caller = stack.bearer(&stack.supabase_auth().token(person.user_id));

    let own = caller.select("users?select=id").await.expect_status(200);
    assert_eq!(own.json, json!([{ "id": person.user_id }]), "the database knows whose token it is");
    let application = person.draft_application().await;
    let body = json!({ "application_id": application });
    let reply = caller.invoke("initiate-skyvern-application", &body).await.expect_status(202);
    assert_eq!(stack.skyvern().run_for(application).await.run_id, reply.run_id());
    let body = json!({ "resume_path_in_storage": person.resume_path });
    caller.invoke("generate-resume-signed-url", &body).await.expect_status(200);

    let stranger = stack.new_person().await;
    let body = json!({ "application_id": stranger.draft_application().await });
    caller.invoke("initiate-skyvern-application", &body).await.expect_problem(404, "application_not_found");
}

#[tokio::test]
async fn forged_tokens_of_supabase_auth_are_refused_by_the_functions_and_the_database() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let supabase_auth = stack.supabase_auth();
    let (header, claims) = (supabase_auth.header(), supabase_auth.claims(person.user_id));
    let with = |mut object: Value, name: &str, value: &Value| {
        object[name] = value.clone();
        object
    };
    let hs256 = with(header.clone(), "alg", &json!("HS256"));
    let another_key = EllipticKey::random(&mut rand::rngs::OsRng);
    let mut forged = vec![
        (mint(&header, &claims, &Signing::Es256(&another_key)), "token_signature_invalid"),
        (mint(&with(header.clone(), "alg", &json!("none")), &claims, &Signing::None), "token_algorithm_refused"),
    ];
    for secret in texts_of_the_public_key(&stack).await {
        forged.push((mint(&hs256, &claims, &Signing::Hs256(&Hs256Key::new(&secret))), "token_signature_invalid"));
    }
    for signing in [TokenSigning::Clerk, TokenSigning::ForeignKey] {
        let spec = token_spec("", &claims, &json!({ "kid": SUPABASE_AUTH_KEY_ID }));
        forged.push((stack.clerk().mint(&TokenSpec { signing, ..spec }).await, "token_algorithm_refused"));
    }
    for (token, code) in forged {
        asked_with(&stack, &token).await.expect_problem(401, code);
    }

    let genuine = Signing::Es256(supabase_auth.key());
    let clerk = json!(stack.description().clerk_issuer);
    for (token, code) in [
        (mint(&with(header.clone(), "kid", &json!("another")), &claims, &genuine), "token_key_unknown"),
        (mint(&header, &with(claims.clone(), "iss", &clerk), &genuine), "token_algorithm_refused"),
        (mint(&header, &with(claims.clone(), "exp", &json!(1)), &genuine), "token_expired"),
        (mint(&header, &with(claims.clone(), "role", &json!("service_role")), &genuine), "token_kind_refused"),
        (mint(&header, &with(claims.clone(), "sub", &json!("user_1")), &genuine), "token_kind_refused"),
    ] {
        asked_with(&stack, &token).await.expect_problem(401, code);
    }

    // Whoever leaves the functions out finds the same keys at the database.
    let elsewhere = mint(&header, &claims, &Signing::Es256(&another_key));
    let reply = stack.bearer(&elsewhere).select("users?select=id").await;
    assert_eq!(reply.expect_status(401).code(), "PGRST301");
}

/// The public key of Supabase Auth in every form that somebody could take for a secret.
async fn texts_of_the_public_key(stack: &Stack) -> [Vec<u8>; 4] {
    let url = format!("{}/auth/v1/.well-known/jwks.json", stack.description().supabase_url);
    let key = Reply::to(stack.http(Method::GET, url)).await.expect_status(200).json["keys"][0].clone();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    // SubjectPublicKeyInfo (RFC 5480 §2): what comes before the point is the same for every key on P-256.
    let prefix = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    let encoded = STANDARD.encode([prefix, point.clone()].concat());
    let (first, second) = encoded.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    [coordinate("x"), point, pem.into_bytes(), key.to_string().into_bytes()]
}

#[tokio::test]
async fn forged_tokens_are_told_apart_and_refused() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let subject = person.clerk_user_id.as_str();
    let signed = |signing| TokenSpec { sub: subject.to_owned(), signing, ..TokenSpec::default() };
    let none = json!({});
    for (spec, code) in [
        (TokenSpec { expires_in: Some(-60), ..signed(TokenSigning::Clerk) }, "token_expired"),
        (signed(TokenSigning::ForeignKey), "token_signature_invalid"),
        (signed(TokenSigning::None), "token_algorithm_refused"),
        (signed(TokenSigning::Hs256PublicKey), "token_algorithm_refused"),
        (token_spec(subject, &json!({ "iss": "https://clerk.elsewhere.example" }), &none), "token_issuer_refused"),
        (token_spec(subject, &json!({ "sts": "pending" }), &none), "token_kind_refused"),
        (token_spec("mch_2lab", &none, &none), "token_kind_refused"),
        (token_spec(subject, &none, &json!({ "cat": "cl_B7d4PD333AAA" })), "token_kind_refused"),
        (token_spec(subject, &none, &json!({ "kid": null })), "token_malformed"),
        (token_spec(subject, &none, &json!({ "kid": "ins_elsewhere" })), "token_key_unknown"),
        (token_spec(subject, &none, &json!({ "crit": ["exp"] })), "token_malformed"),
    ] {
        let token = stack.clerk().mint(&spec).await;
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

/// How much of their own somebody with this token reaches without a function in between: rows at PostgREST, and the file
/// at Storage.
async fn reached_with(stack: &Stack, person: &Person, token: &str) -> (usize, bool) {
    let caller = stack.bearer(token);
    let rows = caller.select("users?select=id").await.expect_status(200).json.as_array().unwrap().len();
    let file = caller.request(Method::GET, &format!("/storage/v1/object/authenticated/resumes/{}", person.resume_path));
    (rows, Reply::to(file).await.status == 200)
}

#[tokio::test]
async fn what_the_functions_refuse_of_a_token_opens_nothing_at_the_database_and_the_file_store() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let subject = person.clerk_user_id.as_str();
    let with = async |subject: &str, claims: Value| stack.clerk().mint(&token_spec(subject, &claims, &json!({}))).await;
    let (everything, nothing) = ((1, true), (0, false));

    let pending = with(subject, json!({ "sts": "pending" })).await;
    asked_with(&stack, &pending).await.expect_problem(401, "token_kind_refused");
    assert_eq!(reached_with(&stack, &person, &pending).await, nothing);
    let draft = json!({ "job_title": "Analyst", "company_name": "Engines", "job_url": "https://jobs.example.com/7" });
    stack.bearer(&pending).insert("applications", &draft).await.expect_status(403);
    let claim = json!({ "p_application_id": person.pending_application().await });
    let claimed = stack.bearer(&pending).rpc("claim_application", &claim).await;
    assert_eq!((claimed.status, claimed.code()), (403, "profile_pending"));
    // Nor does it make anybody known.
    let newcomer = format!("user_{}", Uuid::new_v4().simple());
    let claims = json!({ "sts": "pending", "email": format!("{newcomer}@people.example"), "email_verified": true });
    let made = stack.bearer(&with(&newcomer, claims).await).rpc("ensure_person", &json!({})).await;
    assert_eq!((made.status, made.code()), (403, "profile_pending"));

    // Any front end is accepted until some are named. The one of all other tests stays accepted.
    let foreign = with(subject, json!({ "azp": "https://foreign.example" })).await;
    assert_eq!(reached_with(&stack, &person, &foreign).await, everything);
    let usual = person.token().await;
    let claims = URL_SAFE_NO_PAD.decode(usual.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let name = "insert into private.authorized_parties (party) values ($1)";
    stack.database().query(name, &[&claims["azp"].as_str().unwrap()]).await;
    assert_eq!(reached_with(&stack, &person, &foreign).await, nothing);
    assert_eq!(reached_with(&stack, &person, &usual).await, everything);
    let native = with(subject, json!({ "azp": null })).await;
    assert_eq!(reached_with(&stack, &person, &native).await, everything, "a native app has none");
    let of_supabase = stack.supabase_auth().token(person.user_id);
    assert_eq!(reached_with(&stack, &person, &of_supabase).await, everything, "nor has Supabase Auth");
    stack.database().query("delete from private.authorized_parties", &[]).await;
}
