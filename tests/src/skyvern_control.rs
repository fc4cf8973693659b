//! Skyvern, from the side of its workers.

use reqwest::Method;

use crate::stack::Stack;
use simulators::faults::{Fault, Service};
use simulators::recorder::RecordedRequest;
use simulators::skyvern::control::{Finish, Finished, RecordedRun};
use simulators::skyvern::sign;

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
