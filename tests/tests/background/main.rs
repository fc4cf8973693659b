//! What happens without anybody asking: the queue and its runner, the schedules, and the job sync.
//!
//! These tests share the stack with the others of `cargo xtask test`, but run in a program of their own: a runner takes
//! whatever job is due, whoever queued it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod account_deletion;
mod alerts;
mod job_sync;
mod late_listings;
mod notices;
mod purge;
mod push;
mod queue;
mod reconcile;
mod retention;
mod runner;
mod stop;
mod submit_application;
mod support;
