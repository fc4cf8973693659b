//! `cargo xtask bench`: how fast the functions are, beside what their database calls alone allow on the same machine. The
//! work is done by a program of its own, `local/bench`.

use std::{os::unix::process::CommandExt as _, process::Command};

use toolchain::{Failure, Outcome, Project, command, progress::step};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask bench [FUNCTION…] [--rounds N] [--seconds N] [--json FILE] [--baseline FILE]

Measures the functions, all of them unless some are named, on a fresh stack of their own: release builds in plain workerd,
16 connections that each send their next request when the last one is answered, 1,000 people. Beside each function stands
its floor: its database calls alone, sent to PostgREST without any function, directly and through the simulated gateway
that the function goes through. Where a function asks Storage instead, its floor is the same call to the simulated Storage.
generate-resume-signed-url is also measured with a new token in every request, beside tokens that it remembers. They take
turns in the same rounds, on the same rows, after a warm-up. Every answer is checked; a wrong one fails the bench. Of
job-runner it is measured how many jobs that do nothing one runner and four of them complete in a second, of
adzuna-job-search also what becomes of twice as many requests as it can serve, with callers who wait and callers who hang up.

  --rounds N       how many rounds, 5 unless given
  --seconds N      about how long each contender works in a round, 3 unless given
  --json FILE      write the figures to FILE
  --baseline FILE  compare with the figures in FILE, which an earlier --json wrote",
    switches: &[],
    options: &["--rounds", "--seconds", "--json", "--baseline"],
};

/// Runs `cargo xtask bench`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    step("compiling the bench", || command::run_shown(&mut cargo(project, "build")))?;
    let mut bench = cargo(project, "run");
    bench.arg("--");
    for name in USAGE.options {
        bench.args(arguments.option(name).into_iter().flat_map(|value| [name, value]));
    }
    // In the place of this process, so that signals and the exit code are the bench's own.
    let error = bench.arg("--").args(&arguments.values).exec();
    Err(Failure::new(format!("cannot run the bench: {error}")))
}

/// Cargo, in the folder that the person is in: the files that they name are relative to it.
fn cargo(project: &Project, command: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([command, "--quiet", "--package", "bench", "--manifest-path"]).arg(project.root.join("Cargo.toml"));
    command::without_cargo_environment(&mut cargo);
    cargo
}
