//! `/__control`: how tests and the demo control the simulators and read the requests that these received.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::clerk::{Minter, PublishedKey, TokenSpec};
use super::faults::{FaultSpec, Service};
use super::recorder::RecordedRequest;
use super::skyvern::{self, Skyvern};

struct Control {
    shared: Arc<Shared>,
    minter: Minter,
}

/// The routes of the control interface.
pub(crate) fn router(shared: &Arc<Shared>, skyvern: &Arc<Skyvern>, minter: Minter) -> Router {
    let control = Arc::new(Control { shared: shared.clone(), minter });
    Router::new()
        .route("/health", get(async || Json(json!({ "status": "ready" }))))
        .route("/clerk/tokens", post(mint))
        .route("/clerk/rotate", post(rotate))
        .route("/clerk/keys", post(publish))
        .route("/faults", post(add_fault))
        .route("/faults/release", post(release))
        .route("/{service}/requests", get(requests))
        .with_state(control)
        .merge(skyvern::control::router(skyvern.clone()))
}

async fn mint(State(control): State<Arc<Control>>, Json(spec): Json<TokenSpec>) -> Response {
    match control.minter.mint(spec).await {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

async fn rotate(State(control): State<Arc<Control>>) -> Response {
    match control.minter.rotate().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

async fn publish(State(control): State<Arc<Control>>, Json(keys): Json<Vec<PublishedKey>>) -> Response {
    match control.minter.publish(keys).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}")).into_response(),
    }
}

/// A fault without a text would meet the requests of every test that runs at the same time.
async fn add_fault(State(control): State<Arc<Control>>, Json(spec): Json<FaultSpec>) -> Response {
    if spec.contains.is_empty() || spec.times == 0 {
        return (StatusCode::UNPROCESSABLE_ENTITY, "`contains` must not be empty, `times` not 0").into_response();
    }
    control.shared.faults.add(spec);
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
struct Held {
    /// The text that the answers were asked to be held with.
    contains: String,
}

async fn release(State(control): State<Arc<Control>>, Json(held): Json<Held>) -> StatusCode {
    control.shared.faults.release(&held.contains);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct RequestFilter {
    /// A text in the path or the body.
    #[serde(default)]
    contains: String,
    /// The beginning of the path. Of Skyvern one asks for the creations of runs, if not said otherwise.
    path: Option<String>,
}

async fn requests(
    State(control): State<Arc<Control>>,
    Path(service): Path<Service>,
    Query(filter): Query<RequestFilter>,
) -> Json<Vec<RecordedRequest>> {
    let usual = if service == Service::Skyvern { "/v1/run/tasks" } else { "/" };
    let path = filter.path.as_deref().unwrap_or(usual);
    Json(control.shared.recorder.find(|request| {
        request.service == service && request.path.starts_with(path) && request.contains(&filter.contains)
    }))
}
