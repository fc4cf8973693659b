//! Time that passes at once. The database's functions ask for the time themselves, so it is not the clock that is moved
//! but everything else: all that has happened becomes older.

use tokio_postgres::Client;

/// How many seconds a dedupe key of a reconciliation holds for.
const QUARTER: u64 = 900;

/// The statements that make every row older, by the columns that there are.
pub struct Clock {
    statements: String,
}

impl Clock {
    /// Finds every column that holds a time.
    pub async fn of(client: &Client) -> Self {
        let sql = "select format('update %I.%I set %s', nspname, relname,
                                 string_agg(format('%1$I = %1$I - interval ''{seconds} seconds''', attname), ', '))
                   from pg_attribute
                   join pg_class on pg_class.oid = attrelid and relkind = 'r'
                   join pg_namespace on pg_namespace.oid = relnamespace and nspname in ('public', 'private')
                   where atttypid = 'timestamptz'::regtype and attnum > 0 and not attisdropped and attgenerated = ''
                   group by nspname, relname";
        let statements: Vec<String> =
            client.query(sql, &[]).await.expect("the catalogue is read").iter().map(|row| row.get(0)).collect();
        assert!(statements.len() > 10, "tables with times are found");
        Self { statements: statements.join("; ") }
    }

    /// Lets so many seconds pass. A quarter of an hour, as the keys of reconciliations name it, passes with 900 of them.
    pub async fn pass(&self, client: &Client, seconds: u64) {
        let quarters = seconds / QUARTER;
        // Twice, because a key that is on its way may meet one that has not moved yet.
        let keys = if quarters == 0 {
            String::new()
        } else {
            format!(
                "update public.background_jobs
                 set dedupe_key = '~' || regexp_replace(dedupe_key, '[0-9]+$', '')
                                  || (substring(dedupe_key from '[0-9]+$')::bigint - {quarters})
                 where job_type = 'reconcile_application' and dedupe_key ~ ':[0-9]+$';
                 update public.background_jobs set dedupe_key = ltrim(dedupe_key, '~') where dedupe_key like '~%';"
            )
        };
        let statements = self.statements.replace("{seconds}", &seconds.to_string());
        // No trigger: nobody changes these rows.
        let sql = format!("begin; set local session_replication_role = replica; {keys} {statements}; commit");
        client.batch_execute(&sql).await.expect("time passes");
    }
}
