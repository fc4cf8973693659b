//! `job_sync`: has the job catalogue brought up to date, out of its own daily turn. The function of that name does it.

use std::time::Duration;

use serde_json::json;

use super::Attempt;
use crate::ending::Ending;

/// A sync of many queries takes minutes. The lease is extended all the while.
const TIME_OUT: Duration = Duration::from_mins(10);

/// Another sync is running; whether it does the work is known when it is over.
const LOOK_AGAIN: Duration = Duration::from_mins(10);

pub(crate) async fn run(attempt: &Attempt<'_>) -> Result<Ending, Ending> {
    let call = attempt.call;
    let Some(neighbour) = call.neighbour("job-sync", "JOB_SYNC") else {
        return Err(Ending::Retry { error: "job-sync is not bound".to_owned(), after: None });
    };
    let key = &call.settings.supabase.service_role_key;
    match neighbour.within(TIME_OUT).post_json(key, "{}".to_owned()).await {
        Ok(200) => Ok(Ending::Completed { result: json!({}) }),
        Ok(409) => Ok(Ending::PutBack { after: LOOK_AGAIN }),
        Ok(status) => Err(Ending::Retry { error: format!("job-sync answered {status}"), after: None }),
        Err(failure) => Err(Ending::Retry { error: format!("job-sync: {failure:?}"), after: None }),
    }
}
