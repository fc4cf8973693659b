//! A database beside that of the stack, in the same cluster, for tests of the migrations and of what they make.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, and this is a part of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tokio_postgres::{Client, NoTls};
use url::Url;
use uuid::Uuid;

use crate::stack::Stack;

/// A database of one test; dropped with it.
pub struct ScratchDatabase {
    name: String,
    programs: PathBuf,
    superuser_url: Url,
    owner_url: Url,
}

impl ScratchDatabase {
    /// As hosted Supabase hands over a new project.
    ///
    /// # Panics
    /// If the cluster refuses it.
    #[must_use]
    pub fn create(stack: &Stack) -> Self {
        let name = format!("scratch_{}", Uuid::new_v4().simple());
        let url = |of_stack: &str| {
            let mut url = Url::parse(of_stack).unwrap();
            url.set_path(&name);
            url
        };
        let database = Self {
            programs: stack.description().postgresql_bin.clone(),
            superuser_url: url(&stack.description().admin_database_url),
            owner_url: url(&stack.description().database_url),
            name,
        };
        database.in_cluster(&format!("create database {}", database.name));
        database.run_as_superuser(&repository().join("local/stack/hosted_supabase.sql"));
        database
    }

    /// Applies all migrations.
    ///
    /// # Panics
    /// If one fails.
    pub fn up(&self) {
        for migration in migrations() {
            self.apply(&migration);
        }
    }

    /// Undoes all migrations, the newest first.
    ///
    /// # Panics
    /// If one fails.
    pub fn down(&self) {
        for migration in migrations().iter().rev() {
            self.apply(&rollback_of(migration));
        }
    }

    /// Runs a file as the migrating role, in one transaction.
    ///
    /// # Panics
    /// If it fails.
    pub fn apply(&self, file: &Path) {
        successful(&self.owner(&["--single-transaction", "--file", &file.to_string_lossy()]));
    }

    /// The answer to a query of the migrating role.
    ///
    /// # Panics
    /// If it fails.
    #[expect(clippy::must_use_candidate, reason = "some of these queries are statements without a result")]
    pub fn as_owner(&self, query: &str) -> String {
        successful(&self.owner(&["--command", query]))
    }

    /// What psql says to these arguments, as the migrating role.
    ///
    /// # Panics
    /// If psql cannot be run.
    #[must_use]
    pub fn owner(&self, arguments: &[&str]) -> Output {
        self.psql(&self.owner_url, arguments)
    }

    /// Runs a file as superuser, in one transaction.
    ///
    /// # Panics
    /// If it fails.
    pub fn run_as_superuser(&self, file: &Path) {
        successful(&self.psql(&self.superuser_url, &["--single-transaction", "--file", &file.to_string_lossy()]));
    }

    /// A connection as superuser.
    ///
    /// # Panics
    /// If the database does not take it.
    pub async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(self.superuser_url.as_str(), NoTls)
            .await
            .unwrap_or_else(|error| panic!("no connection to {}: {error:?}", self.superuser_url));
        tokio::spawn(connection);
        client
    }

    /// Everything but rows, as text.
    ///
    /// # Panics
    /// If `pg_dump` fails.
    #[must_use]
    pub fn schema(&self) -> String {
        let mut dump = Command::new(self.programs.join("pg_dump"));
        let text = successful(&dump.arg("--schema-only").arg(self.superuser_url.as_str()).output().unwrap());
        // pg_dump brackets its text with a word that is new each time.
        text.lines().filter(|line| !line.starts_with(r"\restrict") && !line.starts_with(r"\unrestrict")).fold(
            String::new(),
            |mut schema, line| {
                schema.push_str(line);
                schema.push('\n');
                schema
            },
        )
    }

    /// Who may do what with which object of ours, a line each.
    ///
    /// # Panics
    /// If the query fails.
    #[must_use]
    pub fn rights(&self) -> String {
        self.as_owner(
            "with objects (name, acl) as (
                 select 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner))
                 from pg_namespace where nspname in ('public', 'private')
                 union all
                 select 'relation ' || oid::regclass,
                        coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::\"char\", relowner))
                 from pg_class where relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                   and relkind in ('r', 'v', 'm', 'p', 'S')
                 union all
                 select 'column ' || attrelid::regclass || '.' || attname, attacl
                 from pg_attribute join pg_class on pg_class.oid = attrelid
                 where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and attacl is not null
                 union all
                 select 'function ' || oid::regprocedure, coalesce(proacl, acldefault('f', proowner))
                 from pg_proc where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
                 union all
                 select 'type ' || oid::regtype, coalesce(typacl, acldefault('T', typowner))
                 from pg_type where typnamespace in ('public'::regnamespace, 'private'::regnamespace)
             )
             select name, coalesce(rolname, 'public'), privilege_type, is_grantable
             from objects, aclexplode(acl) left join pg_roles on pg_roles.oid = grantee
             order by 1, 2, 3",
        )
    }

    /// A statement about databases, from outside this one.
    fn in_cluster(&self, statement: &str) {
        let mut url = self.superuser_url.clone();
        url.set_path("postgres");
        successful(&self.psql(&url, &["--command", statement]));
    }

    fn psql(&self, url: &Url, arguments: &[&str]) -> Output {
        Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose"])
            .args(arguments)
            .arg(url.as_str())
            .env("PGOPTIONS", "--client-min-messages=warning")
            .output()
            .unwrap()
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        self.in_cluster(&format!("drop database if exists {} with (force)", self.name));
    }
}

/// The root of the repository.
///
/// # Panics
/// Never: the tests are in a folder of it.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The forward files, oldest first.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn migrations() -> Vec<PathBuf> {
    sql_files(&repository().join("migrations"))
}

/// The file that undoes a migration.
///
/// # Panics
/// For a path without a file name.
#[must_use]
pub fn rollback_of(migration: &Path) -> PathBuf {
    migration.parent().unwrap().join("rollback").join(migration.file_name().unwrap())
}

/// What a program said; a panic with what it complained about, if it failed.
fn successful(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// What a program complained about.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The SQL files of a folder, by name.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn sql_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    files
}
