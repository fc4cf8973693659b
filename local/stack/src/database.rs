//! A database through `psql`, and the migrations: which there are, which are applied, and how the Supabase CLI applies them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use toolchain::{Doing as _, Failure, Outcome, Project, command};

/// A forward file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The digits that its name begins with.
    pub version: String,
    /// The name of its file, and of the rollback's.
    pub file: String,
}

/// All migrations, oldest first.
pub fn migrations(project: &Project) -> Outcome<Vec<Migration>> {
    let folder = project.root.join("migrations");
    let entries = fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut migrations: Vec<Migration> = names.filter_map(|name| migration(&name)).collect();
    migrations.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(migrations)
}

fn migration(file: &str) -> Option<Migration> {
    let (version, _) = file.strip_suffix(".sql")?.split_once('_')?;
    let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Migration { version: version.into(), file: file.into() })
}

/// The arguments of the Supabase CLI that apply what is missing.
pub fn push_arguments(url: &str) -> Vec<String> {
    ["db", "push", &format!("--remote={url}"), "--yes"].map(str::to_owned).into()
}

/// Keeps the CLI from asking, and from calling home.
#[must_use]
pub fn cli_environment() -> BTreeMap<String, String> {
    [("SUPABASE_YES", "1"), ("SUPABASE_TELEMETRY_DISABLED", "1"), ("DO_NOT_TRACK", "1"), ("NO_COLOR", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// One database, through `psql`.
#[derive(Debug)]
pub struct Psql {
    program: PathBuf,
    url: String,
}

impl Psql {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(postgresql_bin: &Path, url: &str) -> Self {
        Self { program: postgresql_bin.join("psql"), url: url.into() }
    }

    /// Runs SQL in one transaction and returns what it prints, unaligned.
    pub fn run(&self, sql: &str) -> Outcome<String> {
        self.call(|psql| psql.args(["--command", sql]))
    }

    /// Runs a file in one transaction.
    pub fn run_file(&self, file: &Path) -> Outcome<String> {
        self.call(|psql| psql.arg("--file").arg(file))
    }

    /// The versions in the CLI's history, oldest first; none before its first push.
    pub fn applied_versions(&self) -> Outcome<Vec<String>> {
        if self.run("select to_regclass('supabase_migrations.schema_migrations')")?.is_empty() {
            return Ok(Vec::new());
        }
        let versions = self.run("select version from supabase_migrations.schema_migrations order by version")?;
        Ok(versions.lines().map(str::to_owned).collect())
    }

    fn call(&self, what: impl FnOnce(&mut Command) -> &mut Command) -> Outcome<String> {
        let mut psql = Command::new(&self.program);
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
        ]);
        what(&mut psql).env("PGCONNECT_TIMEOUT", "10").arg("--dbname").arg(&self.url);
        let output = command::run_for_output(&mut psql)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(Failure::new(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Migration, migration};

    #[test]
    fn only_files_that_the_cli_would_apply_are_migrations() {
        let named = Migration { version: "20260301101500".into(), file: "20260301101500_create_users.sql".into() };
        assert_eq!(migration("20260301101500_create_users.sql"), Some(named));
        assert_eq!(migration("README.md"), None);
        assert_eq!(migration("draft_users.sql"), None);
        assert_eq!(migration("20260301101500.sql"), None);
    }
}
