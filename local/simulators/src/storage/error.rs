//! Storage's refusals: HTTP 400 for nearly everything, with the real status inside the body.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_postgres::error::SqlState;

use crate::tokens::BadToken;

/// Why Storage says no.
#[derive(Debug)]
pub(super) struct StorageError {
    /// The status that is meant.
    status: u16,
    error: &'static str,
    code: &'static str,
    message: String,
}

impl StorageError {
    fn new(status: u16, error: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, code, message: message.into() }
    }

    /// Absent, or hidden by a policy: the caller cannot tell which.
    pub fn no_such_object() -> Self {
        Self::new(404, "not_found", "NoSuchKey", "Object not found")
    }

    pub fn no_such_bucket() -> Self {
        Self::new(404, "Bucket not found", "NoSuchBucket", "Bucket not found")
    }

    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "Unauthorized", "AccessDenied", message)
    }

    pub fn duplicate() -> Self {
        Self::new(409, "Duplicate", "ResourceAlreadyExists", "The resource already exists")
    }

    pub fn too_large() -> Self {
        let message = "The object exceeded the maximum allowed size";
        Self::new(413, "Payload too large", "EntityTooLarge", message)
    }

    pub fn mime_type(mime_type: &str) -> Self {
        let message = format!("mime type {mime_type} is not supported");
        Self::new(415, "invalid_mime_type", "InvalidMimeType", message)
    }

    pub fn invalid_key(name: &str) -> Self {
        Self::new(400, "InvalidKey", "InvalidKey", format!("Invalid key: {name}"))
    }

    pub fn invalid_range() -> Self {
        Self::new(416, "InvalidRange", "InvalidRange", "The requested range is not satisfiable")
    }

    /// The request does not have the shape that the route asks for.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, "Error", "InvalidRequest", message)
    }

    /// The token of a signed URL is over, or not one of ours.
    pub fn link_token(bad: BadToken) -> Self {
        Self::new(400, "InvalidJWT", "InvalidJWT", bad.to_string())
    }

    /// The token of a signed URL is good, but for something else.
    pub fn link_signature() -> Self {
        Self::new(400, "InvalidSignature", "InvalidSignature", "Invalid signature")
    }

    pub fn no_such_route() -> Self {
        Self::new(404, "Not Found", "NotFound", "Route not found")
    }

    fn database_unreachable() -> Self {
        let message = "The connection to the database timed out";
        Self::new(544, "DatabaseTimeout", "DatabaseTimeout", message)
    }
}

impl From<BadToken> for StorageError {
    fn from(bad: BadToken) -> Self {
        Self::access_denied(bad.to_string())
    }
}

impl From<tokio_postgres::Error> for StorageError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refused) if *refused.code() == SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::access_denied("new row violates row-level security policy")
            }
            Some(refused) if *refused.code() == SqlState::UNIQUE_VIOLATION => Self::duplicate(),
            Some(other) => Self::new(500, "DatabaseError", "DatabaseError", other.message()),
            None => Self::database_unreachable(),
        }
    }
}

impl From<deadpool_postgres::PoolError> for StorageError {
    fn from(_: deadpool_postgres::PoolError) -> Self {
        Self::database_unreachable()
    }
}

impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        Self::new(500, "InternalError", "InternalError", error.to_string())
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        let status = match self.status {
            500.. => StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({
            "statusCode": self.status.to_string(),
            "error": self.error,
            "message": self.message,
            "code": self.code,
        });
        (status, Json(body)).into_response()
    }
}
