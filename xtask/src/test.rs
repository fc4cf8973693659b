//! `cargo xtask test`: every test, on a stack of its own.

use std::{collections::BTreeMap, process::Command};

use local_stack::{Options, Program, Stack};
use toolchain::{Outcome, Project, build, command, progress::step};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask test [FILTER…] [-- ARGUMENT…]

Sets up what is missing, builds the functions, starts a fresh stack, runs all tests of the workspace (cargo test) or those
whose names contain a FILTER, and takes the stack away again. Arguments after -- go to the test programs. The exit code is
that of the tests.",
    switches: &[],
    options: &[],
};

/// Runs `cargo xtask test`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let (tools, simulators) = build::everything(project, || {
        step("compiling the tests (some minutes, the first time)", || {
            let mut compile = Command::new("cargo");
            compile.args(["test", "--workspace", "--no-run", "--quiet"]).current_dir(&project.root);
            command::run_shown(&mut compile)?;
            build::simulators(project)
        })
    })?;

    let options = Options::throw_away("test", None);
    let mut stack = Stack::start(project, options, tools, simulators)?;
    // All that fails is told in one run.
    let mut tests = vec!["test".into(), "--workspace".into(), "--no-fail-fast".into(), "--".into()];
    tests.extend(arguments.values.iter().cloned());
    let outcome = stack.run(Program {
        name: "tests".into(),
        file: "cargo".into(),
        arguments: tests,
        environment: BTreeMap::new(),
        folder: project.root.clone(),
        user: None,
        log: None,
    });
    stack.stop();
    outcome
}
