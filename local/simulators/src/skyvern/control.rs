//! How a test decides how a run ends, and reads what was sent.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Skyvern;
use super::delivery::{Delivery, Message};
use super::lock;
use super::payload;
use super::refusal::Refusal;
use super::run::{Run, RunStatus};
use super::signature::serialise;

/// The routes below `/__control/skyvern`.
pub(crate) fn router(skyvern: Arc<Skyvern>) -> Router {
    Router::new()
        .route("/skyvern/runs", get(runs))
        .route("/skyvern/runs/{run_id}/finish", post(finish))
        .route("/skyvern/late-listings", post(list_late))
        .route("/skyvern/late-listings/release", post(list_now))
        .route("/skyvern/completions-after-cancel", post(complete_after_cancel))
        .with_state(skyvern)
}

/// A run that was created, with what was asked of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedRun {
    /// `tsk_…`
    pub run_id: String,
    /// The body of the creation, as it was received.
    pub request: Map<String, Value>,
    /// The title that the creator gave.
    pub title: Option<String>,
    /// Where the end of the run will be reported.
    pub webhook_url: Option<String>,
    /// Where the run is now.
    pub status: RunStatus,
    /// The webhooks that were sent so far.
    pub deliveries: Vec<Delivery>,
}

impl From<Run> for RecordedRun {
    fn from(run: Run) -> Self {
        Self {
            title: run.title().map(str::to_owned),
            run_id: run.id,
            request: run.request,
            webhook_url: run.webhook_url,
            status: run.status,
            deliveries: run.deliveries,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct RunFilter {
    #[serde(default)]
    contains: String,
}

/// `GET /__control/skyvern/runs?contains=TEXT`: in order of creation.
async fn runs(State(skyvern): State<Arc<Skyvern>>, Query(filter): Query<RunFilter>) -> Json<Vec<RecordedRun>> {
    let found = skyvern.find(|run| run.mentions(&filter.contains));
    Json(found.into_iter().rev().map(RecordedRun::from).collect())
}

/// How a run goes on, and how its webhook is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of a test's that is left alone by the others")]
pub struct Finish {
    /// Where the run is from now on.
    pub status: RunStatus,
    /// The extracted data.
    #[serde(default)]
    pub output: Value,
    /// Items with `error_code`, `reasoning`, …
    #[serde(default)]
    pub errors: Value,
    /// Free text.
    #[serde(default)]
    pub failure_reason: Value,
    /// Only runs of workflows have attempts, so saying one makes the run one of a workflow.
    pub attempt: Option<u32>,
    /// Likewise.
    pub retry_pending: Option<bool>,
    /// Decides the form of the webhook.
    pub run_type: Option<String>,
    /// How often the webhook is delivered.
    #[serde(default = "one")]
    pub copies: usize,
    /// All copies at once, or one after the other.
    #[serde(default)]
    pub concurrently: bool,
    /// The key that signs.
    #[serde(default)]
    pub key: SigningKey,
    /// Whether the webhook is sent at all. Of a run that goes on Skyvern says nothing.
    #[serde(default = "yes")]
    pub deliver: bool,
    /// It is sent all the same.
    #[serde(default)]
    pub reports_progress: bool,
    /// Only the webhook is sent, late or too early: the run stays as it is, and need not be able to get there.
    #[serde(default)]
    pub out_of_turn: bool,
    /// Fields of the payload to add or replace; null stays null.
    #[serde(default)]
    pub payload: Map<String, Value>,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

impl Finish {
    /// One webhook that says this status and nothing more.
    #[must_use]
    pub fn with_status(status: RunStatus) -> Self {
        Self {
            status,
            output: Value::Null,
            errors: Value::Null,
            failure_reason: Value::Null,
            attempt: None,
            retry_pending: None,
            run_type: None,
            copies: 1,
            concurrently: false,
            key: SigningKey::default(),
            deliver: true,
            reports_progress: false,
            out_of_turn: false,
            payload: Map::new(),
        }
    }

    /// A completed run with all the proof that a submission needs.
    #[must_use]
    pub fn submitted() -> Self {
        Self {
            output: json!({
                "submitted": true,
                "confirmation_id": "CONF-2041",
                "confirmation_text": "Merci – your application was received.",
                "resume_attached": true,
            }),
            ..Self::with_status(RunStatus::Completed)
        }
    }

    /// A run that ended with one of our own error codes.
    #[must_use]
    pub fn with_error(status: RunStatus, code: &str, reasoning: &str) -> Self {
        Self {
            errors: json!([{
                "error_code": code,
                "reasoning": reasoning,
                "confidence_float": 0.9,
                "error_type": "USER_DEFINED_ERROR",
            }]),
            failure_reason: json!(reasoning),
            ..Self::with_status(status)
        }
    }
}

/// The key that signs a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningKey {
    /// As Skyvern chooses: the key that created the run.
    #[default]
    Usual,
    /// The key in use.
    Current,
    /// The key that is being replaced.
    Previous,
    /// A key of somebody else.
    Wrong,
}

/// What was sent, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finished {
    /// One for each copy.
    pub deliveries: Vec<Delivery>,
    /// The raw body.
    pub body: String,
    /// `x-skyvern-signature`
    pub signature: String,
}

/// `POST /__control/skyvern/runs/{run_id}/finish`
async fn finish(
    State(skyvern): State<Arc<Skyvern>>,
    Path(run_id): Path<String>,
    Json(spec): Json<Finish>,
) -> Result<Json<Finished>, Refusal> {
    finish_run(&skyvern, &run_id, spec).await.map(Json)
}

/// Moves a run on, if it can get there, and sends its webhook.
pub(super) async fn finish_run(skyvern: &Skyvern, run_id: &str, spec: Finish) -> Result<Finished, Refusal> {
    let run = skyvern.change(run_id, |run| {
        if spec.out_of_turn {
            let mut as_told = run.clone();
            spec.apply_to(&mut as_told);
            return Ok(as_told);
        }
        // Another attempt of a workflow begins anew.
        if !run.retry_pending && !run.status.may_become(spec.status) {
            return Err(Refusal::illegal_transition(run.status, spec.status));
        }
        spec.apply_to(run);
        Ok(run.clone())
    })??;
    let key = match spec.key {
        SigningKey::Usual => skyvern.signing_key(&run),
        SigningKey::Current => skyvern.current_key.clone(),
        SigningKey::Previous => skyvern.previous_key.clone(),
        SigningKey::Wrong => skyvern.wrong_key.clone(),
    };
    let mut payload = payload::of(&run);
    for (name, value) in spec.payload {
        payload[name] = value;
    }
    let target = run.webhook_url.as_deref().unwrap_or_default();
    let message = Message::new(target, serialise(payload), &key);
    let is_news = spec.status.is_final() || spec.reports_progress;
    let deliveries = if spec.deliver && is_news && run.webhook_url.is_some() {
        skyvern.deliver_copies(run_id, &message, spec.copies, spec.concurrently).await
    } else {
        Vec::new()
    };
    Ok(Finished { deliveries, body: message.body, signature: message.signature })
}

/// Runs that are not in the list at first, as those are that were started a moment ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LateListing {
    /// A text in the request that starts them.
    pub contains: String,
    /// How long it takes; none for until they are released.
    pub after_ms: Option<u64>,
}

async fn list_late(State(skyvern): State<Arc<Skyvern>>, Json(late): Json<LateListing>) -> StatusCode {
    if late.contains.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY; // it would meet the runs of every test
    }
    lock(&skyvern.late_listings).push(late);
    StatusCode::NO_CONTENT
}

async fn list_now(State(skyvern): State<Arc<Skyvern>>, Json(filter): Json<RunFilter>) -> StatusCode {
    lock(&skyvern.late_listings).retain(|late| late.contains != filter.contains);
    StatusCode::NO_CONTENT
}

/// What becomes of runs that are cancelled too late: the cancellation is accepted, and then they end like this.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompletionAfterCancel {
    /// A text in the request that starts them.
    pub contains: String,
    /// How they end.
    pub finish: Finish,
}

async fn complete_after_cancel(
    State(skyvern): State<Arc<Skyvern>>,
    Json(completion): Json<CompletionAfterCancel>,
) -> StatusCode {
    if completion.contains.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY; // likewise
    }
    lock(&skyvern.completions).push(completion);
    StatusCode::NO_CONTENT
}

impl Finish {
    fn apply_to(&self, run: &mut Run) {
        if self.attempt.is_some() || self.retry_pending.is_some() {
            "workflow_run".clone_into(&mut run.kind);
        }
        if let Some(run_type) = &self.run_type {
            run.kind.clone_from(run_type);
        }
        run.attempt = self.attempt.unwrap_or(run.attempt);
        run.retry_pending = self.retry_pending.unwrap_or(false);
        run.output = self.output.clone();
        run.errors = self.errors.clone();
        run.failure_reason = self.failure_reason.clone();
        run.set_status(self.status);
    }
}

impl Skyvern {
    pub(super) fn completion_after_cancel(&self, run: &Run) -> Option<Finish> {
        let completions = lock(&self.completions);
        completions.iter().find(|completion| run.mentions(&completion.contains)).map(|found| found.finish.clone())
    }

    async fn deliver_copies(
        &self,
        run_id: &str,
        message: &Message,
        copies: usize,
        concurrently: bool,
    ) -> Vec<Delivery> {
        if concurrently {
            return join_all((0..copies).map(|_| self.deliver(run_id, message))).await;
        }
        let mut deliveries = Vec::new();
        for _ in 0..copies {
            deliveries.push(self.deliver(run_id, message).await);
        }
        deliveries
    }
}
