//! `cargo xtask mutate`: breaks one guard at a time and sees whether a test fails.

mod rust;
mod sql;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use toolchain::{Outcome, Project};

use crate::arguments::{Arguments, Usage, misuse};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask mutate [rust|sql] [FILTER…] [OPTION…]

Breaks one thing at a time, runs the tests that concern it, and lists what no test has noticed (the survivors), with file and
line. Both kinds unless one is named:

  rust  what cargo-mutants changes in shared and the functions, as .cargo/mutants.toml says
  sql   predicates, locks, limits, constraints, triggers, policies and rights of the migrations, on a stack of its own

A FILTER is a part of a file's name, for sql also of what was broken. It takes hours, so it is no part of `cargo xtask test`;
what was found is kept in target/mutants, and the next run goes on from there. Tests that have changed are tried again on the
survivors. The exit code is 1 if something survived that tests/mutants.toml does not argue about.

  --minutes N  stop after N minutes of each kind
  --seconds N  show a mutant of the migrations to tests for N seconds at most; the next run shows it to the others
  --fresh      forget what earlier runs have found
  --list       only list what would be broken",
    switches: &["--fresh", "--list"],
    options: &["--minutes", "--seconds"],
};

/// What of the work is asked for.
#[derive(Debug)]
struct Work {
    /// When to stop; what is not done by then is done by the next run.
    deadline: Option<Instant>,
    /// How long one mutant is shown to tests.
    patience: Option<Duration>,
    /// Forget earlier results.
    fresh: bool,
    /// Only list what would be broken.
    list: bool,
    /// Parts of names; none: all.
    filters: Vec<String>,
    /// The folder of the results.
    folder: PathBuf,
}

/// Runs `cargo xtask mutate`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let minutes = arguments.number::<u64>("--minutes")?;
    let patience = arguments.number("--seconds")?.map(Duration::from_secs);
    let work = |filters: &[String]| Work {
        deadline: minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60)),
        patience,
        fresh: arguments.has("--fresh"),
        list: arguments.has("--list"),
        filters: filters.to_vec(),
        folder: project.target_folder().join("mutants"),
    };
    match arguments.values.split_first() {
        None => {
            let rust = rust::run(project, &work(&[]));
            sql::run(project, work(&[])).and(rust)
        }
        Some((kind, filters)) if kind == "rust" => rust::run(project, &work(filters)),
        Some((kind, filters)) if kind == "sql" => sql::run(project, work(filters)),
        Some((other, _)) => Err(misuse(USAGE, &format!("mutate knows rust and sql, and not {other}"))),
    }
}
