//! `skyvern-webhook-handler`: receives what Skyvern has to tell about a run.
//!
//! Skyvern POSTs its payload to `?application_id=…&submission_id=…`, signed in
//! `x-skyvern-signature`. Answers 200 `{outcome, application_id, status}` once everything is
//! committed, for a repeated event as for a new one, and then sends the push message, if there is
//! one. 401 `signature_invalid` is final for Skyvern;
//! 503 and 504 make it send again (Skyvern contract §4.4).

mod settings;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    http::{self, Endpoint, Incoming, Reply},
    ids::{ApplicationId, BackgroundJobId, SubmissionId},
    problem::Problem,
    sign_in::ServiceRole,
    supabase::Database,
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
    let arguments = json!({
        "p_run_id": event.run_id,
        "p_run_status": event.status.as_str(),
        "p_attempt": event.attempt,
        "p_retry_pending": event.retry_pending,
        // The signature does not cover the address, so what cannot be read there is left out: the
        // run id alone finds the application as soon as it is recorded.
        "p_application_id": id_in_query::<ApplicationId>(incoming, "application_id"),
        "p_submission_id": id_in_query::<SubmissionId>(incoming, "submission_id"),
        "p_decision": Decision::on(&event),
        // Parsing it has shown that it is UTF-8.
        "p_body": String::from_utf8_lossy(&incoming.body),
        "p_request_id": call.request_id,
    });
    let database = Database::as_service_role(role, &settings.supabase, &call.upstream);
    let applied: Applied = database.call("apply_skyvern_event", &arguments).await?;
    if let Some(job_id) = applied.push_job_id {
        tell_the_person(job_id, role, call);
    }
    Reply::ok(&applied, applied.outcome.clone())
}

/// Has the push message sent at once, without keeping Skyvern waiting. Whatever happens to that, the
/// job stays in the queue until it is done.
fn tell_the_person(job_id: BackgroundJobId, role: ServiceRole, call: &http::Call<Settings>) {
    let Some(push) = call.upstream.service_binding("trigger-push-notification", "TRIGGER_PUSH_NOTIFICATION") else {
        return;
    };
    let supabase = &call.settings.supabase;
    call.after_response(async move {
        let message = json!({ "job_id": job_id }).to_string();
        // Logged by whoever failed; there is nobody left to be told.
        let _ = push.post_json(role, supabase, message).await;
    });
}

fn id_in_query<T: std::str::FromStr>(incoming: &Incoming, name: &str) -> Option<T> {
    incoming.query(name)?.parse().ok()
}

/// What became of the event.
#[derive(Debug, Deserialize, Serialize)]
struct Applied {
    outcome: String,
    application_id: Option<ApplicationId>,
    status: Option<String>,
    /// The push message that the database queued along with the notification.
    #[serde(skip_serializing)]
    push_job_id: Option<BackgroundJobId>,
}

#[cfg(test)]
mod tests;
