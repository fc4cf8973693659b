//! `cargo xtask demo`: the story of the main job, told on a real stack.

mod alert;
mod app;
mod lost_webhook;
mod push;
mod rows;
mod search;
mod story;

use local_stack::{Description, Options};
use toolchain::{Failure, Outcome, Project, progress::say};

use crate::{
    arguments::{Arguments, Usage},
    cron, dev,
};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask demo [--name NAME]

Tells the story of the main job, a line a step, with the rows that change: a person searches, saves a job, applies to it
through Skyvern, hears what became of it even when Skyvern's news gets lost, and is told of new postings. It calls the stack as
an app would, through the gateway, except that it makes things due before their time. It uses the running stack NAME, dev
unless given, as long as Skyvern is simulated there; without one it sets up what is missing, starts a stack, and takes it away
again at the end. The exit code is 1 if a step does not end as told.",
    switches: &[],
    options: &["--name"],
};

/// Runs `cargo xtask demo`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    arguments.no_values(USAGE)?;
    let name = arguments.stack_name()?;
    let runner = cron::of_function(project, "job-runner")?.remove(0);
    if let Some(running) = Description::of_running(project, &name) {
        must_not_start_real_runs(&running)?;
        say!("on the running stack {name}, at {}\n", running.supabase_url);
        return story::tell(&running, &runner);
    }
    let options = Options::throw_away("demo", Some(dev::SKYVERN_WORKS_FOR_MS));
    let mut stack = dev::start(project, options)?;
    say!("");
    let description = stack.description().clone();
    let outcome = stack.attend(move || story::tell(&description, &runner));
    stack.stop();
    outcome
}

/// A run at the real Skyvern costs credits and sends applications to real companies, in the name of somebody made up.
fn must_not_start_real_runs(stack: &Description) -> Outcome {
    let real: Vec<&str> = ["SKYVERN_API_URL", "SKYVERN_API_KEY"]
        .into_iter()
        .filter(|name| stack.replaced_settings.contains(*name))
        .collect();
    if real.is_empty() {
        return Ok(());
    }
    let why = format!(
        "the functions of the stack {} have a Skyvern of their own ({}), and the demo would start real runs there",
        stack.name,
        real.join(", "),
    );
    Err(Failure::new(why).mend("end that stack, or give --name another that does not run: the demo then starts one"))
}
