//! `cargo xtask bench`: how fast the functions are, beside what their database calls alone allow on the same machine.

use std::path::Path;

use bench::Pace;
use toolchain::{Outcome, Project};

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
job-runner it is measured how many jobs that do nothing one runner and four of them complete in a second.

  --rounds N       how many rounds, 5 unless given
  --seconds N      about how long each contender works in a round, 3 unless given
  --json FILE      write the figures to FILE
  --baseline FILE  compare with the figures in FILE, which an earlier --json wrote",
    switches: &[],
    options: &["--rounds", "--seconds", "--json", "--baseline"],
};

/// Runs `cargo xtask bench`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let pace = Pace::new(arguments.number("--rounds")?.unwrap_or(5), arguments.number("--seconds")?.unwrap_or(3.0))?;
    let [json, baseline] = ["--json", "--baseline"].map(|name| arguments.option(name).map(Path::new));
    bench::run(project, &arguments.values, pace, json, baseline)
}
