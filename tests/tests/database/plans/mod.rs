//! What every SQL function and every policy reads when there are 200,000 people and a million applications: no table
//! that grows is read from end to end, and nothing reads more pages than its share.
//!
//! Plans depend on the rows, and so do the statements inside functions on how often they ran: after some calls PostgreSQL
//! may plan them once for all arguments. So the rows are really there, each call is made several times over one
//! connection, as PostgREST makes it, and what counts is what the last one did.

mod calls;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use calls::{CALLS, Call};
use serde_json::Value;
use tests::{Stack, scratch_database::ScratchDatabase};
use tokio_postgres::{Client, Transaction};

/// Tables that stay small, and what keeps them so. Reading one from end to end is the best way to read it.
const SMALL: &[(&str, &str)] = &[
    ("private.announcement_tiers", "a few an announcement"),
    ("private.announcements", "what operators write"),
    ("private.application_limits", "one a tier"),
    ("private.application_run_limits", "one"),
    ("private.authorized_parties", "one a front end"),
    ("private.circuit_breakers", "one a vendor"),
    ("private.job_search_calls", "no more than Adzuna allows in a month"),
    ("private.job_search_leases", "what is being asked at this moment"),
    ("private.job_search_limits", "one a period"),
    ("private.notification_channels", "one a channel"),
    ("private.retention_periods", "one a kind of rows"),
    ("private.row_limits", "one a table"),
    ("public.cron_locks", "one a schedule"),
    ("public.scraping_logs", "one a night and source, for half a year"),
];

/// Indexes that are used or not, and what they are for: which of two good ones a plan takes depends on the sample that the
/// statistics are made of.
const USED_AT_TIMES: &[(&str, &str)] =
    &[("idx_applications_user_id_status", "a person's few applications of one status; the newest are found by time")];

/// Indexes that no call uses, and what they are for.
const UNUSED: &[(&str, &str)] = &[
    ("idx_background_jobs_lost_leases_run_at", "suspects, of which there are none here"),
    ("idx_job_search_leases_expires_at", "the table is empty most of the time, and may fill during an outage"),
    ("idx_scraping_logs_completed_at", "the purge; the table is small"),
    ("idx_scraping_logs_source_name_started_at", "operators' lists"),
];

/// How many calls come before the one that counts; from the sixth on a plan may be one for all arguments.
const CALLS_BEFORE: usize = 6;

#[tokio::test]
async fn no_function_and_no_policy_reads_a_table_that_grows_from_end_to_end() {
    let database = ScratchDatabase::create(&Stack::get().await);
    database.up();
    database.run_as_superuser(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/database/plans/rows.sql"));
    let mut client = database.connect().await;
    client.batch_execute("vacuum analyze").await.unwrap();

    let mut faults = missing_rows(&client).await;
    faults.extend(missing_calls(&client).await);
    for call in CALLS {
        faults.extend(faults_of(&mut client, call).await);
    }
    faults.extend(unused_indexes(&client).await);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// A table without rows would hide that it is read.
async fn missing_rows(client: &Client) -> Vec<String> {
    let sql = "select format('%s.%s', relnamespace::regnamespace, relname), reltuples >= 50000
               from pg_class
               where relkind = 'r' and relnamespace in ('public'::regnamespace, 'private'::regnamespace)";
    let filled: BTreeMap<String, bool> =
        client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let small: BTreeSet<&str> = SMALL.iter().map(|(table, _)| *table).collect();
    let mut faults = Vec::new();
    for (table, is_filled) in &filled {
        // Adzuna's allowance keeps the cache at some thousands of pages.
        if !is_filled && !small.contains(table.as_str()) && table != "public.job_search_cache" {
            faults.push(format!("{table}: give it rows in rows.sql, or say in SMALL what keeps it small"));
        }
    }
    faults.extend(small.iter().filter(|table| !filled.contains_key(**table)).map(|table| format!("{table}: no table")));
    faults
}

/// Every function that the API roles may call, and every policy.
async fn missing_calls(client: &Client) -> Vec<String> {
    let sql = "select proname::text from pg_proc
               where pronamespace = 'public'::regnamespace
                 and (has_function_privilege('authenticated', oid, 'execute')
                      or has_function_privilege('service_role', oid, 'execute'))
               union
               select policyname::text from pg_policies where schemaname in ('public', 'private', 'storage')";
    let wanted: BTreeSet<String> = client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let called: BTreeSet<String> = CALLS.iter().map(|call| call.of.to_owned()).collect();
    let missing = wanted.difference(&called).map(|name| format!("{name}: add a call to calls.rs"));
    let needless = called.difference(&wanted).filter(|name| *name != "account_deletion");
    missing.chain(needless.map(|name| format!("{name}: there is no such function or policy"))).collect()
}

/// What a table's statistics say so far in this transaction.
#[derive(Clone, Copy, Default)]
struct Counts {
    scans: i64,
    updates: i64,
    /// Those that stayed in the page, so that no index had to be written.
    updates_in_page: i64,
}

async fn counts(transaction: &Transaction<'_>) -> BTreeMap<String, Counts> {
    let sql = "select format('%s.%s', schemaname, relname), coalesce(seq_scan, 0), n_tup_upd, n_tup_hot_upd
               from pg_stat_xact_all_tables
               where schemaname in ('public', 'private', 'auth', 'storage') and relname <> 'buckets'";
    let rows = transaction.query(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| (row.get(0), Counts { scans: row.get(1), updates: row.get(2), updates_in_page: row.get(3) }))
        .collect()
}

async fn faults_of(client: &mut Client, call: &Call) -> Vec<String> {
    for _ in 0..CALLS_BEFORE {
        let transaction = begin(client, call).await;
        run(&transaction, call, "select scale.run($1)").await;
        transaction.rollback().await.unwrap();
    }

    let transaction = begin(client, call).await;
    let before = counts(&transaction).await;
    let rows = run(&transaction, call, "explain (analyze, buffers, format json) select scale.run($1)").await;
    let after = counts(&transaction).await;
    transaction.rollback().await.unwrap();

    let mut faults = Vec::new();
    let plan: Value = rows[0].get(0);
    let plan = &plan[0]["Plan"];
    let pages = plan["Shared Hit Blocks"].as_u64().unwrap() + plan["Shared Read Blocks"].as_u64().unwrap();
    if pages > call.pages {
        faults.push(format!("{}: {pages} pages instead of {}: {}", call.of, call.pages, call.sql));
    }
    for (table, now) in &after {
        let earlier = before.get(table).copied().unwrap_or_default();
        if now.scans > earlier.scans && !SMALL.iter().any(|(small, _)| small == table) {
            faults.push(format!("{}: it reads {table} from end to end: {}", call.of, call.sql));
        }
        let (updates, in_page) = (now.updates - earlier.updates, now.updates_in_page - earlier.updates_in_page);
        // Nine of ten: what the calls before have left behind may fill a page.
        if call.in_page.contains(&table.as_str()) && (updates == 0 || in_page * 10 < updates * 9) {
            faults.push(format!("{}: {in_page} of {updates} updates of {table} stay in their pages", call.of));
        }
    }
    faults
}

async fn begin<'client>(client: &'client mut Client, call: &Call) -> Transaction<'client> {
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute(call.before).await.unwrap_or_else(|error| panic!("{}, before: {error:?}", call.of));
    let claims = call.caller.claims();
    transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims]).await.unwrap();
    transaction.batch_execute(&format!("set local role {}", call.caller.role())).await.unwrap();
    transaction
}

async fn run(transaction: &Transaction<'_>, call: &Call, statement: &str) -> Vec<tokio_postgres::Row> {
    // Not prepared: an `explain` takes no parameters.
    let statement = statement.replace("$1", &format!("$call${}$call$", call.sql));
    transaction.query(&statement, &[]).await.unwrap_or_else(|error| panic!("{}: {error:?}", call.of))
}

/// Another rule of Supabase's linter. An index that nothing uses costs writes.
async fn unused_indexes(client: &Client) -> Vec<String> {
    client.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
    // What a constraint needs is there for the constraint.
    let sql = "select indexrelname::text, idx_scan > 0 from pg_stat_user_indexes as used
               where schemaname in ('public', 'private')
                 and not exists (select from pg_constraint where conindid = used.indexrelid and contype <> 'f')
                 and not exists (select from pg_index
                                 where pg_index.indexrelid = used.indexrelid and indisunique)";
    let used: BTreeMap<String, bool> =
        client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let names =
        |list: &[(&'static str, &str)]| -> BTreeSet<&'static str> { list.iter().map(|(index, _)| *index).collect() };
    let (unused, at_times) = (names(UNUSED), names(USED_AT_TIMES));
    let mut faults = Vec::new();
    for (index, is_used) in used.iter().filter(|(index, _)| !at_times.contains(index.as_str())) {
        match (is_used, unused.contains(index.as_str())) {
            (false, false) => {
                faults.push(format!("{index}: no call uses it; drop it, or say in UNUSED what it is for"));
            }
            (true, true) => faults.push(format!("{index}: it is used; take it out of UNUSED")),
            _ => {}
        }
    }
    let accepted = unused.union(&at_times);
    faults.extend(accepted.filter(|index| !used.contains_key(**index)).map(|index| format!("{index}: no index")));
    faults
}
