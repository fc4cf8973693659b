//! What is done for each type of background job, a file each.

mod announcement;
mod cancel_skyvern_run;
mod delete_files;
mod job_sync;
mod no_operation;
mod profile_reminders;
mod purge;
mod push_notification;
mod push_receipts;
mod reconcile_application;
mod saved_search_alert;
mod submit_application;

use crate::{attempt::Attempt, job_type::JobType, outcome::JobOutcome};

/// Makes the attempt. Returns one outcome for each job, in the same order.
pub(crate) async fn run(attempt: &Attempt<'_>) -> Vec<JobOutcome> {
    let Some(job) = attempt.jobs.first() else { return Vec::new() };
    let ended: Result<JobOutcome, JobOutcome> = match job.kind {
        JobType::Announcement => announcement::run(attempt, job).await,
        JobType::CancelSkyvernRun => cancel_skyvern_run::run(attempt, job).await,
        JobType::DeleteFiles => delete_files::run(attempt, job).await,
        JobType::JobSync => job_sync::run(attempt).await,
        JobType::NoOperation => Ok(no_operation::run()),
        JobType::ProfileReminders => profile_reminders::run(attempt).await,
        JobType::Purge => purge::run(attempt).await,
        JobType::PushReceipts => push_receipts::run(attempt).await,
        JobType::ReconcileApplication => reconcile_application::run(attempt, job).await,
        JobType::SavedSearchAlert => saved_search_alert::run(attempt, job).await,
        JobType::SubmitApplication => submit_application::run(attempt, job).await,
        JobType::PushNotification => return push_notification::run(attempt).await,
    };
    vec![ended.unwrap_or_else(|outcome| outcome)]
}
