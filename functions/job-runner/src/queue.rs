//! The queue, which is in the database: what is due is put in, jobs are leased from it and settled.

use serde_json::json;
use shared::{
    ids::{BackgroundJobId, RequestId},
    log,
    problem::Problem,
    supabase::{
        Database,
        rpc::{
            Rpc,
            alerts::QueueDueSavedSearchAlerts,
            notices::QueueDueProfileReminders,
            push::QueueDuePushReceipts,
            queue::{
                ClaimBackgroundJobs, ExtendBackgroundJobs, Lease, QueueDailyPurge, QueueDueReconciliations,
                SettleBackgroundJobs, SettledStatus, Settlement,
            },
            sync::CloseDeadJobSyncs,
        },
    },
};

use crate::{job::BackgroundJob, job_type::JobType, outcome::JobOutcome};

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

/// Records how jobs ended. Returns the jobs that another worker had leased by then.
pub(crate) async fn settle(
    database: &Database<'_>,
    ended: &[(BackgroundJob, JobOutcome)],
) -> Result<Vec<BackgroundJobId>, Problem> {
    let settlements: Vec<Settlement> =
        ended.iter().filter_map(|(job, outcome)| outcome.settlement(job.lease())).collect();
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

/// Calls the SQL function of each type that has one. It finds out what is due and queues it under keys that let nothing
/// be queued twice, however many runs do this at the same time, or does what little there is to do by itself. If it
/// fails, the next run tries again; what is in the queue already does not wait for that.
pub(crate) async fn queue_due_jobs(types: &[JobType], database: &Database<'_>, request_id: RequestId) {
    for job_type in types {
        match job_type {
            JobType::JobSync => schedule(&CloseDeadJobSyncs {}, database, request_id).await,
            JobType::ProfileReminders => schedule(&QueueDueProfileReminders {}, database, request_id).await,
            JobType::Purge => schedule(&QueueDailyPurge {}, database, request_id).await,
            JobType::PushReceipts => schedule(&QueueDuePushReceipts {}, database, request_id).await,
            JobType::ReconcileApplication => schedule(&QueueDueReconciliations {}, database, request_id).await,
            JobType::SavedSearchAlert => schedule(&QueueDueSavedSearchAlerts {}, database, request_id).await,
            JobType::Announcement
            | JobType::CancelSkyvernRun
            | JobType::DeleteFiles
            | JobType::NoOperation
            | JobType::PushNotification
            | JobType::SubmitApplication => {}
        }
    }
}

async fn schedule<R: Rpc>(rpc: &R, database: &Database<'_>, request_id: RequestId) {
    if let Err(problem) = database.call(rpc).await {
        let cause = problem.cause().unwrap_or_else(|| problem.kind().code.to_owned());
        log::error(&json!({ "request_id": request_id, "schedule": R::NAME, "cause": cause }));
    }
}
