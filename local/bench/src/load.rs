//! A closed loop: so many connections, each sending its next request as soon as the last one is answered.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::connection::{Answer, Connection};
use toolchain::{Doing as _, Failure, Outcome};

/// How many requests are under way at a time.
pub const CONNECTIONS: usize = 16;

/// The length of a UUID's text.
const UUID_LENGTH: usize = 36;

/// One request, and the answer that shows that the work was done.
#[derive(Debug)]
pub struct Exchange {
    /// The bytes to send.
    pub request: Vec<u8>,
    /// Where in them the `submission_id` of the answer before goes.
    pub submission_id_at: Option<usize>,
    /// The status of the answer.
    pub status: u16,
    /// The members that the answer must have, among others.
    pub members: Value,
}

/// Exchanges that depend on each other; together they are one unit of work.
pub type Job = Vec<Exchange>;

/// What one run of the loop came to.
#[derive(Debug, Default)]
pub struct Load {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// How long each job took.
    pub latencies: Vec<Duration>,
    /// Calls to the database that the answers tell of.
    pub database_calls: usize,
    /// Calls to anybody else.
    pub vendor_calls: usize,
}

/// Does all jobs, each once, and checks every answer after the clock has stopped.
pub fn drive(address: SocketAddr, jobs: &[Job]) -> Outcome<Load> {
    let next = AtomicUsize::new(0);
    let start = Barrier::new(CONNECTIONS + 1);
    let (elapsed, done) = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(|| work(address, jobs, &next, &start))).collect();
        start.wait();
        let started = Instant::now();
        let done: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (started.elapsed(), done)
    });

    let mut load = Load { elapsed, ..Load::default() };
    for worker in done {
        let worker = worker.map_err(|_| Failure::new("a connection of the bench broke off"))?;
        for done in worker.doing(|| format!("exchange requests with {address}"))? {
            load.latencies.push(done.latency);
            for (exchange, answer) in jobs[done.job].iter().zip(&done.answers) {
                exchange.check(answer)?;
                let (database, vendors) = calls(&answer.server_timing);
                load.database_calls += database;
                load.vendor_calls += vendors;
            }
        }
    }
    Ok(load)
}

struct Done {
    job: usize,
    latency: Duration,
    answers: Vec<Answer>,
}

/// One connection's share: always the next job that nobody has begun.
fn work(address: SocketAddr, jobs: &[Job], next: &AtomicUsize, start: &Barrier) -> io::Result<Vec<Done>> {
    let connection = Connection::open(address);
    start.wait(); // everybody gets here, also without a connection: the others would wait for ever
    let mut connection = connection?;
    let mut all = Vec::with_capacity(2 * jobs.len() / CONNECTIONS);
    loop {
        let job = next.fetch_add(1, Ordering::Relaxed);
        let Some(exchanges) = jobs.get(job) else { return Ok(all) };
        let started = Instant::now();
        let answers = converse(&mut connection, exchanges)?;
        all.push(Done { job, latency: started.elapsed(), answers });
    }
}

fn converse(connection: &mut Connection, exchanges: &[Exchange]) -> io::Result<Vec<Answer>> {
    let mut answers: Vec<Answer> = Vec::with_capacity(exchanges.len());
    for exchange in exchanges {
        let answer = match exchange.submission_id_at.zip(answers.last()) {
            Some((position, last)) => {
                let mut request = exchange.request.clone();
                request[position..position + UUID_LENGTH].copy_from_slice(submission_id(&last.body)?);
                connection.exchange(&request)?
            }
            None => connection.exchange(&exchange.request)?,
        };
        answers.push(answer);
    }
    Ok(answers)
}

/// Cut out of the text: parsing would cost the generator more than the network does.
fn submission_id(body: &[u8]) -> io::Result<&[u8]> {
    const NAME: &[u8] = b"\"submission_id\"";
    let found = body.windows(NAME.len()).position(|window| window == NAME).and_then(|at| {
        let rest = &body[at + NAME.len()..];
        let opening = rest.iter().position(|byte| *byte == b'"')?;
        rest.get(opening + 1..=opening + UUID_LENGTH)
    });
    found.ok_or_else(|| {
        let body = String::from_utf8_lossy(body);
        io::Error::new(io::ErrorKind::InvalidData, format!("there is no submission_id in {body}"))
    })
}

impl Exchange {
    /// Whether the work was done.
    pub fn check(&self, answer: &Answer) -> Outcome {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let wanted = self.members.as_object().into_iter().flatten();
        if answer.status == self.status && wanted.clone().all(|(name, value)| body.get(name) == Some(value)) {
            return Ok(());
        }
        let request = String::from_utf8_lossy(&self.request);
        Err(Failure::new(format!(
            "{} was answered with {} {}, and {} {} was wanted",
            request.lines().next().unwrap_or_default(),
            answer.status,
            String::from_utf8_lossy(&answer.body),
            self.status,
            self.members,
        )))
    }
}

/// The numbers of calls to the database and to others in a `Server-Timing` header.
fn calls(server_timing: &str) -> (usize, usize) {
    let names = server_timing.split(',').map(|entry| entry.split(';').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).fold((0, 0), |(database, vendors), name| match name {
        "database" => (database + 1, vendors),
        _ => (database, vendors + 1),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Exchange, calls, submission_id};
    use crate::connection::Answer;

    #[test]
    fn calls_are_counted_by_name() {
        assert_eq!(calls("database;dur=4, storage;dur=1, skyvern;dur=12, database;dur=3"), (2, 2));
        assert_eq!(calls(""), (0, 0));
    }

    #[test]
    fn the_submission_is_found_in_an_answer() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let body = format!(r#"{{"outcome": "claimed", "submission_id": "{id}", "title": "x"}}"#);
        assert_eq!(submission_id(body.as_bytes()).unwrap(), id.as_bytes());
        assert!(submission_id(br#"{"outcome": "in_progress"}"#).is_err());
        assert!(submission_id(br#"{"submission_id": "short"}"#).is_err());
    }

    #[test]
    fn a_wrong_answer_fails() {
        let exchange = Exchange {
            request: Vec::new(),
            submission_id_at: None,
            status: 200,
            members: json!({ "outcome": "applied" }),
        };
        let answer = |status, body: &str| Answer { status, body: body.into(), ..Answer::default() };

        assert!(exchange.check(&answer(200, r#"{"outcome":"applied","more":1}"#)).is_ok());
        assert!(exchange.check(&answer(200, r#"{"outcome":"duplicate"}"#)).is_err());
        assert!(exchange.check(&answer(500, r#"{"outcome":"applied"}"#)).is_err());
        assert!(exchange.check(&answer(200, "<html>")).is_err());
    }
}
