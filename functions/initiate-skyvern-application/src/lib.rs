//! `initiate-skyvern-application`: hands one of the caller's applications to Skyvern.
//!
//! `POST {"application_id": uuid}` returns 202 `{application_id, run_id, status}`. A second call
//! returns the same run: two calls at once start one, and an `Idempotency-Key` header makes a call
//! repeatable whatever became of the application since.
//!
//! Problems: those of signing in, `invalid_input`, `profile_pending`, `application_not_found`,
//! `application_wrong_status`, `submission_in_progress`, `submission_open`,
//! `idempotency_key_reused`, `resume_missing`, `resume_not_found`, `job_url_not_allowed`, `job_url_unresolved`,
//! `skyvern_…`, `storage_…`, `database_…`.

mod instructions;
mod job_url;
mod settings;
mod submission;

use std::sync::OnceLock;

use serde::Serialize;
use shared::{
    application_status::ApplicationStatus,
    http::{self, Endpoint, Incoming, Reply},
    ids::{ApplicationId, RunId},
    outgoing::RetryPolicy,
    problem::Problem,
    sign_in,
    supabase::{
        Database,
        rpc::applications::{Claim, ClaimApplication, StartedRun},
    },
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::{settings::Settings, submission::Submission};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// How often a call looks again while another one hands the application over: for ten seconds in all, Skyvern's timeout in
/// that other call.
const POLLING: RetryPolicy = RetryPolicy::pausing(&[100, 200, 400, 800, 1600, 3200, 4000]);

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::client("initiate-skyvern-application"), handle).await
}

/// The longest `Idempotency-Key` in characters; a UUID has 36.
const MAXIMUM_KEY_LENGTH: usize = 255;

type Call = http::Call<Settings>;

async fn handle(incoming: &Incoming, call: &Call) -> Result<Reply, Problem> {
    let person = sign_in::person(&incoming.headers, &call.settings.sign_in, &call.upstream, call.received_at).await?;
    let application_id = read_input(incoming)?;
    let idempotency_key = read_idempotency_key(incoming)?;
    let database = Database::of(&person, &call.settings.supabase, &call.upstream);
    let claim = ClaimApplication { application_id, idempotency_key };
    let submission = Submission { application_id, person: &person, call };

    call.run_to_completion();
    let mut pauses = POLLING.pauses();
    loop {
        match database.call(&claim).await? {
            Claim::Claimed(claimed) => return accepted(application_id, submission.submit(&claimed).await?, "started"),
            Claim::AlreadyStarted(started) => return accepted(application_id, started, "already_started"),
            Claim::Open(earlier) => {
                if let Some(started) = submission.find_out(&earlier).await? {
                    return accepted(application_id, started, "found");
                }
                // It never reached Skyvern, so the application may be claimed anew.
            }
            Claim::InProgress => {}
        }
        call.upstream.wait(pauses.next().ok_or(Problem::SubmissionInProgress)?).await;
    }
}

fn read_input(incoming: &Incoming) -> Result<ApplicationId, Problem> {
    let mut fields = incoming.fields()?;
    let application_id = fields.required("application_id", "a UUID");
    fields.finish(application_id)
}

fn read_idempotency_key(incoming: &Incoming) -> Result<Option<&str>, Problem> {
    let key = incoming.headers.get("idempotency-key");
    let is_sensible =
        |key: &str| (1..=MAXIMUM_KEY_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    match key {
        Some(key) if !is_sensible(key) => {
            Err(Problem::invalid("Idempotency-Key", "must be 1 to 255 printable ASCII characters without spaces"))
        }
        key => Ok(key),
    }
}

fn accepted(application_id: ApplicationId, started: StartedRun, outcome: &str) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Answer {
        application_id: ApplicationId,
        run_id: RunId,
        status: ApplicationStatus,
    }
    Reply::accepted(&Answer { application_id, run_id: started.run_id, status: started.status }, outcome)
}

#[cfg(test)]
mod tests;
