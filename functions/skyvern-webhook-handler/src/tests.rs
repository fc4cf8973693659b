//! The whole handler, on a machine without a network.

use serde_json::{Value, json};
use shared::{
    http::Incoming,
    outgoing::Failure,
    secret::Secret,
    testing::{Machine, block_on, post_bytes},
    vendors::skyvern::sign,
};

use crate::handle;

const APPLICATION: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
const JOB: &str = "0b9619ff-8b86-4d11-b42d-00c04fc964ff";

fn webhook(body: &Value) -> Incoming {
    let body = body.to_string();
    let signature = sign(&Secret::new("skyvern-key"), body.as_bytes());
    post_bytes(&format!("application_id={APPLICATION}"), &[("x-skyvern-signature", signature)], body)
}

fn failed_run() -> Incoming {
    webhook(&json!({ "run_id": "tsk_41", "status": "failed", "attempt": 2 }))
}

fn applied(push_job_id: Option<&str>) -> Value {
    json!({ "outcome": "applied", "application_id": APPLICATION, "status": "FAILED_SKYVERN_SUBMISSION",
            "push_job_id": push_job_id })
}

fn code(machine: &Machine, incoming: &Incoming) -> &'static str {
    block_on(handle(incoming, &machine.call())).unwrap_err().kind().code
}

#[test]
fn an_event_is_written_down_in_one_call_and_its_push_job_is_sent_after_the_response() {
    let machine = Machine::new().responds("/rpc/apply_skyvern_event", 200, applied(Some(JOB))).responds(
        "/trigger-push-notification",
        200,
        json!({}),
    );

    let reply = block_on(handle(&failed_run(), &machine.call())).unwrap();

    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, &answer["status"]), (200, &json!("FAILED_SKYVERN_SUBMISSION")));
    assert_eq!(answer.get("push_job_id"), None, "Skyvern need not know of it");
    assert_eq!(machine.paths(), ["apply_skyvern_event"]);
    let arguments = &machine.sent()[0].body;
    assert_eq!((&arguments["p_application_id"], &arguments["p_attempt"]), (&json!(APPLICATION), &json!(2)));
    assert_eq!(arguments["p_decision"]["status"], "FAILED_SKYVERN_SUBMISSION");

    block_on(machine.finish());
    assert_eq!(machine.sent()[1].body, json!({ "job_id": JOB }));
    assert_eq!(machine.sent()[1].headers.get("authorization"), Some("Bearer eyJservice"));
}

#[test]
fn a_push_message_that_cannot_be_sent_at_once_takes_nothing_back() {
    let machine = Machine::new()
        .responds("/rpc/apply_skyvern_event", 200, applied(Some(JOB)))
        .fails("/trigger-push-notification", Failure::TimedOut);
    assert_eq!(block_on(handle(&failed_run(), &machine.call())).unwrap().status, 200);
    block_on(machine.finish());
    assert!(machine.is_exhausted());
}

#[test]
fn without_the_right_signature_nothing_is_asked_of_the_database() {
    let machine = Machine::new();
    let mut unsigned = failed_run();
    unsigned.headers = [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect();
    let mut altered = failed_run();
    altered.body.push(b' ');
    for incoming in [unsigned, altered] {
        assert_eq!(code(&machine, &incoming), "signature_invalid");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn what_is_signed_and_no_event_is_refused() {
    let machine = Machine::new();
    for body in [json!({}), json!([]), json!({ "run_id": 7, "status": "failed" }), json!({ "run_id": "tsk_41" })] {
        assert_eq!(code(&machine, &webhook(&body)), "invalid_input", "{body}");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn a_database_that_fails_makes_skyvern_send_again() {
    let down = json!({ "code": "PGRST000", "message": "no connection", "details": null, "hint": null });
    let machine = Machine::new().responds("/rpc/apply_skyvern_event", 503, down);
    assert_eq!(code(&machine, &failed_run()), "database_unavailable");
    let machine = Machine::new().fails("/rpc/apply_skyvern_event", Failure::TimedOut);
    assert_eq!(code(&machine, &failed_run()), "database_timed_out");
}
