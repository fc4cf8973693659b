//! What the clock asks for becomes jobs.

use serde::de::IgnoredAny;
use serde_json::json;
use shared::{ids::RequestId, log, supabase::Database};

use crate::job_types::JobType;

/// Calls the SQL function of each type that has one. It finds out what is due and queues it under keys that let nothing
/// be queued twice, however many runs do this at the same time. If it fails, the next run tries again; what is in the
/// queue already does not wait for that.
pub(crate) async fn queue_what_is_due(types: &[JobType], database: &Database<'_>, request_id: RequestId) {
    for function in types.iter().filter_map(|job_type| job_type.scheduled_by()) {
        if let Err(problem) = database.call::<IgnoredAny>(function, &json!({})).await {
            let cause = problem.cause().unwrap_or_else(|| problem.kind().code.to_owned());
            log::error(&json!({ "request_id": request_id, "schedule": function, "cause": cause }));
        }
    }
}
