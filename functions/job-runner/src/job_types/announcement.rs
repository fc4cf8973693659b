//! `announcement`: tells everybody what operators have announced. The payload is `{announcement_id}`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use shared::{ids::AnnouncementId, supabase::rpc::notices::TellAnnouncement};

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome};

/// People who are told in one transaction.
const AT_ONCE: u32 = 500;

/// Each person told is a push message, and all push messages go out in the order in which they were queued. So an
/// announcement is told slowly, and what somebody is waiting for comes between.
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Payload {
    announcement_id: AnnouncementId,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let Payload { announcement_id } = job.payload()?;
    let told = attempt.database().call(&TellAnnouncement { announcement_id, limit: AT_ONCE }).await?;
    if told.is_finished {
        return Ok(JobOutcome::Completed { result: json!({ "told": told.told }) });
    }
    Ok(JobOutcome::PutBack { after: PAUSE })
}
