//! What the functions say of their work: one line of JSON for each request, scheduled run and job.

use serde::Serialize;

use crate::{
    clock::UnixTime,
    http::upstream::Record,
    ids::{JobId, RequestId},
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
    /// HTTP status, where there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took.
    pub duration_ms: u64,
    /// The calls that it made.
    pub upstream: &'a [Record],
    /// A word for what came of it.
    pub outcome: &'a str,
    /// What was wrong, for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
}

/// Which job a line is about.
#[derive(Debug, Serialize)]
pub struct JobLine<'a> {
    /// `background_jobs.id`.
    pub id: JobId,
    /// `background_jobs.job_type`.
    pub job_type: &'a str,
    /// The how manieth attempt, from 1.
    pub attempt: u32,
}

impl LogLine<'_> {
    /// A line about work that began at `started` and ends now.
    #[must_use]
    pub fn new(function: &'static str, request_id: RequestId, started: UnixTime) -> Self {
        let now = UnixTime::now();
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
        Ok(line) => worker::console_log!("{line}"),
        Err(error) => worker::console_error!("the log line could not be written: {error}"),
    }
}
