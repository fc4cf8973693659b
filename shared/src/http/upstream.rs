//! The one way to call the outside: every call has a time-out, is measured, and carries the
//! request id on. Redirects are never followed, so that no answer can send us elsewhere.

use std::{cell::RefCell, fmt::Write as _, io::Write as _, pin::pin, time::Duration};

use flate2::{Compression, write::GzEncoder};
use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use worker::AbortController;

use super::{Headers, fetch::fetch};
use crate::{clock::UnixTime, ids::RequestId};

/// How long an outside call may take, unless a contract says otherwise.
pub const TIME_OUT: Duration = Duration::from_secs(10);

/// A call to be made. It has no `Debug`: there are secrets among the headers.
pub struct Request {
    method: &'static str,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    wanted_headers: &'static [&'static str],
    time_out: Duration,
}

impl Request {
    /// Reads something.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: "GET", url, headers: Vec::new(), body: None, wanted_headers: &[], time_out: TIME_OUT }
    }

    /// Sends JSON text.
    #[must_use]
    pub fn post_json(url: Url, json: impl Into<Vec<u8>>) -> Self {
        let request = Self { method: "POST", body: Some(json.into()), ..Self::get(url) };
        request.header("content-type", "application/json")
    }

    /// Deletes what JSON text names.
    #[must_use]
    pub fn delete_json(url: Url, json: impl Into<Vec<u8>>) -> Self {
        Self { method: "DELETE", ..Self::post_json(url, json) }
    }

    /// Adds a header; the name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub fn headers(mut self, headers: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Names headers of the answer that are of interest; the others are not read.
    #[must_use]
    pub fn wanting(mut self, headers: &'static [&'static str]) -> Self {
        self.wanted_headers = headers;
        self
    }

    /// Sets another time-out than [`TIME_OUT`].
    #[must_use]
    pub fn within(mut self, time_out: Duration) -> Self {
        self.time_out = time_out;
        self
    }

    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    pub(super) fn all_headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    pub(super) fn wanted_headers(&self) -> &'static [&'static str] {
        self.wanted_headers
    }

    /// Compresses the body with gzip if it is longer than so many bytes.
    #[must_use]
    pub fn compressed_above(mut self, length: usize) -> Self {
        let Some(body) = self.body.as_deref().filter(|body| body.len() > length) else { return self };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory cannot fail; if it did, the body would go as it is.
        if gzip.write_all(body).is_ok()
            && let Ok(compressed) = gzip.finish()
        {
            self.body = Some(compressed);
            return self.header("content-encoding", "gzip");
        }
        self
    }

    /// Where it goes.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What it sends.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// The value of a header; the name in lower case.
    #[must_use]
    pub fn header_named(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer, read whole.
#[derive(Debug, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The headers that the request named, as far as they were there.
    pub headers: Headers,
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

/// A call that was made, for `Server-Timing` and the log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The upstream's name, such as `skyvern`.
    pub name: &'static str,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// How long it took, all calls together.
    pub duration_ms: u64,
    /// How many calls these are: work that makes very many has them counted instead of listed.
    #[serde(skip_serializing_if = "is_one")]
    pub calls: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(calls: &u32) -> bool {
    *calls == 1
}

/// So many calls are listed one by one.
const LISTED: usize = 20;

/// Adds a record; past [`LISTED`], to the last one of the same name and status.
fn add(records: &mut Vec<Record>, new: Record) {
    let same = |record: &&mut Record| record.name == new.name && record.status == new.status;
    if records.len() >= LISTED
        && let Some(record) = records.iter_mut().rev().find(same)
    {
        record.duration_ms = record.duration_ms.saturating_add(new.duration_ms);
        record.calls = record.calls.saturating_add(new.calls);
    } else {
        records.push(new);
    }
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
        let record = Record {
            name,
            status: result.as_ref().ok().map(|response| response.status),
            duration_ms: u64::try_from((UnixTime::now() - started).as_millis()).unwrap_or(u64::MAX),
            calls: 1,
        };
        add(&mut self.records.borrow_mut(), record);
        result
    }

    async fn exchange(&self, request: Request) -> Result<Response, Failure> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let answer = pin!(fetch(&request, self.request_id, &signal));
        match select(answer, pin!(worker::Delay::from(request.time_out))).await {
            Either::Left((answer, _)) => answer.map_err(|_| Failure::Unreachable),
            Either::Right(_) => {
                controller.abort();
                Err(Failure::TimedOut)
            }
        }
    }

    /// How many calls there were so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.records.borrow().iter().map(|record| record.calls as usize).sum()
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
    use super::{LISTED, Record, add, server_timing};

    #[test]
    fn server_timing_lists_the_calls_in_order() {
        let records = [
            Record { name: "database", status: Some(200), duration_ms: 4, calls: 1 },
            Record { name: "skyvern", status: None, duration_ms: 10_000, calls: 1 },
        ];
        assert_eq!(server_timing(&records), "database;dur=4, skyvern;dur=10000");
        assert_eq!(server_timing(&[]), "");
    }

    #[test]
    fn very_many_calls_are_counted_instead_of_listed() {
        let mut records = Vec::new();
        let call = |name, status| Record { name, status, duration_ms: 2, calls: 1 };
        for _ in 0..1000 {
            add(&mut records, call("database", Some(200)));
        }
        add(&mut records, call("expo", None));
        assert_eq!(records.len(), LISTED + 1);
        assert_eq!(records[LISTED - 1].calls, 981);
        assert_eq!(records[LISTED - 1].duration_ms, 2 * 981);
        assert_eq!(records[LISTED], call("expo", None));
    }
}
