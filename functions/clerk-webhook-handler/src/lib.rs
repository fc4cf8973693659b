//! `clerk-webhook-handler`: keeps the accounts in step with Clerk.
//!
//! Clerk POSTs through Svix, signed in `svix-signature`. `user.created`, `user.updated` and
//! `user.deleted` become one SQL call each; every other event is answered 200 `ignored` and kept
//! nowhere. Answers 200 `{outcome, user_id}` once everything is committed, for a repeated event as
//! for a new one; Svix sends again whatever is answered with anything but 2xx.

mod event;
mod settings;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    http::{self, Endpoint, Incoming, Reply},
    ids::UserId,
    problem::Problem,
    sign_in::ServiceRole,
    supabase::Database,
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::{event::Event, settings::Settings};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::webhook("clerk-webhook-handler"), handle).await
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let settings = call.settings;
    let (message_id, verified) = settings.webhook_keys.verify(&incoming.headers, &incoming.body, call.received_at)?;
    let Some(event) = Event::read(incoming)? else {
        return answer(&Applied { outcome: "ignored".to_owned(), user_id: None });
    };
    let arguments = json!({
        "p_event_id": message_id,
        "p_event_type": event.kind(),
        "p_clerk_user_id": event.clerk_user_id(),
        "p_updated_at": event.person().map(|person| person.updated_at),
        "p_person": event.person(),
        // Reading it has shown that it is UTF-8.
        "p_body": String::from_utf8_lossy(&incoming.body),
        "p_request_id": call.request_id,
    });
    let database = Database::as_service_role(ServiceRole::of_webhook(verified), &settings.supabase, &call.upstream);
    answer(&database.call("apply_clerk_event", &arguments).await?)
}

/// What became of the event.
#[derive(Debug, Deserialize, Serialize)]
struct Applied {
    outcome: String,
    /// Whose account it is; null when nothing was changed.
    user_id: Option<UserId>,
}

fn answer(applied: &Applied) -> Result<Reply, Problem> {
    Reply::ok(applied, applied.outcome.clone())
}

#[cfg(test)]
mod tests;
