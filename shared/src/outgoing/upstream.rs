//! The one way to call the outside: every call has a timeout, is measured, and carries the
//! request id on. Redirects are never followed, so that no answer can send us elsewhere.

use std::{cell::RefCell, pin::pin};

use futures_util::future::{Either, select};
use worker::AbortController;

use super::{Failure, Request, Response, fetch::fetch};
use crate::{
    clock::UnixTime,
    ids::RequestId,
    log::{self, CallRecord},
};

/// The outside, as one request sees it.
#[derive(Debug)]
pub struct Upstream {
    request_id: RequestId,
    records: RefCell<Vec<CallRecord>>,
}

impl Upstream {
    /// For the calls that the request with this id causes.
    #[must_use]
    pub fn new(request_id: RequestId) -> Self {
        Self { request_id, records: RefCell::new(Vec::new()) }
    }

    /// Makes a call. `name` is the upstream's, for the records.
    ///
    /// # Errors
    /// [`Failure`]; any answer at all is a success here, whatever its status.
    pub async fn send(&self, name: &'static str, request: Request) -> Result<Response, Failure> {
        let started = UnixTime::now();
        let result = self.exchange(request).await;
        let record = CallRecord {
            name,
            status: result.as_ref().ok().map(|response| response.status),
            duration_ms: u64::try_from((UnixTime::now() - started).as_millis()).unwrap_or(u64::MAX),
            calls: 1,
        };
        log::add(&mut self.records.borrow_mut(), record);
        result
    }

    async fn exchange(&self, request: Request) -> Result<Response, Failure> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let answer = pin!(fetch(&request, self.request_id, &signal));
        match select(answer, pin!(worker::Delay::from(request.timeout()))).await {
            Either::Left((answer, _)) => answer.map_err(|_| Failure::Unreachable),
            Either::Right(_) => {
                controller.abort();
                Err(Failure::TimedOut)
            }
        }
    }

    /// How many calls there were so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.records.borrow().iter().map(|record| record.calls as usize).sum()
    }

    /// The calls so far.
    #[must_use]
    pub fn records(&self) -> Vec<CallRecord> {
        self.records.borrow().clone()
    }
}
