//! The queue's side of the database.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::{ids::BackgroundJobId, problem::Problem, supabase::Database};

use crate::{job::BackgroundJob, outcome::JobOutcome};

/// As many jobs are taken at once: enough that two round trips for all of them hardly count, few enough that another
/// runner finds some too.
const BATCH: usize = 50;

/// Takes jobs that are due.
pub(crate) async fn claim(
    database: &Database<'_>,
    worker: &str,
    types: &[&str],
) -> Result<Vec<BackgroundJob>, Problem> {
    let arguments = json!({ "p_worker": worker, "p_job_types": types, "p_limit": BATCH });
    database.call("claim_background_jobs", &arguments).await
}

#[derive(Deserialize)]
struct Settled {
    job_id: BackgroundJobId,
    status: String,
}

/// Writes down how jobs ended. Safe to repeat, so it is, while the database is unavailable. Answers the jobs that were
/// somebody else's by then.
pub(crate) async fn settle(
    database: &Database<'_>,
    ended: &[(BackgroundJob, JobOutcome)],
) -> Result<Vec<BackgroundJobId>, Problem> {
    let entries: Vec<Value> = ended.iter().filter_map(|(job, outcome)| outcome.entry(job)).collect();
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let settled: Vec<Settled> =
        database.call_idempotent("settle_background_jobs", &json!({ "p_jobs": entries })).await?;
    Ok(settled.into_iter().filter(|job| job.status == "superseded").map(|job| job.job_id).collect())
}

/// Half a minute more for these.
pub(crate) async fn extend(database: &Database<'_>, leases: &HashMap<BackgroundJobId, i64>) -> Result<(), Problem> {
    let entries: Vec<Value> = leases
        .iter()
        .map(|(job_id, fencing_token)| json!({ "job_id": job_id, "lease_number": fencing_token }))
        .collect();
    database.call::<Vec<BackgroundJobId>>("extend_background_jobs", &json!({ "p_jobs": entries })).await.map(drop)
}
