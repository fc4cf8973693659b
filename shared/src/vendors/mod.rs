//! Services of other companies: one folder each, with its client, wire types, settings and faults.

pub mod adzuna;
mod call_outcome;
pub mod expo;
mod fault;
pub mod jsearch;
pub mod skyvern;
pub mod svix;

pub use call_outcome::CallOutcome;
pub use fault::{Fault, FaultKind, Faults};

/// The faults of every vendor that we call.
pub const FAULTS: [&Faults; 4] = [&adzuna::FAULTS, &expo::FAULTS, &jsearch::FAULTS, &skyvern::FAULTS];
