//! What each function does for its callers, on the real stack: PostgreSQL, PostgREST, the functions in workerd, and
//! simulated vendors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod accounts;
mod apply;
mod apply_limits;
mod apply_once;
mod hang_up;
mod hear_back;
mod jobs;
mod push;
mod real_clients;
mod search;
mod signed_url;
mod webhook_repeats;
