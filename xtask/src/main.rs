//! `cargo xtask`: all automation of the project. Start reading at the file of a command.

mod arguments;
mod bench;
mod build;
mod cron;
mod db;
mod demo;
mod deploy;
mod dev;
mod lint;
mod logs;
mod setup;
mod stack;
mod test;

use std::{env, process::ExitCode};

use arguments::{Arguments, Usage, misuse};
use toolchain::{Failure, Outcome, Project, progress::say};

const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask COMMAND

  dev     run the whole stack on this machine
  demo    tell the story of the main job, on the running stack or one of its own
  test    run every test, on a stack of its own
  lint    check format and lints
  build   build the functions
  bench   measure the functions beside their floor
  db      migrate a database up or down, or show where it is
  logs    show what the functions of a stack logged
  cron    run a function of a running stack as the clock does
  stack   stop or start a part of a running stack
  deploy  deploy the functions
  setup   install everything that the other commands need, ahead of time

Each command sets up by itself what it needs. `cargo xtask COMMAND --help` says more.",
    switches: &[],
    options: &[],
};

type Command = fn(&Project, &Arguments) -> Outcome;

/// Every command, what it accepts, and what it does.
const COMMANDS: [(&str, Usage, Command); 12] = [
    ("dev", dev::USAGE, dev::run),
    ("demo", demo::USAGE, demo::run),
    ("test", test::USAGE, test::run),
    ("lint", lint::USAGE, lint::run),
    ("build", build::USAGE, build::run),
    ("bench", bench::USAGE, bench::run),
    ("db", db::USAGE, db::run),
    ("logs", logs::USAGE, logs::run),
    ("cron", cron::USAGE, cron::run),
    ("stack", stack::USAGE, stack::run),
    ("deploy", deploy::USAGE, deploy::run),
    ("setup", setup::USAGE, setup::run),
];

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Interrupted | Failure::Exit(_)) {
                say!("error: {failure}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Outcome {
    let name = arguments.next().unwrap_or_else(|| "--help".into());
    if name == local_stack::GUARDIAN {
        return local_stack::guard(arguments);
    }
    if let Some((_, usage, command)) = COMMANDS.iter().find(|(known, ..)| *known == name) {
        return match Arguments::read(*usage, arguments)? {
            Some(arguments) => command(&Project::find()?, &arguments),
            None => Ok(()),
        };
    }
    match Arguments::read(USAGE, [name])? {
        Some(unknown) => Err(misuse(USAGE, &format!("there is no command {}", unknown.values.concat()))),
        None => Ok(()),
    }
}
