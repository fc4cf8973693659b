//! What a call of a vendor says about the vendor, for its circuit breaker
//! (docs/operations.md#circuit-breakers).

use serde::Serialize;

use super::{Fault, FaultKind};

/// The outcomes that the SQL function `note_vendor_call` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// The vendor works, also if it refused just this request.
    Succeeded,
    /// The vendor, or the way to it, does not work.
    Failed,
    /// Too many requests in a short time.
    Limited,
    /// Our credentials are not accepted, or the address is wrong: somebody has to mend it.
    Refused,
    /// No credits or requests are left.
    Spent,
}

impl CallOutcome {
    /// What a call that ended in this fault says. None for a call that was not made.
    #[must_use]
    pub fn of(fault: Fault) -> Option<Self> {
        match fault.kind {
            FaultKind::Rejected => Some(Self::Succeeded),
            FaultKind::Failed | FaultKind::TimedOut | FaultKind::Unreachable | FaultKind::Unreadable => {
                Some(Self::Failed)
            }
            FaultKind::RateLimited => Some(Self::Limited),
            FaultKind::Unauthorized | FaultKind::UnknownPath => Some(Self::Refused),
            FaultKind::CreditsExhausted | FaultKind::QuotaSpent => Some(Self::Spent),
            FaultKind::Paused => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CallOutcome;
    use crate::vendors::{FAULTS, jsearch, skyvern};

    #[test]
    fn every_fault_says_what_the_circuit_breaker_makes_of_it() {
        for faults in FAULTS {
            let outcomes =
                [faults.rejected, faults.failed, faults.unreadable, faults.rate_limited, faults.unauthorized];
            let expected = [
                CallOutcome::Succeeded,
                CallOutcome::Failed,
                CallOutcome::Failed,
                CallOutcome::Limited,
                CallOutcome::Refused,
            ];
            assert_eq!(outcomes.map(CallOutcome::of), expected.map(Some), "{}", faults.vendor);
            assert_eq!(CallOutcome::of(faults.paused), None);
        }
        assert_eq!(CallOutcome::of(skyvern::CREDITS_EXHAUSTED), Some(CallOutcome::Spent));
        assert_eq!(CallOutcome::of(jsearch::QUOTA_SPENT), Some(CallOutcome::Spent));
    }
}
