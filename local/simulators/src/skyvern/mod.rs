//! Skyvern: creates runs, reports their status, and announces their end by signed webhooks.
//!
//! What a run *does* is decided elsewhere: by a test through [`control`], or by the [`worker`] that lets it complete.

pub mod control;
mod create;
pub mod delivery;
mod fields;
mod payload;
mod refusal;
pub mod run;
mod runs;
mod signature;
mod validation;
mod webhook;
mod worker;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};

use super::keys::{Keys, random_text};
use super::lock;
use control::{CompletionAfterCancel, LateListing};
use refusal::Refusal;
use run::Run;

pub use signature::sign;

/// A benchmark makes a hundred thousand runs; the oldest are forgotten.
const KEPT: usize = 5_000;

/// The state of the simulator.
pub(crate) struct Skyvern {
    current_key: String,
    previous_key: String,
    /// Somebody else's: what it signs must never be believed.
    wrong_key: String,
    runs: Mutex<VecDeque<Run>>,
    late_listings: Mutex<Vec<LateListing>>,
    completions: Mutex<Vec<CompletionAfterCancel>>,
    webhooks: reqwest::Client,
    finishes_after: Option<Duration>,
}

impl Skyvern {
    pub fn new(keys: &Keys, finishes_after: Option<Duration>) -> anyhow::Result<Self> {
        Ok(Self {
            current_key: keys.texts.skyvern_api_key.clone(),
            previous_key: keys.texts.skyvern_previous_api_key.clone(),
            wrong_key: random_text(144),
            runs: Mutex::default(),
            late_listings: Mutex::default(),
            completions: Mutex::default(),
            webhooks: delivery::client()?,
            finishes_after,
        })
    }

    /// The key that a request came with. It is compared as it is: no `Bearer`, no quotes, no spaces.
    fn authenticate(&self, headers: &HeaderMap) -> Result<String, Refusal> {
        let given =
            headers.get("x-api-key").and_then(|key| key.to_str().ok()).ok_or_else(Refusal::invalid_credentials)?;
        if given == self.current_key || given == self.previous_key {
            Ok(given.to_owned())
        } else {
            Err(Refusal::invalid_credentials())
        }
    }

    fn add(&self, run: Run) {
        let mut runs = lock(&self.runs);
        if runs.len() == KEPT {
            runs.pop_front();
        }
        runs.push_back(run);
    }

    /// A copy of the run as it is now.
    fn run(&self, run_id: &str) -> Result<Run, Refusal> {
        self.change(run_id, |run| run.clone())
    }

    /// Changes a run while nobody else does. The newest are looked at first, being the ones that are asked for.
    fn change<T>(&self, run_id: &str, change: impl FnOnce(&mut Run) -> T) -> Result<T, Refusal> {
        let mut runs = lock(&self.runs);
        let run = runs.iter_mut().rev().find(|run| run.id == run_id);
        run.map(change).ok_or_else(|| Refusal::no_such_run(run_id))
    }

    /// Whether the run is in the list already.
    fn is_listed(&self, run: &Run) -> bool {
        let is_late = |late: &LateListing| {
            run.mentions(&late.contains)
                && late.after_ms.is_none_or(|milliseconds| run.age() < Duration::from_millis(milliseconds))
        };
        !lock(&self.late_listings).iter().any(is_late)
    }

    /// Copies of the runs that are wanted, newest first.
    fn find(&self, wanted: impl Fn(&Run) -> bool) -> Vec<Run> {
        lock(&self.runs).iter().rev().filter(|run| wanted(run)).cloned().collect()
    }
}

/// What Skyvern serves to the world, each path with and without a slash at its end.
pub(crate) fn router(skyvern: Arc<Skyvern>) -> Router {
    let routes = [
        ("/v1/run/tasks", post(create::create)),
        ("/v1/runs", get(runs::list)),
        ("/v1/runs/cancel", post(runs::cancel_many)),
        ("/v1/runs/{run_id}", get(runs::read)),
        ("/v1/runs/{run_id}/cancel", post(runs::cancel)),
        ("/v1/runs/{run_id}/retry_webhook", post(webhook::replay)),
    ];
    routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods.clone()).route(&format!("{path}/"), methods)
        })
        .fallback(async || Refusal::no_such_route())
        .method_not_allowed_fallback(async || Refusal::wrong_method())
        .with_state(skyvern)
}
