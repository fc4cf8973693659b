//! Delivering a webhook: up to three attempts, for transient failures.

use std::time::Duration;

use chrono::Utc;
use rand::Rng as _;
use reqwest::{Client, Response, StatusCode, header, redirect};
use serde::{Deserialize, Serialize};

use super::signature::sign;

/// Each phase of an attempt may take this long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest wait that a receiver can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The pauses after the first and the second attempt, in milliseconds, each drawn from its range.
const PAUSES: [std::ops::Range<u64>; 2] = [1_000..2_000, 2_000..3_000];

/// A client that does not follow redirects: a redirect is a failed delivery.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(TIMEOUT)
        .read_timeout(TIMEOUT)
        .no_proxy()
        .build()
}

/// What became of one webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// One, two or three.
    pub attempts: Vec<Attempt>,
}

/// One HTTP request of a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// None if there was no answer.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// The receiver's answer as text.
    pub body: String,
}

impl Delivery {
    /// The status of the last attempt.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.attempts.last().and_then(|attempt| attempt.status)
    }

    pub(super) fn succeeded(&self) -> bool {
        self.status().is_some_and(|status| (200..300).contains(&status))
    }
}

/// A webhook that is ready to be sent, as often as it takes: every attempt is the same to the byte.
#[derive(Clone)]
pub(super) struct Message {
    pub target: String,
    pub body: String,
    pub signature: String,
    pub timestamp: String,
}

impl Message {
    pub fn new(target: &str, body: String, api_key: &str) -> Self {
        let signature = sign(api_key, body.as_bytes());
        Self { target: target.to_owned(), body, signature, timestamp: Utc::now().timestamp().to_string() }
    }

    pub async fn deliver(&self, client: &Client) -> Delivery {
        let mut delivery = Delivery { attempts: Vec::new() };
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let (attempt, wait) = self.attempt(client).await;
            let may_pass = may_pass(attempt.status);
            delivery.attempts.push(attempt);
            match pause {
                Some(pause) if may_pass => {
                    let pause = Duration::from_millis(rand::thread_rng().gen_range(pause));
                    tokio::time::sleep(wait.unwrap_or(pause)).await;
                }
                _ => break,
            }
        }
        delivery
    }

    /// One request, and the wait that the receiver asked for.
    pub async fn attempt(&self, client: &Client) -> (Attempt, Option<Duration>) {
        let request = client
            .post(&self.target)
            .header(header::ACCEPT, "*/*")
            .header(header::ACCEPT_ENCODING, "gzip, deflate, zstd")
            .header(header::USER_AGENT, "python-httpx/0.28.1")
            .header("x-skyvern-timestamp", &self.timestamp)
            .header("x-skyvern-signature", &self.signature)
            .header(header::CONTENT_TYPE, "application/json")
            .body(self.body.clone());
        match request.send().await {
            Ok(response) => {
                let wait = retry_after(&response);
                let status = Some(response.status().as_u16());
                (Attempt { status, error: None, body: response.text().await.unwrap_or_default() }, wait)
            }
            Err(error) => (Attempt { status: None, error: Some(chain(&error)), body: String::new() }, None),
        }
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// These are transient, as is a missing response. Everything else is final.
fn may_pass(status: Option<u16>) -> bool {
    match status.and_then(|status| StatusCode::from_u16(status).ok()) {
        None => true,
        Some(status) => status.is_server_error() || matches!(status.as_u16(), 403 | 408 | 425 | 429),
    }
}

/// reqwest's own words leave out the reason.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::may_pass;

    #[test]
    fn only_failures_that_may_pass_are_tried_again() {
        assert!([403, 408, 425, 429, 500, 502, 503, 599].into_iter().all(|status| may_pass(Some(status))));
        assert!([200, 204, 301, 308, 400, 401, 404, 409, 410, 422].into_iter().all(|status| !may_pass(Some(status))));
        assert!(may_pass(None));
    }
}
