//! The end-to-end tests: real PostgreSQL, real PostgREST, the functions as WASM in workerd, simulated vendors.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

mod migrations;
mod rights;
