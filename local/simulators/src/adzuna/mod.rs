//! Adzuna: searches job postings, as strictly as docs/vendors/adzuna.md says. What it finds is made up from the query, so
//! that the same query always finds the same.

mod allowance;
mod catalogue;
pub mod control;
mod parameters;
mod refusal;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::lock;
use allowance::Allowance;
use control::SeededResults;
use parameters::Parameters;
use refusal::Refusal;

/// The only application that is registered here.
pub const APP_ID: &str = "0a1b2c3d";
/// Its key.
pub const APP_KEY: &str = "00112233445566778899aabbccddeeff";

/// As it was recorded, with its charset spelled as nobody else does.
const MEDIA_TYPE: &str = "application/json; charset=utf8";

/// The longest page. Who asks for more gets this, and is not told.
const LONGEST_PAGE: usize = 50;

/// Of a search no more postings than these can be reached; what lies beyond is an empty page.
const REACHABLE: usize = 1_000;

/// The state of the simulator.
#[derive(Default)]
pub(crate) struct Adzuna {
    allowance: Mutex<Allowance>,
    seeded: Mutex<Vec<SeededResults>>,
}

/// What Adzuna serves to the world.
pub(crate) fn router(adzuna: Arc<Adzuna>) -> Router {
    Router::new()
        .route("/v1/api/jobs/{country}/search/{page}", get(search))
        .route("/v1/api/version", get(version))
        .fallback(async || Refusal::not_found())
        .method_not_allowed_fallback(async || Refusal::not_found())
        .with_state(adzuna)
}

async fn version(RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    Parameters::read(query.as_deref().unwrap_or_default())?;
    Ok(answer(&json!({
        "__CLASS__": "Adzuna::API::Response::Version", "api_version": 1, "software_version": "simulator",
    })))
}

async fn search(
    State(adzuna): State<Arc<Adzuna>>,
    Path((country, page)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let parameters = Parameters::read(query.as_deref().unwrap_or_default())?;
    if !lock(&adzuna.allowance).take() {
        return Err(Refusal::too_many());
    }
    let country = catalogue::country(&country).ok_or_else(Refusal::not_found)?;
    let page: usize = page.parse().ok().filter(|page| *page >= 1).ok_or_else(|| Refusal::invalid("page"))?;
    parameters.check()?;

    let page_size = parameters.number("results_per_page").map_or(10, |size| size.min(LONGEST_PAGE));
    let reachable = |place: usize| place.saturating_mul(page_size).min(REACHABLE);
    let range = reachable(page - 1)..reachable(page);
    let seeded = lock(&adzuna.seeded).iter().rev().find(|seeded| seeded.fits(&parameters)).cloned();
    let (count, results) = match seeded {
        Some(seeded) => (seeded.count(), seeded.page(range)),
        None => catalogue::search(country, &parameters, range),
    };
    let mut body = json!({
        "__CLASS__": "Adzuna::API::Response::JobSearchResults",
        "count": count,
        "results": results,
    });
    if count > 0 {
        body["mean"] = json!(61_855.24);
    }
    Ok(answer(&body))
}

fn answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}
