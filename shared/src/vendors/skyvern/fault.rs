//! How Skyvern fails us (docs/vendors/skyvern.md#refusals-and-failures).

use std::time::Duration;

use super::SURELY_LISTED_AFTER;
use crate::vendors::fault::{Fault, FaultKind, Faults};

/// A longer `Retry-After` is a mistake, or too long to miss that Skyvern is back.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

const fn fault(kind: FaultKind, code: &'static str, detail: &'static str) -> Fault {
    let title =
        if matches!(kind, FaultKind::TimedOut) { "Skyvern timed out" } else { "Skyvern did not take the application" };
    Fault { kind, code, title, detail, retry_after: None }
}

/// 402: no credits left.
pub const CREDITS_EXHAUSTED: Fault =
    fault(FaultKind::CreditsExhausted, "skyvern_credits_exhausted", "Skyvern has no credits left for us");

/// Why Skyvern did not do what it was asked. The code is also kept as the `reason` in `applications.status_details`.
pub static FAULTS: Faults = Faults {
    vendor: "Skyvern",
    unauthorized: fault(FaultKind::Unauthorized, "skyvern_unauthorized", "Skyvern does not accept our credentials"),
    // Too many runs at once, or in a short time.
    rate_limited: fault(
        FaultKind::RateLimited,
        "skyvern_rate_limited",
        "Skyvern takes no more runs at the moment; try again later",
    ),
    rejected: fault(FaultKind::Rejected, "skyvern_rejected", "Skyvern refused the request"),
    failed: fault(
        FaultKind::Failed,
        "skyvern_failed",
        "Skyvern failed; whether the application was started is being found out",
    ),
    timed_out: fault(
        FaultKind::TimedOut,
        "skyvern_timed_out",
        "Skyvern did not answer in time; whether the application was started is being found out",
    ),
    unreachable: fault(
        FaultKind::Unreachable,
        "skyvern_unreachable",
        "the connection to Skyvern broke; whether the application was started is being found out",
    ),
    // Success without a run id, or not JSON.
    unreadable: fault(
        FaultKind::Unreadable,
        "skyvern_unreadable",
        "Skyvern's answer could not be read; whether the application was started is being found out",
    ),
    paused: fault(
        FaultKind::Paused,
        "skyvern_paused",
        "Skyvern is in trouble and is not called at the moment; nothing was sent",
    ),
    own: &[CREDITS_EXHAUSTED],
    own_statuses: &[(402, CREDITS_EXHAUSTED)],
};

/// Whether a run may exist although we were not told of it. Such a request is never repeated.
#[must_use]
pub fn leaves_outcome_open(fault: Fault) -> bool {
    match fault.kind {
        FaultKind::Unauthorized
        | FaultKind::CreditsExhausted
        | FaultKind::QuotaSpent
        | FaultKind::UnknownPath
        | FaultKind::RateLimited
        | FaultKind::Rejected
        | FaultKind::Paused => false,
        FaultKind::Failed | FaultKind::TimedOut | FaultKind::Unreachable | FaultKind::Unreadable => true,
    }
}

/// Where a submission waits until Skyvern takes it: when to try again. None where that would not help. After a failure
/// that named a time a run may exist; by then it can be looked for.
#[must_use]
pub fn waits_for(fault: Fault) -> Option<Duration> {
    let after = match fault.kind {
        FaultKind::RateLimited | FaultKind::Paused => fault.retry_after.unwrap_or(Duration::from_mins(1)),
        FaultKind::Failed => fault.retry_after?.max(SURELY_LISTED_AFTER),
        _ => return None,
    };
    Some(after.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CREDITS_EXHAUSTED, FAULTS, waits_for};

    #[test]
    fn a_submission_waits_until_skyvern_takes_it_and_not_for_what_waiting_does_not_mend() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        for (fault, asked, waits) in [
            (FAULTS.rate_limited, None, after(60)),
            (FAULTS.rate_limited, after(7), after(7)),
            (FAULTS.rate_limited, after(100_000), after(3600)),
            (FAULTS.paused, None, after(60)),
            (FAULTS.paused, after(300), after(300)),
            (FAULTS.failed, None, None),
            (FAULTS.failed, after(7), after(120)),
            (FAULTS.failed, after(300), after(300)),
            (FAULTS.timed_out, after(7), None),
            (FAULTS.rejected, after(7), None),
            (CREDITS_EXHAUSTED, after(7), None),
        ] {
            assert_eq!(waits_for(fault.retried_after(asked)), waits, "{} {asked:?}", fault.code);
        }
    }
}
