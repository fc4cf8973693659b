//! `reconcile_application`: asks Skyvern about an application that it is silent about, and writes the
//! answer down in the same way as its webhook.
//!
//! The payload is `{application_id}`. Nothing is ever started here, and nothing is taken for granted
//! while Skyvern cannot be asked: then the application stays as it is, and the job is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    ids::{ApplicationId, RequestId, RunId, SubmissionId},
    problem::Problem,
    supabase::{
        Database,
        rpc::applications::{
            ApplicationToReconcile, NoteOngoingSkyvernRun, Question, RecordAbsentSubmission, RecordLostSkyvernRun,
            RecordOverdueSkyvernRun, RecordSkyvernRun, RunRecording, Source,
        },
    },
    vendors::skyvern::{Decision, Event, SURELY_LISTED_AFTER, Skyvern},
};

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome, run_event};

#[derive(Deserialize)]
struct Payload {
    application_id: ApplicationId,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let Payload { application_id } = job.payload()?;
    let look = Look {
        application_id,
        request_id: attempt.call.request_id,
        database: attempt.database(),
        skyvern: attempt.skyvern(),
    };
    let question = ApplicationToReconcile { application_id, user_id: job.user_id };
    Ok(match look.database.call(&question).await? {
        Question::Run { run_id, attempt, is_overdue } => look.at_run(&run_id, attempt, is_overdue).await?,
        Question::Submission { submission_id, title, seconds_ago } => {
            look.at_submission(submission_id, &title, Duration::from_secs(seconds_ago)).await?
        }
        Question::Paused { retry_after_seconds } => {
            JobOutcome::PutBack { after: Duration::from_secs(retry_after_seconds) }
        }
        Question::Nothing { reason } => found(reason),
    })
}

struct Look<'a> {
    application_id: ApplicationId,
    request_id: RequestId,
    database: Database<'a>,
    skyvern: Skyvern<'a>,
}

impl Look<'_> {
    async fn at_run(&self, run_id: &RunId, attempt: i32, is_overdue: bool) -> Result<JobOutcome, Problem> {
        let Some(event) = self.skyvern.read(run_id).await? else {
            let loss =
                RecordLostSkyvernRun { application_id: self.application_id, run_id, decision: &Decision::run_lost() };
            return Ok(found(self.database.call(&loss).await?.outcome));
        };
        if !event.is_final() && is_overdue {
            let decision = &Decision::run_overdue();
            let overdue = RecordOverdueSkyvernRun { application_id: self.application_id, run_id, decision };
            return Ok(found(self.database.call(&overdue).await?.outcome));
        }
        if !event.is_final() {
            self.database.call(&NoteOngoingSkyvernRun { application_id: self.application_id, run_id }).await?;
            return Ok(found("ongoing"));
        }
        // The answer does not say which attempt it is about; it is not about one before the last we heard of.
        let event = Event { attempt: event.attempt.max(attempt), ..event };
        Ok(found(run_event::apply(&event, self.application_id, &self.database, self.request_id).await?))
    }

    async fn at_submission(
        &self,
        submission_id: SubmissionId,
        title: &str,
        age: Duration,
    ) -> Result<JobOutcome, Problem> {
        match self.skyvern.find_by_title(title).await? {
            Some(run) => {
                let record = RecordSkyvernRun {
                    application_id: self.application_id,
                    submission_id,
                    run_id: &run.id,
                    run_status: run.status.as_str(),
                    source: Source::Reconciler,
                };
                let outcome = self.database.call(&record).await?.outcome;
                // How it ended is not in the list.
                if run.status.is_final() && outcome != RunRecording::Superseded {
                    return self.at_run(&run.id, 1, false).await;
                }
                Ok(found(outcome))
            }
            None if age < SURELY_LISTED_AFTER => {
                Ok(JobOutcome::PutBack { after: SURELY_LISTED_AFTER.saturating_sub(age) })
            }
            None => {
                let absence = RecordAbsentSubmission {
                    application_id: self.application_id,
                    submission_id,
                    decision: &Decision::run_never_started(),
                };
                Ok(found(self.database.call(&absence).await?.outcome))
            }
        }
    }
}

fn found(outcome: impl Serialize) -> JobOutcome {
    JobOutcome::Completed { result: json!({ "found": outcome }) }
}
