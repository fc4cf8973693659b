//! A submission that had to wait for Skyvern, in its turn: the job-runner calls with the service-role key, and tries again
//! whenever this does not return 2xx.

use std::time::Duration;

use serde_json::json;
use shared::{
    http::{Incoming, Reply},
    ids::{ApplicationId, BackgroundJobId},
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{
        Database,
        rpc::applications::{Claim, ClaimQueuedApplication, StartedRun},
    },
    vendors::skyvern::{Decision, FAULTS},
};

use crate::{
    Call,
    submission::{Sender, Submission, Submitted},
};

/// Hands over the application that waits as this job.
///
/// # Errors
/// Why it still waits.
pub(crate) async fn hand_over(incoming: &Incoming, call: &Call, role: ServiceRole) -> Result<Reply, Problem> {
    let mut fields = incoming.fields()?;
    let application_id: Option<ApplicationId> = fields.required("application_id", "a UUID");
    let job_id: Option<BackgroundJobId> = fields.required("job_id", "a UUID");
    let (application_id, job_id) = fields.finish(application_id.zip(job_id))?;
    call.run_to_completion(); // from the claim on, as for a person

    let database = Database::as_service_role(role, &call.settings.supabase, &call.upstream);
    let submission = Submission { application_id, sender: Sender::Queue(role, job_id), call };
    match turn(&submission, &database, &ClaimQueuedApplication { application_id, job_id }).await {
        Ok(Turn::Started(run)) => crate::started(application_id, &run, "started"),
        Ok(Turn::Over(outcome)) => Reply::ok(&json!({ "application_id": application_id, "outcome": outcome }), outcome),
        Err(problem) if is_final(&problem) => {
            submission.fail(&Decision::refused_in_its_turn(problem.kind().code, &problem.to_string())).await?;
            Reply::ok(&json!({ "application_id": application_id, "outcome": problem.kind().code }), problem.kind().code)
        }
        Err(problem) => Err(problem),
    }
}

enum Turn {
    Started(StartedRun),
    /// There is nothing to hand over any more.
    Over(&'static str),
}

async fn turn(
    submission: &Submission<'_>,
    database: &Database<'_>,
    claim: &ClaimQueuedApplication,
) -> Result<Turn, Problem> {
    loop {
        match database.call(claim).await? {
            Claim::Claimed(claimed) => {
                return match submission.submit(&claimed).await? {
                    Submitted::Started(started) => Ok(Turn::Started(started)),
                    Submitted::Queued { because, .. } => Err(because),
                };
            }
            Claim::AlreadyStarted(started) => return Ok(Turn::Started(started)),
            Claim::Open(earlier) => match submission.find_out(&earlier).await {
                Ok(Some(started)) => return Ok(Turn::Started(started)),
                // It never reached Skyvern, so the application may be claimed anew.
                Ok(None) => {}
                // That its list cannot be read says nothing about the submission.
                Err(Problem::Vendor(_)) => return Err(Problem::SubmissionOpen),
                Err(problem) => return Err(problem),
            },
            Claim::Expired => {
                submission.fail(&Decision::waited_too_long()).await?;
                return Ok(Turn::Over("waited_too_long"));
            }
            Claim::Paused { retry_after_seconds } => {
                return Err(FAULTS.paused.retried_after(Some(Duration::from_secs(retry_after_seconds))).into());
            }
            Claim::Superseded => return Ok(Turn::Over("superseded")),
            Claim::InProgress | Claim::Queued { .. } => return Err(Problem::SubmissionInProgress),
        }
    }
}

/// Whether waiting longer does not help.
fn is_final(problem: &Problem) -> bool {
    match problem {
        Problem::AlreadyApplied(_)
        | Problem::CompanyExcluded { .. }
        | Problem::ApplicationWrongStatus { .. }
        | Problem::IdempotencyKeyReused
        | Problem::JobUrlNotAllowed { .. }
        | Problem::ResumeMissing
        | Problem::ResumeNotFound
        | Problem::CoverLetterNotFound => true,
        Problem::Vendor(problem) => problem.kind.code == FAULTS.rejected.code,
        _ => false,
    }
}
