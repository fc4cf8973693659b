//! The whole handler, on a machine without a network.
//!
//! Pages stay in the isolate, and two tests may share a thread, so each test searches for words of its own.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    http::Reply,
    outgoing::Failure,
    problem::Problem,
    testing::{Attempts, Machine, PERSON_ID, block_on, failing_databases, get, json_of, person, post, problem_of},
};

use crate::handle;

const LEASE: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
const VERSION: &str = "0b9619ff-8b86-4d11-b42d-00c04fc964ff";
const NEWER: &str = "1c9619ff-8b86-4d11-b42d-00c04fc964ff";

const SEARCH: &str = "search_jobs as the person";
const TAKE_LEASE: &str = "lease_job_search as the service role";
const ADZUNA: &str = "1";
const STORE: &str = "store_job_search as the service role";
const RECORD: &str = "record_job_search_failure as the service role";

fn search(machine: &Machine, keywords: &str) -> Result<Reply, Problem> {
    block_on(handle(&post(&person(), &json!({ "keywords": keywords })), &machine.call()))
}

/// A page as the database keeps it.
fn page(title: &str) -> Value {
    json!({ "jobs": [{
        "id": "gb:41", "title": title, "company": null, "location": null, "url": null, "description": null,
        "salary": { "min": null, "max": null, "currency": "GBP", "is_predicted": false }, "category": null,
        "contract_type": null, "contract_time": null, "posted_at": null,
    }], "total": 41, "has_more": true })
}

fn cached(version: &str, results: &Value) -> Value {
    json!({ "version": version, "fetched_at": "2026-03-02 10:00:00+00", "age_seconds": 900, "results": results,
            "saved": ["gb:41"], "applications": { "gb:41": "DRAFT" } })
}

fn stored() -> Value {
    json!({ "version": NEWER, "fetched_at": "2026-03-02 10:15:00+00", "age_seconds": 0, "results": null,
            "saved": [], "applications": {} })
}

fn leased(page: &Value) -> Machine {
    let decision = json!({ "outcome": "leased", "lease_id": LEASE, "user_id": PERSON_ID, "page": page });
    missing(page).returns("lease_job_search", decision)
}

fn missing(page: &Value) -> Machine {
    Machine::new().returns("search_jobs", json!({ "outcome": "missing", "user_id": PERSON_ID, "page": page }))
}

fn adzunas_page() -> Value {
    json!({ "count": 41, "results": [{ "id": "41", "title": "Engineer" }] })
}

fn freshness(reply: &Reply) -> (&str, &str) {
    let header = |name| reply.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str()).unwrap();
    (header("x-cache"), header("age"))
}

#[test]
fn a_good_page_comes_from_the_cache_with_the_persons_own_marks() {
    let decision = json!({ "outcome": "fresh", "page": cached(VERSION, &page("Engineer")) });
    let machine = Machine::new().returns("search_jobs", decision);

    let reply = search(&machine, "good page").unwrap();

    assert_eq!((reply.status, freshness(&reply)), (200, ("hit", "900")));
    let body = json_of(&reply);
    let job = &body["jobs"][0];
    assert_eq!(
        (&job["id"], &job["saved"], &job["application_status"]),
        (&json!("gb:41"), &json!(true), &json!("DRAFT"))
    );
    assert_eq!((&body["total"], &body["page"], &body["next_page"]), (&json!(41), &json!(1), &json!(2)));
    assert_eq!(body["attribution"]["text"], "Jobs by Adzuna");
    assert_eq!(machine.calls(), [SEARCH]);
    let arguments = machine.body("search_jobs");
    assert_eq!(arguments["p_known_version"], Value::Null);
}

#[test]
fn a_page_that_the_isolate_has_is_not_sent_again_unless_there_is_a_newer_one() {
    let fresh = |version, results: &Value| json!({ "outcome": "fresh", "page": cached(version, results) });
    let machine = Machine::new()
        .returns("search_jobs", fresh(VERSION, &page("First")))
        .returns("search_jobs", fresh(VERSION, &Value::Null))
        .returns("search_jobs", fresh(NEWER, &page("Second")));
    let title = || json_of(&search(&machine, "kept here").unwrap())["jobs"][0]["title"].clone();

    assert_eq!([title(), title(), title()], ["First", "First", "Second"]);

    let known: Vec<Value> = machine.bodies("search_jobs").iter().map(|body| body["p_known_version"].clone()).collect();
    assert_eq!(known, [Value::Null, json!(VERSION), json!(VERSION)]);
}

#[test]
fn a_page_without_results_that_nobody_has_is_our_own_failure() {
    let decision = json!({ "outcome": "fresh", "page": cached(VERSION, &Value::Null) });
    let machine = Machine::new().returns("search_jobs", decision);
    assert_eq!(problem_of(&search(&machine, "never seen")), "internal");
}

#[test]
fn whoever_gets_the_lease_asks_adzuna_and_the_backend_keeps_the_page_for_everybody() {
    let machine = leased(&Value::Null)
        .responds("/v1/api/jobs/gb/search/1", 200, adzunas_page())
        .returns("store_job_search", stored());

    let reply = search(&machine, "leased words").unwrap();

    assert_eq!((reply.status, freshness(&reply)), (200, ("miss", "0")));
    assert_eq!(json_of(&reply)["jobs"][0]["title"], "Engineer");
    assert_eq!(machine.calls(), [SEARCH, TAKE_LEASE, ADZUNA, STORE]);
    let lease = machine.body("lease_job_search");
    assert_eq!((&lease["p_user_id"], &lease["p_known_version"]), (&json!(PERSON_ID), &Value::Null));
    assert_eq!(
        machine.sent()[2].url,
        "https://adzuna.example/v1/api/jobs/gb/search/1?app_id=app-id&app_key=app-key&results_per_page=20&what=leased+words"
    );
    let arguments = machine.body("store_job_search");
    assert_eq!((&arguments["p_lease_id"], &arguments["p_user_id"]), (&json!(LEASE), &json!(PERSON_ID)));
    assert_eq!(
        arguments["p_query"],
        json!({ "country": "gb", "page": 1, "results_per_page": "20", "what": "leased words" })
    );
    assert_eq!((&arguments["p_job_ids"], &arguments["p_results"]["total"]), (&json!(["gb:41"]), &json!(41)));
    assert_eq!(arguments["p_query_key"], machine.body("search_jobs")["p_query_key"]);
}

#[test]
fn a_get_asks_for_the_same_as_a_post() {
    let returned = || json!({ "outcome": "fresh", "page": cached(VERSION, &page("Engineer")) });
    let machine = Machine::new().returns("search_jobs", returned()).returns("search_jobs", returned());
    let query = get("keywords=one%20page&page=2&country=us", &person());
    let body = post(&person(), &json!({ "keywords": "one page", "page": 2, "country": "us" }));
    for incoming in [query, body] {
        assert_eq!(json_of(&block_on(handle(&incoming, &machine.call())).unwrap())["page"], 2);
    }
    let bodies = machine.bodies("search_jobs");
    assert_eq!(bodies[0]["p_query_key"], bodies[1]["p_query_key"]);
}

/// Plans a failure.
type Fault = fn(Machine) -> Machine;

/// Adzuna's failures: each is what it means to the caller.
fn failures() -> Vec<(Fault, &'static str)> {
    const PATH: &str = "/v1/api/jobs/gb/search/1";
    vec![
        (|machine| machine.responds(PATH, 401, json!({})), "adzuna_unauthorized"),
        (|machine| machine.responds(PATH, 400, json!({})), "adzuna_rejected"),
        (|machine| machine.responds(PATH, 429, json!({})), "adzuna_rate_limited"),
        (|machine| machine.responds(PATH, 503, json!({})), "adzuna_failed"),
        (|machine| machine.fails(PATH, Failure::TimedOut), "adzuna_timed_out"),
        (|machine| machine.fails(PATH, Failure::Unreachable), "adzuna_unreachable"),
        (
            |machine| machine.responds_with(PATH, 200, &[("content-type", "text/html")], r#"{"results":[]}"#),
            "adzuna_unreadable",
        ),
    ]
}

#[test]
fn a_failure_of_adzunas_is_written_down_for_those_who_wait_and_is_never_asked_again() {
    for (fail, code) in failures() {
        let machine = fail(leased(&Value::Null)).returns("record_job_search_failure", Value::Null);
        assert_eq!(problem_of(&search(&machine, "failing")), code);
        assert_eq!(machine.calls(), [SEARCH, TAKE_LEASE, ADZUNA, RECORD], "{code}");
        let arguments = machine.body("record_job_search_failure");
        let outcome = match code {
            "adzuna_unauthorized" => "refused",
            "adzuna_rejected" => "succeeded",
            "adzuna_rate_limited" => "limited",
            _ => "failed",
        };
        assert_eq!((&arguments["p_outcome"], &arguments["p_retry_after_seconds"]), (&json!(outcome), &Value::Null));
        assert_eq!((&arguments["p_failure"], &arguments["p_lease_id"]), (&json!(code), &json!(LEASE)));
    }
}

#[test]
fn an_older_page_takes_the_place_of_a_failure_of_adzunas() {
    for (fail, code) in failures() {
        let machine = fail(leased(&cached(VERSION, &page("Older")))).returns("record_job_search_failure", Value::Null);
        let reply = search(&machine, "older page").unwrap();
        assert_eq!((reply.status, freshness(&reply)), (200, ("stale", "900")), "{code}");
        assert_eq!(json_of(&reply)["jobs"][0]["title"], "Older");
    }
}

#[test]
fn what_adzuna_said_is_told_even_if_it_cannot_be_written_down() {
    let failed = || leased(&Value::Null).responds("/v1/api/jobs/gb/search/1", 500, json!({}));
    for (machine, _) in failing_databases("record_job_search_failure", Attempts::One, failed) {
        assert_eq!(problem_of(&search(&machine, "not written down")), "adzuna_failed");
    }
}

#[test]
fn whoever_finds_another_caller_asking_waits_for_what_comes_of_it() {
    let awaited = || json!({ "outcome": "awaited", "page": null });
    let machine = missing(&Value::Null)
        .returns("lease_job_search", awaited())
        .returns("search_jobs", awaited())
        .returns("search_jobs", json!({ "outcome": "fresh", "page": cached(VERSION, &page("Engineer")) }));

    assert_eq!(freshness(&search(&machine, "awaited").unwrap()).0, "hit");

    assert_eq!(machine.waited(), Duration::from_millis(100 + 150));
}

#[test]
fn whoever_waited_for_a_caller_that_failed_fails_the_same_way() {
    let machine = Machine::new()
        .returns("search_jobs", json!({ "outcome": "awaited", "page": null }))
        .returns("search_jobs", json!({ "outcome": "failed", "failure": "adzuna_failed", "retry_after_seconds": 30 }));
    let problem = search(&machine, "failed elsewhere").unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("adzuna_failed", Some(Duration::from_secs(30))));
}

#[test]
fn while_adzuna_is_left_alone_nobody_asks() {
    let paused = || json!({ "outcome": "paused", "retry_after_seconds": 90, "page": null });
    let machines =
        [Machine::new().returns("search_jobs", paused()), missing(&Value::Null).returns("lease_job_search", paused())];
    for machine in machines {
        let problem = search(&machine, "paused").unwrap_err();
        assert_eq!((problem.kind().status, problem.kind().code), (503, "adzuna_paused"));
        assert_eq!(problem.retry_after(), Some(Duration::from_secs(90)));
    }
}

#[test]
fn how_long_adzuna_asks_us_to_wait_is_passed_on() {
    let machine = leased(&Value::Null)
        .responds_with("/v1/api/jobs/gb/search/1", 429, &[("retry-after", "77")], "")
        .returns("record_job_search_failure", Value::Null);
    let problem = search(&machine, "limited").unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("adzuna_rate_limited", Some(Duration::from_secs(77))));
    assert_eq!(machine.body("record_job_search_failure")["p_retry_after_seconds"], 77);
}

#[test]
fn an_operator_in_a_persons_place_spends_nothing() {
    let machine = Machine::new().refuses("search_jobs", "impersonation_refused");
    assert_eq!(problem_of(&search(&machine, "impersonated")), "impersonation_refused");
    assert_eq!(machine.calls(), [SEARCH]);
}

#[test]
fn nobody_waits_for_another_caller_longer_than_adzuna_may_take() {
    let awaited = json!({ "outcome": "awaited", "page": null });
    let machine = (0..15).fold(Machine::new(), |machine, _| machine.returns("search_jobs", awaited.clone()));
    assert_eq!(problem_of(&search(&machine, "for ever")), "adzuna_timed_out");
    assert_eq!(machine.waited(), Duration::from_secs(10));
}

#[test]
fn an_older_page_spares_the_wait_and_the_refusal() {
    let older = cached(VERSION, &page("Older"));
    for decision in [
        json!({ "outcome": "resting", "page": older }),
        json!({ "outcome": "awaited", "page": older }),
        json!({ "outcome": "paused", "retry_after_seconds": 60, "page": older }),
        json!({ "outcome": "spent", "retry_after_seconds": 60, "is_own_limit": false, "page": older }),
        json!({ "outcome": "spent", "retry_after_seconds": 60, "is_own_limit": true, "page": older }),
    ] {
        let machine = Machine::new().returns("search_jobs", decision.clone());
        let reply = search(&machine, "spared").unwrap();
        assert_eq!((freshness(&reply).0, machine.waited()), ("stale", Duration::ZERO), "{decision}");
    }
}

#[test]
fn a_spent_allowance_and_a_persons_own_limit_tell_when_to_come_back() {
    for (is_own_limit, code) in [(false, "search_quota_spent"), (true, "search_limit_reached")] {
        let spent =
            json!({ "outcome": "spent", "retry_after_seconds": 1800, "is_own_limit": is_own_limit, "page": null });
        let machine = missing(&Value::Null).returns("lease_job_search", spent);
        let problem = search(&machine, "spent").unwrap_err();
        assert_eq!((problem.kind().code, problem.retry_after()), (code, Some(Duration::from_mins(30))));
        assert_eq!(machine.calls(), [SEARCH, TAKE_LEASE], "Adzuna is left alone");
    }
}

#[test]
fn somebody_whose_webhook_is_late_is_made_known_by_their_own_token() {
    let machine = Machine::new()
        .refuses("search_jobs", "profile_pending")
        .returns("ensure_person", Value::Null)
        .returns("search_jobs", json!({ "outcome": "fresh", "page": cached(VERSION, &page("Engineer")) }));
    assert_eq!(search(&machine, "late webhook").unwrap().status, 200);
    assert_eq!(machine.calls(), [SEARCH, "ensure_person as the person", SEARCH]);
}

#[test]
fn a_refusal_of_the_database_is_the_callers() {
    for code in ["account_deleted", "profile_pending"] {
        let mut machine = Machine::new().refuses("search_jobs", code);
        if code == "profile_pending" {
            machine = machine.returns("ensure_person", Value::Null).refuses("search_jobs", code);
        }
        assert_eq!(problem_of(&search(&machine, "refused")), code);
    }
    let expired = Machine::new().refuses("search_jobs", "PGRST303");
    assert_eq!(problem_of(&search(&expired, "refused")), "token_expired");
}

#[test]
fn without_signing_in_or_with_bad_fields_nothing_is_asked() {
    let machine = Machine::new();
    let nobody = post(&[], &json!({ "keywords": "x" }));
    assert_eq!(problem_of(&block_on(handle(&nobody, &machine.call()))), "token_missing");
    for incoming in [post(&person(), &json!({ "page": 0 })), get("country=xx", &person()), post(&person(), &json!(7))] {
        assert_eq!(problem_of(&block_on(handle(&incoming, &machine.call()))), "invalid_input");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn a_database_that_fails_to_decide_is_not_asked_again() {
    for (machine, code) in failing_databases("search_jobs", Attempts::One, Machine::new) {
        assert_eq!(problem_of(&search(&machine, "no decision")), code);
    }
    for (machine, code) in failing_databases("lease_job_search", Attempts::One, || missing(&Value::Null)) {
        assert_eq!(problem_of(&search(&machine, "no lease")), code);
    }
    let machine =
        missing(&Value::Null).returns("lease_job_search", json!({ "outcome": "missing", "user_id": PERSON_ID }));
    assert_eq!(problem_of(&search(&machine, "no lease")), "internal");
    let machine = Machine::new().returns("search_jobs", json!({ "outcome": "odd" }));
    assert_eq!(problem_of(&search(&machine, "no decision")), "internal");
}

#[test]
fn a_page_that_was_paid_for_is_kept_as_soon_as_the_database_is_back() {
    let found = || leased(&Value::Null).responds("/v1/api/jobs/gb/search/1", 200, adzunas_page());
    let machine = found()
        .fails("/rpc/store_job_search", Failure::Unreachable)
        .responds("/rpc/store_job_search", 503, json!({ "code": "PGRST000" }))
        .returns("store_job_search", stored());
    assert_eq!(freshness(&search(&machine, "kept late").unwrap()).0, "miss");
    assert_eq!(
        (machine.calls().as_slice(), machine.waited().as_millis()),
        (&[SEARCH, TAKE_LEASE, ADZUNA, STORE, STORE, STORE].map(str::to_owned)[..], 500)
    );

    for (machine, code) in failing_databases("store_job_search", Attempts::Three, found) {
        assert_eq!(problem_of(&search(&machine, "never kept")), code);
    }
}
