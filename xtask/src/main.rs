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
mod mutate;
mod setup;
mod stack;
mod test;

use std::{path::Path, process::ExitCode};

use lexopt::{Arg, Parser};
use toolchain::{
    Outcome, Project,
    progress::{conclude, say},
};

use arguments::{Arguments, Usage, misuse, unknown_option};

const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask COMMAND

  dev     run the whole stack on this machine
  demo    tell the story of the main job, on the running stack or one of its own
  test    run every test, on a stack of its own
  lint    check format and lints
  mutate  break one guard at a time, and list what no test notices
  build   build the functions
  bench   measure the functions beside their floor
  db      migrate a database up or down, or show where it is
  logs    show what the functions of a stack logged
  cron    run a function of a running stack as its cron does
  stack   stop or start a part of a running stack
  deploy  deploy the functions
  setup   install everything that the other commands need, ahead of time

Each command sets up by itself what it needs. `cargo xtask COMMAND --help` says more.",
    switches: &[],
    options: &[],
};

type Command = fn(&Project, &Arguments) -> Outcome;

/// Every command, what it accepts, and what it does.
const COMMANDS: [(&str, Usage, Command); 13] = [
    ("dev", dev::USAGE, dev::run),
    ("demo", demo::USAGE, demo::run),
    ("test", test::USAGE, test::run),
    ("lint", lint::USAGE, lint::run),
    ("mutate", mutate::USAGE, mutate::run),
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
    conclude(run(&mut Parser::from_env()))
}

fn run(parser: &mut Parser) -> Outcome {
    let name = match parser.next() {
        Ok(Some(Arg::Value(name))) => name.to_string_lossy().into_owned(),
        Ok(None | Some(Arg::Long("help") | Arg::Short('h'))) => {
            say!("{}", USAGE.help);
            return Ok(());
        }
        Ok(Some(Arg::Long(name))) => return Err(unknown_option(USAGE, &format!("--{name}"))),
        Ok(Some(Arg::Short(name))) => return Err(unknown_option(USAGE, &format!("-{name}"))),
        Err(error) => return Err(misuse(USAGE, &error.to_string())),
    };
    if name == local_stack::GUARDIAN {
        return local_stack::guard(parser.value().ok().as_deref().map(Path::new));
    }
    let Some((_, usage, command)) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
        return Err(misuse(USAGE, &format!("there is no command {name}")));
    };
    match Arguments::read(*usage, parser)? {
        Some(arguments) => command(&Project::find()?, &arguments),
        None => Ok(()),
    }
}
