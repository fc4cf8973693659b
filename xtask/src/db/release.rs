//! `cargo xtask db release`: the list of the migrations that must not change any more.

use local_stack::released;
use toolchain::{Outcome, Project, progress::say};

/// Writes the hashes of all migrations to `migrations/released.sha256`.
pub fn run(project: &Project) -> Outcome {
    let count = released::release(&project.root.join("migrations"))?;
    say!("{count} migrations are released with this; commit migrations/released.sha256 before the tag");
    Ok(())
}
