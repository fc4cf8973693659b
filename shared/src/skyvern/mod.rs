//! Skyvern: the service that drives a browser and fills in applications.

mod client;
mod event;
mod signature;

pub use client::{NewRun, Run, Skyvern};
pub use event::{Event, RunError, RunStatus};
pub use signature::{WebhookKeys, sign};
