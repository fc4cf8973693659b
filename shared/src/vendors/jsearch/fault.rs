//! How JSearch fails us (docs/vendors/jsearch.md#errors).

use crate::vendors::fault::{Fault, FaultKind, Faults};

const fn fault(kind: FaultKind, code: &'static str, detail: &'static str) -> Fault {
    let title = if matches!(kind, FaultKind::TimedOut) { "JSearch timed out" } else { "JSearch failed" };
    Fault { kind, code, title, detail, retry_after: None }
}

/// 429 for the month's quota, or a response that says it was the last one.
pub const QUOTA_SPENT: Fault =
    fault(FaultKind::QuotaSpent, "jsearch_quota_spent", "what JSearch allows us to ask is used up");

/// `JSEARCH_SEARCH_PATH` leads nowhere.
pub(super) const UNKNOWN_PATH: Fault =
    fault(FaultKind::UnknownPath, "jsearch_unknown_path", "JSearch does not know the path that is asked for");

/// Why there are no postings from JSearch.
pub static FAULTS: Faults = Faults {
    vendor: "JSearch",
    unauthorized: fault(FaultKind::Unauthorized, "jsearch_unauthorized", "JSearch does not accept our credentials"),
    rate_limited: fault(
        FaultKind::RateLimited,
        "jsearch_rate_limited",
        "JSearch takes no more requests at the moment; try again later",
    ),
    rejected: fault(FaultKind::Rejected, "jsearch_rejected", "JSearch refused the search"),
    failed: fault(FaultKind::Failed, "jsearch_failed", "JSearch failed"),
    timed_out: fault(FaultKind::TimedOut, "jsearch_timed_out", "JSearch did not answer in time"),
    unreachable: fault(FaultKind::Unreachable, "jsearch_unreachable", "JSearch cannot be reached"),
    unreadable: fault(FaultKind::Unreadable, "jsearch_unreadable", "the answer of JSearch could not be read"),
    paused: fault(FaultKind::Paused, "jsearch_paused", "JSearch is in trouble and is not asked at the moment"),
    own: &[QUOTA_SPENT, UNKNOWN_PATH],
    own_statuses: &[(404, UNKNOWN_PATH)],
};

/// Whether the same request may succeed in a moment. A search changes nothing, so it may be repeated.
#[must_use]
pub(super) fn is_passing(fault: Fault) -> bool {
    match fault.kind {
        FaultKind::RateLimited | FaultKind::Failed | FaultKind::TimedOut | FaultKind::Unreachable => true,
        FaultKind::Unauthorized
        | FaultKind::CreditsExhausted
        | FaultKind::QuotaSpent
        | FaultKind::UnknownPath
        | FaultKind::Rejected
        | FaultKind::Unreadable
        | FaultKind::Paused => false,
    }
}
