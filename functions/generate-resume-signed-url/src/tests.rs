//! The whole handler, on a machine without a network.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    outgoing::Failure,
    problem::Problem,
    testing::{Machine, block_on, internal_caller, json_of, person, post, post_bytes, problem_of, settings_with},
};

use crate::handle;

const PATH: &str = "4aa3c1b8-9c4e-4b0e-8f0e-5d1f6a7b8c9d/ada.pdf";

fn signed() -> Value {
    json!({ "signedURL": "/object/sign/elsewhere/other.pdf?token=t.o-k" })
}

fn problem(machine: &Machine, body: &Value) -> &'static str {
    problem_of(&block_on(handle(&post(&person(), body), &machine.call())))
}

#[test]
fn a_link_is_signed_with_the_persons_own_token_and_lasts_as_long_as_was_asked() {
    for (body, path, lasts, until) in [
        (json!({ "resume_path_in_storage": PATH }), "resumes", 600, "2026-03-02T10:25:00.000Z"),
        (json!({ "resume_path_in_storage": PATH, "expires_in": 60 }), "resumes", 60, "2026-03-02T10:16:00.000Z"),
        (
            json!({ "resume_path_in_storage": PATH, "expires_in": 3600, "bucket": "cover_letters" }),
            "cover_letters",
            3600,
            "2026-03-02T11:15:00.000Z",
        ),
    ] {
        // Whoever is told a time must not find that the link ended before it, however slow the file store is.
        let machine = Machine::new()
            .responds(&format!("/storage/v1/object/sign/{path}/{PATH}"), 200, signed())
            .taking(Duration::from_secs(3));

        let reply = block_on(handle(&post(&person(), &body), &machine.call())).unwrap();

        let url = format!("https://project.supabase.example/storage/v1/object/sign/{path}/{PATH}?token=t.o-k");
        assert_eq!((reply.status, json_of(&reply)), (200, json!({ "signed_url": url, "expires_at": until })));
        assert_eq!(machine.calls(), ["ada.pdf as the person"]);
        assert_eq!(machine.body("ada.pdf"), json!({ "expiresIn": lasts }));
    }
}

#[test]
fn the_end_that_is_told_is_the_one_in_the_link_whatever_the_time_is_here() {
    // {"exp":1772446800}: 10:20:00, and it is 10:15:00 here.
    let signed = json!({ "signedURL": "/object/sign/resumes/u/cv.pdf?token=e30.eyJleHAiOjE3NzI0NDY4MDB9.c2ln" });
    let machine = Machine::new().responds("/ada.pdf", 200, signed);
    let reply =
        block_on(handle(&post(&person(), &json!({ "resume_path_in_storage": PATH })), &machine.call())).unwrap();
    assert_eq!(json_of(&reply)["expires_at"], json!("2026-03-02T10:20:00.000Z"));
}

#[test]
fn the_service_role_key_is_not_needed() {
    let machine = Machine::new().responds("/ada.pdf", 200, signed());
    let call = machine.call_with(settings_with(&[("SUPABASE_SERVICE_ROLE_KEY", "")]));
    let reply = block_on(handle(&post(&person(), &json!({ "resume_path_in_storage": PATH })), &call)).unwrap();
    assert_eq!(reply.status, 200);
}

#[test]
fn nobody_gets_a_link_without_signing_in() {
    let machine = Machine::new();
    let body = json!({ "resume_path_in_storage": PATH });
    let altered = person().into_iter().map(|(name, token)| (name, with_another_signature(&token))).collect();
    let longer = person().into_iter().map(|(name, token)| (name, token + "AAAA")).collect();
    for (headers, code) in [
        (Vec::new(), "token_missing"),
        (vec![("authorization", "Bearer sb_publishable_key".to_owned())], "token_missing"),
        (internal_caller(), "token_malformed"),
        (altered, "token_signature_invalid"),
        (longer, "token_signature_invalid"),
    ] {
        let result = block_on(handle(&post(&headers, &body), &machine.call()));
        assert_eq!(problem_of(&result), code);
    }
    assert!(machine.sent().is_empty());
}

fn with_another_signature(token: &str) -> String {
    let (content, _) = token.rsplit_once('.').unwrap();
    // 32 zero bytes: of the right length, and in the one spelling that base64url has for them.
    format!("{content}.{}", "A".repeat(43))
}

#[test]
fn nobody_is_turned_away_as_a_stranger_while_clerks_keys_cannot_be_had() {
    // {"alg":"RS256","kid":"k"}.{"iss":"https://clerk.example"}
    let token = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2NsZXJrLmV4YW1wbGUifQ.c2ln";
    let machine = Machine::new().fails("/.well-known/jwks.json", Failure::TimedOut);
    let body = json!({ "resume_path_in_storage": PATH });
    let incoming = post(&[("authorization", token.to_owned())], &body);
    assert_eq!(problem_of(&block_on(handle(&incoming, &machine.call()))), "sign_in_unavailable");
    assert_eq!(machine.waited().as_secs(), 5, "a person is waiting");
}

#[test]
fn every_bad_field_is_named() {
    for (body, bad) in [
        (json!({}), &["resume_path_in_storage"][..]),
        (json!({ "resume_path_in_storage": 7 }), &["resume_path_in_storage"]),
        (json!({ "expires_in": 59 }), &["resume_path_in_storage", "expires_in"]),
        (json!({ "resume_path_in_storage": PATH, "expires_in": 3601 }), &["expires_in"]),
        (json!({ "resume_path_in_storage": PATH, "bucket": 7 }), &["bucket"]),
        (json!([]), &["body"]),
    ] {
        let machine = Machine::new();
        match block_on(handle(&post(&person(), &body), &machine.call())) {
            Err(Problem::InvalidInput(errors)) => {
                assert_eq!(errors.iter().map(|error| error.field).collect::<Vec<_>>(), bad, "{body}");
            }
            other => panic!("{body} is invalid: {other:?}"),
        }
    }
    let cut_off = post_bytes("", &person(), "{");
    assert_eq!(problem_of(&block_on(handle(&cut_off, &Machine::new().call()))), "invalid_input");
}

#[test]
fn a_path_that_no_file_can_have_is_not_asked_for() {
    for body in [
        json!({ "resume_path_in_storage": "ada.pdf" }),
        json!({ "resume_path_in_storage": format!("{PATH}/../../other.pdf") }),
        json!({ "resume_path_in_storage": "a/%2e%2e/b" }),
        json!({ "resume_path_in_storage": PATH, "bucket": "avatars" }),
    ] {
        assert_eq!(problem(&Machine::new(), &body), "path_not_allowed", "{body}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told_from_a_file_store_that_fails() {
    let said = |status: &str, message: &str| json!({ "statusCode": status, "error": "x", "message": message });
    let refusal = |status: &str| said(status, "x");
    let machine = |status, body: Value| Machine::new().responds("/ada.pdf", status, body);
    for (machine, code) in [
        (machine(400, refusal("404")), "file_not_found"),
        (machine(400, refusal("400")), "file_not_found"),
        (machine(400, refusal("403")), "storage_failed"),
        (machine(400, said("403", "\"exp\" claim timestamp check failed")), "token_expired"),
        (machine(400, said("403", "jwt expired")), "token_expired"),
        (machine(400, said("403", "signature verification failed")), "storage_failed"),
        (machine(500, said("500", "the certificate expired")), "storage_failed"),
        (machine(500, refusal("500")), "storage_failed"),
        (machine(404, json!({})), "storage_failed"),
        (machine(200, json!({})), "storage_failed"),
        (machine(200, json!({ "signedURL": "/object/sign/resumes/ada.pdf" })), "storage_failed"),
        (Machine::new().responds_with("/ada.pdf", 502, &[], "<html>"), "storage_failed"),
        (Machine::new().fails("/ada.pdf", Failure::Unreachable), "storage_failed"),
        (Machine::new().fails("/ada.pdf", Failure::TimedOut), "storage_timed_out"),
    ] {
        assert_eq!(problem(&machine, &json!({ "resume_path_in_storage": PATH })), code);
        assert_eq!(machine.sent().len(), 1, "it is asked once");
    }
}
