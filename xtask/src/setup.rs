//! `cargo xtask setup`: everything that the other commands need, ahead of time.

use toolchain::{
    Outcome, Project,
    progress::{both, say},
    setup,
};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask setup

Installs what all commands need, into the cache folder: $JOBRAKER_CACHE_DIR if set, else /var/cache/jobraker for root, else
$XDG_CACHE_HOME/jobraker or ~/.cache/jobraker.",
    switches: &[],
    options: &[],
};

/// Runs `cargo xtask setup`: all of it, ahead of time.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    arguments.no_values(USAGE)?;
    both(|| setup::all_tools(project), || setup::wasm_target(project))?;
    say!("everything is installed, in {}", project.cache.display());
    Ok(())
}
