//! Jobs that were claimed together, on their way to their outcomes.

use std::{collections::HashMap, pin::pin, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream,
};
use shared::{
    clock::UnixTime,
    http,
    log::{self, JobLine, LogLine},
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{Database, rpc::queue::Lease},
};

use crate::{
    NAME, attempt::Attempt, job::BackgroundJob, job_type::JobType, job_types, outcome::JobOutcome, queue,
    settings::Settings, summary::Summary,
};

/// As many calls to the outside as a Worker may have open at the same time.
const AT_ONCE: usize = 6;

/// Three times within a lease.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Runs the jobs, keeps the leases of those that take long, and settles all of them. What could not be begun before the
/// deadline is put back: when vendors are slow, a batch may hold more than there is time for.
pub(crate) async fn run(
    jobs: Vec<BackgroundJob>,
    deadline: UnixTime,
    role: ServiceRole,
    call: &http::Call<Settings>,
) -> Result<Summary, Problem> {
    let database = Database::as_service_role(role, &call.settings.supabase, &call.upstream);
    let mut leases: Vec<Lease> = jobs.iter().map(BackgroundJob::lease).collect();
    let mut summary = Summary::default();
    let mut ended: Vec<(BackgroundJob, JobOutcome)> = Vec::new();

    let mut attempts = pin!(
        stream::iter(portions(jobs))
            .map(async |portion| attempt(portion, deadline, role, call).await)
            .buffer_unordered(AT_ONCE)
    );
    let mut heartbeat = pin!(call.upstream.wait(HEARTBEAT));
    loop {
        match select(attempts.next(), heartbeat.as_mut()).await {
            Either::Left((Some(portion), _)) => {
                summary.calls += portion.calls;
                leases.retain(|lease| portion.ended.iter().all(|(job, _)| job.id != lease.job_id));
                ended.extend(portion.ended);
            }
            Either::Left((None, _)) => break,
            Either::Right(_) => {
                heartbeat.set(call.upstream.wait(HEARTBEAT));
                // What is done must not wait for what takes long, or it would be done again.
                settle(&database, std::mem::take(&mut ended), &mut summary).await?;
                // If this fails, the leases last until after the next heartbeat.
                let _ = queue::extend(&database, &leases).await;
            }
        }
    }
    settle(&database, ended, &mut summary).await?;
    Ok(summary)
}

/// Jobs of a type that is run together in one portion, every other job in a portion of its own.
fn portions(jobs: Vec<BackgroundJob>) -> Vec<Vec<BackgroundJob>> {
    let (together, alone): (Vec<BackgroundJob>, Vec<BackgroundJob>) =
        jobs.into_iter().partition(|job| job.kind.runs_together());
    let mut by_type: HashMap<JobType, Vec<BackgroundJob>> = HashMap::new();
    for job in together {
        by_type.entry(job.kind).or_default().push(job);
    }
    by_type.into_values().chain(alone.into_iter().map(|job| vec![job])).collect()
}

struct Portion {
    ended: Vec<(BackgroundJob, JobOutcome)>,
    calls: usize,
}

async fn attempt(
    jobs: Vec<BackgroundJob>,
    deadline: UnixTime,
    role: ServiceRole,
    call: &http::Call<Settings>,
) -> Portion {
    let started = call.now();
    // Its own, so that each job's line lists its own calls.
    let upstream = call.upstream.counted_apart();
    let outcomes = if started < deadline {
        job_types::run(&Attempt { jobs: &jobs, role, call, upstream: &upstream }).await
    } else {
        vec![JobOutcome::PutBack { after: Duration::ZERO }; jobs.len()]
    };
    let records = upstream.records();
    let ended: Vec<(BackgroundJob, JobOutcome)> = jobs.into_iter().zip(outcomes).collect();
    for (job, outcome) in &ended {
        log::write(&LogLine {
            job: Some(JobLine { id: job.id, job_type: job.kind.name(), attempt: job.attempt }),
            upstream: &records,
            outcome: outcome.outcome(),
            cause: outcome.error(),
            ..LogLine::new(NAME, call.request_id, started, call.now())
        });
    }
    Portion { ended, calls: upstream.calls() }
}

async fn settle(
    database: &Database<'_>,
    ended: Vec<(BackgroundJob, JobOutcome)>,
    summary: &mut Summary,
) -> Result<(), Problem> {
    let superseded = queue::settle(database, &ended).await?;
    for (job, outcome) in ended {
        let outcome = if superseded.contains(&job.id) { "superseded" } else { outcome.outcome() };
        summary.count(outcome);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::portions;
    use crate::{job::BackgroundJob, job_type::JobType};

    #[test]
    fn push_messages_go_together_and_all_else_alone() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let types = [JobType::NoOperation, JobType::PushNotification, JobType::NoOperation, JobType::PushNotification];
        let jobs = types.map(|kind| BackgroundJob {
            id: id.parse().unwrap(),
            user_id: None,
            kind,
            payload: json!({}),
            fencing_token: 1.into(),
            attempt: 1,
        });
        let mut sizes: Vec<usize> = portions(jobs.into()).iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 2]);
    }
}
