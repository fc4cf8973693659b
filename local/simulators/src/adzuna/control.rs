//! How a test decides what Adzuna finds and how much it allows.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parameters::Parameters;
use super::{Adzuna, lock};

pub use super::allowance::Limits;

/// The routes below `/__control/adzuna`.
pub(crate) fn router(adzuna: Arc<Adzuna>) -> Router {
    Router::new().route("/results", post(seed)).route("/limits", post(limit)).with_state(adzuna)
}

/// What searches for certain words find, in place of what is made up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeededResults {
    /// A text in `what`.
    pub contains: String,
    /// The postings of all pages, as they are sent.
    pub results: Vec<Value>,
}

impl SeededResults {
    pub(super) fn fits(&self, parameters: &Parameters) -> bool {
        parameters.text("what").is_some_and(|what| what.to_lowercase().contains(&self.contains.to_lowercase()))
    }

    pub(super) fn count(&self) -> usize {
        self.results.len()
    }

    pub(super) fn page(self, range: Range<usize>) -> Vec<Value> {
        self.results.into_iter().skip(range.start).take(range.len()).collect()
    }
}

async fn seed(State(adzuna): State<Arc<Adzuna>>, Json(seeded): Json<SeededResults>) -> StatusCode {
    if seeded.contains.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY; // it would meet the searches of every test
    }
    lock(&adzuna.seeded).push(seeded);
    StatusCode::NO_CONTENT
}

async fn limit(State(adzuna): State<Arc<Adzuna>>, Json(limits): Json<Limits>) -> StatusCode {
    lock(&adzuna.allowance).limits = limits;
    StatusCode::NO_CONTENT
}
