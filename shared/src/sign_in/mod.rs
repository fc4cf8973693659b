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

    // A key that is withdrawn takes the tokens along that were verified with it, however long they would last.
    let remembered_until = expires_at.min(now.plus(keys::FRESH_FOR));
    VERIFIED.with_borrow_mut(|cache| cache.insert(text, remembered_until, now));
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
    use std::time::Duration;

    use jwt_compact::{AlgorithmExt as _, Claims, Header, alg::Es256, jwk::JsonWebKey};
    use serde_json::{Value, json};

    use super::{KEYS, SignIn, VERIFIED, bearer, person};
    use crate::{
        headers::Headers,
        outgoing::Failure,
        problem::{Problem, TokenProblem},
        testing::{Machine, block_on, environment},
    };

    const MINUTE: Duration = Duration::from_mins(1);
    const JWKS: &str = "/auth/v1/.well-known/jwks.json";

    /// A signing key of the project's own Supabase Auth. Clerk's are kept in the same way, and take a second to make.
    struct Key {
        id: &'static str,
        private: <Es256 as jwt_compact::Algorithm>::SigningKey,
    }

    impl Key {
        fn new(id: &'static str) -> Self {
            Self { id, private: <Es256 as jwt_compact::Algorithm>::SigningKey::random(&mut rand_core::OsRng) }
        }

        fn published(&self) -> Value {
            let mut key = serde_json::to_value(JsonWebKey::from(self.private.verifying_key())).unwrap();
            key["kid"] = json!(self.id);
            key
        }

        /// A token that was not seen before. It lasts for a day.
        fn token(&self, machine: &Machine) -> Headers {
            let now = machine.now().seconds();
            let header: Header<Value> = serde_json::from_value(json!({ "kid": self.id })).unwrap();
            let claims: Claims<Value> = serde_json::from_value(json!({
                "iss": "https://project.supabase.example/auth/v1", "sub": crate::testing::PERSON_ID,
                "aud": "authenticated", "role": "authenticated", "exp": now + 24 * 60 * 60, "jti": machine.sent().len(),
                "iat": now,
            }))
            .unwrap();
            let token = Es256.token(&header, &claims, &self.private).unwrap();
            with_authorization(&format!("Bearer {token}"))
        }
    }

    fn key_set(keys: &[&Key]) -> Value {
        json!({ "keys": keys.iter().map(|key| key.published()).collect::<Vec<_>>() })
    }

    /// A new isolate, which has seen no key and no token.
    fn new_isolate() -> Machine {
        KEYS.take();
        VERIFIED.take();
        Machine::new()
    }

    /// The code of the refusal, or that there is none.
    fn asked(machine: &Machine, headers: &Headers) -> &'static str {
        let address = format!("https://project.supabase.example{JWKS}");
        let settings = SignIn::read(&environment(&[("SUPABASE_JWKS_URL", &address)])).unwrap();
        let answer = block_on(person(headers, &settings, &machine.upstream(), machine.now()));
        answer.map_or_else(|problem| problem.kind().code, |_| "let in")
    }

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

    #[test]
    fn a_person_acts_with_the_projects_key_and_their_own_token() {
        let settings = crate::config::Project::read(&environment(&[])).unwrap();
        let token = crate::testing::person().remove(0).1;
        let expected = [("apikey", "eyJanon".to_owned()), ("authorization", token)];
        assert_eq!(Machine::new().person().headers(&settings), expected);
    }

    #[test]
    fn one_load_of_the_keys_serves_everybody_and_a_token_that_was_verified_needs_none() {
        let (key, machine) = (Key::new("a"), new_isolate());
        let machine = machine.responds(JWKS, 200, key_set(&[&key]));
        let token = key.token(&machine);
        assert_eq!(asked(&machine, &token), "let in");
        assert_eq!(asked(&machine, &key.token(&machine)), "let in");
        machine.passes(9 * MINUTE);
        assert_eq!(asked(&machine, &token), "let in");
        KEYS.take();
        assert_eq!(asked(&machine, &token), "let in", "it is known by itself");
        assert_eq!(machine.sent().len(), 1);
    }

    #[test]
    fn a_key_that_is_withdrawn_verifies_nothing_after_the_next_load() {
        let (old, new, machine) = (Key::new("old"), Key::new("new"), new_isolate());
        let machine = machine.responds(JWKS, 200, key_set(&[&old, &new])).responds(JWKS, 200, key_set(&[&new]));
        let verified_before = old.token(&machine);
        assert_eq!(asked(&machine, &verified_before), "let in");
        machine.passes(10 * MINUTE);
        assert_eq!(asked(&machine, &new.token(&machine)), "let in");
        assert_eq!(asked(&machine, &old.token(&machine)), "token_key_unknown");
        assert_eq!(asked(&machine, &verified_before), "token_key_unknown", "nor do the tokens last that it signed");
    }

    #[test]
    fn when_a_load_finds_the_tokens_own_key_gone_it_is_refused() {
        let (old, new, machine) = (Key::new("old"), Key::new("new"), new_isolate());
        let machine = machine.responds(JWKS, 200, key_set(&[&old])).responds(JWKS, 200, key_set(&[&new]));
        assert_eq!(asked(&machine, &old.token(&machine)), "let in");
        machine.passes(10 * MINUTE);
        assert_eq!(asked(&machine, &old.token(&machine)), "token_key_unknown");
    }

    #[test]
    fn the_last_keys_are_good_for_seventy_minutes_and_no_longer_while_the_issuer_is_away() {
        let (key, machine) = (Key::new("a"), new_isolate());
        let machine = machine.responds(JWKS, 200, key_set(&[&key]));
        assert_eq!(asked(&machine, &key.token(&machine)), "let in");

        let machine = machine.fails(JWKS, Failure::Unreachable).responds(JWKS, 500, "no");
        machine.passes(10 * MINUTE);
        assert_eq!(asked(&machine, &key.token(&machine)), "let in");
        machine.passes(Duration::from_secs(60 * 60 - 1));
        assert_eq!(asked(&machine, &key.token(&machine)), "let in");

        let machine = machine.fails(JWKS, Failure::Unreachable).responds(JWKS, 200, key_set(&[&key]));
        machine.passes(Duration::from_secs(1));
        let token = key.token(&machine);
        assert_eq!(asked(&machine, &token), "sign_in_unavailable");
        assert_eq!(asked(&machine, &token), "let in", "once the issuer is back");
    }

    #[test]
    fn an_issuer_that_is_slow_is_not_waited_for() {
        let (key, machine) = (Key::new("a"), new_isolate());
        let machine = machine.responds(JWKS, 200, key_set(&[&key])).taking(Duration::from_secs(6));
        assert_eq!(asked(&machine, &key.token(&machine)), "sign_in_unavailable");
        assert_eq!(machine.waited(), Duration::from_secs(5));
    }

    #[test]
    fn keys_that_nobody_published_are_looked_for_every_thirty_seconds() {
        let (key, unknown, machine) = (Key::new("a"), Key::new("b"), new_isolate());
        let machine = machine.responds(JWKS, 200, key_set(&[&key])).responds(JWKS, 200, key_set(&[&key]));
        assert_eq!(asked(&machine, &unknown.token(&machine)), "token_key_unknown");
        machine.passes(Duration::from_secs(29));
        assert_eq!(asked(&machine, &unknown.token(&machine)), "token_key_unknown");
        assert_eq!(machine.sent().len(), 1);
        machine.passes(Duration::from_secs(1));
        assert_eq!(asked(&machine, &unknown.token(&machine)), "token_key_unknown");
        assert_eq!(machine.sent().len(), 2);
    }

    #[test]
    fn what_is_no_successful_answer_holds_no_keys() {
        let key = Key::new("a");
        let keys = key_set(&[&key]).to_string();
        for (status, body) in
            [(302, keys.as_str()), (404, &keys), (500, &keys), (200, "<html>"), (200, "{\"keys\":[]}")]
        {
            let location = [("location", "https://elsewhere.example/jwks.json")];
            let machine = new_isolate().responds_with(JWKS, status, &location, body);
            assert_eq!(asked(&machine, &key.token(&machine)), "sign_in_unavailable", "{status} {body}");
            assert_eq!(machine.sent().len(), 1, "{status}: the answer sends us nowhere else");
            assert_eq!(asked(&machine, &key.token(&machine)), "sign_in_unavailable", "for a second nobody asks again");
        }
    }

    #[test]
    fn a_token_of_a_shared_secret_is_refused_where_there_is_none() {
        let settings =
            environment(&[("SUPABASE_JWT_SECRET", ""), ("SUPABASE_JWKS_URL", "https://project.example/keys")]);
        let settings = SignIn::read(&settings).unwrap();
        let machine = new_isolate();
        let headers = with_authorization(&crate::testing::person()[0].1);
        let refused = block_on(person(&headers, &settings, &machine.upstream(), machine.now())).err();
        assert!(matches!(refused, Some(Problem::Unauthenticated(TokenProblem::AlgorithmRefused))), "{refused:?}");
    }
}
