//! Requests as they come in, from those who may make them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jwt_compact::{
    AlgorithmExt as _,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    Machine, PERSON_ID, block_on,
    machine::NOW,
    settings::{CLERK_WEBHOOK_SECRET, JWT_SECRET, SERVICE_ROLE_KEY, environment},
};
use crate::{
    clock::UnixTime,
    http::{Incoming, Method},
    sign_in::{self, Person, Scheduled, ServiceRole, SignIn},
};

/// The headers of a signed-in person: a session token of Supabase Auth, which needs no key to be fetched.
///
/// # Panics
/// If it cannot be signed.
#[must_use]
pub fn person() -> Vec<(&'static str, String)> {
    let now = NOW.seconds();
    let claims = json!({
        "iss": "https://project.supabase.example/auth/v1", "sub": PERSON_ID, "aud": "authenticated",
        "role": "authenticated", "iat": now, "exp": now + 60 * 60,
    });
    let key = Hs256Key::new(JWT_SECRET.as_bytes());
    let claims: jwt_compact::Claims<Value> = read(claims);
    match Hs256.token(&jwt_compact::Header::empty(), &claims, &key) {
        Ok(token) => vec![("authorization", format!("Bearer {token}"))],
        Err(error) => panic!("the token cannot be signed: {error}"),
    }
}

/// The headers of an internal caller.
#[must_use]
pub fn internal_caller() -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {SERVICE_ROLE_KEY}"))]
}

/// The headers of a webhook of Clerk's, signed as Svix does.
///
/// # Panics
/// If it cannot be signed.
#[must_use]
pub fn signed_by_clerk(message_id: &str, sent_at: UnixTime, body: &[u8]) -> Vec<(&'static str, String)> {
    let key = STANDARD.decode(CLERK_WEBHOOK_SECRET.trim_start_matches("whsec_")).unwrap_or_default();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { panic!("the key cannot be used") };
    mac.update(format!("{message_id}.{}.", sent_at.seconds()).as_bytes());
    mac.update(body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    vec![
        ("svix-id", message_id.to_owned()),
        ("svix-timestamp", sent_at.seconds().to_string()),
        ("svix-signature", signature),
    ]
}

/// Leave to go around row level security, for what is tested below a handler.
#[must_use]
pub fn service_role() -> ServiceRole {
    ServiceRole::of_schedule(scheduled())
}

/// A scheduled run.
#[must_use]
pub fn scheduled() -> Scheduled {
    Scheduled::by_the_runtime()
}

/// A `POST` of JSON.
#[must_use]
pub fn post(headers: &[(&str, String)], body: &Value) -> Incoming {
    post_bytes("", headers, body.to_string())
}

/// A `POST` of any JSON text, to an address with this query.
#[must_use]
pub fn post_bytes(query: &str, headers: &[(&str, String)], body: impl Into<Vec<u8>>) -> Incoming {
    incoming(Method::Post, query, headers, body.into())
}

/// A `GET` with this query.
#[must_use]
pub fn get(query: &str, headers: &[(&str, String)]) -> Incoming {
    incoming(Method::Get, query, headers, Vec::new())
}

fn incoming(method: Method, query: &str, headers: &[(&str, String)], body: Vec<u8>) -> Incoming {
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    match format!("https://api.example/functions/v1/function?{query}").parse() {
        Ok(url) => Incoming { method, url, headers: headers.chain([json]).collect(), body },
        Err(error) => panic!("{query} is no query: {error}"),
    }
}

impl Machine {
    /// A person who has signed in.
    ///
    /// # Panics
    /// If they cannot.
    #[must_use]
    pub fn person(&self) -> Person {
        let headers = person().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let signed_in = SignIn::read(&environment(&[]))
            .map(|settings| block_on(sign_in::person(&headers, &settings, &self.upstream(), self.now())));
        match signed_in {
            Ok(Ok(person)) => person,
            other => panic!("nobody signed in: {other:?}"),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    match serde_json::from_value(value) {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
