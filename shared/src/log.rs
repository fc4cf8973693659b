//! The log: one line of JSON for each request, scheduled run and background job.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    clock::UnixTime,
    ids::{BackgroundJobId, RequestId},
};

/// A line that reads alone. It holds nothing secret and nothing personal.
#[derive(Debug, Serialize)]
pub struct LogLine<'a> {
    /// When the work ended, in ISO 8601.
    pub time: String,
    /// The function's name.
    pub function: &'static str,
    /// What ties together all that one request caused.
    pub request_id: RequestId,
    /// The job, where the line is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobLine<'a>>,
    /// HTTP status, where there was a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took.
    pub duration_ms: u64,
    /// The calls that it made.
    pub upstream: &'a [CallRecord],
    /// What came of it, in a word.
    pub outcome: &'a str,
    /// What was wrong, for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
}

/// Which job a line is about.
#[derive(Debug, Serialize)]
pub struct JobLine<'a> {
    /// `background_jobs.id`.
    pub id: BackgroundJobId,
    /// `background_jobs.job_type`.
    pub job_type: &'a str,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

impl LogLine<'_> {
    /// A line about work that began at `started` and ends `now`.
    #[must_use]
    pub fn new(function: &'static str, request_id: RequestId, started: UnixTime, now: UnixTime) -> Self {
        Self {
            time: now.to_iso_8601(),
            function,
            request_id,
            job: None,
            status: None,
            duration_ms: u64::try_from((now - started).as_millis()).unwrap_or(u64::MAX),
            upstream: &[],
            outcome: "",
            cause: None,
        }
    }
}

/// Writes a line.
pub fn write(line: &LogLine<'_>) {
    match serde_json::to_string(line) {
        Ok(line) => output::log(&line),
        Err(error) => output::error(&format!("the log line could not be written: {error}")),
    }
}

/// Writes down a failure that has no line of its own, beside the lines of requests.
pub fn error(fields: &serde_json::Value) {
    output::error(&fields.to_string());
}

#[cfg(target_arch = "wasm32")]
mod output {
    pub(super) fn log(line: &str) {
        worker::console_log!("{line}");
    }

    pub(super) fn error(line: &str) {
        worker::console_error!("{line}");
    }
}

/// On the host, where tests run.
#[cfg(not(target_arch = "wasm32"))]
mod output {
    pub(super) fn log(line: &str) {
        println!("{line}");
    }

    pub(super) fn error(line: &str) {
        eprintln!("{line}");
    }
}

/// A call that was made, for `Server-Timing` and the log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// The upstream's name, such as `skyvern`.
    pub name: &'static str,
    /// HTTP status; none when there was no response.
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

/// How many calls are listed one by one.
const LISTED: usize = 20;

/// Adds a record; past [`LISTED`], to the last one of the same name and status.
pub(crate) fn add(records: &mut Vec<CallRecord>, new: CallRecord) {
    let same = |record: &&mut CallRecord| record.name == new.name && record.status == new.status;
    if records.len() >= LISTED
        && let Some(record) = records.iter_mut().rev().find(same)
    {
        record.duration_ms = record.duration_ms.saturating_add(new.duration_ms);
        record.calls = record.calls.saturating_add(new.calls);
    } else {
        records.push(new);
    }
}

/// The value of `Server-Timing` (W3C Server Timing §2) for these calls.
#[must_use]
pub fn server_timing(records: &[CallRecord]) -> String {
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
    use super::{CallRecord, LISTED, add, server_timing};

    #[test]
    fn server_timing_lists_the_calls_in_order() {
        let records = [
            CallRecord { name: "database", status: Some(200), duration_ms: 4, calls: 1 },
            CallRecord { name: "skyvern", status: None, duration_ms: 10_000, calls: 1 },
        ];
        assert_eq!(server_timing(&records), "database;dur=4, skyvern;dur=10000");
        assert_eq!(server_timing(&[]), "");
    }

    #[test]
    fn very_many_calls_are_counted_instead_of_listed() {
        let mut records = Vec::new();
        let call = |name, status| CallRecord { name, status, duration_ms: 2, calls: 1 };
        for _ in 0..1000 {
            add(&mut records, call("database", Some(200)));
        }
        add(&mut records, call("expo", None));
        assert_eq!(records.len(), LISTED + 1);
        assert_eq!(records[LISTED - 1].calls, 981);
        assert_eq!(records[LISTED - 1].duration_ms, 2 * 981);
        assert_eq!(records[LISTED], call("expo", None));
        add(&mut records, call("database", Some(503)));
        assert_eq!(records[LISTED + 1], call("database", Some(503)), "another status is another record");
    }

    #[test]
    fn the_number_of_calls_is_said_where_it_is_not_one() {
        let written = |calls| {
            let record = CallRecord { name: "database", status: Some(200), duration_ms: 4, calls };
            serde_json::to_value(record).unwrap()
        };
        assert_eq!(written(1), serde_json::json!({ "name": "database", "status": 200, "duration_ms": 4 }));
        assert_eq!(written(7)["calls"], 7);
    }
}
