//! `job_sync`: has the job catalogue brought up to date, out of its own daily turn. The function of that name does it.

use std::time::Duration;

use serde_json::json;

use crate::{attempt::Attempt, outcome::JobOutcome};

/// A sync of many queries takes minutes. The lease is extended all the while.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Another sync is running; whether it does the work is known when it is over.
const LOOK_AGAIN: Duration = Duration::from_mins(10);

pub(crate) async fn run(attempt: &Attempt<'_>) -> Result<JobOutcome, JobOutcome> {
    let call = attempt.call;
    let Some(service_binding) = call.upstream.service_binding("job-sync", "JOB_SYNC") else {
        return Err(JobOutcome::Retry { error: "job-sync is not bound".to_owned(), after: None });
    };
    let supabase = &call.settings.supabase;
    match service_binding.within(TIMEOUT).post_json(attempt.role, supabase, "{}".to_owned()).await {
        Ok(200) => Ok(JobOutcome::Completed { result: json!({}) }),
        // Or JSearch is left alone for a while: its circuit breaker is open.
        Ok(409 | 503) => Ok(JobOutcome::PutBack { after: LOOK_AGAIN }),
        Ok(status) => Err(JobOutcome::Retry { error: format!("job-sync answered {status}"), after: None }),
        Err(failure) => Err(JobOutcome::Retry { error: format!("job-sync: {failure:?}"), after: None }),
    }
}
