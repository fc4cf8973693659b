//! Another function of ours, over a service binding: no network in between, and no public address.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use serde_json::json;
use worker::{Fetcher, RequestInit};

use crate::{database::service_headers, http::upstream::Failure, ids::RequestId, secret::Secret};

/// Work that goes on after an answer is ended by the runtime after half a minute.
const TIME_OUT: Duration = Duration::from_secs(29);

/// Another function. It knows us by the service-role key, as it knows any internal caller.
#[derive(Debug)]
pub struct Neighbour {
    name: &'static str,
    fetcher: Fetcher,
    request_id: RequestId,
    time_out: Duration,
}

impl Neighbour {
    pub(super) fn new(name: &'static str, fetcher: Fetcher, request_id: RequestId) -> Self {
        Self { name, fetcher, request_id, time_out: TIME_OUT }
    }

    /// Sets another time-out than the time that work has after an answer.
    #[must_use]
    pub fn within(self, time_out: Duration) -> Self {
        Self { time_out, ..self }
    }

    /// Sends JSON and answers the status. What the other function makes of it is in its own log;
    /// that it could not be asked is logged here.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer.
    pub async fn post_json(self, service_role_key: &Secret, json: String) -> Result<u16, Failure> {
        let answer = match self.request(service_role_key, &json) {
            Ok(request) => {
                match select(pin!(self.fetcher.fetch_request(request)), pin!(worker::Delay::from(self.time_out))).await
                {
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
                json!({ "request_id": self.request_id, "neighbour": self.name, "outcome": outcome })
            );
        }
        answer
    }

    fn request(&self, service_role_key: &Secret, json: &str) -> worker::Result<worker::Request> {
        let headers = worker::Headers::new();
        for (name, value) in service_headers(service_role_key) {
            headers.set(name, &value)?;
        }
        headers.set("content-type", "application/json")?;
        headers.set("x-request-id", &self.request_id.to_string())?;
        let mut init = RequestInit::new();
        init.with_method(worker::Method::Post).with_headers(headers).with_body(Some(json.into()));
        // The binding decides where it goes; an address needs a host all the same.
        worker::Request::new_with_init(&format!("https://neighbour/functions/v1/{}", self.name), &init)
    }
}
