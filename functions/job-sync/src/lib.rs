//! `job-sync`: brings job postings from JSearch into the table `jobs`, every night and when asked. For internal callers
//! only.
//!
//! `POST {}`, or `{queries: [name]}` for some of the configured ones. Returns 200 with what was found when all of it is
//! stored. There is one run at a time. A run that fails keeps what it stored; only one that has asked for everything takes
//! postings out of the catalogue, and only those that are known to be gone.
//!
//! Problems: `service_key_required`, `invalid_input`, `job_sync_running`, `job_sync_superseded`, `jsearch_…`,
//! `database_…`.

mod input;
mod queries;
mod retry;
mod run;
mod settings;
mod sync;
mod walk;

use std::sync::OnceLock;

use shared::{
    http::{self, Endpoint, Incoming, Reply},
    problem::Problem,
    sign_in::{self, Scheduled, ServiceRole},
    workers,
};
use worker::{Context, Env, Request, Response, ScheduleContext, ScheduledEvent, event};

use crate::settings::Settings;

const NAME: &str = "job-sync";

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::webhook(NAME), handle).await
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, context: ScheduleContext) {
    workers::run_scheduled(NAME, &env, context, &SETTINGS, handle_schedule).await;
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let caller = sign_in::internal_caller(&incoming.headers, &call.settings.supabase)?;
    let chosen = input::read(incoming, &call.settings.queries)?;

    let report = sync::sync(ServiceRole::of_caller(caller), call, &chosen).await?;
    Reply::ok(&report, "completed")
}

async fn handle_schedule(schedule: Scheduled, call: &http::Call<Settings>) -> Result<String, Problem> {
    let role = ServiceRole::of_schedule(schedule);
    let all: Vec<_> = call.settings.queries.iter().collect();
    match sync::sync(role, call, &all).await {
        Ok(_) => Ok("completed".to_owned()),
        Err(problem) => {
            retry::queue(role, call, &problem).await;
            Err(problem)
        }
    }
}

#[cfg(test)]
mod tests;
