//! The registry: every type of job that this runner knows, each in a file of its own.
//!
//! A job of a type that is not listed here stays in the queue until a runner that knows it comes.

mod cancel_skyvern_run;
mod delete_files;
mod job_sync;
mod no_operation;
mod purge;
mod push_notification;
mod push_receipts;
mod reconcile_application;
mod saved_search_alert;

use serde::Deserialize;
use shared::{http, outgoing::Upstream, sign_in::ServiceRole, supabase::Database, vendors::skyvern::Skyvern};

use crate::{job::BackgroundJob, outcome::JobOutcome, settings::Settings};

/// `background_jobs.job_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobType {
    CancelSkyvernRun,
    DeleteFiles,
    JobSync,
    NoOperation,
    Purge,
    PushNotification,
    PushReceipts,
    ReconcileApplication,
    SavedSearchAlert,
}

impl JobType {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::CancelSkyvernRun,
        Self::DeleteFiles,
        Self::JobSync,
        Self::NoOperation,
        Self::Purge,
        Self::PushNotification,
        Self::PushReceipts,
        Self::ReconcileApplication,
        Self::SavedSearchAlert,
    ];

    /// The name in the queue.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CancelSkyvernRun => "cancel_skyvern_run",
            Self::DeleteFiles => "delete_files",
            Self::JobSync => "job_sync",
            Self::NoOperation => "no_operation",
            Self::Purge => "purge",
            Self::PushNotification => "push_notification",
            Self::PushReceipts => "push_receipts",
            Self::ReconcileApplication => "reconcile_application",
            Self::SavedSearchAlert => "saved_search_alert",
        }
    }

    /// The type of this name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job_type| job_type.name() == name)
    }

    /// The SQL function that queues jobs of this type when they are due by the clock, or does what little there is to do
    /// by itself.
    pub(crate) fn scheduled_by(self) -> Option<&'static str> {
        match self {
            Self::JobSync => Some("close_dead_job_syncs"),
            Self::Purge => Some("queue_daily_purge"),
            Self::PushReceipts => Some("queue_due_push_receipts"),
            Self::ReconcileApplication => Some("queue_due_reconciliations"),
            Self::SavedSearchAlert => Some("queue_due_saved_search_alerts"),
            Self::CancelSkyvernRun | Self::DeleteFiles | Self::NoOperation | Self::PushNotification => None,
        }
    }

    /// Whether it may take minutes. Only a run that the clock started, or that was asked for this type, has them.
    pub(crate) fn takes_minutes(self) -> bool {
        self == Self::JobSync
    }

    /// Whether all jobs of a batch are run in one go, because that saves calls.
    pub(crate) fn runs_together(self) -> bool {
        self == Self::PushNotification
    }
}

/// What an attempt has at hand. Its jobs are of one type, and one unless the type runs together.
pub(crate) struct Attempt<'a> {
    pub(crate) jobs: &'a [BackgroundJob],
    /// Of whoever began the run: no person is present.
    pub(crate) role: ServiceRole,
    pub(crate) call: &'a http::Call<Settings>,
    /// For the calls of this attempt alone.
    pub(crate) upstream: &'a Upstream,
}

impl Attempt<'_> {
    /// One outcome for each job, in the same order.
    pub(crate) async fn run(&self) -> Vec<JobOutcome> {
        let Some(job) = self.jobs.first() else { return Vec::new() };
        let ended: Result<JobOutcome, JobOutcome> = match job.kind {
            JobType::CancelSkyvernRun => cancel_skyvern_run::run(self, job).await,
            JobType::DeleteFiles => delete_files::run(self, job).await,
            JobType::JobSync => job_sync::run(self).await,
            JobType::NoOperation => Ok(no_operation::run()),
            JobType::Purge => purge::run(self).await,
            JobType::PushReceipts => push_receipts::run(self).await,
            JobType::ReconcileApplication => reconcile_application::run(self, job).await,
            JobType::SavedSearchAlert => saved_search_alert::run(self, job).await,
            JobType::PushNotification => return push_notification::run(self).await,
        };
        vec![ended.unwrap_or_else(|outcome| outcome)]
    }

    /// The database, as the backend itself: no person is present.
    pub(crate) fn database(&self) -> Database<'_> {
        Database::as_service_role(self.role, &self.call.settings.supabase, self.upstream)
    }

    /// Skyvern's API.
    pub(crate) fn skyvern(&self) -> Skyvern<'_> {
        Skyvern::new(&self.call.settings.skyvern, self.upstream)
    }
}

#[cfg(test)]
mod tests {
    use super::JobType;

    #[test]
    fn every_type_has_one_name() {
        for job_type in JobType::ALL {
            assert_eq!(JobType::by_name(job_type.name()), Some(job_type));
            let read: JobType = serde_json::from_value(job_type.name().into()).unwrap();
            assert_eq!(read, job_type);
        }
    }
}
