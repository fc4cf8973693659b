//! `cargo xtask stack`: one part of a running stack stops or starts.

use local_stack::PartRequest;
use toolchain::{Outcome, Project};

use crate::arguments::{Arguments, Usage, misuse};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask stack stop-part|kill-part|start-part PART [--name NAME]

Stops, kills or starts one part (postgres, postgrest, simulators, functions) of the running stack NAME, dev unless given, to see
how the others take it. A part that ends in any other way ends the whole stack.",
    switches: &[],
    options: &["--name"],
};

/// Runs `cargo xtask stack`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let words: Vec<&str> = arguments.values.iter().map(String::as_str).collect();
    let request = match words[..] {
        ["stop-part", part] => PartRequest::Stop(part.into()),
        ["kill-part", part] => PartRequest::Kill(part.into()),
        ["start-part", part] => PartRequest::Start(part.into()),
        _ => return Err(misuse(USAGE, "say which part to stop, kill or start")),
    };
    local_stack::ask(project, &arguments.stack_name()?, &request)
}
