//! Whose rows a person writes, asked of the policies for writing alone. A statement without a filter reads no row, so the
//! policies for reading do not stand in for them, as they do in every request that names a row or wants to see it. Through
//! PostgREST that is a PATCH or DELETE without a filter, with `Prefer: return=minimal`.
//!
//! The tables, what may be written in them and whose a row is are read from the catalogue, so that none is forgotten.

use serde_json::json;
use tests::{Person, Stack};
use tokio_postgres::{Error, Transaction};

use crate::rights::{existing_row, table};

/// What a person may do in a table.
struct Writable {
    name: String,
    /// The column that says whose a row is.
    owner: String,
    inserts: bool,
    updates: bool,
    deletes: bool,
}

/// Every table in which people may write anything.
async fn writable_tables(stack: &Stack) -> Vec<Writable> {
    let sql = "with people as (
                   select oid, relname::text as name,
                          has_any_column_privilege('authenticated', oid, 'insert') as inserts,
                          has_any_column_privilege('authenticated', oid, 'update') as updates,
                          has_table_privilege('authenticated', oid, 'delete') as deletes
                   from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
               )
               select name, owner, inserts, updates, deletes from people
               left join lateral (
                   select attname::text as owner from pg_constraint join pg_attribute on attrelid = conrelid
                   where contype = 'f' and conrelid = people.oid and confrelid = 'public.users'::regclass
                     and cardinality(conkey) = 1 and attnum = conkey[1]
                   union all
                   select 'id' where name = 'users'
               ) as person on true
               where inserts or updates or deletes
               order by name";
    let rows = stack.database().query(sql, &[]).await;
    let writable = rows.iter().map(|row| {
        let name: String = row.get(0);
        let owner: Option<String> = row.get(1);
        Writable {
            owner: owner.unwrap_or_else(|| panic!("{name} does not say whose a row is, and people write in it")),
            inserts: row.get(2),
            updates: row.get(3),
            deletes: row.get(4),
            name,
        }
    });
    writable.collect()
}

/// From now on the transaction is this person's.
async fn act_as(transaction: &Transaction<'_>, person: &Person) {
    let claims = json!({ "sub": person.clerk_user_id, "role": "authenticated" }).to_string();
    transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims]).await.unwrap();
    transaction.batch_execute("set local role authenticated").await.unwrap();
}

/// How many rows a statement changes; nothing of it stays.
async fn changed(transaction: &mut Transaction<'_>, sql: &str) -> Result<u64, Error> {
    let savepoint = transaction.transaction().await.unwrap();
    let changed = savepoint.execute(sql, &[]).await;
    savepoint.rollback().await.unwrap();
    changed
}

/// Asserts that a policy, and nothing else, refuses a statement.
async fn assert_kept_out(transaction: &mut Transaction<'_>, sql: &str) {
    let refusal = changed(transaction, sql).await.map_err(|error| error.as_db_error().cloned());
    let Err(Some(refusal)) = refusal else { panic!("{sql}: {refusal:?}") };
    let message = refusal.message();
    assert!(refusal.code().code() == "42501" && message.contains("row-level security"), "{sql}: {refusal:?}");
}

#[tokio::test]
async fn whoever_writes_without_a_filter_writes_their_own_rows_and_makes_nobody_elses() {
    let stack = Stack::get().await;
    for Writable { name, owner, inserts, updates, deletes } in writable_tables(&stack).await {
        let promised = table(&name);
        let (ada, grace) = (stack.new_person().await, stack.new_person().await);
        existing_row(&stack, promised, &ada).await;
        existing_row(&stack, promised, &grace).await;
        let (me, her) = (ada.user_id, grace.user_id);
        let mut client = stack.database().connect().await;
        let mut transaction = client.transaction().await.unwrap();
        if updates {
            // The policies do not rely on the grants, so the column may as well be granted by mistake.
            let grant = format!("grant update ({owner}) on public.{name} to authenticated");
            transaction.batch_execute(&grant).await.unwrap();
        }
        act_as(&transaction, &ada).await;

        if updates {
            let change = (promised.change)();
            let columns: Vec<&str> = change.as_object().unwrap().keys().map(String::as_str).collect();
            let columns = columns.join(", ");
            let update = format!(
                "update public.{name} set ({columns}) =
                     (select {columns} from jsonb_populate_record(null::public.{name}, '{change}'))"
            );
            assert_eq!(changed(&mut transaction, &update).await.unwrap(), 1, "{name}: their one row is changed");
            let keep = format!("{update}, {owner} = '{me}'");
            assert_eq!(changed(&mut transaction, &keep).await.unwrap(), 1, "{name}: nobody else's becomes theirs");
            assert_kept_out(&mut transaction, &format!("{update}, {owner} = '{her}'")).await;
        }
        if inserts {
            let row = (promised.row)(&grace);
            let columns: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            let columns = columns.join(", ");
            let insert = format!(
                "insert into public.{name} ({columns})
                 select {columns} from jsonb_populate_record(null::public.{name}, '{row}')"
            );
            assert_kept_out(&mut transaction, &insert).await;
        }
        if deletes {
            let deleted = changed(&mut transaction, &format!("delete from public.{name}")).await.unwrap();
            assert_eq!(deleted, 1, "{name}: their one row is deleted");
        }
    }
}

#[tokio::test]
async fn files_are_written_moved_and_deleted_in_the_persons_own_folder_alone() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let mut client = stack.database().connect().await;
    let mut transaction = client.transaction().await.unwrap();
    // A bucket of somebody else's, in which people have no folders.
    let bucket = "insert into storage.buckets (id, name) values ('a_test', 'a_test')";
    transaction.batch_execute(bucket).await.unwrap();
    act_as(&transaction, &ada).await;
    // What the Storage API says before it deletes.
    transaction.batch_execute("set local storage.allow_delete_query = 'true'").await.unwrap();

    for statement in ["update storage.objects set metadata = '{}'", "delete from storage.objects"] {
        assert_eq!(changed(&mut transaction, statement).await.unwrap(), 1, "{statement}");
    }
    let (mine, hers) = (format!("{}/new.pdf", ada.user_id), format!("{}/new.pdf", grace.user_id));
    let moved = format!("update storage.objects set name = '{mine}'");
    assert_eq!(changed(&mut transaction, &moved).await.unwrap(), 1);
    let insert = |bucket: &str, name: &str| {
        format!("insert into storage.objects (bucket_id, name) values ('{bucket}', '{name}')")
    };
    assert_eq!(changed(&mut transaction, &insert("cover_letters", &mine)).await.unwrap(), 1);
    for elsewhere in [
        format!("update storage.objects set name = '{hers}'"),
        "update storage.objects set bucket_id = 'a_test'".to_owned(),
        insert("resumes", &hers),
        insert("a_test", &mine),
    ] {
        assert_kept_out(&mut transaction, &elsewhere).await;
    }
}
