//! `skyvern-webhook-handler`: receives Skyvern's news of a run.
//!
//! Skyvern POSTs its payload to `?application_id=…&submission_id=…`, signed in
//! `x-skyvern-signature`. Returns 200 `{outcome, application_id, status}` once everything is
//! committed, for a repeated event as for a new one, and then sends the push message, if there is
//! one. 401 `signature_invalid` is final for Skyvern;
//! 503 and 504 make it send again (docs/vendors/skyvern.md#webhook-delivery).

mod settings;

use std::sync::OnceLock;

use serde::Serialize;
use serde_json::json;
use shared::{
    application_status::ApplicationStatus,
    http::{self, Endpoint, Incoming, Reply},
    ids::{ApplicationId, BackgroundJobId},
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{
        Database,
        rpc::applications::{ApplySkyvernEvent, Source},
    },
    vendors::skyvern::{Decision, Event},
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::settings::Settings;

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::webhook("skyvern-webhook-handler"), handle).await
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let settings = call.settings;
    let signature = incoming.headers.get("x-skyvern-signature");
    let verified = settings.webhook_keys.verify(signature, &incoming.body).ok_or(Problem::SignatureInvalid)?;
    let role = ServiceRole::of_webhook(verified);
    incoming.require_json_type()?;
    let event = Event::parse(&incoming.body)?;
    let database = Database::as_service_role(role, &settings.supabase, &call.upstream);
    let applied = database
        .call(&ApplySkyvernEvent {
            run_id: &event.run_id,
            run_status: event.status.as_str(),
            attempt: event.attempt,
            retry_pending: event.retry_pending,
            // The signature does not cover the address, so what cannot be read there is left out: the
            // run id alone finds the application as soon as it is recorded.
            application_id: id_in_query(incoming, "application_id"),
            submission_id: id_in_query(incoming, "submission_id"),
            decision: &Decision::on(&event),
            // Parsing it has shown that it is UTF-8.
            body: String::from_utf8_lossy(&incoming.body),
            request_id: call.request_id,
            source: Source::SkyvernWebhook,
        })
        .await?;
    if let Some(job_id) = applied.push_job_id {
        send_push_message(job_id, role, call);
    }
    let answer = Answer { outcome: &applied.outcome, application_id: applied.application_id, status: applied.status };
    Reply::ok(&answer, answer.outcome)
}

/// Has the push message sent at once, without keeping Skyvern waiting. If that fails, the job stays in
/// the queue until it is done.
fn send_push_message(job_id: BackgroundJobId, role: ServiceRole, call: &http::Call<Settings>) {
    let Some(push) = call.upstream.service_binding("trigger-push-notification", "TRIGGER_PUSH_NOTIFICATION") else {
        return;
    };
    let supabase = &call.settings.supabase;
    call.after_response(async move {
        let message = json!({ "job_id": job_id }).to_string();
        // Whoever failed has logged it, and the response is gone.
        let _ = push.post_json(role, supabase, message).await;
    });
}

fn id_in_query<T: std::str::FromStr>(incoming: &Incoming, name: &str) -> Option<T> {
    incoming.query(name)?.parse().ok()
}

/// What became of the event.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    outcome: &'a str,
    application_id: Option<ApplicationId>,
    status: Option<ApplicationStatus>,
}

#[cfg(test)]
mod tests;
