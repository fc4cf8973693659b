//! How Adzuna fails us (docs/vendors/adzuna.md#errors).

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::vendors::fault::{Fault, FaultKind, Faults};

const fn fault(kind: FaultKind, code: &'static str, detail: &'static str) -> Fault {
    let title = if matches!(kind, FaultKind::TimedOut) { "Job search timed out" } else { "Job search failed" };
    Fault { kind, code, title, detail, retry_after: None }
}

const UNAUTHORIZED: Fault =
    fault(FaultKind::Unauthorized, "adzuna_unauthorized", "the job search service does not accept our credentials");

/// Why there are no results from Adzuna. The codes are stored for other callers who wait for the same results.
pub static FAULTS: Faults = Faults {
    vendor: "Adzuna",
    unauthorized: UNAUTHORIZED,
    // Although our own ledger allowed the call.
    rate_limited: fault(
        FaultKind::RateLimited,
        "adzuna_rate_limited",
        "the job search service takes no more searches at the moment; try again later",
    ),
    rejected: fault(FaultKind::Rejected, "adzuna_rejected", "the job search service refused this search"),
    failed: fault(FaultKind::Failed, "adzuna_failed", "the job search service failed"),
    timed_out: fault(FaultKind::TimedOut, "adzuna_timed_out", "the job search service did not answer in time"),
    unreachable: fault(FaultKind::Unreachable, "adzuna_unreachable", "the job search service cannot be reached"),
    unreadable: fault(
        FaultKind::Unreadable,
        "adzuna_unreadable",
        "the answer of the job search service could not be read",
    ),
    paused: fault(
        FaultKind::Paused,
        "adzuna_paused",
        "the job search service is in trouble and is not asked at the moment; try again later",
    ),
    own: &[],
    own_statuses: &[(410, UNAUTHORIZED)],
};

/// Reads a fault that was stored as its code.
///
/// # Errors
/// When Adzuna has no fault with this code.
pub fn fault_with_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fault, D::Error> {
    let code = String::deserialize(deserializer)?;
    FAULTS.with_code(&code).ok_or_else(|| D::Error::custom("unknown fault of Adzuna"))
}
