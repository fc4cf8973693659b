//! `clerk-webhook-handler`: keeps the accounts in step with Clerk.
//!
//! Clerk POSTs through Svix, signed in `svix-signature`. `user.created`, `user.updated` and
//! `user.deleted` become one SQL call each; every other event gets 200 `ignored` and is stored
//! nowhere. Returns 200 `{outcome, user_id}` once everything is committed, for a repeated event as
//! for a new one; Svix sends an event again until it gets a 2xx.

mod event;
mod settings;

use std::sync::OnceLock;

use serde::Serialize;
use shared::{
    http::{self, Endpoint, Incoming, Reply},
    ids::UserId,
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{Database, rpc::accounts::ApplyClerkEvent},
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
        return answer(&Answer { outcome: "ignored", user_id: None });
    };
    let database = Database::as_service_role(ServiceRole::of_webhook(verified), &settings.supabase, &call.upstream);
    let applied = database
        .call(&ApplyClerkEvent {
            event_id: message_id,
            event_type: event.kind(),
            clerk_user_id: event.clerk_user_id(),
            updated_at: event.person().map(|person| person.updated_at),
            person: event.person().map(|person| &person.details),
            // Reading it has shown that it is UTF-8.
            body: String::from_utf8_lossy(&incoming.body),
            request_id: call.request_id,
        })
        .await?;
    answer(&Answer { outcome: &applied.outcome, user_id: applied.user_id })
}

/// What became of the event.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    outcome: &'a str,
    /// Whose account it is; null when nothing was changed.
    user_id: Option<UserId>,
}

fn answer(answer: &Answer) -> Result<Reply, Problem> {
    Reply::ok(answer, answer.outcome)
}

#[cfg(test)]
mod tests;
