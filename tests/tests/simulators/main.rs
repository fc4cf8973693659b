//! The simulators behave as the vendors do (docs/vendors). Where they do not, every other test proves less than it claims.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod adzuna;
mod clerk;
mod connections;
mod dns;
mod expo;
mod faults;
mod gateway;
mod jsearch;
mod receiver;
mod safe_updates;
mod shape;
mod shapes;
mod skyvern_runs;
mod skyvern_webhooks;
mod storage_files;
mod storage_keys;
mod storage_links;
