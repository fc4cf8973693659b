//! What every function says to requests that are not in order: all functions against all that can be wrong with a body.
//!
//! Each request is let in (token, key or signature are good), so that it is the body alone that is refused. What a
//! search refuses is in `functions/search.rs` in more detail.

use serde_json::{Value, json};
use tests::{FUNCTIONS, Function, Method, Person, Reply, Stack};

const JSON: &str = "application/json";

/// Sends a body that must be refused, and checks everything that all refusals have in common.
async fn refused(stack: &Stack, person: &Person, function: Function, media_type: &str, body: Vec<u8>) -> Reply {
    let request = function.request(stack, person, body).await.header("content-type", media_type);
    let reply = Reply::to(request).await;
    stack.expect_discreet(&reply);
    let calls = reply.header("server-timing");
    assert!(calls.is_empty() || calls.starts_with("clerk;"), "nobody is bothered with it: {reply:?}");
    reply
}

/// The fields that an answer names, each once, in the order of the alphabet.
fn named(reply: &Reply) -> Vec<&str> {
    let errors = reply.json["errors"].as_array().unwrap_or_else(|| panic!("no errors in {reply:?}"));
    let mut fields: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for function in FUNCTIONS {
        for too_long in [function.body_limit + 1, 3 * function.body_limit] {
            let reply = refused(&stack, &ada, function, JSON, vec![b' '; too_long]).await;
            reply.expect_problem(413, "body_too_large");
        }
        let reply = refused(&stack, &ada, function, JSON, vec![b' '; function.body_limit]).await;
        reply.expect_problem(400, "invalid_input");
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for function in FUNCTIONS {
        for media_type in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"] {
            let body = function.good_body(&ada).await.to_string().into_bytes();
            let reply = refused(&stack, &ada, function, media_type, body).await;
            reply.expect_problem(415, "unsupported_media_type");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let deep = "[".repeat(20_000);
    for function in FUNCTIONS {
        for body in [
            &b""[..],
            b"{",
            b"{} {}",
            b"{'a': 1}",
            b"keywords=rust",
            b"<html><body>Hello</body></html>",
            b"\xff\xfe\x00\x00",
            b"{\"\xc3\x28\": 1}",
            b"{\"type\": \"\\ud800\", \"run_id\": \"\\ud800\", \"application_id\": \"\\ud800\"}",
            deep.as_bytes(),
            b"null",
            b"7",
            b"\"text\"",
            b"[7]",
        ] {
            if body.is_empty() && function.accepts_empty_body {
                continue;
            }
            let reply = refused(&stack, &ada, function, JSON, body.to_vec()).await;
            assert_eq!(named(&reply), ["body"], "{reply:?}");
            reply.expect_problem(400, "invalid_input");
        }
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let stack = Stack::get().await;
    for function in FUNCTIONS {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            if function.allow.contains(method.as_str()) {
                continue;
            }
            let reply = Reply::to(stack.http(method, stack.function_url(function.name))).await;
            stack.expect_discreet(&reply);
            assert_eq!(reply.header("allow"), function.allow, "{reply:?}");
            reply.expect_problem(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn wrong_types_and_absurd_values_are_refused_by_name() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let cases = [
        ("initiate-skyvern-application", applications()),
        ("adzuna-job-search", searches()),
        ("generate-resume-signed-url", links(&ada)),
        ("skyvern-webhook-handler", runs()),
        ("clerk-webhook-handler", accounts()),
        ("trigger-push-notification", messages(&ada)),
        ("job-runner", runner_requests()),
        ("job-sync", sync_requests()),
    ];
    assert_eq!(cases.each_ref().map(|(name, _)| *name), FUNCTIONS.map(|function| function.name), "all functions");
    for (name, cases) in cases {
        for (body, fields) in cases {
            let reply = refused(&stack, &ada, Function::named(name), JSON, body.to_string().into_bytes()).await;
            assert_eq!(named(&reply), fields, "{body}: {reply:?}");
            reply.expect_problem(400, "invalid_input");
        }
    }
}

/// Bodies, and the fields that are to be named for them.
type Cases = Vec<(Value, Vec<&'static str>)>;

/// A body with one member replaced, and that member's name as what is wrong with it.
fn each(good: &Value, field: &'static str, bad: &[Value]) -> Cases {
    let replaced = |value: &Value| {
        let mut body = good.clone();
        body[field] = value.clone();
        (body, vec![field])
    };
    bad.iter().map(replaced).collect()
}

fn runner_requests() -> Cases {
    let types =
        [json!(7), json!("no_operation"), json!({}), json!([]), json!([7]), json!(["no_such_type"]), json!(true)];
    let number = [json!("1"), json!(-1), json!(1.5), json!(1e300), json!([1]), json!(true)];
    let everything = (json!({ "job_types": [null], "successor": "soon" }), vec!["job_types", "successor"]);
    [each(&json!({}), "job_types", &types), each(&json!({}), "successor", &number), vec![everything]].concat()
}

fn sync_requests() -> Cases {
    let queries =
        [json!(7), json!("local-1"), json!({}), json!([]), json!([7]), json!(["nobody"]), json!(["local-1", ""])];
    each(&json!({}), "queries", &queries)
}

fn applications() -> Cases {
    let good = json!({});
    let bad = [json!(null), json!(7), json!([]), json!({}), json!(""), json!("7"), json!("x".repeat(60_000))];
    [vec![(json!({}), vec!["application_id"])], each(&good, "application_id", &bad)].concat()
}

fn searches() -> Cases {
    let good = json!({ "keywords": "rust", "location": "London" });
    let number = [json!("1"), json!(-1), json!(0), json!(1.5), json!(1e300), json!(u64::MAX), json!([1]), json!(true)];
    let text = [json!(7), json!([]), json!({}), json!(false), json!("a\u{0}b"), json!("x".repeat(201))];
    let flag = [json!(1), json!("yes"), json!([true])];
    let mut cases = Cases::new();
    for field in ["page", "page_size", "distance", "max_days_old", "salary_max"] {
        cases.extend(each(&good, field, &number));
    }
    for field in ["keywords", "location", "company", "title_only", "excluded_words", "category"] {
        cases.extend(each(&good, field, &text));
    }
    for field in ["full_time", "part_time", "contract", "permanent", "salary_include_unknown"] {
        cases.extend(each(&good, field, &flag));
    }
    cases.extend(each(&good, "country", &[json!("zz"), json!(""), json!(7), json!("x".repeat(10_000))]));
    cases.extend(each(&good, "sort_by", &[json!("luck"), json!(7)]));
    let everything =
        json!({ "keywords": 7, "page": "one", "country": "zz", "contract": "yes", "sort_dir": "sideways" });
    cases.push((everything, vec!["contract", "country", "keywords", "page", "sort_dir"]));
    cases
}

fn links(person: &Person) -> Cases {
    let good = json!({ "resume_path_in_storage": person.resume_path });
    let lifetime = [json!("600"), json!(-1), json!(0), json!(59), json!(3601), json!(600.5), json!(1e300), json!(true)];
    let text = [json!(7), json!([]), json!({}), json!(true)];
    let path = "resume_path_in_storage";
    [
        vec![
            (json!({}), vec![path]),
            (json!({ path: null, "expires_in": 0, "bucket": 7 }), vec!["bucket", "expires_in", path]),
        ],
        each(&good, path, &text),
        each(&good, "bucket", &text),
        each(&good, "expires_in", &lifetime),
    ]
    .concat()
}

fn runs() -> Cases {
    let good = json!({ "run_id": "tsk_1", "status": "completed" });
    let text = |longest: usize| {
        [json!(""), json!("two words"), json!("a\u{0}b"), json!("é"), json!("x".repeat(longest + 1)), json!(null)]
    };
    let shape = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        (body, vec!["body"])
    };
    [
        each(&good, "run_id", &text(200)),
        each(&good, "status", &text(50)),
        vec![
            (json!({}), vec!["run_id"]),
            shape("run_id", json!(7)),
            shape("status", json!(["completed"])),
            shape("attempt", json!("one")),
            shape("attempt", json!(1e10)),
            shape("attempt", json!(i64::MAX)),
            shape("retry_pending", json!("no")),
            shape("errors", json!("none")),
        ],
    ]
    .concat()
}

fn accounts() -> Cases {
    let about = |data: Value| json!({ "type": "user.updated", "data": data });
    let person = |id: &str, updated_at: i64| about(json!({ "id": id, "updated_at": updated_at }));
    let long = format!("user_{}", "x".repeat(300));
    vec![
        (json!({}), vec!["body"]),
        (json!({ "type": 7 }), vec!["body"]),
        (json!({ "type": "user.created" }), vec!["body"]),
        (json!({ "type": "user.deleted", "data": { "id": 7 } }), vec!["body"]),
        (json!({ "type": "user.deleted", "data": { "id": "" } }), vec!["data.id"]),
        (about(json!(null)), vec!["body"]),
        (about(json!({ "id": "user_1" })), vec!["body"]),
        (about(json!({ "id": "user_1", "updated_at": "yesterday" })), vec!["body"]),
        (about(json!({ "id": "user_1", "updated_at": 1e300 })), vec!["body"]),
        (about(json!({ "id": "user_1", "updated_at": u64::MAX })), vec!["body"]),
        (about(json!({ "id": "user_1", "updated_at": 1, "email_addresses": 7 })), vec!["body"]),
        (about(json!({ "id": "user_1", "updated_at": 1, "first_name": ["Ada"] })), vec!["body"]),
        (person("user_1", -1), vec!["data.updated_at"]),
        (person("user_", 1), vec!["data.id"]),
        (person("org_1", 1), vec!["data.id"]),
        (person("user_a\u{0}b", 1), vec!["data.id"]),
        (person("user_ä", 1), vec!["data.id"]),
        (person(&long, 1), vec!["data.id"]),
    ]
}

fn messages(person: &Person) -> Cases {
    let good = json!({ "user_id": person.user_id, "title": "News", "message": "Hello" });
    let id = [json!("me"), json!(7), json!([]), json!("")];
    let text = [json!(7), json!(""), json!(" \n"), json!([]), json!(null)];
    let too_long = json!({ "long": "x".repeat(4096) });
    let twice = json!({ "job_id": "6f9619ff-8b86-4d11-b42d-00c04fc964ff" });
    [
        vec![
            (json!({}), vec!["message", "title", "user_id"]),
            (json!([]), vec!["body"]),
            (json!([good, "text"]), vec!["body"]),
            (Value::Array(vec![good.clone(); 1001]), vec!["body"]),
            (json!([twice, twice]), vec!["job_id"]),
            (
                json!([good, { "user_id": person.user_id, "title": "a", "message": "b", "data": too_long }]),
                vec!["message"],
            ),
            (json!([good, { "title": "", "message": 7, "data": [] }]), vec!["data", "message", "title", "user_id"]),
        ],
        each(&good, "user_id", &id),
        each(&good, "job_id", &id),
        each(&good, "title", &text),
        each(&good, "message", &text),
        each(&good, "data", &[json!([1]), json!("text"), json!(7), json!(false)]),
    ]
    .concat()
}

/// Nothing is wrong with these but that nobody in their right mind sends them.
#[tokio::test]
async fn absurd_values_of_the_right_form_are_no_fault_of_ours() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let run = |more: Value| {
        let mut body = json!({ "run_id": format!("tsk_{}", uuid::Uuid::new_v4().simple()), "status": "completed" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let account = |updated_at: i64, more: Value| {
        let id = format!("user_{}", uuid::Uuid::new_v4().simple());
        let mut data = json!({ "id": id, "updated_at": updated_at });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "type": "user.created", "data": data })
    };
    let address = json!([{ "id": "i", "email_address": "\u{0}@\u{202e}", "verification": { "status": "verified" } }]);
    let nothing = "\u{0}\u{1}\u{feff}".repeat(10_000);
    let odd = json!({ "submitted": "yes", "confirmation_text": nothing, "confirmation_id": { "a": [null] } });
    let path = |path: String| json!({ "resume_path_in_storage": path });
    let to_nobody =
        |more: Value| json!({ "user_id": uuid::Uuid::new_v4(), "title": "a", "message": "b", "data": more });

    for (name, body, expected) in [
        ("initiate-skyvern-application", json!({ "application_id": uuid::Uuid::nil() }), "404 application_not_found"),
        ("initiate-skyvern-application", json!({ "application_id": uuid::Uuid::max() }), "404 application_not_found"),
        ("generate-resume-signed-url", path(String::new()), "422 path_not_allowed"),
        ("generate-resume-signed-url", path("/".repeat(60_000)), "422 path_not_allowed"),
        ("generate-resume-signed-url", path(format!("{}/{}", ada.user_id, "x".repeat(2_000))), "422 path_not_allowed"),
        ("generate-resume-signed-url", path(format!("{}/\u{0}", ada.user_id)), "422 path_not_allowed"),
        ("generate-resume-signed-url", path(format!("{}/{}", ada.user_id, "x".repeat(900))), "404 file_not_found"),
        ("skyvern-webhook-handler", run(json!({ "attempt": -1 })), "200 "),
        ("skyvern-webhook-handler", run(json!({ "attempt": i32::MAX, "retry_pending": true })), "200 "),
        ("skyvern-webhook-handler", run(json!({ "attempt": i32::MIN, "output": 1e300 })), "200 "),
        ("skyvern-webhook-handler", run(json!({ "output": odd, "errors": [odd, 7, null] })), "200 "),
        ("skyvern-webhook-handler", run(json!({ "output": [[[[[]]]]], "failure_reason": [nothing] })), "200 "),
        ("clerk-webhook-handler", account(0, json!({})), "200 "),
        ("clerk-webhook-handler", account(i64::MAX, json!({ "first_name": nothing, "last_name": null })), "200 "),
        (
            "clerk-webhook-handler",
            account(1, json!({ "primary_email_address_id": "i", "email_addresses": address })),
            "200 ",
        ),
        ("clerk-webhook-handler", json!({ "type": nothing, "data": 7 }), "200 "),
        ("trigger-push-notification", to_nobody(json!({ "": { "\u{0}": [1e300, null] } })), "200 "),
        ("trigger-push-notification", json!({ "job_id": uuid::Uuid::nil() }), "200 "),
    ] {
        let reply = Reply::to(Function::named(name).request_with(&stack, &ada, &body).await).await;
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(format!("{} {}", reply.status, reply.code()), expected, "{name} {shown}: {reply:?}");
        stack.expect_discreet(&reply);
    }
}

#[tokio::test]
async fn a_time_zone_that_the_database_does_not_know_is_refused_when_it_is_written() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let profile = format!("users?id=eq.{}", ada.user_id);
    // The last two are time zones to PostgreSQL, but not to the phones that send them and show them.
    for timezone in ["Europe/Atlantis", "Nowhere", "europe", "PST", "UTC+3", "Europe/London-5"] {
        let reply = caller.update(&profile, &json!({ "timezone": timezone })).await;
        assert_eq!((reply.status, reply.code()), (422, "invalid_input"), "{timezone}: {reply:?}");
        assert_eq!(reply.json["details"], "timezone");
    }
    for timezone in ["Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"] {
        caller.update(&profile, &json!({ "timezone": timezone })).await.expect_status(200);
    }
}

#[tokio::test]
async fn preferences_of_another_shape_are_refused_when_they_are_written() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let row = format!("user_preferences?user_id=eq.{}", ada.user_id);
    for (field, value, place) in [
        ("target_locations", json!(["London"]), "[0]"),
        ("target_locations", json!([{ "city": "London" }, null]), "[1]"),
        ("target_locations", json!([{ "city": ["London"] }]), "[0]"),
        ("target_locations", json!([{ "city": "London", "state": 7 }]), "[0]"),
        ("target_locations", json!([{ "remote_only": null }]), "[0]"),
        ("target_locations", json!([{ "city": "London", "remote_only": "yes" }]), "[0]"),
        ("target_locations", json!([{ "city": " ", "remote_only": false }]), "[0]"),
        ("target_locations", json!([{ "town": "London" }]), "[0]"),
        ("preferred_job_titles", json!(["Analyst", null]), "[1]"),
        ("key_skills", json!([null]), "[0]"),
        ("key_skills", json!([["Rust"]]), "[0]"),
        ("industries", json!([null, "Mills"]), "[0]"),
        ("employment_types", json!(["full-time", null]), "[1]"),
        ("excluded_companies", json!(["Acme", null]), "[1]"),
        ("work_arrangement", json!([null]), "[0]"),
    ] {
        for caller in [&caller, &stack.service()] {
            let reply = caller.update(&row, &json!({ field: value })).await;
            assert_eq!((reply.status, reply.code()), (422, "invalid_input"), "{field} {value}: {reply:?}");
            assert_eq!(reply.json["details"], field);
            let message = reply.json["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("{field}{place} ")), "{message}");
        }
    }
    let new = stack.new_person().await;
    new.caller().await.delete("user_preferences").await;
    let refused = new.caller().await.insert("user_preferences", &json!({ "target_locations": ["London"] })).await;
    assert_eq!(refused.code(), "invalid_input");

    let good = json!({
        "target_locations": [{ "city": "London", "state": null, "zip": "EC1", "radius_miles": 10, "remote_only": false },
                             { "remote_only": true }, { "zip": "94107" }],
        "key_skills": [], "industries": null, "preferred_job_titles": ["Analyst"], "work_arrangement": ["remote"],
    });
    caller.update(&row, &good).await.expect_status(200);
}
