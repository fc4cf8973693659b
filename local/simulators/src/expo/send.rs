//! `POST /--/api/v2/push/send`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use super::control::{Delivered, Receipt};
use super::refusal::Refusal;
use super::validation::{Message, is_push_token};
use super::{Expo, State, lock, read};

/// The most recipients of one request.
const MOST_RECIPIENTS: usize = 100;

/// The longest payload in bytes.
const LONGEST_PAYLOAD: usize = 4096;

pub(super) async fn send(
    Shared(expo): Shared<Arc<Expo>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let access_token = lock(&expo.0).authenticate(&headers)?;
    let (messages, is_array) = match read(&headers, &body)? {
        Value::Array(messages) => (messages, true),
        message => (vec![message], false),
    };
    let messages: Vec<Message> = messages
        .into_iter()
        .map(Message::read)
        .collect::<Result<_, _>>()
        .map_err(|error| Refusal::validation(&error))?;
    let recipients: Vec<(&Message, &str)> =
        messages.iter().flat_map(|message| message.to.iter().map(move |token| (message, token.as_str()))).collect();
    if recipients.len() > MOST_RECIPIENTS {
        return Err(Refusal::too_many_notifications(recipients.len()));
    }
    let Some(project) = the_project(&lock(&expo.0), &recipients)? else {
        return Ok(Json(json!({ "data": [] })));
    };

    let waits = {
        let mut state = lock(&expo.0);
        let known = state.project(&project);
        known.begin();
        known.answers_after
    };
    tokio::time::sleep(waits).await;
    let mut state = lock(&expo.0);
    state.project(&project).at_once -= 1;
    if let Some(needed) = &state.project(&project).access_token
        && access_token.as_ref() != Some(needed)
    {
        return Err(Refusal::unauthorized());
    }
    if !state.project(&project).takes(recipients.len(), Instant::now()) {
        return Err(Refusal::too_many_requests());
    }
    let mut tickets: Vec<Value> =
        recipients.into_iter().map(|(message, token)| ticket(&mut state, &project, message, token)).collect();
    // To a message that is no array and has one recipient, the answer is no array either.
    let single = !is_array && tickets.len() == 1;
    Ok(Json(json!({ "data": if single { tickets.remove(0) } else { Value::from(tickets) } })))
}

/// The one project that all tokens belong to; none if there are no tokens.
fn the_project(state: &State, recipients: &[(&Message, &str)]) -> Result<Option<String>, Refusal> {
    let mut projects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, token) in recipients {
        projects.entry(state.project_of(token).to_owned()).or_default().push((*token).to_owned());
    }
    if projects.len() > 1 {
        return Err(Refusal::several_projects(&projects));
    }
    Ok(projects.into_keys().next())
}

fn ticket(state: &mut State, project: &str, message: &Message, token: &str) -> Value {
    let refused = |error: &str, text: String| json!({ "status": "error", "message": text, "details": { "error": error, "expoPushToken": token } });
    let device = state.devices.get(token).cloned().unwrap_or_default();
    if !is_push_token(token) {
        return refused("DeviceNotRegistered", format!("\"{token}\" is not a valid Expo push token"));
    }
    match device.ticket_error.as_deref() {
        Some("DeviceNotRegistered") => {
            let text = format!("\"{token}\" is not a registered push notification recipient");
            return refused("DeviceNotRegistered", text);
        }
        Some("") => return json!({ "status": "error", "message": "something went wrong" }),
        Some(error) => return refused(error, format!("{error} for \"{token}\"")),
        None => {}
    }
    if message.payload_length() > LONGEST_PAYLOAD {
        return refused("MessageTooBig", "The payload is longer than 4096 bytes".to_owned());
    }
    let id = Uuid::new_v4().to_string();
    state.deliver(Delivered {
        ticket_id: id.clone(),
        token: token.to_owned(),
        project: project.to_owned(),
        title: message.text("title"),
        body: message.text("body"),
        data: message.fields.get("data").cloned().unwrap_or_default(),
        collapse_id: message.text("collapseId"),
        tag: message.text("tag"),
        receipt: device.receipt.unwrap_or(Receipt::Ok),
        age_seconds: 0,
    });
    json!({ "status": "ok", "id": id })
}
