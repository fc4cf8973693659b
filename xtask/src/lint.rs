//! `cargo xtask lint`: format and lint checks, for this machine and for WebAssembly; a warning is an error.

use std::process::Command;

use toolchain::{Outcome, Project, command, progress::say, setup};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask lint

Checks the format (rustfmt) and lints (clippy), the functions once more as WebAssembly; a warning is an error.",
    switches: &[],
    options: &[],
};

/// Runs `cargo xtask lint`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    arguments.no_values(USAGE)?;
    say!("· cargo fmt --check");
    let mut fmt = Command::new("cargo");
    command::run_shown(fmt.args(["fmt", "--all", "--check"]).current_dir(&project.root))?;

    say!("· cargo clippy, for this machine");
    let mut clippy = Command::new("cargo");
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    command::run_shown(clippy.current_dir(&project.root))?;

    let wasm = setup::wasm_clippy(project)?;
    say!("· cargo clippy, for WebAssembly");
    let mut clippy = Command::new("cargo");
    wasm.apply(&mut clippy).args(["clippy", "--target", "wasm32-unknown-unknown", "--package", "shared"]);
    for function in project.functions()? {
        clippy.args(["--package", &function]);
    }
    clippy.args(["--", "-D", "warnings"]);
    clippy.env("CARGO_TARGET_DIR", project.wasm_target_folder()).current_dir(&project.root);
    command::run_shown(&mut clippy)
}
