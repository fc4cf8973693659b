//! What the files of the project promise each other. These tests need no running stack: `cargo test -p tests --test
//! repository` is enough.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is how a test fails, in helpers too")]

mod documents;
mod files;
mod fixtures;
mod functions;
mod links;
mod markdown;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A path in the checkout.
fn path(name: impl AsRef<Path>) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)
}

/// The text of a file in the checkout.
fn text(name: impl AsRef<Path>) -> String {
    let name = name.as_ref();
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("cannot read {}: {error}", name.display()))
}
