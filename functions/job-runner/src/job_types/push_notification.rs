//! `push_notification`: a message for a person's devices. `trigger-push-notification` sends it, takes over the lease and
//! settles the job together with what it wrote down of the tickets, so nothing is sent again that was sent.

use serde_json::{Value, json};

use super::Attempt;
use crate::ending::Ending;

pub(crate) async fn run(attempt: &Attempt<'_>) -> Vec<Ending> {
    let jobs: Vec<Value> =
        attempt.jobs.iter().map(|job| json!({ "job_id": job.id, "lease_number": job.lease_number })).collect();
    let ending = match attempt.call.neighbour("trigger-push-notification", "TRIGGER_PUSH_NOTIFICATION") {
        None => retry("trigger-push-notification is not bound"),
        Some(neighbour) => {
            let key = &attempt.call.settings.supabase.service_role_key;
            match neighbour.post_json(key, Value::Array(jobs).to_string()).await {
                Ok(200) => Ending::Elsewhere { outcome: "handed_over".to_owned() },
                Ok(status) => retry(&format!("trigger-push-notification answered {status}")),
                Err(failure) => retry(&format!("trigger-push-notification: {failure:?}")),
            }
        }
    };
    vec![ending; attempt.jobs.len()]
}

/// Changes nothing where the lease was taken over already, as when Expo took nothing and the job was settled: the number
/// that is settled is the old one then.
fn retry(error: &str) -> Ending {
    Ending::Retry { error: error.to_owned(), after: None }
}
