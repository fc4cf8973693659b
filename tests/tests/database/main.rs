//! What the database promises by itself: its migrations, and its functions when they are called at the same time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod docs;
mod migrations;
mod notifications;
mod released;
mod submissions;
