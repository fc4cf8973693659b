//! `cargo xtask cron`: invokes a function as its cron does; and the scheduler that does so while `dev` runs.

mod firing;
mod scheduler;
mod trigger;

use std::time::Instant;

pub use firing::fire;
pub use scheduler::Scheduler;
pub use trigger::{Trigger, of_project};

use local_stack::must_run;
use toolchain::{
    Failure, Outcome, Project,
    progress::{elapsed, say},
};

use crate::arguments::{Arguments, Usage, misuse};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask cron FUNCTION [--name NAME]

Runs FUNCTION at once as its crons in wrangler.toml do, on the running stack NAME, dev unless given, and says what the runtime
answered. What the function made of it is in its log: cargo xtask logs --function FUNCTION.",
    switches: &[],
    options: &["--name"],
};

/// Runs `cargo xtask cron`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let [function] = &arguments.values[..] else {
        return Err(misuse(USAGE, "say which function"));
    };
    let triggers = of_function(project, function)?;
    let name = arguments.stack_name()?;
    let stack = must_run(project, &name)?;
    for trigger in triggers {
        let started = Instant::now();
        let answer = fire(&stack.functions_url, &trigger)?;
        say!("{function} ({}): {answer}, after {}", trigger.cron, elapsed(started));
    }
    Ok(())
}

/// The crons of one function, which must have one.
pub fn of_function(project: &Project, function: &str) -> Outcome<Vec<Trigger>> {
    let (triggers, others): (Vec<_>, Vec<_>) =
        of_project(project)?.into_iter().partition(|trigger| trigger.function == function);
    if triggers.is_empty() {
        let mut others: Vec<_> = others.into_iter().map(|trigger| trigger.function).collect();
        others.dedup();
        return Err(Failure::new(format!(
            "{function} has no cron in wrangler.toml; these have: {}",
            others.join(", ")
        )));
    }
    Ok(triggers)
}
