//! Who may do what, asked through PostgREST with real tokens: every table, every verb, for a signed-out caller, the
//! person whose row it is, another person, and the service.
//!
//! Tables, columns and functions are read from the catalogue, so one that nobody thought about fails here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tests::{Caller, Finish, Method, PDF, Person, Reply, Stack};
use uuid::Uuid;

/// What is promised of one table.
pub struct Table {
    name: &'static str,
    /// The column that tells rows apart.
    key: &'static str,
    /// What the person whose row it is may do.
    owner: &'static [Verb],
    /// What the service may do.
    service: &'static [Verb],
    /// The columns that the person may change; any other is refused.
    writable: &'static [&'static str],
    /// A new row of this person, complete enough for the table.
    pub row: fn(&Person) -> Value,
    /// What to send to change one.
    pub change: fn() -> Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Select,
    Insert,
    Update,
    Delete,
}

use Verb::{Delete, Insert, Select, Update};

const ALL: &[Verb] = &[Select, Insert, Update, Delete];
/// What PostgreSQL calls a missing grant, and a row that a policy does not let in.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// What it says to whoever writes a generated column, before it looks at any grant.
const GENERATED_ALWAYS: &str = "428C9";

const TABLES: &[Table] = &[
    Table {
        name: "users",
        key: "id",
        owner: &[Select, Update],
        service: ALL,
        writable: &[
            "full_name",
            "phone_number",
            "linkedin_profile_url",
            "portfolio_url",
            "current_resume_url",
            "current_resume_filename",
            "timezone",
        ],
        row: |person| json!({"id": person.user_id, "clerk_user_id": person.clerk_user_id}),
        change: || json!({"full_name": "Changed"}),
    },
    Table {
        name: "user_preferences",
        key: "user_id",
        owner: ALL,
        service: ALL,
        writable: &[
            "user_id",
            "preferred_job_titles",
            "target_locations",
            "schema_version",
            "salary_min",
            "salary_max",
            "salary_currency",
            "employment_types",
            "industries",
            "key_skills",
            "work_arrangement",
            "excluded_companies",
            "receive_job_alerts",
            "alert_frequency",
            "quiet_hours_start",
            "quiet_hours_end",
        ],
        row: |person| json!({"user_id": person.user_id, "key_skills": ["Rust"]}),
        change: || json!({"salary_min": 1}),
    },
    Table {
        name: "applications",
        key: "id",
        owner: &[Select, Insert, Update],
        service: ALL,
        writable: &[
            "user_id",
            "job_title",
            "company_name",
            "job_url",
            "adzuna_job_id",
            "status",
            "applied_at",
            "notes",
            "resume_url_used",
            "cover_letter_url_used",
            "application_source",
        ],
        row: |person| {
            json!({
                "user_id": person.user_id, "job_title": "Engineer", "company_name": "Northwind",
                "job_url": "https://jobs.example.com/1",
            })
        },
        change: || json!({"notes": "Changed"}),
    },
    Table {
        name: "application_events",
        key: "id",
        owner: &[Select],
        service: &[Select],
        writable: &[],
        row: |person| json!({"application_id": Uuid::nil(), "user_id": person.user_id, "to_status": "DRAFT", "source": "test"}),
        change: || json!({"reason": "changed"}),
    },
    Table {
        name: "application_deletions",
        key: "application_id",
        owner: &[Select],
        service: &[Select],
        writable: &[],
        row: |person| json!({"application_id": Uuid::new_v4(), "user_id": person.user_id}),
        change: || json!({"deleted_at": "2000-01-01T00:00:00Z"}),
    },
    Table {
        name: "saved_jobs",
        key: "id",
        owner: ALL,
        service: ALL,
        writable: &[
            "user_id",
            "adzuna_job_id",
            "job_title",
            "company_name",
            "job_url",
            "location",
            "salary_summary",
            "snippet",
            "job_details_snapshot",
            "schema_version",
            "notes",
        ],
        row: |person| {
            json!({
                "user_id": person.user_id, "job_title": "Engineer", "company_name": "Northwind",
                "job_url": format!("https://jobs.example.com/{}", Uuid::new_v4()),
            })
        },
        change: || json!({"notes": "Changed"}),
    },
    Table {
        name: "saved_searches",
        key: "id",
        owner: ALL,
        service: ALL,
        writable: &["user_id", "search_name", "search_query", "schema_version", "notify_new_jobs"],
        row: |person| json!({"user_id": person.user_id, "search_name": "Rust", "search_query": {"keywords": "rust"}}),
        change: || json!({"search_name": "Changed"}),
    },
    Table {
        name: "notifications",
        key: "id",
        owner: &[Select, Update, Delete],
        service: ALL,
        writable: &["is_read", "read_at"],
        row: |person| json!({"user_id": person.user_id, "type": "GENERAL_ANNOUNCEMENT", "title": "Hi", "message": "There"}),
        change: || json!({"is_read": true}),
    },
    Table {
        name: "resumes",
        key: "id",
        owner: ALL,
        service: ALL,
        writable: &["user_id", "file_url", "file_name", "version_name", "is_primary"],
        row: |person| json!({"user_id": person.user_id, "file_url": person.resume_path, "file_name": "cv.pdf"}),
        change: || json!({"version_name": "Changed"}),
    },
    Table {
        name: "user_push_tokens",
        key: "id",
        owner: &[Select, Delete],
        service: ALL,
        writable: &[],
        row: |person| json!({"user_id": person.user_id, "token": format!("ExponentPushToken[{}]", Uuid::new_v4())}),
        change: || json!({"device_name": "Changed"}),
    },
    Table {
        name: "job_search_cache",
        key: "id",
        owner: &[],
        service: ALL,
        writable: &[],
        row: |_| {
            json!({
                "query_key": Uuid::new_v4().to_string(), "query": {}, "results": [],
                "expires_at": "2100-01-01T00:00:00Z",
            })
        },
        change: || json!({"results": [1]}),
    },
    Table {
        name: "jobs",
        key: "id",
        // As a provider; of others people see what is active, which this row is not.
        owner: ALL,
        service: ALL,
        writable: &[
            "title",
            "company",
            "company_logo_url",
            "description",
            "url",
            "location",
            "city",
            "state",
            "country",
            "is_remote",
            "work_arrangement",
            "employment_types",
            "salary_min",
            "salary_max",
            "salary_period",
            "salary_currency",
            "salary_text",
            "is_active",
        ],
        row: |person| json!({"provider_id": person.user_id, "title": "Engineer", "description": "Builds.", "is_active": false}),
        change: || json!({"title": "Changed"}),
    },
    Table {
        name: "cron_locks",
        key: "lock_name",
        owner: &[],
        service: ALL,
        writable: &[],
        row: |_| {
            json!({
                "lock_name": Uuid::new_v4().to_string(), "locked_by": "a test", "lock_number": 0,
                "expires_at": "2000-01-01T00:00:00Z",
            })
        },
        change: || json!({"locked_by": "changed"}),
    },
    Table {
        name: "scraping_logs",
        key: "id",
        owner: &[],
        service: ALL,
        writable: &[],
        row: |_| {
            json!({
                "source_name": "rights_test", "status": "completed", "completed_at": "2000-01-01T00:00:00Z",
                // No run ever has such a number.
                "lock_number": -i64::from(Uuid::new_v4().as_fields().0),
            })
        },
        change: || json!({"jobs_new": 1}),
    },
    Table {
        name: "background_jobs",
        key: "id",
        owner: &[Select, Insert, Update],
        service: ALL,
        writable: &["status", "error"],
        // Far in the future, so that no runner takes it.
        row: |person| {
            json!({
                "user_id": person.user_id, "job_type": "saved_search_alert", "payload": {},
                "run_at": "2100-01-01T00:00:00Z",
            })
        },
        change: || json!({"status": "failed", "error": "cancelled"}),
    },
    Table {
        name: "push_tickets",
        key: "id",
        owner: &[],
        service: ALL,
        writable: &[],
        // `existing_row` makes a device with the person's own id.
        row: |person| json!({"push_token_id": person.user_id, "ticket_id": Uuid::new_v4().to_string()}),
        change: || json!({"receipt_checks": 1}),
    },
    Table {
        name: "webhook_events",
        key: "id",
        owner: &[],
        service: ALL,
        writable: &[],
        row: |_| json!({"source": "test", "event_key": Uuid::new_v4().to_string(), "body": "{}", "outcome": "ignored"}),
        change: || json!({"outcome": "changed"}),
    },
];

/// Which roles may call which function. What is not listed here must not exist.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("announce", &["service_role"]),
    ("application_to_reconcile", &["service_role"]),
    ("apply_clerk_event", &["service_role"]),
    ("apply_skyvern_event", &["service_role"]),
    ("begin_job_sync", &["service_role"]),
    ("cancel_background_jobs", &["authenticated", "service_role"]),
    ("claim_application", &["authenticated"]),
    ("claim_background_jobs", &["service_role"]),
    ("claim_push_messages", &["service_role"]),
    ("claim_push_receipts", &["service_role"]),
    ("claim_queued_application", &["service_role"]),
    ("close_dead_job_syncs", &["service_role"]),
    ("count_job_click", &["authenticated"]),
    ("current_user_id", &["authenticated", "service_role"]),
    ("delete_application", &["authenticated"]),
    ("enqueue_background_jobs", &["service_role"]),
    ("ensure_person", &["authenticated"]),
    ("erase_application", &["authenticated"]),
    ("extend_background_jobs", &["service_role"]),
    ("extend_cron_lock", &["service_role"]),
    ("fail_queued_application", &["service_role"]),
    ("finish_job_sync", &["service_role"]),
    ("lease_job_search", &["service_role"]),
    ("make_resume_primary", &["authenticated"]),
    ("match_jobs", &["authenticated", "service_role"]),
    ("note_ongoing_skyvern_run", &["service_role"]),
    ("note_vendor_call", &["service_role"]),
    ("purge_expired_rows", &["service_role"]),
    ("queue_daily_purge", &["service_role"]),
    ("queue_due_profile_reminders", &["service_role"]),
    ("queue_due_push_receipts", &["service_role"]),
    ("queue_due_reconciliations", &["service_role"]),
    ("queue_due_saved_search_alerts", &["service_role"]),
    ("record_absent_submission", &["service_role"]),
    ("record_job_search_failure", &["service_role"]),
    ("record_lost_skyvern_run", &["service_role"]),
    ("record_overdue_skyvern_run", &["service_role"]),
    ("record_push_receipts", &["service_role"]),
    ("record_push_tickets", &["service_role"]),
    ("record_saved_search_alert", &["service_role"]),
    ("record_skyvern_run", &["service_role"]),
    ("record_stopped_run", &["service_role"]),
    ("record_submission_failure", &["service_role"]),
    ("register_push_token", &["authenticated"]),
    ("release_cron_lock", &["service_role"]),
    ("remind_of_profiles", &["service_role"]),
    ("restore_application", &["authenticated"]),
    ("saved_search_to_alert", &["service_role"]),
    ("search_jobs", &["authenticated"]),
    ("search_jobs_for_alert", &["service_role"]),
    ("settle_background_jobs", &["service_role"]),
    ("store_job_postings", &["service_role"]),
    ("store_job_search", &["service_role"]),
    ("take_cron_lock", &["service_role"]),
    ("tell_announcement", &["service_role"]),
];

#[tokio::test]
async fn nobody_does_more_than_they_may_in_any_table() {
    let stack = Stack::get().await;
    let expected: BTreeSet<String> = TABLES.iter().map(|table| table.name.to_owned()).collect();
    let known: BTreeSet<String> = columns(&stack).await.into_keys().collect();
    assert_eq!(known, expected, "every table has its promises");

    for table in TABLES {
        let (owner, other) = (stack.new_person().await, stack.new_person().await);
        let (anybody, stranger, service) = (stack.anonymous(), other.caller().await, stack.service());
        let key = existing_row(&stack, table, &owner).await;
        let before = service.select(&table.at(&key)).await.text;

        for verb in ALL {
            let refusal = table.attempt(&anybody, *verb, &key, &owner).await;
            assert!(refusal.status == 401 && is_not_granted(&refusal), "anybody, {verb:?}: {refusal:?}");
            let refusal = table.attempt(&stranger, *verb, &key, &owner).await;
            assert!(keeps_out(&refusal, *verb, table.owner.contains(verb)), "a stranger, {verb:?}: {refusal:?}");
        }
        assert_eq!(service.select(&table.at(&key)).await.text, before, "{}: the row is as it was", table.name);

        table.assert_allows(&owner.caller().await, table.owner, &key, &owner).await;
        let key = existing_row(&stack, table, &owner).await;
        table.assert_allows(&service, table.service, &key, &owner).await;
    }
}

#[tokio::test]
async fn a_person_changes_no_column_that_is_not_theirs() {
    let stack = Stack::get().await;
    let owner = stack.new_person().await;

    for (name, columns) in columns(&stack).await {
        let table = table(&name);
        let key = existing_row(&stack, table, &owner).await;
        let caller = owner.caller().await;
        for column in columns {
            let reply = caller.update(&table.at(&key), &json!({ &column: null })).await;
            let is_refused = is_not_granted(&reply) || reply.code() == GENERATED_ALWAYS;
            assert_eq!(is_refused, !table.writable.contains(&column.as_str()), "{name}.{column}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_new_row_is_the_callers_without_saying_so() {
    let stack = Stack::get().await;
    for table in TABLES.iter().filter(|table| table.owner.contains(&Insert)) {
        let owner = Person::sign_up(&stack).await;
        prepare(&stack, table, &owner).await;
        let mut row = (table.row)(&owner);
        row.as_object_mut().unwrap().remove(table.person());

        let reply = owner.caller().await.insert(table.name, &row).await.expect_status(201);

        assert_eq!(reply.json[0][table.person()], json!(owner.user_id), "{}", table.name);
    }
}

#[tokio::test]
async fn a_person_moves_an_application_only_between_their_own_statuses() {
    let stack = Stack::get().await;
    let owner = stack.new_person().await;
    let service = stack.service();
    let table = table("applications");

    for from in STATUSES {
        let key = existing_row(&stack, table, &owner).await;
        let caller = owner.caller().await;
        for to in STATUSES {
            service.update(&table.at(&key), &json!({ "status": from })).await.expect_status(200);

            let reply = caller.update(&table.at(&key), &json!({ "status": to })).await;

            let starts_again = ["DRAFT", "PENDING_SKYVERN_SUBMISSION"].contains(to);
            // An app may send the whole row, with the status that is there.
            let is_allowed =
                to == from || (STATUSES_OF_PERSONS.contains(to) && !(starts_again && NO_WAY_BACK.contains(from)));
            let answer = if is_allowed { (200, "") } else { (409, "status_not_yours") };
            assert_eq!((reply.status, reply.code()), answer, "{from} to {to}: {reply:?}");
        }

        let mut row = (table.row)(&owner);
        row["status"] = json!(from);
        let answer = if STATUSES_OF_PERSONS.contains(from) { 201 } else { 409 };
        caller.insert(table.name, &row).await.expect_status(answer);
    }
}

#[tokio::test]
async fn what_has_had_a_run_does_not_start_again_by_being_taken_back() {
    let stack = Stack::get().await;
    let owner = stack.new_person().await;
    let table = table("applications");

    for from in ["APPLIED_MANUALLY", "WITHDRAWN_BY_USER", "REJECTED_BY_COMPANY"] {
        let key = existing_row(&stack, table, &owner).await;
        let run = json!({"status": from, "skyvern_task_id": format!("tsk_{}", Uuid::new_v4())});
        stack.service().update(&table.at(&key), &run).await.expect_status(200);

        let reply = owner.caller().await.update(&table.at(&key), &json!({"status": "DRAFT"})).await;

        assert_eq!((reply.status, reply.code()), (409, "status_not_yours"), "{from}: {reply:?}");
    }
}

#[tokio::test]
async fn a_deleted_application_is_hidden_from_its_person_at_once_and_can_be_restored() {
    let stack = Stack::get().await;
    let (owner, other) = (stack.new_person().await, stack.new_person().await);
    let table = table("applications");
    let key = existing_row(&stack, table, &owner).await;
    let application = json!({ "p_application_id": key });
    let caller = owner.caller().await;
    let history = format!("application_events?application_id=eq.{key}");
    assert_eq!(rows(&caller.select(&history).await), 1);

    for stranger in [other.caller().await, stack.anonymous()] {
        let refused = stranger.rpc("delete_application", &application).await;
        assert!(refused.status == 401 || refused.code() == "application_not_found", "{refused:?}");
    }
    let endless = json!({ "p_application_id": key, "p_reason": "x".repeat(1001) });
    assert_eq!(caller.rpc("delete_application", &endless).await.code(), "invalid_input");
    let deletion = json!({ "p_application_id": key, "p_reason": "a mistake" });
    caller.rpc("delete_application", &deletion).await.expect_status(204);

    assert_eq!(rows(&caller.select(&table.at(&key)).await), 0);
    assert_eq!(rows(&caller.select(&history).await), 0);
    assert_eq!(rows(&caller.update(&table.at(&key), &(table.change)()).await), 0, "nor can it be changed");
    for function in ["claim_application", "delete_application"] {
        let reply = caller.rpc(function, &application).await;
        assert_eq!((reply.status, reply.code()), (404, "application_not_found"), "{function}: {reply:?}");
    }
    let question = json!({ "p_application_id": key, "p_user_id": owner.user_id });
    let looked_for = stack.service().rpc("application_to_reconcile", &question).await;
    assert_eq!(looked_for.json["reason"], "not_found", "a person has nothing looked for that is hidden from them");
    let row = stack.service().select(&table.at(&key)).await.json[0].clone();
    assert_eq!((&row["deleted_by"], &row["deletion_reason"]), (&json!(owner.user_id), &json!("a mistake")));

    assert_eq!(other.caller().await.rpc("restore_application", &application).await.code(), "application_not_found");
    caller.rpc("restore_application", &application).await.expect_status(204);
    let restored = caller.select(&table.at(&key)).await;
    assert_eq!(restored.json[0]["deleted_by"], Value::Null);
    assert_eq!(restored.json[0]["deletion_reason"], Value::Null);
    assert_eq!(rows(&caller.select(&history).await), 1);
    let again = caller.rpc("restore_application", &application).await;
    assert_eq!(again.code(), "application_not_found", "it is not deleted");
}

#[tokio::test]
async fn realtime_shows_a_deletion_to_its_person_and_nothing_more_of_the_application() {
    let stack = Stack::get().await;
    let (owner, other) = (stack.new_person().await, stack.new_person().await);
    let key = existing_row(&stack, table("applications"), &owner).await;
    let deletion = json!({ "p_application_id": key });
    // What Realtime asks for every change and subscriber: whether they see the row, with their claims.
    let sees = async |person: &Person| {
        let mut client = stack.database().connect().await;
        let transaction = client.transaction().await.unwrap();
        let claims = json!({ "sub": person.clerk_user_id, "role": "authenticated" }).to_string();
        transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims]).await.unwrap();
        transaction.batch_execute("set local role authenticated").await.unwrap();
        let sql = "select exists (select from public.applications where id = $1),
                          exists (select from public.application_deletions where application_id = $1)";
        let row = transaction.query_one(sql, &[&key.parse::<Uuid>().unwrap()]).await.unwrap();
        (row.get::<_, bool>(0), row.get::<_, bool>(1))
    };
    assert_eq!((sees(&owner).await, sees(&other).await), ((true, false), (false, false)));

    owner.caller().await.rpc("delete_application", &deletion).await.expect_status(204);
    assert_eq!((sees(&owner).await, sees(&other).await), ((false, true), (false, false)));

    owner.caller().await.rpc("restore_application", &deletion).await.expect_status(204);
    assert_eq!((sees(&owner).await, sees(&other).await), ((true, false), (false, false)));
}

#[tokio::test]
async fn an_erased_application_leaves_nothing_behind_that_says_what_it_was() {
    let stack = Stack::get().await;
    let (owner, other) = (stack.new_person().await, stack.new_person().await);
    for is_deleted_before in [false, true] {
        let application = owner.pending_application().await;
        let run_id = owner.initiate(application).await.expect_status(202).run_id().to_owned();
        stack.skyvern().finish(&run_id, &Finish::submitted()).await;
        let key = json!({ "p_application_id": application });
        let caller = owner.caller().await;
        if is_deleted_before {
            caller.rpc("delete_application", &key).await.expect_status(204);
        }
        assert_eq!(other.caller().await.rpc("erase_application", &key).await.code(), "application_not_found");

        caller.rpc("erase_application", &key).await.expect_status(204);

        let again = caller.rpc("erase_application", &key).await;
        assert_eq!((again.status, again.code()), (404, "application_not_found"));
        for (relation, column) in [
            ("applications", "id"),
            ("application_events", "application_id"),
            ("application_deletions", "application_id"),
            ("webhook_events", "application_id"),
            ("notifications", "related_entity_id"),
        ] {
            assert!(stack.database().rows(relation, column, application).await.is_empty(), "{relation}");
        }
        let jobs = "select to_jsonb(j) from public.background_jobs j where payload::text like '%' || $1 || '%'";
        let jobs = stack.database().json(jobs, &[&application.to_string()]).await;
        assert!(jobs.is_empty(), "the run was over: {jobs:#?}");
        let ledger = "select to_jsonb(r) from private.application_runs r where run_id = $1 and user_id = $2";
        let ledger = stack.database().json(ledger, &[&run_id, &owner.user_id]).await;
        assert_eq!((ledger.len(), &ledger[0]["application_id"]), (1, &Value::Null), "it still counts");
    }
}

#[tokio::test]
async fn a_device_that_changes_hands_leaves_its_former_person() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let (ada, grace) = (ada.caller().await, grace.caller().await);
    let device = json!({"p_token": format!("ExponentPushToken[{}]", Uuid::new_v4()), "p_platform": "ios"});

    let first = ada.rpc("register_push_token", &device).await.expect_status(200);
    let again = ada.rpc("register_push_token", &device).await.expect_status(200);
    assert_eq!(first.json["id"], again.json["id"], "one row a device");

    grace.rpc("register_push_token", &device).await.expect_status(200);
    assert_eq!(ada.select("user_push_tokens").await.json, json!([]));
    assert_eq!(grace.select("user_push_tokens").await.json[0]["id"], first.json["id"]);
}

#[tokio::test]
async fn nobody_reaches_the_files_of_another_person() {
    let stack = Stack::get().await;
    let (owner, other) = (stack.new_person().await, stack.new_person().await);
    let sign = format!("/storage/v1/object/sign/resumes/{}", owner.resume_path);
    let minute = json!({"expiresIn": 60});

    let reply = Reply::to(owner.caller().await.request(Method::POST, &sign).json(&minute)).await.expect_status(200);
    assert!(reply.json["signedURL"].is_string(), "the person may: {reply:?}");
    for caller in [other.caller().await, stack.anonymous()] {
        let reply = Reply::to(caller.request(Method::POST, &sign).json(&minute)).await;
        assert_eq!(reply.json["statusCode"], "404", "a hidden file is like none: {reply:?}");
        let reply = owner.upload_resume(&caller, PDF).await;
        assert_eq!(reply.json["statusCode"], "403", "nobody writes over it: {reply:?}");
    }
}

#[tokio::test]
async fn functions_answer_only_those_they_are_for() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let functions = stack
        .database()
        .query(
            "select proname::text, coalesce(to_json(proargnames[1:pronargs])::text, '[]')
             from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype
             order by 1",
            &[],
        )
        .await;
    let names: Vec<String> = functions.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, FUNCTIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "every function has its promise");

    for (row, (name, roles)) in functions.iter().zip(FUNCTIONS) {
        let parameters: Vec<String> = serde_json::from_str(row.get(1)).unwrap();
        let nothing: Map<String, Value> = parameters.into_iter().map(|name| (name, Value::Null)).collect();
        for (role, caller) in
            [("anon", stack.anonymous()), ("authenticated", person.caller().await), ("service_role", stack.service())]
        {
            let reply = caller.rpc(name, &json!(nothing)).await;
            assert_eq!(is_not_granted(&reply), !roles.contains(&role), "{role}, {name}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn odd_claims_belong_to_nobody_and_break_nothing() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let mut client = stack.database().connect().await;
    let transaction = client.transaction().await.unwrap();
    let cases = [
        (json!({"sub": person.clerk_user_id}).to_string(), Some(person.user_id)),
        (json!({"sub": person.user_id}).to_string(), Some(person.user_id)),
        (json!({"sub": person.user_id.to_string().to_uppercase()}).to_string(), Some(person.user_id)),
        (
            json!({"sub": person.clerk_user_id, "sts": "active", "azp": "https://anywhere.example"}).to_string(),
            Some(person.user_id),
        ),
        (json!({"sub": person.clerk_user_id, "sts": "pending"}).to_string(), None),
        (json!({"sub": "user_nobody"}).to_string(), None),
        (json!({"sub": Uuid::new_v4()}).to_string(), None),
        (json!({"sub": format!("{}x", person.user_id)}).to_string(), None),
        (json!({"sub": 7}).to_string(), None),
        (json!({"sub": {"sub": person.clerk_user_id}}).to_string(), None),
        (json!({"sub": null}).to_string(), None),
        (json!({"role": "service_role"}).to_string(), None),
        (json!([person.clerk_user_id]).to_string(), None),
        (r#"{"sub": "user\u0000"}"#.to_owned(), None),
        ("no JSON".to_owned(), None),
        (String::new(), None),
    ];
    for (claims, expected) in cases {
        transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims]).await.unwrap();
        let row = transaction.query_one("select public.current_user_id()", &[]).await.unwrap();
        assert_eq!(row.get::<_, Option<Uuid>>(0), expected, "{claims}");
    }
}

#[tokio::test]
async fn every_table_and_function_is_closed_by_itself() {
    let stack = Stack::get().await;
    let names = async |promise: &str, query: &str| {
        let exceptions = stack.database().query(query, &[]).await;
        let exceptions: Vec<String> = exceptions.iter().map(|row| row.get(0)).collect();
        assert!(exceptions.is_empty(), "{promise}, but not for {exceptions:?}");
    };
    names(
        "row level security is on",
        "select oid::regclass::text from pg_class
         where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind in ('r', 'p')
           and not relrowsecurity",
    )
    .await;
    names(
        "a function has an explicit search_path and answers nobody who is signed out",
        "select oid::regprocedure::text from pg_proc
         where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
           and (coalesce(array_to_string(proconfig, ' '), '') !~ 'search_path='
                or has_function_privilege('anon', oid, 'execute'))",
    )
    .await;
    names(
        "a policy does without auth.uid(), which raises for Clerk's ids",
        "select policyname::text from pg_policies
         where schemaname in ('public', 'storage') and concat(qual, with_check) ~ 'auth\\.uid'",
    )
    .await;
}

const STATUSES: &[&str] = &[
    "DRAFT",
    "PENDING_SKYVERN_SUBMISSION",
    "PROCESSING_BY_SKYVERN",
    "SUBMITTED_BY_SKYVERN",
    "REQUIRES_ATTENTION_USER_INPUT",
    "REQUIRES_ATTENTION_MANUAL_REVIEW",
    "FAILED_SKYVERN_SUBMISSION",
    "FAILED_APPLICATION",
    "APPLIED_MANUALLY",
    "INTERVIEW_SCHEDULED",
    "OFFER_RECEIVED",
    "REJECTED_BY_COMPANY",
    "WITHDRAWN_BY_USER",
];

const STATUSES_OF_PERSONS: &[&str] = &[
    "DRAFT",
    "PENDING_SKYVERN_SUBMISSION",
    "APPLIED_MANUALLY",
    "INTERVIEW_SCHEDULED",
    "OFFER_RECEIVED",
    "REJECTED_BY_COMPANY",
    "WITHDRAWN_BY_USER",
];

/// From these a second try could apply twice.
const NO_WAY_BACK: &[&str] =
    &["PROCESSING_BY_SKYVERN", "SUBMITTED_BY_SKYVERN", "INTERVIEW_SCHEDULED", "OFFER_RECEIVED"];

impl Table {
    /// The column that says whose a row is.
    fn person(&self) -> &'static str {
        if self.name == "jobs" { "provider_id" } else { "user_id" }
    }

    /// The path of one row.
    fn at(&self, key: &str) -> String {
        format!("{}?{}=eq.{key}", self.name, self.key)
    }

    /// Tries a verb on the row `key` of `owner`, or on a new row in their name.
    async fn attempt(&self, caller: &Caller, verb: Verb, key: &str, owner: &Person) -> Reply {
        match verb {
            Select => caller.select(&self.at(key)).await,
            Insert => caller.insert(self.name, &(self.row)(owner)).await,
            Update => caller.update(&self.at(key), &(self.change)()).await,
            Delete => caller.delete(&self.at(key)).await,
        }
    }

    /// These verbs work, and the others are not granted. Deleting comes before inserting, for the tables that hold one
    /// row a person.
    async fn assert_allows(&self, caller: &Caller, verbs: &[Verb], key: &str, owner: &Person) {
        for verb in [Select, Update, Delete, Insert] {
            let reply = self.attempt(caller, verb, key, owner).await;
            if verbs.contains(&verb) {
                assert!((200..300).contains(&reply.status), "{verb:?}: {reply:?}");
                assert_eq!(rows(&reply), 1, "{verb:?}: {reply:?}");
            } else {
                assert!(reply.status == 403 && is_not_granted(&reply), "{verb:?}: {reply:?}");
            }
        }
    }
}

pub fn table(name: &str) -> &'static Table {
    TABLES.iter().find(|table| table.name == name).unwrap_or_else(|| panic!("{name} has no promises"))
}

/// The tables of the API and their columns.
async fn columns(stack: &Stack) -> BTreeMap<String, Vec<String>> {
    let rows = stack
        .database()
        .query(
            "select relname::text, attname::text from pg_class join pg_attribute on attrelid = pg_class.oid
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
               and attnum > 0 and not attisdropped
             order by relname, attnum",
            &[],
        )
        .await;
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        columns.entry(row.get(0)).or_default().push(row.get(1));
    }
    columns
}

/// Makes a person what one has to be to have rows in this table.
async fn prepare(stack: &Stack, table: &Table, owner: &Person) {
    if table.name == "jobs" {
        let at = format!("users?id=eq.{}", owner.user_id);
        stack.service().update(&at, &json!({"role": "provider"})).await.expect_status(200);
    }
}

/// The key of a row that belongs to `owner`: made by the service, where signing up does not make it.
pub async fn existing_row(stack: &Stack, table: &Table, owner: &Person) -> String {
    let service = stack.service();
    prepare(stack, table, owner).await;
    let found = match table.name {
        "users" | "user_preferences" => service.select(&table.at(&owner.user_id.to_string())).await,
        // Every application begins its own history.
        "application_events" => {
            owner.draft_application().await;
            service.select(&format!("application_events?user_id=eq.{}&limit=1", owner.user_id)).await
        }
        "application_deletions" => {
            let key = json!({"p_application_id": owner.draft_application().await});
            owner.caller().await.rpc("delete_application", &key).await.expect_status(204);
            service.select(&format!("application_deletions?user_id=eq.{}&limit=1", owner.user_id)).await
        }
        "push_tickets" => {
            let device = json!({"id": owner.user_id, "user_id": owner.user_id, "token": Uuid::new_v4().to_string()});
            service.insert("user_push_tokens", &device).await; // refused the second time, for it is there
            service.insert(table.name, &(table.row)(owner)).await
        }
        _ => service.insert(table.name, &(table.row)(owner)).await,
    };
    let key = &found.json[0][table.key];
    key.as_str().unwrap_or_else(|| panic!("{}: {found:?}", table.name)).to_owned()
}

fn rows(reply: &Reply) -> usize {
    reply.json.as_array().map_or(0, Vec::len)
}

/// Refused because a grant is missing, which is different from a policy that rejects a row.
fn is_not_granted(reply: &Reply) -> bool {
    reply.code() == INSUFFICIENT_PRIVILEGE
        && reply.json["message"].as_str().is_some_and(|message| message.starts_with("permission denied"))
}

/// What a stranger meets where the owner is let in: nothing to read, change or delete, and no way to write in the
/// owner's name. Where the owner is not let in either, nobody granted it.
fn keeps_out(reply: &Reply, verb: Verb, owner_may: bool) -> bool {
    match verb {
        _ if !owner_may => reply.status == 403 && is_not_granted(reply),
        Insert => reply.status == 403 && reply.code() == INSUFFICIENT_PRIVILEGE,
        Select | Update | Delete => reply.status == 200 && rows(reply) == 0 && reply.json.is_array(),
    }
}
