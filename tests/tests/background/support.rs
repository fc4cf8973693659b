//! What the tests of background work have in common.

use serde_json::{Value, json};
use tests::{Reply, Stack};
use uuid::Uuid;

/// A job type that no runner knows, so that only the test claims it.
pub fn unknown_type() -> String {
    format!("test_{}", Uuid::new_v4().simple())
}

/// Queues jobs and returns their ids.
pub async fn enqueue(stack: &Stack, jobs: &Value) -> Vec<Uuid> {
    let reply = stack.service().rpc("enqueue_background_jobs", &json!({ "p_jobs": jobs })).await;
    reply.parse::<Vec<Value>>().iter().map(|job| serde_json::from_value(job["id"].clone()).unwrap()).collect()
}

/// Claims jobs of one type, as a worker would.
pub async fn claim(stack: &Stack, job_type: &str, limit: usize) -> Vec<Value> {
    claim_of(stack, &[job_type], limit).await
}

/// Claims jobs of several types.
pub async fn claim_of(stack: &Stack, job_types: &[&str], limit: usize) -> Vec<Value> {
    let arguments = json!({ "p_worker": "a test", "p_job_types": job_types, "p_limit": limit });
    stack.service().rpc("claim_background_jobs", &arguments).await.parse()
}

/// Settles one job and returns its status then, or `superseded`.
pub async fn settle(stack: &Stack, job: &Value, settlement: Value) -> String {
    let mut entry = settlement;
    entry["job_id"] = job["id"].clone();
    entry["lease_number"] = job["lease_number"].clone();
    let answer: Value = stack.service().rpc("settle_background_jobs", &json!({ "p_jobs": [entry] })).await.parse();
    answer[0]["status"].as_str().unwrap().to_owned()
}

/// Moves the end of a job's lease, or the time at which it is due, into the past.
pub async fn let_time_pass(stack: &Stack, job_id: Uuid) {
    stack
        .database()
        .query(
            "update public.background_jobs
             set run_at = least(run_at, now() - interval '1 second'),
                 lease_expires_at = least(lease_expires_at, now() - interval '1 second')
             where id = $1",
            &[&job_id],
        )
        .await;
}

/// Runs the runner once, for these types only.
pub async fn run_jobs(stack: &Stack, job_types: &[&str]) -> Reply {
    stack.service().invoke("job-runner", &json!({ "job_types": job_types })).await.expect_status(200)
}

/// The id in a JSON value.
pub fn id(value: &Value) -> Uuid {
    serde_json::from_value(value.clone()).unwrap()
}
