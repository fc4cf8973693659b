//! `initiate-skyvern-application`: hands one of the caller's applications to Skyvern.
//!
//! `POST {"application_id": uuid}` returns 202 `{application_id, run_id, status}`. A second call
//! returns the same run: two calls at once start one, and an `Idempotency-Key` header makes a call
//! repeatable whatever became of the application since. Where Skyvern takes nothing for the moment,
//! 202 `{application_id, status, queued: true}`: the submission waits, and the job-runner hands it
//! over with `POST {"application_id", "job_id"}` and the service-role key.
//!
//! Problems: those of signing in, `invalid_input`, `profile_pending`, `impersonation_refused`,
//! `application_not_found`, `application_wrong_status`, `already_applied`, `company_excluded`,
//! `application_limit_reached`, `submission_in_progress`, `submission_open`,
//! `idempotency_key_reused`, `resume_missing`, `resume_not_found`, `cover_letter_not_found`,
//! `job_url_not_allowed`, `job_url_unresolved`, `skyvern_…`, `storage_…`, `database_…`.

mod instructions;
mod job_url;
mod queued;
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
    sign_in::{self, ServiceRole},
    supabase::{
        Database,
        rpc::applications::{Claim, ClaimApplication, StartedRun},
    },
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::{
    settings::Settings,
    submission::{Sender, Submission, Submitted},
};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// How often a call looks again while another one hands the application over: for ten seconds in all. Most runs are
/// started by then; whoever asks later is told of the run that was.
const POLLING: RetryPolicy = RetryPolicy::pausing(&[100, 200, 400, 800, 1600, 3200, 4000]);

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::client("initiate-skyvern-application"), handle).await
}

/// The longest `Idempotency-Key` in characters; a UUID has 36.
const MAXIMUM_KEY_LENGTH: usize = 255;

type Call = http::Call<Settings>;

async fn handle(incoming: &Incoming, call: &Call) -> Result<Reply, Problem> {
    if let Ok(caller) = sign_in::internal_caller(&incoming.headers, &call.settings.supabase) {
        return queued::hand_over(incoming, call, ServiceRole::of_caller(caller)).await;
    }
    let person = sign_in::person(&incoming.headers, &call.settings.sign_in, &call.upstream, call.received_at).await?;
    let Input { application_id, apply_again } = Input::read(incoming)?;
    let idempotency_key = read_idempotency_key(incoming)?;
    let database = Database::of(&person, &call.settings.supabase, &call.upstream);
    let claim = ClaimApplication { application_id, idempotency_key, apply_again };
    let submission = Submission { application_id, sender: Sender::Person(&person), call };

    call.run_to_completion();
    let mut pauses = POLLING.pauses();
    loop {
        match database.call(&claim).await? {
            Claim::Claimed(claimed) => {
                return match submission.submit(&claimed).await? {
                    Submitted::Started(run) => started(application_id, &run, "started"),
                    Submitted::Queued { status, .. } => waits(application_id, status),
                };
            }
            Claim::AlreadyStarted(run) => return started(application_id, &run, "already_started"),
            Claim::Queued { status } => return waits(application_id, status),
            Claim::Open(earlier) => {
                if let Some(run) = submission.find_out(&earlier).await? {
                    return started(application_id, &run, "found");
                }
                // It never reached Skyvern, so the application may be claimed anew.
            }
            // All but the first are a job's alone.
            Claim::InProgress | Claim::Paused { .. } | Claim::Superseded | Claim::Expired => {}
        }
        call.upstream.wait(pauses.next().ok_or(Problem::SubmissionInProgress)?).await;
    }
}

struct Input {
    application_id: ApplicationId,
    apply_again: bool,
}

impl Input {
    fn read(incoming: &Incoming) -> Result<Self, Problem> {
        let mut fields = incoming.fields()?;
        let application_id = fields.required("application_id", "a UUID");
        let apply_again = fields.optional("apply_again", "true or false").unwrap_or_default();
        fields.finish(application_id.map(|application_id| Self { application_id, apply_again }))
    }
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

fn started(application_id: ApplicationId, run: &StartedRun, outcome: &str) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Started<'a> {
        application_id: ApplicationId,
        run_id: &'a RunId,
        status: ApplicationStatus,
    }
    Reply::accepted(&Started { application_id, run_id: &run.run_id, status: run.status }, outcome)
}

/// Skyvern takes it later; the application's row tells when.
fn waits(application_id: ApplicationId, status: ApplicationStatus) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Waits {
        application_id: ApplicationId,
        status: ApplicationStatus,
        queued: bool,
    }
    Reply::accepted(&Waits { application_id, status, queued: true }, "queued")
}

#[cfg(test)]
mod tests;
