//! The state of a run, from a webhook (docs/vendors/skyvern.md#webhook-payload) or from reading the run
//! (docs/vendors/skyvern.md#run-object). The code relies only on fields that every kind of run has; unknown fields and
//! unknown values are ignored.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ids::RunId, problem::Problem};

/// A run's state.
#[derive(Debug, Clone)]
pub struct Event {
    /// The run.
    pub run_id: RunId,
    /// Its status.
    pub status: RunStatus,
    /// The number of the attempt that this is about; 1 for tasks.
    pub attempt: i32,
    /// Whether the status is not final after all, because Skyvern will try the same run again.
    pub retry_pending: bool,
    /// The extracted data, in the form that the run was given; null if there is none.
    pub output: Value,
    /// The reasons, as our codes and Skyvern's own.
    pub errors: Vec<RunError>,
    /// Free text for people.
    pub failure_reason: Option<String>,
}

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct RunError {
    /// One of the codes that the run was given, or one of Skyvern's own in capitals.
    pub error_code: String,
    /// Why Skyvern reports it.
    pub reasoning: Option<String>,
}

/// Skyvern's statuses (docs/vendors/skyvern.md#statuses-and-errors).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStatus {
    /// The AI judged the goal met.
    Completed,
    /// A technical failure, or the limit of steps was reached.
    Failed,
    /// The AI judged the goal out of reach.
    Terminated,
    /// The time limit was reached.
    TimedOut,
    /// Cancelled; what was done by then stays done.
    Canceled,
    /// Still going on, or a status this version does not know.
    Ongoing(String),
}

impl RunStatus {
    /// Whether the run is over, unless it will be tried again.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Ongoing(_))
    }

    /// Skyvern's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Terminated => "terminated",
            Self::TimedOut => "timed_out",
            Self::Canceled => "canceled",
            Self::Ongoing(status) => status,
        }
    }
}

impl From<String> for RunStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "terminated" => Self::Terminated,
            "timed_out" => Self::TimedOut,
            "canceled" => Self::Canceled,
            _ => Self::Ongoing(status),
        }
    }
}

#[derive(Deserialize)]
struct Payload {
    run_id: Option<String>,
    status: Option<String>,
    attempt: Option<i32>,
    retry_pending: Option<bool>,
    #[serde(default)]
    output: Value,
    errors: Option<Vec<Value>>,
    failure_reason: Option<Value>,
}

impl Event {
    /// Reads a webhook's body, or the response to reading a run.
    ///
    /// # Errors
    /// [`Problem::InvalidInput`] naming what is missing. Sending it again does not help.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let payload: Payload =
            serde_json::from_slice(body).map_err(|_| Problem::invalid("body", "must be the JSON of a Skyvern run"))?;
        let run_id = payload
            .run_id
            .as_deref()
            .and_then(RunId::parse)
            .ok_or_else(|| Problem::invalid("run_id", "must be the id of a run"))?;
        let status = payload
            .status
            .filter(|status| is_status(status))
            .ok_or_else(|| Problem::invalid("status", "must be the status of a run"))?;
        Ok(Self {
            run_id,
            status: status.into(),
            attempt: payload.attempt.unwrap_or(1),
            retry_pending: payload.retry_pending.unwrap_or(false),
            output: payload.output,
            errors: read_errors(payload.errors.unwrap_or_default()),
            failure_reason: payload.failure_reason.as_ref().and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.status.is_final() && !self.retry_pending
    }

    /// What is worth keeping of it, as JSON. The response to reading a run also repeats the prompt, which is full of
    /// personal data.
    #[must_use]
    pub fn essence(&self) -> Value {
        json!({
            "run_id": self.run_id,
            "status": self.status.as_str(),
            "attempt": self.attempt,
            "retry_pending": self.retry_pending,
            "output": self.output,
            "errors": self.errors,
            "failure_reason": self.failure_reason,
        })
    }
}

/// Whether a text may be a status, known to us or not: one word that the database can store.
pub(super) fn is_status(text: &str) -> bool {
    (1..=50).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An entry of an unknown form is no reason to lose the event.
fn read_errors(entries: Vec<Value>) -> Vec<RunError> {
    entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Event, RunStatus};

    #[test]
    fn a_task_is_read_with_its_defaults() {
        let event = Event::parse(br#"{"run_id":"tsk_41","status":"failed","errors":null,"task_id":"tsk_41"}"#).unwrap();
        assert_eq!(event.status, RunStatus::Failed);
        assert_eq!((event.attempt, event.retry_pending), (1, false));
        assert_eq!(event.output, Value::Null);
        assert!(event.errors.is_empty());
    }

    #[test]
    fn a_workflows_try_is_read() {
        let event = Event::parse(br#"{"run_id":"wr_41","status":"failed","attempt":2,"retry_pending":true}"#).unwrap();
        assert_eq!((event.attempt, event.retry_pending), (2, true));
    }

    #[test]
    fn entries_of_an_unknown_form_do_not_lose_the_event() {
        let body =
            br#"{"run_id":"t","status":"failed","errors":["x",{"error_code":"job_closed"}],"failure_reason":{}}"#;
        let event = Event::parse(body).unwrap();
        assert_eq!(event.errors.len(), 1);
        assert_eq!(event.failure_reason, None);
    }

    #[test]
    fn what_names_no_run_or_status_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"run_id":"tsk_41"}"#,
            r#"{"status":"failed"}"#,
            r#"{"run_id":1,"status":"x"}"#,
            r#"{"run_id":"t","status":"do\u0000ne"}"#,
        ] {
            assert!(Event::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn its_essence_is_the_same_event_without_what_the_run_was_told() {
        let body = br#"{"run_id":"tsk_41","status":"failed","errors":[{"error_code":"job_closed"}],"output":{"a":1},
                        "failure_reason":"closed","run_request":{"prompt":"Apply as Ada Lovelace"}}"#;
        let event = Event::parse(body).unwrap();
        let essence = event.essence().to_string();
        assert!(!essence.contains("Ada"), "{essence}");
        let again = Event::parse(essence.as_bytes()).unwrap();
        assert_eq!((again.output, again.errors), (event.output, event.errors));
        assert_eq!((again.status, again.failure_reason), (event.status, event.failure_reason));
    }

    #[test]
    fn only_a_run_that_is_not_tried_again_is_over() {
        let is_final = |body: &str| Event::parse(body.as_bytes()).unwrap().is_final();
        for status in ["completed", "failed", "terminated", "timed_out", "canceled"] {
            assert!(is_final(&format!(r#"{{"run_id":"t","status":"{status}"}}"#)), "{status}");
        }
        assert!(!is_final(r#"{"run_id":"t","status":"paused"}"#));
        assert!(!is_final(r#"{"run_id":"t","status":"failed","retry_pending":true}"#));
    }

    #[test]
    fn an_unknown_status_is_kept_as_ongoing() {
        for status in ["created", "queued", "running", "paused", "cancelled"] {
            let event = Event::parse(format!(r#"{{"run_id":"t","status":"{status}"}}"#).as_bytes()).unwrap();
            assert_eq!(event.status, RunStatus::Ongoing(status.to_owned()));
            assert_eq!(event.status.as_str(), status);
        }
    }
}
