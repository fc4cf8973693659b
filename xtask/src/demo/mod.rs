//! `cargo xtask demo`: the story of the main job, told on a real stack.

mod app;
mod story;

use crate::{
    arguments::{Arguments, Usage},
    dev,
    failure::Outcome,
    progress::say,
    project::Project,
    stack::{self, description::Description},
};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask demo [--name NAME]

Tells the story of the main job, a line a step, with the rows that change: a person applies through Skyvern and hears what
became of it. It calls the stack as an app would, through the gateway alone. It uses the running stack NAME, dev unless
given; without one it sets up what is missing, starts a stack, and takes it away again at the end. The exit code is 1 if a
step does not end as told.",
    switches: &[],
    options: &["--name"],
};

/// Runs `cargo xtask demo`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    arguments.no_values(USAGE)?;
    let name = stack::name(arguments)?;
    if let Some(running) = Description::of_running(project, &name) {
        say!("on the running stack {name}, at {}\n", running.supabase_url);
        return story::tell(&running);
    }
    let options = stack::Options::throw_away("demo", Some(dev::SKYVERN_WORKS_FOR_MS));
    let mut stack = dev::start(project, options)?;
    say!("");
    let description = stack.description().clone();
    let outcome = stack.attend(move || story::tell(&description));
    stack.stop();
    outcome
}
