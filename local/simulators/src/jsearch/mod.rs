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

/// The only key that is known here, of the kind for the direct route.
pub const KEY: &str = "ak_0123456789abcdef0123456789abcdef";

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

/// The gateway before the service: it knows keys and allowances, and says on every answer what is left.
async fn at_the_gate(State(jsearch): State<Arc<Jsearch>>, request: Request, next: Next) -> Response {
    if let Err(refusal) = check_key(request.headers()) {
        return refusal.into_response();
    }
    let allowed = lock(&jsearch.allowance).take();
    let mut response = if allowed { next.run(request).await } else { Refusal::quota_spent().into_response() };
    let allowance = lock(&jsearch.allowance);
    for (name, value) in allowance.headers() {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
    response
}

/// The two routes have headers of their own. A key in the wrong one is no key.
fn check_key(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (value("x-rapidapi-host"), value("x-rapidapi-key"), value("x-api-key")) {
        (Some(host), Some(key), None) if host == RAPID_HOST && key == KEY => Ok(()),
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
