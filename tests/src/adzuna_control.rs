//! Adzuna, from the side of its tests.

use reqwest::Method;
use serde_json::Value;

use crate::stack::Stack;
use simulators::adzuna::control::{Limits, SeededResults};
use simulators::faults::{Fault, Service};
use simulators::recorder::RecordedRequest;

/// Decides what searches find, and shows what was asked.
pub struct AdzunaControl {
    stack: Stack,
}

impl AdzunaControl {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self { stack: stack.clone() }
    }

    /// The searches with this text in their query string, refused ones included.
    pub async fn searches_for(&self, text: impl ToString) -> Vec<RecordedRequest> {
        self.stack.requests(Service::Adzuna, "/v1/api/jobs/", text).await
    }

    /// Searches with this word find these postings.
    pub async fn seed(&self, word: &str, results: &[Value]) {
        let seeded = SeededResults { contains: word.to_owned(), results: results.to_vec() };
        let reply = self.stack.control(Method::POST, "/adzuna/results", |request| request.json(&seeded)).await;
        reply.expect_status(204);
    }

    /// Allows so many calls from now on.
    pub async fn limit(&self, limits: Limits) {
        let reply = self.stack.control(Method::POST, "/adzuna/limits", |request| request.json(&limits)).await;
        reply.expect_status(204);
    }

    /// The next search with this text in its query string fails in this way.
    pub async fn fail_once(&self, text: impl ToString, fault: Fault) {
        self.stack.fail_once(Service::Adzuna, text, fault).await;
    }
}
