//! Skyvern, from the side of its workers.

use reqwest::Method;
use serde_json::json;

use crate::simulators::faults::{Fault, Service};
use crate::simulators::recorder::RecordedRequest;
use crate::simulators::skyvern::control::{Finish, Finished, RecordedRun};
use crate::simulators::skyvern::run::RunStatus;
use crate::simulators::skyvern::sign;
use crate::stack::Stack;

/// Decides what becomes of runs, and shows what was asked.
pub struct SkyvernControl {
    stack: Stack,
}

impl SkyvernControl {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self { stack: stack.clone() }
    }

    /// The runs that were created by a request with this text in it, such as the id of an application.
    pub async fn runs_for(&self, text: impl ToString) -> Vec<RecordedRun> {
        let query = [("contains", text.to_string())];
        self.stack.control(Method::GET, "/skyvern/runs", |request| request.query(&query)).await.parse()
    }

    /// The only such run.
    ///
    /// # Panics
    /// If there is none, or another one.
    pub async fn run_for(&self, text: impl ToString) -> RecordedRun {
        let mut runs = self.runs_for(text).await;
        assert_eq!(runs.len(), 1, "one run was created: {runs:#?}");
        runs.remove(0)
    }

    /// The requests that wanted to create a run, refused ones included.
    pub async fn creations_for(&self, text: impl ToString) -> Vec<RecordedRequest> {
        self.stack.requests(Service::Skyvern, "/v1/run/tasks", text).await
    }

    /// Moves a run on and delivers its webhook.
    ///
    /// # Panics
    /// If there is no such run.
    pub async fn finish(&self, run_id: &str, finish: &Finish) -> Finished {
        let path = format!("/skyvern/runs/{run_id}/finish");
        self.stack.control(Method::POST, &path, |request| request.json(finish)).await.parse()
    }

    /// The next creation with this text in it fails in this way.
    pub async fn fail_once(&self, text: impl ToString, fault: Fault) {
        self.stack.fail_once(Service::Skyvern, text, fault).await;
    }

    /// The signature of a body under the key in use.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        sign(&self.stack.keys().skyvern_api_key, body)
    }

    /// The signature of a body under the key that is being replaced.
    #[must_use]
    pub fn sign_with_previous_key(&self, body: &[u8]) -> String {
        sign(&self.stack.keys().skyvern_previous_api_key, body)
    }
}

impl Finish {
    /// A completed run with all the proof that a submission needs.
    #[must_use]
    pub fn submitted() -> Self {
        Self {
            output: json!({
                "submitted": true,
                "confirmation_id": "CONF-2041",
                "confirmation_text": "Merci – your application was received.",
                "resume_attached": true,
            }),
            ..Self::with_status(RunStatus::Completed)
        }
    }

    /// A run that ended with one of our own error codes.
    #[must_use]
    pub fn with_error(status: RunStatus, code: &str, reasoning: &str) -> Self {
        Self {
            errors: json!([{
                "error_code": code,
                "reasoning": reasoning,
                "confidence_float": 0.9,
                "error_type": "USER_DEFINED_ERROR",
            }]),
            failure_reason: json!(reasoning),
            ..Self::with_status(status)
        }
    }
}
