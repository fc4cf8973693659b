//! The machine itself.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    time::Duration,
};

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::settings::settings;
use crate::{
    clock::{Clock, UnixTime},
    headers::Headers,
    http::{Call, Runtime, Settings},
    ids::RequestId,
    outgoing::{Failure, Request, Response, Transport, Upstream},
};

/// Where every test begins: 2026-03-02T10:15:00Z.
const NOW: UnixTime = UnixTime::from_seconds(1_772_446_500);

/// A machine whose network answers from a script. A request that the script does not know is a failed test.
#[derive(Clone)]
pub struct Machine(Rc<State>);

struct State {
    now: Cell<UnixTime>,
    script: RefCell<Vec<Canned>>,
    sent: RefCell<Vec<Sent>>,
    after: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
}

struct Canned {
    path: String,
    result: Result<Response, Failure>,
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// The headers, names in lower case.
    pub headers: Headers,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A machine without a script.
    #[must_use]
    pub fn new() -> Self {
        Self(Rc::new(State {
            now: Cell::new(NOW),
            script: RefCell::default(),
            sent: RefCell::default(),
            after: RefCell::default(),
        }))
    }

    /// The next request to a path with this end has this response.
    #[must_use]
    pub fn responds(self, path: &str, status: u16, body: impl Into<Value>) -> Self {
        self.responds_with(path, status, &[], body.into().to_string())
    }

    /// The same with headers and any body.
    #[must_use]
    pub fn responds_with(self, path: &str, status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.plan(path, Ok(Response { status, headers, body: body.into() }))
    }

    /// The next request to a path with this end has no response.
    #[must_use]
    pub fn fails(self, path: &str, failure: Failure) -> Self {
        self.plan(path, Err(failure))
    }

    fn plan(self, path: &str, result: Result<Response, Failure>) -> Self {
        self.0.script.borrow_mut().push(Canned { path: path.to_owned(), result });
        self
    }

    /// A call of a function that runs on this machine, with the test settings.
    #[must_use]
    pub fn call<S: Settings>(&self) -> Call<S> {
        self.call_with(settings())
    }

    /// The same with other settings.
    #[must_use]
    pub fn call_with<S: Settings>(&self, settings: &'static S) -> Call<S> {
        Call::new(settings, RequestId::random(), Rc::new(self.clone()))
    }

    /// The outside alone, for what is tested without a whole call.
    #[must_use]
    pub fn upstream(&self) -> Upstream {
        Upstream::new(RequestId::random(), Rc::new(self.clone()), Rc::new(self.clone()))
    }

    /// Lets time pass.
    pub fn passes(&self, duration: Duration) {
        self.0.now.set(self.0.now.get().plus(duration));
    }

    /// What was sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.0.sent.borrow().clone()
    }

    /// The ends of the addresses that were asked so far, in order, without the query.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let last = |sent: &Sent| sent.url.split('?').next().and_then(|url| url.rsplit('/').next().map(str::to_owned));
        self.0.sent.borrow().iter().filter_map(last).collect()
    }

    /// Does what was put off until the response was on its way.
    pub async fn finish(&self) {
        loop {
            let Some(work) = self.0.after.borrow_mut().pop() else { break };
            work.await;
        }
    }

    /// Whether everything that was planned has been asked for.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.0.script.borrow().is_empty()
    }

    fn respond(&self, request: &Request) -> Result<Response, Failure> {
        let body = request.body().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let headers = request.all_headers().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let (method, url) = (request.method(), request.url().to_string());
        self.0.sent.borrow_mut().push(Sent { method, url: url.clone(), headers, body });
        let mut script = self.0.script.borrow_mut();
        let planned = script.iter().position(|canned| request.url().path().ends_with(&canned.path));
        let Some(place) = planned else { panic!("nothing is planned for {method} {url}") };
        script.remove(place).result
    }
}

impl Clock for Machine {
    fn now(&self) -> UnixTime {
        self.0.now.get()
    }

    fn wait(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let machine = self.clone();
        Box::pin(async move { machine.passes(duration) })
    }
}

impl Transport for Machine {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async move { self.respond(&request) })
    }

    fn has_service_binding(&self, _binding: &str) -> bool {
        true
    }

    fn fetch_service(&self, _binding: &'static str, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        self.fetch(request)
    }
}

impl Runtime for Machine {
    fn after_response(&self, work: LocalBoxFuture<'static, ()>) {
        self.0.after.borrow_mut().push(work);
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Machine")
    }
}
