//! Expo's error bodies, in their two shapes.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// A status and its body.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn error(status: StatusCode, code: &str, message: &str, details: Option<Value>) -> Self {
        let mut error = json!({
            "code": code,
            "message": message,
            "type": "USER",
            "isTransient": false,
            "requestId": Uuid::new_v4(),
        });
        if let Some(details) = details {
            error["details"] = details;
        }
        Self { status, body: json!({ "errors": [error] }) }
    }

    /// In the style of OAuth, unlike all others.
    pub fn invalid_token() -> Self {
        let body = json!({ "error": "invalid_token", "error_description": "The bearer token is invalid" });
        Self { status: StatusCode::UNAUTHORIZED, body }
    }

    pub fn no_such_route() -> Self {
        Self::error(StatusCode::NOT_FOUND, "NOT_FOUND", "Not found", None)
    }

    pub fn validation(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message, None)
    }

    pub fn too_many_notifications(count: usize) -> Self {
        let message =
            format!("You are trying to send {count} push notifications in one request, at most 100 are allowed");
        Self::error(StatusCode::BAD_REQUEST, "PUSH_TOO_MANY_NOTIFICATIONS", &message, None)
    }

    pub fn too_many_receipts(count: usize) -> Self {
        let message = format!("You are trying to get {count} push receipts in one request, at most 1000 are allowed");
        Self::error(StatusCode::BAD_REQUEST, "PUSH_TOO_MANY_RECEIPTS", &message, None)
    }

    pub fn several_projects(tokens: &BTreeMap<String, Vec<String>>) -> Self {
        let message = "All push notification messages in the same request must be for the same project";
        Self::error(StatusCode::BAD_REQUEST, "PUSH_TOO_MANY_EXPERIENCE_IDS", message, Some(json!(tokens)))
    }

    pub fn unauthorized() -> Self {
        let message = "Insufficient permissions to send push notifications to this project";
        Self::error(StatusCode::FORBIDDEN, "UNAUTHORIZED", message, None)
    }

    pub fn too_many_requests() -> Self {
        let message = "Request rate limit exceeded: at most 600 notifications per second per project";
        Self::error(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", message, None)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
