//! The posting sync: one run at a time under a lock, given postings in batches.

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Repeat, rpc};
use crate::{ids::JobSyncRunId, vendors::jsearch::Posting};

rpc! {
    /// Takes the lock and opens the run's row in `scraping_logs`.
    pub struct BeginJobSync<'a> {
        /// Where the postings come from.
        pub source: &'a str,
        /// Who runs, for people who look into the table.
        pub locked_by: &'a str,
    }
    const NAME = "begin_job_sync";
    /// The lock would be ours without us knowing its number.
    const REPEAT = Repeat::NotHarmless;
    type Answer = BegunJobSync;

    /// Brings a batch of postings into the catalogue.
    pub struct StoreJobPostings<'a> {
        /// Proves that the lock is still ours.
        pub lock_number: i64,
        /// The number of the batch, from 1.
        pub batch: u32,
        /// As they came.
        pub postings: &'a [Posting],
        /// Postings that came again since the last batch.
        pub skipped: usize,
        /// Postings that could not be read since the last batch.
        pub errors: usize,
    }
    const NAME = "store_job_postings";
    /// Under the same number a batch changes nothing any more.
    const REPEAT = Repeat::Harmless;
    type Answer = StoredJobPostings;

    /// Keeps a lock. Returns whether it still is ours.
    pub struct ExtendCronLock<'a> {
        /// Which lock.
        pub lock_name: &'a str,
        /// Proves that it is ours.
        pub lock_number: i64,
        /// How long from now.
        pub seconds: u32,
    }
    const NAME = "extend_cron_lock";
    /// It sets a time.
    const REPEAT = Repeat::Harmless;
    type Answer = bool;

    /// Closes the run's row and gives the lock back.
    pub struct FinishJobSync<'a> {
        /// Proves that the lock is still ours.
        pub lock_number: i64,
        /// Whether all that is configured was asked for, so that what was not met is gone.
        pub is_whole: bool,
        /// Why it failed, if it did.
        pub error: Option<&'a str>,
    }
    const NAME = "finish_job_sync";
    /// A run that is finished is returned as it is.
    const REPEAT = Repeat::Harmless;
    type Answer = FinishedJobSync;

    /// Closes the rows of runs that died.
    pub struct CloseDeadJobSyncs {}
    const NAME = "close_dead_job_syncs";
    /// The next scheduled run closes them.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;
}

/// What `begin_job_sync` returns.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum BegunJobSync {
    /// The lock is ours.
    Began {
        /// Proves it.
        lock_number: i64,
    },
    /// Another run goes on.
    Running {
        /// How long its lock lasts.
        retry_after_seconds: u64,
    },
    /// The source's circuit breaker is open.
    Paused {
        /// For how long.
        retry_after_seconds: u64,
    },
}

/// What `store_job_postings` returns.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum StoredJobPostings {
    /// The batch is in the catalogue.
    Stored,
    /// The lock is lost.
    Superseded,
}

/// What `finish_job_sync` returns.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FinishedJobSync {
    /// The run is over.
    Finished {
        /// What it did.
        run: JobSyncRun,
    },
    /// The lock was lost.
    Superseded,
}

/// A row of `scraping_logs`: what a run did.
#[derive(Debug, Deserialize, Serialize)]
pub struct JobSyncRun {
    /// Its id.
    #[serde(rename(serialize = "run_id"))]
    pub id: JobSyncRunId,
    /// Postings that came.
    pub jobs_fetched: u64,
    /// Postings that were not in the catalogue.
    pub jobs_new: u64,
    /// Postings that have changed.
    pub jobs_updated: u64,
    /// Postings that came again.
    pub jobs_skipped: u64,
    /// Postings that are not shown any more.
    pub jobs_deactivated: u64,
    /// Postings that could not be read.
    pub errors: u64,
}
