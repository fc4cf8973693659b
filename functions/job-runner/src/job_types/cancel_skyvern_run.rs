//! `cancel_skyvern_run`: ends a run at Skyvern that nobody wants any more.
//!
//! The payload is `{application_id, submission_id, run_id, submission_title}`, of which each may be null: a run that we
//! know, or a submission that may have started one. A run that is over already may have been sent, and its webhook may
//! have been lost, so its end is applied as that of a reconciliation.

use serde::Deserialize;
use serde_json::json;
use shared::{
    ids::{ApplicationId, RequestId, RunId, SubmissionId},
    problem::Problem,
    supabase::{Database, rpc::applications::RecordStoppedRun},
    vendors::skyvern::Skyvern,
};

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome, run_event};

/// A call that starts a run may be on its way while its application is stopped. The pauses before this attempt are
/// longer together than it takes until such a run is surely listed ([`shared::vendors::skyvern::SURELY_LISTED_AFTER`]).
const SURELY_LISTED_AT_ATTEMPT: u32 = 4;

#[derive(Deserialize)]
struct Payload {
    application_id: Option<ApplicationId>,
    submission_id: Option<SubmissionId>,
    run_id: Option<RunId>,
    submission_title: Option<String>,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let payload: Payload = job.payload()?;
    let stop = Stop {
        application_id: payload.application_id,
        request_id: attempt.call.request_id,
        database: attempt.database(),
        skyvern: attempt.skyvern(),
    };
    let mut ends = Vec::new();
    let mut stopped = payload.run_id;
    if let Some(run_id) = &stopped {
        ends.push(stop.end(run_id).await?);
    }
    if let Some(title) = &payload.submission_title {
        match stop.skyvern.find_by_title(title).await.map_err(Problem::from)? {
            Some(run) => {
                ends.push(stop.end(&run.id).await?);
                stopped = Some(run.id);
            }
            None if job.attempt < SURELY_LISTED_AT_ATTEMPT => {
                return Err(JobOutcome::Retry { error: "run_not_listed".to_owned(), after: None });
            }
            None => ends.push("never_started"),
        }
    }
    if let Some(submission_id) = payload.submission_id {
        stop.database.call(&RecordStoppedRun { submission_id, run_id: stopped.as_ref() }).await?;
    }
    Ok(JobOutcome::Completed { result: json!({ "runs": ends }) })
}

struct Stop<'a> {
    application_id: Option<ApplicationId>,
    request_id: RequestId,
    database: Database<'a>,
    skyvern: Skyvern<'a>,
}

impl Stop<'_> {
    async fn end(&self, run_id: &RunId) -> Result<&'static str, Problem> {
        match self.skyvern.cancel(run_id).await {
            Ok(true) => Ok("cancelled"),
            Ok(false) => Ok("unknown"),
            // It was over already, or it is cancelled and only the webhook that says so did not arrive.
            Err(problem) => match self.skyvern.read(run_id).await? {
                None => Ok("unknown"),
                Some(event) if event.is_final() => {
                    if let Some(application_id) = self.application_id {
                        run_event::apply(&event, application_id, &self.database, self.request_id).await?;
                    }
                    Ok("over")
                }
                Some(_) => Err(problem.into()),
            },
        }
    }
}
