//! What the files of the project promise each other. These tests need no running stack: `cargo test -p tests --test
//! repository` is enough.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod functions;

use std::{fs, path::PathBuf};

/// A path in the checkout.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)
}

/// The text of a file in the checkout.
fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}
