//! `cargo xtask db docs`: the pages of `docs/database`, from a database that is made for it.

use local_stack::with_migrated_database;
use toolchain::{Outcome, Project, progress::say, setup};

/// Writes the pages, and says which changed.
pub fn run(project: &Project) -> Outcome {
    let tools = setup::stack_tools(project)?;
    let programs = tools.postgresql_bin.clone();
    let pages = with_migrated_database(project, tools, |url| database_docs::pages(&programs, url))?;
    let stale = database_docs::stale(&project.root, &pages);
    database_docs::write(project, &pages)?;
    for page in &pages {
        let mark = if stale.contains(&page.path) { "written  " } else { "unchanged" };
        say!("{mark}  {}", page.path);
    }
    Ok(())
}
