//! `POST /--/api/v2/push/getReceipts`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::control::Receipt;
use super::refusal::Refusal;
use super::{Expo, lock, read};

/// The most receipts of one request.
const MOST_RECEIPTS: usize = 1000;

/// Receipts are deleted after a day.
const KEPT_SECONDS: u64 = 24 * 60 * 60;

#[derive(Deserialize)]
struct Wanted {
    ids: Vec<String>,
}

/// A receipt that is not there is left out.
pub(super) async fn get_receipts(
    Shared(expo): Shared<Arc<Expo>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let state = lock(&expo.0);
    let access_token = state.authenticate(&headers)?;
    let wanted: Wanted = read(&headers, &body)?;
    if wanted.ids.len() > MOST_RECEIPTS {
        return Err(Refusal::too_many_receipts(wanted.ids.len()));
    }
    let mut receipts = Map::new();
    for id in wanted.ids {
        let Some(message) = state.delivered.iter().rev().find(|message| message.ticket_id == id) else { continue };
        let needed = state.projects.get(&message.project).and_then(|project| project.access_token.as_ref());
        if needed.is_some() && access_token.as_ref() != needed {
            return Err(Refusal::unauthorized());
        }
        if message.age_seconds >= KEPT_SECONDS {
            continue;
        }
        let receipt = match &message.receipt {
            Receipt::Ok => json!({ "status": "ok" }),
            Receipt::Missing => continue,
            Receipt::Error(error) => json!({
                "status": "error",
                "message": format!("{error} for \"{}\"", message.token),
                "details": { "error": error, "expoPushToken": message.token },
            }),
        };
        receipts.insert(id, receipt);
    }
    Ok(Json(json!({ "data": receipts })))
}
