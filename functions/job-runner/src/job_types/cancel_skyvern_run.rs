//! `cancel_skyvern_run`: ends the runs that are in progress at Skyvern for a person whose account is deleted.
//!
//! The payload is `{run_id, submission_title}`, either of which may be null: a run that we know, and
//! a submission that may have started one.

use serde::Deserialize;
use serde_json::json;
use shared::{ids::RunId, problem::Problem, vendors::skyvern::Skyvern};

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome};

/// A call that starts a run may be on its way while the account is deleted. The pauses before this attempt are longer
/// together than it takes until such a run is surely listed ([`shared::vendors::skyvern::SURELY_LISTED_AFTER`]).
const SURELY_LISTED_AT_ATTEMPT: u32 = 4;

#[derive(Deserialize)]
struct Payload {
    run_id: Option<RunId>,
    submission_title: Option<String>,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let payload: Payload = job.payload()?;
    let skyvern = attempt.skyvern();
    let mut ends = Vec::new();
    if let Some(run_id) = &payload.run_id {
        ends.push(end(run_id, &skyvern).await?);
    }
    if let Some(title) = &payload.submission_title {
        match skyvern.find_by_title(title).await.map_err(Problem::from)? {
            Some(run) => ends.push(end(&run.id, &skyvern).await?),
            None if job.attempt < SURELY_LISTED_AT_ATTEMPT => {
                return Err(JobOutcome::Retry { error: "run_not_listed".to_owned(), after: None });
            }
            None => ends.push("never_started"),
        }
    }
    Ok(JobOutcome::Completed { result: json!({ "runs": ends }) })
}

async fn end(run_id: &RunId, skyvern: &Skyvern<'_>) -> Result<&'static str, Problem> {
    match skyvern.cancel(run_id).await {
        Ok(true) => Ok("cancelled"),
        Ok(false) => Ok("unknown"),
        // It was over already, or it is cancelled and only the webhook that says so did not arrive.
        Err(problem) => match skyvern.read(run_id).await? {
            None => Ok("unknown"),
            Some(event) if event.is_final() => Ok("over"),
            Some(_) => Err(problem.into()),
        },
    }
}
