//! The migrations: forwards, backwards, twice, and under both regimes of default privileges.
//!
//! Each test has a fresh database in the stack's cluster, made as hosted Supabase would hand it over, and runs the files
//! as the role that runs them there, each in one transaction as the Supabase CLI does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tests::Stack;
use url::Url;
use uuid::Uuid;

#[tokio::test]
async fn up_down_up_ends_in_the_same_schema() {
    let database = Database::create(&Stack::get().await);
    let untouched = database.schema();

    database.up();
    let migrated = database.schema();
    assert_ne!(untouched, migrated, "the migrations made something");

    database.down();
    assert_same(&untouched, &database.schema(), "the rollbacks undo exactly what the migrations did");
    database.up();
    assert_same(&migrated, &database.schema(), "and the migrations can be applied again");
}

#[tokio::test]
async fn applying_a_file_again_changes_nothing() {
    let stack = Stack::get().await;
    let (once, twice) = (Database::create(&stack), Database::create(&stack));

    once.up();
    for migration in migrations() {
        twice.apply(&migration);
        twice.apply(&migration);
    }
    assert_same(&once.schema(), &twice.schema(), "a file is safe to repeat");

    twice.up();
    assert_same(&once.schema(), &twice.schema(), "and so are all of them, after the last");
}

#[tokio::test]
async fn both_regimes_of_default_privileges_end_in_the_same_rights() {
    let stack = Stack::get().await;
    let (new, old) = (Database::create(&stack), Database::create(&stack));
    old.run_as_superuser(&repository().join("local/stack/hosted_supabase_before_october_2026.sql"));
    old.as_owner("create table public.proof ()");
    assert_eq!(
        old.as_owner("select has_table_privilege('anon', 'public.proof', 'insert')"),
        "t",
        "the old regime gives new tables away"
    );
    old.as_owner("drop table public.proof");

    new.up();
    old.up();

    assert_same(&new.rights(), &old.rights(), "the rights are written out");
}

#[tokio::test]
async fn the_migrating_role_is_no_superuser() {
    let database = Database::create(&Stack::get().await);
    assert_eq!(database.as_owner("select rolsuper from pg_roles where rolname = current_user"), "f");
    for forbidden in [
        "alter table storage.objects enable row level security",
        "create table auth.ours ()",
        "create index on auth.users (email)",
        "drop table auth.users",
    ] {
        let refusal = database.owner(&["--command", forbidden]);
        assert!(!refusal.status.success(), "hosted Supabase refuses: {forbidden}");
        assert!(stderr(&refusal).contains("42501"), "{forbidden}: {}", stderr(&refusal));
    }
}

#[tokio::test]
async fn the_buckets_are_not_rolled_back_while_they_hold_files() {
    let database = Database::create(&Stack::get().await);
    database.up();
    database.as_owner("insert into storage.objects (bucket_id, name) values ('resumes', 'somebody/cv.pdf')");

    let rollback = rollback_of(&migration_named("create_storage_buckets"));
    let refusal = database.owner(&["--single-transaction", "--file", &rollback.to_string_lossy()]);

    assert!(!refusal.status.success(), "the rollback refuses");
    assert!(stderr(&refusal).contains("still hold files"), "and says why: {}", stderr(&refusal));
    assert_eq!(database.as_owner("select count(*) from storage.buckets"), "2", "nothing is half undone");
}

#[tokio::test]
async fn accounts_older_than_the_trigger_get_their_profile() {
    let database = Database::create(&Stack::get().await);
    let account = Uuid::new_v4();
    database.as_owner(&format!(
        r#"insert into auth.users (id, raw_app_meta_data) values ('{account}', '{{"clerk_id": "user_old"}}')"#
    ));

    database.up();

    assert_eq!(database.as_owner("select id || ' ' || clerk_user_id from public.users"), format!("{account} user_old"));
}

#[tokio::test]
async fn a_sign_up_goes_through_whatever_it_collides_with() {
    let database = Database::create(&Stack::get().await);
    database.up();
    let sign_up = |app_meta_data: &str, user_meta_data: &str| {
        let id = Uuid::new_v4();
        database.as_owner(&format!(
            "insert into auth.users (id, email, is_sso_user, raw_app_meta_data, raw_user_meta_data)
             values ('{id}', 'ada@jobs.example', true, '{app_meta_data}', '{user_meta_data}')"
        ));
        let profile =
            format!("select clerk_user_id || ' ' || coalesce(email, '-') from public.users where id = '{id}'");
        (id, database.as_owner(&profile))
    };

    let (_, first) = sign_up(r#"{"clerk_id": "user_ada"}"#, "{}");
    assert_eq!(first, "user_ada ada@jobs.example");

    let (second_id, second) = sign_up(r#"{"clerk_id": "user_ada"}"#, "{}");
    assert_eq!(second, format!("{second_id} -"), "who holds an id or an address keeps it");

    let (thief_id, thief) = sign_up("{}", r#"{"clerk_id": "user_grace"}"#);
    assert_eq!(thief, format!("{thief_id} -"), "nobody names their own Clerk id");

    let (odd_id, odd) = sign_up(r#"["no object"]"#, r#""nor this""#);
    assert_eq!(odd, format!("{odd_id} -"));
}

#[tokio::test]
async fn realtime_publishes_applications_their_deletions_and_notifications_alone() {
    let database = Database::create(&Stack::get().await);
    database.up();
    let published = "select string_agg(tablename, ' ' order by tablename) from pg_publication_tables
                     where pubname = 'supabase_realtime'";
    assert_eq!(database.as_owner(published), "application_deletions applications notifications");
}

#[test]
fn every_migration_has_its_rollback_and_leaves_transactions_to_the_cli() {
    let migrations = migrations();
    assert!(!migrations.is_empty());
    let rollbacks: Vec<_> = migrations.iter().map(|migration| rollback_of(migration)).collect();
    assert_eq!(sql_files(&repository().join("migrations/rollback")), rollbacks, "one each, named like it");

    for file in migrations.iter().chain(&rollbacks) {
        let text = fs::read_to_string(file).unwrap().to_lowercase();
        let statements = text.lines().map(str::trim).filter(|line| !line.starts_with("--"));
        for line in statements {
            let controls = ["begin;", "begin transaction", "start transaction", "commit", "rollback", "savepoint"];
            assert!(!controls.iter().any(|word| line.starts_with(word)), "{}: {line}", file.display());
            assert!(!line.contains("concurrently"), "{}: {line}", file.display());
        }
    }
}

/// A database of one test; dropped with it.
struct Database {
    name: String,
    programs: PathBuf,
    superuser_url: Url,
    owner_url: Url,
}

impl Database {
    /// As hosted Supabase hands over a new project.
    fn create(stack: &Stack) -> Self {
        let name = format!("migrations_{}", Uuid::new_v4().simple());
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

    fn up(&self) {
        for migration in migrations() {
            self.apply(&migration);
        }
    }

    fn down(&self) {
        for migration in migrations().iter().rev() {
            self.apply(&rollback_of(migration));
        }
    }

    fn apply(&self, file: &Path) {
        successful(&self.owner(&["--single-transaction", "--file", &file.to_string_lossy()]));
    }

    /// The answer to a query of the migrating role.
    fn as_owner(&self, query: &str) -> String {
        successful(&self.owner(&["--command", query]))
    }

    fn owner(&self, arguments: &[&str]) -> Output {
        self.psql(&self.owner_url, arguments)
    }

    fn run_as_superuser(&self, file: &Path) {
        successful(&self.psql(&self.superuser_url, &["--single-transaction", "--file", &file.to_string_lossy()]));
    }

    /// Everything but rows, as text.
    fn schema(&self) -> String {
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
    fn rights(&self) -> String {
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

impl Drop for Database {
    fn drop(&mut self) {
        self.in_cluster(&format!("drop database if exists {} with (force)", self.name));
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The forward files, oldest first.
fn migrations() -> Vec<PathBuf> {
    sql_files(&repository().join("migrations"))
}

fn migration_named(name: &str) -> PathBuf {
    migrations().into_iter().find(|file| file.to_string_lossy().contains(name)).unwrap()
}

fn rollback_of(migration: &Path) -> PathBuf {
    migration.parent().unwrap().join("rollback").join(migration.file_name().unwrap())
}

fn sql_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    files
}

fn successful(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Like `assert_eq!`, but says where the first difference is: the texts are thousands of lines long.
fn assert_same(expected: &str, actual: &str, promise: &str) {
    let difference = expected.lines().zip(actual.lines()).find(|(one, other)| one != other);
    assert!(difference.is_none(), "{promise}, but one says {difference:?}");
    assert_eq!(expected.lines().count(), actual.lines().count(), "{promise}, but one goes on longer");
}
