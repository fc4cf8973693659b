//! `cargo xtask build`: each function as a Cloudflare Worker, in its own `build/` folder.

use toolchain::{Outcome, Project, build};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask build [FUNCTION…]

Builds the functions, all of them unless some are named, for release, and leaves functions/<name>/build/index.js and
index_bg.wasm. A function that has not changed since its last build is left alone.",
    switches: &[],
    options: &[],
};

/// Runs `cargo xtask build`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    build::named(project, &arguments.values)
}
