//! A run, and how Skyvern's API shows it.

use std::time::{Duration, Instant};

use chrono::Utc;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::delivery::Delivery;
use super::fields;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Not yet looked at.
    Created,
    /// Waiting for a browser.
    Queued,
    /// In the browser.
    Running,
    /// Waiting for a human.
    Paused,
    /// The AI judged the goal to be met.
    Completed,
    /// A technical failure, or too many steps.
    Failed,
    /// The AI judged the goal to be out of reach.
    Terminated,
    /// Too late.
    TimedOut,
    /// Stopped from outside.
    Canceled,
}

impl RunStatus {
    pub(super) fn is_final(self) -> bool {
        !matches!(self, Self::Created | Self::Queued | Self::Running | Self::Paused)
    }

    /// Whether a run that is here can get there, perhaps by way of others. What is over stays over, except that a cancelled
    /// run may turn out to have been completed (docs/vendors/skyvern.md#statuses-and-errors).
    pub(super) fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Canceled, Self::Completed) => true,
            (from, _) if from.is_final() => false,
            (from, to) if from == to => true,
            (_, Self::Created) | (Self::Running | Self::Paused, Self::Queued) => false,
            _ => true,
        }
    }

    /// The word on the wire.
    pub(super) fn word(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Clone)]
pub(super) struct Run {
    pub id: String,
    /// `task_v1`, … : `run_type` on the wire.
    pub kind: String,
    /// As it was received, unknown fields included.
    pub request: Map<String, Value>,
    pub url: Option<String>,
    pub webhook_url: Option<String>,
    /// The key that created the run signs its webhook.
    pub api_key: String,
    pub status: RunStatus,
    pub output: Value,
    pub errors: Value,
    pub failure_reason: Value,
    pub attempt: u32,
    pub retry_pending: bool,
    pub webhook_failure_reason: Option<String>,
    pub created_at: String,
    pub modified_at: String,
    pub queued_at: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub deliveries: Vec<Delivery>,
    made_at: Instant,
}

impl Run {
    pub fn new(request: Map<String, Value>, url: Option<String>, webhook_url: Option<String>, api_key: String) -> Self {
        let (prefix, kind) = match request.get("engine").and_then(Value::as_str) {
            Some("skyvern-2.0") => ("tsk_v2", "task_v2"),
            Some("skyvern-3.0") => ("tsk", "task_v3"),
            Some("openai-cua") => ("tsk", "openai_cua"),
            Some("anthropic-cua") => ("tsk", "anthropic_cua"),
            Some("ui-tars") => ("tsk", "ui_tars"),
            Some("yutori-navigator") => ("tsk", "yutori_navigator"),
            _ => ("tsk", "task_v1"),
        };
        let number: u64 = rand::thread_rng().gen_range(100_000_000_000_000_000..1_000_000_000_000_000_000);
        let now = now();
        Self {
            id: format!("{prefix}_{number}"),
            kind: kind.to_owned(),
            request,
            url,
            webhook_url,
            api_key,
            status: RunStatus::Created,
            output: Value::Null,
            errors: Value::Null,
            failure_reason: Value::Null,
            attempt: 1,
            retry_pending: false,
            webhook_failure_reason: None,
            created_at: now.clone(),
            modified_at: now,
            queued_at: None,
            started_at: None,
            finished_at: None,
            deliveries: Vec::new(),
            made_at: Instant::now(),
        }
    }

    /// How long ago the run was made.
    pub fn age(&self) -> Duration {
        self.made_at.elapsed()
    }

    /// Whether it is the run with this id, or its request has this text in it.
    pub fn mentions(&self, text: &str) -> bool {
        self.id == text || Value::from(self.request.clone()).to_string().contains(text)
    }

    pub fn title(&self) -> Option<&str> {
        self.request.get("title").and_then(Value::as_str)
    }

    /// Moves the run on, and stamps the times that go with it.
    pub fn set_status(&mut self, status: RunStatus) {
        let now = now();
        self.status = status;
        match status {
            RunStatus::Queued => self.queued_at = Some(now.clone()),
            RunStatus::Running => self.started_at = Some(now.clone()),
            _ if status.is_final() => {
                self.started_at.get_or_insert_with(|| now.clone());
                self.finished_at = Some(now.clone());
            }
            _ => {}
        }
        self.modified_at = now;
    }

    /// How many steps the run took: a few, once it is over.
    pub fn step_count(&self) -> Option<u32> {
        self.status.is_final().then_some(14)
    }

    /// The run object of `POST /v1/run/tasks` and `GET /v1/runs/{id}`.
    pub fn object(&self) -> Value {
        json!({
            "run_id": self.id,
            "status": self.status,
            "output": self.output,
            "downloaded_files": null,
            "recording_url": null,
            "recording_archived": false,
            "screenshot_urls": null,
            "failure_reason": self.failure_reason,
            "created_at": self.created_at,
            "modified_at": self.modified_at,
            "queued_at": self.queued_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "app_url": format!("https://app.skyvern.com/runs/{}", self.id),
            "browser_session_id": null,
            "browser_profile_id": null,
            "max_screenshot_scrolls": null,
            "script_run": null,
            "errors": self.errors,
            "step_count": self.step_count(),
            "run_type": self.kind,
            "run_request": fields::echo(&self.request, self.url.as_deref(), self.webhook_url.as_deref()),
        })
    }

    /// The entry of `GET /v1/runs`.
    pub fn entry(&self) -> Value {
        json!({
            "run_id": self.id,
            "task_run_type": self.kind,
            "status": self.status,
            "title": self.title(),
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "created_at": self.created_at,
            "attempt": self.attempt,
            "retry_pending": self.retry_pending,
            "next_attempt_at": null,
        })
    }
}

/// Skyvern's times: UTC, microseconds, and nothing that says so.
pub(super) fn now() -> String {
    Utc::now().format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::RunStatus::{Canceled, Completed, Created, Failed, Paused, Queued, Running, Terminated, TimedOut};

    #[test]
    fn what_is_over_stays_over_unless_it_was_cancelled_and_turns_out_completed() {
        let all = [Created, Queued, Running, Paused, Completed, Failed, Terminated, TimedOut, Canceled];
        for from in [Completed, Failed, Terminated, TimedOut, Canceled] {
            for to in all {
                assert_eq!(from.may_become(to), (from, to) == (Canceled, Completed), "{from:?} to {to:?}");
            }
        }
        assert!(all.into_iter().skip(1).all(|to| Created.may_become(to)));
        assert!(!Running.may_become(Queued) && !Queued.may_become(Created) && Paused.may_become(Running));
    }
}
