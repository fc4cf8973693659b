//! What takes long and meets nobody: each of these tests has a stack or a database of its own, or is by itself in what it does
//! with the one of `cargo xtask test`. So they are one program, in which one is at work while others wait.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod database {
    mod model;
    mod plans;
}
mod failure {
    mod circuit_breakers;
    mod clocks;
    mod deployment;
    mod key_rotation;
    mod outage;
    mod queue_under_fire;
    mod resolver;
    mod two_runtimes;
    mod vendor_faults;
}
mod local_stack {
    mod commands;
    mod demo;
    mod lifecycle;
}
mod security {
    mod new_keys;
    mod push_credentials;
}
