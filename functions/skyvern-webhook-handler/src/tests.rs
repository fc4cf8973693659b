//! The whole handler, on a machine without a network.

use serde_json::{Value, json};
use shared::{
    http::Incoming,
    outgoing::Failure,
    secret::Secret,
    testing::{Attempts, Machine, block_on, failing_databases, json_of, post_bytes, problem_of, settings_with},
    vendors::skyvern::sign,
};

use crate::handle;

const APPLICATION: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
const SUBMISSION: &str = "1c9619ff-8b86-4d11-b42d-00c04fc964ff";
const JOB: &str = "0b9619ff-8b86-4d11-b42d-00c04fc964ff";

fn webhook_to(query: &str, body: &Value) -> Incoming {
    signed_with("skyvern-key", query, body)
}

fn signed_with(key: &str, query: &str, body: &Value) -> Incoming {
    let body = body.to_string();
    let signature = sign(&Secret::new(key), body.as_bytes());
    post_bytes(query, &[("x-skyvern-signature", signature)], body)
}

fn webhook(body: &Value) -> Incoming {
    webhook_to(&format!("application_id={APPLICATION}&submission_id={SUBMISSION}"), body)
}

fn failed_run() -> Incoming {
    webhook(&json!({ "run_id": "tsk_41", "status": "failed", "attempt": 2 }))
}

fn applied(push_job_id: Option<&str>) -> Value {
    json!({ "outcome": "applied", "application_id": APPLICATION, "status": "FAILED_SKYVERN_SUBMISSION",
            "push_job_id": push_job_id })
}

fn problem(machine: &Machine, incoming: &Incoming) -> &'static str {
    problem_of(&block_on(handle(incoming, &machine.call())))
}

#[test]
fn an_event_is_written_down_in_one_call_and_its_push_job_is_sent_after_the_response() {
    let machine = Machine::new().returns("apply_skyvern_event", applied(Some(JOB))).responds(
        "/trigger-push-notification",
        200,
        json!({}),
    );
    let call = machine.call();

    let incoming = failed_run();
    let reply = block_on(handle(&incoming, &call)).unwrap();

    let told = json!({ "outcome": "applied", "application_id": APPLICATION, "status": "FAILED_SKYVERN_SUBMISSION" });
    assert_eq!((reply.status, json_of(&reply)), (200, told), "Skyvern need not know of the push job");
    assert_eq!(machine.calls(), ["apply_skyvern_event as the service role"]);
    let mut arguments = machine.body("apply_skyvern_event");
    assert_eq!(arguments["p_decision"].take()["status"], "FAILED_SKYVERN_SUBMISSION");
    let expected = json!({
        "p_run_id": "tsk_41", "p_run_status": "failed", "p_attempt": 2, "p_retry_pending": false,
        "p_application_id": APPLICATION, "p_submission_id": SUBMISSION, "p_decision": null,
        "p_body": String::from_utf8_lossy(&incoming.body), "p_request_id": call.request_id,
        "p_source": "skyvern_webhook",
    });
    assert_eq!(arguments, expected);

    block_on(machine.finish());
    assert_eq!(machine.calls()[1..], ["trigger-push-notification as the service role"]);
    assert_eq!(machine.body("trigger-push-notification"), json!({ "job_id": JOB }));
    assert_eq!(machine.sent()[1].headers.get("x-request-id"), Some(call.request_id.to_string().as_str()));
}

#[test]
fn an_event_that_tells_the_person_nothing_sends_no_push_message() {
    for outcome in ["applied", "kept", "out_of_order", "duplicate", "waiting", "other_run"] {
        let returned = json!({ "outcome": outcome, "application_id": null, "status": null, "push_job_id": null });
        let machine = Machine::new().returns("apply_skyvern_event", returned);
        let reply = block_on(handle(&failed_run(), &machine.call())).unwrap();
        assert_eq!((reply.status, reply.outcome.as_str()), (200, outcome));
        block_on(machine.finish());
        assert_eq!(machine.sent().len(), 1);
    }
}

#[test]
fn what_cannot_be_read_in_the_address_is_left_out_and_the_event_is_written_down() {
    for query in ["", "application_id=&submission_id=7", "application_id=x'--"] {
        let machine = Machine::new().returns("apply_skyvern_event", applied(None));
        let incoming = webhook_to(query, &json!({ "run_id": "tsk_41", "status": "running" }));
        assert_eq!(block_on(handle(&incoming, &machine.call())).unwrap().status, 200);
        let arguments = machine.body("apply_skyvern_event");
        assert_eq!((&arguments["p_application_id"], &arguments["p_submission_id"]), (&Value::Null, &Value::Null));
        assert_eq!(arguments["p_decision"]["notification"], Value::Null, "while the run goes on nobody is told");
    }
}

#[test]
fn a_push_message_that_cannot_be_sent_at_once_takes_nothing_back() {
    let applied = || Machine::new().returns("apply_skyvern_event", applied(Some(JOB)));
    for machine in [
        applied().fails("/trigger-push-notification", Failure::TimedOut),
        applied().fails("/trigger-push-notification", Failure::Unreachable),
        applied().responds("/trigger-push-notification", 502, json!({})),
        applied().without_service_bindings(),
    ] {
        assert_eq!(block_on(handle(&failed_run(), &machine.call())).unwrap().status, 200);
        block_on(machine.finish());
    }
}

#[test]
fn without_the_right_signature_nothing_is_asked_of_the_database() {
    let machine = Machine::new();
    let mut unsigned = failed_run();
    unsigned.headers = [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect();
    let mut altered = failed_run();
    altered.body.push(b' ');
    for incoming in [unsigned, altered] {
        assert_eq!(problem(&machine, &incoming), "signature_invalid");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn while_a_key_is_replaced_the_old_one_and_the_new_one_are_good() {
    let body = json!({ "run_id": "tsk_41", "status": "failed" });
    for (keys, key, is_good) in [
        ("new-key,skyvern-key", "new-key", true),
        ("new-key,skyvern-key", "skyvern-key", true),
        ("new-key,skyvern-key", "older-key", false),
        ("new-key,skyvern-key", "new-key,skyvern-key", false),
        ("new-key,skyvern-key", "", false),
        ("new-key", "skyvern-key", false),
    ] {
        let mut machine = Machine::new();
        if is_good {
            machine = machine.returns("apply_skyvern_event", applied(None));
        }
        let call = machine.call_with(settings_with(&[("SKYVERN_WEBHOOK_SECRET", keys)]));
        let result = block_on(handle(&signed_with(key, "", &body), &call));
        if is_good {
            assert_eq!(result.unwrap().status, 200, "{key:?} of {keys:?}");
        } else {
            assert_eq!(problem_of(&result), "signature_invalid", "{key:?} of {keys:?}");
        }
    }
}

#[test]
fn a_run_that_will_be_tried_again_and_one_that_says_little_are_written_down_as_they_are() {
    for (body, attempt, retry_pending) in [
        (json!({ "run_id": "tsk_41", "status": "failed", "attempt": 3, "retry_pending": true }), 3, true),
        (json!({ "run_id": "tsk_41", "status": "failed" }), 1, false),
        (json!({ "run_id": "tsk_41", "status": "failed", "attempt": null, "retry_pending": null }), 1, false),
    ] {
        let machine = Machine::new().returns("apply_skyvern_event", applied(None));
        block_on(handle(&webhook(&body), &machine.call())).unwrap();
        let arguments = machine.body("apply_skyvern_event");
        let told = (&arguments["p_attempt"], &arguments["p_retry_pending"]);
        assert_eq!(told, (&json!(attempt), &json!(retry_pending)), "{body}");
        let is_told = arguments["p_decision"]["notification"].is_object();
        assert_eq!(is_told, !retry_pending, "while it may still succeed nobody is told: {arguments}");
    }
}

#[test]
fn what_is_signed_and_no_event_is_refused() {
    let machine = Machine::new();
    for body in [json!({}), json!([]), json!({ "run_id": 7, "status": "failed" }), json!({ "run_id": "tsk_41" })] {
        assert_eq!(problem(&machine, &webhook(&body)), "invalid_input", "{body}");
    }
    let mut plain_text = failed_run();
    let headers =
        ["x-skyvern-signature"].map(|name| (name.to_owned(), plain_text.headers.get(name).unwrap().to_owned()));
    plain_text.headers = headers.into_iter().collect();
    assert_eq!(problem(&machine, &plain_text), "unsupported_media_type");
    assert!(machine.sent().is_empty());
}

#[test]
fn a_database_that_fails_makes_skyvern_send_again() {
    for (machine, code) in failing_databases("apply_skyvern_event", Attempts::One, Machine::new) {
        assert_eq!(problem(&machine, &failed_run()), code);
    }
    let machine = Machine::new().returns("apply_skyvern_event", json!({ "odd": true }));
    assert_eq!(problem(&machine, &failed_run()), "internal");
}
