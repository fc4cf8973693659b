//! An id is a type of its own, so that one kind cannot be passed for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$documentation:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

id! {
    /// `users.id`.
    UserId,
    /// `applications.id`.
    ApplicationId,
    /// `applications.submission_id`: one attempt to hand an application to Skyvern.
    SubmissionId,
    /// `background_jobs.id`.
    BackgroundJobId,
    /// `user_push_tokens.id`: a device that gets push messages.
    DeviceId,
    /// `saved_searches.id`.
    SavedSearchId,
    /// `private.announcements.id`.
    AnnouncementId,
    /// The right to ask Adzuna for one page, and that call in the ledger.
    SearchLeaseId,
    /// `job_search_cache.version`: one fetch of a page.
    SearchVersion,
    /// `scraping_logs.id`: one run of the job sync.
    JobSyncRunId,
    /// `x-request-id`: follows a request through every log line and call it causes.
    RequestId,
}

impl RequestId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

/// Skyvern's id of a run (`tsk_…`, `wr_…`): opaque text, as docs/vendors/skyvern.md#run-ids asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// The longest id taken seriously, in bytes; real ones have about 30.
    const MAXIMUM_LENGTH: usize = 200;

    /// Accepts any printable ASCII text of a sensible length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sensible =
            !text.is_empty() && text.len() <= Self::MAXIMUM_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
        sensible.then(|| Self(text.to_owned()))
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{ApplicationId, RunId};

    #[test]
    fn an_id_is_read_from_a_uuid_and_nothing_else() {
        assert!("6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse::<ApplicationId>().is_ok());
        assert!("6f9619ff".parse::<ApplicationId>().is_err());
        assert!("".parse::<ApplicationId>().is_err());
    }

    #[test]
    fn a_run_id_is_short_printable_ascii() {
        assert!(RunId::parse("tsk_410000000000000001").is_some());
        assert!(RunId::parse("").is_none());
        assert!(RunId::parse("tsk 41").is_none());
        assert!(RunId::parse("tsk_é").is_none());
        assert!(RunId::parse(&"t".repeat(201)).is_none());
    }
}
