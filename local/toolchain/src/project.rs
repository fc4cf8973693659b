//! Where things are: the checkout, the cache of tools, the state of the stacks.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::failure::{Doing as _, Failure, Outcome};

/// The checkout that this command works on, and the cache of the person who runs it.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Installed tools and the state of stacks; can be deleted at any time, and is then made again.
    pub cache: PathBuf,
    /// This program. Asked for at the start: once a build has replaced the file, the system gives no usable name.
    pub program: PathBuf,
}

impl Project {
    /// Finds the checkout from any of its folders, and the cache.
    pub fn find() -> Outcome<Self> {
        let program = env::current_exe().doing(|| "find this program".into())?;
        let here = env::current_dir().doing(|| "find the current folder".into())?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("xtask/Cargo.toml").is_file())
            .map(Path::to_owned)
            .or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned))
            .filter(|root| root.join("Cargo.lock").is_file())
            .ok_or_else(|| {
                Failure::new("this is not a checkout of the project").mend("run it from a folder of the checkout")
            })?;
        let cache = cache_folder()?;
        fs::create_dir_all(&cache).map_err(|error| {
            Failure::new(format!("the cache folder {} cannot be made: {error}", cache.display()))
                .mend("export JOBRAKER_CACHE_DIR=<a folder you may write>")
        })?;
        let cache = cache.canonicalize().doing(|| format!("resolve {}", cache.display()))?;
        Ok(Self { root, cache, program })
    }

    /// The names of all functions: every folder of `functions/` that is a crate.
    pub fn functions(&self) -> Outcome<Vec<String>> {
        let folder = self.root.join("functions");
        let entries = fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))?;
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().join("Cargo.toml").is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Cargo's folder for what it builds for this machine.
    #[must_use]
    pub fn target_folder(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |folder| self.root.join(folder))
    }

    /// Cargo's folder for WebAssembly: its own, since another toolchain may fill it, and each would undo the other's work.
    #[must_use]
    pub fn wasm_target_folder(&self) -> PathBuf {
        self.target_folder().join("wasm")
    }

    /// The folder of one stack of this checkout. Not inside the checkout: the unprivileged user that PostgreSQL
    /// runs as may not be able to read that.
    #[must_use]
    pub fn stack_folder(&self, name: &str) -> PathBuf {
        let checkout = hex(&Sha256::digest(self.root.as_os_str().as_encoded_bytes()));
        self.cache.join("stacks").join(&checkout[..12]).join(name)
    }

    /// The version of a package in `Cargo.lock`.
    pub fn locked_version(&self, package: &str) -> Outcome<String> {
        let lock = self.root.join("Cargo.lock");
        let text = fs::read_to_string(&lock).doing(|| format!("read {}", lock.display()))?;
        version_in_lock(&text, package).ok_or_else(|| {
            Failure::new(format!("Cargo.lock names no version of {package}")).mend("cargo update --workspace")
        })
    }
}

fn cache_folder() -> Outcome<PathBuf> {
    if let Some(folder) = env::var_os("JOBRAKER_CACHE_DIR").filter(|folder| !folder.is_empty()) {
        return std::path::absolute(folder).doing(|| "resolve JOBRAKER_CACHE_DIR".into());
    }
    if crate::users::is_root() {
        return Ok("/var/cache/jobraker".into()); // root's home is closed to the user that PostgreSQL runs as
    }
    env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .map(|folder| folder.join("jobraker"))
        .ok_or_else(|| {
            Failure::new("there is no home folder to keep tools in").mend("export JOBRAKER_CACHE_DIR=<a folder>")
        })
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{hex, version_in_lock};

    #[test]
    fn a_locked_version_is_that_of_the_exact_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";

        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }

    #[test]
    fn hexadecimal_keeps_leading_zeros() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
