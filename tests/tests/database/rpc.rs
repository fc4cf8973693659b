//! The boundary to SQL: what the backend thinks it calls is what is there.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    application_status::ApplicationStatus,
    supabase::rpc::{self, Signature},
};
use tests::Stack;

/// What the API roles may call although the backend does not, and who does.
const CALLED_BY_OTHERS: [(&str, &str); 12] = [
    ("announce", "operators"),
    ("cancel_background_jobs", "people's apps, and operators"),
    ("count_job_click", "people's apps"),
    ("current_user_id", "the policies, and the defaults of columns"),
    ("delete_application", "people's apps"),
    ("erase_application", "people's apps"),
    ("make_resume_primary", "people's apps"),
    ("match_jobs", "people's apps"),
    ("register_push_token", "people's apps"),
    ("release_cron_lock", "operators"),
    ("restore_application", "people's apps"),
    ("take_cron_lock", "operators"),
];

/// A function in `public` that one of the API roles may call.
struct Function {
    arguments: Vec<String>,
    /// How many of them, from the first, have no default.
    required: usize,
}

async fn functions(stack: &Stack) -> BTreeMap<String, Function> {
    let sql = "
        select proname::text, coalesce(proargnames[1:pronargs], '{}') as arguments,
               (pronargs - pronargdefaults)::int4 as required
        from pg_proc
        where pronamespace = 'public'::regnamespace
          and (has_function_privilege('authenticated', oid, 'execute')
               or has_function_privilege('service_role', oid, 'execute'))";
    let mut functions = BTreeMap::new();
    for row in stack.database().query(sql, &[]).await {
        let function = Function {
            arguments: row.get("arguments"),
            required: usize::try_from(row.get::<_, i32>("required")).unwrap(),
        };
        let name: String = row.get("proname");
        // PostgREST would choose between them by the names of the arguments.
        assert!(functions.insert(name.clone(), function).is_none(), "there are two functions {name}");
    }
    functions
}

/// What is wrong with a call.
fn fault(call: &Signature, functions: &BTreeMap<String, Function>) -> Option<String> {
    let Signature { name, arguments } = call;
    let Some(function) = functions.get(*name) else {
        return Some(format!("there is no function {name} that an API role may call"));
    };
    let sent: BTreeSet<&str> = arguments.iter().copied().collect();
    let known: BTreeSet<&str> = function.arguments.iter().map(String::as_str).collect();
    let required: BTreeSet<&str> = function.arguments[..function.required].iter().map(String::as_str).collect();
    let unknown: Vec<_> = sent.difference(&known).collect();
    let missing: Vec<_> = required.difference(&sent).collect();
    (!unknown.is_empty() || !missing.is_empty())
        .then(|| format!("{name} knows no {unknown:?} and needs {missing:?} as well"))
}

#[tokio::test]
async fn every_sql_function_that_the_backend_calls_is_there_with_these_arguments() {
    let functions = functions(&Stack::get().await).await;
    let faults: Vec<String> = rpc::all().iter().filter_map(|call| fault(call, &functions)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn every_sql_function_that_may_be_called_is_called_by_somebody() {
    let functions = functions(&Stack::get().await).await;
    let by_backend: BTreeSet<&str> = rpc::all().iter().map(|call| call.name).collect();
    let by_others: BTreeSet<&str> = CALLED_BY_OTHERS.iter().map(|(name, _)| *name).collect();
    let left: BTreeSet<&str> = functions.keys().map(String::as_str).filter(|name| !by_backend.contains(name)).collect();
    assert_eq!(left, by_others, "what no part of the backend calls, and what is listed as called by others");
}

#[tokio::test]
async fn the_statuses_of_an_application_are_those_of_the_database() {
    let sql = "select unnest(enum_range(null::public.application_status_type))::text";
    let rows = Stack::get().await.database().query(sql, &[]).await;
    let in_database: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let in_code: Vec<&str> = ApplicationStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(in_code, in_database);
}
