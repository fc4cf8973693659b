//! The machine itself.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    io::Read as _,
    rc::Rc,
    time::Duration,
};

use flate2::read::GzDecoder;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::{
    requests::person,
    settings::{ANON_KEY, SERVICE_ROLE_KEY, settings},
    time::{Now, Sleep},
};
use crate::{
    clock::{Clock, UnixTime},
    headers::Headers,
    http::{Call, Runtime, Settings},
    ids::RequestId,
    outgoing::{Failure, Request, Response, Transport, Upstream},
};

/// Where every test begins: 2026-03-02T10:15:00Z.
pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_772_446_500);

/// A machine whose network answers from a script. A request that the script does not know is a failed test, and so is a
/// response that nobody asked for by the time the machine is dropped.
pub struct Machine(Handle);

/// What the code under test holds. It may outlive the test's machine.
#[derive(Clone)]
struct Handle(Rc<State>);

struct State {
    now: Now,
    script: RefCell<Vec<Canned>>,
    sent: RefCell<Vec<Sent>>,
    after: RefCell<VecDeque<LocalBoxFuture<'static, ()>>>,
    has_service_bindings: Cell<bool>,
}

struct Canned {
    path: String,
    result: Result<Response, Failure>,
    takes: Duration,
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
    /// When it was sent, counted from the machine's beginning.
    pub at: Duration,
}

impl Sent {
    fn new(request: &Request, at: Duration) -> Self {
        let headers: Headers =
            request.all_headers().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut body = request.body().unwrap_or_default().to_vec();
        if headers.get("content-encoding") == Some("gzip") {
            let compressed = std::mem::take(&mut body);
            // What is no gzip is no JSON either, and so becomes null.
            let _ = GzDecoder::new(compressed.as_slice()).read_to_end(&mut body);
        }
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Self { method: request.method(), url: request.url().to_string(), headers, body, at }
    }

    /// The end of the address without the query, and as whom our own project is asked: the signed-in person, or the
    /// service role. `claim_application as the person`, for instance, and `tasks` for a vendor's address.
    ///
    /// # Panics
    /// If our own project is asked with any other credentials.
    #[must_use]
    pub fn call(&self) -> String {
        let path = self.url.split('?').next().unwrap_or_default();
        let end = path.rsplit('/').next().unwrap_or_default();
        let credentials = (self.headers.get("apikey"), self.headers.get("authorization"));
        let person = person().into_iter().next().map(|(_, token)| token);
        let service = format!("Bearer {SERVICE_ROLE_KEY}");
        match credentials {
            (Some(ANON_KEY), token) if token == person.as_deref() => format!("{end} as the person"),
            (Some(SERVICE_ROLE_KEY), Some(token)) if token == service => format!("{end} as the service role"),
            (None, _) => end.to_owned(),
            odd => panic!("{path} is asked with {odd:?}"),
        }
    }
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
        Self(Handle(Rc::new(State {
            now: Rc::new(Cell::new(NOW)),
            script: RefCell::default(),
            sent: RefCell::default(),
            after: RefCell::default(),
            has_service_bindings: Cell::new(true),
        })))
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

    /// The next call of this SQL function returns this.
    #[must_use]
    pub fn returns(self, function: &str, value: impl Into<Value>) -> Self {
        self.responds(&format!("/rest/v1/rpc/{function}"), 200, value)
    }

    /// The next call of this SQL function is refused with this code, as our own functions and `PostgreSQL` refuse.
    #[must_use]
    pub fn refuses(self, function: &str, code: &str) -> Self {
        let refusal = json!({ "code": code, "message": "no", "details": null, "hint": null });
        self.responds(&format!("/rest/v1/rpc/{function}"), 400, refusal)
    }

    /// The next request to a path with this end has no response. One that times out takes as long as it may.
    #[must_use]
    pub fn fails(self, path: &str, failure: Failure) -> Self {
        self.plan(path, Err(failure))
    }

    /// What was planned last takes so long. If that is longer than the request's timeout, the request times out.
    ///
    /// # Panics
    /// If nothing was planned yet.
    #[must_use]
    pub fn taking(self, duration: Duration) -> Self {
        match self.state().script.borrow_mut().last_mut() {
            Some(canned) => canned.takes = duration,
            None => panic!("nothing is planned that could take {duration:?}"),
        }
        self
    }

    /// No service binding leads anywhere from here.
    #[must_use]
    pub fn without_service_bindings(self) -> Self {
        self.state().has_service_bindings.set(false);
        self
    }

    fn plan(self, path: &str, result: Result<Response, Failure>) -> Self {
        let canned = Canned { path: path.to_owned(), result, takes: Duration::ZERO };
        self.state().script.borrow_mut().push(canned);
        self
    }

    fn state(&self) -> &State {
        &self.0.0
    }

    /// A call of a function that runs on this machine, with the test settings.
    #[must_use]
    pub fn call<S: Settings>(&self) -> Call<S> {
        self.call_with(settings())
    }

    /// The same with other settings.
    #[must_use]
    pub fn call_with<S: Settings>(&self, settings: &'static S) -> Call<S> {
        Call::new(settings, RequestId::random(), Rc::new(self.0.clone()))
    }

    /// The outside alone, for what is tested without a whole call.
    #[must_use]
    pub fn upstream(&self) -> Upstream {
        Upstream::new(RequestId::random(), Rc::new(self.0.clone()), Rc::new(self.0.clone()))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.0.now()
    }

    /// Lets time pass.
    pub fn passes(&self, duration: Duration) {
        self.state().now.set(self.now().plus(duration));
    }

    /// How much time has passed.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.now() - NOW
    }

    /// What was sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.borrow().clone()
    }

    /// What was asked so far, in order: see [`Sent::call`].
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.state().sent.borrow().iter().map(Sent::call).collect()
    }

    /// The bodies that were sent so far to addresses with this end.
    #[must_use]
    pub fn bodies(&self, end: &str) -> Vec<Value> {
        let is_there = |sent: &&Sent| sent.url.split('?').next().is_some_and(|path| path.ends_with(&format!("/{end}")));
        self.state().sent.borrow().iter().filter(is_there).map(|sent| sent.body.clone()).collect()
    }

    /// The one body that was sent to an address with this end.
    ///
    /// # Panics
    /// If there were none or several.
    #[must_use]
    pub fn body(&self, end: &str) -> Value {
        let mut bodies = self.bodies(end);
        assert_eq!(bodies.len(), 1, "requests to {end}");
        bodies.remove(0)
    }

    /// Does what was put off until the response was on its way.
    pub async fn finish(&self) {
        loop {
            let Some(work) = self.state().after.borrow_mut().pop_front() else { break };
            work.await;
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let unused: Vec<String> = self.state().script.take().into_iter().map(|canned| canned.path).collect();
        assert!(unused.is_empty() || std::thread::panicking(), "nobody asked for {unused:?}");
    }
}

impl Handle {
    fn take_planned(&self, request: &Request) -> Canned {
        let state = &self.0;
        let sent = Sent::new(request, state.now.get() - NOW);
        let description = format!("{} {}", sent.method, sent.url);
        state.sent.borrow_mut().push(sent);
        let mut script = state.script.borrow_mut();
        let place = script.iter().position(|canned| request.url().path().ends_with(&canned.path));
        let Some(place) = place else { panic!("nothing is planned for {description}") };
        script.remove(place)
    }
}

impl Clock for Handle {
    fn now(&self) -> UnixTime {
        self.0.now.get()
    }

    fn wait(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(Sleep::new(self.0.now.clone(), duration))
    }
}

impl Transport for Handle {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        let Canned { mut result, mut takes, .. } = self.take_planned(&request);
        if takes > request.timeout() {
            result = Err(Failure::TimedOut);
        }
        let is_longer = |limit| result.as_ref().is_ok_and(|response| response.body.len() > limit);
        if request.longest_response().is_some_and(is_longer) {
            result = Err(Failure::TooLong);
        }
        if let Err(Failure::TimedOut) = result {
            takes = request.timeout();
        }
        if let Ok(response) = &mut result {
            // The network reads no others.
            let wanted = request.wanted_headers().iter();
            let read = wanted.filter_map(|name| Some(((*name).to_owned(), response.headers.get(name)?.to_owned())));
            response.headers = read.collect();
        }
        Box::pin(async move {
            self.wait(takes).await;
            result
        })
    }

    fn has_service_binding(&self, _binding: &str) -> bool {
        self.0.has_service_bindings.get()
    }

    fn fetch_service(&self, _binding: &'static str, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        self.fetch(request)
    }
}

impl Runtime for Handle {
    fn after_response(&self, work: LocalBoxFuture<'static, ()>) {
        self.0.after.borrow_mut().push_back(work);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handle")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Machine;
    use crate::{
        outgoing::{Failure, Request},
        testing::block_on,
    };

    fn request() -> Request {
        Request::get("https://vendor.example/v1/things".parse().unwrap()).within(Duration::from_secs(3))
    }

    #[test]
    #[should_panic(expected = r#"nobody asked for ["/things"]"#)]
    fn a_response_that_nobody_asks_for_is_a_failure() {
        let _ = Machine::new().responds("/things", 200, 7);
    }

    #[test]
    #[should_panic(expected = "nothing is planned for GET https://vendor.example/v1/things")]
    fn a_request_that_is_not_planned_is_a_failure() {
        let _ = block_on(Machine::new().upstream().send("vendor", request()));
    }

    #[test]
    fn a_slow_response_takes_its_time_and_one_that_is_too_slow_times_out() {
        for (takes, failure) in [(2, None), (3, None), (4, Some(Failure::TimedOut))] {
            let machine = Machine::new().responds("/things", 200, 7).taking(Duration::from_secs(takes));
            let result = block_on(machine.upstream().send("vendor", request()));
            assert_eq!((result.err(), machine.waited()), (failure, Duration::from_secs(takes.min(3))));
        }
    }
}
