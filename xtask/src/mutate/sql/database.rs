//! The database of the throw-away stack, made ready for being broken.

use std::{ops::Deref, process::Command};

use local_stack::{Description, database::Psql};
use toolchain::{Failure, Outcome, command};

/// The database as superuser.
#[derive(Debug)]
pub struct Database {
    psql: Psql,
    /// Empties every table that fills up while tests run.
    emptying: String,
}

impl Deref for Database {
    type Target = Psql;

    fn deref(&self) -> &Psql {
        &self.psql
    }
}

impl Database {
    /// Has calls counted, and keeps the changes to come from being refused or from making PostgREST read its schema again:
    /// none of them changes what PostgREST knows.
    pub fn prepare(stack: &Description) -> Outcome<Self> {
        for setting in ["track_functions = 'all'", "client_connection_check_interval = '1s'"] {
            // Not through `Psql`, whose transactions do not allow it.
            let mut psql = Command::new(stack.postgresql_bin.join("psql"));
            let statement = format!("alter system set {setting}");
            psql.args(["--no-psqlrc", "--quiet", "--command", &statement, "--dbname", &stack.admin_database_url]);
            command::answer(&mut psql).ok_or_else(|| Failure::new(format!("PostgreSQL refuses {setting}")))?;
        }
        let psql = Psql::new(&stack.postgresql_bin, &stack.admin_database_url);
        psql.run(
            "select pg_reload_conf();
             alter event trigger pgrst_ddl_watch disable;
             alter event trigger pgrst_drop_watch disable;
             alter event trigger refuse_platform_changes disable;
             alter event trigger refuse_platform_drops disable",
        )?;
        let emptying = emptying(&psql)?;
        Ok(Self { psql, emptying })
    }

    /// Changes what stands, which may have to wait for a test that was ended in the middle of a transaction.
    pub fn change(&self, sql: &str) -> Outcome {
        let change = || self.psql.run(&format!("set lock_timeout = '10s'; {sql}")).map(drop);
        match change() {
            Err(failure) if ["lock timeout", "deadlock"].iter().any(|why| failure.to_string().contains(why)) => {
                self.psql.run(
                    "select pg_terminate_backend(pid) from pg_stat_activity
                     where backend_type = 'client backend' and pid <> pg_backend_pid() and xact_start is not null",
                )?;
                change()
            }
            done => done,
        }
    }

    /// Takes away what tests have written.
    pub fn empty(&self) -> Outcome {
        self.change(&self.emptying)
    }
}

/// The statement that empties them. What the migrations have put into the tables of the machinery stays.
fn emptying(psql: &Psql) -> Outcome<String> {
    let tables = |schema: &str| -> Outcome<Vec<String>> {
        let list = psql.run(&format!(
            "select oid::regclass from pg_class where relkind in ('r', 'p') and relnamespace = '{schema}'::regnamespace"
        ))?;
        Ok(list.lines().map(str::to_owned).collect())
    };
    let is_empty = tables("private")?
        .iter()
        .map(|table| format!("select '{table}' where not exists (select from {table})"))
        .collect::<Vec<_>>()
        .join(" union all ");
    let mut tables = tables("public")?;
    tables.extend(psql.run(&is_empty)?.lines().map(str::to_owned));
    Ok(format!("truncate auth.users, {} cascade", tables.join(", ")))
}
