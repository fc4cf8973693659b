//! How a test decides which device a token belongs to, and reads what was delivered.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Expo, lock};

/// The routes below `/__control/expo`.
pub(crate) fn router(expo: Arc<Expo>) -> Router {
    Router::new()
        .route("/devices", post(set_devices))
        .route("/projects", get(project).post(set_project))
        .route("/delivered", get(delivered))
        .route("/age", post(age))
        .with_state(expo)
}

/// What a token leads to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Device {
    /// The project of the app that it belongs to, `@owner/slug`; the usual one if not said.
    pub project: Option<String>,
    /// The error of every ticket, such as `DeviceNotRegistered`; a text without letters for one without details.
    pub ticket_error: Option<String>,
    /// What the receipts will say; that all is well if not said.
    pub receipt: Option<Receipt>,
}

/// What Apple or Google made of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// Taken.
    Ok,
    /// There is none.
    Missing,
    /// Refused, with this error.
    Error(String),
}

/// The tokens that lead to such a device.
#[derive(Debug, Serialize, Deserialize)]
pub struct Devices {
    /// Push tokens.
    pub tokens: Vec<String>,
    /// What each of them leads to.
    pub device: Device,
}

async fn set_devices(State(expo): State<Arc<Expo>>, Json(spec): Json<Devices>) -> StatusCode {
    let mut state = lock(&expo.0);
    state.devices.extend(spec.tokens.into_iter().map(|token| (token, spec.device.clone())));
    StatusCode::NO_CONTENT
}

/// What a project asks for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ProjectSpec {
    /// `@owner/slug`
    pub project: String,
    /// With one, every request needs it.
    pub access_token: Option<String>,
    /// How long an answer takes.
    #[serde(default)]
    pub answers_after_ms: u64,
}

async fn set_project(State(expo): State<Arc<Expo>>, Json(spec): Json<ProjectSpec>) -> StatusCode {
    let mut state = lock(&expo.0);
    let project = state.project(&spec.project);
    project.access_token = spec.access_token;
    project.answers_after = Duration::from_millis(spec.answers_after_ms);
    StatusCode::NO_CONTENT
}

/// What a project has seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// Requests that were for this project alone.
    pub requests: usize,
    /// The most of them that waited for their answer at the same time.
    pub most_at_once: usize,
}

#[derive(Deserialize)]
struct ProjectFilter {
    project: String,
}

async fn project(State(expo): State<Arc<Expo>>, Query(filter): Query<ProjectFilter>) -> Json<ProjectRecord> {
    let state = lock(&expo.0);
    let project = state.projects.get(&filter.project);
    Json(project.map_or_else(ProjectRecord::default, |project| ProjectRecord {
        requests: project.requests,
        most_at_once: project.most_at_once,
    }))
}

/// A message that was taken on for one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivered {
    /// The ticket's.
    pub ticket_id: String,
    /// The device's push token.
    pub token: String,
    /// The device's project.
    pub project: String,
    /// As it was sent.
    pub title: String,
    /// As it was sent.
    pub body: String,
    /// As it was sent.
    pub data: Value,
    /// As it was sent, empty for none.
    pub collapse_id: String,
    /// As it was sent, empty for none.
    pub tag: String,
    /// What the receipt says.
    pub receipt: Receipt,
    /// How long ago a test says that it came.
    pub age_seconds: u64,
}

/// Lets the messages with a text in their token or data grow older.
#[derive(Debug, Serialize, Deserialize)]
pub struct Aging {
    /// The text.
    pub contains: String,
    /// By how much.
    pub seconds: u64,
}

async fn age(State(expo): State<Arc<Expo>>, Json(aging): Json<Aging>) -> StatusCode {
    if aging.contains.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY; // it would meet the messages of every test
    }
    for message in lock(&expo.0).delivered.iter_mut().filter(|message| message.mentions(&aging.contains)) {
        message.age_seconds += aging.seconds;
    }
    StatusCode::NO_CONTENT
}

impl Delivered {
    fn mentions(&self, text: &str) -> bool {
        self.token.contains(text) || self.project == text || self.data.to_string().contains(text)
    }
}

#[derive(Deserialize)]
struct DeliveredFilter {
    /// A text in the token, the project, or the data.
    contains: String,
}

/// `GET /__control/expo/delivered?contains=TEXT`: in the order in which they came.
async fn delivered(State(expo): State<Arc<Expo>>, Query(filter): Query<DeliveredFilter>) -> Json<Vec<Delivered>> {
    let text = filter.contains.as_str();
    let wanted = |message: &&Delivered| message.mentions(text);
    Json(lock(&expo.0).delivered.iter().filter(wanted).cloned().collect())
}
