//! The one way to call the outside: every call has a timeout, is measured, and carries the
//! request id on. Redirects are never followed, so that no response can send us elsewhere.

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::{Failure, Places, Request, Response, ServiceBinding, Transport, places::Placed};
use crate::{
    clock::{Clock, UnixTime},
    ids::RequestId,
    log::{self, CallRecord},
};

/// The outside, as one request sees it.
#[derive(Debug)]
pub struct Upstream {
    request_id: RequestId,
    clock: Rc<dyn Clock>,
    transport: Rc<dyn Transport>,
    records: RefCell<Vec<CallRecord>>,
}

impl Upstream {
    /// For the calls that the request with this id causes.
    #[must_use]
    pub fn new(request_id: RequestId, clock: Rc<dyn Clock>, transport: Rc<dyn Transport>) -> Self {
        Self { request_id, clock, transport, records: RefCell::new(Vec::new()) }
    }

    /// The same outside for a part of the work whose calls are counted by themselves, and each take one of these places.
    #[must_use]
    pub fn counted_apart(&self, places: &Places) -> Self {
        let transport = Placed { transport: self.transport.clone(), places: places.clone() };
        Self::new(self.request_id, self.clock.clone(), Rc::new(transport))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Waits without holding a thread.
    pub async fn wait(&self, duration: Duration) {
        self.clock.wait(duration).await;
    }

    /// Makes a call. `name` is the upstream's, for the records.
    ///
    /// # Errors
    /// [`Failure`]; any response at all is a success here, whatever its status.
    pub async fn send(&self, name: &'static str, request: Request) -> Result<Response, Failure> {
        let started = self.now();
        let request = request.header("x-request-id", self.request_id.to_string());
        let result = self.transport.fetch(request).await;
        let record = CallRecord {
            name,
            status: result.as_ref().ok().map(|response| response.status),
            duration_ms: u64::try_from((self.now() - started).as_millis()).unwrap_or(u64::MAX),
            calls: 1,
        };
        log::add(&mut self.records.borrow_mut(), record);
        result
    }

    /// Another function of ours, by its name and the service binding that leads to it. None where
    /// there is no such binding.
    #[must_use]
    pub fn service_binding(&self, function: &'static str, binding: &'static str) -> Option<ServiceBinding> {
        let is_bound = self.transport.has_service_binding(binding);
        is_bound.then(|| ServiceBinding::new(function, binding, self.transport.clone(), self.request_id))
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
