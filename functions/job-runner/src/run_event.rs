//! What was read of a run at Skyvern, applied as its webhook would have been.

use shared::{
    ids::{ApplicationId, RequestId},
    problem::Problem,
    supabase::{
        Database,
        rpc::applications::{ApplySkyvernEvent, Source},
    },
    vendors::skyvern::{Decision, Event},
};

/// Applies the event, under the webhook's own key, and returns what became of it.
pub(crate) async fn apply(
    event: &Event,
    application_id: ApplicationId,
    database: &Database<'_>,
    request_id: RequestId,
) -> Result<String, Problem> {
    let apply = ApplySkyvernEvent {
        run_id: &event.run_id,
        run_status: event.status.as_str(),
        attempt: event.attempt,
        retry_pending: event.retry_pending,
        application_id: Some(application_id),
        submission_id: None,
        decision: &Decision::on(event),
        body: event.essence().to_string().into(),
        request_id,
        source: Source::Reconciler,
    };
    Ok(database.call(&apply).await?.outcome)
}
