//! The whole handler, on a machine without a network.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    http::Incoming,
    testing::{
        Attempts, Machine, block_on, failing_databases, fixture, json_of, post_bytes, problem_of, settings_with,
        signed_by_clerk,
    },
};

use crate::handle;

const USER: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

fn webhook(body: &Value) -> Incoming {
    let body = body.to_string();
    let headers = signed_by_clerk("msg_2lab", Machine::new().now(), body.as_bytes());
    post_bytes("", &headers, body)
}

fn updated() -> Incoming {
    webhook(&json!({ "type": "user.updated", "data": {
        "id": "user_2lab", "updated_at": 1_795_166_034_000_i64, "first_name": "Ada", "last_name": "Lovelace",
        "primary_email_address_id": "idn_1",
        "email_addresses": [{ "id": "idn_1", "email_address": "ada@x.example", "verification": { "status": "verified" } }],
    } }))
}

fn problem(machine: &Machine, incoming: &Incoming) -> &'static str {
    problem_of(&block_on(handle(incoming, &machine.call())))
}

#[test]
fn what_clerk_says_of_a_person_is_written_down_in_one_call() {
    let machine = Machine::new().returns("apply_clerk_event", json!({ "outcome": "updated", "user_id": USER }));
    let call = machine.call();

    let incoming = updated();
    let reply = block_on(handle(&incoming, &call)).unwrap();

    assert_eq!((reply.status, json_of(&reply)), (200, json!({ "outcome": "updated", "user_id": USER })));
    assert_eq!(machine.calls(), ["apply_clerk_event as the service role"]);
    let expected = json!({
        "p_event_id": "msg_2lab", "p_event_type": "user.updated", "p_clerk_user_id": "user_2lab",
        "p_updated_at": 1_795_166_034_000_i64,
        "p_person": { "email": "ada@x.example", "phone_number": null, "full_name": "Ada Lovelace" },
        "p_body": String::from_utf8_lossy(&incoming.body), "p_request_id": call.request_id,
    });
    assert_eq!(machine.body("apply_clerk_event"), expected);
}

#[test]
fn a_person_who_is_gone_is_named_and_nothing_else_is_said_of_them() {
    let machine = Machine::new().returns("apply_clerk_event", json!({ "outcome": "deleted", "user_id": USER }));
    let deleted = webhook(&json!({ "type": "user.deleted", "data": { "id": "user_2lab", "deleted": true } }));
    assert_eq!(block_on(handle(&deleted, &machine.call())).unwrap().status, 200);
    let arguments = machine.body("apply_clerk_event");
    assert_eq!(
        (&arguments["p_event_type"], &arguments["p_clerk_user_id"]),
        (&json!("user.deleted"), &json!("user_2lab"))
    );
    assert_eq!((&arguments["p_person"], &arguments["p_updated_at"]), (&Value::Null, &Value::Null));
}

#[test]
fn of_a_new_person_the_id_and_the_time_are_enough() {
    let machine = Machine::new().returns("apply_clerk_event", json!({ "outcome": "created", "user_id": USER }));
    let created = webhook(&json!({ "type": "user.created", "data": { "id": "user_2lab", "updated_at": 7 } }));
    assert_eq!(block_on(handle(&created, &machine.call())).unwrap().outcome, "created");
    let arguments = machine.body("apply_clerk_event");
    assert_eq!((&arguments["p_event_type"], &arguments["p_updated_at"]), (&json!("user.created"), &json!(7)));
    assert_eq!(arguments["p_person"], json!({ "email": null, "phone_number": null, "full_name": null }));
}

#[test]
fn a_repeated_event_has_the_same_response_as_a_new_one_but_for_its_outcome() {
    for outcome in ["created", "updated", "deleted", "account_deleted", "outdated", "duplicate"] {
        let machine = Machine::new().returns("apply_clerk_event", json!({ "outcome": outcome, "user_id": null }));
        let reply = block_on(handle(&updated(), &machine.call())).unwrap();
        assert_eq!((reply.status, json_of(&reply)), (200, json!({ "outcome": outcome, "user_id": null })));
    }
}

#[test]
fn events_of_other_kinds_are_kept_nowhere() {
    let machine = Machine::new();
    let reply = block_on(handle(&webhook(&json!({ "type": "session.created", "data": 7 })), &machine.call())).unwrap();
    assert_eq!((reply.status, json_of(&reply)), (200, json!({ "outcome": "ignored", "user_id": null })));
    assert!(machine.sent().is_empty());
}

#[test]
fn without_the_right_signature_nothing_is_asked_of_the_database() {
    let machine = Machine::new();
    let body = updated().body;
    let unsigned = post_bytes("", &[], body.clone());
    let mut altered = updated();
    altered.body.push(b' ');
    let (now, old) = (machine.now(), Duration::from_secs(301));
    let long_ago = post_bytes("", &signed_by_clerk("msg_2lab", now, &body), body.clone());
    assert_eq!(problem(&machine, &unsigned), "signature_invalid");
    assert_eq!(problem(&machine, &altered), "signature_invalid");
    machine.passes(old);
    assert_eq!(problem(&machine, &long_ago), "signature_invalid", "it is checked by the time at which it came in");
    assert!(machine.sent().is_empty());
}

#[test]
fn while_a_secret_is_rotated_the_old_one_and_the_new_one_are_good() {
    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let both = format!("{NEW},{OLD}");
    for (secrets, is_good) in [(OLD, true), (both.as_str(), true), (NEW, false)] {
        let mut machine = Machine::new();
        if is_good {
            machine = machine.returns("apply_clerk_event", json!({ "outcome": "updated", "user_id": USER }));
        }
        let call = machine.call_with(settings_with(&[("CLERK_WEBHOOK_SECRET", secrets)]));
        let result = block_on(handle(&updated(), &call));
        if is_good {
            assert_eq!(result.unwrap().status, 200, "{secrets}");
        } else {
            assert_eq!(problem_of(&result), "signature_invalid", "{secrets}");
        }
    }
}

#[test]
fn what_is_signed_and_no_event_is_refused() {
    let machine = Machine::new();
    for body in [
        json!({}),
        json!([]),
        json!({ "type": "user.created" }),
        json!({ "type": "user.created", "data": { "id": "user_2lab" } }),
        json!({ "type": "user.created", "data": { "id": "org_2lab", "updated_at": 1 } }),
        json!({ "type": "user.created", "data": { "id": "user_2lab", "updated_at": -1 } }),
        json!({ "type": "user.deleted", "data": { "id": "" } }),
    ] {
        assert_eq!(problem(&machine, &webhook(&body)), "invalid_input", "{body}");
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn a_database_that_fails_makes_clerk_send_again() {
    for (machine, code) in failing_databases("apply_clerk_event", Attempts::One, Machine::new) {
        assert_eq!(problem(&machine, &updated()), code);
    }
    let machine = Machine::new().returns("apply_clerk_event", json!({ "odd": true }));
    assert_eq!(problem(&machine, &updated()), "internal");
}

#[test]
fn what_clerk_was_seen_to_send_is_read() {
    let body = fixture("clerk/event").body;
    let machine = Machine::new().returns("apply_clerk_event", json!({ "outcome": "updated", "user_id": USER }));
    assert_eq!(block_on(handle(&webhook(&body), &machine.call())).unwrap().status, 200);
    let arguments = machine.body("apply_clerk_event");
    assert_eq!(
        (&arguments["p_event_type"], &arguments["p_clerk_user_id"], &arguments["p_updated_at"]),
        (&json!("user.updated"), &json!("user_2lab"), &json!(1_795_166_034_000_i64))
    );

    let machine = Machine::new().returns("apply_clerk_event", json!({ "outcome": "deleted", "user_id": USER }));
    let deleted = json!({ "type": "user.deleted", "data": fixture("clerk/user_deleted").body });
    assert_eq!(block_on(handle(&webhook(&deleted), &machine.call())).unwrap().status, 200);
    assert_eq!(machine.body("apply_clerk_event")["p_clerk_user_id"], "user_2lab");
}
