//! Who is calling: a person with a token in `Authorization: Bearer …`, from Clerk or, where it is
//! configured, from Supabase Auth.
//!
//! The rules are those of Clerk's own verifier, stricter where a public endpoint needs it
//! (docs/vendors/clerk.md#verifying-a-session-token).

mod algorithm;
mod claims;
mod internal;
mod issuer;
mod jwks;
mod keys;
mod public_key;
mod service_role;
mod settings;
mod token;
mod token_cache;

use std::{cell::RefCell, collections::HashMap, time::Duration};

pub use crate::service_role::ServiceRole;
pub use internal::{InternalCaller, internal_caller};
pub use service_role::{Scheduled, VerifiedWebhook};
pub use settings::{Clerk, SignIn, SupabaseAuth};
use url::Url;

use self::{
    algorithm::Algorithm,
    issuer::Issuer,
    keys::{KeyStore, Look},
    public_key::PublicKey,
    token::UncheckedToken,
    token_cache::TokenCache,
};
use crate::{
    clock::UnixTime,
    config::Project,
    headers::Headers,
    outgoing::{Request, Upstream},
    problem::{Problem, TokenProblem},
    secret::Secret,
};

/// A person who is signed in, for as long as their token lasts. Only [`person`] makes one.
#[derive(Debug, Clone)]
pub struct Person {
    token: Secret,
}

impl Person {
    /// The credentials for acting as this person: the key names the project, the token the person.
    #[must_use]
    pub fn headers(&self, project: &Project) -> Vec<(&'static str, String)> {
        let authorization = format!("Bearer {}", self.token.expose());
        vec![("apikey", project.anon_key.expose().to_owned()), ("authorization", authorization)]
    }
}

/// A document of public keys is small and cached near us; a person is waiting.
const TIMEOUT: Duration = Duration::from_secs(5);

thread_local! {
    /// An isolate has one thread. No borrow is held across an `await`.
    static KEYS: RefCell<HashMap<Issuer, KeyStore<PublicKey>>> = RefCell::new(HashMap::new());
    static VERIFIED: RefCell<TokenCache> = RefCell::new(TokenCache::default());
}

/// The signed-in person of a request.
///
/// # Errors
/// [`Problem::Unauthenticated`] with a code that tells the cases apart, and
/// [`Problem::SignInUnavailable`] when the keys cannot be had.
pub async fn person(
    headers: &Headers,
    settings: &SignIn,
    upstream: &Upstream,
    now: UnixTime,
) -> Result<Person, Problem> {
    let text = bearer(headers)?;
    let person = Person { token: Secret::new(text) };
    if VERIFIED.with_borrow(|cache| cache.contains(text, now)) {
        return Ok(person);
    }

    let token = UncheckedToken::parse(text, settings)?;
    match (token.algorithm(), &settings.supabase_auth.secret) {
        (Algorithm::Hs256, Some(secret)) => token.verify_with_secret(secret)?,
        (Algorithm::Hs256, None) => return Err(TokenProblem::AlgorithmRefused.into()),
        _ => token.verify(&find_key(&token, settings, upstream, now).await?).await?,
    }
    let expires_at = token.check_person(settings, now)?;

    VERIFIED.with_borrow_mut(|cache| cache.insert(text, expires_at, now));
    Ok(person)
}

/// A signed-out supabase-js client sends its API key as the bearer; that is no token at all.
fn bearer(headers: &Headers) -> Result<&str, TokenProblem> {
    let header = headers.get("authorization").ok_or(TokenProblem::Missing)?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    match (scheme, token.trim()) {
        ("Bearer", token) if token.is_empty() || token.starts_with("sb_") => Err(TokenProblem::Missing),
        ("Bearer", token) => Ok(token),
        _ => Err(TokenProblem::Malformed),
    }
}

async fn find_key(
    token: &UncheckedToken<'_>,
    settings: &SignIn,
    upstream: &Upstream,
    now: UnixTime,
) -> Result<PublicKey, Problem> {
    let (issuer, key_id) = (token.issuer(), token.key_id()?);
    match KEYS.with_borrow_mut(|stores| stores.entry(issuer).or_default().look(key_id, now)) {
        Look::Use(key) => return Ok(key),
        Look::Unknown => return Err(TokenProblem::KeyUnknown.into()),
        Look::Unavailable => return Err(Problem::SignInUnavailable),
        Look::Load => {}
    }
    let loaded = load(issuer, token.algorithm(), settings, upstream).await;
    let now = upstream.now();
    KEYS.with_borrow_mut(|stores| {
        let store = stores.entry(issuer).or_default();
        if let Some(keys) = loaded {
            store.loaded(keys, now);
            store.known(key_id).ok_or_else(|| TokenProblem::KeyUnknown.into())
        } else {
            store.failed(now);
            store.still_good(key_id, now).ok_or(Problem::SignInUnavailable)
        }
    })
}

/// Each request waits for its own fetch only: on Workers, one that another request began may never
/// finish here.
async fn load(
    issuer: Issuer,
    algorithm: Algorithm,
    settings: &SignIn,
    upstream: &Upstream,
) -> Option<HashMap<String, PublicKey>> {
    let (name, url): (_, Option<&Url>) = match issuer {
        Issuer::Clerk => ("clerk", Some(&settings.clerk.jwks_url)),
        Issuer::SupabaseAuth => ("supabase_auth", settings.supabase_auth.jwks_url.as_ref()),
    };
    let request = Request::get(url?.clone()).within(TIMEOUT);
    let answer = upstream.send(name, request).await.ok().filter(crate::outgoing::Response::is_success)?;
    jwks::parse(&answer.body, algorithm).await
}

#[cfg(test)]
mod tests {
    use super::{TokenProblem, bearer};
    use crate::headers::Headers;

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
        assert_eq!(bearer(&with_authorization("Bearer")), Err(TokenProblem::Missing));
    }
}
