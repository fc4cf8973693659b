//! Clerk's webhooks as Svix sends them: signed, and if asked for late, twice, under another key or with another time.
//!
//! Each copy is one attempt. Svix retries over hours; a test repeats the same id instead.

use std::sync::Arc;

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
}

fn one() -> usize {
    1
}

impl EventSpec {
    /// One message with everything in order.
    #[must_use]
    pub fn new(kind: &str, data: Value) -> Self {
        Self { kind: kind.to_owned(), data, svix_id: None, timestamp_shift: 0, key: WebhookKey::Current, copies: 1 }
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

struct Sender {
    client: Client,
    target: Url,
    current: String,
    previous: String,
}

/// The part of the control interface that sends webhooks.
pub(crate) fn router(keys: &KeyTexts, functions: &Url) -> anyhow::Result<Router> {
    let sender = Sender {
        // A redirect is a failed delivery.
        client: Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?,
        target: functions.join("/functions/v1/clerk-webhook-handler").context("the address of the functions")?,
        current: keys.clerk_webhook_secret.clone(),
        previous: keys.clerk_previous_webhook_secret.clone(),
    };
    Ok(Router::new().route("/events", post(send)).with_state(Arc::new(sender)))
}

async fn send(State(sender): State<Arc<Sender>>, Json(spec): Json<EventSpec>) -> Json<SentEvent> {
    let now = Utc::now();
    let body = json!({
        "data": spec.data,
        "event_attributes": { "http_request": { "client_ip": "203.0.113.9", "user_agent": "simulator" } },
        "instance_id": CLERK_KEY_ID,
        "object": "event",
        "timestamp": now.timestamp_millis(),
        "type": spec.kind,
    })
    .to_string();
    let svix_id = spec.svix_id.unwrap_or_else(|| format!("msg_{}", random_text(27)));
    let timestamp = (now.timestamp() + spec.timestamp_shift).to_string();
    let sign = |secret: &str| sign(secret, &svix_id, &timestamp, &body);
    let signature = match spec.key {
        WebhookKey::Current => sign(&sender.current),
        WebhookKey::Previous => sign(&sender.previous),
        WebhookKey::Both => format!("{} v1a,b3RoZXI= {}", sign(&sender.previous), sign(&sender.current)),
        WebhookKey::Wrong => sign(&format!("whsec_{}", STANDARD.encode(random_text(32)))),
    };
    let mut sent = SentEvent { svix_id, timestamp, signature, body, answers: Vec::new() };
    sent.answers = join_all((0..spec.copies).map(|_| sender.attempt(&sent))).await;
    Json(sent)
}

impl Sender {
    async fn attempt(&self, message: &SentEvent) -> Answer {
        let request = self
            .client
            .post(self.target.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "Svix-Webhooks/1.62")
            .header("svix-id", &message.svix_id)
            .header("svix-timestamp", &message.timestamp)
            .header("svix-signature", &message.signature)
            .body(message.body.clone());
        match request.send().await {
            Ok(response) => {
                let status = Some(response.status().as_u16());
                let text = response.text().await.unwrap_or_default();
                Answer { status, json: serde_json::from_str(&text).unwrap_or_default() }
            }
            Err(_) => Answer { status: None, json: Value::Null },
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
