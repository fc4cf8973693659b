//! The circuit breakers of the vendors, where no other SQL function is called before or after the vendor.

use serde::de::IgnoredAny;

use super::{Repeat, rpc};
use crate::vendors::CallOutcome;

rpc! {
    /// Whether the vendor may be called: null, or in how many seconds.
    pub struct PassCircuitBreaker {
        /// The vendor, as its codes begin.
        pub vendor: &'static str,
        /// Whether the call neither starts nor spends anything.
        pub costs_nothing: bool,
    }
    const NAME = "pass_circuit_breaker";
    /// The second call would find that the first one has the trial.
    const REPEAT = Repeat::NotHarmless;
    type Answer = Option<u64>;

    /// What came of the call.
    pub struct NoteVendorCall {
        /// The vendor, as its codes begin.
        pub vendor: &'static str,
        /// What it says about the vendor.
        pub outcome: CallOutcome,
        /// How long the vendor asks us to wait.
        pub retry_after_seconds: Option<u64>,
        /// As for [`PassCircuitBreaker`].
        pub costs_nothing: bool,
    }
    const NAME = "note_vendor_call";
    /// The second call would count as another failure; without the first one the next call finds out.
    const REPEAT = Repeat::NotHarmless;
    type Answer = IgnoredAny;
}
