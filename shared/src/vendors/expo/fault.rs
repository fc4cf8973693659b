//! How Expo fails us (docs/vendors/expo.md#errors-of-a-request). A fault is always one of a whole request; what happens
//! to a single message is in its ticket.

use crate::vendors::fault::{Fault, FaultKind, Faults};

const fn fault(kind: FaultKind, code: &'static str, detail: &'static str) -> Fault {
    let title = if matches!(kind, FaultKind::TimedOut) { "Expo timed out" } else { "Expo did not take the messages" };
    Fault { kind, code, title, detail, retry_after: None }
}

/// Why a whole request was not fulfilled.
pub static FAULTS: Faults = Faults {
    vendor: "Expo",
    // Our access token is not accepted, or the project needs one.
    unauthorized: fault(FaultKind::Unauthorized, "expo_unauthorized", "Expo does not accept our credentials"),
    // More messages in a second than Expo takes of one project.
    rate_limited: fault(
        FaultKind::RateLimited,
        "expo_rate_limited",
        "Expo takes no more messages at the moment; try again later",
    ),
    rejected: fault(FaultKind::Rejected, "expo_rejected", "Expo refused the request"),
    failed: fault(FaultKind::Failed, "expo_failed", "Expo failed; the messages may not have been sent"),
    timed_out: fault(
        FaultKind::TimedOut,
        "expo_timed_out",
        "Expo did not answer in time; the messages may not have been sent",
    ),
    unreachable: fault(
        FaultKind::Unreachable,
        "expo_unreachable",
        "the connection to Expo broke; the messages may not have been sent",
    ),
    // Anything but a ticket for each recipient.
    unreadable: fault(
        FaultKind::Unreadable,
        "expo_unreadable",
        "Expo's answer could not be read; the messages may not have been sent",
    ),
    paused: fault(
        FaultKind::Paused,
        "expo_paused",
        "Expo is in trouble and is not called at the moment; the messages were not sent",
    ),
    own: &[],
    own_statuses: &[],
};

/// Whether the same request may succeed in a moment. Expo may have accepted the first one after all; then the second
/// message replaces the first (see [`Content`](super::Content)).
#[must_use]
pub fn is_passing(fault: Fault) -> bool {
    match fault.kind {
        FaultKind::RateLimited
        | FaultKind::Failed
        | FaultKind::TimedOut
        | FaultKind::Unreachable
        | FaultKind::Unreadable => true,
        FaultKind::Unauthorized
        | FaultKind::CreditsExhausted
        | FaultKind::QuotaSpent
        | FaultKind::UnknownPath
        | FaultKind::Rejected
        // Not in a moment.
        | FaultKind::Paused => false,
    }
}

/// Whether somebody can fix the cause, so that the same request may be accepted at another time.
#[must_use]
pub fn may_be_mended(fault: Fault) -> bool {
    fault.kind != FaultKind::Rejected
}
