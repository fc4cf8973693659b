//! JSearch's errors: a message from the gateway.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A status and what it says.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub fn invalid_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid API key. Go to https://docs.rapidapi.com/docs/keys for more info.")
    }

    pub fn not_subscribed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "You are not subscribed to this API.")
    }

    pub fn unknown_endpoint(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Endpoint '{path}' does not exist"))
    }

    pub fn invalid(parameter: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("Missing or invalid parameter: {parameter}"))
    }

    pub fn quota_spent() -> Self {
        let message = "You have exceeded the MONTHLY quota for Requests on your current plan, BASIC. Upgrade your plan at \
                       https://rapidapi.com/letscrape-6bRBa3QguO5/api/jsearch";
        Self::new(StatusCode::TOO_MANY_REQUESTS, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "message": self.message }))).into_response()
    }
}
