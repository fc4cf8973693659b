//! Everything together: real PostgreSQL, PostgREST and functions in workerd, and simulated vendors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod accounts;
mod apply;
mod bad_input;
mod commands;
mod hear_back;
mod jobs;
mod migrations;
mod notifications;
mod push;
mod real_clients;
mod rights;
mod search;
mod sign_in;
mod signed_url;
mod simulators;
mod submissions;
mod vendor_faults;
