//! `delete_files`: removes the files of a person whose account is deleted. Rows go with the account, but
//! files only through the Storage API.
//!
//! The payload is `{buckets, folder}`, the folder being the person's id: never empty, which would be
//! everybody's files.

use serde::Deserialize;
use serde_json::json;
use shared::{ids::UserId, supabase::Storage};

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome};

#[derive(Deserialize)]
struct Payload {
    buckets: Vec<String>,
    folder: UserId,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let Payload { buckets, folder } = job.payload()?;
    let storage = Storage::as_service_role(attempt.role, &attempt.call.settings.supabase, attempt.upstream);
    let mut removed = 0;
    for (bucket, done) in buckets.iter().zip(0..) {
        attempt.has_done("emptying_buckets", done, u64::try_from(buckets.len()).ok());
        removed += storage.empty_folder(bucket, &folder.to_string()).await?;
    }
    Ok(JobOutcome::Completed { result: json!({ "removed": removed }) })
}
