//! `cargo xtask dev`: the stack, until Ctrl-C.

mod welcome;

use std::{fs, path::PathBuf, time::Instant};

use local_stack::{Options, Stack, must_not_run};
use toolchain::{
    Doing as _, Outcome, Project, build,
    progress::{say, step},
};

use crate::{
    arguments::{Arguments, Usage},
    cron::{self, Scheduler},
    logs::Tail,
};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask dev [--name NAME] [--port-base PORT] [--fresh] [--throw-away] [--as-built]
                       [--skyvern-waits] [--without-crons] [--vars FILE]

Sets up what is missing, builds the functions and runs the whole stack on 127.0.0.1 until Ctrl-C: PostgreSQL, PostgREST,
the functions in workerd, and simulators of the outside vendors. Settings in .dev.vars replace the simulators by the real
ones. The crons of wrangler.toml are fired when they are due. What the functions log is shown. After a change of a function,
start again.

  --name NAME       another stack beside the one called dev, with rows of its own
  --port-base PORT  use PORT (the gateway) and the five ports after it, instead of free ones
  --fresh           forget the rows and files of earlier runs
  --throw-away      forget those of this run, too, when it ends
  --as-built        build nothing: run what was built last
  --skyvern-waits   the simulated Skyvern ends no run by itself
  --without-crons   crons are not fired; cargo xtask cron still fires them
  --vars FILE       settings that replace the local ones, instead of those in .dev.vars",
    switches: &["--fresh", "--throw-away", "--as-built", "--skyvern-waits", "--without-crons"],
    options: &["--name", "--port-base", "--vars"],
};

/// The person of the seed, as Clerk knows them.
pub const DEMO_PERSON: &str = "user_demo";

/// How long the simulated Skyvern works on an application.
pub const SKYVERN_WORKS_FOR_MS: u32 = 3000;

/// Runs `cargo xtask dev`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let started = Instant::now();
    arguments.no_values(USAGE)?;
    let options = Options {
        name: arguments.stack_name()?,
        port_base: arguments.number("--port-base")?,
        fresh: arguments.has("--fresh"),
        throw_away: arguments.has("--throw-away"),
        skyvern_finishes_after: (!arguments.has("--skyvern-waits")).then_some(SKYVERN_WORKS_FOR_MS),
        vars: vars(project, arguments)?,
    };
    must_not_run(project, &options.name)?;
    let triggers = if arguments.has("--without-crons") { Vec::new() } else { cron::of_project(project)? };
    let mut stack = if arguments.has("--as-built") {
        let (tools, simulators) = build::as_built(project)?;
        Stack::start(project, options, tools, simulators)?
    } else {
        start(project, options)?
    };
    welcome::print(stack.description(), started)?;
    let scheduler = Scheduler::start(&stack.description().functions_url, triggers);
    let mut log = Tail::at_end(stack.log("functions"));
    let outcome = stack.follow(|| log.read_lines().iter().for_each(|line| say!("{line}")));
    drop(scheduler);
    say!("stopping …");
    stack.stop();
    outcome
}

/// The file that was named, which must be there, or the usual one, which need not.
fn vars(project: &Project, arguments: &Arguments) -> Outcome<Option<PathBuf>> {
    let Some(named) = arguments.option("--vars") else {
        return Ok(Some(project.root.join(".dev.vars")).filter(|usual| usual.is_file()));
    };
    fs::canonicalize(named).map(Some).doing(|| format!("read {named}"))
}

/// Sets up, builds and starts a stack.
pub fn start(project: &Project, options: Options) -> Outcome<Stack> {
    let (tools, simulators) =
        build::everything(project, || step("compiling the simulators", || build::simulators(project)))?;
    Stack::start(project, options, tools, simulators)
}
