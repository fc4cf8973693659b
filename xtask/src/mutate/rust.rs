//! `cargo xtask mutate rust`: cargo-mutants, as `.cargo/mutants.toml` says, resumed and bounded.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use toolchain::{Doing as _, Failure, Outcome, Project, command, progress::say, setup};

use super::Work;

/// Runs the Rust mutants.
pub fn run(project: &Project, work: &Work) -> Outcome {
    let program = setup::cargo_mutants(project)?;
    let output = work.folder.join("rust");
    if work.fresh {
        let _ = fs::remove_dir_all(&output);
    }
    fs::create_dir_all(&output).doing(|| format!("make {}", output.display()))?;

    let mut mutants = Command::new(program);
    mutants.args(["mutants", "--iterate", "--colors", "never", "--output"]).arg(&output).current_dir(&project.root);
    for package in [vec!["shared".to_owned()], project.functions()?].concat() {
        mutants.args(["--package", &package]);
    }
    for filter in &work.filters {
        mutants.args(["--file", &format!("**/*{filter}*")]);
    }
    command::without_cargo_environment(&mut mutants).stdin(Stdio::null());
    if work.list {
        return command::run_shown(mutants.arg("--list"));
    }
    let child = mutants.spawn().doing(|| "run cargo-mutants".into())?;
    let ended = wait(child, work.deadline)?;
    conclude(&output.join("mutants.out"), ended)
}

/// Until it ends, or is asked to since its time is up. Its exit code, unless it was asked.
fn wait(mut child: Child, deadline: Option<Instant>) -> Outcome<Option<i32>> {
    let mut asked = false;
    loop {
        if let Some(status) = child.try_wait().doing(|| "wait for cargo-mutants".into())? {
            return Ok(status.code().filter(|_| !asked));
        }
        if !asked && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            asked = true;
            // It takes its own children with it, and writes down what it has.
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::INT);
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// What cargo-mutants ends with when mutants survived, and when some took too long.
const NOTICED: [i32; 3] = [0, 2, 3];

fn conclude(output: &Path, ended: Option<i32>) -> Outcome {
    let lines = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(output.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    if let Some(code) = ended.filter(|code| !NOTICED.contains(code)) {
        return Err(Failure::new(format!("cargo-mutants ended with exit code {code}")));
    }
    let missed = lines("missed.txt");
    if !missed.is_empty() {
        say!("\nsurvived:\n  {}\n", missed.join("\n  "));
    }
    let killed = lines("caught.txt").len() + lines("previously_caught.txt").len();
    say!(
        "mutants of the Rust code{}: {killed} killed or left out since they were, {} timed out, {} unviable, {} survived",
        if ended.is_none() { " until the time was up" } else { "" },
        lines("timeout.txt").len(),
        lines("unviable.txt").len(),
        missed.len(),
    );
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{} mutants of the Rust code survive", missed.len()))
        .mend("a test that fails with each of them, or a line with the reason in .cargo/mutants.toml"))
}
