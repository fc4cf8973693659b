//! Skyvern, from the side of its workers.

use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use crate::reply::Reply;
use crate::stack::Stack;
use simulators::faults::{Fault, Service};
use simulators::recorder::RecordedRequest;
use simulators::skyvern::control::{CompletionAfterCancel, Finish, Finished, LateListing, RecordedRun};
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
    /// If there is no such run, or it cannot get there.
    pub async fn finish(&self, run_id: &str, finish: &Finish) -> Finished {
        self.try_to_finish(run_id, finish).await.parse()
    }

    /// Runs whose creation has this text in it are not in the list until so much time has passed; without a time, until
    /// [`Self::list_now`].
    pub async fn list_late(&self, text: impl ToString, after_ms: Option<u64>) {
        let late = LateListing { contains: text.to_string(), after_ms };
        self.control("/skyvern/late-listings", &late).await;
    }

    /// They are in the list from now on.
    pub async fn list_now(&self, text: impl ToString) {
        self.control("/skyvern/late-listings/release", &json!({ "contains": text.to_string() })).await;
    }

    /// Runs whose creation has this text in it, and which are cancelled, end like this all the same.
    pub async fn complete_after_cancel(&self, text: impl ToString, finish: Finish) {
        let completion = CompletionAfterCancel { contains: text.to_string(), finish };
        self.control("/skyvern/completions-after-cancel", &completion).await;
    }

    async fn control(&self, path: &str, spec: &impl Serialize) {
        self.stack.control(Method::POST, path, |request| request.json(spec)).await.expect_status(204);
    }

    /// Tries to move a run on to where it may not be able to get, and returns what Skyvern says to that.
    pub async fn try_to_finish(&self, run_id: &str, finish: &Finish) -> Reply {
        let path = format!("/skyvern/runs/{run_id}/finish");
        self.stack.control(Method::POST, &path, |request| request.json(finish)).await
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
