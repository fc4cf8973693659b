//! Skyvern's error bodies, in their three shapes.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::run::RunStatus;

/// A status and its body.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn detail(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self { status, body: json!({ "detail": detail.into() }) }
    }

    /// Every failure of authentication, whatever was wrong.
    pub fn invalid_credentials() -> Self {
        Self::detail(StatusCode::FORBIDDEN, "Invalid credentials")
    }

    pub fn bad_request(detail: impl Into<Value>) -> Self {
        Self::detail(StatusCode::BAD_REQUEST, detail)
    }

    pub fn not_found(detail: impl Into<Value>) -> Self {
        Self::detail(StatusCode::NOT_FOUND, detail)
    }

    pub fn no_such_run(run_id: &str) -> Self {
        Self::not_found(format!("Task run not found {run_id}"))
    }

    /// A status that does not follow on the one that there is.
    pub fn illegal_transition(from: RunStatus, to: RunStatus) -> Self {
        Self::bad_request(format!("Invalid task status transition from {} to {}", from.word(), to.word()))
    }

    pub fn no_such_route() -> Self {
        Self::not_found("Not Found")
    }

    pub fn wrong_method() -> Self {
        Self::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    pub fn conflict(detail: impl Into<Value>) -> Self {
        Self::detail(StatusCode::CONFLICT, detail)
    }

    /// One item for each thing that is wrong. Every item echoes what was sent.
    pub fn invalid(items: Vec<Value>) -> Self {
        Self::detail(StatusCode::UNPROCESSABLE_ENTITY, items)
    }

    /// What a caller sees of an exception that nobody caught.
    pub fn unexpected(exception: &str) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            body: json!({ "error": format!("Unexpected error: {exception}") }),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
