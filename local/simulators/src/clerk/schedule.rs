//! Svix's schedule: a message that is not taken is tried again, after seconds, minutes and hours
//! (docs/vendors/clerk.md#event-delivery). The hours pass when a test says so, for each message by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::webhook::{Answer, EventSpec, Sender, envelope, new_id};
use crate::lock;

/// Seconds from each attempt to the next one. After the last of them the message is given up.
pub const PAUSES: [u64; 7] = [5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

const HOUR: u64 = 60 * 60;

/// A message, and what became of it so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScheduledMessage {
    /// `svix-id`, the same at every attempt.
    pub svix_id: String,
    /// Seconds since the first attempt.
    pub clock: u64,
    /// In their order.
    pub attempts: Vec<ScheduledAttempt>,
    /// When the next one is due; none when the message was taken or is given up.
    pub next_at: Option<u64>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScheduledAttempt {
    /// Seconds since the first one.
    pub at: u64,
    /// `svix-timestamp`
    pub timestamp: String,
    /// `svix-signature`
    pub signature: String,
    /// What was answered.
    pub answer: Answer,
}

/// How far the clock of a message goes on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Passing {
    /// By so much.
    pub seconds: u64,
}

struct Outbox {
    sender: Arc<Sender>,
    messages: Mutex<HashMap<String, Waiting>>,
}

/// A message with what is needed to send it again.
struct Waiting {
    spec: EventSpec,
    body: String,
    message: ScheduledMessage,
}

/// The part of the control interface that lets Svix try again.
pub(super) fn router(sender: Arc<Sender>) -> Router {
    let outbox = Outbox { sender, messages: Mutex::default() };
    Router::new()
        .route("/messages", post(hand_over))
        .route("/messages/{svix_id}/pass", post(pass))
        .with_state(Arc::new(outbox))
}

/// `POST /__control/clerk/messages`: the first attempt is made at once.
async fn hand_over(State(outbox): State<Arc<Outbox>>, Json(spec): Json<EventSpec>) -> Json<ScheduledMessage> {
    let svix_id = spec.svix_id.clone().unwrap_or_else(new_id);
    let message = ScheduledMessage { svix_id, clock: 0, attempts: Vec::new(), next_at: Some(0) };
    let mut waiting = Waiting { body: envelope(&spec), spec, message };
    waiting.pass(0, &outbox.sender).await;
    Json(outbox.keep(waiting))
}

/// `POST /__control/clerk/messages/{svix_id}/pass`: the attempts that come due meanwhile are made.
async fn pass(
    State(outbox): State<Arc<Outbox>>,
    Path(svix_id): Path<String>,
    Json(Passing { seconds }): Json<Passing>,
) -> Result<Json<ScheduledMessage>, StatusCode> {
    let waiting = lock(&outbox.messages).remove(&svix_id);
    let mut waiting = waiting.ok_or(StatusCode::NOT_FOUND)?;
    waiting.pass(seconds, &outbox.sender).await;
    Ok(Json(outbox.keep(waiting)))
}

impl Outbox {
    fn keep(&self, waiting: Waiting) -> ScheduledMessage {
        let message = waiting.message.clone();
        lock(&self.messages).insert(message.svix_id.clone(), waiting);
        message
    }
}

impl Waiting {
    async fn pass(&mut self, seconds: u64, sender: &Sender) {
        let until = self.message.clock + seconds;
        while let Some(at) = self.message.next_at.filter(|at| *at <= until) {
            let signed = sender.sign(&self.spec, self.message.svix_id.clone(), self.body.clone());
            let answer = sender.attempt(&signed, self.spec.target.as_ref()).await;
            let is_over = answer.aborts || answer.status.is_some_and(|status| (200..300).contains(&status));
            let pause = PAUSES.get(self.message.attempts.len()).filter(|_| !is_over);
            self.message.next_at = pause.map(|pause| at + pause);
            let (timestamp, signature) = (signed.timestamp, signed.signature);
            self.message.attempts.push(ScheduledAttempt { at, timestamp, signature, answer });
        }
        self.message.clock = until;
    }
}
