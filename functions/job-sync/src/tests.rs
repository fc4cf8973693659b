//! The whole handler and the scheduled run, on a machine without a network.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Value, json};
use shared::{
    http::{Call, Incoming, Reply},
    outgoing::Failure,
    problem::Problem,
    testing::{
        Attempts, Machine, block_on, failing_databases, internal_caller, json_of, person, post, post_bytes, problem_of,
        scheduled, settings_with,
    },
};

use crate::{handle, handle_schedule, settings::Settings};

const BEGIN: &str = "begin_job_sync as the service role";
const SEARCH: &str = "search-v2";
const STORE: &str = "store_job_postings as the service role";
const EXTEND: &str = "extend_cron_lock as the service role";
const FINISH: &str = "finish_job_sync as the service role";
const ENQUEUE: &str = "enqueue_background_jobs as the service role";

const RUN: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

/// One query of three pages at most, and one of one page.
fn call(machine: &Machine) -> Call<Settings> {
    let queries = json!([
        { "name": "nurses", "query": "nurse in Leeds", "country": "gb", "pages": 3 },
        { "name": "cooks", "query": "cook", "country": "us" },
    ]);
    machine.call_with(settings_with(&[("JSEARCH_QUERIES", &queries.to_string())]))
}

fn sync(machine: &Machine, body: &Value) -> Result<Reply, Problem> {
    block_on(handle(&post(&internal_caller(), body), &call(machine)))
}

/// For the failures: one page is all there is.
fn sync_cooks(machine: &Machine) -> Result<Reply, Problem> {
    sync(machine, &json!({ "queries": ["cooks"] }))
}

fn begun() -> Machine {
    Machine::new().returns("begin_job_sync", json!({ "outcome": "began", "lock_number": 7 }))
}

fn page(ids: &[&str], cursor: Option<&str>) -> Value {
    let jobs: Vec<Value> = ids.iter().map(|id| json!({ "job_id": id, "job_title": "Job" })).collect();
    json!({ "status": "OK", "data": { "jobs": jobs, "cursor": cursor } })
}

fn stored() -> Value {
    json!({ "outcome": "stored" })
}

fn report() -> Value {
    json!({ "id": RUN, "jobs_fetched": 3, "jobs_new": 2, "jobs_updated": 1, "jobs_skipped": 0, "jobs_deactivated": 4,
            "errors": 0 })
}

fn finished() -> Value {
    json!({ "outcome": "finished", "run": report() })
}

fn ids(batch: &Value) -> Vec<&str> {
    batch["p_postings"].as_array().unwrap().iter().map(|posting| posting["external_id"].as_str().unwrap()).collect()
}

#[test]
fn all_pages_of_all_queries_are_fetched_and_stored_under_the_lock() {
    let machine = begun()
        .responds("/search-v2", 200, page(&["a", "b"], Some("c2")))
        .responds("/search-v2", 200, page(&["b", "c"], None))
        .responds("/search-v2", 200, page(&["d"], Some("unused")))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    let call = call(&machine);

    let reply = block_on(handle(&post(&internal_caller(), &json!({})), &call)).unwrap();

    let mut told = report();
    told["run_id"] = told["id"].take();
    told.as_object_mut().unwrap().remove("id");
    assert_eq!((reply.status, json_of(&reply)), (200, told));
    assert_eq!(machine.calls(), [BEGIN, SEARCH, SEARCH, SEARCH, STORE, FINISH]);
    let locked_by = format!("job-sync {}", call.request_id);
    assert_eq!(machine.body("begin_job_sync"), json!({ "p_source": "jsearch", "p_locked_by": locked_by }));
    let batch = machine.body("store_job_postings");
    assert_eq!(ids(&batch), ["a", "b", "c", "d"]);
    assert_eq!((&batch["p_lock_number"], &batch["p_batch"]), (&json!(7), &json!(1)));
    assert_eq!((&batch["p_skipped"], &batch["p_errors"]), (&json!(1), &json!(0)));
    let found_by: Vec<&Value> =
        batch["p_postings"].as_array().unwrap().iter().map(|posting| &posting["query"]).collect();
    assert_eq!(found_by, ["nurses", "nurses", "nurses", "cooks"]);
    // There are more cooks than were asked for.
    let finish = json!({ "p_lock_number": 7, "p_is_whole": true, "p_error": null, "p_exhausted": ["nurses"] });
    assert_eq!(machine.body("finish_job_sync"), finish);
    let asked: Vec<String> = machine.sent()[1..4].iter().map(|sent| sent.url.clone()).collect();
    assert!(asked[0].ends_with("/search-v2?query=nurse+in+Leeds&country=gb&num_pages=1&date_posted=all"), "{asked:?}");
    assert!(asked[1].ends_with("&cursor=c2") && asked[2].contains("query=cook&country=us"), "{asked:?}");
    assert_eq!(machine.sent()[1].headers.get("x-rapidapi-key"), Some("jsearch-key"));
}

#[test]
fn the_older_search_is_walked_by_page_numbers() {
    let jobs = |id: &str| json!({ "status": "OK", "data": [{ "job_id": id, "job_title": "Job" }] });
    let machine = begun()
        .responds("/search", 200, jobs("a"))
        .responds("/search", 200, jobs("b"))
        .responds("/search", 200, json!({ "status": "OK", "data": [] }))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    let queries = json!([{ "name": "cooks", "query": "cook", "country": "us", "pages": 9 }]).to_string();
    let settings = settings_with(&[("JSEARCH_QUERIES", &queries), ("JSEARCH_SEARCH_PATH", "/search")]);
    block_on(handle(&post(&internal_caller(), &json!({})), &machine.call_with(settings))).unwrap();
    let asked = machine.sent().into_iter().filter(|sent| sent.method == "GET");
    let pages: Vec<Option<String>> =
        asked.map(|sent| sent.url.split_once("&page=").map(|(_, page)| page.to_owned())).collect();
    assert_eq!(pages, [None, Some("2".to_owned()), Some("3".to_owned())]);
}

#[test]
fn some_of_the_queries_can_be_asked_for_and_take_nothing_out_of_the_catalogue() {
    let machine = begun()
        .responds("/search-v2", 200, page(&["d"], None))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    assert_eq!(sync_cooks(&machine).unwrap().status, 200);
    assert_eq!(machine.body("finish_job_sync")["p_is_whole"], false);
}

#[test]
fn a_posting_of_two_queries_is_written_down_for_each() {
    let machine = begun()
        .responds("/search-v2", 200, page(&["a", "a"], None))
        .responds("/search-v2", 200, page(&["a"], None))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    sync(&machine, &json!({})).unwrap();
    let batch = machine.body("store_job_postings");
    assert_eq!((ids(&batch), &batch["p_skipped"]), (vec!["a", "a"], &json!(1)));
    assert_eq!(
        (&batch["p_postings"][0]["query"], &batch["p_postings"][1]["query"]),
        (&json!("nurses"), &json!("cooks"))
    );
    assert_eq!(machine.body("finish_job_sync")["p_exhausted"], json!(["nurses", "cooks"]));
}

#[test]
fn a_query_of_recent_postings_never_tells_that_one_is_gone() {
    let queries = json!([{ "name": "cooks", "query": "cook", "country": "us", "date_posted": "week" }]).to_string();
    let machine = begun()
        .responds("/search-v2", 200, page(&["a"], None))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    let settings = settings_with(&[("JSEARCH_QUERIES", &queries)]);
    block_on(handle(&post(&internal_caller(), &json!({})), &machine.call_with(settings))).unwrap();
    assert_eq!(machine.body("finish_job_sync")["p_exhausted"], json!([]));
}

#[test]
fn a_body_that_says_nothing_asks_for_everything() {
    for body in ["", "{}", r#"{"queries":null}"#] {
        let machine = (0..2)
            .fold(begun(), |machine, _| machine.responds("/search-v2", 200, page(&[], None)))
            .returns("finish_job_sync", finished());
        let incoming = post_bytes("", &internal_caller(), body);
        assert_eq!(block_on(handle(&incoming, &call(&machine))).unwrap().status, 200);
        assert_eq!(machine.calls(), [BEGIN, SEARCH, SEARCH, FINISH], "there is nothing to store");
        assert_eq!(machine.body("finish_job_sync")["p_is_whole"], true);
    }
}

#[test]
fn only_the_backend_itself_may_ask_and_only_for_queries_that_there_are() {
    let machine = Machine::new();
    for (headers, body, code) in [
        (Vec::new(), json!({}), "service_key_required"),
        (person(), json!({}), "service_key_required"),
        (internal_caller(), json!([]), "invalid_input"),
        (internal_caller(), json!({ "queries": [] }), "invalid_input"),
        (internal_caller(), json!({ "queries": ["nurses", "pilots"] }), "invalid_input"),
        (internal_caller(), json!({ "queries": "nurses" }), "invalid_input"),
    ] {
        let result = block_on(handle(&post(&headers, &body), &call(&machine)));
        assert_eq!(problem_of(&result), code, "{body}");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn one_run_goes_on_at_a_time() {
    let running = json!({ "outcome": "running", "retry_after_seconds": 77 });
    let machine = Machine::new().returns("begin_job_sync", running);
    let problem = sync(&machine, &json!({})).unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("job_sync_running", Some(Duration::from_secs(77))));
    assert_eq!(machine.calls(), [BEGIN]);
}

#[test]
fn while_jsearch_is_left_alone_no_run_begins() {
    let machine = Machine::new().returns("begin_job_sync", json!({ "outcome": "paused", "retry_after_seconds": 90 }));
    let problem = sync(&machine, &json!({})).unwrap_err();
    assert_eq!((problem.kind().status, problem.kind().code), (503, "jsearch_paused"));
    assert_eq!((problem.retry_after(), machine.calls()), (Some(Duration::from_secs(90)), vec![BEGIN.to_owned()]));
}

#[test]
fn a_lock_that_may_be_ours_without_our_knowing_is_not_asked_for_again() {
    for (machine, code) in failing_databases("begin_job_sync", Attempts::One, Machine::new) {
        assert_eq!(problem_of(&sync(&machine, &json!({}))), code);
        assert_eq!(machine.calls(), [BEGIN]);
    }
    assert_eq!(problem_of(&sync(&Machine::new().returns("begin_job_sync", json!({})), &json!({}))), "internal");
}

/// Plans a failure.
type Fault = fn(Machine) -> Machine;

/// JSearch's failures, how often a page is asked for, and the code.
fn failures() -> Vec<(Fault, usize, &'static str)> {
    const PATH: &str = "/search-v2";
    fn spent(machine: Machine) -> Machine {
        machine.responds_with(PATH, 429, &[("x-ratelimit-requests-remaining", "0")], "{}")
    }
    vec![
        (|machine| machine.responds(PATH, 401, json!({})), 1, "jsearch_unauthorized"),
        (|machine| machine.responds(PATH, 404, json!({})), 1, "jsearch_unknown_path"),
        (|machine| machine.responds(PATH, 400, json!({})), 1, "jsearch_rejected"),
        (spent, 1, "jsearch_quota_spent"),
        (
            |machine| machine.responds_with(PATH, 429, &[], "You have exceeded the MONTHLY quota"),
            1,
            "jsearch_quota_spent",
        ),
        (|machine| machine.responds_with(PATH, 200, &[], "<html>"), 1, "jsearch_unreadable"),
        (|machine| machine.responds(PATH, 200, json!({ "status": "ERROR", "data": [] })), 1, "jsearch_unreadable"),
        (|machine| machine.responds(PATH, 429, json!({})), 3, "jsearch_rate_limited"),
        (|machine| machine.responds(PATH, 500, json!({})), 3, "jsearch_failed"),
        (|machine| machine.responds(PATH, 504, json!({})), 3, "jsearch_timed_out"),
        (|machine| machine.fails(PATH, Failure::Unreachable), 3, "jsearch_unreachable"),
    ]
}

/// The pauses before the second and third attempt, of which each may be longer by chance.
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(300)..=Duration::from_millis(391);

#[test]
fn what_may_pass_at_jsearch_is_tried_three_times_and_all_else_once() {
    for (fail, attempts, code) in failures() {
        let machine = (0..attempts).fold(begun(), |machine, _| fail(machine)).returns("finish_job_sync", finished());
        assert_eq!(problem_of(&sync_cooks(&machine)), code);
        let searches = machine.calls().iter().filter(|call| *call == SEARCH).count();
        assert_eq!(searches, attempts, "{code}");
        if attempts == 3 {
            assert!(PAUSES.contains(&machine.waited()), "{code}: {:?}", machine.waited());
        }
        assert_eq!(machine.body("finish_job_sync")["p_error"], code, "the run is closed with what went wrong");
    }
}

#[test]
fn a_page_that_never_comes_is_given_up_before_the_lock_ends() {
    let machine = (0..3)
        .fold(begun(), |machine, _| machine.fails("/search-v2", Failure::TimedOut))
        .returns("finish_job_sync", finished());
    assert_eq!(problem_of(&sync_cooks(&machine)), "jsearch_timed_out");
    assert_eq!(machine.waited().as_secs(), 3 * 20, "of the lock's two minutes");
}

#[test]
fn a_page_that_comes_at_the_third_attempt_is_as_good_as_any() {
    let machine = begun()
        .responds("/search-v2", 500, json!({}))
        .fails("/search-v2", Failure::Unreachable)
        .responds("/search-v2", 200, page(&["d"], None))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    assert_eq!(sync_cooks(&machine).unwrap().status, 200);
    assert!(PAUSES.contains(&machine.waited()), "{:?}", machine.waited());
}

#[test]
fn what_was_fetched_before_a_failure_is_kept() {
    let machine = begun()
        .responds("/search-v2", 200, page(&["a"], Some("c2")))
        .responds("/search-v2", 400, json!({}))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    assert_eq!(problem_of(&sync(&machine, &json!({}))), "jsearch_rejected");
    assert_eq!(machine.calls(), [BEGIN, SEARCH, SEARCH, STORE, FINISH]);
    assert_eq!(ids(&machine.body("store_job_postings")), ["a"]);
}

#[test]
fn after_the_last_answer_of_the_allowance_nothing_more_is_asked() {
    let last = page(&["a"], Some("c2")).to_string();
    let machine = begun()
        .responds_with("/search-v2", 200, &[("x-ratelimit-requests-remaining", "0")], last)
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    assert_eq!(problem_of(&sync(&machine, &json!({}))), "jsearch_quota_spent");
    assert_eq!(machine.calls(), [BEGIN, SEARCH, STORE, FINISH]);
}

#[test]
fn a_full_batch_is_stored_before_the_next_one_is_collected() {
    let ids_of = |range: std::ops::Range<usize>| range.map(|number| format!("id-{number}")).collect::<Vec<_>>();
    let large = |range: std::ops::Range<usize>| {
        let ids = ids_of(range);
        // The last one twice, and one that cannot be read.
        let ids: Vec<&str> = ids.iter().chain(ids.last()).map(String::as_str).collect();
        let mut page = page(&ids, Some("c2"));
        page["data"]["jobs"].as_array_mut().unwrap().push(json!({ "job_id": 7 }));
        page
    };
    let machine = begun()
        .responds("/search-v2", 200, large(0..400))
        .responds("/search-v2", 200, large(400..800))
        .responds("/search-v2", 200, page(&[], None))
        .returns("store_job_postings", stored())
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    sync(&machine, &json!({})).unwrap();
    let batches = machine.bodies("store_job_postings");
    let sizes: Vec<usize> = batches.iter().map(|batch| ids(batch).len()).collect();
    assert_eq!((sizes, &batches[1]["p_batch"]), (vec![500, 300], &json!(2)));
    let odd: Vec<_> = batches.iter().map(|batch| (&batch["p_skipped"], &batch["p_errors"])).collect();
    assert_eq!(odd, [(&json!(1), &json!(2)), (&json!(1), &json!(0))], "each is counted once");
}

#[test]
fn postings_that_cannot_be_read_are_counted_and_written_down() {
    let unreadable = json!({ "status": "OK", "data": { "jobs": [{ "job_id": 7 }], "cursor": null } });
    let machine = begun()
        .responds("/search-v2", 200, unreadable)
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    sync_cooks(&machine).unwrap();
    let batch = machine.body("store_job_postings");
    assert_eq!((ids(&batch).len(), &batch["p_errors"]), (0, &json!(1)));
}

/// JSearch takes long, so the lock has to be extended before the next page.
fn slow() -> Machine {
    begun().responds("/search-v2", 200, page(&["a"], Some("c2"))).taking(Duration::from_secs(20))
}

#[test]
fn the_lock_is_extended_before_anything_that_may_take_long() {
    let machine = slow()
        .returns("extend_cron_lock", true)
        .responds("/search-v2", 200, page(&["b"], None))
        .responds("/search-v2", 200, page(&["c"], None))
        .returns("store_job_postings", stored())
        .returns("finish_job_sync", finished());
    sync(&machine, &json!({})).unwrap();
    assert_eq!(machine.calls(), [BEGIN, SEARCH, EXTEND, SEARCH, SEARCH, STORE, FINISH]);
    let extended = json!({ "p_lock_name": "job_sync", "p_lock_number": 7, "p_seconds": 120 });
    assert_eq!(machine.body("extend_cron_lock"), extended);
}

#[test]
fn a_lock_that_was_just_held_is_not_extended() {
    let ids: Vec<String> = (0..501).map(|number| format!("id-{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (machine, calls) in [
        // Less than twenty seconds ago.
        (
            begun().responds("/search-v2", 200, page(&["a"], Some("c2"))).taking(Duration::from_millis(19_999)),
            vec![BEGIN, SEARCH, SEARCH, SEARCH, STORE, FINISH],
        ),
        // Twenty-one seconds ago, but a batch was stored since.
        (
            begun()
                .responds("/search-v2", 200, page(&ids, Some("c2")))
                .taking(Duration::from_secs(19))
                .returns("store_job_postings", stored())
                .taking(Duration::from_secs(2)),
            vec![BEGIN, SEARCH, STORE, SEARCH, SEARCH, STORE, FINISH],
        ),
    ] {
        let machine = machine
            .responds("/search-v2", 200, page(&["b"], None))
            .responds("/search-v2", 200, page(&["c"], None))
            .returns("store_job_postings", stored())
            .returns("finish_job_sync", finished());
        sync(&machine, &json!({})).unwrap();
        assert_eq!(machine.calls(), calls);
    }
}

#[test]
fn whoever_has_lost_the_lock_writes_nothing_more() {
    let superseded = || json!({ "outcome": "superseded" });
    let fetched = || begun().responds("/search-v2", 200, page(&["d"], None));
    let at_extension = slow().returns("extend_cron_lock", false).returns("store_job_postings", superseded());
    assert_eq!(problem_of(&sync(&at_extension, &json!({}))), "job_sync_superseded");
    assert_eq!(at_extension.calls(), [BEGIN, SEARCH, EXTEND, STORE], "nothing is closed that is another run's");

    let at_storing = fetched().returns("store_job_postings", superseded());
    assert_eq!(problem_of(&sync_cooks(&at_storing)), "job_sync_superseded");
    assert_eq!(at_storing.calls(), [BEGIN, SEARCH, STORE]);

    let at_the_end = fetched().returns("store_job_postings", stored()).returns("finish_job_sync", superseded());
    assert_eq!(problem_of(&sync_cooks(&at_the_end)), "job_sync_superseded");
}

#[test]
fn a_lock_that_cannot_be_extended_ends_the_run() {
    for (machine, code) in failing_databases("extend_cron_lock", Attempts::Three, slow) {
        let machine = machine.returns("store_job_postings", stored()).returns("finish_job_sync", finished());
        assert_eq!(problem_of(&sync(&machine, &json!({}))), code);
    }
}

#[test]
fn a_batch_is_stored_and_the_run_finished_as_soon_as_the_database_is_back() {
    let machine = begun()
        .responds("/search-v2", 200, page(&["d"], None))
        .fails("/rpc/store_job_postings", Failure::Unreachable)
        .returns("store_job_postings", stored())
        .fails("/rpc/finish_job_sync", Failure::Unreachable)
        .fails("/rpc/finish_job_sync", Failure::Unreachable)
        .returns("finish_job_sync", finished());
    assert_eq!(sync_cooks(&machine).unwrap().status, 200);
    assert_eq!(machine.calls(), [BEGIN, SEARCH, STORE, STORE, FINISH, FINISH, FINISH]);
    assert_eq!(machine.waited(), Duration::from_millis(100 + 100 + 400));
    let batches = machine.bodies("store_job_postings");
    assert_eq!(batches[0], batches[1], "the same batch under the same number");
}

#[test]
fn a_batch_that_cannot_be_stored_fails_the_run_which_is_closed_all_the_same() {
    let fetched = || begun().responds("/search-v2", 200, page(&["d"], None));
    for (machine, code) in failing_databases("store_job_postings", Attempts::Three, fetched) {
        let machine = machine.returns("finish_job_sync", finished());
        assert_eq!(problem_of(&sync_cooks(&machine)), code);
        assert_eq!(machine.body("finish_job_sync")["p_error"], code);
    }
}

#[test]
fn of_two_failures_the_first_is_told() {
    let failed =
        || begun().responds("/search-v2", 200, page(&["a"], Some("c2"))).responds("/search-v2", 400, json!({}));
    for (machine, _) in failing_databases("store_job_postings", Attempts::Three, failed) {
        let machine = machine.returns("finish_job_sync", finished());
        assert_eq!(problem_of(&sync(&machine, &json!({}))), "jsearch_rejected");
        assert_eq!(machine.body("finish_job_sync")["p_error"], "jsearch_rejected");
    }
}

#[test]
fn a_run_that_cannot_be_closed_is_no_success_and_hides_no_earlier_failure() {
    let fetched = || begun().responds("/search-v2", 200, page(&[], None));
    for (machine, code) in failing_databases("finish_job_sync", Attempts::Three, fetched) {
        assert_eq!(problem_of(&sync_cooks(&machine)), code);
    }
    let failed = || begun().responds("/search-v2", 401, json!({}));
    for (machine, _) in failing_databases("finish_job_sync", Attempts::Three, failed) {
        assert_eq!(problem_of(&sync_cooks(&machine)), "jsearch_unauthorized");
    }
}

fn run_scheduled(machine: &Machine) -> Result<String, &'static str> {
    block_on(handle_schedule(scheduled(), &call(machine))).map_err(|problem| problem.kind().code)
}

#[test]
fn the_nights_run_syncs_every_query() {
    let machine = (0..2)
        .fold(begun(), |machine, _| machine.responds("/search-v2", 200, page(&[], None)))
        .returns("finish_job_sync", finished());
    assert_eq!(run_scheduled(&machine), Ok("completed".to_owned()));
    assert_eq!(machine.body("finish_job_sync")["p_is_whole"], true);
}

#[test]
fn a_nights_run_that_failed_is_queued_once_a_day_for_a_quarter_of_an_hour_later() {
    let machine = Machine::new()
        .refuses("begin_job_sync", "42501")
        .fails("/rpc/enqueue_background_jobs", Failure::Unreachable)
        .returns("enqueue_background_jobs", json!([]));
    assert_eq!(run_scheduled(&machine), Err("internal"));
    assert_eq!(machine.calls(), [BEGIN, ENQUEUE, ENQUEUE]);
    let job = json!({ "job_type": "job_sync", "payload": {}, "run_at": "2026-03-02T10:30:00.000Z",
                      "dedupe_key": "job_sync:2026-03-02" });
    assert_eq!(machine.bodies("enqueue_background_jobs")[1], json!({ "p_jobs": [job] }));
}

#[test]
fn a_retry_that_cannot_be_queued_leaves_the_failure_as_it_is() {
    let failed = || Machine::new().fails("/rpc/begin_job_sync", Failure::TimedOut);
    for (machine, _) in failing_databases("enqueue_background_jobs", Attempts::Three, failed) {
        assert_eq!(run_scheduled(&machine), Err("database_timed_out"));
    }
}

#[test]
fn nothing_is_queued_where_trying_again_cannot_help() {
    let running = json!({ "outcome": "running", "retry_after_seconds": 60 });
    let machine = Machine::new().returns("begin_job_sync", running);
    assert_eq!(run_scheduled(&machine), Err("job_sync_running"));

    let machine = begun().responds_with("/search-v2", 429, &[], "MONTHLY").returns("finish_job_sync", finished());
    assert_eq!(run_scheduled(&machine), Err("jsearch_quota_spent"));
}

#[test]
fn a_run_that_somebody_asked_for_is_theirs_to_repeat() {
    let machine = Machine::new().refuses("begin_job_sync", "42501");
    assert_eq!(problem_of(&sync(&machine, &json!({}))), "internal");
    assert_eq!(machine.calls(), [BEGIN]);
}

#[test]
fn a_call_without_a_declared_type_and_with_a_body_is_refused() {
    let mut incoming: Incoming = post_bytes("", &internal_caller(), "{}");
    incoming.headers = internal_caller().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(problem_of(&block_on(handle(&incoming, &call(&Machine::new())))), "unsupported_media_type");
}
