//! The one way to call the outside: every call has a time-out, is measured, and carries the
//! request id on. Redirects are never followed, so that no answer can send us elsewhere.

use std::{cell::RefCell, fmt::Write as _, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use worker::{AbortController, Fetch, RequestInit, RequestRedirect};

use crate::{clock::UnixTime, ids::RequestId};

/// How long an outside call may take, unless a contract says otherwise.
pub const TIME_OUT: Duration = Duration::from_secs(10);

/// A call to be made.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The whole address.
    pub url: Url,
    /// The headers; secrets among them are why this is never logged.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of the expected shape.
    ///
    /// # Errors
    /// When it is something else, such as a proxy's HTML page.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Not within the time-out.
    TimedOut,
    /// The connection could not be made, or broke.
    Unreachable,
}

/// One call that was made, for `Server-Timing` and the log line.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The upstream's name, such as `skyvern`.
    pub name: &'static str,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// How long it took.
    pub duration_ms: u64,
}

/// The outside, as one request sees it.
#[derive(Debug)]
pub struct Upstream {
    request_id: RequestId,
    records: RefCell<Vec<Record>>,
}

impl Upstream {
    /// For the calls that the request with this id causes.
    #[must_use]
    pub fn new(request_id: RequestId) -> Self {
        Self { request_id, records: RefCell::new(Vec::new()) }
    }

    /// Makes a call. `name` is the upstream's, for the records.
    ///
    /// # Errors
    /// [`Failure`]; any answer at all is a success here, whatever its status.
    pub async fn send(&self, name: &'static str, request: Request) -> Result<Response, Failure> {
        let started = UnixTime::now();
        let result = self.exchange(request).await;
        self.records.borrow_mut().push(Record {
            name,
            status: result.as_ref().ok().map(|response| response.status),
            duration_ms: u64::try_from((UnixTime::now() - started).as_millis()).unwrap_or(u64::MAX),
        });
        result
    }

    async fn exchange(&self, request: Request) -> Result<Response, Failure> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let fetch = Fetch::Request(self.to_runtime(&request).map_err(|_| Failure::Unreachable)?);
        let answer = pin!(async {
            let mut answer = fetch.send_with_signal(&signal).await?;
            let body = answer.bytes().await?;
            Ok(Response { status: answer.status_code(), body })
        });
        match select(answer, pin!(worker::Delay::from(TIME_OUT))).await {
            Either::Left((answer, _)) => answer.map_err(|_: worker::Error| Failure::Unreachable),
            Either::Right(_) => {
                controller.abort();
                Err(Failure::TimedOut)
            }
        }
    }

    fn to_runtime(&self, request: &Request) -> worker::Result<worker::Request> {
        let headers = worker::Headers::new();
        for (name, value) in &request.headers {
            headers.set(name, value)?;
        }
        headers.set("x-request-id", &self.request_id.to_string())?;
        let mut init = RequestInit::new();
        init.with_method(request.method.to_owned().into())
            .with_headers(headers)
            .with_redirect(RequestRedirect::Manual)
            .with_body(request.body.as_deref().map(Into::into));
        worker::Request::new_with_init(request.url.as_str(), &init)
    }

    /// The calls so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.borrow().clone()
    }
}

/// The value of `Server-Timing` (W3C Server Timing §2) for these calls.
#[must_use]
pub fn server_timing(records: &[Record]) -> String {
    let mut header = String::new();
    for record in records {
        let separator = if header.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(header, "{separator}{};dur={}", record.name, record.duration_ms);
    }
    header
}

#[cfg(test)]
mod tests {
    use super::{Record, server_timing};

    #[test]
    fn server_timing_lists_the_calls_in_order() {
        let records = [
            Record { name: "database", status: Some(200), duration_ms: 4 },
            Record { name: "skyvern", status: None, duration_ms: 10_000 },
        ];
        assert_eq!(server_timing(&records), "database;dur=4, skyvern;dur=10000");
        assert_eq!(server_timing(&[]), "");
    }
}
