//! The requests that the simulators received, for tests to read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use super::expo::unpack;
use super::faults::Service;

/// A benchmark asks a hundred thousand times; the oldest requests are forgotten.
const KEPT: usize = 5_000;

/// Nobody reads further than this into a body, and a file that is uploaded may have megabytes.
const LONGEST_BODY: usize = 64 * 1024;

/// One request as it arrived, whatever was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The vendor that was asked.
    pub service: Service,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path below the vendor's base URL, and the query.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The beginning of the body as text, unpacked if it was compressed.
    pub body: String,
}

impl RecordedRequest {
    pub(crate) fn new(service: Service, parts: &Parts, body: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let is_packed = parts.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let unpacked = if is_packed { unpack(body) } else { None };
        let body = unpacked.as_deref().unwrap_or(body);
        Self {
            service,
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
            body: text(&body[..body.len().min(LONGEST_BODY)]),
        }
    }

    /// Whether the path or the body has that text in it, or it is the id of the request that caused this one.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let is_request_id = self.headers.get("x-request-id").is_some_and(|id| id == text);
        is_request_id || self.path.contains(text) || self.body.contains(text)
    }
}

/// The requests of all simulators, in order of arrival.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<VecDeque<RecordedRequest>>);

impl Recorder {
    pub fn record(&self, request: RecordedRequest) {
        let mut requests = super::lock(&self.0);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub fn find(&self, wanted: impl Fn(&RecordedRequest) -> bool) -> Vec<RecordedRequest> {
        super::lock(&self.0).iter().filter(|request| wanted(request)).cloned().collect()
    }
}
