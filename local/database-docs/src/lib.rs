//! The pages of `docs/database`: the whole schema as SQL, and its tables and privileged functions to read.
//!
//! Both are made from a migrated database, so that every change of a migration shows its effect as a diff, and neither can
//! drift: a test compares them with the database of its stack.

mod catalogue;
mod diagram;
mod page;
mod snapshot;

use std::{fs, path::Path};

use local_stack::database::Psql;
use toolchain::{Doing as _, Outcome, Project};

use catalogue::Catalogue;

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Where it is, from the root of the checkout.
    pub path: &'static str,
    /// What it says.
    pub text: String,
}

/// Makes the pages from the database at `url`, which a superuser opens: nobody else may read all of it.
///
/// Fails with the names of the functions whose comment does not say why they are `SECURITY DEFINER` and what bounds their
/// arguments.
pub fn pages(postgresql_bin: &Path, url: &str) -> Outcome<[Page; 2]> {
    let catalogue = Catalogue::read(&Psql::new(postgresql_bin, url))?;
    Ok([
        Page { path: "docs/database/schema.sql", text: snapshot::take(postgresql_bin, url)? },
        Page { path: "docs/database/schema.md", text: page::render(&catalogue)? },
    ])
}

/// Writes the pages.
pub fn write(project: &Project, pages: &[Page]) -> Outcome {
    for page in pages {
        let file = project.root.join(page.path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
        }
        fs::write(&file, &page.text).doing(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

/// The paths of those pages that are not written, or say something else.
#[must_use]
pub fn stale<'pages>(root: &Path, pages: &'pages [Page]) -> Vec<&'pages str> {
    let is_stale = |page: &&Page| fs::read_to_string(root.join(page.path)).ok().as_ref() != Some(&page.text);
    pages.iter().filter(is_stale).map(|page| page.path).collect()
}
