//! The released migrations, which are never changed again: databases have applied them.
//!
//! `migrations/released.sha256` holds the hash of each, forward and rollback, in the form that `sha256sum --check` reads.
//! Until a first release the file is absent, and migrations are edited in place.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use sha2::{Digest as _, Sha256};
use toolchain::{Doing as _, Failure, Outcome, command, project::hex};

/// The name of the list in the folder of the migrations.
const LIST: &str = "released.sha256";

/// Adds every migration of the folder to the list, and returns how many are new in it.
pub fn release(folder: &Path) -> Outcome<usize> {
    let violations = violations(folder, false)?;
    if !violations.is_empty() {
        return Err(Failure::new(violations.join("\n")));
    }
    let (listed, present) = (listed(folder)?, present(folder)?);
    let lines: Vec<String> = present.iter().map(|(file, hash)| format!("{hash}  {file}\n")).collect();
    let list = folder.join(LIST);
    fs::write(&list, lines.concat()).doing(|| format!("write {}", list.display()))?;
    Ok(present.keys().filter(|file| is_forward(file) && !listed.contains_key(*file)).count())
}

/// Whether git knows a release. False where there is no git.
#[must_use]
pub fn is_tagged(folder: &Path) -> bool {
    let mut git = Command::new("git");
    command::answer(git.args(["tag", "--list", "v*"]).current_dir(folder)).is_some_and(|tags| !tags.is_empty())
}

/// What is wrong with the migrations, a sentence each.
pub fn violations(folder: &Path, is_tagged: bool) -> Outcome<Vec<String>> {
    let (listed, present) = (listed(folder)?, present(folder)?);
    let mut violations = Vec::new();
    if listed.is_empty() && is_tagged {
        violations.push(format!("a release is tagged, and migrations/{LIST} is empty: cargo xtask db release"));
    }
    for (file, hash) in &listed {
        match present.get(file) {
            Some(now) if now == hash => {}
            Some(_) => violations.push(format!("migrations/{file} is released and must not change; add a new one")),
            None => violations.push(format!("migrations/{file} is released and must not go away")),
        }
    }
    let newest = listed.keys().rfind(|file| is_forward(file));
    for file in present.keys().filter(|file| is_forward(file) && !listed.contains_key(*file)) {
        if newest.is_some_and(|newest| file < newest) {
            violations.push(format!("migrations/{file} is new and sorts before a released one; give it a later time"));
        }
    }
    Ok(violations)
}

fn is_forward(file: &str) -> bool {
    !file.starts_with("rollback/")
}

/// The hashes of the list.
fn listed(folder: &Path) -> Outcome<BTreeMap<String, String>> {
    let list = folder.join(LIST);
    if !list.exists() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(&list).doing(|| format!("read {}", list.display()))?;
    let line = |line: &str| {
        let (hash, file) = line.split_once("  ")?;
        Some((file.to_owned(), hash.to_owned()))
    };
    let lines: Option<BTreeMap<_, _>> = text.lines().map(line).collect();
    lines.ok_or_else(|| Failure::new(format!("{} has a line that is not HASH  FILE", list.display())))
}

/// The hashes of the files.
fn present(folder: &Path) -> Outcome<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    for prefix in ["", "rollback/"] {
        let folder = folder.join(prefix);
        let entries = fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if Path::new(&name).extension().is_some_and(|extension| extension == "sql") {
                let text = fs::read(entry.path()).doing(|| format!("read {}", entry.path().display()))?;
                hashes.insert(format!("{prefix}{name}"), hex(&Sha256::digest(text)));
            }
        }
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::{LIST, release, violations};

    /// A folder with one migration; gone with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(purpose: &str) -> Self {
            let folder = Self(std::env::temp_dir().join(format!("released-{purpose}-{}", std::process::id())));
            fs::create_dir_all(folder.0.join("rollback")).unwrap();
            folder.add("20260102000000_create_pets.sql");
            folder
        }

        fn add(&self, file: &str) {
            self.write(file, "select;");
            self.write(&format!("rollback/{file}"), "select;");
        }

        fn write(&self, file: &str, text: &str) {
            fs::write(self.path().join(file), text).unwrap();
        }

        fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn before_a_release_everything_may_change() {
        let folder = Folder::new("before");
        assert_eq!(violations(folder.path(), false).unwrap(), Vec::<String>::new());
        assert!(violations(folder.path(), true).unwrap()[0].contains("a release is tagged"));
    }

    #[test]
    fn a_released_file_neither_changes_nor_goes_away() {
        let folder = Folder::new("after");
        assert_eq!(release(folder.path()).unwrap(), 1);
        assert_eq!(violations(folder.path(), true).unwrap(), Vec::<String>::new());

        folder.write("20260102000000_create_pets.sql", "select 1;");
        fs::remove_file(folder.path().join("rollback/20260102000000_create_pets.sql")).unwrap();

        let said = violations(folder.path(), true).unwrap();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("20260102000000_create_pets.sql is released and must not change"), "{said:?}");
        assert!(said[1].contains("rollback/20260102000000_create_pets.sql is released and must not go"), "{said:?}");
        let before = fs::read(folder.path().join(LIST)).unwrap();
        assert!(release(folder.path()).is_err(), "a release does not hide it");
        assert_eq!(fs::read(folder.path().join(LIST)).unwrap(), before);
    }

    #[test]
    fn what_is_new_comes_after_what_is_released() {
        let folder = Folder::new("order");
        release(folder.path()).unwrap();

        folder.add("20260103000000_create_toys.sql");
        assert_eq!(violations(folder.path(), true).unwrap(), Vec::<String>::new());
        assert_eq!(release(folder.path()).unwrap(), 1);

        folder.add("20260101000000_create_food.sql");
        let said = violations(folder.path(), true).unwrap();
        assert!(
            said.len() == 1 && said[0].contains("20260101000000_create_food.sql is new and sorts before"),
            "{said:?}"
        );
    }
}
