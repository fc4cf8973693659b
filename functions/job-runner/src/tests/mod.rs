//! The whole handler and the scheduled run, on a machine without a network.

mod job_types;
mod runs;

use serde_json::{Value, json};
use shared::{
    http::Reply,
    problem::Problem,
    testing::{Machine, block_on, internal_caller, json_of, post},
};

use crate::handle;

const CLAIM: &str = "claim_background_jobs as the service role";
const SETTLE: &str = "settle_background_jobs as the service role";
const EXTEND: &str = "extend_background_jobs as the service role";

const USER: &str = "4aa3c1b8-9c4e-4b0e-8f0e-5d1f6a7b8c9d";

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A leased job. Its fencing token is ten times its number.
fn job(number: usize, kind: &str, payload: &Value) -> Value {
    json!({ "id": id(number), "user_id": USER, "job_type": kind, "payload": payload, "lease_number": number * 10,
            "attempt": 1 })
}

fn run(machine: &Machine, body: &Value) -> Result<Reply, Problem> {
    block_on(handle(&post(&internal_caller(), body), &machine.call()))
}

trait Queue {
    /// At the next look these jobs are due.
    fn holds(self, jobs: &[Value]) -> Self;
    /// At the next look nothing is due any more.
    fn holds_nothing(self) -> Self;
    /// The next jobs that are settled are still ours.
    fn settles(self) -> Self;
    /// All leases can be extended, as often as that takes.
    fn extends(self) -> Self;
}

impl Queue for Machine {
    fn holds(self, jobs: &[Value]) -> Self {
        self.returns("claim_background_jobs", jobs)
    }

    fn holds_nothing(self) -> Self {
        self.holds(&[])
    }

    fn settles(self) -> Self {
        self.returns("settle_background_jobs", json!([]))
    }

    fn extends(self) -> Self {
        self.always_returns("extend_background_jobs", json!([]))
    }
}

/// How an attempt at a job ended, as far as the queue is told.
#[derive(Debug, PartialEq)]
struct Settlement {
    outcome: String,
    error: Option<String>,
    result: Value,
    retry_after_seconds: Option<u64>,
}

fn completed(result: Value) -> Settlement {
    Settlement { outcome: "completed".to_owned(), error: None, result, retry_after_seconds: None }
}

fn failed(error: &str) -> Settlement {
    Settlement { outcome: "failed".to_owned(), error: Some(error.to_owned()), ..completed(Value::Null) }
}

fn retry(error: &str, retry_after_seconds: Option<u64>) -> Settlement {
    Settlement { outcome: "retry".to_owned(), retry_after_seconds, ..failed(error) }
}

fn put_back(seconds: u64) -> Settlement {
    Settlement { outcome: "put_back".to_owned(), retry_after_seconds: Some(seconds), ..completed(Value::Null) }
}

/// Each job that was settled, by its number, under the fencing token that was given.
fn settlements(machine: &Machine) -> Vec<(usize, Settlement)> {
    let bodies = machine.bodies("settle_background_jobs");
    let entries = bodies.iter().flat_map(|body| body["p_jobs"].as_array().unwrap());
    let read = |entry: &Value| {
        let number = usize::try_from(entry["lease_number"].as_u64().unwrap()).unwrap() / 10;
        assert_eq!(entry["job_id"], id(number));
        let settlement = Settlement {
            outcome: entry["outcome"].as_str().unwrap().to_owned(),
            error: entry["error"].as_str().map(str::to_owned),
            result: entry["result"].clone(),
            retry_after_seconds: entry["retry_after_seconds"].as_u64(),
        };
        (number, settlement)
    };
    entries.map(read).collect()
}

/// Runs one job alone. Returns how it was settled, none if it was settled elsewhere.
fn attempt(machine: Machine, kind: &str, payload: &Value, number: u32) -> (Machine, Option<Settlement>) {
    let mut leased = job(1, kind, payload);
    leased["attempt"] = json!(number);
    let machine = machine.holds(&[leased]).extends().holds_nothing();
    let machine = scheduling(machine, &[kind]);
    let reply = run(&machine, &json!({ "job_types": [kind] })).unwrap();
    assert_eq!((reply.status, &json_of(&reply)["jobs"]), (200, &json!(1)));
    let settlement = settlements(&machine).pop().map(|(_, settlement)| settlement);
    (machine, settlement)
}

/// The SQL functions that queue what is due, by the type of its jobs, in the order in which they are called.
const SCHEDULES: [(&str, &str); 6] = [
    ("job_sync", "close_dead_job_syncs"),
    ("profile_reminders", "queue_due_profile_reminders"),
    ("purge", "queue_daily_purge"),
    ("push_receipts", "queue_due_push_receipts"),
    ("reconcile_application", "queue_due_reconciliations"),
    ("saved_search_alert", "queue_due_saved_search_alerts"),
];

/// Plans that nothing new is due of these types.
fn scheduling(machine: Machine, kinds: &[&str]) -> Machine {
    let functions = SCHEDULES.iter().filter(|(kind, _)| kinds.contains(kind));
    functions.fold(machine, |machine, (_, function)| machine.returns(function, json!(0)))
}

/// The calls that the job itself made.
fn work(machine: &Machine) -> Vec<String> {
    let all = machine.calls().into_iter();
    let first_claim = all.skip_while(|call| call != CLAIM);
    first_claim.filter(|call| ![CLAIM, SETTLE, EXTEND].contains(&call.as_str())).collect()
}
