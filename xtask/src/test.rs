//! `cargo xtask test`: every test, on a stack of its own.

use std::{collections::BTreeMap, env, process::Command, thread};

use local_stack::{Options, Program, Stack};
use toolchain::{Failure, Outcome, Project, build, command, progress::step};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask test [--nextest] [FILTER…] [-- ARGUMENT…]

Sets up what is missing, builds the functions, starts a fresh stack, runs all tests of the workspace (cargo test) or those
whose names contain a FILTER, and takes the stack away again. Arguments after -- go to the test programs. The exit code is
that of the tests.

  --nextest  run them with cargo-nextest, which must be installed: each test is a process of its own. Arguments after --
             go to cargo nextest run",
    switches: &["--nextest"],
    options: &[],
};

/// How many tests of a program are under way, at least. Most of them wait most of the time: for a vendor that is silent, or
/// for a part that starts.
const FEWEST_THREADS: usize = 6;

/// Runs `cargo xtask test`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let by_nextest = arguments.has("--nextest");
    if by_nextest && command::answer(Command::new("cargo").args(["nextest", "--version"])).is_none() {
        return Err(Failure::new("cargo-nextest is not installed").mend("cargo install --locked cargo-nextest"));
    }
    let (tools, simulators) = build::everything(project, || {
        step("compiling the tests (some minutes, the first time)", || {
            let mut compile = Command::new("cargo");
            compile.args(["test", "--workspace", "--no-run", "--quiet"]).current_dir(&project.root);
            command::run_shown(command::without_cargo_environment(&mut compile))?;
            build::simulators(project)
        })
    })?;

    let options = Options::throw_away("test", None);
    let mut stack = Stack::start(project, options, tools, simulators)?;
    // All that fails is told in one run.
    let runner: &[&str] = if by_nextest { &["nextest", "run"] } else { &["test"] };
    let mut tests: Vec<String> =
        runner.iter().chain(&["--workspace", "--no-fail-fast"]).map(|&word| word.to_owned()).collect();
    if !by_nextest {
        tests.push("--".into());
    }
    tests.extend(arguments.values.iter().cloned());
    let outcome = stack.run(Program {
        name: "tests".into(),
        file: "cargo".into(),
        arguments: tests,
        environment: threads(),
        folder: project.root.clone(),
        user: None,
        log: None,
    });
    stack.stop();
    outcome
}

/// What says how many tests are under way, for either runner, unless the person has said it.
fn threads() -> BTreeMap<String, String> {
    let threads = thread::available_parallelism().map_or(1, usize::from).max(FEWEST_THREADS).to_string();
    let names = ["RUST_TEST_THREADS", "NEXTEST_TEST_THREADS"].into_iter().filter(|name| env::var_os(name).is_none());
    names.map(|name| (name.to_owned(), threads.clone())).collect()
}
