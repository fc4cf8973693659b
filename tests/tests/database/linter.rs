//! The rules of Supabase's database linter, as queries of our own, and one that it does not have. What they may find is
//! listed, with the reason.
//!
//! Left out is what no schema decides: unused indexes (`plans.rs` sees to them), bloat, outdated extensions, and
//! anonymous sign-ins. So are queues of pgmq, which is not there, and what people can see of a schema through GraphQL:
//! they may know the names of the tables that they read.

use std::collections::BTreeSet;

use tests::{Stack, scratch_database::ScratchDatabase};
use tokio_postgres::Client;

/// A rule: what it finds, and a statement that breaks it, to see that it does find that.
struct Rule {
    /// What the linter calls it.
    name: &'static str,
    /// The objects that break it, one a row. The search path is empty, so that names come with their schemas.
    finds: &'static str,
    breaks: &'static str,
    /// What is found then.
    found: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "unindexed_foreign_keys",
        finds: "select k.conrelid::regclass || ' ' || k.conname
                from pg_constraint k
                where k.contype = 'f' and k.connamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and not exists (
                      select from pg_index i
                      where i.indrelid = k.conrelid and i.indisvalid
                        and (string_to_array(i.indkey::text, ' ')::int2[])[1 : cardinality(k.conkey)] = k.conkey)",
        breaks: "create table public.found (
                     other int, id uuid constraint found_fk references public.users (id), unique (other, id))",
        found: "public.found found_fk",
    },
    Rule {
        name: "auth_users_exposed",
        finds: "select distinct r.ev_class::regclass::text
                from pg_rewrite r
                join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
                join pg_class c on c.oid = r.ev_class
                where d.refobjid = 'auth.users'::regclass and c.relnamespace = 'public'::regnamespace",
        breaks: "create view public.found with (security_invoker = true) as select id from auth.users",
        found: "public.found",
    },
    Rule {
        // A call in a subselect is made once; otherwise a scan makes it for every row.
        name: "auth_rls_initplan",
        finds: r"select p.polrelid::regclass || ' ' || p.polname
                 from pg_policy p,
                      unnest(array[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]) as rule
                 where regexp_replace(rule, '\( SELECT [a-z_.]+\([^()]*\)[^()]*\)', '', 'g')
                       ~ '\m(auth|public|private)\.[a-z_]+\(|\mcurrent_setting\('",
        breaks: "create policy found on public.resumes as restrictive for select using (user_id = public.current_user_id())",
        found: "public.resumes found",
    },
    Rule {
        name: "no_primary_key",
        finds: "select c.oid::regclass::text from pg_class c
                where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)",
        breaks: "create table private.found (id uuid unique not null)",
        found: "private.found",
    },
    Rule {
        // The planner cannot use an index for one of two conditions of which either may hold.
        name: "multiple_permissive_policies",
        finds: "select p.polrelid::regclass || ' ' || command
                from pg_policy p
                cross join unnest(case p.polcmd when '*' then array['r', 'a', 'w', 'd'] else array[p.polcmd::text] end)
                    as command
                cross join pg_roles r
                where p.polpermissive and r.rolname in ('anon', 'authenticated')
                  and (p.polroles = array[0::oid] or r.oid = any (p.polroles))
                group by p.polrelid, command, r.rolname
                having count(*) > 1",
        breaks: "create policy found on public.resumes using (file_name = 'found')",
        found: "public.resumes r",
    },
    Rule {
        // Whether or not there is a policy or a grant, and in the schema that is not exposed, too. So a table without
        // row security cannot hold sensitive columns, either.
        name: "rls_disabled_in_public",
        finds: "select c.oid::regclass::text from pg_class c
                where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and not c.relrowsecurity",
        breaks: "create table private.found (id uuid primary key)",
        found: "private.found",
    },
    Rule {
        name: "rls_enabled_no_policy",
        finds: "select c.oid::regclass::text from pg_class c
                where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and c.relrowsecurity and not exists (select from pg_policy p where p.polrelid = c.oid)",
        breaks: "create table public.found (id uuid primary key);
                 alter table public.found enable row level security",
        found: "public.found",
    },
    Rule {
        // Stricter than the linter's, which finds equal ones: also one that is the beginning of another.
        name: "duplicate_index",
        finds: "select a.indexrelid::regclass || ' ' || b.indexrelid::regclass
                from pg_index a
                join pg_index b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
                join pg_class a_index on a_index.oid = a.indexrelid
                join pg_class b_index on b_index.oid = b.indexrelid and b_index.relam = a_index.relam
                where a_index.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and not a.indisunique
                  and b.indnatts >= a.indnatts
                  and (b.indnatts > a.indnatts or b.indisunique or b.indexrelid < a.indexrelid)
                  and starts_with(b.indkey::text || ' ', a.indkey::text || ' ')
                  and starts_with(b.indclass::text || ' ', a.indclass::text || ' ')
                  and starts_with(b.indoption::text || ' ', a.indoption::text || ' ')
                  and a.indexprs is null
                  and pg_get_expr(b.indpred, b.indrelid) is not distinct from pg_get_expr(a.indpred, a.indrelid)",
        breaks: "create index found on public.application_events (application_id)",
        found: "public.found public.idx_application_events_application_id_user_id_position",
    },
    Rule {
        name: "security_definer_view",
        finds: "select c.oid::regclass::text from pg_class c
                where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
                  and not coalesce(c.reloptions, '{}') && array['security_invoker=true', 'security_invoker=on']",
        breaks: "create view public.found as select id from public.users",
        found: "public.found",
    },
    Rule {
        // Stricter: the path is not only fixed but empty.
        name: "function_search_path_mutable",
        finds: r#"select p.oid::regprocedure::text from pg_proc p
                 where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
                   and not coalesce(p.proconfig, '{}') @> array['search_path=""']"#,
        breaks: "create function private.found() returns int language sql set search_path = public as 'select 1'",
        found: "private.found()",
    },
    Rule {
        name: "extension_in_public",
        finds: "select extname::text from pg_extension
                where extnamespace in ('public'::regnamespace, 'private'::regnamespace)",
        breaks: "alter extension vector set schema public",
        found: "vector",
    },
    Rule {
        // People write it themselves.
        name: "rls_references_user_metadata",
        finds: "select p.polrelid::regclass || ' ' || p.polname from pg_policy p
                where concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
                      like '%user_metadata%'",
        breaks: "create policy found on public.resumes as restrictive for select
                 using ((select auth.jwt()) -> 'user_metadata' ->> 'role' = 'admin')",
        found: "public.resumes found",
    },
    Rule {
        // Materialized views and foreign tables know no row security.
        name: "materialized_view_in_api, foreign_table_in_api",
        finds: "select oid::regclass::text from pg_class
                where relkind in ('m', 'f') and relnamespace = 'public'::regnamespace",
        breaks: "create materialized view public.found as select 1 as one",
        found: "public.found",
    },
    Rule {
        // pg_upgrade refuses them.
        name: "unsupported_reg_types",
        finds: "select a.attrelid::regclass || ' ' || a.attname
                from pg_attribute a join pg_class c on c.oid = a.attrelid
                where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and a.atttypid in ('regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype,
                                     'regnamespace'::regtype, 'regoper'::regtype, 'regoperator'::regtype,
                                     'regproc'::regtype, 'regprocedure'::regtype)",
        breaks: "create table private.found (id regproc primary key)",
        found: "private.found id",
    },
    Rule {
        // Supabase Auth may change any index of its own but those of its primary keys.
        name: "fkey_to_auth_unique",
        finds: "select k.conrelid::regclass || ' ' || k.conname
                from pg_constraint k
                join pg_class target on target.oid = k.confrelid
                join pg_index i on i.indexrelid = k.conindid
                where k.contype = 'f' and target.relnamespace = 'auth'::regnamespace and not i.indisprimary",
        breaks: "create table private.found (phone text constraint found_fk references auth.users (phone))",
        found: "private.found found_fk",
    },
    Rule {
        // Stricter: reading counts, too.
        name: "rls_policy_always_true",
        finds: "select p.polrelid::regclass || ' ' || p.polname
                from pg_policy p
                where p.polpermissive
                  and (p.polcmd <> 'a' and coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') in ('true', '(1 = 1)')
                       or p.polcmd = 'a' and p.polwithcheck is null
                       or pg_get_expr(p.polwithcheck, p.polrelid) in ('true', '(1 = 1)'))",
        breaks: "create policy found on public.webhook_events for select using (1 = 1)",
        found: "public.webhook_events found",
    },
    Rule {
        // Stricter: no bucket is public, so none can be listed.
        name: "public_bucket_allows_listing",
        finds: "select id from storage.buckets where public",
        breaks: "insert into storage.buckets (id, name, public) values ('found', 'found', true)",
        found: "found",
    },
    Rule {
        // Stricter: whether or not GraphQL is there, and whatever the right.
        name: "pg_graphql_anon_table_exposed",
        finds: "select oid::regclass::text from pg_class
                where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
                  and relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and case relkind
                      when 'S' then has_sequence_privilege('anon', oid, 'usage, select, update')
                      else has_table_privilege('anon', oid, 'select, insert, update, delete, truncate')
                           or has_any_column_privilege('anon', oid, 'select, insert, update') end",
        breaks: "grant select (id) on public.jobs to anon",
        found: "public.jobs",
    },
    Rule {
        // Stricter: with whosever rights it runs.
        name: "anon_security_definer_function_executable",
        finds: "select oid::regprocedure::text from pg_proc
                where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and has_function_privilege('anon', oid, 'execute')",
        breaks: "grant execute on function public.ensure_person() to anon",
        found: "public.ensure_person()",
    },
    Rule {
        name: "authenticated_security_definer_function_executable",
        finds: "select proname::text from pg_proc
                where pronamespace = 'public'::regnamespace and prosecdef
                  and has_function_privilege('authenticated', oid, 'execute')",
        breaks: "grant execute on function public.purge_expired_rows to authenticated",
        found: "purge_expired_rows",
    },
    Rule {
        // Not the linter's. By default a fifth of a table must be dead before it is vacuumed.
        name: "default_autovacuum",
        finds: "select oid::regclass::text from pg_class
                where relkind = 'r' and relnamespace in ('public'::regnamespace, 'private'::regnamespace)
                  and not coalesce(array_to_string(reloptions, ' '), '') like '%autovacuum_vacuum_scale_factor=%'",
        breaks: "create table private.found (id uuid primary key)",
        found: "private.found",
    },
];

/// The beginning of a name stands for all of them if a `%` follows.
const ACCEPTED: &[(&str, &str, &str)] = &[
    (
        "unindexed_foreign_keys",
        "public.application_deletions application_deletions_fk_application",
        "the primary key finds its one row",
    ),
    (
        "unindexed_foreign_keys",
        "private.saved_search_alerts saved_search_alerts_fk_saved_search",
        "the primary key finds its one row",
    ),
    ("rls_enabled_no_policy", "private.%", "only our own functions reach this schema"),
    ("rls_enabled_no_policy", "public.cron_locks", "machinery: the service alone"),
    ("rls_enabled_no_policy", "public.job_search_cache", "machinery: people get its pages from search_jobs"),
    ("rls_enabled_no_policy", "public.push_tickets", "machinery: the service alone"),
    ("rls_enabled_no_policy", "public.scraping_logs", "machinery: the service alone"),
    ("rls_enabled_no_policy", "public.webhook_events", "machinery: the service alone"),
    // What bounds each of these is in its comment, which docs/database/schema.md shows.
    (
        "authenticated_security_definer_function_executable",
        "claim_application",
        "it writes a submission, which no person may",
    ),
    ("authenticated_security_definer_function_executable", "count_job_click", "it counts, and nobody writes a count"),
    (
        "authenticated_security_definer_function_executable",
        "current_user_id",
        "policies call it, the one of the table that it reads among them",
    ),
    (
        "authenticated_security_definer_function_executable",
        "ensure_person",
        "it makes the row that makes the caller a person",
    ),
    (
        "authenticated_security_definer_function_executable",
        "delete_application",
        "it cancels the run, which no person may, and hides a row that its person then cannot write",
    ),
    (
        "authenticated_security_definer_function_executable",
        "erase_application",
        "nobody may delete rows of applications",
    ),
    (
        "authenticated_security_definer_function_executable",
        "restore_application",
        "the person does not see the row that comes back",
    ),
    (
        "authenticated_security_definer_function_executable",
        "make_resume_primary",
        "two rows and the profile change together, in the order of the locks",
    ),
    (
        "authenticated_security_definer_function_executable",
        "register_push_token",
        "a device leaves the person who had it before",
    ),
    (
        "authenticated_security_definer_function_executable",
        "search_jobs",
        "it takes a call out of everybody's allowance",
    ),
    ("default_autovacuum", "private.announcement_tiers", "small: a few rows an announcement"),
    ("default_autovacuum", "private.announcements", "small: what operators write"),
    ("default_autovacuum", "private.application_limits", "small: one row a tier"),
    ("default_autovacuum", "private.application_run_limits", "one row"),
    ("default_autovacuum", "private.authorized_parties", "small: one row a front end"),
    ("default_autovacuum", "private.circuit_breakers", "small: one row a vendor"),
    ("default_autovacuum", "private.row_limits", "small: one row a table"),
    ("default_autovacuum", "private.job_search_calls", "2,500 rows at most"),
    ("default_autovacuum", "private.job_search_leases", "small: what is being asked at this moment"),
    ("default_autovacuum", "private.job_search_limits", "small: one row a period"),
    ("default_autovacuum", "private.notification_channels", "small: one row a channel"),
    ("default_autovacuum", "private.retention_periods", "small: one row a kind"),
    ("default_autovacuum", "public.cron_locks", "small: one row a schedule"),
    ("default_autovacuum", "public.scraping_logs", "small: one row a night and source"),
];

fn accepts((accepted_by, accepted, _): &(&str, &str, &str), rule: &str, object: &str) -> bool {
    *accepted_by == rule
        && accepted.strip_suffix('%').map_or(object == *accepted, |beginning| object.starts_with(beginning))
}

async fn findings(client: &Client, rule: &Rule) -> BTreeSet<String> {
    let rows = client.query(rule.finds, &[]).await.unwrap_or_else(|error| panic!("{}: {error:?}", rule.name));
    rows.iter().map(|row| row.get(0)).collect()
}

async fn migrated_database() -> (ScratchDatabase, Client) {
    let database = ScratchDatabase::create(&Stack::get().await);
    database.up();
    let client = database.connect().await;
    client.batch_execute("set search_path = ''").await.unwrap();
    (database, client)
}

#[tokio::test]
async fn the_linter_finds_nothing_but_what_is_accepted() {
    let (_database, client) = migrated_database().await;
    let mut faults = Vec::new();
    let mut occurring: BTreeSet<&(&str, &str, &str)> = BTreeSet::new();
    for rule in RULES {
        for object in findings(&client, rule).await {
            let accepted: Vec<_> = ACCEPTED.iter().filter(|accepted| accepts(accepted, rule.name, &object)).collect();
            if accepted.is_empty() {
                faults.push(format!("{}: {object}", rule.name));
            }
            occurring.extend(accepted);
        }
    }
    for accepted in ACCEPTED.iter().filter(|accepted| !occurring.contains(accepted)) {
        faults.push(format!("{}: {} is accepted, and not found", accepted.0, accepted.1));
    }
    assert!(faults.is_empty(), "mend each, or accept it with a reason:\n{}", faults.join("\n"));
}

#[tokio::test]
async fn each_rule_of_the_linter_finds_what_breaks_it() {
    let (_database, mut client) = migrated_database().await;
    for rule in RULES {
        let transaction = client.transaction().await.unwrap();
        transaction.batch_execute(rule.breaks).await.unwrap_or_else(|error| panic!("{}: {error:?}", rule.name));
        let found = findings(transaction.client(), rule).await;
        assert!(found.contains(rule.found), "{} finds {found:?}", rule.name);
        transaction.rollback().await.unwrap();
        assert!(!findings(&client, rule).await.contains(rule.found), "{} found it before", rule.name);
    }
}
