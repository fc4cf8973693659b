//! `profile_reminders`: reminds people of what is missing in their profiles. Whom, and of what, is decided in the
//! database.

use std::time::Duration;

use serde_json::json;
use shared::supabase::rpc::notices::RemindOfProfiles;

use crate::{attempt::Attempt, outcome::JobOutcome};

/// Profiles that are looked at in one transaction.
const AT_ONCE: u32 = 200;

pub(crate) async fn run(attempt: &Attempt<'_>) -> Result<JobOutcome, JobOutcome> {
    let reminded = attempt.database().call(&RemindOfProfiles { limit: AT_ONCE }).await?;
    if reminded.looked_at == AT_ONCE {
        // There may be more. Other jobs come first.
        return Ok(JobOutcome::PutBack { after: Duration::from_secs(10) });
    }
    Ok(JobOutcome::Completed { result: json!({ "reminded": reminded.reminded }) })
}
