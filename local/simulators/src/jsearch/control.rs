//! How a test decides which postings there are, in which shape they are returned, and how many requests are allowed.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parameters::Parameters;
use super::{Jsearch, catalogue, lock};

/// The routes below `/__control/jsearch`.
pub(crate) fn router(jsearch: Arc<Jsearch>) -> Router {
    Router::new()
        .route("/market", post(set_market))
        .route("/shape", post(set_shape))
        .route("/allowance", post(set_allowance))
        .with_state(jsearch)
}

/// The postings that a query finds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Market {
    /// A text in `query`. The last market that was set for a query counts.
    pub contains: String,
    /// What is found, on all pages.
    pub postings: Postings,
}

/// Where postings come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Postings {
    /// Made up: those with the numbers from `first`, `count` of them. The same number is the same posting, whose text
    /// changes with the edition.
    MadeUp {
        /// The first number.
        first: usize,
        /// How many.
        count: usize,
        /// Such as 1, and 2 when the texts have changed.
        edition: u32,
    },
    /// Exactly these.
    Given(Vec<Value>),
}

/// The shape of `data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// An object with a cursor; there is no `/search`.
    #[default]
    Object,
    /// An array; `/search` exists.
    Array,
}

impl Market {
    /// What any other query finds.
    pub(super) fn usual(parameters: &Parameters) -> Self {
        let contains = parameters.text("query").unwrap_or_default().to_owned();
        let count = 13 + contains.len() % 20;
        Self { contains, postings: Postings::MadeUp { first: 0, count, edition: 1 } }
    }

    pub(super) fn fits(&self, parameters: &Parameters) -> bool {
        parameters.text("query").is_some_and(|query| query.to_lowercase().contains(&self.contains.to_lowercase()))
    }

    pub(super) fn len(&self) -> usize {
        match &self.postings {
            Postings::MadeUp { count, .. } => *count,
            Postings::Given(postings) => postings.len(),
        }
    }

    /// Some answers end with a null cursor, others with none.
    pub(super) fn omits_last_cursor(&self) -> bool {
        self.len().is_multiple_of(2)
    }

    pub(super) fn postings(&self, parameters: &Parameters, range: Range<usize>) -> Vec<Value> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        match &self.postings {
            Postings::MadeUp { first, edition, .. } => {
                range.map(|index| catalogue::posting(parameters, first + index, *edition)).collect()
            }
            Postings::Given(postings) => postings[range].to_vec(),
        }
    }
}

async fn set_market(State(jsearch): State<Arc<Jsearch>>, Json(market): Json<Market>) -> StatusCode {
    if market.contains.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY; // it would meet the searches of every test
    }
    let mut markets = lock(&jsearch.markets);
    markets.retain(|known| known.contains != market.contains);
    markets.push(market);
    StatusCode::NO_CONTENT
}

async fn set_shape(State(jsearch): State<Arc<Jsearch>>, Json(shape): Json<Shape>) -> StatusCode {
    *lock(&jsearch.shape) = shape;
    StatusCode::NO_CONTENT
}

/// A number, or null for an allowance without an end.
async fn set_allowance(State(jsearch): State<Arc<Jsearch>>, Json(remaining): Json<Option<u32>>) -> StatusCode {
    lock(&jsearch.allowance).set(remaining);
    StatusCode::NO_CONTENT
}
