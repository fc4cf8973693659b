//! One line of the functions' log, and how people read it.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What a line is about.
#[derive(Debug)]
pub(super) enum Line {
    /// A request, a scheduled invocation, or a job.
    Work(Work),
    /// Something that went wrong beside the work.
    Remark(Remark),
    /// What the runtime says itself.
    Runtime(String),
}

/// The functions' own log line: `shared/src/log_line.rs`.
#[derive(Debug, Deserialize)]
pub(super) struct Work {
    time: String,
    pub(super) function: String,
    pub(super) request_id: String,
    job: Option<Job>,
    status: Option<u16>,
    duration_ms: u64,
    upstream: Vec<Call>,
    outcome: String,
    cause: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Job {
    job_type: String,
    attempt: u32,
}

#[derive(Debug, Deserialize)]
struct Call {
    name: String,
    status: Option<u16>,
    duration_ms: u64,
    #[serde(default = "one")]
    calls: u32,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
pub(super) struct Remark {
    pub(super) request_id: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Line {
    pub(super) fn read(text: &str) -> Self {
        if let Ok(work) = serde_json::from_str(text) {
            return Self::Work(work);
        }
        serde_json::from_str(text).map_or_else(|_| Self::Runtime(text.to_owned()), Self::Remark)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work(work) => work.fmt(f),
            Self::Remark(remark) => remark.fmt(f),
            Self::Runtime(text) => f.write_str(&on_one_line(text)),
        }
    }
}

/// Time, function, what it did, how long it took, what came of it, by which calls, why, and the request's id.
impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, function, request_id, duration_ms, outcome, .. } = self;
        let what = match (&self.job, self.status) {
            (Some(Job { job_type, attempt: 1 }), _) => job_type.clone(),
            (Some(Job { job_type, attempt }), _) => format!("{job_type} (attempt {attempt})"),
            (None, Some(status)) => status.to_string(),
            (None, None) => "cron".to_owned(),
        };
        let duration = format!("{duration_ms} ms");
        write!(f, "{time}  {function:28}  {what:4}  {duration:>8}  {outcome}")?;
        if !self.upstream.is_empty() {
            write!(f, "  ({})", self.calls().join(", "))?;
        }
        if let Some(cause) = &self.cause {
            write!(f, "  {}", on_one_line(cause))?;
        }
        write!(f, "  {request_id}")
    }
}

impl Work {
    /// Calls to the same upstream with the same status are one, in the order of the first.
    fn calls(&self) -> Vec<String> {
        let mut counted: Vec<(&str, Option<u16>, u32, u64)> = Vec::new();
        for Call { name, status, duration_ms, calls } in &self.upstream {
            match counted.iter_mut().find(|(known, with, ..)| known == name && with == status) {
                Some((_, _, count, duration)) => {
                    *count += calls;
                    *duration += duration_ms;
                }
                None => counted.push((name, *status, *calls, *duration_ms)),
            }
        }
        let told = |(name, status, count, duration): (&str, Option<u16>, u32, u64)| {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let times = if count == 1 { String::new() } else { format!("{count} × ") };
            format!("{name} {times}{status} in {duration} ms")
        };
        counted.into_iter().map(told).collect()
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |(name, value): (&String, &Value)| {
            format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), on_one_line))
        };
        let others: Vec<_> = self.others.iter().map(told).collect();
        write!(f, "! {}  {}", others.join(", "), self.request_id)
    }
}

/// Causes hold what others said, and a terminal obeys control characters.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Line;

    const ID: &str = "e9a7b047-a0c4-40bb-860b-0ff1d466b943";

    fn shown(more: &Value) -> String {
        let mut line = json!({
            "time": "2026-11-20T13:43:40.201Z", "function": "job-runner", "request_id": ID, "duration_ms": 57, "upstream": [],
            "outcome": "completed",
        });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Line::read(&line.to_string()).to_string()
    }

    #[test]
    fn a_request_is_shown_with_its_status_calls_and_cause() {
        let line = shown(&json!({
            "status": 503,
            "upstream": [
                { "name": "clerk", "status": 200, "duration_ms": 12 },
                { "name": "database", "status": null, "duration_ms": 40 },
            ],
            "outcome": "database_unavailable",
            "cause": "connection\nrefused",
        }));

        assert_eq!(
            line,
            "2026-11-20T13:43:40.201Z  job-runner                    503      57 ms  database_unavailable  \
             (clerk 200 in 12 ms, database no answer in 40 ms)  connection refused  e9a7b047-a0c4-40bb-860b-0ff1d466b943"
        );
    }

    #[test]
    fn a_job_is_shown_with_its_type_and_a_scheduled_invocation_as_such() {
        let job = |attempt: u32| {
            shown(&json!({ "job": { "id": ID, "job_type": "push_receipts", "attempt": attempt }, "outcome": "retry" }))
        };

        assert!(job(1).contains("job-runner                    push_receipts     57 ms  retry"), "{}", job(1));
        assert!(job(3).contains("push_receipts (attempt 3)"), "{}", job(3));
        assert!(
            shown(&json!({})).contains("job-runner                    cron     57 ms  completed"),
            "{}",
            shown(&json!({}))
        );
    }

    #[test]
    fn calls_of_one_kind_are_counted() {
        let line = shown(&json!({ "upstream": [
            { "name": "jsearch", "status": 200, "duration_ms": 5 },
            { "name": "jsearch", "status": 429, "duration_ms": 1 },
            { "name": "jsearch", "status": 200, "duration_ms": 7, "calls": 10 },
        ] }));

        assert!(line.contains("(jsearch 11 × 200 in 12 ms, jsearch 429 in 1 ms)"), "{line}");
    }

    #[test]
    fn what_went_wrong_beside_the_work_is_shown_whatever_it_is() {
        // In alphabetical order: whether serde_json keeps another one depends on what is compiled along with xtask.
        let line = json!({ "outcome": "TimedOut", "request_id": ID, "service_binding": "trigger-push-notification" })
            .to_string();

        assert_eq!(
            Line::read(&line).to_string(),
            format!("! outcome: TimedOut, service_binding: trigger-push-notification  {ID}")
        );
    }

    #[test]
    fn no_line_reaches_the_terminal_with_control_characters() {
        assert_eq!(Line::read("Uncaught\u{1b}[2J").to_string(), "Uncaught [2J");
    }
}
