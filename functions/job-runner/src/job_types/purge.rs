//! `purge`: deletes expired rows. Which rows these are is decided in the database.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use shared::supabase::rpc::queue::{PurgeExpiredRows, PurgedUpTo};

use crate::{attempt::Attempt, outcome::JobOutcome};

/// Rows of each kind that go in one transaction.
const AT_ONCE: u64 = 2000;

/// After this the rest waits a little, so that other jobs get their turn.
const TIME: Duration = Duration::from_secs(10);

pub(crate) async fn run(attempt: &Attempt<'_>) -> Result<JobOutcome, JobOutcome> {
    let started = attempt.upstream.now();
    let database = attempt.database();
    let mut purged: BTreeMap<String, u64> = BTreeMap::new();
    let mut after = PurgedUpTo::default();
    loop {
        let round = database.call(&PurgeExpiredRows { limit: AT_ONCE, after: &after }).await?;
        let is_done = round.purged.values().all(|count| *count < AT_ONCE);
        after = round.after;
        for (kind, count) in round.purged {
            *purged.entry(kind).or_default() += count;
        }
        attempt.has_done("deleting_rows", purged.values().sum(), None);
        if is_done {
            return Ok(JobOutcome::Completed { result: json!(purged) });
        }
        if attempt.upstream.now() - started > TIME {
            return Ok(JobOutcome::PutBack { after: Duration::from_secs(1) });
        }
    }
}
