//! JSearch, from the side of its tests.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::stack::Stack;
use simulators::faults::{Fault, FaultSpec, Service};
use simulators::jsearch::control::{Market, Postings, Shape};
use simulators::recorder::RecordedRequest;

/// Decides what there is to find, and shows what was asked.
pub struct JsearchControl {
    stack: Stack,
}

impl JsearchControl {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self { stack: stack.clone() }
    }

    /// The requests with this text in their address, or caused by the request of ours with this id.
    pub async fn requests(&self, contains: impl ToString) -> Vec<RecordedRequest> {
        self.stack.requests(Service::Jsearch, "/", contains).await
    }

    /// Searches with this text find `count` postings from number `first` on, as they read in that edition.
    pub async fn make_up(&self, contains: &str, first: usize, count: usize, edition: u32) {
        self.set_market(contains, Postings::MadeUp { first, count, edition }).await;
    }

    /// Searches with this text find exactly these postings.
    pub async fn give(&self, contains: &str, postings: &[Value]) {
        self.set_market(contains, Postings::Given(postings.to_vec())).await;
    }

    /// From now on `data` has this shape.
    pub async fn set_shape(&self, shape: Shape) {
        self.control("shape", &shape).await;
    }

    /// From now on so many requests are allowed; without a number there is no end.
    pub async fn allow(&self, remaining: Option<u32>) {
        self.control("allowance", &remaining).await;
    }

    /// The next requests with this text in their address, or caused by the request with this id, fail in this way.
    pub async fn fail(&self, times: u32, contains: impl ToString, fault: Fault) {
        let contains = contains.to_string();
        self.stack.fail(FaultSpec { service: Service::Jsearch, contains, times, fault }).await;
    }

    async fn set_market(&self, contains: &str, postings: Postings) {
        self.control("market", &Market { contains: contains.to_owned(), postings }).await;
    }

    async fn control(&self, what: &str, spec: &impl Serialize) {
        let path = format!("/jsearch/{what}");
        self.stack.control(Method::POST, &path, |request| request.json(spec)).await.expect_status(204);
    }
}
