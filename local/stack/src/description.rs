//! `stack.json`: where everything of a running stack is. Written when all of it is ready, removed when it ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use toolchain::{Doing as _, Failure, Outcome, Project};

/// The environment variable that names the file to tests.
pub const ENVIRONMENT_VARIABLE: &str = "JOBRAKER_STACK";

/// The database's name, the same as on hosted Supabase.
pub const DATABASE: &str = "postgres";

/// A running stack, for the tests, the demonstration and other commands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Description {
    /// `dev`, unless it was given another.
    pub name: String,
    /// The program that runs the stack and can start others.
    pub xtask: PathBuf,
    /// Its process.
    pub xtask_pid: u32,
    /// The gateway: `/rest/v1`, `/storage/v1`, `/auth/v1`, `/functions/v1`.
    pub supabase_url: String,
    /// The functions, without the gateway.
    pub functions_url: String,
    /// PostgREST, without the gateway.
    pub postgrest_url: String,
    /// PostgREST's health checks.
    pub postgrest_admin_url: String,
    /// The simulators, with their controls under `/__control`.
    pub simulators_url: String,
    /// The simulated Clerk instance.
    pub clerk_issuer: String,
    /// The simulated Skyvern.
    pub skyvern_api_url: String,
    /// The database, as the role that migrates: no superuser, as on hosted Supabase.
    pub database_url: String,
    /// The database, as superuser.
    pub admin_database_url: String,
    /// For clients.
    pub anon_key: String,
    /// For the functions.
    pub service_role_key: String,
    /// The key that the functions call Skyvern with.
    pub skyvern_api_key: String,
    /// The key that was used before, still good for signatures.
    pub skyvern_previous_api_key: String,
    /// What Clerk's webhooks are signed with.
    pub clerk_webhook_secret: String,
    /// `psql`, `pg_dump`, `pg_ctl`, …
    pub postgresql_bin: PathBuf,
    /// One log a part.
    pub log_dir: PathBuf,
    /// The names of the functions' settings that a person's own file replaced: what they lead to is no simulator.
    pub replaced_settings: BTreeSet<String>,
    /// The process id of each part, which is also its process group's.
    pub parts: BTreeMap<String, i32>,
}

impl Description {
    /// The stack of that name in this checkout, if it runs.
    #[must_use]
    pub fn of_running(project: &Project, name: &str) -> Option<Self> {
        let folder = project.stack_folder(name);
        let bytes = fs::read(folder.join("stack.json")).ok()?;
        let description = serde_json::from_slice(&bytes).ok()?;
        is_held(&folder).then_some(description)
    }

    /// Writes the file, whole or not at all, for its owner only: it holds keys.
    pub fn write(&self, path: &Path) -> Outcome {
        let text = serde_json::to_vec_pretty(self).doing(|| "write stack.json".into())?;
        write_private(path, &text)
    }
}

/// Whether a guardian lives. What a power failure left behind is nobody's, whatever process has its numbers by now.
fn is_held(folder: &Path) -> bool {
    let lock = fs::File::open(folder.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

/// Writes a file that only its owner can read, in one step.
pub fn write_private(path: &Path, bytes: &[u8]) -> Outcome {
    use std::io::Write as _;
    let unfinished = path.with_extension("unfinished");
    let _ = fs::remove_file(&unfinished);
    fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&unfinished, path))
        .doing(|| format!("write {}", path.display()))
}

/// The keys that the simulators make for each stack.
#[derive(Debug, Clone, Deserialize)]
pub struct Keys {
    /// The project's legacy secret, which signs the two roles and the tokens of Supabase Auth.
    pub jwt_secret: String,
    /// The project's publishable role, as a JWT.
    pub anon_key: String,
    /// The project's secret role, as a JWT.
    pub service_role_key: String,
    /// What Skyvern signs with now.
    pub skyvern_api_key: String,
    /// What Skyvern signed with before.
    pub skyvern_previous_api_key: String,
    /// What Clerk's webhooks are signed with now.
    pub clerk_webhook_secret: String,
    /// What they were signed with before.
    pub clerk_previous_webhook_secret: String,
}

impl Keys {
    /// Reads `keys.json`.
    pub fn read(path: &Path) -> Outcome<Self> {
        let bytes = fs::read(path).doing(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&bytes).map_err(|error| Failure::new(format!("{} is broken: {error}", path.display())))
    }
}
