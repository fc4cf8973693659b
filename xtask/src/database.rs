//! `cargo xtask db`: the migrations of a database, forwards with the Supabase CLI, backwards with the rollback files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    arguments::{Arguments, Usage, misuse},
    command,
    failure::{Doing as _, Failure, Outcome},
    progress::say,
    project::Project,
    setup::{self, StackTools},
    stack::{self, description::Description},
};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask db up|status|reset [--name NAME | --database-url URL]
       cargo xtask db down [COUNT] [--name NAME | --database-url URL]

  up      applies every migration that is not applied yet (supabase db push)
  down    undoes the newest COUNT migrations, one unless given, each with its file in migrations/rollback
  status  lists the migrations and which of them are applied
  reset   undoes all of them, applies them again and plants the seed: every row of ours is lost

The database is that of the running stack NAME (dev unless given), or the one at URL, which can be a hosted project.",
    switches: &[],
    options: &["--name", "--database-url"],
};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Apply what is missing.
    Up,
    /// Undo so many.
    Down(usize),
    /// List.
    Status,
    /// Undo all, apply all, seed.
    Reset,
}

/// Runs `cargo xtask db`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let direction = direction(arguments)?;
    let tools = setup::stack_tools(project)?;
    let (url, stack) = if let Some(url) = arguments.option("--database-url") {
        (url.to_owned(), None)
    } else {
        let stack = running(project, &stack::name(arguments)?)?;
        (stack.database_url.clone(), Some(stack))
    };
    let psql = Psql::new(&tools.postgresql_bin, &url);
    match direction {
        Direction::Up => up(project, &tools, &url)?,
        Direction::Down(count) => down(project, &psql, count)?,
        Direction::Status => return status(project, &psql),
        Direction::Reset => {
            let stack =
                stack.ok_or_else(|| Failure::new("reset throws every row away, so it is for local stacks only"))?;
            forget_people(&tools, &stack)?;
            down(project, &psql, usize::MAX)?;
            up(project, &tools, &url)?;
            psql.run_file(&project.root.join("supabase/seed.sql"))?;
        }
    }
    // PostgREST remembers the tables and functions it found; hosted Supabase tells it by itself.
    psql.run("notify pgrst, 'reload schema'")?;
    status(project, &psql)
}

fn running(project: &Project, name: &str) -> Outcome<Description> {
    Description::of_running(project, name).ok_or_else(|| {
        Failure::new(format!("the stack {name} is not running"))
            .mend("cargo xtask dev in another terminal, or give --database-url")
    })
}

/// What no rollback may touch, because it is not ours on a hosted project: the accounts and the files.
fn forget_people(tools: &StackTools, stack: &Description) -> Outcome {
    let admin = Psql::new(&tools.postgresql_bin, &stack.admin_database_url);
    admin.run("set storage.allow_delete_query = 'true'; delete from storage.objects; delete from auth.users")?;
    let files = stack.log_dir.with_file_name("storage");
    for entry in fs::read_dir(&files).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.doing(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}

fn direction(arguments: &Arguments) -> Outcome<Direction> {
    let words: Vec<&str> = arguments.values.iter().map(String::as_str).collect();
    match words[..] {
        ["up"] => Ok(Direction::Up),
        ["down"] => Ok(Direction::Down(1)),
        ["down", count] => count
            .parse()
            .map(Direction::Down)
            .map_err(|_| misuse(USAGE, &format!("down wants a number of migrations, and {count} is none"))),
        ["status"] => Ok(Direction::Status),
        ["reset"] => Ok(Direction::Reset),
        _ => Err(misuse(USAGE, "say up, down, status or reset")),
    }
}

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
pub fn cli_environment() -> BTreeMap<String, String> {
    [("SUPABASE_YES", "1"), ("SUPABASE_TELEMETRY_DISABLED", "1"), ("DO_NOT_TRACK", "1"), ("NO_COLOR", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn up(project: &Project, tools: &StackTools, url: &str) -> Outcome {
    let mut cli = Command::new(tools.node.program("supabase"));
    cli.args(push_arguments(url)).envs(cli_environment()).current_dir(&project.root);
    command::run_shown(cli.stdin(Stdio::null()))
}

/// Each rollback and the end of its line in the history are one transaction: both or neither.
fn down(project: &Project, psql: &Psql, count: usize) -> Outcome {
    let applied = psql.applied_versions()?;
    let known = migrations(project)?;
    for version in applied.iter().rev().take(count) {
        let migration = known.iter().find(|migration| migration.version == *version).ok_or_else(|| {
            Failure::new(format!("{version} is applied, and migrations/ has no file for it"))
                .mend("check out the version of the project that it came from")
        })?;
        let file = project.root.join("migrations/rollback").join(&migration.file);
        let rollback = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
        say!("undoing {}", migration.file);
        psql.run(&format!(
            "{rollback}\n;delete from supabase_migrations.schema_migrations where version = '{version}';"
        ))
        .map_err(|failure| Failure::new(format!("{} does not run: {failure}", file.display())))?;
    }
    Ok(())
}

fn status(project: &Project, psql: &Psql) -> Outcome {
    let applied = psql.applied_versions()?;
    let known = migrations(project)?;
    for migration in &known {
        let mark = if applied.contains(&migration.version) { "applied" } else { "pending" };
        say!("{mark}  {}", migration.file);
    }
    for version in applied.iter().filter(|version| known.iter().all(|migration| migration.version != **version)) {
        say!("unknown  {version}: applied, but not in migrations/");
    }
    Ok(())
}

/// One database, through `psql`.
#[derive(Debug)]
pub struct Psql {
    program: PathBuf,
    url: String,
}

impl Psql {
    /// Nothing is connected yet.
    pub fn new(postgresql_bin: &Path, url: &str) -> Self {
        Self { program: postgresql_bin.join("psql"), url: url.into() }
    }

    /// Runs SQL in one transaction and answers what it prints, unaligned.
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
