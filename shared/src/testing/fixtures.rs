//! The vendors' own answers, to the letter (local/simulators/fixtures).

use std::fs;

use serde::Deserialize;
use serde_json::Value;

/// An answer of a vendor's, or a webhook.
#[derive(Debug, Deserialize)]
pub struct Fixture {
    /// The HTTP status of an answer.
    #[serde(default)]
    pub status: u16,
    /// The media type of an answer.
    #[serde(default)]
    pub content_type: String,
    /// The body.
    #[serde(default)]
    pub body: Value,
    /// The body, where each byte counts.
    #[serde(default)]
    pub text: String,
    /// What signs that.
    #[serde(default)]
    pub key: String,
    /// Its signature.
    #[serde(default)]
    pub signature: String,
}

/// The fixture `vendor/name`.
///
/// # Panics
/// If there is none, or it cannot be read.
#[must_use]
pub fn fixture(name: &str) -> Fixture {
    let path = format!("{}/../local/simulators/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}
