//! Adzuna's errors: exceptions in JSON from the service itself, pages of HTML from the proxy in front of it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::MEDIA_TYPE;

/// A status and its body.
#[derive(Debug)]
pub(super) enum Refusal {
    Exception { status: StatusCode, exception: &'static str, display: String },
    Page { status: StatusCode, title: &'static str },
}

impl Refusal {
    fn exception(status: StatusCode, exception: &'static str, display: impl Into<String>) -> Self {
        Self::Exception { status, exception, display: display.into() }
    }

    pub fn unauthorised() -> Self {
        Self::exception(StatusCode::UNAUTHORIZED, "AUTH_FAIL", "Authorisation failed")
    }

    pub fn not_found() -> Self {
        Self::exception(StatusCode::NOT_FOUND, "UNKNOWN_RESOURCE", "Resource not found")
    }

    pub fn invalid(parameter: &str) -> Self {
        Self::exception(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", format!("Invalid value for {parameter}"))
    }

    /// The gateway knows the names of all parameters.
    pub fn unknown_parameter() -> Self {
        Self::Page { status: StatusCode::BAD_REQUEST, title: "400 Bad Request" }
    }

    /// Nobody has recorded this one; it comes without `Retry-After`.
    pub fn too_many() -> Self {
        Self::Page { status: StatusCode::TOO_MANY_REQUESTS, title: "429 Too Many Requests" }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Exception { status, exception, display } => {
                let body = json!({
                    "__CLASS__": "Adzuna::API::Response::Exception", "exception": exception, "display": display,
                    "doc": "https://api.adzuna.com/v1/doc",
                });
                (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
            }
            Self::Page { status, title } => {
                let page = format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
                (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
        }
    }
}
