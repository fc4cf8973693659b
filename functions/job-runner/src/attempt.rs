//! One attempt at background jobs, with what it needs.

use std::{cell::RefCell, collections::HashMap};

use shared::{
    http,
    ids::BackgroundJobId,
    outgoing::Upstream,
    sign_in::ServiceRole,
    supabase::{Database, rpc::queue::Progress},
    vendors::skyvern::Skyvern,
};

use crate::{job::BackgroundJob, settings::Settings};

/// The last word of each job that said how far it is and has not been written down yet.
pub(crate) type Reports = RefCell<HashMap<BackgroundJobId, Progress>>;

/// What an attempt has at hand. Its jobs are of one type, and one unless the type runs together.
pub(crate) struct Attempt<'a> {
    pub(crate) jobs: &'a [BackgroundJob],
    /// Of whoever began the run: no person is present.
    pub(crate) role: ServiceRole,
    pub(crate) call: &'a http::Call<Settings>,
    /// For the calls of this attempt alone.
    pub(crate) upstream: &'a Upstream,
    pub(crate) reports: &'a Reports,
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

    /// Says what the jobs are at. It is written down while they go on; who is done first has nothing to tell.
    pub(crate) fn is_at(&self, step: &'static str) {
        self.report(Progress { step, done: None, of: None });
    }

    /// The same with how much of it is done, out of how much where that is known.
    pub(crate) fn has_done(&self, step: &'static str, done: u64, of: Option<u64>) {
        self.report(Progress { step, done: Some(done), of });
    }

    fn report(&self, progress: Progress) {
        self.reports.borrow_mut().extend(self.jobs.iter().map(|job| (job.id, progress)));
    }
}
