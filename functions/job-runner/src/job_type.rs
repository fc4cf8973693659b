//! The types of background jobs that this runner knows.
//!
//! A job of a type that is not listed here stays in the queue until a runner that knows it comes.

macro_rules! job_types {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// `background_jobs.job_type`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum JobType {
            $($variant),+
        }

        impl JobType {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the queue.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

job_types! {
    Announcement = "announcement",
    CancelSkyvernRun = "cancel_skyvern_run",
    DeleteFiles = "delete_files",
    JobSync = "job_sync",
    NoOperation = "no_operation",
    ProfileReminders = "profile_reminders",
    Purge = "purge",
    PushNotification = "push_notification",
    PushReceipts = "push_receipts",
    ReconcileApplication = "reconcile_application",
    SavedSearchAlert = "saved_search_alert",
    SubmitApplication = "submit_application",
}

impl JobType {
    /// The type of this name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|job_type| job_type.name() == name)
    }

    /// Whether it may take minutes, or the whole minute that a submission has. Only a scheduled run, or one that was asked
    /// for this type, has them.
    pub(crate) fn takes_minutes(self) -> bool {
        matches!(self, Self::JobSync | Self::SubmitApplication)
    }

    /// Whether all jobs of a batch are run in one go, because that saves calls.
    pub(crate) fn runs_together(self) -> bool {
        self == Self::PushNotification
    }
}

#[cfg(test)]
mod tests {
    use super::JobType;

    #[test]
    fn every_type_has_one_name() {
        for job_type in JobType::ALL {
            assert_eq!(JobType::by_name(job_type.name()), Some(*job_type));
        }
    }
}
