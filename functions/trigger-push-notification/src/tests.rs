//! The whole handler, on a machine without a network.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    http::Reply,
    outgoing::Failure,
    problem::Problem,
    testing::{
        Attempts, Machine, block_on, failing_databases, internal_caller, json_of, person, post, problem_of,
        settings_with,
    },
};

use crate::handle;

const USER: &str = "4aa3c1b8-9c4e-4b0e-8f0e-5d1f6a7b8c9d";
const JOB: &str = "0b9619ff-8b86-4d11-b42d-00c04fc964ff";
const READ_AT: &str = "2026-03-02 10:15:00.5+00";

const CLAIM: &str = "claim_push_messages as the service role";
const SEND: &str = "send";
const RECORD: &str = "record_push_tickets as the service role";

fn message() -> Value {
    json!({ "user_id": USER, "title": "Application sent", "message": "It was sent.", "data": { "application_id": "7" } })
}

fn push(machine: &Machine, body: &Value) -> Result<Reply, Problem> {
    block_on(handle(&post(&internal_caller(), body), &machine.call()))
}

/// Devices with these numbers.
fn devices(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(|number| json!({ "id": device(number), "token": token(number) })).collect()
}

fn device(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn token(number: usize) -> String {
    format!("ExponentPushToken[{number}]")
}

fn claimed(messages: &Value) -> Machine {
    Machine::new().returns("claim_push_messages", json!({ "read_at": READ_AT, "messages": messages }))
}

/// A message of the caller's own, for so many devices.
fn direct(count: usize) -> Machine {
    let found = json!({ "claimed": false, "job_status": null, "lease_number": null, "payload": null,
                        "devices": devices(0..count) });
    claimed(&json!([found]))
}

/// A queued message that is ours now, for so many devices.
fn queued(count: usize) -> Machine {
    claimed(&json!([leased(&message(), count)]))
}

fn leased(payload: &Value, count: usize) -> Value {
    json!({ "claimed": true, "job_status": "running", "lease_number": 8, "payload": payload,
            "devices": devices(0..count) })
}

fn job() -> Value {
    json!({ "job_id": JOB })
}

fn taken(ids: &[&str]) -> Value {
    json!({ "data": ids.iter().map(|id| json!({ "status": "ok", "id": id })).collect::<Vec<_>>() })
}

fn ticket_error(error: &str) -> Value {
    json!({ "status": "error", "message": "no", "details": { "error": error } })
}

trait Expo {
    /// Expo takes the next request.
    fn takes(self, count: usize) -> Self;
    /// What became of it can be written down.
    fn records(self) -> Self;
    /// And so can that Expo took nothing.
    fn notes(self) -> Self;
}

impl Expo for Machine {
    fn takes(self, count: usize) -> Self {
        self.responds("/push/send", 200, taken(&vec!["t"; count]))
    }

    fn records(self) -> Self {
        self.returns("record_push_tickets", Value::Null)
    }

    fn notes(self) -> Self {
        self.returns("note_vendor_call", json!({}))
    }
}

/// How the one job is settled: its outcome, error, and when it is due again.
fn settled(machine: &Machine) -> (Value, Value, Value) {
    let mut body = machine.bodies("record_push_tickets").remove(0);
    let job = &mut body["p_jobs"][0];
    assert_eq!((&job["job_id"], &job["lease_number"]), (&json!(JOB), &json!(8)));
    (job["outcome"].take(), job["error"].take(), job["retry_after_seconds"].take())
}

#[test]
fn a_message_goes_to_every_device_and_the_tickets_are_kept() {
    let machine = direct(2).responds("/--/api/v2/push/send", 200, taken(&["t1", "t2"])).records();

    let reply = push(&machine, &message()).unwrap();

    let sent = |number, ticket| json!({ "device_id": device(number), "outcome": "sent", "ticket_id": ticket });
    let told = json!({ "sent": 2, "revoked": 0, "failed": 0, "not_sent": 0,
                       "messages": [{ "devices": [sent(0, "t1"), sent(1, "t2")] }] });
    assert_eq!((reply.status, json_of(&reply), reply.outcome.as_str()), (200, told, "sent"));
    assert_eq!(machine.calls(), [CLAIM, SEND, RECORD]);
    assert_eq!(machine.body("claim_push_messages"), json!({ "p_messages": [{ "user_id": USER }] }));
    let sent = &machine.body("send")[0];
    assert_eq!((&sent["to"], &sent["title"]), (&json!([token(0), token(1)]), &json!("Application sent")));
    assert_eq!((&sent["body"], &sent["data"]), (&json!("It was sent."), &json!({ "application_id": "7" })));
    let ticket = |number, ticket| {
        json!({ "device_id": device(number), "job_id": null, "ticket_id": ticket, "error": null, "message": null,
                "device_gone": false })
    };
    let recorded = json!({ "p_read_at": READ_AT, "p_tickets": [ticket(0, "t1"), ticket(1, "t2")], "p_jobs": [] });
    assert_eq!(machine.body("record_push_tickets"), recorded);
}

#[test]
fn a_queued_message_is_leased_sent_and_settled_with_its_tickets() {
    for (body, lease) in [(job(), Value::Null), (json!({ "job_id": JOB, "lease_number": 7 }), json!(7))] {
        let machine = queued(1).takes(1).records();
        let reply = push(&machine, &body).unwrap();
        assert_eq!(json_of(&reply)["messages"][0]["job_id"], JOB);
        assert_eq!(
            machine.body("claim_push_messages")["p_messages"],
            json!([{ "job_id": JOB, "lease_number": lease }])
        );
        let recorded = machine.body("record_push_tickets");
        assert_eq!(recorded["p_tickets"][0]["job_id"], JOB);
        let counts = json!({ "sent": 1, "revoked": 0, "failed": 0, "not_sent": 0 });
        let settlement = json!({ "job_id": JOB, "lease_number": 8, "outcome": "completed", "error": null,
                                 "result": counts, "retry_after_seconds": null });
        assert_eq!(recorded["p_jobs"], json!([settlement]));
    }
}

#[test]
fn whoever_has_no_device_is_told_nothing_and_their_job_is_done() {
    let machine = direct(0);
    assert_eq!(push(&machine, &message()).unwrap().outcome, "nobody");
    assert_eq!(machine.calls(), [CLAIM], "there is nothing to write down");

    let machine = queued(0).records();
    push(&machine, &job()).unwrap();
    assert_eq!(machine.calls(), [CLAIM, RECORD]);
    assert_eq!(settled(&machine), (json!("completed"), Value::Null, Value::Null));
}

#[test]
fn a_job_that_is_done_or_somebody_elses_is_left_alone() {
    for status in [json!("completed"), json!("running"), Value::Null] {
        let found = json!({ "claimed": false, "job_status": status, "lease_number": null, "payload": null,
                            "devices": devices(0..1) });
        let machine = claimed(&json!([found]));
        let reply = push(&machine, &job()).unwrap();
        let told = &json_of(&reply)["messages"][0];
        assert_eq!(
            (&told["error"], told.get("job_status")),
            (&json!("not_due"), Some(&status).filter(|s| !s.is_null()))
        );
        assert_eq!(machine.calls(), [CLAIM]);
    }
}

#[test]
fn a_queued_message_that_can_never_be_sent_fails_without_asking_expo() {
    let mut long = message();
    long["message"] = json!("b".repeat(4096));
    for (payload, error) in [(long, "MessageTooBig"), (json!({}), "malformed"), (Value::Null, "malformed")] {
        let machine = claimed(&json!([leased(&payload, 1)])).records();
        assert_eq!(json_of(&push(&machine, &job()).unwrap())["messages"][0]["error"], error);
        assert_eq!(machine.calls(), [CLAIM, RECORD]);
        assert_eq!(settled(&machine), (json!("failed"), json!(error), Value::Null));
    }
}

#[test]
fn a_device_that_is_gone_is_recorded_as_gone() {
    let mut found = leased(&message(), 2);
    found["devices"][0]["token"] = json!("no push token");
    let machine = claimed(&json!([found]))
        .responds("/push/send", 200, json!({ "data": [ticket_error("DeviceNotRegistered")] }))
        .records();
    let reply = push(&machine, &job()).unwrap();
    let told = json_of(&reply);
    assert_eq!((&told["revoked"], reply.outcome.as_str()), (&json!(2), "not_sent"));
    assert_eq!(machine.body("send")[0]["to"], json!([token(1)]), "what is no token is not sent to Expo");
    let recorded = machine.body("record_push_tickets");
    let gone: Vec<_> =
        recorded["p_tickets"].as_array().unwrap().iter().map(|row| (&row["error"], &row["device_gone"])).collect();
    assert_eq!(gone, [(&json!("invalid_token"), &json!(true)), (&json!("DeviceNotRegistered"), &json!(true))]);
    assert_eq!(settled(&machine), (json!("completed"), Value::Null, Value::Null));
}

#[test]
fn a_refusal_for_one_device_is_final_or_for_later() {
    for (ticket, outcome, settlement) in [
        (ticket_error("InvalidCredentials"), "failed", ("failed", json!("InvalidCredentials"))),
        (json!({ "status": "error" }), "failed", ("failed", json!("unknown"))),
        (ticket_error("MessageRateExceeded"), "not_sent", ("retry", json!("MessageRateExceeded"))),
    ] {
        let machine = queued(1).responds("/push/send", 200, json!({ "data": [ticket] })).records();
        let reply = push(&machine, &job()).unwrap();
        assert_eq!(json_of(&reply)["messages"][0]["devices"][0]["outcome"], outcome);
        assert_eq!(settled(&machine), (json!(settlement.0), settlement.1, Value::Null));
        let kept = machine.body("record_push_tickets")["p_tickets"].as_array().unwrap().len();
        assert_eq!(kept, usize::from(outcome == "failed"), "only what is final");
    }
}

#[test]
fn only_the_backend_itself_may_send_and_if_one_message_is_bad_none_is_sent() {
    let machine = Machine::new();
    for (headers, body, code) in [
        (Vec::new(), message(), "service_key_required"),
        (person(), message(), "service_key_required"),
        (internal_caller(), json!(7), "invalid_input"),
        (internal_caller(), json!([]), "invalid_input"),
        (internal_caller(), json!([message(), { "job_id": 7 }]), "invalid_input"),
        (internal_caller(), json!([job(), job()]), "invalid_input"),
        (internal_caller(), json!({ "job_id": JOB, "lease_number": "7" }), "invalid_input"),
        (internal_caller(), json!({ "user_id": USER, "title": " ", "message": "b" }), "invalid_input"),
        (internal_caller(), json!({ "user_id": USER, "title": "a", "message": "b".repeat(4096) }), "invalid_input"),
    ] {
        assert_eq!(problem_of(&block_on(handle(&post(&headers, &body), &machine.call()))), code, "{body}");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn a_claim_that_fails_is_not_made_again() {
    for (machine, code) in failing_databases("claim_push_messages", Attempts::One, Machine::new) {
        assert_eq!(problem_of(&push(&machine, &message())), code);
        assert_eq!(machine.calls(), [CLAIM]);
    }
    for found in [vec![], vec![leased(&message(), 1), leased(&message(), 1)]] {
        assert_eq!(problem_of(&push(&claimed(&json!(found)), &message())), "internal", "one message was asked about");
    }
}

#[test]
fn tickets_are_written_down_as_soon_as_the_database_is_back_and_nothing_is_sent_twice() {
    let machine = queued(1)
        .takes(1)
        .fails("/rpc/record_push_tickets", Failure::Unreachable)
        .fails("/rpc/record_push_tickets", Failure::Unreachable)
        .records();
    push(&machine, &job()).unwrap();
    assert_eq!(machine.calls(), [CLAIM, SEND, RECORD, RECORD, RECORD]);
    assert_eq!(machine.waited(), Duration::from_millis(100 + 400));
    for (machine, code) in failing_databases("record_push_tickets", Attempts::Three, || queued(1).takes(1)) {
        assert_eq!(problem_of(&push(&machine, &job())), code);
    }
}

/// Plans a failure.
type Fault = fn(Machine) -> Machine;

/// Expo's failures, whether the same request is made again, whether its job is, and the code.
fn failures() -> Vec<(Fault, bool, bool, &'static str)> {
    const PATH: &str = "/push/send";
    fn refused(machine: Machine, code: &str) -> Machine {
        machine.responds(PATH, 200, json!({ "errors": [{ "code": code, "message": "no" }] }))
    }
    vec![
        (|machine| machine.responds(PATH, 401, json!({})), false, true, "expo_unauthorized"),
        (|machine| refused(machine, "UNAUTHORIZED"), false, true, "expo_unauthorized"),
        (|machine| machine.responds(PATH, 400, json!({})), false, false, "expo_rejected"),
        (|machine| refused(machine, "VALIDATION_ERROR"), false, false, "expo_rejected"),
        (|machine| refused(machine, "PUSH_TOO_MANY_EXPERIENCE_IDS"), false, false, "expo_rejected"),
        (|machine| machine.responds(PATH, 429, json!({})), true, true, "expo_rate_limited"),
        (|machine| refused(machine, "TOO_MANY_REQUESTS"), true, true, "expo_rate_limited"),
        (|machine| machine.responds(PATH, 500, json!({})), true, true, "expo_failed"),
        (|machine| machine.responds(PATH, 504, json!({})), true, true, "expo_timed_out"),
        (|machine| machine.fails(PATH, Failure::Unreachable), true, true, "expo_unreachable"),
        (|machine| machine.responds_with(PATH, 200, &[], "<html>"), true, true, "expo_unreadable"),
        (|machine| machine.responds(PATH, 200, json!({ "data": [] })), true, true, "expo_unreadable"),
    ]
}

#[test]
fn what_may_pass_at_expo_is_tried_four_times_and_all_else_once() {
    for (fail, is_repeated, may_be_mended, code) in failures() {
        let attempts = if is_repeated { 4 } else { 1 };
        let machine = (0..attempts).fold(queued(1), |machine, _| fail(machine)).records().notes();
        assert_eq!(problem_of(&push(&machine, &job())), code, "the call has failed as a whole");
        assert_eq!(machine.calls().iter().filter(|call| *call == SEND).count(), attempts, "{code}");
        let waited = if is_repeated { 1 + 2 + 4 } else { 0 };
        assert_eq!(machine.waited(), Duration::from_secs(waited), "{code}");
        // The job is settled all the same, or somebody else would have to find out that it failed.
        let outcome = if may_be_mended { "retry" } else { "failed" };
        assert_eq!(settled(&machine), (json!(outcome), json!(code), Value::Null));
        assert_eq!(machine.body("record_push_tickets")["p_tickets"], json!([]));
        let noted = match code {
            "expo_unauthorized" => "refused",
            "expo_rejected" => "succeeded",
            "expo_rate_limited" => "limited",
            _ => "failed",
        };
        let note =
            json!({ "p_vendor": "expo", "p_outcome": noted, "p_retry_after_seconds": null, "p_costs_nothing": false });
        assert_eq!(machine.body("note_vendor_call"), note, "for the circuit breaker");
    }
}

#[test]
fn while_expo_is_left_alone_nothing_is_sent() {
    let paused = json!({ "read_at": READ_AT, "messages": [], "retry_after_seconds": 90 });
    for body in [message(), job()] {
        let machine = Machine::new().returns("claim_push_messages", paused.clone());
        let problem = push(&machine, &body).unwrap_err();
        assert_eq!((problem.kind().status, problem.kind().code), (503, "expo_paused"));
        assert_eq!((problem.retry_after(), machine.calls()), (Some(Duration::from_secs(90)), vec![CLAIM.to_owned()]));
    }
}

#[test]
fn a_request_that_gets_through_at_the_second_attempt_is_as_good_as_any() {
    let machine = direct(1).responds("/push/send", 503, json!({})).takes(1).records();
    assert_eq!(push(&machine, &message()).unwrap().outcome, "sent");
    assert_eq!(machine.waited(), Duration::from_secs(1));
    let bodies = machine.bodies("send");
    assert_eq!(bodies[0], bodies[1], "so that the second takes the place of the first on the screen");
}

#[test]
fn expo_is_asked_again_when_it_says_so_while_there_is_time() {
    for (retry_after, waited) in [("0", 1), ("15", 15), ("Mon, 02 Mar 2026 10:15:15 GMT", 15)] {
        let headers = [("retry-after", retry_after), ("date", "Mon, 02 Mar 2026 10:15:00 GMT")];
        let machine = queued(1).responds_with("/push/send", 429, &headers, "{}").takes(1).records();
        push(&machine, &job()).unwrap();
        assert_eq!(machine.waited(), Duration::from_secs(waited), "{retry_after}");
    }
}

#[test]
fn what_expo_wants_to_wait_for_longer_than_there_is_time_is_the_queues_to_wait_for() {
    for (retry_after, due_again) in [("22", 22), ("90", 90), ("999999999", 24 * 60 * 60)] {
        let machine =
            queued(1).responds_with("/push/send", 429, &[("retry-after", retry_after)], "{}").records().notes();
        assert_eq!(problem_of(&push(&machine, &job())), "expo_rate_limited");
        assert_eq!(machine.body("note_vendor_call")["p_retry_after_seconds"].to_string(), retry_after);
        assert_eq!(settled(&machine), (json!("retry"), json!("expo_rate_limited"), json!(due_again)));
        assert_eq!((machine.waited(), machine.calls().len()), (Duration::ZERO, 4));
    }
}

#[test]
fn an_expo_that_is_silent_is_given_up_before_the_lease_ends() {
    let machine =
        queued(1).fails("/push/send", Failure::TimedOut).fails("/push/send", Failure::TimedOut).records().notes();
    assert_eq!(problem_of(&push(&machine, &job())), "expo_timed_out");
    assert_eq!(machine.waited(), Duration::from_secs(10 + 1 + 10), "for a third attempt there is no time");
}

#[test]
fn the_last_attempt_has_only_the_time_that_is_left() {
    let late = [("retry-after", "17")];
    let machine = queued(1)
        .responds_with("/push/send", 429, &late, "{}")
        .fails("/push/send", Failure::TimedOut)
        .records()
        .notes();
    assert_eq!(problem_of(&push(&machine, &job())), "expo_timed_out");
    assert_eq!(machine.waited(), Duration::from_secs(22));
}

#[test]
fn with_less_than_a_second_left_no_attempt_is_begun() {
    let limited = |takes| {
        let machine = queued(1).responds_with("/push/send", 429, &[("retry-after", "21")], "{}");
        machine.taking(Duration::from_millis(takes))
    };
    let machine = limited(0).fails("/push/send", Failure::TimedOut).records().notes();
    assert_eq!(problem_of(&push(&machine, &job())), "expo_timed_out");
    assert_eq!(machine.waited(), Duration::from_secs(22), "the second attempt has the last second");

    let machine = limited(1).records().notes();
    assert_eq!(problem_of(&push(&machine, &job())), "expo_rate_limited");
    assert_eq!(
        (machine.waited(), settled(&machine).2),
        (Duration::from_millis(1), json!(21)),
        "it is the queue's then"
    );
}

#[test]
fn four_requests_are_under_way_at_the_same_time() {
    let machine = (0..5).fold(direct(500), |machine, _| machine.takes(100).taking(Duration::from_secs(1))).records();
    assert_eq!(json_of(&push(&machine, &message()).unwrap())["sent"], 500);
    let at: Vec<u64> = machine.sent().iter().filter(|sent| sent.call() == SEND).map(|sent| sent.at.as_secs()).collect();
    assert_eq!((at, machine.most_calls_at_once()), (vec![0, 0, 0, 0, 1], 4));
}

#[test]
fn more_than_a_hundred_devices_are_several_requests_and_one_that_fails_is_not_the_whole() {
    let failed = direct(150).takes(100).responds("/push/send", 401, json!({}));
    let machine = failed.records();
    let reply = push(&machine, &message()).unwrap();
    let told = json_of(&reply);
    assert_eq!((&told["sent"], &told["not_sent"], reply.outcome.as_str()), (&json!(100), &json!(50), "partly_sent"));
    assert_eq!(sizes(&machine), [100, 50]);
    assert_eq!(told["messages"][0]["devices"][100]["device_id"], device(100), "in the order of the devices");
}

/// How many recipients each request had.
fn sizes(machine: &Machine) -> Vec<usize> {
    machine.bodies("send").iter().map(|body| body[0]["to"].as_array().unwrap().len()).collect()
}

#[test]
fn a_refused_request_is_halved_until_the_bad_recipient_is_alone() {
    // Expo takes a request unless the recipient at place 120 is in it.
    let answers = [
        (100, true),
        (50, false),
        (25, false),
        (25, true),
        (12, true),
        (13, false),
        (6, true),
        (7, false),
        (3, false),
        (4, true),
        (1, true),
        (2, false),
        (1, true),
        (1, false),
    ];
    let machine = answers.iter().fold(direct(150), |machine, (size, is_taken)| {
        if *is_taken { machine.takes(*size) } else { machine.responds("/push/send", 400, json!({})) }
    });
    let machine = machine.records();
    let reply = push(&machine, &message()).unwrap();
    let told = json_of(&reply);
    assert_eq!((&told["sent"], &told["failed"], reply.outcome.as_str()), (&json!(149), &json!(1), "partly_sent"));
    assert_eq!(sizes(&machine), answers.map(|(size, _)| size));
    let devices = told["messages"][0]["devices"].as_array().unwrap();
    let refused: Vec<usize> = (0..150).filter(|place| devices[*place]["error"] == "expo_rejected").collect();
    assert_eq!(refused.len(), 1);
    let alone = machine.bodies("send").pop().unwrap();
    assert_eq!(alone[0]["to"], json!([token(refused[0])]), "the last request had the bad one alone");
}

#[test]
fn when_everything_is_refused_the_search_for_the_bad_one_ends() {
    let machine = (0..101).fold(queued(100), |machine, _| machine.responds("/push/send", 400, json!({})));
    let machine = machine.records().notes();
    assert_eq!(problem_of(&push(&machine, &job())), "expo_rejected");
    assert_eq!(
        settled(&machine),
        (json!("retry"), json!("expo_rejected"), Value::Null),
        "who is to blame is still open"
    );
}

#[test]
fn six_requests_fill_a_second_of_expos() {
    let machine = (0..7).fold(direct(650), |machine, place| machine.takes(if place < 6 { 100 } else { 50 })).records();
    assert_eq!(json_of(&push(&machine, &message()).unwrap())["sent"], 650);
    let at: Vec<Duration> = machine.sent().iter().filter(|sent| sent.call() == SEND).map(|sent| sent.at).collect();
    assert_eq!(at[..6], [Duration::ZERO; 6]);
    assert_eq!(at[6], Duration::from_millis(1100));
}

#[test]
fn requests_that_failed_together_come_back_one_after_the_other() {
    let failed = direct(200).responds("/push/send", 500, json!({})).responds("/push/send", 500, json!({}));
    let machine = failed.takes(100).takes(100).records();
    push(&machine, &message()).unwrap();
    let at: Vec<Duration> = machine.sent()[3..5].iter().map(|sent| sent.at).collect();
    assert_eq!(at, [Duration::from_secs(1), Duration::from_millis(1150)]);
}

#[test]
fn devices_of_several_projects_get_a_request_for_each_project() {
    let details = json!({ "@jobraker/app": [token(0), token(2)], "@jobraker/old": [token(1)] });
    let refusal =
        json!({ "errors": [{ "code": "PUSH_TOO_MANY_EXPERIENCE_IDS", "message": "no", "details": details }] });
    let machine = direct(3)
        .responds("/push/send", 400, refusal)
        .responds("/push/send", 200, taken(&["t0", "t2"]))
        .responds("/push/send", 200, taken(&["t1"]))
        .records();
    let reply = push(&machine, &message()).unwrap();
    let tickets: Vec<Value> = json_of(&reply)["messages"][0]["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|device| device["ticket_id"].clone())
        .collect();
    assert_eq!(tickets, ["t0", "t1", "t2"]);
    let sent: Vec<Value> = machine.bodies("send")[1..].iter().map(|body| body[0]["to"].clone()).collect();
    assert_eq!(sent, [json!([token(0), token(2)]), json!([token(1)])]);
}

#[test]
fn projects_that_split_nothing_are_halved() {
    let details = json!({ "@jobraker/app": [token(0), token(1)] });
    let refusal =
        json!({ "errors": [{ "code": "PUSH_TOO_MANY_EXPERIENCE_IDS", "message": "no", "details": details }] });
    let machine = direct(2).responds("/push/send", 400, refusal).takes(1).takes(1).records();
    assert_eq!(push(&machine, &message()).unwrap().outcome, "sent");
    assert_eq!(machine.calls(), [CLAIM, SEND, SEND, SEND, RECORD]);
}

#[test]
fn several_messages_go_in_one_request_and_each_has_its_own_outcome() {
    let other = json!({ "claimed": false, "job_status": null, "lease_number": null, "payload": null,
                        "devices": devices(5..6) });
    let machine = claimed(&json!([leased(&message(), 1), other]))
        .responds("/push/send", 200, json!({ "data": [{ "status": "ok", "id": "t" }, ticket_error("MessageTooBig")] }))
        .records();
    let reply = push(&machine, &json!([job(), message()])).unwrap();
    let told = json_of(&reply);
    assert_eq!(told["messages"][0]["devices"][0]["ticket_id"], "t");
    assert_eq!(told["messages"][1]["devices"][0]["error"], "MessageTooBig");
    assert_eq!((reply.outcome.as_str(), machine.body("send").as_array().unwrap().len()), ("partly_sent", 2));
    assert_eq!(settled(&machine).0, "completed", "the other message is not the job's");
}

#[test]
fn expos_token_is_sent_where_there_is_one_and_the_database_never_sees_it() {
    let token = |changes| {
        let machine = direct(1).takes(1).records();
        let call = machine.call_with(settings_with(changes));
        block_on(handle(&post(&internal_caller(), &message()), &call)).unwrap();
        machine.sent()[1].headers.get("authorization").map(str::to_owned)
    };
    assert_eq!(token(&[]), None);
    assert_eq!(token(&[("EXPO_ACCESS_TOKEN", "expo-token")]).as_deref(), Some("Bearer expo-token"));
}
