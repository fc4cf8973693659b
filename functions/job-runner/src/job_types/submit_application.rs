//! `submit_application`: a submission that waits until Skyvern takes it. `initiate-skyvern-application` hands it over: one
//! function owns submissions, and needs the keys for them.
//!
//! The payload is `{application_id}`. Where the submission has come to an end in the meantime, there is nothing to do.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use shared::ids::ApplicationId;

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome};

const FUNCTION: &str = "initiate-skyvern-application";

/// The claim, two signed links, a run, which may take half a minute to start, and its record.
const TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Payload {
    application_id: ApplicationId,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let Payload { application_id } = job.payload()?;
    let retry = |error: String, after: Option<Duration>| Err(JobOutcome::Retry { error, after });
    let Some(service_binding) = attempt.upstream.service_binding(FUNCTION, "INITIATE_SKYVERN_APPLICATION") else {
        return retry(format!("{FUNCTION} is not bound"), None);
    };
    let body = json!({ "application_id": application_id, "job_id": job.id }).to_string();
    match service_binding.within(TIMEOUT).ask(attempt.role, &attempt.call.settings.supabase, body).await {
        Ok(answer) if (200..300).contains(&answer.status) => {
            Ok(JobOutcome::Completed { result: json!({ "status": answer.status }) })
        }
        Ok(answer) => retry(format!("{FUNCTION} answered {}", answer.status), answer.retry_after),
        Err(failure) => retry(format!("{FUNCTION}: {failure:?}"), None),
    }
}
