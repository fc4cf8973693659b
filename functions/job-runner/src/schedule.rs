//! What the clock asks for becomes jobs.

use serde_json::json;
use shared::{
    ids::RequestId,
    log,
    supabase::{
        Database,
        rpc::{
            Rpc,
            alerts::QueueDueSavedSearchAlerts,
            push::QueueDuePushReceipts,
            queue::{QueueDailyPurge, QueueDueReconciliations},
            sync::CloseDeadJobSyncs,
        },
    },
};

use crate::job_types::JobType;

/// Calls the SQL function of each type that has one. It finds out what is due and queues it under keys that let nothing
/// be queued twice, however many runs do this at the same time, or does what little there is to do by itself. If it
/// fails, the next run tries again; what is in the queue already does not wait for that.
pub(crate) async fn queue_what_is_due(types: &[JobType], database: &Database<'_>, request_id: RequestId) {
    for job_type in types {
        match job_type {
            JobType::JobSync => call(&CloseDeadJobSyncs {}, database, request_id).await,
            JobType::Purge => call(&QueueDailyPurge {}, database, request_id).await,
            JobType::PushReceipts => call(&QueueDuePushReceipts {}, database, request_id).await,
            JobType::ReconcileApplication => call(&QueueDueReconciliations {}, database, request_id).await,
            JobType::SavedSearchAlert => call(&QueueDueSavedSearchAlerts {}, database, request_id).await,
            JobType::CancelSkyvernRun | JobType::DeleteFiles | JobType::NoOperation | JobType::PushNotification => {}
        }
    }
}

async fn call<R: Rpc>(rpc: &R, database: &Database<'_>, request_id: RequestId) {
    if let Err(problem) = database.call(rpc).await {
        let cause = problem.cause().unwrap_or_else(|| problem.kind().code.to_owned());
        log::error(&json!({ "request_id": request_id, "schedule": R::NAME, "cause": cause }));
    }
}
