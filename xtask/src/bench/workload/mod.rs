//! What each function is asked, and what its floor is: the database calls that it makes, sent to PostgREST directly.

mod clerk_webhook_handler;
mod initiate_skyvern_application;
mod skyvern_webhook_handler;
mod trigger_push_notification;

use super::{Contender, load::Job, scene::Scene};
use crate::failure::Outcome;

/// Prepares so many jobs, each with rows of its own: every request has real work to do.
pub type Prepare = fn(&Scene, Contender, usize) -> Outcome<Vec<Job>>;

/// By function.
const WORKLOADS: [(&str, Prepare); 4] = [
    ("clerk-webhook-handler", clerk_webhook_handler::prepare),
    ("initiate-skyvern-application", initiate_skyvern_application::prepare),
    ("skyvern-webhook-handler", skyvern_webhook_handler::prepare),
    ("trigger-push-notification", trigger_push_notification::prepare),
];

/// How a function is measured, if that has been said.
pub fn of(function: &str) -> Option<Prepare> {
    WORKLOADS.iter().find(|(name, _)| *name == function).map(|(_, prepare)| *prepare)
}

/// The path of an SQL function.
fn rpc(contender: Contender, function: &str) -> String {
    let prefix = if contender == Contender::FloorBehindGateway { "/rest/v1" } else { "" };
    format!("{prefix}/rpc/{function}")
}
