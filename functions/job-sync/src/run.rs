//! One run, as the database knows it: it is begun under a lock, told of postings in batches, and finished. Each of these
//! is one round trip and one transaction, refused once the lock is lost.

use std::{collections::HashSet, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    clock::UnixTime,
    ids::{JobSyncRunId, RequestId},
    outgoing::Upstream,
    problem::Problem,
    supabase::Database,
    vendors::jsearch::{Page, Posting},
};

/// As many postings are held in memory, and written down at once.
const BATCH: usize = 500;

/// How long a run holds the lock from its last word; `private.hold_job_sync` says the same.
const LOCK_SECONDS: u32 = 120;

/// After so long without a word the lock is extended. With a page that is asked for three times in vain, about a minute,
/// that is still before its end.
const SILENCE: Duration = Duration::from_secs(20);

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    database: &'a Database<'a>,
    upstream: &'a Upstream,
    lock_number: i64,
    /// All that this run has met.
    seen: HashSet<String>,
    postings: Vec<Posting>,
    /// Postings that came again, and postings that could not be read, since the last batch.
    repeated: usize,
    unreadable: usize,
    batches: u32,
    last_word: UnixTime,
}

/// What a run did.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    #[serde(rename(deserialize = "id"))]
    run_id: JobSyncRunId,
    jobs_fetched: u64,
    jobs_new: u64,
    jobs_updated: u64,
    jobs_skipped: u64,
    jobs_deactivated: u64,
    errors: u64,
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Begun {
    Began { lock_number: i64 },
    Running { retry_after_seconds: u64 },
}

#[derive(Serialize)]
struct Batch<'a> {
    #[serde(rename = "p_lock_number")]
    lock_number: i64,
    #[serde(rename = "p_batch")]
    number: u32,
    #[serde(rename = "p_postings")]
    postings: &'a [Posting],
    #[serde(rename = "p_skipped")]
    skipped: usize,
    #[serde(rename = "p_errors")]
    errors: usize,
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Stored {
    Stored,
    Superseded,
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Finished {
    Finished { run: Report },
    Superseded,
}

impl<'a> Run<'a> {
    /// Takes the lock. Not repeated by itself: if the answer got lost, the lock is ours without us knowing its number.
    pub(crate) async fn begin(
        database: &'a Database<'a>,
        upstream: &'a Upstream,
        request_id: RequestId,
    ) -> Result<Self, Problem> {
        let arguments = json!({ "p_source": "jsearch", "p_locked_by": format!("job-sync {request_id}") });
        match database.call("begin_job_sync", &arguments).await? {
            Begun::Began { lock_number } => Ok(Self {
                database,
                upstream,
                lock_number,
                seen: HashSet::new(),
                postings: Vec::new(),
                repeated: 0,
                unreadable: 0,
                batches: 0,
                last_word: upstream.now(),
            }),
            Begun::Running { retry_after_seconds } => {
                Err(Problem::JobSyncRunning { retry_after: Duration::from_secs(retry_after_seconds) })
            }
        }
    }

    /// Takes the postings of a page in, and writes down what makes a full batch.
    pub(crate) async fn take(&mut self, page: Page) -> Result<(), Problem> {
        self.unreadable += page.unreadable;
        for posting in page.postings {
            if !self.seen.insert(posting.external_id.clone()) {
                self.repeated += 1;
                continue;
            }
            if self.postings.len() == BATCH {
                self.store().await?;
            }
            self.postings.push(posting);
        }
        Ok(())
    }

    /// Writes down what is left.
    pub(crate) async fn store_rest(&mut self) -> Result<(), Problem> {
        if self.postings.is_empty() && self.repeated == 0 && self.unreadable == 0 {
            return Ok(());
        }
        self.store().await
    }

    async fn store(&mut self) -> Result<(), Problem> {
        let batch = Batch {
            lock_number: self.lock_number,
            // Counted only once it is known to be stored: sent again under the same number it changes nothing.
            number: self.batches + 1,
            postings: &self.postings,
            skipped: self.repeated,
            errors: self.unreadable,
        };
        match self.database.call_idempotent("store_job_postings", &batch).await? {
            Stored::Stored => {
                self.batches += 1;
                self.postings.clear();
                (self.repeated, self.unreadable) = (0, 0);
                self.last_word = self.upstream.now();
                Ok(())
            }
            Stored::Superseded => Err(Problem::JobSyncSuperseded),
        }
    }

    /// Before something that may take a while: keeps the lock.
    pub(crate) async fn hold(&mut self) -> Result<(), Problem> {
        if self.upstream.now() - self.last_word < SILENCE {
            return Ok(());
        }
        let arguments =
            json!({ "p_lock_name": "job_sync", "p_lock_number": self.lock_number, "p_seconds": LOCK_SECONDS });
        if !self.database.call_idempotent::<bool>("extend_cron_lock", &arguments).await? {
            return Err(Problem::JobSyncSuperseded);
        }
        self.last_word = self.upstream.now();
        Ok(())
    }

    /// Closes the log row and gives the lock back. `is_whole` says whether all that is configured was asked for.
    pub(crate) async fn finish(self, is_whole: bool, outcome: Result<(), Problem>) -> Result<Report, Problem> {
        let problem = outcome.err();
        if let Some(Problem::JobSyncSuperseded) = problem {
            return Err(Problem::JobSyncSuperseded); // there is nothing left to close
        }
        let error = problem.as_ref().map(|problem| problem.kind().code);
        let arguments = json!({ "p_lock_number": self.lock_number, "p_is_whole": is_whole, "p_error": error });
        let finished = self.database.call_idempotent("finish_job_sync", &arguments).await;
        match (problem, finished) {
            // The first failure is the one to tell of; a run that could not be closed is closed as dead.
            (Some(problem), _) | (None, Err(problem)) => Err(problem),
            (None, Ok(Finished::Finished { run })) => Ok(run),
            (None, Ok(Finished::Superseded)) => Err(Problem::JobSyncSuperseded),
        }
    }
}
