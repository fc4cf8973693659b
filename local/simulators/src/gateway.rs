//! The gateway of a hosted Supabase project, in front of PostgREST, Storage and the functions.
//!
//! It stands between the functions and the database in every benchmark, so it streams bodies, keeps connections, and
//! looks into requests only while a fault is waiting.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jwt_compact::alg::Hs256Key;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::Url;

use super::faults::Service;
use super::keys::{KeyTexts, role_token, supabase_auth_key};
use super::recorder::RecordedRequest;
use super::{Settings, Shared, lock};

/// Headers that belong to one connection and are not passed on (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub(crate) struct Gateway {
    shared: Arc<Shared>,
    client: Client<HttpConnector, Body>,
    postgrest: Authority,
    functions: Authority,
    storage: Router,
    /// What Supabase Auth says about the key that it signs with.
    auth_keys: Value,
    anonymous: ShortToken,
    service: ShortToken,
}

impl Gateway {
    pub fn new(settings: &Settings, shared: Arc<Shared>, storage: Router) -> anyhow::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let auth_key = supabase_auth_key(shared.keys.supabase_auth.verifying_key())?;
        Ok(Self {
            shared,
            client,
            postgrest: authority(&settings.postgrest)?,
            functions: authority(&settings.functions)?,
            storage,
            auth_keys: json!({ "keys": [auth_key] }),
            anonymous: ShortToken::new("anon"),
            service: ShortToken::new("service_role"),
        })
    }

    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response, Infallible> {
        let path = request.uri().path();
        Ok(if path.starts_with("/rest/v1/") {
            self.rest(request).await
        } else if path.starts_with("/functions/v1/") {
            let path_and_query = request.uri().path_and_query().cloned();
            self.forward(request.map(Body::new), &self.functions, path_and_query).await
        } else if path.starts_with("/storage/v1/") {
            self.storage(request).await
        } else if path == "/auth/v1/.well-known/jwks.json" {
            Json(self.auth_keys.clone()).into_response()
        } else {
            (StatusCode::NOT_FOUND, Json(json!({ "message": "no Route matched with those values" }))).into_response()
        })
    }

    async fn rest(&self, request: Request<Incoming>) -> Response {
        let mut request = request.map(Body::new);
        // A preflight carries no key; PostgREST answers it.
        if request.method() != Method::OPTIONS
            && let Err(refusal) = self.translate_key(request.headers_mut())
        {
            return refusal.into_response();
        }
        if !self.shared.faults.any_waits() {
            return self.forward_rest(request).await;
        }
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let fault = self.shared.faults.take(&RecordedRequest::new(Service::Rest, &parts, &body));
        let effect = self.forward_rest(Request::from_parts(parts, Body::from(body)));
        match fault {
            Some(fault) => fault.around(effect).await,
            None => effect.await,
        }
    }

    async fn forward_rest(&self, request: Request<Body>) -> Response {
        let path_and_query = without_prefix(request.uri(), "/rest/v1");
        self.forward(request, &self.postgrest, path_and_query).await
    }

    async fn storage(&self, mut request: Request<Incoming>) -> Response {
        let mut uri = request.uri().clone().into_parts();
        uri.path_and_query = without_prefix(request.uri(), "/storage/v1");
        match Uri::from_parts(uri) {
            Ok(uri) => *request.uri_mut() = uri,
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
        // The address of a signed link and that of a public file are all that it takes to fetch them.
        let needs_no_key = request.method() == Method::OPTIONS || is_for_everybody(&request);
        if (!needs_no_key || request.headers().contains_key("apikey"))
            && let Err(refusal) = self.translate_key(request.headers_mut())
        {
            return refusal.into_response();
        }
        let Ok(response) = self.storage.clone().oneshot(request).await;
        response
    }

    /// Puts a token where PostgREST and Storage, which know of no keys, look for one.
    fn translate_key(&self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        if let Some(bearer) = self.authorization(headers)? {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        Ok(())
    }

    /// The bearer that takes the place of the caller's, if one does.
    fn authorization(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
        let keys = &self.shared.keys.texts;
        let key = headers.get("apikey").ok_or(Refusal::NoKey)?.as_bytes();
        let role = Role::of(keys, key).ok_or(Refusal::WrongKey)?;
        if !key.starts_with(b"sb_") {
            return Ok(None);
        }
        if role == Role::Service && from_a_browser(headers) {
            return Err(Refusal::SecretInBrowser);
        }
        match headers.get(header::AUTHORIZATION).map(|value| value.as_bytes().strip_prefix(b"Bearer ")) {
            // A person's token, or nonsense: PostgREST or Storage decides.
            Some(bearer) if bearer != Some(key) => Ok(None),
            _ => Ok(Some(match role {
                Role::Anonymous => self.anonymous.bearer(&self.shared.keys.jwt_secret),
                Role::Service => self.service.bearer(&self.shared.keys.jwt_secret),
            })),
        }
    }

    async fn forward(&self, mut request: Request<Body>, to: &Authority, path: Option<PathAndQuery>) -> Response {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(to.clone());
        let Ok(uri) = uri.path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/"))).build() else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        *request.uri_mut() = uri;
        request.headers_mut().remove(header::HOST);
        remove_hop_by_hop(request.headers_mut());
        let Ok(mut response) = self.client.request(request).await else {
            let message = "An invalid response was received from the upstream server";
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "message": message }))).into_response();
        };
        remove_hop_by_hop(response.headers_mut());
        response.map(Body::new)
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn authority(url: &Url) -> anyhow::Result<Authority> {
    url.authority().parse().with_context(|| format!("{url} has no host"))
}

fn without_prefix(uri: &Uri, prefix: &str) -> Option<PathAndQuery> {
    uri.path_and_query()?.as_str().strip_prefix(prefix)?.parse().ok()
}

/// What Storage serves to whoever has the address, of a path without the prefix.
fn is_for_everybody<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    match *request.method() {
        Method::GET | Method::HEAD => path.starts_with("/object/sign/") || path.starts_with("/object/public/"),
        _ => false,
    }
}

/// Secret keys are refused from browsers, where everybody could read them.
fn from_a_browser(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}

/// The role that an API key stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Anonymous,
    Service,
}

impl Role {
    fn of(keys: &KeyTexts, key: &[u8]) -> Option<Self> {
        if key == keys.anon_key.as_bytes() || key == keys.publishable_key.as_bytes() {
            Some(Self::Anonymous)
        } else if key == keys.service_role_key.as_bytes() || key == keys.secret_key.as_bytes() {
            Some(Self::Service)
        } else {
            None
        }
    }
}

/// Why the gateway lets a request no further. Unlike PostgREST's, these bodies have no `code`.
enum Refusal {
    NoKey,
    WrongKey,
    SecretInBrowser,
}

impl Refusal {
    fn into_response(self) -> Response {
        let (message, hint) = match self {
            Self::NoKey => ("No API key found in request", "No `apikey` request header or url param was found."),
            Self::WrongKey => ("Invalid API key", "Double check your Supabase `anon` or `service_role` API key."),
            Self::SecretInBrowser => (
                "Forbidden use of secret API key in browser",
                "Secret API keys can only be used in a protected environment and should never be used in a browser.",
            ),
        };
        (StatusCode::UNAUTHORIZED, Json(json!({ "message": message, "hint": hint }))).into_response()
    }
}

/// The token that the gateway puts in the place of an `sb_` key: short-lived, and renewed before it ends.
struct ShortToken {
    role: &'static str,
    current: Mutex<Option<(HeaderValue, Instant)>>,
}

impl ShortToken {
    const LIFETIME_SECONDS: u32 = 120;

    fn new(role: &'static str) -> Self {
        Self { role, current: Mutex::new(None) }
    }

    fn bearer(&self, key: &Hs256Key) -> HeaderValue {
        let mut current = lock(&self.current);
        match &*current {
            Some((bearer, renewal)) if Instant::now() < *renewal => bearer.clone(),
            _ => {
                let text = format!("Bearer {}", role_token(key, self.role, Self::LIFETIME_SECONDS.into()));
                // A token is base64url and dots, which every header may hold.
                let bearer = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
                *current =
                    Some((bearer.clone(), Instant::now() + Duration::from_secs(u64::from(Self::LIFETIME_SECONDS) / 2)));
                bearer
            }
        }
    }
}
