//! The modules of the test programs, which are run one at a time against the stack.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use toolchain::{Doing as _, Failure, Outcome, Project, command, project::hex};

/// Programs that take stacks of their own or minutes, or that look at no database.
const PROGRAMS_APART: [&str; 4] = ["apart", "failure_", "repository", "simulators"];

/// Modules of the program `database` that compare the schema with a file, which says nothing of what it does, or make
/// databases of their own from the migrations, which no mutant is in.
const MODULES_APART: [&str; 4] = ["docs", "migrations", "released", "upgrade"];

/// How many tests of a module run at the same time: they wait more than they work.
const THREADS: &str = "4";

/// The tests of one file of a program.
#[derive(Debug, Clone)]
pub struct Module {
    /// `functions::apply`.
    pub name: String,
    /// The hash of its source.
    pub fingerprint: String,
    program: PathBuf,
    tests: Vec<String>,
}

/// How a run of tests ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// These tests, of which there is one unless all were run on purpose.
    Failed(BTreeSet<String>),
    TimedOut,
}

/// All modules that concern the database, from programs that are compiled first.
pub fn modules(project: &Project) -> Outcome<Vec<Module>> {
    let mut modules = Vec::new();
    for (program, executable) in programs(project)? {
        if PROGRAMS_APART.iter().any(|apart| program.starts_with(apart)) {
            continue;
        }
        let list = command::answer(Command::new(&executable).args(["--list", "--format", "terse"]));
        let list = list.ok_or_else(|| Failure::new(format!("{} does not list its tests", executable.display())))?;
        let tests: Vec<&str> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
        let names: BTreeSet<&str> = tests.iter().filter_map(|test| Some(test.split_once("::")?.0)).collect();
        for name in names.into_iter().filter(|name| !MODULES_APART.contains(name)) {
            modules.push(Module {
                name: format!("{program}::{name}"),
                fingerprint: fingerprint(&project.root.join("tests/tests").join(&program), name)?,
                program: executable.clone(),
                tests: tests
                    .iter()
                    .filter(|test| test.strip_prefix(name).is_some_and(|rest| rest.starts_with("::")))
                    .map(|test| (*test).to_owned())
                    .collect(),
            });
        }
    }
    Ok(modules)
}

/// The names and files of the test programs.
fn programs(project: &Project) -> Outcome<Vec<(String, PathBuf)>> {
    #[derive(Deserialize)]
    struct Message {
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--package", "tests", "--no-run", "--message-format=json"]).current_dir(&project.root);
    let output = command::run_for_output(command::without_cargo_environment(&mut cargo).stderr(Stdio::inherit()))?;
    if !output.status.success() {
        return Err(Failure::new("the tests do not compile").mend("cargo test --package tests --no-run"));
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    Ok(messages
        .filter_map(|message| Some((message.target?, message.executable?)))
        .filter(|(target, _)| target.kind.iter().any(|kind| kind == "test"))
        .map(|(target, executable)| (target.name, executable))
        .collect())
}

/// The hash of a module's file, or of its folder.
fn fingerprint(folder: &Path, name: &str) -> Outcome<String> {
    let mut files = vec![folder.join(format!("{name}.rs"))];
    if let Ok(entries) = fs::read_dir(folder.join(name)) {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files.iter().filter(|file| file.is_file()) {
        hash.update(fs::read(file).doing(|| format!("read {}", file.display()))?);
    }
    Ok(hex(&hash.finalize())[..16].to_owned())
}

impl Module {
    /// Runs its tests but for some, all to their end.
    pub fn run_all(&self, stack: &Path, limit: Duration) -> Outcome<Verdict> {
        self.run(stack, &self.tests, limit, false)
    }

    /// Runs its tests but for some, until one fails.
    pub fn run_until_failure(&self, stack: &Path, left_out: &BTreeSet<String>, limit: Duration) -> Outcome<Verdict> {
        let tests: Vec<String> = self.tests.iter().filter(|test| !left_out.contains(*test)).cloned().collect();
        if tests.is_empty() { Ok(Verdict::Passed) } else { self.run(stack, &tests, limit, true) }
    }

    /// Runs some tests of its program, until one fails.
    pub fn run_these(&self, stack: &Path, tests: &[String], limit: Duration) -> Outcome<Verdict> {
        self.run(stack, tests, limit, true)
    }

    /// The program that it is in.
    pub fn program_name(&self) -> &str {
        self.name.split("::").next().unwrap_or_default()
    }

    /// Its name in the program.
    pub fn own_name(&self) -> &str {
        self.name.split_once("::").map_or(&self.name, |(_, name)| name)
    }

    /// Its tests, as its program names them.
    pub fn tests(&self) -> &[String] {
        &self.tests
    }

    /// Whether it has a test of that name.
    pub fn has(&self, test: &str) -> bool {
        self.tests.iter().any(|known| known == test)
    }

    fn run(&self, stack: &Path, tests: &[String], limit: Duration, until_failure: bool) -> Outcome<Verdict> {
        let mut program = Command::new(&self.program);
        program.args(tests).args(["--exact", "--test-threads", THREADS]).env("JOBRAKER_STACK", stack);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().doing(|| format!("run {}", self.program.display()))?;
        let verdict = watch(&mut child, Instant::now() + limit, until_failure);
        let _ = child.kill();
        let _ = child.wait();
        Ok(verdict)
    }
}

/// Reads what a program says of its tests.
fn watch(child: &mut Child, deadline: Instant, until_failure: bool) -> Verdict {
    let lines = lines_of(child);
    let mut failed = BTreeSet::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                failed.extend(failed_test(&line).map(str::to_owned));
                if until_failure && !failed.is_empty() {
                    return Verdict::Failed(failed);
                }
            }
            Err(RecvTimeoutError::Timeout) => return Verdict::TimedOut,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Verdict::Passed,
        // Without a failed test it broke off, which is a failure of all of them.
        _ => Verdict::Failed(failed),
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    }
    lines
}

/// The test that a line says has failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::failed_test;

    #[test]
    fn a_failed_test_is_read_from_its_line() {
        assert_eq!(failed_test("test apply::it_works ... FAILED"), Some("apply::it_works"));
        assert_eq!(failed_test("test apply::it_works ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 1 passed"), None);
    }
}
