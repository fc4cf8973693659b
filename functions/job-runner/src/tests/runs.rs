//! Runs: what is asked for, how long they go on, and what becomes of the leases.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    outgoing::Failure,
    problem::Problem,
    sign_in::ServiceRole,
    testing::{
        Attempts, Machine, block_on, failing_databases, internal_caller, json_of, person, post, post_bytes, problem_of,
        scheduled,
    },
};

use super::{
    CLAIM, EXTEND, Queue, SCHEDULES, SETTLE, USER, completed, id, job, put_back, run, scheduling, settlements,
};
use crate::{handle, job_type::JobType, run_request::RunRequest};

/// What a run is asked that leaves the schedule out and has nothing slow in it.
fn no_operations() -> Value {
    json!({ "job_types": ["no_operation"] })
}

fn no_operation(number: usize) -> Value {
    job(number, "no_operation", &json!({}))
}

/// A job that takes as long as the other function does.
fn job_sync(number: usize) -> Value {
    job(number, "job_sync", &json!({}))
}

/// Asked for by another run, so that the schedule is left out.
fn syncs() -> Value {
    json!({ "job_types": ["job_sync", "no_operation"], "successor": 1 })
}

fn run_scheduled(machine: &Machine) -> Result<String, Problem> {
    let role = ServiceRole::of_schedule(scheduled());
    let call = machine.call();
    block_on(crate::run::run(&RunRequest::everything(), role, &call)).map(|summary| summary.outcome())
}

#[test]
fn jobs_are_claimed_run_and_settled_until_none_is_due() {
    let machine = Machine::new()
        .holds(&[no_operation(1), no_operation(2)])
        .settles()
        .holds(&[no_operation(3)])
        .settles()
        .holds_nothing();
    let call = machine.call();

    let reply = block_on(handle(&post(&internal_caller(), &no_operations()), &call)).unwrap();

    let told = json!({ "jobs": 3, "endings": { "completed": 3 }, "more": false });
    assert_eq!((reply.status, json_of(&reply), reply.outcome.as_str()), (200, told, "3 completed"));
    assert_eq!(machine.calls(), [CLAIM, SETTLE, CLAIM, SETTLE, CLAIM]);
    let worker = format!("job-runner:{}", call.request_id);
    let claim = json!({ "p_worker": worker, "p_job_types": ["no_operation"], "p_limit": 50,
                        "p_suspect_only": false });
    assert_eq!(machine.bodies("claim_background_jobs")[0], claim);
    let settled: Vec<usize> = settlements(&machine).into_iter().map(|(number, _)| number).collect();
    assert_eq!(settled, [1, 2, 3]);
    block_on(machine.finish());
    assert_eq!(machine.calls().len(), 5, "no further run is asked for");
}

#[test]
fn a_run_without_work_is_idle() {
    let machine = Machine::new().holds_nothing();
    assert_eq!(run(&machine, &no_operations()).unwrap().outcome, "idle");
}

#[test]
fn only_the_backend_itself_may_ask_and_only_for_types_that_there_are() {
    let machine = Machine::new();
    for (headers, body, code) in [
        (Vec::new(), json!({}), "service_key_required"),
        (person(), json!({}), "service_key_required"),
        (internal_caller(), json!([]), "invalid_input"),
        (internal_caller(), json!({ "job_types": [] }), "invalid_input"),
        (internal_caller(), json!({ "job_types": ["purge", "unknown"] }), "invalid_input"),
        (internal_caller(), json!({ "job_types": "purge" }), "invalid_input"),
        (internal_caller(), json!({ "successor": -1 }), "invalid_input"),
    ] {
        assert_eq!(problem_of(&block_on(handle(&post(&headers, &body), &machine.call()))), code, "{body}");
    }
    let no_json = post_bytes("", &internal_caller(), "");
    assert_eq!(problem_of(&block_on(handle(&no_json, &machine.call()))), "invalid_input");
    assert!(machine.sent().is_empty());
}

#[test]
fn a_scheduled_run_queues_what_is_due_and_does_work_of_every_type() {
    let machine = scheduling(Machine::new(), &SCHEDULES.map(|(kind, _)| kind)).holds_nothing();
    assert_eq!(run_scheduled(&machine).unwrap(), "idle");
    let schedules = SCHEDULES.map(|(_, function)| format!("{function} as the service role"));
    assert_eq!(machine.calls()[..6], schedules);
    let types = machine.body("claim_background_jobs")["p_job_types"].as_array().unwrap().len();
    assert_eq!(types, JobType::ALL.len());
}

#[test]
fn whoever_names_no_types_does_not_wait_for_those_that_take_minutes() {
    let short: Vec<&str> = SCHEDULES.iter().map(|(kind, _)| *kind).filter(|kind| *kind != "job_sync").collect();
    let machine = scheduling(Machine::new(), &short).holds_nothing();
    run(&machine, &json!({})).unwrap();
    let types = machine.body("claim_background_jobs")["p_job_types"].clone();
    assert!(!types.as_array().unwrap().contains(&json!("job_sync")), "{types}");
}

#[test]
fn what_is_in_the_queue_does_not_wait_for_a_schedule_that_fails() {
    for (machine, _) in failing_databases("queue_daily_purge", Attempts::One, Machine::new) {
        let machine = machine.holds_nothing();
        assert_eq!(run(&machine, &json!({ "job_types": ["purge"] })).unwrap().status, 200);
        assert_eq!(machine.calls(), ["queue_daily_purge as the service role", CLAIM]);
    }
}

#[test]
fn a_run_that_another_one_asked_for_leaves_the_schedule_out() {
    let machine = Machine::new().holds_nothing();
    run(&machine, &json!({ "job_types": ["purge"], "successor": 1 })).unwrap();
    assert_eq!(machine.calls(), [CLAIM]);
}

#[test]
fn jobs_that_may_be_ours_without_our_knowing_are_not_claimed_again() {
    for (machine, code) in failing_databases("claim_background_jobs", Attempts::One, Machine::new) {
        assert_eq!(problem_of(&run(&machine, &no_operations())), code);
        assert_eq!(machine.calls(), [CLAIM]);
    }
    let machine = Machine::new().holds(&[job(1, "from_a_newer_version", &json!({}))]);
    assert_eq!(problem_of(&run(&machine, &no_operations())), "internal");
}

#[test]
fn jobs_are_settled_as_soon_as_the_database_is_back() {
    let claimed = || Machine::new().holds(&[no_operation(1)]);
    let machine = claimed()
        .fails("/rpc/settle_background_jobs", Failure::Unreachable)
        .fails("/rpc/settle_background_jobs", Failure::Unreachable)
        .settles()
        .holds_nothing();
    assert_eq!(run(&machine, &no_operations()).unwrap().status, 200);
    assert_eq!((machine.calls().len(), machine.waited()), (5, Duration::from_millis(100 + 400)));
}

#[test]
fn what_is_done_is_not_given_up_while_its_lease_may_last() {
    for (machine, code) in failing_settlements(|| Machine::new().holds(&[no_operation(1)])) {
        if code == "internal" {
            assert_eq!(problem_of(&run(&machine, &no_operations())), code, "nothing that time could mend");
            continue;
        }
        let machine = fails_to_settle(machine, code).settles().holds_nothing();
        assert_eq!(json_of(&run(&machine, &no_operations()).unwrap())["endings"], json!({ "completed": 1 }));
    }
    let machine = (0..3)
        .fold(Machine::new().holds(&[no_operation(1)]), |machine, _| fails_to_settle(machine, "database_timed_out"));
    assert_eq!(problem_of(&run(&machine, &no_operations())), "database_timed_out");
    assert_eq!(machine.waited(), Duration::from_secs(10 + 5 + 10 + 5 + 10));
}

/// Machines that fail to settle once, after this.
fn failing_settlements(before: impl Fn() -> Machine) -> Vec<(Machine, &'static str)> {
    failing_databases("settle_background_jobs", Attempts::Three, before)
}

/// The next settlement fails, too.
fn fails_to_settle(machine: Machine, code: &str) -> Machine {
    let path = "/rpc/settle_background_jobs";
    match code {
        "database_timed_out" => machine.fails(path, Failure::TimedOut),
        _ => (0..3).fold(machine, |machine, _| machine.fails(path, Failure::Unreachable)),
    }
}

#[test]
fn a_job_whose_lease_was_lost_counts_as_superseded() {
    let settled = json!([
        { "job_id": id(1), "status": "superseded" },
        { "job_id": id(2), "status": "completed" },
        { "job_id": id(3), "status": "completed" },
    ]);
    let machine = Machine::new()
        .holds(&[no_operation(1), no_operation(2), no_operation(3)])
        .returns("settle_background_jobs", settled)
        .holds_nothing();
    let reply = run(&machine, &no_operations()).unwrap();
    assert_eq!(json_of(&reply)["endings"], json!({ "completed": 2, "superseded": 1 }));
}

#[test]
fn leases_are_extended_while_a_job_takes_long_and_what_is_done_is_settled_meanwhile() {
    let machine = Machine::new()
        .holds(&[job_sync(1), no_operation(2)])
        .responds("/job-sync", 200, json!({}))
        .taking(Duration::from_secs(25))
        .settles()
        .extends()
        .settles();
    let reply = run(&machine, &syncs()).unwrap();

    assert_eq!(json_of(&reply)["endings"], json!({ "completed": 2 }));
    assert_eq!(machine.calls(), [CLAIM, "job-sync as the service role", EXTEND, SETTLE, EXTEND, EXTEND, SETTLE]);
    let at: Vec<u64> = machine.sent()[2..].iter().map(|sent| sent.at.as_secs()).collect();
    assert_eq!(at, [2, 2, 12, 22, 25], "a lease lasts for half a minute");
    let held: Vec<Vec<Value>> = machine
        .bodies("extend_background_jobs")
        .iter()
        .map(|body| body["p_jobs"].as_array().unwrap().iter().map(|job| job["job_id"].clone()).collect())
        .collect();
    let both = vec![json!(id(1)), json!(id(2))];
    assert_eq!(held, [both, vec![json!(id(1))], vec![json!(id(1))]], "what is done is held until it is settled");
    let settled: Vec<usize> = settlements(&machine).into_iter().map(|(number, _)| number).collect();
    assert_eq!(settled, [2, 1]);
}

#[test]
fn how_far_a_job_is_is_written_down_while_it_works() {
    let delete = json!({ "buckets": ["resumes", "cover_letters"], "folder": USER });
    let empty = |machine: Machine, bucket: &str| {
        machine.responds(&format!("/object/list/{bucket}"), 200, json!([])).taking(Duration::from_secs(7))
    };
    let machine = Machine::new().holds(&[job(1, "delete_files", &delete)]);
    let machine = empty(empty(machine, "resumes"), "cover_letters").extends().settles().holds_nothing();

    run(&machine, &json!({ "job_types": ["delete_files"] })).unwrap();

    let told = |done: u64| {
        let progress = json!({ "step": "emptying_buckets", "done": done, "of": 2 });
        json!({ "p_jobs": [{ "job_id": id(1), "lease_number": 10, "progress": progress }] })
    };
    assert_eq!(machine.bodies("extend_background_jobs"), [told(0), told(1)]);
    let sent = machine.sent().into_iter().filter(|sent| sent.call() == EXTEND);
    assert_eq!(sent.map(|sent| sent.at.as_secs()).collect::<Vec<_>>(), [2, 8], "soon, and only when there is news");
}

#[test]
fn progress_that_could_not_be_written_down_is_told_at_the_next_heartbeat() {
    let machine = Machine::new()
        .holds(&[job_sync(1)])
        .responds("/job-sync", 200, json!({}))
        .taking(Duration::from_secs(15))
        .fails("/rpc/extend_background_jobs", Failure::Unreachable)
        .extends()
        .settles();
    run(&machine, &syncs()).unwrap();
    let told: Vec<Value> = machine
        .bodies("extend_background_jobs")
        .iter()
        .map(|body| body["p_jobs"][0]["progress"]["step"].clone())
        .collect();
    assert_eq!(told, [json!("syncing"), json!("syncing"), Value::Null]);
}

#[test]
fn attempts_go_on_while_the_queue_is_slow() {
    let delete = json!({ "buckets": ["resumes", "cover_letters", "photos"], "folder": USER });
    let empty = |machine: Machine, bucket: &str, seconds| {
        let machine = machine.responds(&format!("/object/list/{bucket}"), 200, json!([]));
        machine.taking(Duration::from_secs(seconds))
    };
    let machine = Machine::new().holds(&[job(1, "delete_files", &delete)]);
    let machine = empty(empty(empty(machine, "resumes", 7), "cover_letters", 6), "photos", 1)
        .returns("extend_background_jobs", json!([id(1)]))
        .returns("extend_background_jobs", json!([id(1)]))
        .taking(Duration::from_secs(9))
        .settles()
        .holds_nothing();
    run(&machine, &json!({ "job_types": ["delete_files"] })).unwrap();
    let at = |call: &str| -> Vec<u64> {
        machine.sent().iter().filter(|sent| sent.url.contains(call)).map(|sent| sent.at.as_secs()).collect()
    };
    assert_eq!(at("extend_background_jobs"), [2, 8]);
    assert_eq!(at("/object/list/"), [0, 7, 13], "the last in the middle of the second heartbeat");
}

#[test]
fn a_run_never_has_more_than_four_calls_under_way() {
    let jobs: Vec<Value> = (1..=8).map(cancel).collect();
    let slow = |machine: Machine, _| machine.responds("/cancel", 200, json!({})).taking(Duration::from_millis(9_990));
    let machine = (1..=3).fold(Machine::new().holds(&jobs), slow).settles().responds("/job-runner", 200, json!({}));
    run(&machine, &json!({ "job_types": ["cancel_skyvern_run"], "successor": 1 })).unwrap();
    assert_eq!(machine.most_calls_at_once(), 3, "one is the queue's own");
    block_on(machine.finish());

    let silent = |machine: Machine, _| machine.responds("/job-sync", 200, json!({})).taking(Duration::from_secs(15));
    let jobs: Vec<Value> = (1..=8).map(job_sync).collect();
    let machine = (1..=3).fold(Machine::new().holds(&jobs), silent);
    let machine = machine.extends().settles().responds("/job-runner", 200, json!({}));
    let reply = run(&machine, &syncs()).unwrap();
    assert_eq!(json_of(&reply)["endings"], json!({ "completed": 3, "put_back": 5 }));
    assert_eq!(machine.most_calls_at_once(), 4, "heartbeats and settlements included");
    block_on(machine.finish());
}

#[test]
fn leases_that_cannot_be_extended_once_last_until_after_the_next_heartbeat() {
    for (machine, _) in failing_databases("extend_background_jobs", Attempts::One, Machine::new) {
        let machine = machine
            .holds(&[job_sync(1)])
            .responds("/job-sync", 200, json!({}))
            .taking(Duration::from_secs(15))
            .extends()
            .settles();
        assert_eq!(json_of(&run(&machine, &syncs()).unwrap())["endings"], json!({ "completed": 1 }));
    }
}

#[test]
fn a_queue_that_is_gone_at_a_heartbeat_is_told_at_the_next_one() {
    let working = || {
        Machine::new()
            .holds(&[job_sync(1), no_operation(2)])
            .responds("/job-sync", 200, json!({}))
            .taking(Duration::from_secs(29))
    };
    for (machine, code) in failing_settlements(working) {
        let machine = machine.extends().settles().settles();
        let reply = run(&machine, &syncs()).unwrap();
        assert_eq!(json_of(&reply)["endings"], json!({ "completed": 2 }), "{code}");
        let held = machine.bodies("extend_background_jobs")[1]["p_jobs"].as_array().unwrap().len();
        assert_eq!(held, 2, "what is done and could not be settled keeps its lease");
    }
}

/// Takes so long, and then there is no time for more.
fn with_slow_job(seconds: u64) -> Machine {
    Machine::new()
        .holds(&[job_sync(1)])
        .responds("/job-sync", 200, json!({}))
        .taking(Duration::from_secs(seconds))
        .settles()
        .extends()
}

#[test]
fn a_run_whose_time_is_up_asks_for_the_next_one_after_its_response() {
    let types = json!(["job_sync", "no_operation"]);
    for (successor, seconds) in [(0, 20), (1, 6), (7, 6)] {
        let mut machine = with_slow_job(seconds).responds("/job-runner", 200, json!({}));
        if successor == 0 {
            machine = scheduling(machine, &["job_sync"]).holds_nothing();
        }
        let reply = run(&machine, &json!({ "job_types": types, "successor": successor })).unwrap();
        assert_eq!(json_of(&reply)["more"], true);
        assert_eq!(machine.bodies("job-runner").len(), 0, "nobody waits for it");

        block_on(machine.finish());
        let asked = json!({ "job_types": ["no_operation"], "successor": successor + 1 });
        assert_eq!(machine.body("job-runner"), asked, "a run that nobody waits for has no minutes");
        assert_eq!(machine.calls().pop().unwrap(), "job-runner as the service role");
    }
    // A second less, and there is time to look for more work.
    for (successor, seconds) in [(0, 19), (1, 5)] {
        let mut machine = with_slow_job(seconds).holds_nothing();
        if successor == 0 {
            machine = scheduling(machine, &["job_sync"]);
        }
        let reply = run(&machine, &json!({ "job_types": types, "successor": successor })).unwrap();
        assert_eq!(json_of(&reply)["more"], false);
    }
}

#[test]
fn a_series_of_runs_comes_to_an_end() {
    // The eighth successor asks for no ninth, and neither does anybody who says that there were more.
    for successor in [8, 9, 400, u64::MAX] {
        let machine = with_slow_job(6);
        let body = json!({ "job_types": ["job_sync"], "successor": successor });
        assert_eq!(json_of(&run(&machine, &body).unwrap())["more"], true);
        block_on(machine.finish());
        assert!(machine.bodies("job-runner").is_empty(), "{successor}");
    }
}

#[test]
fn a_next_run_that_cannot_be_asked_for_takes_nothing_back() {
    for machine in [
        with_slow_job(6).fails("/job-runner", Failure::Unreachable),
        with_slow_job(6).responds("/job-runner", 500, json!({})),
    ] {
        assert_eq!(run(&machine, &syncs()).unwrap().status, 200);
        block_on(machine.finish());
    }
    let machine = Machine::new()
        .holds(&[cancel(1)])
        .responds("/cancel", 200, json!({}))
        .taking(Duration::from_secs(7))
        .settles()
        .without_service_bindings();
    let body = json!({ "job_types": ["cancel_skyvern_run"], "successor": 1 });
    assert_eq!(json_of(&run(&machine, &body).unwrap())["more"], true);
    block_on(machine.finish());
}

fn cancel(number: usize) -> Value {
    job(number, "cancel_skyvern_run", &json!({ "run_id": "tsk_41", "submission_title": null }))
}

#[test]
fn what_cannot_be_begun_before_the_deadline_is_put_back() {
    let jobs: Vec<Value> = (1..=8).map(cancel).collect();
    // At the deadline it is too late.
    for seconds in [6, 7] {
        let slow =
            |machine: Machine, _| machine.responds("/cancel", 200, json!({})).taking(Duration::from_secs(seconds));
        let machine = (1..=3).fold(Machine::new().holds(&jobs), slow).settles().responds("/job-runner", 200, json!({}));
        let reply = run(&machine, &json!({ "job_types": ["cancel_skyvern_run"], "successor": 1 })).unwrap();
        assert_eq!(json_of(&reply)["endings"], json!({ "completed": 3, "put_back": 5 }), "{seconds}");
        let last = settlements(&machine).into_iter().filter(|(number, _)| *number > 3);
        assert!(last.map(|(_, settlement)| settlement).eq([(); 5].map(|()| put_back(0))));
        block_on(machine.finish());
    }
}

#[test]
fn three_jobs_are_run_at_the_same_time() {
    let jobs: Vec<Value> = (1..=4).map(cancel).collect();
    let slow = |machine: Machine, _| machine.responds("/cancel", 200, json!({})).taking(Duration::from_secs(2));
    let machine = (1..=4).fold(Machine::new().holds(&jobs), slow).settles().holds_nothing();
    run(&machine, &json!({ "job_types": ["cancel_skyvern_run"], "successor": 1 })).unwrap();
    let at: Vec<u64> = machine.sent()[1..5].iter().map(|sent| sent.at.as_secs()).collect();
    assert_eq!(at, [0, 0, 0, 2]);
}

#[test]
fn a_message_does_not_wait_for_a_vendor_that_is_silent() {
    let mut jobs: Vec<Value> = (1..=49).map(cancel).collect();
    jobs.push(job(50, "push_notification", &json!({})));
    let slow = |machine: Machine, _| machine.responds("/cancel", 200, json!({})).taking(Duration::from_secs(8));
    let machine = (1..=3)
        .fold(Machine::new().holds(&jobs), slow)
        .responds("/trigger-push-notification", 200, json!({}))
        .settles()
        .responds("/job-runner", 200, json!({}));
    let types = json!(["cancel_skyvern_run", "push_notification"]);
    let reply = run(&machine, &json!({ "job_types": types, "successor": 1 })).unwrap();
    let endings = json!({ "completed": 3, "handed_over": 1, "put_back": 46 });
    assert_eq!(json_of(&reply)["endings"], endings);
    let sent = machine.sent().into_iter().find(|sent| sent.url.ends_with("/trigger-push-notification")).unwrap();
    assert_eq!(sent.at, Duration::ZERO, "the last of fifty");
    block_on(machine.finish());
}

#[test]
fn suspects_have_their_turn_when_all_else_is_settled_although_more_is_due() {
    let suspect = |machine: Machine, number| {
        let machine = machine.holds(&[cancel(number)]).responds("/cancel", 200, json!({}));
        machine.taking(Duration::from_secs(6)).settles()
    };
    let machine = with_slow_job(20);
    let machine = suspect(suspect(scheduling(machine, &["job_sync"]), 2), 3).responds("/job-runner", 200, json!({}));
    let types = json!(["job_sync", "cancel_skyvern_run"]);

    let reply = run(&machine, &json!({ "job_types": types })).unwrap();

    let endings = json!({ "completed": 3 });
    assert_eq!((&json_of(&reply)["endings"], &json_of(&reply)["more"]), (&endings, &json!(true)));
    let asked: Vec<Value> =
        machine.bodies("claim_background_jobs").iter().map(|body| body["p_suspect_only"].clone()).collect();
    assert_eq!(asked, [false, true, true], "until ten seconds later");
    let calls = machine.calls();
    let second_claim = calls.iter().rposition(|call| call == "cancel").unwrap();
    assert_eq!(calls[second_claim - 2..second_claim], [SETTLE, CLAIM], "each is settled before the next is begun");
    block_on(machine.finish());
}

#[test]
fn suspects_are_begun_for_ten_seconds() {
    let types = json!(["job_sync", "cancel_skyvern_run"]);
    for (milliseconds, begun) in [(9_999, 2), (10_000, 1)] {
        let suspect = |machine: Machine, number| {
            let machine = machine.holds(&[cancel(number)]).responds("/cancel", 200, json!({}));
            machine.taking(Duration::from_millis(milliseconds)).settles()
        };
        let machine = scheduling(with_slow_job(20), &["job_sync"]);
        let machine = (2..2 + begun).fold(machine, suspect).responds("/job-runner", 200, json!({}));
        let reply = run(&machine, &json!({ "job_types": types })).unwrap();
        assert_eq!(json_of(&reply)["endings"], json!({ "completed": 1 + begun }), "{milliseconds}");
        block_on(machine.finish());
    }
}

/// A purge that makes so many calls, and is settled.
fn purge(machine: Machine, calls: usize) -> Machine {
    let round = |rows: u32| json!({ "purged": { "skyvern_events": rows }, "after": {} });
    let machine = machine.holds(&[job(1, "purge", &json!({}))]);
    let machine = (1..calls).fold(machine, |machine, _| machine.returns("purge_expired_rows", round(2000)));
    machine.returns("purge_expired_rows", round(1)).settles()
}

#[test]
fn a_run_ends_before_it_makes_more_calls_than_a_worker_may() {
    // With the claim and the settlement: a look for more work is made after 799 calls, and none after 800.
    let request = json!({ "job_types": ["purge"], "successor": 1 });
    let machine = purge(Machine::new(), 797).holds_nothing();
    assert_eq!(json_of(&run(&machine, &request).unwrap())["more"], false);

    let machine = purge(Machine::new(), 798).responds("/job-runner", 200, json!({}));
    assert_eq!(json_of(&run(&machine, &request).unwrap())["more"], true);
    assert_eq!(settlements(&machine), [(1, completed(json!({ "skyvern_events": 797 * 2000 + 1 })))]);
    block_on(machine.finish());
}

#[test]
fn suspects_have_a_hundred_calls_more() {
    let request = json!({ "job_types": ["purge"] });
    // One call queues what is due.
    let used_up = || purge(scheduling(Machine::new(), &["purge"]), 797);
    let machine = purge(used_up(), 97).holds_nothing().responds("/job-runner", 200, json!({}));
    assert_eq!(json_of(&run(&machine, &request).unwrap())["endings"], json!({ "completed": 2 }));
    assert_eq!(machine.calls().len(), 900);
    block_on(machine.finish());

    let machine = purge(used_up(), 98).responds("/job-runner", 200, json!({}));
    assert_eq!(json_of(&run(&machine, &request).unwrap())["endings"], json!({ "completed": 2 }));
    assert_eq!(machine.calls().len(), 900);
    block_on(machine.finish());
}

#[test]
fn what_is_being_settled_when_the_last_job_ends_is_waited_for() {
    let machine = Machine::new()
        .holds(&[job_sync(1), no_operation(2)])
        .responds("/job-sync", 200, json!({}))
        .taking(Duration::from_secs(4))
        .extends()
        .settles()
        .taking(Duration::from_secs(5))
        .settles();
    let reply = run(&machine, &syncs()).unwrap();
    assert_eq!(json_of(&reply)["endings"], json!({ "completed": 2 }));
    let at: Vec<u64> =
        machine.sent().iter().filter(|sent| sent.call() == SETTLE).map(|sent| sent.at.as_secs()).collect();
    assert_eq!(at, [2, 7], "one after the other");
}

#[test]
fn a_job_that_was_handed_over_is_held_no_more_and_one_that_is_done_has_nothing_to_tell() {
    let delete = json!({ "buckets": ["resumes"], "folder": USER });
    let machine = Machine::new()
        .holds(&[job_sync(1), job(2, "push_notification", &json!({})), job(3, "delete_files", &delete)])
        .responds("/job-sync", 200, json!({}))
        .taking(Duration::from_secs(3))
        .responds("/trigger-push-notification", 200, json!({}))
        .responds("/object/list/resumes", 200, json!([]))
        .extends()
        .settles()
        .settles()
        .holds_nothing();
    let types = json!(["job_sync", "push_notification", "delete_files"]);
    let reply = run(&machine, &json!({ "job_types": types, "successor": 1 }));
    assert_eq!(json_of(&reply.unwrap())["endings"], json!({ "completed": 2, "handed_over": 1 }));
    let held = json!([
        { "job_id": id(1), "lease_number": 10, "progress": { "step": "syncing" } },
        { "job_id": id(3), "lease_number": 30 },
    ]);
    assert_eq!(machine.body("extend_background_jobs")["p_jobs"], held);
}

#[test]
fn news_that_came_while_the_queue_was_away_is_not_overwritten_by_older_news() {
    let delete = json!({ "buckets": ["resumes", "cover_letters", "photos"], "folder": USER });
    let empty = |machine: Machine, bucket: &str, seconds| {
        let machine = machine.responds(&format!("/object/list/{bucket}"), 200, json!([]));
        machine.taking(Duration::from_secs(seconds))
    };
    let machine = Machine::new().holds(&[job(1, "delete_files", &delete)]);
    let machine = empty(empty(empty(machine, "resumes", 7), "cover_letters", 8), "photos", 1)
        .fails("/rpc/extend_background_jobs", Failure::TimedOut)
        .extends()
        .settles()
        .holds_nothing();
    run(&machine, &json!({ "job_types": ["delete_files"] })).unwrap();
    let told = machine.bodies("extend_background_jobs");
    let done: Vec<&Value> = told.iter().map(|body| &body["p_jobs"][0]["progress"]["done"]).collect();
    assert_eq!(done, [0, 1]);
}
