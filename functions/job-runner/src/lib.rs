//! `job-runner`: does the work that waits in the queue, and queues what is due by schedule.
//!
//! Runs every minute by its cron. `POST {job_types}`, with the service-role key, runs it at once; without `job_types` it
//! runs every type that does not take minutes. Returns 200 with how many jobs ended in which way, and whether more are
//! due.
//!
//! Several runs at once are safe: each job is leased to one of them. A run ends after a third of a minute, and requests
//! the next one itself while work remains. Each job writes a log line of its own.
//!
//! Problems: `service_key_required`, `invalid_input`, `database_…`.

mod attempt;
mod batch;
mod job;
mod job_type;
mod job_types;
mod outcome;
mod queue;
mod run;
mod run_event;
mod run_request;
mod settings;
mod summary;

use std::sync::OnceLock;

use shared::{
    http::{self, Endpoint, Incoming, Reply},
    problem::Problem,
    sign_in::{self, ServiceRole},
    workers,
};
use worker::{Context, Env, Request, Response, ScheduleContext, ScheduledEvent, event};

use crate::{run_request::RunRequest, settings::Settings};

const NAME: &str = "job-runner";

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::webhook(NAME), handle).await
}

#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, context: ScheduleContext) {
    workers::run_scheduled(NAME, &env, context, &SETTINGS, async |schedule, call| {
        let role = ServiceRole::of_schedule(schedule);
        run::run(&RunRequest::everything(), role, call).await.map(|summary| summary.outcome())
    })
    .await;
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let caller = sign_in::internal_caller(&incoming.headers, &call.settings.supabase)?;
    let request = RunRequest::read(incoming)?;
    let summary = run::run(&request, ServiceRole::of_caller(caller), call).await?;
    Reply::ok(&summary, summary.outcome())
}

#[cfg(test)]
mod tests;
