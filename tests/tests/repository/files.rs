//! The files of the repository.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::path;

/// Folders that are made, not written.
const MADE: [&str; 3] = ["target", "node_modules", "build"];

/// Every file below a folder whose name ends in one of these, in order, as paths from the project's folder.
pub(crate) fn files(folder: &str, endings: &[&str]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    walk(Path::new(folder), endings, &mut found);
    assert!(!found.is_empty(), "there are files below {folder:?}");
    found
}

fn walk(folder: &Path, endings: &[&str], found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(path(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let file = folder.join(&name);
        let kind = entry.file_type().unwrap(); // a link to a folder is no folder, so nothing is met twice
        if kind.is_dir() {
            if !name.starts_with('.') && !MADE.contains(&name.as_str()) {
                walk(&file, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.insert(file);
        }
    }
}

/// Where a relative path leads from a folder. None if that is outside of the project.
pub(crate) fn resolve(folder: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(relative).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}
