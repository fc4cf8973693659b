//! The migrations and their rollbacks on a database that is in use: there are rows in every table.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::{Map, Value};
use tests::{
    Stack,
    scratch_database::{ScratchDatabase, migrations, rollback_of, stderr},
};
use tokio_postgres::Client;

/// The one rollback that refuses while there is something to lose: files, whose rows Storage alone may delete.
const KEEPS_FILES: &str = "create_storage_buckets.sql";

#[tokio::test]
async fn applying_a_file_again_leaves_every_row_as_it_is() {
    let database = in_use().await;
    let client = database.connect().await;
    let faults = missing_rows(&client).await;
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));

    let (schema, before) = (database.schema(), Rows::read(&client).await);
    for migration in migrations() {
        database.apply(&migration);
        before.expect_in(&Rows::read(&client).await, &format!("{} again", name(&migration)));
    }
    assert!(schema == database.schema(), "the schema is as it was");
}

/// From the newest to the oldest, so that each is undone, applied and undone once more while there are rows in every
/// table that is older than it.
#[tokio::test]
async fn a_migration_is_undone_and_applied_while_there_are_rows_and_touches_no_others() {
    let database = ScratchDatabase::create(&Stack::get().await);
    let untouched = database.schema();
    database.up();
    let migrated = database.schema();
    fill(&database);
    let client = database.connect().await;

    for migration in migrations().iter().rev() {
        let name = name(migration);
        let makes_buckets = name.ends_with(KEEPS_FILES);
        if makes_buckets {
            let rollback = rollback_of(migration);
            let refusal = database.owner(&["--single-transaction", "--file", &rollback.to_string_lossy()]);
            assert!(stderr(&refusal).contains("still hold files"), "{name}: {}", stderr(&refusal));
            database.as_owner("set storage.allow_delete_query = 'true'; delete from storage.objects");
        }
        let rows = async || {
            let mut rows = Rows::read(&client).await;
            // Rows of its own in a table that is not ours.
            rows.0.retain(|table, _| !(makes_buckets && table == "storage.buckets"));
            rows
        };
        let before = rows().await;
        database.apply(&rollback_of(migration));
        let without = rows().await;
        before.expect_in(&without, &format!("the rollback of {name}"));
        database.apply(migration);
        without.expect_in(&rows().await, &format!("{name} after its rollback"));
        database.apply(&rollback_of(migration));
        without.expect_in(&rows().await, &format!("the second rollback of {name}"));
    }
    assert!(untouched == database.schema(), "the rollbacks undo exactly what the migrations did");
    assert_eq!(database.as_owner("select count(*) from auth.users"), "3", "what is not ours stays");

    database.up();
    assert!(migrated == database.schema(), "the migrations can be applied again");
    assert_eq!(database.as_owner("select count(*) from public.users"), "3", "and find the people who are there");
}

/// A database with all migrations and rows in every table.
async fn in_use() -> ScratchDatabase {
    let database = ScratchDatabase::create(&Stack::get().await);
    database.up();
    fill(&database);
    database
}

fn fill(database: &ScratchDatabase) {
    database.run_as_superuser(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/database/upgrade/rows.sql"));
}

/// Tables without rows, and columns without a value or, if they may be null, without a null.
async fn missing_rows(client: &Client) -> Vec<String> {
    let columns = "select format('%s.%I', relnamespace::regnamespace, relname), attname::text, attnotnull
                   from pg_attribute join pg_class on pg_class.oid = attrelid
                   where relkind = 'r' and attnum > 0 and not attisdropped
                     and relnamespace in ('public'::regnamespace, 'private'::regnamespace)";
    let Rows(tables) = Rows::read(client).await;
    let mut faults = BTreeSet::new();
    for column in client.query(columns, &[]).await.unwrap() {
        let (table, column, is_required): (&str, &str, bool) = (column.get(0), column.get(1), column.get(2));
        let rows = &tables[table];
        if rows.is_empty() {
            faults.insert(format!("{table}: give it rows in rows.sql"));
        } else if rows.iter().all(|row| row[column].is_null()) {
            faults.insert(format!("{table}.{column}: no row has a value"));
        } else if !is_required && rows.iter().all(|row| !row[column].is_null()) {
            faults.insert(format!("{table}.{column}: it may be null, and is in no row"));
        }
    }
    faults.into_iter().collect()
}

fn name(migration: &Path) -> String {
    migration.file_name().unwrap().to_string_lossy().into_owned()
}

type Row = Map<String, Value>;

/// The rows of each table that is ours, or that we add to.
struct Rows(BTreeMap<String, Vec<Row>>);

impl Rows {
    async fn read(client: &Client) -> Self {
        let tables = "select format('%s.%I', relnamespace::regnamespace, relname) from pg_class
                      where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'private', 'auth', 'storage')";
        let tables: Vec<String> = client.query(tables, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        let of_table = |table: &String| format!("select '{table}', to_jsonb(row)::text from {table} as row");
        let all = tables.iter().map(of_table).collect::<Vec<_>>().join(" union all ");
        let mut rows: BTreeMap<String, Vec<Row>> = tables.into_iter().map(|table| (table, Vec::new())).collect();
        for row in client.query(&all, &[]).await.unwrap() {
            let (table, row): (&str, &str) = (row.get(0), row.get(1));
            rows.get_mut(table).unwrap().push(serde_json::from_str(row).unwrap());
        }
        Self(rows)
    }

    /// Tables and columns may be gone or new; of what is on both sides nothing may have changed.
    #[track_caller]
    fn expect_in(&self, other: &Self, what: &str) {
        for (table, rows) in &self.0 {
            let Some(others) = other.0.get(table) else { continue };
            let is_in_both = |column: &&String| rows.iter().chain(others).all(|row| row.contains_key(*column));
            let columns: BTreeSet<&String> = rows.iter().flat_map(Row::keys).filter(is_in_both).collect();
            let (one, other) = (of_columns(rows, &columns), of_columns(others, &columns));
            let gone: Vec<_> = one.iter().filter(|row| !other.contains(row)).collect();
            let new: Vec<_> = other.iter().filter(|row| !one.contains(row)).collect();
            assert!(one == other, "{what} changes rows of {table}: {gone:#?} became {new:#?}");
        }
    }
}

/// As texts in an order of their own, to be compared.
fn of_columns(rows: &[Row], columns: &BTreeSet<&String>) -> Vec<String> {
    let text = |row: &Row| {
        let values: Vec<String> = columns.iter().map(|column| format!("{column}={}", row[column.as_str()])).collect();
        values.join(" ")
    };
    let mut texts: Vec<String> = rows.iter().map(text).collect();
    texts.sort();
    texts
}
