//! `reconcile_application`: asks Skyvern about an application that it is silent about, and writes the
//! answer down as its webhook would have been.
//!
//! The payload is `{application_id}`. Nothing is ever started here, and nothing is taken for granted
//! while Skyvern cannot be asked: then the application stays as it is, and the job is tried again.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    ids::{ApplicationId, RequestId, RunId, SubmissionId},
    problem::Problem,
    supabase::Database,
    vendors::skyvern::{Decision, Event, SURELY_LISTED_AFTER, Skyvern},
};

use super::Attempt;
use crate::{job::BackgroundJob, outcome::JobOutcome};

#[derive(Deserialize)]
struct Payload {
    application_id: ApplicationId,
}

/// What is to be found out.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Question {
    /// What became of this run, of which we know this attempt.
    Run { run_id: RunId, attempt: i32 },
    /// Whether this submission started a run.
    Submission { submission_id: SubmissionId, title: String, seconds_ago: u64 },
    /// It is known already, or no business of whoever asks.
    Nothing { reason: String },
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let Payload { application_id } = job.payload()?;
    let look = Look {
        application_id,
        request_id: attempt.call.request_id,
        database: attempt.database(),
        skyvern: attempt.skyvern(),
    };
    let arguments = json!({ "p_application_id": application_id, "p_user_id": job.user_id });
    let question: Question = look.database.call("application_to_reconcile", &arguments).await?;
    Ok(match question {
        Question::Run { run_id, attempt } => look.at_run(&run_id, attempt).await?,
        Question::Submission { submission_id, title, seconds_ago } => {
            look.at_submission(submission_id, &title, Duration::from_secs(seconds_ago)).await?
        }
        Question::Nothing { reason } => found(&reason),
    })
}

struct Look<'a> {
    application_id: ApplicationId,
    request_id: RequestId,
    database: Database<'a>,
    skyvern: Skyvern<'a>,
}

impl Look<'_> {
    async fn at_run(&self, run_id: &RunId, attempt: i32) -> Result<JobOutcome, Problem> {
        let Some(event) = self.skyvern.read(run_id).await? else {
            let arguments = json!({
                "p_application_id": self.application_id,
                "p_run_id": run_id,
                "p_decision": Decision::run_lost(),
            });
            return Ok(found(&self.write("record_lost_skyvern_run", &arguments).await?));
        };
        if !event.is_final() {
            let arguments = json!({ "p_application_id": self.application_id, "p_run_id": run_id });
            let _: bool = self.database.call_idempotent("note_ongoing_skyvern_run", &arguments).await?;
            return Ok(found("ongoing"));
        }
        // The answer does not say which attempt it is about; it is not about one before the last we heard of.
        let event = Event { attempt: event.attempt.max(attempt), ..event };
        let arguments = json!({
            "p_run_id": run_id,
            "p_run_status": event.status.as_str(),
            "p_attempt": event.attempt,
            "p_retry_pending": event.retry_pending,
            "p_application_id": self.application_id,
            "p_submission_id": null,
            "p_decision": Decision::on(&event),
            "p_body": event.essence().to_string(),
            "p_request_id": self.request_id,
            "p_source": "reconciler",
        });
        Ok(found(&self.write("apply_skyvern_event", &arguments).await?))
    }

    async fn at_submission(
        &self,
        submission_id: SubmissionId,
        title: &str,
        age: Duration,
    ) -> Result<JobOutcome, Problem> {
        match self.skyvern.find_by_title(title).await? {
            Some(run) => {
                let arguments = json!({
                    "p_application_id": self.application_id,
                    "p_submission_id": submission_id,
                    "p_run_id": run.id,
                    "p_run_status": run.status.as_str(),
                    "p_source": "reconciler",
                });
                let outcome = self.write("record_skyvern_run", &arguments).await?;
                // How it ended is not in the list.
                if run.status.is_final() && outcome != "superseded" {
                    return self.at_run(&run.id, 1).await;
                }
                Ok(found(&outcome))
            }
            None if age < SURELY_LISTED_AFTER => {
                Ok(JobOutcome::PutBack { after: SURELY_LISTED_AFTER.saturating_sub(age) })
            }
            None => {
                let arguments = json!({
                    "p_application_id": self.application_id,
                    "p_submission_id": submission_id,
                    "p_decision": Decision::run_never_started(),
                });
                Ok(found(&self.write("record_absent_submission", &arguments).await?))
            }
        }
    }

    /// Each of these SQL functions does the same once as twice.
    async fn write(&self, function: &'static str, arguments: &Value) -> Result<String, Problem> {
        #[derive(Deserialize)]
        struct Written {
            outcome: String,
        }
        let Written { outcome } = self.database.call_idempotent(function, arguments).await?;
        Ok(outcome)
    }
}

fn found(outcome: &str) -> JobOutcome {
    JobOutcome::Completed { result: json!({ "found": outcome }) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Question;

    #[test]
    fn every_answer_of_the_sql_function_is_read() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let read = |answer| serde_json::from_value::<Question>(answer).unwrap();
        let run = read(json!({ "outcome": "run", "run_id": "tsk_41", "attempt": 2 }));
        assert!(matches!(run, Question::Run { attempt: 2, .. }));
        let submission =
            json!({ "outcome": "submission", "submission_id": id, "title": "jobraker-1", "seconds_ago": 90 });
        assert!(matches!(read(submission), Question::Submission { seconds_ago: 90, .. }));
        let nothing = read(json!({ "outcome": "nothing", "reason": "settled" }));
        assert!(matches!(nothing, Question::Nothing { reason } if reason == "settled"));
    }
}
