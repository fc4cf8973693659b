//! Clerk's webhooks as Svix sends them: signed, and if asked for late, twice, under another key or with another time.
//!
//! Each copy is one attempt. What Svix does when they fail is in [`schedule`](super::schedule).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, header, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::schedule;
use crate::keys::{CLERK_KEY_ID, KeyTexts, random_text};

/// The event that a test wants to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventSpec {
    /// Such as `user.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says.
    pub data: Value,
    /// A new one if not said. The same again is the same message again.
    #[serde(default)]
    pub svix_id: Option<String>,
    /// Seconds between now and the time that the message bears.
    #[serde(default)]
    pub timestamp_shift: i64,
    /// What signs it.
    #[serde(default)]
    pub key: WebhookKey,
    /// How many are sent at the same time.
    #[serde(default = "one")]
    pub copies: usize,
    /// Whose they are, if not our function's.
    #[serde(default)]
    pub target: Option<Url>,
}

/// What signs a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookKey {
    /// The key in use.
    #[default]
    Current,
    /// The key that is being replaced.
    Previous,
    /// Both, as during a rotation at Svix, with a signature of another version between them.
    Both,
    /// A key that nobody else knows.
    Wrong,
}

/// What was sent, and what was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SentEvent {
    /// `svix-id`
    pub svix_id: String,
    /// `svix-timestamp`
    pub timestamp: String,
    /// `svix-signature`
    pub signature: String,
    /// The body, to the byte.
    pub body: String,
    /// One for each copy.
    pub answers: Vec<Answer>,
}

/// What the receiver answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status; none if there was no answer.
    pub status: Option<u16>,
    /// The body; null if it is no JSON.
    pub json: Value,
    /// Whether it asks for no further attempt.
    #[serde(default)]
    pub aborts: bool,
}

/// What takes longer is a failure.
const TIMEOUT: Duration = Duration::from_secs(15);

fn one() -> usize {
    1
}

impl EventSpec {
    /// One message with everything in order.
    #[must_use]
    pub fn new(kind: &str, data: Value) -> Self {
        let (kind, key) = (kind.to_owned(), WebhookKey::Current);
        Self { kind, data, svix_id: None, timestamp_shift: 0, key, copies: 1, target: None }
    }
}

impl SentEvent {
    /// The outcomes in the answers, all of which must have been good.
    ///
    /// # Panics
    /// If one was not.
    #[must_use]
    #[track_caller]
    pub fn outcomes(&self) -> Vec<&str> {
        let outcome = |answer: &'_ Answer| answer.status == Some(200) && answer.json["outcome"].is_string();
        assert!(self.answers.iter().all(outcome), "{self:#?}");
        self.answers.iter().filter_map(|answer| answer.json["outcome"].as_str()).collect()
    }

    /// The outcome, if one message was sent and accepted.
    ///
    /// # Panics
    /// If not.
    #[must_use]
    #[track_caller]
    pub fn outcome(&self) -> &str {
        let outcomes = self.outcomes();
        assert_eq!(outcomes.len(), 1, "{self:#?}");
        outcomes[0]
    }

    /// Status and code of the one refusal.
    ///
    /// # Panics
    /// If more than one message was sent, or none answered.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "only tests call it, and a panic is how they fail")]
    pub fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.answers.len(), 1, "{self:#?}");
        let answer = &self.answers[0];
        let status = answer.status.unwrap_or_else(|| panic!("no answer: {self:#?}"));
        (status, answer.json["code"].as_str().unwrap_or_default())
    }
}

/// What sends them.
pub(super) struct Sender {
    client: Client,
    target: Url,
    current: String,
    previous: String,
}

/// The part of the control interface that sends webhooks.
pub(crate) fn router(keys: &KeyTexts, functions: &Url) -> anyhow::Result<Router> {
    let sender = Sender {
        // A redirect is a failed delivery.
        client: Client::builder().redirect(redirect::Policy::none()).timeout(TIMEOUT).no_proxy().build()?,
        target: functions.join("/functions/v1/clerk-webhook-handler").context("the address of the functions")?,
        current: keys.clerk_webhook_secret.clone(),
        previous: keys.clerk_previous_webhook_secret.clone(),
    };
    let sender = Arc::new(sender);
    Ok(Router::new().route("/events", post(send)).with_state(sender.clone()).merge(schedule::router(sender)))
}

async fn send(State(sender): State<Arc<Sender>>, Json(spec): Json<EventSpec>) -> Json<SentEvent> {
    let mut sent = sender.sign(&spec, spec.svix_id.clone().unwrap_or_else(new_id), envelope(&spec));
    sent.answers = join_all((0..spec.copies).map(|_| sender.attempt(&sent, spec.target.as_ref()))).await;
    Json(sent)
}

pub(super) fn new_id() -> String {
    format!("msg_{}", random_text(27))
}

/// The body, which is the same at every attempt.
pub(super) fn envelope(spec: &EventSpec) -> String {
    let envelope = json!({
        "data": spec.data,
        "event_attributes": { "http_request": { "client_ip": "203.0.113.9", "user_agent": "simulator" } },
        "instance_id": CLERK_KEY_ID,
        "object": "event",
        "timestamp": Utc::now().timestamp_millis(),
        "type": spec.kind,
    });
    envelope.to_string()
}

impl Sender {
    /// The message as it is sent now: each attempt bears its own time.
    pub fn sign(&self, spec: &EventSpec, svix_id: String, body: String) -> SentEvent {
        let timestamp = (Utc::now().timestamp() + spec.timestamp_shift).to_string();
        let sign = |secret: &str| sign(secret, &svix_id, &timestamp, &body);
        let signature = match spec.key {
            WebhookKey::Current => sign(&self.current),
            WebhookKey::Previous => sign(&self.previous),
            WebhookKey::Both => format!("{} v1a,b3RoZXI= {}", sign(&self.previous), sign(&self.current)),
            WebhookKey::Wrong => sign(&format!("whsec_{}", STANDARD.encode(random_text(32)))),
        };
        SentEvent { svix_id, timestamp, signature, body, answers: Vec::new() }
    }

    pub async fn attempt(&self, message: &SentEvent, target: Option<&Url>) -> Answer {
        let request = self
            .client
            .post(target.unwrap_or(&self.target).clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "Svix-Webhooks/1.62")
            .header("svix-id", &message.svix_id)
            .header("svix-timestamp", &message.timestamp)
            .header("svix-signature", &message.signature)
            .body(message.body.clone());
        match request.send().await {
            Ok(response) => {
                let status = Some(response.status().as_u16());
                let aborts = response.headers().get("webhook-delivery").is_some_and(|value| value == "abort-message");
                let text = response.text().await.unwrap_or_default();
                Answer { status, json: serde_json::from_str(&text).unwrap_or_default(), aborts }
            }
            Err(_) => Answer { status: None, json: Value::Null, aborts: false },
        }
    }
}

/// The signature of a message under a secret `whsec_…`.
///
/// # Panics
/// If the secret has another form.
#[must_use]
#[expect(clippy::panic, reason = "only tests sign with a secret of their own, and a panic is how they fail")]
pub fn sign(secret: &str, svix_id: &str, timestamp: &str, body: impl AsRef<[u8]>) -> String {
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    let mac = key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok());
    let mut mac = mac.unwrap_or_else(|| panic!("a secret is whsec_ and base64"));
    mac.update(format!("{svix_id}.{timestamp}.").as_bytes());
    mac.update(body.as_ref());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
