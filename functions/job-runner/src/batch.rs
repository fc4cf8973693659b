//! Jobs that were claimed together, on their way to their outcomes.

use std::{cell::RefCell, collections::VecDeque, pin::pin, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};
use shared::{
    clock::UnixTime,
    http,
    ids::BackgroundJobId,
    log::{self, CallRecord, JobLine, LogLine},
    outgoing::Places,
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{
        Database,
        rpc::queue::{HeldJob, Lease},
    },
};

use crate::{
    NAME,
    attempt::{Attempt, Reports},
    job::BackgroundJob,
    job_type::JobType,
    job_types,
    outcome::JobOutcome,
    queue,
    settings::Settings,
    summary::Summary,
};

/// A run has no more calls under way than this, whatever they are. A Worker may have six that wait for a response; with
/// six calls to a vendor that is silent, the heartbeat would be the seventh, and the leases would end.
const CALLS_AT_ONCE: usize = 4;

/// One is kept for the queue's own calls, heartbeats and settlements, which are made one after the other.
const ATTEMPTS_AT_ONCE: usize = CALLS_AT_ONCE - 1;

/// Three times within a lease.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Progress that was reported is written down after so long, without waiting for the heartbeat.
const NEWS: Duration = Duration::from_secs(2);

/// How often the last settlement is tried, and the pause. With the time since the last heartbeat this is within a lease,
/// and what cannot be settled would be done again.
const LAST_SETTLEMENTS: usize = 3;
const SETTLE_AGAIN: Duration = Duration::from_secs(5);

/// Runs the jobs, keeps the leases of those that take long, and settles all of them. What could not be begun before the
/// deadline is put back: when vendors are slow, a batch may hold more than there is time for.
///
/// # Errors
/// When the queue cannot be reached at the end. What it could not be told in between, it is told later.
pub(crate) async fn run(
    jobs: Vec<BackgroundJob>,
    deadline: UnixTime,
    role: ServiceRole,
    call: &http::Call<Settings>,
) -> Result<Summary, Problem> {
    let batch = Batch {
        deadline,
        role,
        call,
        places: Places::new(ATTEMPTS_AT_ONCE),
        held: RefCell::new(jobs.iter().map(BackgroundJob::lease).collect()),
        line: RefCell::new(Line::new(jobs)),
        reports: Reports::default(),
        ended: RefCell::default(),
        summary: RefCell::default(),
    };
    let mut work = pin!(batch.work());
    loop {
        let is_done = match select(work.as_mut(), pin!(batch.until_heartbeat())).await {
            Either::Left(_) => true,
            // The work goes on meanwhile, or a call that hangs would not be given up in time. What it ends in between is
            // settled next.
            Either::Right(_) => match select(work.as_mut(), pin!(batch.heartbeat())).await {
                Either::Left(((), heartbeat)) => {
                    heartbeat.await;
                    true
                }
                Either::Right(_) => false,
            },
        };
        if is_done {
            break;
        }
    }
    batch.settle_at_last().await?;
    Ok(batch.summary.take())
}

/// No borrow is held while something is waited for.
struct Batch<'a> {
    deadline: UnixTime,
    role: ServiceRole,
    call: &'a http::Call<Settings>,
    /// For the calls of all attempts.
    places: Places,
    /// The leases of what is not settled.
    held: RefCell<Vec<Lease>>,
    line: RefCell<Line>,
    reports: Reports,
    /// What has ended and is not settled.
    ended: RefCell<Vec<(BackgroundJob, JobOutcome)>>,
    summary: RefCell<Summary>,
}

impl Batch<'_> {
    async fn work(&self) {
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < ATTEMPTS_AT_ONCE
                && let Some(portion) = self.line.borrow_mut().next()
            {
                running.push(self.attempt(portion));
            }
            if running.next().await.is_none() {
                return;
            }
        }
    }

    async fn attempt(&self, jobs: Vec<BackgroundJob>) {
        let call = self.call;
        let started = call.now();
        // Its own, so that each job's line lists its own calls.
        let upstream = call.upstream.counted_apart(&self.places);
        let outcomes = if started < self.deadline {
            let attempt = Attempt { jobs: &jobs, role: self.role, call, upstream: &upstream, reports: &self.reports };
            job_types::run(&attempt).await
        } else {
            vec![JobOutcome::PutBack { after: Duration::ZERO }; jobs.len()]
        };
        let records = upstream.records();
        if let Some(job) = jobs.first() {
            self.line.borrow_mut().ended(job.kind);
        }
        self.summary.borrow_mut().calls += upstream.calls();
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            log::write(&line(&job, &outcome, &records, LogLine::new(NAME, call.request_id, started, call.now())));
            self.reports.borrow_mut().remove(&job.id);
            if outcome.settlement(job.lease()).is_none() {
                self.let_go(job.id);
            }
            self.ended.borrow_mut().push((job, outcome));
        }
    }

    /// Waits until it is time, or until there is progress to write down.
    async fn until_heartbeat(&self) {
        let mut waited = Duration::ZERO;
        while waited < HEARTBEAT {
            self.call.upstream.wait(NEWS).await;
            waited += NEWS;
            if !self.reports.borrow().is_empty() {
                return;
            }
        }
    }

    /// Keeps the leases, and settles what is done, which must not wait for what takes long. If one of the two fails, it is
    /// made up for at the next heartbeat, before which no lease ends.
    async fn heartbeat(&self) {
        let reports = self.reports.take();
        let leases = self.held.borrow().clone();
        let jobs: Vec<HeldJob> =
            leases.into_iter().map(|lease| HeldJob { lease, progress: reports.get(&lease.job_id).copied() }).collect();
        if queue::extend(&self.database(), &jobs).await.is_err() {
            // What was reported since is newer.
            let mut since = self.reports.borrow_mut();
            for (job_id, progress) in reports {
                since.entry(job_id).or_insert(progress);
            }
        }
        let _ = self.settle().await;
    }

    /// The jobs' effects are there already, so it takes some trouble to say so.
    async fn settle_at_last(&self) -> Result<(), Problem> {
        for _ in 1..LAST_SETTLEMENTS {
            match self.settle().await {
                Err(Problem::DatabaseUnavailable | Problem::DatabaseTimedOut) => {
                    self.call.upstream.wait(SETTLE_AGAIN).await;
                }
                settled => return settled,
            }
        }
        self.settle().await
    }

    async fn settle(&self) -> Result<(), Problem> {
        let ended = self.ended.take();
        match queue::settle(&self.database(), &ended).await {
            Ok(superseded) => {
                for (job, outcome) in ended {
                    self.let_go(job.id);
                    let outcome = if superseded.contains(&job.id) { "superseded" } else { outcome.outcome() };
                    self.summary.borrow_mut().count(outcome);
                }
                Ok(())
            }
            Err(problem) => {
                self.ended.borrow_mut().extend(ended);
                Err(problem)
            }
        }
    }

    fn let_go(&self, job_id: BackgroundJobId) {
        self.held.borrow_mut().retain(|lease| lease.job_id != job_id);
    }

    fn database(&self) -> Database<'_> {
        Database::as_service_role(self.role, &self.call.settings.supabase, &self.call.upstream)
    }
}

/// What is logged of a job. Jobs that were run together made their calls together.
fn line<'a>(
    job: &BackgroundJob,
    outcome: &'a JobOutcome,
    records: &'a [CallRecord],
    empty: LogLine<'a>,
) -> LogLine<'a> {
    LogLine {
        job: Some(JobLine { id: job.id, job_type: job.kind.name(), attempt: job.attempt }),
        upstream: records,
        outcome: outcome.outcome(),
        cause: outcome.error(),
        ..empty
    }
}

/// Who is next. The types take turns: whichever has the fewest attempts under way, so that one that hangs has no more
/// than its share of the places while another waits.
struct Line {
    waiting: VecDeque<Vec<BackgroundJob>>,
    running: Vec<JobType>,
}

impl Line {
    fn new(jobs: Vec<BackgroundJob>) -> Self {
        Self { waiting: portions(jobs), running: Vec::new() }
    }

    fn next(&mut self) -> Option<Vec<BackgroundJob>> {
        let kinds = self.waiting.iter().map(|portion| portion.first().map(|job| job.kind));
        let under_way = |kind| self.running.iter().filter(|running| Some(**running) == kind).count();
        // The first of those that are equal.
        let (place, kind) = kinds.enumerate().min_by_key(|(_, kind)| under_way(*kind))?;
        self.running.extend(kind);
        self.waiting.remove(place)
    }

    fn ended(&mut self, kind: JobType) {
        if let Some(place) = self.running.iter().position(|running| *running == kind) {
            self.running.swap_remove(place);
        }
    }
}

/// Jobs of a type that is run together in one portion, every other job in a portion of its own, in order.
fn portions(jobs: Vec<BackgroundJob>) -> VecDeque<Vec<BackgroundJob>> {
    let mut portions: VecDeque<Vec<BackgroundJob>> = VecDeque::new();
    for job in jobs {
        let fits = |portion: &&mut Vec<BackgroundJob>| {
            job.kind.runs_together() && portion.first().is_some_and(|first| first.kind == job.kind)
        };
        match portions.iter_mut().find(fits) {
            Some(portion) => portion.push(job),
            None => portions.push_back(vec![job]),
        }
    }
    portions
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::{
        clock::UnixTime,
        ids::RequestId,
        log::{CallRecord, LogLine},
    };

    use super::{Line, line, portions};
    use crate::{job::BackgroundJob, job_type::JobType, outcome::JobOutcome};

    fn jobs(types: &[JobType]) -> Vec<BackgroundJob> {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let job = |kind: &JobType| BackgroundJob {
            id: id.parse().unwrap(),
            user_id: None,
            kind: *kind,
            payload: json!({}),
            fencing_token: 1.into(),
            attempt: 1,
        };
        types.iter().map(job).collect()
    }

    #[test]
    fn a_jobs_line_says_which_job_it_was_whom_it_called_and_what_came_of_it() {
        let job = jobs(&[JobType::Purge]).remove(0);
        let outcome = JobOutcome::Failed { error: "malformed_payload".to_owned() };
        let records = [CallRecord { name: "database", status: Some(200), duration_ms: 7, calls: 1 }];
        let request_id = RequestId::random();
        let empty = LogLine::new("job-runner", request_id, UnixTime::from_seconds(100), UnixTime::from_seconds(102));
        let expected = json!({
            "time": "1970-01-01T00:01:42.000Z", "function": "job-runner", "request_id": request_id,
            "job": { "id": job.id, "job_type": "purge", "attempt": 1 }, "duration_ms": 2000,
            "upstream": [{ "name": "database", "status": 200, "duration_ms": 7 }], "outcome": "failed",
            "cause": "malformed_payload",
        });
        assert_eq!(json!(line(&job, &outcome, &records, empty)), expected);
    }

    #[test]
    fn push_messages_go_together_and_all_else_alone() {
        let types = [JobType::NoOperation, JobType::PushNotification, JobType::NoOperation, JobType::PushNotification];
        let sizes: Vec<usize> = portions(jobs(&types)).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 2, 1]);
    }

    #[test]
    fn a_type_that_hangs_has_its_share_of_the_places_and_all_of_them_when_nobody_else_waits() {
        let (hangs, works) = (JobType::ReconcileApplication, JobType::SavedSearchAlert);
        let mut line = Line::new(jobs(&[hangs, hangs, hangs, hangs, works, works, works]));
        let mut next = || line.next().unwrap()[0].kind;
        assert_eq!([next(), next(), next()], [hangs, works, hangs]);
        line.ended(works);
        assert_eq!(line.next().unwrap()[0].kind, works);
        line.ended(works);
        assert_eq!(line.next().unwrap()[0].kind, works, "never a third one that hangs");
        line.ended(works);
        assert_eq!(line.next().unwrap()[0].kind, hangs);
        line.ended(hangs);
        assert_eq!(line.next().unwrap()[0].kind, hangs);
        assert!(line.next().is_none());
    }
}
