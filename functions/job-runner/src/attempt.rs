//! One attempt at background jobs, with what it needs.

use shared::{http, outgoing::Upstream, sign_in::ServiceRole, supabase::Database, vendors::skyvern::Skyvern};

use crate::{job::BackgroundJob, settings::Settings};

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
    /// The database, as the backend itself: no person is present.
    pub(crate) fn database(&self) -> Database<'_> {
        Database::as_service_role(self.role, &self.call.settings.supabase, self.upstream)
    }

    /// Skyvern's API.
    pub(crate) fn skyvern(&self) -> Skyvern<'_> {
        Skyvern::new(&self.call.settings.skyvern, self.upstream)
    }
}
