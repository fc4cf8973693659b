//! The queue's side of the database.

use shared::{
    ids::BackgroundJobId,
    problem::Problem,
    supabase::{
        Database,
        rpc::queue::{
            ClaimBackgroundJobs, ExtendBackgroundJobs, Lease, SettleBackgroundJobs, SettledStatus, Settlement,
        },
    },
};

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
    let leased = database.call(&ClaimBackgroundJobs { worker, job_types: types, limit: BATCH }).await?;
    leased.into_iter().map(BackgroundJob::try_from).collect()
}

/// Writes down how jobs ended. Returns the jobs that were somebody else's by then.
pub(crate) async fn settle(
    database: &Database<'_>,
    ended: &[(BackgroundJob, JobOutcome)],
) -> Result<Vec<BackgroundJobId>, Problem> {
    let settlements: Vec<Settlement> = ended.iter().filter_map(|(job, outcome)| outcome.settlement(job)).collect();
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let settled = database.call(&SettleBackgroundJobs { jobs: &settlements }).await?;
    let superseded = settled.into_iter().filter(|job| job.status == SettledStatus::Superseded);
    Ok(superseded.map(|job| job.job_id).collect())
}

/// Half a minute more for these.
pub(crate) async fn extend(database: &Database<'_>, leases: &[Lease]) -> Result<(), Problem> {
    database.call(&ExtendBackgroundJobs { jobs: leases }).await.map(drop)
}
