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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{
        log::CallRecord,
        outgoing::{Failure, Request},
        testing::{Machine, block_on},
    };

    fn request() -> Request {
        Request::get("https://vendor.example/v1/things".parse().unwrap()).header("accept", "application/json")
    }

    #[test]
    fn every_call_carries_the_request_id_and_is_written_down() {
        let second = Duration::from_secs(1);
        let machine = Machine::new().responds("/things", 404, 7).taking(second).fails("/things", Failure::TimedOut);
        let upstream = machine.upstream();
        assert!(block_on(upstream.send("vendor", request())).is_ok());
        assert_eq!(block_on(upstream.send("vendor", request().within(2 * second))).err(), Some(Failure::TimedOut));

        assert_eq!(upstream.calls(), 2);
        let record = |status, duration_ms| CallRecord { name: "vendor", status, duration_ms, calls: 1 };
        assert_eq!(upstream.records(), [record(Some(404), 1000), record(None, 2000)]);
        let sent = machine.sent();
        let ids: Vec<Option<&str>> = sent.iter().map(|sent| sent.headers.get("x-request-id")).collect();
        assert!(ids[0].is_some() && ids[0] == ids[1], "{ids:?}");
        assert!(sent.iter().all(|sent| sent.headers.get("accept") == Some("application/json")));
    }

    #[test]
    fn only_the_headers_that_are_wanted_are_read() {
        let headers = [("retry-after", "7"), ("set-cookie", "a=b")];
        let machine =
            Machine::new().responds_with("/things", 200, &headers, "7").responds_with("/things", 200, &headers, "7");
        let read = |request| block_on(machine.upstream().send("vendor", request)).unwrap().headers;
        let wanting = read(request().wanting(&["retry-after"]));
        assert_eq!((wanting.get("retry-after"), wanting.get("set-cookie")), (Some("7"), None));
        assert_eq!(read(request()).get("retry-after"), None);
    }
}
