//! The request for a new run, and a run as Skyvern lists it.

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::RunStatus;
use crate::ids::RunId;

/// The body of `POST /v1/run/tasks` (docs/vendors/skyvern.md#starting-a-run). Skyvern ignores names that it does not
/// know, so a misspelled one would go unnoticed: they are spelled here and nowhere else.
#[derive(Debug, Serialize)]
pub struct NewRun {
    /// What to do, with everything that Skyvern needs for it.
    pub prompt: String,
    /// The page to start on.
    pub url: Url,
    /// Unique for each submission: the only way to find a run whose id we did not receive.
    pub title: String,
    /// Where Skyvern sends its webhooks.
    pub webhook_url: Url,
    /// Limits the cost; the default differs between installations of Skyvern.
    pub max_steps: u32,
    /// The JSON Schema of the data to extract.
    pub data_extraction_schema: Value,
    /// Our codes for outcomes, each with its condition in words; see [`error_code_mapping`](super::error_code_mapping).
    pub error_code_mapping: Value,
}

/// A run as Skyvern lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its status at that moment.
    pub status: RunStatus,
}
