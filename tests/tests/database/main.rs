//! What the database promises by itself: its migrations, its functions when they are called at the same time, and
//! that the backend calls what is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod alert_times;
mod chosen_resume;
mod circuit_breakers;
mod claims;
mod devices;
mod docs;
mod late_news;
mod ledger;
mod limits;
mod linter;
mod lock_order;
mod migrations;
mod notifications;
mod posting_keys;
mod reconciling;
mod released;
mod resumes;
mod row_limits;
mod rpc;
mod safe_updates;
mod search_leases;
mod submission;
mod submissions;
mod times;
mod upgrade;
mod waiting;
