//! One run, as the database knows it: it is begun under a lock, given postings in batches, and finished. Each of these
//! is one round trip and one transaction, refused once the lock is lost.

use std::{collections::HashSet, time::Duration};

use shared::{
    clock::UnixTime,
    ids::RequestId,
    outgoing::Upstream,
    problem::Problem,
    supabase::{
        Database,
        rpc::sync::{
            BeginJobSync, BegunJobSync, ExtendCronLock, FinishJobSync, FinishedJobSync, JobSyncRun, StoreJobPostings,
            StoredJobPostings,
        },
    },
    vendors::jsearch::{FAULTS, Page, Posting},
};

/// As many postings are held in memory, and written down at once.
const BATCH: usize = 500;

/// How long a run holds the lock after its last call; `private.hold_job_sync` says the same.
const LOCK_SECONDS: u32 = 120;

/// After this time without a call the lock is extended. Even after a page that failed three times, about a minute,
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

impl<'a> Run<'a> {
    /// Takes the lock. Not repeated: if the response got lost, the lock is ours, but its number is not known.
    pub(crate) async fn begin(
        database: &'a Database<'a>,
        upstream: &'a Upstream,
        request_id: RequestId,
    ) -> Result<Self, Problem> {
        let begin = BeginJobSync { source: "jsearch", locked_by: &format!("job-sync {request_id}") };
        match database.call(&begin).await? {
            BegunJobSync::Began { lock_number } => Ok(Self {
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
            BegunJobSync::Running { retry_after_seconds } => {
                Err(Problem::JobSyncRunning { retry_after: Duration::from_secs(retry_after_seconds) })
            }
            BegunJobSync::Paused { retry_after_seconds } => {
                Err(FAULTS.paused.retried_after(Some(Duration::from_secs(retry_after_seconds))).into())
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
        let batch = StoreJobPostings {
            lock_number: self.lock_number,
            // Counted only once it is known to be stored: sent again under the same number it changes nothing.
            batch: self.batches + 1,
            postings: &self.postings,
            skipped: self.repeated,
            errors: self.unreadable,
        };
        match self.database.call(&batch).await? {
            StoredJobPostings::Stored => {
                self.batches += 1;
                self.postings.clear();
                (self.repeated, self.unreadable) = (0, 0);
                self.last_word = self.upstream.now();
                Ok(())
            }
            StoredJobPostings::Superseded => Err(Problem::JobSyncSuperseded),
        }
    }

    /// Before something that may take a while: keeps the lock.
    pub(crate) async fn hold(&mut self) -> Result<(), Problem> {
        if self.upstream.now() - self.last_word < SILENCE {
            return Ok(());
        }
        let extend = ExtendCronLock { lock_name: "job_sync", lock_number: self.lock_number, seconds: LOCK_SECONDS };
        if !self.database.call(&extend).await? {
            return Err(Problem::JobSyncSuperseded);
        }
        self.last_word = self.upstream.now();
        Ok(())
    }

    /// Closes the log row and gives the lock back. `is_whole` says whether all that is configured was asked for.
    pub(crate) async fn finish(self, is_whole: bool, outcome: Result<(), Problem>) -> Result<JobSyncRun, Problem> {
        let problem = outcome.err();
        if let Some(Problem::JobSyncSuperseded) = problem {
            return Err(Problem::JobSyncSuperseded); // there is nothing left to close
        }
        let error = problem.as_ref().map(|problem| problem.kind().code);
        let finished = self.database.call(&FinishJobSync { lock_number: self.lock_number, is_whole, error }).await;
        match (problem, finished) {
            // The first failure is the one to tell of; a run that could not be closed is closed as dead.
            (Some(problem), _) | (None, Err(problem)) => Err(problem),
            (None, Ok(FinishedJobSync::Finished { run })) => Ok(run),
            (None, Ok(FinishedJobSync::Superseded)) => Err(Problem::JobSyncSuperseded),
        }
    }
}
