//! Twice as many requests as a function can serve: what it accepts and how fast that stays, what it refuses, and what
//! memory that takes. Once with callers who wait for their answer, and twice with callers who hang up and ask again, as a
//! field does that searches while somebody types: the runtime may learn of it or not.
//!
//! An open loop: a request is due at its time, whatever became of those before it.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    connection::{Answer, Connection},
    figures::{count, percentile},
    load::{Exchange, Job},
    processor::resident_megabytes,
};
use toolchain::{Doing as _, Failure, Outcome};

/// The function that is measured in this way.
pub const FUNCTION: &str = "adzuna-job-search";

/// How many times what the function can serve.
const TIMES: f64 = 2.0;

/// How long.
const LASTS: Duration = Duration::from_secs(5);

/// How many callers there are, who send what is due next as soon as they are free. More than wait at any time.
const CALLERS: usize = 512;

/// Longer than any call to the outside may take.
const WAITS: Duration = Duration::from_secs(15);
/// Somebody types on.
const HANGS_UP_AFTER: Duration = Duration::from_millis(60);

/// How the callers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callers {
    /// They wait for their answer.
    Wait,
    /// They hang up soon, and the runtime learns of it, as Cloudflare's does.
    HangUp,
    /// They hang up soon, and the runtime does not learn of it.
    Vanish,
}

impl Callers {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Wait, Self::HangUp, Self::Vanish];

    fn patience(self) -> Duration {
        match self {
            Self::Wait => WAITS,
            Self::HangUp | Self::Vanish => HANGS_UP_AFTER,
        }
    }
}

/// What came of it. Rates are by the second.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Requests that were sent.
    pub offered: f64,
    /// Those that were answered as they should be,
    pub accepted: f64,
    /// of which half within so many milliseconds
    pub accepted_p50_ms: f64,
    /// and all but one in a hundred within so many.
    pub accepted_p99_ms: f64,
    /// Those that were refused as `overloaded`,
    pub refused: f64,
    /// all but one in a hundred within so many milliseconds.
    pub refused_p99_ms: f64,
    /// Those whose caller hung up.
    pub hung_up: f64,
    /// Those that ended in any other way.
    pub failed: f64,
    /// The runtime's memory in megabytes: before,
    pub megabytes_before: f64,
    /// at most,
    pub megabytes_most: f64,
    /// and afterwards.
    pub megabytes_after: f64,
    /// After how many milliseconds a request was answered as it should be again.
    pub recovered_after_ms: f64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Accepted,
    Refused,
    HungUp,
    Failed,
}

/// As many requests as are needed at that capacity.
pub fn requests(capacity: f64) -> usize {
    let requests = (TIMES * capacity * LASTS.as_secs_f64()).clamp(100.0, 50_000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies within the range")]
    let requests = requests as usize;
    requests
}

/// Sends all jobs within the time.
pub fn measure(callers: Callers, address: SocketAddr, jobs: &[Job], runtime: u32) -> Outcome<Figures> {
    let exchanges: Vec<&Exchange> = jobs.iter().filter_map(|job| job.first()).collect();
    let megabytes_before = resident_megabytes(runtime);
    let (next, is_over, most) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(megabytes_before));
    let started = Instant::now();
    let (elapsed, endings) = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let now = resident_megabytes(runtime);
                let mut most = most.lock().unwrap_or_else(PoisonError::into_inner);
                *most = most.max(now);
                drop(most);
                thread::sleep(Duration::from_millis(50));
            }
        });
        let threads: Vec<_> =
            (0..CALLERS).map(|_| scope.spawn(|| call(callers, address, &exchanges, &next, started))).collect();
        let ended: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        let elapsed = started.elapsed();
        is_over.store(true, Ordering::Relaxed);
        (elapsed, ended)
    });
    let mut all: Vec<(Ending, Duration)> = Vec::with_capacity(exchanges.len());
    for ended in endings {
        all.extend(ended.map_err(|_| Failure::new("a caller of the bench broke off"))?);
    }
    let recovered = recovered(address, &exchanges)?;

    let rate = |number: usize| count(number) / elapsed.as_secs_f64();
    let latencies = |wanted: Ending| {
        let mut latencies: Vec<Duration> =
            all.iter().filter(|(ending, _)| *ending == wanted).map(|(_, latency)| *latency).collect();
        latencies.sort_unstable();
        latencies
    };
    let (accepted, refused) = (latencies(Ending::Accepted), latencies(Ending::Refused));
    Ok(Figures {
        offered: rate(all.len()),
        accepted: rate(accepted.len()),
        accepted_p50_ms: percentile(&accepted, 50),
        accepted_p99_ms: percentile(&accepted, 99),
        refused: rate(refused.len()),
        refused_p99_ms: percentile(&refused, 99),
        hung_up: rate(latencies(Ending::HungUp).len()),
        failed: rate(latencies(Ending::Failed).len()),
        megabytes_before,
        megabytes_most: most.into_inner().unwrap_or_else(PoisonError::into_inner),
        megabytes_after: resident_megabytes(runtime),
        recovered_after_ms: recovered.as_secs_f64() * 1000.0,
    })
}

/// One caller, who takes the next request that is due. A connection that was hung up is not used again.
fn call(
    callers: Callers,
    address: SocketAddr,
    exchanges: &[&Exchange],
    next: &AtomicUsize,
    started: Instant,
) -> Vec<(Ending, Duration)> {
    let (mut connection, mut endings) = (None, Vec::new());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(exchange) = exchanges.get(number) else { return endings };
        let due = started + LASTS.mul_f64(count(number) / count(exchanges.len()));
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        let answer = match connection.take() {
            Some(kept) => Ok(kept),
            None => Connection::open_within(address, callers.patience()),
        }
        .and_then(|mut open| {
            let answer = open.exchange(&exchange.request);
            if answer.is_ok() {
                connection = Some(open);
            } else if callers == Callers::HangUp {
                open.reset()?;
            }
            answer
        });
        let ending = match answer {
            Ok(answer) => ending(exchange, &answer),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ending::HungUp,
            Err(_) => Ending::Failed,
        };
        endings.push((ending, began.elapsed()));
    }
}

fn ending(exchange: &Exchange, answer: &Answer) -> Ending {
    let is_refusal = || answer.body.windows(12).any(|text| text == b"\"overloaded\"");
    match answer.status {
        503 if is_refusal() => Ending::Refused,
        _ if exchange.check(answer).is_ok() => Ending::Accepted,
        _ => Ending::Failed,
    }
}

/// How long it takes until a request is answered as it should be.
fn recovered(address: SocketAddr, exchanges: &[&Exchange]) -> Outcome<Duration> {
    let ended = Instant::now();
    let exchange = exchanges.first().ok_or_else(|| Failure::new("there is nothing to ask"))?;
    while ended.elapsed() < 2 * WAITS {
        let mut connection = Connection::open_within(address, WAITS).doing(|| format!("connect to {address}"))?;
        if connection.exchange(&exchange.request).is_ok_and(|answer| exchange.check(&answer).is_ok()) {
            return Ok(ended.elapsed());
        }
    }
    Err(Failure::new("the function does not recover from too many requests"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Ending, ending, requests};
    use crate::{connection::Answer, load::Exchange};

    #[test]
    fn refusals_are_told_from_failures() {
        let exchange =
            Exchange { request: Vec::new(), submission_id_at: None, status: 200, members: json!({ "page": 1 }) };
        for (status, body, expected) in [
            (200, r#"{"page":1}"#, Ending::Accepted),
            (200, "{}", Ending::Failed),
            (503, r#"{"code":"overloaded"}"#, Ending::Refused),
            (503, r#"{"code":"database_unavailable"}"#, Ending::Failed),
            (504, "", Ending::Failed),
        ] {
            let answer = Answer { status, body: body.into(), ..Answer::default() };
            assert_eq!(ending(&exchange, &answer), expected, "{status} {body}");
        }
    }

    #[test]
    fn twice_the_capacity_is_asked_within_bounds() {
        assert_eq!(requests(200.0), 2000);
        assert_eq!(requests(0.0), 100);
        assert_eq!(requests(f64::INFINITY), 50_000);
    }
}
