//! Root, and the user that runs what refuses to run as root.

use std::process::Command;

use crate::failure::{Doing as _, Failure, Outcome};

/// A user and its main group, by number.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Whether this process may do anything.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The user that runs what refuses to run as root: `nobody` for root, else the current user.
pub fn unprivileged() -> Outcome<Option<User>> {
    if !is_root() {
        return Ok(None);
    }
    Ok(Some(User { uid: number_of_nobody("-u")?, gid: number_of_nobody("-g")? }))
}

fn number_of_nobody(which: &str) -> Outcome<u32> {
    let output = Command::new("id").args([which, "nobody"]).output().doing(|| "run id".into())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| {
        Failure::new("PostgreSQL refuses to run as root, and this machine has no user nobody").mend("useradd nobody")
    })
}
