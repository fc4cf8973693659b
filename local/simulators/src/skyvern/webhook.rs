//! Sending the webhook of a run, and replaying it.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::Skyvern;
use super::delivery::{Delivery, Message};
use super::payload;
use super::refusal::Refusal;
use super::run::Run;
use super::signature::serialise;

impl Run {
    /// The webhook of this run as it is now, if it has a receiver.
    pub(super) fn message(&self, api_key: &str) -> Option<Message> {
        let target = self.webhook_url.as_deref()?;
        Some(Message::new(target, serialise(payload::of(self)), api_key))
    }
}

impl Skyvern {
    /// Delivers a message and remembers what became of it. A failure does not change the run's status.
    pub(super) async fn deliver(&self, run_id: &str, message: &Message) -> Delivery {
        let delivery = message.deliver(&self.webhooks).await;
        // A run that was forgotten meanwhile has nothing to remember it in.
        let _ = self.change(run_id, |run| {
            run.webhook_failure_reason = (!delivery.succeeded()).then(|| "Webhook delivery failed".to_owned());
            run.deliveries.push(delivery.clone());
        });
        delivery
    }

    /// The key that signs what Skyvern sends by itself: the creator's, but for engine 2.0 the newest that is valid.
    pub(super) fn signing_key(&self, run: &Run) -> String {
        if run.kind == "task_v2" { self.current_key.clone() } else { run.api_key.clone() }
    }
}

/// `POST /v1/runs/{run_id}/retry_webhook`: one attempt, signed by the key of this call, over a body that is built anew.
/// The answer is 200 even if the receiver failed.
pub(super) async fn replay(
    State(skyvern): State<Arc<Skyvern>>,
    Path(run_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let api_key = skyvern.authenticate(&headers)?;
    let mut run = skyvern.run(&run_id)?;
    if run.retry_pending {
        return Err(Refusal::conflict(format!("Run {run_id} has a retry pending")));
    }
    if !run.status.is_final() {
        return Err(Refusal::bad_request(format!("Run {run_id} has not reached a terminal state")));
    }
    let default_target = run.webhook_url.clone();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(target) = asked["webhook_url"].as_str() {
        run.webhook_url = Some(target.to_owned());
    }
    let message = run.message(&api_key);
    let message = message.ok_or_else(|| Refusal::bad_request(format!("Run {run_id} has no webhook URL")))?;
    let started = Instant::now();
    let (attempt, _) = message.attempt(&skyvern.webhooks).await;
    Ok(Json(json!({
        "run_id": run.id,
        "run_type": run.kind,
        "default_webhook_url": default_target,
        "target_webhook_url": message.target,
        "payload": message.body,
        "headers": {
            "x-skyvern-timestamp": message.timestamp,
            "x-skyvern-signature": message.signature,
            "Content-Type": "application/json",
        },
        "status_code": attempt.status,
        "latency_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "response_body": attempt.body,
        "error": attempt.error,
    })))
}
