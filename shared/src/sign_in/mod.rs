//! Who is calling: a person with a Clerk session token in `Authorization: Bearer …`.
//!
//! The rules are those of Clerk's own verifier, stricter where a public endpoint needs it
//! (Clerk contract §2).

mod internal;
mod keys;
mod memory;
mod problem;
mod token;

use std::cell::RefCell;

pub use internal::internal_caller;
pub use problem::TokenProblem;

use self::{
    keys::{KeyStore, Look},
    memory::Memory,
    token::UncheckedToken,
};
use crate::{
    clock::UnixTime,
    config::Clerk,
    http::{
        Headers,
        upstream::{Request, Upstream},
    },
    problem::Problem,
    secret::Secret,
};

/// A person who is signed in, for as long as their token lasts.
#[derive(Debug, Clone)]
pub struct Person {
    subject: String,
    token: Secret,
}

impl Person {
    /// `subject` is Clerk's `user_…`; `token` has been verified.
    #[must_use]
    pub fn new(subject: impl Into<String>, token: Secret) -> Self {
        Self { subject: subject.into(), token }
    }

    /// Clerk's id of the person.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The person's own token, to act on their behalf elsewhere.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

thread_local! {
    /// An isolate has one thread. No borrow is held across an `await`.
    static KEYS: RefCell<KeyStore> = RefCell::new(KeyStore::default());
    static VERIFIED: RefCell<Memory> = RefCell::new(Memory::default());
}

/// The signed-in person of a request.
///
/// # Errors
/// [`Problem::Unauthenticated`] with a code that tells the cases apart, and
/// [`Problem::SignInUnavailable`] when the keys cannot be had.
pub async fn person(headers: &Headers, clerk: &Clerk, upstream: &Upstream, now: UnixTime) -> Result<Person, Problem> {
    let text = bearer(headers)?;
    if let Some(subject) = VERIFIED.with_borrow(|memory| memory.recall(text, now)) {
        return Ok(Person::new(subject, Secret::new(text)));
    }

    let token = UncheckedToken::parse(text)?;
    let key = find_key(token.key_id(), clerk, upstream, now).await?;
    let session = token.verify(&key, clerk, now)?;

    VERIFIED.with_borrow_mut(|memory| memory.remember(text, &session.subject, session.expires_at, now));
    Ok(Person::new(session.subject, Secret::new(text)))
}

/// A signed-out supabase-js client sends its API key as the bearer; that is no token at all.
fn bearer(headers: &Headers) -> Result<&str, TokenProblem> {
    let header = headers.get("authorization").ok_or(TokenProblem::Missing)?;
    let token = header.strip_prefix("Bearer ").ok_or(TokenProblem::Malformed)?;
    if token.is_empty() || token.starts_with("sb_") {
        return Err(TokenProblem::Missing);
    }
    Ok(token)
}

async fn find_key(key_id: &str, clerk: &Clerk, upstream: &Upstream, now: UnixTime) -> Result<keys::PublicKey, Problem> {
    match KEYS.with_borrow_mut(|store| store.look(key_id, now)) {
        Look::Use(key) => return Ok(key),
        Look::Unknown => return Err(TokenProblem::KeyUnknown.into()),
        Look::Unavailable => return Err(Problem::SignInUnavailable),
        Look::Load => {}
    }
    // Each request waits for its own fetch only: on Workers, one that another request began may
    // never finish here.
    let answer = upstream.send("clerk", Request::get(clerk.jwks_url.clone())).await;
    let loaded =
        answer.ok().filter(super::http::upstream::Response::is_success).and_then(|answer| keys::parse(&answer.body));
    let now = UnixTime::now();
    KEYS.with_borrow_mut(|store| {
        if let Some(keys) = loaded {
            store.loaded(keys, now);
            store.known(key_id).ok_or_else(|| TokenProblem::KeyUnknown.into())
        } else {
            store.failed(now);
            store.still_good(key_id, now).ok_or(Problem::SignInUnavailable)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{TokenProblem, bearer};
    use crate::http::Headers;

    fn with_authorization(value: &str) -> Headers {
        [("Authorization".to_owned(), value.to_owned())].into_iter().collect()
    }

    #[test]
    fn a_bearer_token_is_taken_from_the_header() {
        assert_eq!(bearer(&with_authorization("Bearer a.b.c")), Ok("a.b.c"));
        assert_eq!(bearer(&with_authorization("Basic a.b.c")), Err(TokenProblem::Malformed));
        assert_eq!(bearer(&Headers::default()), Err(TokenProblem::Missing));
    }

    #[test]
    fn the_api_key_of_a_signed_out_client_is_no_token() {
        assert_eq!(bearer(&with_authorization("Bearer sb_publishable_abc")), Err(TokenProblem::Missing));
        assert_eq!(bearer(&with_authorization("Bearer ")), Err(TokenProblem::Missing));
    }
}
