//! `cargo xtask logs`: what the functions of a local stack logged.

mod filter;
mod line;
mod tail;

use std::{
    fs,
    io::{self, Write as _},
    thread,
    time::Duration,
};

pub use tail::Tail;

use filter::Filter;
use line::Line;

use local_stack::FUNCTIONS_LOG;
use toolchain::{Failure, Outcome, Project};

use crate::arguments::{Arguments, Usage, misuse};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask logs [--request-id ID] [--function NAME] [--follow] [--json] [--name NAME]

Shows what the functions of a local stack logged: a line for each request, each scheduled invocation and each job, with its time
(UTC), what came of it, the calls it made, why it failed, and the request's id.

  --request-id ID  only what belongs to this request, in whatever function
  --function NAME  only what this function did; with --request-id, both must hold
  --follow         go on with what comes, also when the stack is started again, until Ctrl-C
  --json           the lines as they are, one JSON object each
  --name NAME      the stack, dev unless given; it need not run any more",
    switches: &["--follow", "--json"],
    options: &["--request-id", "--function", "--name"],
};

/// The pause between two looks for more.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs `cargo xtask logs`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    arguments.no_values(USAGE)?;
    let filter = Filter {
        request_id: arguments.option("--request-id").map(str::to_owned),
        function: arguments.option("--function").map(str::to_owned),
    };
    if let Some(unknown) =
        filter.function.as_ref().filter(|name| !project.functions().is_ok_and(|all| all.contains(name)))
    {
        return Err(misuse(USAGE, &format!("there is no function {unknown}")));
    }
    let name = arguments.stack_name()?;
    let log = project.stack_folder(&name).join(FUNCTIONS_LOG);
    if !log.exists() {
        return Err(no_logs(project, &name));
    }

    let mut tail = Tail::at_start(log);
    loop {
        for text in tail.read_lines() {
            let line = Line::read(&text);
            let wanted = filter.lets_through(&line);
            let read_on = match &line {
                Line::Runtime(_) if arguments.has("--json") => true, // it is no JSON
                _ if !wanted => true,
                _ if arguments.has("--json") => print(&text),
                line => print(&line.to_string()),
            };
            if !read_on {
                return Ok(());
            }
        }
        if !arguments.has("--follow") {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
}

/// Returns whether anybody reads it: `head` goes away when it has enough.
fn print(text: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

fn no_logs(project: &Project, name: &str) -> Failure {
    let stacks = project.stack_folder(name).parent().and_then(|folder| fs::read_dir(folder).ok());
    let mut others: Vec<_> = stacks
        .into_iter()
        .flatten()
        .flatten()
        .filter(|stack| stack.path().join(FUNCTIONS_LOG).exists())
        .map(|stack| stack.file_name().to_string_lossy().into_owned())
        .collect();
    others.sort();
    let others =
        if others.is_empty() { "no other has".to_owned() } else { format!("these have: {}", others.join(", ")) };
    Failure::new(format!("no stack called {name} has logs, and {others}"))
        .mend(format!("cargo xtask dev --name {name}"))
}
