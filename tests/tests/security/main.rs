//! Who is let in, who may do what, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod bad_input;
mod limits;
mod rights;
mod row_ownership;
mod sign_in;
mod signatures;
