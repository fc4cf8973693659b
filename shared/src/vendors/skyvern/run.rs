//! A run as Skyvern is asked for it, and as it lists it.

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::RunStatus;
use crate::ids::RunId;

/// The body of `POST /v1/run/tasks` (Skyvern contract §1.3). Skyvern ignores names it does not
/// know, so a misspelled one would go unnoticed: they are spelled here and nowhere else.
#[derive(Debug, Serialize)]
pub struct NewRun {
    /// What to do, with everything that is needed for it.
    pub prompt: String,
    /// Where to start.
    pub url: Url,
    /// Unique for each attempt: the only way to find a run whose id we did not hear.
    pub title: String,
    /// Where Skyvern tells the outcome.
    pub webhook_url: Url,
    /// Bounds the cost; the server's default differs from one installation to the next.
    pub max_steps: u32,
    /// JSON Schema of what to bring back.
    pub data_extraction_schema: Value,
    /// Our codes for outcomes, each with its condition in words.
    pub error_code_mapping: Value,
}

/// What Skyvern says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its status at that moment.
    pub status: RunStatus,
}
