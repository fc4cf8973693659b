//! JSearch: finds job postings through Google for Jobs, as strictly as docs/vendors/jsearch.md says. What it finds is made
//! up from the query, so that the same query always finds the same, until a test says that the market has changed.

mod allowance;
mod catalogue;
pub mod control;
mod parameters;
mod refusal;

use std::sync::{Arc, Mutex};

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lock;
use allowance::Allowance;
use control::{Market, Shape};
use parameters::{Parameters, Version};
use refusal::Refusal;

/// The only key that is known on the direct route.
pub const KEY: &str = "ak_0123456789abcdef0123456789abcdef";

/// The key that is known at `RapidAPI`.
pub const RAPID_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef01";

/// Another one, whose requests of this month are spent.
pub const SPENT_RAPID_KEY: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fe";

/// The host that a request through `RapidAPI` has to name.
const RAPID_HOST: &str = "jsearch.p.rapidapi.com";

/// A page never has more.
const PAGE_LENGTH: usize = 10;

/// The state of the simulator.
#[derive(Default)]
pub(crate) struct Jsearch {
    allowance: Mutex<Allowance>,
    markets: Mutex<Vec<Market>>,
    shape: Mutex<Shape>,
}

/// What JSearch serves to the world.
pub(crate) fn router(jsearch: Arc<Jsearch>) -> Router {
    Router::new()
        .route("/search-v2", get(search_second))
        .route("/search", get(search_first))
        .fallback(async |uri: Uri| Refusal::unknown_endpoint(uri.path()))
        .method_not_allowed_fallback(async |uri: Uri| Refusal::unknown_endpoint(uri.path()))
        .layer(from_fn_with_state(jsearch.clone(), at_the_gate))
        .with_state(jsearch)
}

/// The gateway before the service: it knows keys and allowances. What is left is said by `RapidAPI` alone, on every answer.
async fn at_the_gate(State(jsearch): State<Arc<Jsearch>>, request: Request, next: Next) -> Response {
    let is_rapid = request.headers().contains_key("x-rapidapi-host");
    let is_spent = request.headers().get("x-rapidapi-key").is_some_and(|key| key == SPENT_RAPID_KEY);
    let mut response = match check_key(request.headers()) {
        Ok(()) if is_spent || !lock(&jsearch.allowance).take() => Refusal::quota_spent().into_response(),
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    if is_rapid {
        let refused = !response.status().is_success();
        let headers = response.headers_mut();
        for (name, value) in lock(&jsearch.allowance).headers(is_spent) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        if refused {
            headers.insert("x-rapidapi-proxy-response", HeaderValue::from_static("true"));
        }
    }
    response
}

/// The two routes have headers of their own. A key in the wrong one is no key.
fn check_key(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (value("x-rapidapi-host"), value("x-rapidapi-key"), value("x-api-key")) {
        (Some(host), Some(key), None) if host == RAPID_HOST && [RAPID_KEY, SPENT_RAPID_KEY].contains(&key) => Ok(()),
        (Some(_), Some(_), None) => Err(Refusal::not_subscribed()),
        (None, None, Some(key)) if key == KEY => Ok(()),
        _ => Err(Refusal::invalid_key()),
    }
}

async fn search_second(State(jsearch): State<Arc<Jsearch>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Refusal> {
    answer(&jsearch, Version::Second, query.as_deref().unwrap_or_default())
}

/// Most keys do not know it any more.
async fn search_first(State(jsearch): State<Arc<Jsearch>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Refusal> {
    match *lock(&jsearch.shape) {
        Shape::Array => {}
        Shape::Object => return Err(Refusal::unknown_endpoint("/search")),
    }
    answer(&jsearch, Version::First, query.as_deref().unwrap_or_default())
}

fn answer(jsearch: &Jsearch, version: Version, query: &str) -> Result<Json<Value>, Refusal> {
    let parameters = Parameters::read(query, version)?;
    let start = match parameters.text("cursor") {
        Some(cursor) => read_cursor(cursor, &parameters).ok_or_else(|| Refusal::invalid("cursor"))?,
        None => (parameters.number("page").unwrap_or(1) - 1) * PAGE_LENGTH,
    };
    let market = lock(&jsearch.markets).iter().rev().find(|market| market.fits(&parameters)).cloned();
    let market = market.unwrap_or_else(|| Market::usual(&parameters));
    let length = parameters.number("num_pages").unwrap_or(1) * PAGE_LENGTH;
    let jobs: Vec<Value> = market.postings(&parameters, start..start + length);

    let is_last = start + length >= market.len();
    // An array where the newer shape is expected is what some keys get.
    let data = match (version, *lock(&jsearch.shape)) {
        (Version::First, _) | (Version::Second, Shape::Array) => json!(jobs),
        (Version::Second, Shape::Object) if is_last && market.omits_last_cursor() => json!({ "jobs": jobs }),
        (Version::Second, Shape::Object) => {
            let cursor = (!is_last).then(|| cursor(start + length, &parameters));
            json!({ "jobs": jobs, "cursor": cursor })
        }
    };
    Ok(Json(json!({
        "status": "OK",
        "request_id": Uuid::new_v4(),
        "parameters": parameters.echo(),
        "data": data,
    })))
}

/// Opaque to callers, and good for one query only.
fn cursor(start: usize, parameters: &Parameters) -> String {
    URL_SAFE_NO_PAD.encode(format!("{start}\n{}", parameters.essence()))
}

fn read_cursor(cursor: &str, parameters: &Parameters) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (start, essence) = text.split_once('\n')?;
    start.parse().ok().filter(|_| essence == parameters.essence())
}
