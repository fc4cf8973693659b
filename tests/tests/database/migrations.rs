//! The migrations: forwards, backwards, twice, and under both regimes of default privileges.
//!
//! Each test has a fresh database in the stack's cluster, made as hosted Supabase would hand it over, and runs the files
//! as the role that runs them there, each in one transaction as the Supabase CLI does.

use std::{fs, path::PathBuf};

use tests::Stack;
use tests::scratch_database::{ScratchDatabase as Database, migrations, repository, rollback_of, sql_files, stderr};
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
async fn realtime_publishes_applications_their_deletions_background_jobs_and_notifications_alone() {
    let database = Database::create(&Stack::get().await);
    database.up();
    let published = "select string_agg(tablename, ' ' order by tablename) from pg_publication_tables
                     where pubname = 'supabase_realtime'";
    assert_eq!(database.as_owner(published), "application_deletions applications background_jobs notifications");
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

fn migration_named(name: &str) -> PathBuf {
    migrations().into_iter().find(|file| file.to_string_lossy().contains(name)).unwrap()
}

/// Like `assert_eq!`, but says where the first difference is: the texts are thousands of lines long.
fn assert_same(expected: &str, actual: &str, promise: &str) {
    let difference = expected.lines().zip(actual.lines()).find(|(one, other)| one != other);
    assert!(difference.is_none(), "{promise}, but one says {difference:?}");
    assert_eq!(expected.lines().count(), actual.lines().count(), "{promise}, but one goes on longer");
}
