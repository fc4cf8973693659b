//! `push_notification`: a message for a person's devices. `trigger-push-notification` sends it, takes over the lease and
//! settles the job together with what it wrote down of the tickets, so nothing is sent again that was sent.

use serde_json::json;
use shared::supabase::rpc::queue::Lease;

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome};

pub(crate) async fn run(attempt: &Attempt<'_>) -> Vec<JobOutcome> {
    let leases: Vec<Lease> = attempt.jobs.iter().map(BackgroundJob::lease).collect();
    let outcome = match attempt.upstream.service_binding("trigger-push-notification", "TRIGGER_PUSH_NOTIFICATION") {
        None => retry("trigger-push-notification is not bound"),
        Some(service_binding) => {
            let supabase = &attempt.call.settings.supabase;
            match service_binding.post_json(attempt.role, supabase, json!(leases).to_string()).await {
                Ok(200) => JobOutcome::Elsewhere { outcome: "handed_over".to_owned() },
                Ok(status) => retry(&format!("trigger-push-notification answered {status}")),
                Err(failure) => retry(&format!("trigger-push-notification: {failure:?}")),
            }
        }
    };
    vec![outcome; attempt.jobs.len()]
}

/// Changes nothing where the lease was taken over already, as when Expo took nothing and the job was settled: the number
/// that is settled is the old one then.
fn retry(error: &str) -> JobOutcome {
    JobOutcome::Retry { error: error.to_owned(), after: None }
}
