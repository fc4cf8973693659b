//! Skyvern: the service that drives a browser and submits applications.

mod client;
mod event;
mod fault;
mod outcome;
mod run;
mod settings;
mod signature;

pub use client::{SURELY_LISTED_AFTER, Skyvern};
pub use event::{Event, RunError, RunStatus};
pub use fault::{CREDITS_EXHAUSTED, FAULTS, leaves_outcome_open, waits_for};
pub use outcome::{Decision, error_code_mapping};
pub use run::{NewRun, Run};
pub use settings::Settings;
pub use signature::{WebhookKeys, sign};
