//! Another function of ours, over a service binding: no network in between, and no public address.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use serde_json::json;
use worker::{Fetcher, RequestInit};

use crate::{config::Supabase, ids::RequestId, outgoing::Failure};

/// Work that goes on after an answer is ended by the runtime after half a minute.
const TIMEOUT: Duration = Duration::from_secs(29);

/// Another function. It knows us by the service-role key, as it knows any internal caller.
#[derive(Debug)]
pub struct ServiceBinding {
    name: &'static str,
    fetcher: Fetcher,
    request_id: RequestId,
    timeout: Duration,
}

impl ServiceBinding {
    pub(crate) fn new(name: &'static str, fetcher: Fetcher, request_id: RequestId) -> Self {
        Self { name, fetcher, request_id, timeout: TIMEOUT }
    }

    /// Sets another timeout than the time that work has after an answer.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends JSON and answers the status. What the other function makes of it is in its own log;
    /// that it could not be asked is logged here.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer.
    pub async fn post_json(self, supabase: &Supabase, json: String) -> Result<u16, Failure> {
        let answer = match self.request(supabase, &json) {
            Ok(request) => {
                match select(pin!(self.fetcher.fetch_request(request)), pin!(worker::Delay::from(self.timeout))).await {
                    Either::Left((answer, _)) => {
                        answer.map(|answer| answer.status_code()).map_err(|_| Failure::Unreachable)
                    }
                    Either::Right(_) => Err(Failure::TimedOut),
                }
            }
            Err(_) => Err(Failure::Unreachable),
        };
        if let Err(failure) = answer {
            let outcome = format!("{failure:?}");
            worker::console_error!(
                "{}",
                json!({ "request_id": self.request_id, "service_binding": self.name, "outcome": outcome })
            );
        }
        answer
    }

    fn request(&self, supabase: &Supabase, json: &str) -> worker::Result<worker::Request> {
        let headers = worker::Headers::new();
        for (name, value) in supabase.service_headers() {
            headers.set(name, &value)?;
        }
        headers.set("content-type", "application/json")?;
        headers.set("x-request-id", &self.request_id.to_string())?;
        let mut init = RequestInit::new();
        init.with_method(worker::Method::Post).with_headers(headers).with_body(Some(json.into()));
        // The binding decides where it goes; an address needs a host all the same.
        worker::Request::new_with_init(&format!("https://service-binding/functions/v1/{}", self.name), &init)
    }
}
