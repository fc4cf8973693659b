//! The queue: how many jobs that do nothing are claimed, run and completed in a second, by one runner and by several.

use std::{collections::BTreeMap, net::SocketAddr, thread, time::Instant};

use serde_json::{Value, json};

use super::{
    Contender,
    connection::{Connection, post_json},
    figures::{count, median},
    scene::Scene,
};
use toolchain::{Doing as _, Failure, Outcome};

/// The function that is measured in this way.
pub const FUNCTION: &str = "job-runner";

/// Jobs of a round.
const JOBS: usize = 10_000;

/// How many runners work at the same time.
const RUNNERS: [usize; 2] = [1, 4];

const MAKE_JOBS: &str = "
    insert into public.background_jobs (job_type, payload)
    select 'no_operation', '{}' from generate_series(1, {count});
    analyze public.background_jobs";

/// Jobs a second by the number of runners: the median of the rounds.
pub fn measure(scene: &Scene, rounds: usize) -> Outcome<BTreeMap<usize, f64>> {
    let address = scene.address(Contender::Function, FUNCTION)?;
    let mut speeds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    // The first round is the warm-up.
    for round in 0..=rounds {
        for runners in RUNNERS {
            let speed = measure_round(scene, address, runners)?;
            if round > 0 {
                speeds.entry(runners).or_default().push(speed);
            }
        }
    }
    Ok(speeds.into_iter().map(|(runners, speeds)| (runners, median(speeds))).collect())
}

fn measure_round(scene: &Scene, address: SocketAddr, runners: usize) -> Outcome<f64> {
    scene.run(&MAKE_JOBS.replace("{count}", &JOBS.to_string()))?;
    let headers = [("apikey", scene.stack.service_role_key.as_str())];
    let body = json!({ "job_types": ["no_operation"] });
    let request = post_json("/functions/v1/job-runner", &headers, &body).doing(|| "write a request".into())?;

    let started = Instant::now();
    let done: Vec<Outcome<usize>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..runners).map(|_| scope.spawn(|| run_until_idle(address, &request))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(Failure::new("a runner fell")))).collect()
    });
    let time = started.elapsed();

    let done: usize = done.into_iter().sum::<Outcome<usize>>()?;
    if done != JOBS {
        return Err(Failure::new(format!("{done} of {JOBS} jobs were done")));
    }
    Ok(count(JOBS) / time.as_secs_f64())
}

/// Asks for runs until one finds nothing to do, and returns how many jobs were completed.
fn run_until_idle(address: SocketAddr, request: &[u8]) -> Outcome<usize> {
    let mut connection = Connection::open(address).doing(|| format!("connect to {address}"))?;
    let mut completed = 0;
    loop {
        let answer = connection.exchange(request).doing(|| "run the runner".into())?;
        let summary: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let (Some(jobs), 200) = (summary["jobs"].as_u64(), answer.status) else {
            return Err(Failure::new(format!("the runner answered {}: {summary}", answer.status)));
        };
        if jobs == 0 {
            return Ok(completed);
        }
        let ended = summary["endings"]["completed"].as_u64().unwrap_or_default();
        completed += usize::try_from(ended).unwrap_or_default();
    }
}
