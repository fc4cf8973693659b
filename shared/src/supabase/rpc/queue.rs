//! The queue of background jobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

use super::{Repeat, rpc};
use crate::ids::{BackgroundJobId, UserId};

rpc! {
    /// Puts background jobs into the queue.
    pub struct EnqueueBackgroundJobs<'a> {
        /// Each with a key: without one a repeated call would queue it twice.
        pub jobs: &'a [NewJob<'a>],
    }
    const NAME = "enqueue_background_jobs";
    /// A job is queued once under its key.
    const REPEAT = Repeat::Harmless;
    type Answer = IgnoredAny;

    /// Leases background jobs that are due: of each type in turn, or one alone that has lost its workers before.
    pub struct ClaimBackgroundJobs<'a> {
        /// Who leases them, for people who look into the table.
        pub worker: &'a str,
        /// The types that the worker knows.
        pub job_types: &'a [&'a str],
        /// As many at most, and no more than 500.
        pub limit: usize,
        /// Only a job that has lost its workers before, which otherwise comes when nothing else is due.
        pub suspect_only: bool,
    }
    const NAME = "claim_background_jobs";
    /// The second call would lease other jobs, and those of the first would wait until their leases end.
    const REPEAT = Repeat::NotHarmless;
    type Answer = Vec<LeasedJob>;

    /// Says how attempts at background jobs ended.
    pub struct SettleBackgroundJobs<'a> {
        /// One for each job.
        pub jobs: &'a [Settlement],
    }
    const NAME = "settle_background_jobs";
    /// A job that is settled is not the caller's any more.
    const REPEAT = Repeat::Harmless;
    type Answer = Vec<SettledJob>;

    /// Makes leases last half a minute from now, and keeps how far their jobs are. Returns the jobs that still are the
    /// caller's.
    pub struct ExtendBackgroundJobs<'a> {
        /// What is still being worked on.
        pub jobs: &'a [HeldJob],
    }
    const NAME = "extend_background_jobs";
    /// There are three heartbeats to a lease.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = Vec<BackgroundJobId>;

    /// Queues the day's purge.
    pub struct QueueDailyPurge {}
    const NAME = "queue_daily_purge";
    /// The next scheduled run queues what is due.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;

    /// Deletes rows that nobody needs any more.
    pub struct PurgeExpiredRows<'a> {
        /// As many of each kind at most.
        pub limit: u64,
        /// Where to go on: what the call before this one returned, or nothing.
        pub after: &'a PurgedUpTo,
    }
    const NAME = "purge_expired_rows";
    /// What is deleted stays deleted; the second call goes on.
    const REPEAT = Repeat::Harmless;
    type Answer = Purged;

    /// Queues a look at Skyvern for each application that it is silent about.
    pub struct QueueDueReconciliations {}
    const NAME = "queue_due_reconciliations";
    /// The next scheduled run queues what is due.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;
}

/// How far each kind of rows has been purged, in the database's own words.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PurgedUpTo(BTreeMap<String, String>);

/// What a purge deleted.
#[derive(Debug, Deserialize)]
pub struct Purged {
    /// How many rows of each kind. As many as the limit mean that there may be more.
    pub purged: BTreeMap<String, u64>,
    /// For the next call.
    pub after: PurgedUpTo,
}

/// Proves that a lease of a background job is still the caller's: every lease has a higher one (`lease_number`), and
/// whoever names an old one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(i64);

impl From<i64> for FencingToken {
    fn from(lease_number: i64) -> Self {
        Self(lease_number)
    }
}

/// A background job to queue.
#[derive(Debug, Serialize)]
pub struct NewJob<'a> {
    /// `background_jobs.job_type`.
    pub job_type: &'a str,
    /// What its type needs.
    pub payload: Value,
    /// Not before this time, RFC 3339.
    pub run_at: &'a str,
    /// It is queued once under this key, however the first one ended.
    pub dedupe_key: &'a str,
}

/// A background job as it is handed to a worker.
#[derive(Debug, Deserialize)]
pub struct LeasedJob {
    /// Its id.
    pub id: BackgroundJobId,
    /// Whose it is; none for the product's own work.
    pub user_id: Option<UserId>,
    /// `background_jobs.job_type`, one of those that were asked for.
    pub job_type: String,
    /// What its type needs.
    pub payload: Value,
    /// Of this lease.
    #[serde(rename = "lease_number")]
    pub fencing_token: FencingToken,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// A lease.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Lease {
    /// Of which background job.
    pub job_id: BackgroundJobId,
    /// Proves that it is the caller's.
    #[serde(rename = "lease_number")]
    pub fencing_token: FencingToken,
}

/// A job whose lease is extended.
#[derive(Debug, Serialize)]
pub struct HeldJob {
    /// Its lease.
    #[serde(flatten)]
    pub lease: Lease,
    /// How far it is, if there is news of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// How far a background job is: `background_jobs.progress`. An app can show it without knowing the job's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What it is doing, in a word of its type's own.
    pub step: &'static str,
    /// How much of it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Out of how much, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

/// How an attempt at a background job ended.
#[derive(Debug, PartialEq, Serialize)]
pub struct Settlement {
    /// Which job.
    pub job_id: BackgroundJobId,
    /// Of the lease under which it was run.
    #[serde(rename = "lease_number")]
    pub fencing_token: FencingToken,
    /// What becomes of the job.
    pub outcome: SettlementOutcome,
    /// What went wrong.
    pub error: Option<String>,
    /// What came of it, for whoever asks; null if nothing.
    pub result: Value,
    /// At least as long it waits, if it is not over.
    pub retry_after_seconds: Option<u64>,
}

/// What becomes of a background job after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementOutcome {
    /// It is done.
    Completed,
    /// It cannot be done.
    Failed,
    /// Later, after a pause that grows with the attempts; failed if this was the last one.
    Retry,
    /// Later, and this was no attempt.
    PutBack,
}

/// What `settle_background_jobs` made of a job.
#[derive(Debug, Deserialize)]
pub struct SettledJob {
    /// Which job.
    pub job_id: BackgroundJobId,
    /// Its status now.
    pub status: SettledStatus,
}

/// The status of a job after it was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettledStatus {
    /// It waits for its next attempt.
    Pending,
    /// It is done.
    Completed,
    /// It is over.
    Failed,
    /// It was not the caller's any more, and so was left alone.
    Superseded,
}
