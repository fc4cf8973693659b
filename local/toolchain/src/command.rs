//! Running other programs: quietly into a log, or for their output.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::failure::{Doing as _, Failure, Outcome};

/// Lines of a log that are shown when something went wrong.
const SHOWN_LINES: usize = 20;

/// Runs a command whose output nobody needs unless it fails: then the end of it is shown.
pub fn run_logged(command: &mut Command, log: &Path) -> Outcome {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
    }
    let out = File::create(log).doing(|| format!("write {}", log.display()))?;
    let err = out.try_clone().doing(|| format!("write {}", log.display()))?;
    let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status();
    let name = name_of(command);
    if status.doing(|| format!("run {name}"))?.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{name} failed; its last lines, all of them in {}:\n{}",
        log.display(),
        indented(&last_lines(log))
    )))
}

/// Runs a command that talks to the person itself, and hands on its exit code when it fails.
pub fn run_shown(command: &mut Command) -> Outcome {
    let status = command.status();
    let status = status.doing(|| format!("run {}", name_of(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Exit(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Runs a command for what it prints.
pub fn run_for_output(command: &mut Command) -> Outcome<Output> {
    let output = command.stdin(Stdio::null()).output();
    output.doing(|| format!("run {}", name_of(command)))
}

/// What a command prints, without the final line break, if it exists and succeeds.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The last lines of a log, as far as it can be read.
#[must_use]
pub fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut lines = VecDeque::with_capacity(SHOWN_LINES + 1);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        lines.push_back(line);
        if lines.len() > SHOWN_LINES {
            lines.pop_front();
        }
    }
    Vec::from(lines).join("\n")
}

/// Text set off from what surrounds it.
#[must_use]
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn name_of(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Takes out of a command's environment what cargo says to its own children about *this* toolchain and package,
/// so that the cargo it starts is not misled.
pub fn without_cargo_environment(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO" || text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}
