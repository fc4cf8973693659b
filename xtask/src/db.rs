//! `cargo xtask db`: the migrations of a database, forwards with the Supabase CLI, backwards with the rollback files, and what
//! is written about them.

mod docs;
mod release;

use std::{
    fs,
    process::{Command, Stdio},
};

use local_stack::{
    Description,
    database::{Psql, cli_environment, migrations, push_arguments},
};
use toolchain::{
    Doing as _, Failure, Outcome, Project, command,
    progress::say,
    setup::{self, StackTools},
};

use crate::arguments::{Arguments, Usage, misuse};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask db up|status|reset [--name NAME | --database-url URL]
       cargo xtask db down [COUNT] [--name NAME | --database-url URL]
       cargo xtask db docs
       cargo xtask db release

  up       applies every migration that is not applied yet (supabase db push)
  down     undoes the newest COUNT migrations, one unless given, each with its file in migrations/rollback
  status   lists the migrations and which of them are applied
  reset    undoes all of them, applies them again and plants the seed: every row of ours is lost
  docs     writes docs/database from a database of its own, which has all migrations
  release  writes the hashes of all migrations to migrations/released.sha256; from then on a test keeps them as they are

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
    let words: Vec<&str> = arguments.values.iter().map(String::as_str).collect();
    match words[..] {
        ["docs"] => docs::run(project),
        ["release"] => release::run(project),
        _ => migrate(project, arguments, direction(&words)?),
    }
}

fn migrate(project: &Project, arguments: &Arguments, direction: Direction) -> Outcome {
    let tools = setup::stack_tools(project)?;
    let (url, stack) = if let Some(url) = arguments.option("--database-url") {
        (url.to_owned(), None)
    } else {
        let stack = running(project, &arguments.stack_name()?)?;
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

fn direction(words: &[&str]) -> Outcome<Direction> {
    match *words {
        ["up"] => Ok(Direction::Up),
        ["down"] => Ok(Direction::Down(1)),
        ["down", count] => count
            .parse()
            .map(Direction::Down)
            .map_err(|_| misuse(USAGE, &format!("down wants a number of migrations, and {count} is none"))),
        ["status"] => Ok(Direction::Status),
        ["reset"] => Ok(Direction::Reset),
        _ => Err(misuse(USAGE, "say up, down, status, reset, docs or release")),
    }
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
