//! `trigger-push-notification`: sends push messages to people's devices. For internal callers only.
//!
//! `POST {user_id, title, message, data}`, or `{job_id}` for a message that waits in the queue, or
//! `{job_id, lease_number}` for one that the runner has taken from there, or an array of up to 1,000
//! of these. Returns 200 with what happened to each message on each device.
//!
//! A message that is sent again takes the place of the first on the screen. A queued one is leased, so
//! that of several callers one sends it, and is done or put back in the same transaction that keeps the
//! tickets.
//!
//! Problems: `service_key_required`, `invalid_input`, `expo_…` when Expo took nothing, `database_…`.

mod batch;
mod delivery;
mod delivery_outcome;
mod input;
mod queue;
mod report;
mod settings;

use std::sync::OnceLock;

use shared::{
    http::{self, Endpoint, Incoming, Reply},
    problem::Problem,
    sign_in::{self, ServiceRole},
    supabase::Database,
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::{delivery::Delivery, report::Report, settings::Settings};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::webhook("trigger-push-notification"), handle).await
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let settings = call.settings;
    let caller = sign_in::internal_caller(&incoming.headers, &settings.supabase)?;
    let requests = input::read(incoming)?;

    let database = Database::as_service_role(ServiceRole::of_caller(caller), &settings.supabase, &call.upstream);
    let claimed = queue::claim(&database, requests).await?;
    let outcomes = Delivery::new(&claimed.messages, call).send().await;
    let report = Report::new(&claimed.messages, &outcomes);
    queue::record(&database, &claimed, &outcomes).await?;

    if let Some(fault) = report.fault() {
        queue::note_failure(&database, fault).await;
        return Err(fault.into());
    }
    Reply::ok(&report, report.outcome())
}

#[cfg(test)]
mod tests;
