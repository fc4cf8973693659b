//! Expo's push service: accepts messages and returns tickets and receipts, but delivers nothing.
//!
//! A test decides through [`control`] which device a token belongs to; any other token is a working device of the
//! [usual project](USUAL_PROJECT).

pub mod control;
mod project;
mod receipts;
mod refusal;
mod send;
mod validation;

use std::collections::{HashMap, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::lock;
use control::{Delivered, Device};
use project::Project;
use refusal::Refusal;

/// The project of a token that no test gave to another.
pub const USUAL_PROJECT: &str = "@jobraker/app";

/// A benchmark sends a hundred thousand messages; the oldest are forgotten.
const KEPT: usize = 20_000;

/// The longest body that is unpacked.
const LONGEST_BODY: u64 = 8 * 1024 * 1024;

/// The state of the simulator.
#[derive(Default)]
pub(crate) struct Expo(Mutex<State>);

#[derive(Default)]
struct State {
    devices: HashMap<String, Device>,
    projects: HashMap<String, Project>,
    delivered: VecDeque<Delivered>,
}

impl State {
    fn project_of(&self, token: &str) -> &str {
        self.devices.get(token).and_then(|device| device.project.as_deref()).unwrap_or(USUAL_PROJECT)
    }

    fn project(&mut self, name: &str) -> &mut Project {
        self.projects.entry(name.to_owned()).or_default()
    }

    fn deliver(&mut self, message: Delivered) {
        if self.delivered.len() == KEPT {
            self.delivered.pop_front();
        }
        self.delivered.push_back(message);
    }

    /// A bearer is checked even where none is needed.
    fn authenticate(&self, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        let Some(given) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let token = given.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let known = |token: &&str| self.projects.values().any(|project| project.access_token.as_deref() == Some(token));
        token.filter(known).map(|token| Some(token.to_owned())).ok_or_else(Refusal::invalid_token)
    }
}

/// What Expo serves to the world.
pub(crate) fn router(expo: Arc<Expo>) -> Router {
    Router::new()
        .route("/--/api/v2/push/send", post(send::send))
        .route("/--/api/v2/push/getReceipts", post(receipts::get_receipts))
        .fallback(async || Refusal::no_such_route())
        .with_state(expo)
}

/// A JSON body, as it is or compressed.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if media_type != "application/json" {
        return Err(Refusal::validation("the body must be application/json"));
    }
    let unpacked = match text(header::CONTENT_ENCODING) {
        "" | "identity" => body.to_vec(),
        "gzip" => unpack(body).ok_or_else(|| Refusal::validation("the body is no gzip"))?,
        other => return Err(Refusal::validation(&format!("unknown content encoding {other}"))),
    };
    let json: Value =
        serde_json::from_slice(&unpacked).map_err(|error| Refusal::validation(&format!("Invalid JSON: {error}")))?;
    serde_json::from_value(json).map_err(|error| Refusal::validation(&error.to_string()))
}

/// The text in a gzip body.
pub(super) fn unpack(body: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(body).take(LONGEST_BODY).read_to_end(&mut unpacked).ok().map(|_| unpacked)
}
