//! The circuit breakers of the vendors, where no other SQL function is called after the vendor.

use serde::de::IgnoredAny;

use super::{Repeat, rpc};
use crate::vendors::CallOutcome;

rpc! {
    /// What came of the call.
    pub struct NoteVendorCall {
        /// The vendor, as its codes begin.
        pub vendor: &'static str,
        /// What it says about the vendor.
        pub outcome: CallOutcome,
        /// How long the vendor asks us to wait.
        pub retry_after_seconds: Option<u64>,
        /// Whether the call neither starts nor spends anything.
        pub costs_nothing: bool,
    }
    const NAME = "note_vendor_call";
    /// The second call would count as another failure; without the first one the next call finds out.
    const REPEAT = Repeat::NotHarmless;
    type Answer = IgnoredAny;
}
