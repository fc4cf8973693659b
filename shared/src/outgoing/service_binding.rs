//! Another function of ours, over a service binding: no network in between, and no public address.

use std::{rc::Rc, time::Duration};

use serde_json::json;
use url::Url;

use super::{Failure, RETRY_AFTER, Request, Transport, retry_after};
use crate::{config::Supabase, ids::RequestId, log, service_role::ServiceRole};

/// The runtime ends work that goes on after a response after half a minute.
const TIMEOUT: Duration = Duration::from_secs(29);

/// Another function. It knows us by the service-role key, as it knows any internal caller.
#[derive(Debug)]
pub struct ServiceBinding {
    function: &'static str,
    binding: &'static str,
    transport: Rc<dyn Transport>,
    request_id: RequestId,
    timeout: Duration,
}

/// What another function answered; its body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// From `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl ServiceBinding {
    pub(super) fn new(
        function: &'static str,
        binding: &'static str,
        transport: Rc<dyn Transport>,
        request_id: RequestId,
    ) -> Self {
        Self { function, binding, transport, request_id, timeout: TIMEOUT }
    }

    /// Sets another timeout than the time that work has after a response.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends JSON and returns the status. What the other function makes of it is in its own log;
    /// that it could not be reached is logged here.
    ///
    /// # Errors
    /// [`Failure`] when there is no response.
    pub async fn post_json(self, role: ServiceRole, supabase: &Supabase, json: String) -> Result<u16, Failure> {
        self.ask(role, supabase, json).await.map(|answer| answer.status)
    }

    /// The same with the time after which the other function wants to be asked again.
    ///
    /// # Errors
    /// As [`Self::post_json`].
    pub async fn ask(self, _role: ServiceRole, supabase: &Supabase, json: String) -> Result<Answer, Failure> {
        let result = match self.request(supabase, json) {
            Some(request) => self.transport.fetch_service(self.binding, request).await,
            None => Err(Failure::Unreachable),
        };
        if let Err(failure) = &result {
            let outcome = format!("{failure:?}");
            log::error(&json!({ "request_id": self.request_id, "service_binding": self.function, "outcome": outcome }));
        }
        result.map(|response| Answer { status: response.status, retry_after: retry_after(&response.headers) })
    }

    fn request(&self, supabase: &Supabase, json: String) -> Option<Request> {
        // The binding decides where it goes; an address needs a host all the same.
        let url = Url::parse(&format!("https://service-binding/functions/v1/{}", self.function)).ok()?;
        let request = Request::post_json(url, json).headers(supabase.service_headers()).within(self.timeout);
        let request = request.wanting(&RETRY_AFTER);
        Some(request.header("x-request-id", self.request_id.to_string()))
    }
}
