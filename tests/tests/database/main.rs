//! What the database promises by itself: its migrations, its functions when they are called at the same time, and
//! that the backend calls what is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod alert_times;
mod circuit_breakers;
mod docs;
mod linter;
mod migrations;
mod notifications;
mod posting_keys;
mod released;
mod resumes;
mod row_limits;
mod rpc;
mod submissions;
mod times;
mod upgrade;
