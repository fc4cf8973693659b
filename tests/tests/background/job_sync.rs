//! The job sync: what JSearch shows is in the catalogue, whatever happens on the way.
//!
//! One run goes on at a time, and a whole run is about the whole catalogue, so these tests take turns. The queries of the
//! local stack are "clerk in town 01" to "10", of fifty pages each.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::{
    Caller, Fault, FaultSpec, JSEARCH_KEY, JsearchControl, Method, OwnStack, Reply, Service, Shape, Stack, Turn,
    eventually, midnight_is_far, turn::JOB_SYNC,
};
use uuid::Uuid;

use crate::support::{enqueue, run_jobs};

/// A turn at the sync, which begins with an empty catalogue and an empty market.
struct Sync {
    stack: Stack,
    _turn: Turn,
}

impl Sync {
    async fn turn() -> Self {
        let stack = Stack::get().await;
        let turn = Turn::alone(&stack, JOB_SYNC).await;
        midnight_is_far(&stack).await; // unseen days are counted by it
        let sync = Self { stack, _turn: turn };
        empty(&sync.stack).await;
        sync
    }

    fn jsearch(&self) -> JsearchControl {
        self.stack.jsearch()
    }

    fn service(&self) -> Caller {
        self.stack.service()
    }

    async fn run(&self) -> Reply {
        run(&self.stack, Uuid::new_v4(), &json!({})).await
    }

    /// A run under an id by which its own requests can be told from those of others.
    async fn run_as(&self, request_id: Uuid) -> Reply {
        run(&self.stack, request_id, &json!({})).await
    }

    async fn jobs(&self) -> Vec<Value> {
        let sql = "select to_jsonb(j) from public.jobs j where source = 'jsearch' order by external_id";
        self.stack.database().json(sql, &[]).await
    }

    async fn active(&self) -> usize {
        self.jobs().await.iter().filter(|job| job["is_active"] == true).count()
    }

    async fn last_log(&self) -> Value {
        last_log(&self.stack).await
    }
}

async fn empty(stack: &Stack) {
    for sql in [
        "delete from public.jobs where source = 'jsearch'",
        "delete from public.cron_locks where lock_name = 'job_sync'",
        "delete from public.background_jobs where job_type = 'job_sync'",
    ] {
        stack.database().query(sql, &[]).await;
    }
    for number in 1..=10 {
        stack.jsearch().give(&town(number), &[]).await;
    }
    stack.jsearch().set_shape(Shape::Object).await;
    stack.jsearch().allow(None).await;
}

/// What one of the queries asks for.
fn town(number: usize) -> String {
    format!("clerk in town {number:02}")
}

async fn run(stack: &Stack, request_id: Uuid, body: &Value) -> Reply {
    let request = stack.http(Method::POST, stack.function_url("job-sync"));
    let request =
        request.header("apikey", &stack.keys().service_role_key).header("x-request-id", request_id.to_string());
    Reply::to(request.json(body)).await
}

async fn last_log(stack: &Stack) -> Value {
    let sql = "select to_jsonb(l) from public.scraping_logs l order by started_at desc limit 1";
    stack.database().json(sql, &[]).await.remove(0)
}

async fn expire_lock(stack: &Stack) {
    let sql = "update public.cron_locks set expires_at = now() - interval '1 second' where lock_name = 'job_sync'";
    stack.database().query(sql, &[]).await;
}

/// `jobs_fetched`, `jobs_new`, `jobs_updated`, `jobs_skipped`, `jobs_deactivated`, `errors`.
fn counts(of: &Value) -> [u64; 6] {
    ["jobs_fetched", "jobs_new", "jobs_updated", "jobs_skipped", "jobs_deactivated", "errors"]
        .map(|name| of[name].as_u64().unwrap_or_else(|| panic!("{name} in {of}")))
}

fn plain_id(number: u8) -> String {
    STANDARD.encode([number, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0])
}

fn posting(id: &str, title: &str, description: &str) -> Value {
    json!({ "job_id": id, "job_title": title, "job_description": description, "employer_name": "Northwind" })
}

#[tokio::test]
async fn five_thousand_postings_take_ten_calls_and_the_second_time_only_last_seen_moves() {
    let sync = Sync::turn().await;
    for number in 1..=10 {
        sync.jsearch().make_up(&town(number), 0, 500, 1).await;
    }
    sync.run().await.expect_status(200); // the runtime and the caches of the database are warm
    sync.stack.database().query("delete from public.jobs where source = 'jsearch'", &[]).await;
    let memory_before = runtime_memory(&sync.stack);
    let request_id = Uuid::new_v4();

    let first = sync.run_as(request_id).await.expect_status(200);

    assert_eq!(counts(&first.json), [5000, 5000, 0, 0, 0, 0]);
    assert_eq!(sync.jsearch().requests(request_id).await.len(), 500, "a page each");
    let log = sync.last_log().await;
    assert_eq!((&log["status"], &log["batches"], &log["id"]), (&json!("completed"), &json!(10), &first.json["run_id"]));
    let without_last_seen =
        "select md5(string_agg((to_jsonb(j) - 'last_seen')::text, '' order by id)), min(last_seen)::text,
                                    max(last_seen)::text
                             from public.jobs j where source = 'jsearch'";
    let before = sync.stack.database().query(without_last_seen, &[]).await.remove(0);

    let second = sync.run().await.expect_status(200);

    assert_eq!(counts(&second.json), [5000, 0, 0, 5000, 0, 0]);
    assert_eq!(sync.last_log().await["batches"], 10);
    let after = sync.stack.database().query(without_last_seen, &[]).await.remove(0);
    assert_eq!(before.get::<_, String>(0), after.get::<_, String>(0), "nothing else has changed, not even updated_at");
    assert!(after.get::<_, String>(1) > before.get::<_, String>(2), "all were seen again");
    let growth = runtime_memory(&sync.stack).saturating_sub(memory_before);
    assert!(growth < 128 * 1024, "a Worker has 128 MiB, and the runtime of all took {growth} KiB more");
}

/// What the runtime has in memory, in KiB.
fn runtime_memory(stack: &Stack) -> u64 {
    let description = stack.description().log_dir.ancestors().map(|folder| folder.join("stack.json"));
    let description = description.into_iter().find_map(|file| std::fs::read(file).ok()).expect("stack.json");
    let description: Value = serde_json::from_slice(&description).unwrap();
    let node = description["parts"]["functions"].as_u64().unwrap();
    let children = std::fs::read_to_string(format!("/proc/{node}/task/{node}/children")).unwrap();
    let resident = |pid: &str| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default().trim().to_owned();
        line.trim_end_matches(" kB").parse::<u64>().unwrap_or_default()
    };
    let all = children.split_whitespace().map(resident).sum();
    assert!(all > 0, "the runtime is a child of {node}: {children}");
    all
}

#[tokio::test]
async fn a_fetch_that_fails_or_finds_nothing_or_not_all_takes_nothing_away() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 25, 1).await;
    sync.jsearch().make_up(&town(2), 0, 5, 1).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [30, 30, 0, 0, 0, 0]);

    sync.jsearch().give(&town(1), &[]).await;
    sync.jsearch().give(&town(2), &[]).await;
    let empty = sync.run().await.expect_status(200);
    assert_eq!(counts(&empty.json), [0; 6]);
    assert_eq!(sync.active().await, 30, "an empty fetch");

    let unreadable = json!({ "job_id": "x" });
    sync.jsearch().give(&town(1), &[unreadable]).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [1, 0, 0, 0, 0, 1]);
    assert_eq!(sync.active().await, 30, "nothing that could be read");

    sync.jsearch().make_up(&town(1), 20, 10, 1).await; // five known ones and five new ones
    sync.jsearch().fail(3, "town+02", Fault::Html).await;
    sync.run().await.expect_problem(502, "jsearch_failed");
    let log = sync.last_log().await;
    assert_eq!((&log["status"], &log["error"]), (&json!("failed"), &json!("jsearch_failed")));
    assert_eq!(counts(&log), [10, 5, 0, 5, 0, 0], "what was fetched before it failed is kept");
    assert_eq!(sync.active().await, 35, "a partial fetch");

    let named = run(&sync.stack, Uuid::new_v4(), &json!({ "queries": ["local-1"] })).await.expect_status(200);
    assert_eq!(counts(&named.json), [10, 0, 0, 10, 0, 0]);
    assert_eq!(sync.active().await, 35, "one query of ten");

    assert_eq!(counts(&sync.run().await.expect_status(200).json), [10, 0, 0, 10, 25, 0], "and a whole one does");
}

#[tokio::test]
async fn a_posting_that_vanishes_is_inactive_until_it_comes_back_with_all_that_people_made_of_it() {
    let sync = Sync::turn().await;
    let person = sync.stack.new_person().await;
    sync.jsearch().make_up(&town(1), 0, 20, 1).await;
    sync.run().await.expect_status(200);
    let first = sync.jobs().await;
    let job = first.iter().find(|job| job["title"].as_str().unwrap().ends_with("No. 2")).unwrap();
    let at = format!("jobs?id=eq.{}", job["id"].as_str().unwrap());
    let click = json!({ "p_job_id": job["id"] });
    person.caller().await.rpc("count_job_click", &click).await.expect_status(200);
    sync.service().update(&at, &json!({ "lane": "fast", "h1b_sponsor_status": "sponsor" })).await.expect_status(200);

    sync.jsearch().make_up(&town(1), 5, 20, 1).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [20, 5, 0, 15, 5, 0]);
    let gone = sync.service().select(&at).await.json[0].clone();
    assert_eq!(gone["is_active"], false);
    assert_eq!(person.caller().await.select(&at).await.json, json!([]), "people do not see it any more");
    let refused = person.caller().await.rpc("count_job_click", &click).await;
    assert_eq!((refused.status, refused.code()), (404, "job_not_found"));

    sync.jsearch().make_up(&town(1), 0, 20, 1).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [20, 0, 5, 15, 5, 0]);
    let back = &person.caller().await.select(&at).await.json[0];
    assert_eq!((&back["is_active"], &back["click_count"], &back["lane"]), (&json!(true), &json!(1), &json!("fast")));
    assert_eq!((&back["created_at"], &back["h1b_sponsor_status"]), (&gone["created_at"], &json!("sponsor")));
}

/// As if everything until now had been a day earlier.
async fn a_day_goes_by(stack: &Stack) {
    for sql in [
        "update public.scraping_logs set started_at = started_at - interval '1 day'",
        "update public.jobs set last_seen = last_seen - interval '1 day' where source = 'jsearch'",
    ] {
        stack.database().query(sql, &[]).await;
    }
}

#[tokio::test]
async fn what_may_only_be_behind_the_last_page_stays_until_it_was_not_seen_for_days() {
    let sync = Sync::turn().await;
    // The query fetches fifty pages, and there are fifty-two.
    sync.jsearch().make_up(&town(1), 0, 520, 1).await;
    sync.jsearch().make_up(&town(2), 0, 5, 1).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [505, 505, 0, 0, 0, 0]);
    a_day_goes_by(&sync.stack).await;

    // Ten new ones come first, or the ten first ones are gone: that cannot be told. That two of the other query are gone
    // can: it shows all that it finds.
    sync.jsearch().make_up(&town(1), 10, 520, 1).await;
    sync.jsearch().make_up(&town(2), 0, 3, 1).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [503, 10, 0, 493, 2, 0]);
    assert_eq!(sync.active().await, 513);

    // A run that asked for less, and one that failed, are no days on which they were not seen.
    for _ in 0..4 {
        a_day_goes_by(&sync.stack).await;
        run(&sync.stack, Uuid::new_v4(), &json!({ "queries": ["local-2"] })).await.expect_status(200);
        sync.jsearch().fail(3, "town+10", Fault::Html).await;
        sync.run().await.expect_problem(502, "jsearch_failed");
    }
    assert_eq!(sync.active().await, 513);

    for day in 2..=5 {
        a_day_goes_by(&sync.stack).await;
        let gone = if day == 5 { 10 } else { 0 };
        assert_eq!(counts(&sync.run().await.expect_status(200).json), [503, 0, 0, 503, gone, 0], "day {day}");
        assert_eq!(counts(&sync.run().await.expect_status(200).json), [503, 0, 0, 503, 0, 0], "a day counts once");
    }
}

#[tokio::test]
async fn a_posting_of_two_queries_is_gone_when_both_say_so() {
    let sync = Sync::turn().await;
    let both = posting(&plain_id(1), "Clerk", "Text");
    let unreadable = json!({ "job_id": "x" });
    sync.jsearch().give(&town(1), &[both.clone(), posting(&plain_id(2), "Clerk", "Text")]).await;
    sync.jsearch().give(&town(2), &[both]).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [3, 2, 0, 1, 0, 0]);

    sync.jsearch().give(&town(1), &[posting(&plain_id(2), "Clerk", "Text")]).await;
    sync.jsearch().give(&town(2), &[unreadable]).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [2, 0, 0, 1, 0, 1], "it may be the unreadable one");
    sync.jsearch().give(&town(2), &[]).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [1, 0, 0, 1, 1, 0]);
}

#[tokio::test]
async fn two_runs_at_once_never_overlap() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 20, 1).await;
    let slow = Uuid::new_v4();
    sync.stack.hold(Service::Jsearch, slow, 1).await;

    let later = async {
        eventually("the first run asks", async || (!sync.jsearch().requests(slow).await.is_empty()).then_some(()))
            .await;
        let second = sync.run().await;
        sync.stack.release(slow).await;
        second
    };
    let (first, second) = tokio::join!(sync.run_as(slow), later);

    assert_eq!(counts(&first.expect_status(200).json), [20, 20, 0, 0, 0, 0]);
    let second = second.expect_problem(409, "job_sync_running");
    let wait: u64 = second.header("retry-after").parse().unwrap();
    assert!((1..=120).contains(&wait), "{second:?}");
    sync.run().await.expect_status(200);
}

#[tokio::test]
async fn a_run_that_lost_its_lock_changes_nothing_any_more() {
    let sync = Sync::turn().await;
    let service = sync.service();
    let begin = json!({ "p_source": "jsearch", "p_locked_by": "a test" });
    let new_run = async || service.rpc("begin_job_sync", &begin).await.expect_status(200).json;
    let late = new_run().await;
    let held = new_run().await;
    assert_eq!((&held["outcome"], held["lock_number"].is_null()), (&json!("running"), true));
    let store = |number: &Value| {
        let posting = json!({ "external_id": "late", "title": "Late", "description": "", "employment_types": [] });
        json!({ "p_lock_number": number, "p_batch": 1, "p_postings": [posting] })
    };

    expire_lock(&sync.stack).await;
    for (function, arguments, refusal) in [
        ("store_job_postings", store(&late["lock_number"]), json!({ "outcome": "superseded" })),
        (
            "finish_job_sync",
            json!({ "p_lock_number": late["lock_number"], "p_is_whole": true }),
            json!({ "outcome": "superseded" }),
        ),
        (
            "extend_cron_lock",
            json!({ "p_lock_name": "job_sync", "p_lock_number": late["lock_number"], "p_seconds": 60 }),
            json!(false),
        ),
    ] {
        assert_eq!(service.rpc(function, &arguments).await.expect_status(200).json, refusal, "{function}, expired");
    }
    let next = new_run().await;
    assert!(next["lock_number"].as_i64() > late["lock_number"].as_i64(), "{late} {next}");
    assert_eq!(service.rpc("store_job_postings", &store(&late["lock_number"])).await.json["outcome"], "superseded");
    let release = json!({ "p_lock_name": "job_sync", "p_lock_number": late["lock_number"] });
    assert_eq!(service.rpc("release_cron_lock", &release).await.json, false, "another's lock");
    let extend = json!({ "p_lock_name": "job_sync", "p_lock_number": late["lock_number"], "p_seconds": 60 });
    assert_eq!(service.rpc("extend_cron_lock", &extend).await.json, false, "another's lock");
    assert!(sync.jobs().await.is_empty());
    let died = sync.stack.database().row("scraping_logs", late["run_id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((&died["status"], &died["error"]), (&json!("failed"), &json!("run_died")));

    // A batch whose answer was lost is sent again, and counts once.
    for _ in 0..2 {
        let stored = service.rpc("store_job_postings", &store(&next["lock_number"])).await.expect_status(200);
        assert_eq!(stored.json["outcome"], "stored");
    }
    let finish = json!({ "p_lock_number": next["lock_number"], "p_is_whole": true });
    let finished = service.rpc("finish_job_sync", &finish).await.expect_status(200).json;
    assert_eq!(counts(&finished["run"]), [1, 1, 0, 0, 0, 0]);
    assert_eq!(service.rpc("finish_job_sync", &finish).await.json, finished, "finished once, however often it is said");
    let after = new_run().await;
    assert!(after["lock_number"].as_i64() > next["lock_number"].as_i64(), "no number comes again");
    let dead = service.rpc("close_dead_job_syncs", &json!({})).await.expect_status(200);
    assert_eq!(dead.json, json!({ "closed": 0 }), "this one lives");
}

#[tokio::test]
async fn a_batch_counts_once_when_its_answer_is_lost_and_not_at_all_when_it_never_arrives() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 20, 1).await;
    let fail = async |contains: &str, times, fault| {
        sync.stack.fail(FaultSpec { service: Service::Rest, contains: contains.to_owned(), times, fault }).await;
    };

    fail("store_job_postings", 1, Fault::CutAfterEffect).await;
    fail("finish_job_sync", 1, Fault::CutAfterEffect).await;
    let report = sync.run().await.expect_status(200);
    assert_eq!(counts(&report.json), [20, 20, 0, 0, 0, 0]);
    assert_eq!(counts(&sync.last_log().await), [20, 20, 0, 0, 0, 0]);

    sync.jsearch().make_up(&town(1), 10, 20, 1).await;
    fail("store_job_postings", 3, Fault::Cut).await;
    sync.run().await.expect_problem(503, "database_unavailable");
    let log = sync.last_log().await;
    assert_eq!((&log["status"], &log["error"]), (&json!("failed"), &json!("database_unavailable")));
    assert_eq!(counts(&log), [0; 6]);
    assert_eq!(sync.active().await, 20);
}

#[tokio::test]
async fn a_run_that_is_killed_leaves_a_true_log_row_and_the_first_path_is_known_too() {
    let file = std::env::temp_dir().join(format!("jobraker-job-sync-{}.vars", std::process::id()));
    std::fs::write(&file, "JSEARCH_SEARCH_PATH=/search\n").unwrap();
    let own = OwnStack::start("job-sync", &["--vars", file.to_str().unwrap()]);
    let stack = Stack::described_by(own.file());
    empty(&stack).await;
    stack.jsearch().set_shape(Shape::Array).await;
    stack.jsearch().make_up(&town(1), 0, 490, 1).await;
    stack.jsearch().make_up(&town(2), 0, 20, 1).await;
    stack.jsearch().make_up(&town(3), 0, 7, 1).await;
    stack.jsearch().fail(1, "town+03", Fault::Hold).await;

    let killed = tokio::spawn({
        let request = stack.http(Method::POST, stack.function_url("job-sync"));
        Reply::try_to(request.header("apikey", &stack.keys().service_role_key).json(&json!({})))
    });
    eventually("the run waits for JSearch", async || {
        (!stack.jsearch().requests("town+03").await.is_empty()).then_some(())
    })
    .await;
    own.ask("stop-part", "functions");
    let answer = killed.await.unwrap();
    assert!(answer.as_ref().map_or(true, |reply| reply.status >= 500), "{answer:?}");
    let close = async || stack.service().rpc("close_dead_job_syncs", &json!({})).await.expect_status(200).json;
    assert_eq!(close().await, json!({ "closed": 0 }), "its lock is not over yet");
    expire_lock(&stack).await;
    assert_eq!(close().await, json!({ "closed": 1 }));
    let log = last_log(&stack).await;
    assert_eq!((&log["status"], &log["error"]), (&json!("failed"), &json!("run_died")), "{log}");
    assert_eq!(counts(&log), [500, 500, 0, 0, 0, 0], "what it had written down");
    assert!(!log["completed_at"].is_null());

    own.ask("start-part", "functions");
    let next = run(&stack, Uuid::new_v4(), &json!({})).await.expect_status(200);
    assert_eq!(counts(&next.json), [517, 17, 0, 500, 0, 0]);
    let asked = stack.jsearch().requests("/search?").await;
    assert!(asked.iter().any(|request| request.path.contains("page=49")), "page by page");
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_posting_is_there_once_however_often_and_however_it_is_spelled() {
    let sync = Sync::turn().await;
    let ids: Vec<String> = (0..12).map(plain_id).collect();
    let once: Vec<Value> = ids.iter().map(|id| posting(id, "Clerk", "Text")).collect();
    // On the first page twice, on the second again, there in the other spelling, and in the next query.
    let mut listed = vec![once[0].clone()];
    listed.extend(once.clone());
    listed.push(posting(&STANDARD.encode(&ids[3]), "Clerk", "Text"));
    sync.jsearch().give(&town(1), &listed).await;
    sync.jsearch().give(&town(2), &[once[5].clone()]).await;

    assert_eq!(counts(&sync.run().await.expect_status(200).json), [15, 12, 0, 3, 0, 0]);
    let known: Vec<_> = sync.jobs().await.iter().map(|job| job["external_id"].clone()).collect();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(json!(known), json!(expected));

    let encoded: Vec<Value> = ids.iter().map(|id| posting(&STANDARD.encode(id), "Clerk", "Text")).collect();
    sync.jsearch().give(&town(1), &encoded).await;
    assert_eq!(
        counts(&sync.run().await.expect_status(200).json),
        [13, 0, 0, 13, 0, 0],
        "the other spelling is no news"
    );
}

#[tokio::test]
async fn both_shapes_are_understood_and_anything_else_is_no_empty_result() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 9, 1).await;
    sync.jsearch().set_shape(Shape::Array).await;
    // The path of the cursors ignores a number, so the first page comes again, which ends the query.
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [18, 9, 0, 9, 0, 0]);
    sync.jsearch().set_shape(Shape::Object).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [9, 0, 0, 9, 0, 0]);

    for body in [json!({ "status": "OK", "data": null }), json!({ "status": "ERROR", "data": [] }), json!("<html>")] {
        sync.jsearch().fail(1, "town+01", Fault::Status { status: 200, body, headers: [].into() }).await;
        sync.run().await.expect_problem(502, "jsearch_unreadable");
    }
    assert_eq!(sync.active().await, 9);
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times_and_what_cannot_once() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 5, 1).await;
    let monthly = json!({ "message": "You have exceeded the MONTHLY quota for Requests on your current plan, BASIC." });
    let many = json!({ "message": "Too many requests" });
    for (status, body, code, attempts) in [
        (429, many.clone(), "jsearch_rate_limited", 3),
        (500, json!(null), "jsearch_failed", 3),
        (429, monthly, "jsearch_quota_spent", 1),
        (401, json!({ "message": "Invalid API key" }), "jsearch_unauthorized", 1),
        (403, json!({ "message": "You are not subscribed to this API." }), "jsearch_unauthorized", 1),
        (404, json!({ "message": "Endpoint '/search-v2' does not exist" }), "jsearch_unknown_path", 1),
        (400, json!({ "message": "bad" }), "jsearch_rejected", 1),
    ] {
        let request_id = Uuid::new_v4();
        let fault = Fault::Status { status, body, headers: [].into() };
        sync.jsearch().fail(attempts, request_id, fault).await;
        let reply = sync.run_as(request_id).await.expect_problem(502, code);
        sync.stack.expect_discreet(&reply);
        let asked = sync.jsearch().requests(request_id).await.len();
        assert_eq!(asked, usize::try_from(attempts).unwrap(), "{status} {code}");
        assert_eq!(sync.last_log().await["error"], code);
    }

    let request_id = Uuid::new_v4();
    let fault = Fault::Status { status: 429, body: many, headers: [].into() };
    sync.jsearch().fail(2, request_id, fault).await;
    sync.run_as(request_id).await.expect_status(200);
    assert_eq!(sync.jsearch().requests(request_id).await.len(), 12, "ten queries, one of them three times");
}

#[tokio::test]
async fn nothing_is_asked_once_the_allowance_is_spent() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 50, 1).await;
    sync.jsearch().allow(Some(3)).await;
    let request_id = Uuid::new_v4();

    sync.run_as(request_id).await.expect_problem(502, "jsearch_quota_spent");

    // On this route no answer says that it was the last one. The refusal is asked for once.
    assert_eq!(sync.jsearch().requests(request_id).await.len(), 4);
    assert_eq!(counts(&sync.last_log().await), [30, 30, 0, 0, 0, 0]);
    assert_eq!(sync.active().await, 30);
}

#[tokio::test]
async fn what_was_worked_out_from_a_description_stays_with_that_description() {
    let sync = Sync::turn().await;
    let (first, second) = (plain_id(1), plain_id(2));
    sync.jsearch().give(&town(1), &[posting(&first, "Clerk", "The old text")]).await;
    sync.run().await.expect_status(200);
    let embedding = format!("[{}]", vec!["0.5"; 384].join(","));
    let enrichment = json!({ "skills_required": ["filing"], "embedding": embedding });
    let at = format!("jobs?external_id=eq.{first}");
    sync.service().update(&at, &enrichment).await.expect_status(200);

    let changed = [posting(&first, "Clerk", "The new text"), posting(&second, "Filer", "The old text")];
    sync.jsearch().give(&town(1), &changed[1..]).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [1, 1, 0, 0, 1, 0]);
    let copy = sync.service().select(&format!("jobs?external_id=eq.{second}")).await.json[0].clone();
    assert_eq!(copy["skills_required"], json!(["filing"]), "the same description, the same enrichment");
    assert!(copy["embedding"].is_string());

    let before = sync.service().select(&at).await.json[0].clone();
    sync.jsearch().give(&town(1), &changed).await;
    assert_eq!(counts(&sync.run().await.expect_status(200).json), [2, 0, 1, 1, 0, 0]);
    let after = sync.service().select(&at).await.json[0].clone();
    assert_eq!((&after["skills_required"], &after["embedding"]), (&json!(null), &json!(null)), "it fits no longer");
    assert_ne!(before["description_hash"], after["description_hash"]);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
}

#[tokio::test]
async fn a_night_that_fails_is_tried_again_once() {
    let sync = Sync::turn().await;
    sync.jsearch().make_up(&town(1), 0, 5, 1).await;
    let night = async || {
        let url = format!("{}/cdn-cgi/handler/scheduled?cron=17+3+*+*+*", sync.stack.description().functions_url);
        let request = sync.stack.http(Method::GET, url).header("mf-route-override", "job-sync");
        Reply::to(request).await.expect_status(200);
    };
    let queued = "select to_jsonb(b) from public.background_jobs b where job_type = 'job_sync'";
    night().await;
    let log = sync.last_log().await;
    assert_eq!((&log["status"], &log["jobs_new"]), (&json!("completed"), &json!(5)), "{log}");
    assert!(sync.stack.database().json(queued, &[]).await.is_empty());

    for _ in 0..2 {
        sync.jsearch().fail(3, "town+01", Fault::Cut).await;
        night().await;
        assert_eq!(sync.last_log().await["error"], "jsearch_unreachable");
    }
    let jobs = sync.stack.database().json(queued, &[]).await;
    assert_eq!(jobs.len(), 1, "once a day: {jobs:?}");
    assert_eq!((&jobs[0]["status"], &jobs[0]["payload"]), (&json!("pending"), &json!({})));
    assert!(jobs[0]["run_at"].as_str() > jobs[0]["created_at"].as_str(), "not at once");
}

#[tokio::test]
async fn the_runner_closes_a_dead_run_and_makes_up_for_a_failed_night() {
    let sync = Sync::turn().await;
    let begin = json!({ "p_source": "jsearch", "p_locked_by": "a test" });
    let dead = sync.service().rpc("begin_job_sync", &begin).await.expect_status(200).json;
    run_jobs(&sync.stack, &["job_sync"]).await;
    assert_eq!(sync.last_log().await["status"], "running", "its lock is not over yet");
    expire_lock(&sync.stack).await;
    run_jobs(&sync.stack, &["job_sync"]).await;
    let log = sync.last_log().await;
    assert_eq!((&log["id"], &log["status"], &log["error"]), (&dead["run_id"], &json!("failed"), &json!("run_died")));

    sync.jsearch().make_up(&town(1), 0, 5, 1).await;
    let job = enqueue(&sync.stack, &json!([{ "job_type": "job_sync", "payload": {} }])).await[0];
    run_jobs(&sync.stack, &["job_sync"]).await;
    eventually("the job is done", async || {
        (sync.stack.database().row("background_jobs", job).await["status"] == "completed").then_some(())
    })
    .await;
    assert_eq!(sync.active().await, 5);
}

#[tokio::test]
async fn only_the_backend_may_ask_for_a_run_and_only_for_what_is_configured() {
    let sync = Sync::turn().await;
    let person = sync.stack.new_person().await;
    for caller in [person.caller().await, sync.stack.anonymous()] {
        caller.invoke("job-sync", &json!({})).await.expect_problem(401, "service_key_required");
    }
    let unknown = sync.service().invoke("job-sync", &json!({ "queries": ["nobody"] })).await;
    assert_eq!(unknown.expect_problem(400, "invalid_input").json["errors"][0]["field"], "queries");
}

#[tokio::test]
async fn the_key_is_in_no_log() {
    let sync = Sync::turn().await;
    let request_id = Uuid::new_v4();
    sync.jsearch().fail(3, request_id, Fault::Html).await;
    sync.run_as(request_id).await.expect_problem(502, "jsearch_failed");
    let log = sync.stack.log_with(&[request_id.to_string()]).await;
    assert!(!log.contains(JSEARCH_KEY));
    let asked = sync.jsearch().requests(request_id).await;
    assert!(asked.iter().all(|request| !request.path.contains(JSEARCH_KEY)), "and in no address");
    assert_eq!(asked[0].headers["x-api-key"], JSEARCH_KEY);
}
