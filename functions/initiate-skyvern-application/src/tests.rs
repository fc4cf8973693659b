//! The whole handler, on a machine without a network.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    http::{Incoming, Reply},
    outgoing::Failure,
    problem::Problem,
    testing::{
        Attempts, Machine, block_on, failing_databases, internal_caller, json_of, person, post, problem_of,
        settings_with,
    },
};

use crate::handle;

const APPLICATION: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
const SUBMISSION: &str = "1c9619ff-8b86-4d11-b42d-00c04fc964ff";
const TITLE: &str = "Jobraker 6f9619ff 1c9619ff";

const CLAIM: &str = "claim_application as the person";
const SIGN: &str = "cv.pdf as the person";
const START: &str = "tasks";
const FIND: &str = "runs";
const RECORD: &str = "record_skyvern_run as the service role";
const GIVE_UP: &str = "record_submission_failure as the service role";

fn request() -> Incoming {
    post(&person(), &json!({ "application_id": APPLICATION }))
}

fn initiate(machine: &Machine) -> Result<Reply, Problem> {
    block_on(handle(&request(), &machine.call()))
}

fn problem(machine: &Machine) -> &'static str {
    problem_of(&initiate(machine))
}

fn claimed_for(job_url: &str) -> Value {
    json!({
        "outcome": "claimed", "submission_id": SUBMISSION, "title": TITLE, "resume_path": "4aa3c1b8/cv.pdf",
        "application": { "job_title": "Engineer", "company_name": "Example Ltd", "job_url": job_url },
        "person": { "full_name": "Ada Lovelace", "email": "ada@x.example", "phone_number": null,
                    "linkedin_profile_url": null, "portfolio_url": null },
        "preferences": null,
    })
}

fn claimed() -> Machine {
    Machine::new().returns("claim_application", claimed_for("https://jobs.example.com/7"))
}

/// The application is claimed and the résumé has a link.
fn prepared() -> Machine {
    claimed().responds("/storage/v1/object/sign/resumes/4aa3c1b8/cv.pdf", 200, json!({ "signedURL": "/x?token=t.o-k" }))
}

fn started() -> Machine {
    prepared().responds("/v1/run/tasks", 200, run())
}

fn run() -> Value {
    json!({ "run_id": "tsk_41", "status": "queued" })
}

fn recorded() -> Value {
    json!({ "outcome": "recorded", "run_id": "tsk_41", "status": "PROCESSING_BY_SKYVERN" })
}

fn given_up() -> Value {
    json!({ "outcome": "recorded", "status": "PENDING_SKYVERN_SUBMISSION", "queued": false })
}

fn queued() -> Value {
    json!({ "outcome": "recorded", "status": "PENDING_SKYVERN_SUBMISSION", "queued": true })
}

fn open(seconds_ago: u64) -> Machine {
    let decision =
        json!({ "outcome": "open", "submission_id": SUBMISSION, "title": TITLE, "seconds_ago": seconds_ago });
    Machine::new().returns("claim_application", decision)
}

/// Asserts what is written down of a submission that came to nothing.
fn assert_given_up(machine: &Machine, outcome: &str, reason: &str) {
    assert_given_up_until(machine, outcome, reason, None);
}

fn assert_given_up_until(machine: &Machine, outcome: &str, reason: &str, queue_after: Option<u64>) {
    let mut arguments = machine.body("record_submission_failure");
    assert!(arguments["p_details"].take()["message"].is_string());
    let expected = json!({
        "p_application_id": APPLICATION, "p_submission_id": SUBMISSION, "p_outcome": outcome, "p_reason": reason,
        "p_details": null, "p_queue_after": queue_after,
    });
    // What the circuit breaker is told is tested where it matters.
    for breaker in ["p_call_outcome", "p_retry_after"] {
        arguments.as_object_mut().unwrap().remove(breaker).unwrap();
    }
    assert_eq!(arguments, expected);
}

#[test]
fn a_claimed_application_is_handed_over_once_and_the_run_is_recorded() {
    let machine = started().returns("record_skyvern_run", recorded());

    let reply = initiate(&machine).unwrap();

    let told = json!({ "application_id": APPLICATION, "run_id": "tsk_41", "status": "PROCESSING_BY_SKYVERN" });
    assert_eq!((reply.status, json_of(&reply), reply.outcome.as_str()), (202, told, "started"));
    assert_eq!(machine.calls(), [CLAIM, SIGN, START, RECORD]);
    let claim = json!({ "p_application_id": APPLICATION, "p_idempotency_key": null, "p_apply_again": false });
    assert_eq!(machine.body("claim_application"), claim);
    assert_eq!(machine.body("cv.pdf"), json!({ "expiresIn": 12 * 60 * 60 }), "Skyvern fetches it late");
    let recorded = json!({
        "p_application_id": APPLICATION, "p_submission_id": SUBMISSION, "p_run_id": "tsk_41", "p_run_status": "queued",
        "p_source": "initiate",
    });
    assert_eq!(machine.body("record_skyvern_run"), recorded);
}

#[test]
fn skyvern_is_told_where_the_resume_is_and_where_to_tell_the_outcome() {
    let machine = started().returns("record_skyvern_run", recorded());
    initiate(&machine).unwrap();

    let run = machine.body("tasks");
    assert_eq!((&run["url"], &run["title"]), (&json!("https://jobs.example.com/7"), &json!(TITLE)));
    let webhook = format!(
        "https://api.example/functions/v1/skyvern-webhook-handler?application_id={APPLICATION}&submission_id={SUBMISSION}"
    );
    assert_eq!(run["webhook_url"], webhook);
    let resume = "https://project.supabase.example/storage/v1/object/sign/resumes/4aa3c1b8/cv.pdf?token=t.o-k&download=Ada_Lovelace.pdf";
    assert!(run["prompt"].as_str().unwrap().contains(resume), "{run}");
    let headers = machine.sent()[2].headers.clone();
    assert_eq!((headers.get("x-api-key"), headers.get("authorization")), (Some("skyvern-key"), None));
}

#[test]
fn what_the_person_looks_for_is_in_the_prompt_as_far_as_it_is_known() {
    for (preferences, expected) in [
        (json!({ "salary_min": 5, "salary_max": 9 }), "- Salary: 5 to 9 USD a year\n"),
        (json!({ "salary_min": 5, "salary_currency": "EUR" }), "- Salary: at least 5 EUR a year\n"),
        (json!({ "salary_max": 9 }), "- Salary: up to 9 USD a year\n"),
        (json!({ "target_locations": [{ "remote_only": true }] }), "- Locations: remote\n"),
        (
            json!({ "target_locations": [{ "city": "Leeds", "remote_only": true }, { "city": "York", "zip": "YO1" }, {}] }),
            "- Locations: Leeds (remote only); York, YO1\n",
        ),
        (json!({ "key_skills": ["Rust", "SQL"] }), "- Skills: Rust, SQL\n"),
        // Whatever its shape, it stops nothing.
        (json!({ "target_locations": ["London", null, { "remote_only": null }] }), "- Locations: London\n"),
        (json!({ "key_skills": ["Rust", null, 7], "target_locations": 7, "salary_min": {} }), "- Skills: Rust, 7\n"),
    ] {
        let mut claimed = claimed_for("https://jobs.example.com/7");
        claimed["preferences"] = preferences;
        let machine = Machine::new()
            .returns("claim_application", claimed)
            .responds("/cv.pdf", 200, json!({ "signedURL": "/x?token=t.o-k" }))
            .responds("/v1/run/tasks", 200, run())
            .returns("record_skyvern_run", recorded());
        initiate(&machine).unwrap();
        let prompt = machine.body("tasks")["prompt"].take();
        assert!(prompt.as_str().unwrap().contains(expected), "{prompt}");
    }
}

#[test]
fn an_application_that_was_handed_over_has_the_same_run_again() {
    let started = json!({ "outcome": "already_started", "run_id": "tsk_40", "status": "PROCESSING_BY_SKYVERN" });
    let machine = Machine::new().returns("claim_application", started);
    let reply = initiate(&machine).unwrap();
    assert_eq!((reply.status, &json_of(&reply)["run_id"]), (202, &json!("tsk_40")));
    assert_eq!(machine.calls(), [CLAIM]);
}

#[test]
fn an_idempotency_key_goes_along_with_the_claim() {
    for key in ["a-key", "!", "~", &"k".repeat(255)] {
        let started = json!({ "outcome": "already_started", "run_id": "tsk_40", "status": "SUBMITTED_BY_SKYVERN" });
        let machine = Machine::new().returns("claim_application", started);
        let headers = [person(), vec![("idempotency-key", key.to_owned())]].concat();
        let incoming = post(&headers, &json!({ "application_id": APPLICATION }));
        assert_eq!(block_on(handle(&incoming, &machine.call())).unwrap().status, 202);
        assert_eq!(machine.body("claim_application")["p_idempotency_key"], key);
    }
}

#[test]
fn without_signing_in_or_with_bad_input_nothing_is_asked() {
    let machine = Machine::new();
    let input = json!({ "application_id": APPLICATION });
    let with_key = |key: &str| post(&[person(), vec![("idempotency-key", key.to_owned())]].concat(), &input);
    for (incoming, code) in [
        (post(&[], &input), "token_missing"),
        (post(&[("authorization", "Basic eA==".to_owned())], &input), "token_malformed"),
        (post(&person(), &json!({})), "invalid_input"),
        (post(&person(), &json!({ "application_id": "7" })), "invalid_input"),
        (post(&person(), &json!({ "application_id": APPLICATION, "apply_again": "yes" })), "invalid_input"),
        (with_key(""), "invalid_input"),
        (with_key("two words"), "invalid_input"),
        (with_key(&"k".repeat(256)), "invalid_input"),
    ] {
        assert_eq!(problem_of(&block_on(handle(&incoming, &machine.call()))), code);
    }
    assert!(machine.sent().is_empty());
}

#[test]
fn a_refusal_of_the_claim_is_the_callers() {
    for code in [
        "account_deleted",
        "application_not_found",
        "application_wrong_status",
        "company_excluded",
        "idempotency_key_reused",
        "impersonation_refused",
        "resume_missing",
    ] {
        let machine = Machine::new().refuses("claim_application", code);
        assert_eq!(problem(&machine), code);
        assert_eq!(machine.calls(), [CLAIM]);
    }
}

#[test]
fn somebody_whose_webhook_is_late_is_made_known_by_their_own_token() {
    let pending =
        || Machine::new().refuses("claim_application", "profile_pending").returns("ensure_person", Value::Null);
    let started = json!({ "outcome": "already_started", "run_id": "tsk_40", "status": "SUBMITTED_BY_SKYVERN" });
    let machine = pending().returns("claim_application", started);
    assert_eq!(initiate(&machine).unwrap().status, 202);
    assert_eq!(machine.calls(), [CLAIM, "ensure_person as the person", CLAIM]);
    assert_eq!(problem(&pending().refuses("claim_application", "profile_pending")), "profile_pending");
    let refused =
        Machine::new().refuses("claim_application", "profile_pending").refuses("ensure_person", "account_deleted");
    assert_eq!(problem(&refused), "account_deleted");
}

#[test]
fn a_claim_that_fails_is_not_made_again() {
    for (machine, code) in failing_databases("claim_application", Attempts::One, Machine::new) {
        assert_eq!(problem(&machine), code);
        assert_eq!(machine.calls(), [CLAIM]);
    }
    assert_eq!(problem(&Machine::new().returns("claim_application", json!({ "outcome": "odd" }))), "internal");
}

#[test]
fn of_two_calls_at_once_the_second_waits_for_the_first() {
    let in_progress = || json!({ "outcome": "in_progress" });
    let machine =
        Machine::new().returns("claim_application", in_progress()).returns("claim_application", in_progress()).returns(
            "claim_application",
            json!({ "outcome": "already_started", "run_id": "tsk_41", "status": "SUBMITTED_BY_SKYVERN" }),
        );
    assert_eq!(initiate(&machine).unwrap().outcome, "already_started");
    assert_eq!((machine.calls().len(), machine.waited()), (3, Duration::from_millis(100 + 200)));
}

#[test]
fn nobody_waits_for_another_call_much_longer_than_skyvern_may_take() {
    let in_progress = json!({ "outcome": "in_progress" });
    let machine = (0..8).fold(Machine::new(), |machine, _| machine.returns("claim_application", in_progress.clone()));
    let problem = initiate(&machine).unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("submission_in_progress", Some(Duration::from_secs(2))));
    assert_eq!(machine.waited(), Duration::from_millis(10_300));
}

#[test]
fn what_fails_before_anything_is_sent_gives_the_claim_back() {
    let released = |machine: Machine| machine.returns("record_submission_failure", given_up());
    let private = || Machine::new().returns("claim_application", claimed_for("http://169.254.169.254/latest"));
    let not_there = json!({ "statusCode": "404" });
    for (machine, code) in [
        (private(), "job_url_not_allowed"),
        (claimed().responds("/cv.pdf", 400, not_there), "resume_not_found"),
        (claimed().responds("/cv.pdf", 500, json!({})), "storage_failed"),
        (claimed().fails("/cv.pdf", Failure::Unreachable), "storage_failed"),
        (claimed().fails("/cv.pdf", Failure::TimedOut), "storage_timed_out"),
    ] {
        let machine = released(machine);
        assert_eq!(problem(&machine), code);
        assert_given_up(&machine, "released", code);
        assert!(!machine.calls().contains(&START.to_owned()), "{code}");
    }
}

#[test]
fn where_a_name_leads_is_asked_before_anything_is_sent() {
    let settings = settings_with(&[("JOB_URL_RESOLVER_URL", "https://dns.example/dns-query")]);
    let leads_to = |machine: Machine, status: u16, address: &str| {
        let four = json!({ "Status": 0, "Answer": [{ "name": "jobs.example.com", "type": 1, "data": address }] });
        machine.responds("/dns-query", status, four).responds("/dns-query", status, json!({ "Status": 0 }))
    };
    for (status, address, code) in
        [(200, "169.254.169.254", "job_url_not_allowed"), (503, "8.8.8.8", "job_url_unresolved")]
    {
        let machine = leads_to(claimed(), status, address).returns("record_submission_failure", given_up());
        assert_eq!(problem_of(&block_on(handle(&request(), &machine.call_with(settings)))), code);
        assert_eq!(machine.calls(), [CLAIM, "dns-query", "dns-query", GIVE_UP]);
        assert_given_up(&machine, "released", code);
    }
    let machine = leads_to(claimed(), 200, "8.8.8.8")
        .responds("/cv.pdf", 200, json!({ "signedURL": "/x?token=t" }))
        .responds("/v1/run/tasks", 200, run())
        .returns("record_skyvern_run", recorded());
    assert_eq!(block_on(handle(&request(), &machine.call_with(settings))).unwrap().outcome, "started");
}

#[test]
fn a_claim_that_cannot_be_given_back_changes_nothing_about_the_response() {
    let missing = || claimed().responds("/cv.pdf", 400, json!({ "statusCode": "404" }));
    for (machine, _) in failing_databases("record_submission_failure", Attempts::Three, missing) {
        assert_eq!(problem(&machine), "resume_not_found");
    }
}

/// Plans a failure.
type Fault = fn(Machine) -> Machine;

/// Skyvern's failures, whether a run may exist nevertheless, and the code.
fn failures() -> Vec<(Fault, bool, &'static str)> {
    const PATH: &str = "/v1/run/tasks";
    vec![
        (|machine| machine.responds(PATH, 401, json!({})), false, "skyvern_unauthorized"),
        (|machine| machine.responds(PATH, 402, json!({})), false, "skyvern_credits_exhausted"),
        (|machine| machine.responds(PATH, 422, json!({})), false, "skyvern_rejected"),
        (|machine| machine.responds(PATH, 500, json!({})), true, "skyvern_failed"),
        (|machine| machine.responds(PATH, 504, json!({})), true, "skyvern_timed_out"),
        (|machine| machine.fails(PATH, Failure::TimedOut), true, "skyvern_timed_out"),
        (|machine| machine.fails(PATH, Failure::Unreachable), true, "skyvern_unreachable"),
        (|machine| machine.responds_with(PATH, 200, &[], "<html>"), true, "skyvern_unreadable"),
        (|machine| machine.responds(PATH, 200, json!({ "status": "queued" })), true, "skyvern_unreadable"),
    ]
}

#[test]
fn a_failure_of_skyverns_is_certain_or_leaves_the_outcome_open_and_is_never_repeated() {
    for (fail, is_open, code) in failures() {
        let machine = fail(prepared()).returns("record_submission_failure", given_up());
        assert_eq!(problem(&machine), code);
        assert_eq!(machine.calls(), [CLAIM, SIGN, START, GIVE_UP], "{code}");
        assert_given_up(&machine, if is_open { "open" } else { "not_started" }, code);
    }
}

#[test]
fn an_application_for_a_posting_that_was_applied_for_names_the_earlier_one() {
    let details = json!({ "application_id": SUBMISSION, "application_status": "INTERVIEW_SCHEDULED" }).to_string();
    let refusal = json!({ "code": "already_applied", "message": "it was sent", "details": details, "hint": null });
    let machine = Machine::new().responds("/rpc/claim_application", 409, refusal);
    let told = json_of(&Reply::problem(&initiate(&machine).unwrap_err(), SUBMISSION.parse().unwrap()));
    assert_eq!((&told["code"], &told["detail"]), (&json!("already_applied"), &json!("it was sent")));
    let named = (&told["application_id"], &told["application_status"]);
    assert_eq!(named, (&json!(SUBMISSION), &json!("INTERVIEW_SCHEDULED")));

    let machine = started().returns("record_skyvern_run", recorded());
    let meant = post(&person(), &json!({ "application_id": APPLICATION, "apply_again": true }));
    assert_eq!(block_on(handle(&meant, &machine.call())).unwrap().status, 202);
    assert_eq!(machine.body("claim_application")["p_apply_again"], true);
}

#[test]
fn a_cover_letter_is_signed_too_and_missed_when_it_is_gone() {
    let with_letter = || {
        let mut claimed = claimed_for("https://jobs.example.com/7");
        claimed["cover_letter_path"] = json!("4aa3c1b8/letter.pdf");
        Machine::new().returns("claim_application", claimed).responds(
            "/object/sign/resumes/4aa3c1b8/cv.pdf",
            200,
            json!({ "signedURL": "/x?token=t" }),
        )
    };
    let machine = with_letter()
        .responds("/object/sign/cover_letters/4aa3c1b8/letter.pdf", 200, json!({ "signedURL": "/y?token=u" }))
        .responds("/v1/run/tasks", 200, run())
        .returns("record_skyvern_run", recorded());
    initiate(&machine).unwrap();
    assert_eq!(machine.body("letter.pdf"), json!({ "expiresIn": 12 * 60 * 60 }), "as long as the résumé");
    let prompt = machine.body("tasks")["prompt"].take();
    assert!(
        prompt
            .as_str()
            .unwrap()
            .contains("/cover_letters/4aa3c1b8/letter.pdf?token=u&download=Ada_Lovelace_Cover_Letter.pdf\n"),
        "{prompt}"
    );

    let machine = with_letter()
        .responds("/letter.pdf", 400, json!({ "statusCode": "404" }))
        .returns("record_submission_failure", given_up());
    assert_eq!(problem(&machine), "cover_letter_not_found");
    assert_given_up(&machine, "released", "cover_letter_not_found");
}

#[test]
fn what_skyvern_does_not_take_at_the_moment_waits() {
    let limited = || prepared().responds("/v1/run/tasks", 429, json!({}));
    let machine = limited().returns("record_submission_failure", queued());
    let reply = initiate(&machine).unwrap();
    let told = json!({ "application_id": APPLICATION, "status": "PENDING_SKYVERN_SUBMISSION", "queued": true });
    assert_eq!((reply.status, json_of(&reply), reply.outcome.as_str()), (202, told.clone(), "queued"));
    assert_given_up_until(&machine, "not_started", "skyvern_rate_limited", Some(60));

    let told_breaker = |machine: &Machine| {
        let mut arguments = machine.body("record_submission_failure");
        (arguments["p_call_outcome"].take(), arguments["p_retry_after"].take())
    };
    assert_eq!(told_breaker(&machine), (json!("limited"), Value::Null));

    let machine = prepared()
        .responds_with("/v1/run/tasks", 429, &[("retry-after", "90")], "{}")
        .returns("record_submission_failure", queued());
    initiate(&machine).unwrap();
    assert_given_up_until(&machine, "not_started", "skyvern_rate_limited", Some(90));
    assert_eq!(told_breaker(&machine), (json!("limited"), json!(90)));

    // Whether there is a run is found out first.
    let machine = prepared().responds("/v1/run/tasks", 503, json!({})).returns("record_submission_failure", queued());
    assert_eq!(initiate(&machine).unwrap().outcome, "queued");
    assert_given_up_until(&machine, "open", "skyvern_failed", Some(120));
    assert_eq!(told_breaker(&machine).0, "failed");

    // Withdrawn in the meantime.
    assert_eq!(problem(&limited().returns("record_submission_failure", given_up())), "skyvern_rate_limited");

    let waiting = json!({ "outcome": "queued", "status": "PENDING_SKYVERN_SUBMISSION" });
    let machine = Machine::new().returns("claim_application", waiting);
    assert_eq!(json_of(&initiate(&machine).unwrap()), told, "and the second call says the same");
    assert_eq!(machine.calls(), [CLAIM]);
}

const CLAIM_QUEUED: &str = "claim_queued_application as the service role";
const FAIL_QUEUED: &str = "fail_queued_application as the service role";
const JOB: &str = "2d9619ff-8b86-4d11-b42d-00c04fc964ff";

/// The job-runner's call.
fn turn(machine: &Machine) -> Result<Reply, Problem> {
    let incoming = post(&internal_caller(), &json!({ "application_id": APPLICATION, "job_id": JOB }));
    block_on(handle(&incoming, &machine.call()))
}

fn claimed_in_turn() -> Machine {
    Machine::new().returns("claim_queued_application", claimed_for("https://jobs.example.com/7")).responds(
        "/storage/v1/object/sign/resumes/4aa3c1b8/cv.pdf",
        200,
        json!({ "signedURL": "/x?token=t.o-k" }),
    )
}

#[test]
fn a_submission_that_waited_is_handed_over_in_its_turn_without_its_person() {
    let machine = claimed_in_turn().responds("/v1/run/tasks", 200, run()).returns("record_skyvern_run", recorded());
    assert_eq!(json_of(&turn(&machine).unwrap())["run_id"], "tsk_41");
    assert_eq!(machine.calls(), [CLAIM_QUEUED, "cv.pdf as the service role", START, RECORD]);
    assert_eq!(machine.body("claim_queued_application"), json!({ "p_application_id": APPLICATION, "p_job_id": JOB }));
    for missing in ["application_id", "job_id"] {
        let mut body = json!({ "application_id": APPLICATION, "job_id": JOB });
        body[missing].take();
        let refused = block_on(handle(&post(&internal_caller(), &body), &Machine::new().call()));
        assert_eq!(problem_of(&refused), "invalid_input");
    }
}

#[test]
fn a_submission_that_waits_no_more_is_left_alone() {
    let machine = Machine::new().returns("claim_queued_application", json!({ "outcome": "superseded" }));
    let reply = turn(&machine).unwrap();
    assert_eq!((reply.status, &json_of(&reply)["outcome"]), (200, &json!("superseded")));
    assert_eq!(machine.calls(), [CLAIM_QUEUED]);
}

#[test]
fn a_submission_that_skyvern_still_does_not_take_goes_on_waiting() {
    let machine =
        claimed_in_turn().responds("/v1/run/tasks", 429, json!({})).returns("record_submission_failure", queued());
    let problem = turn(&machine).unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("skyvern_rate_limited", Some(Duration::from_mins(1))));
    let open = json!({ "outcome": "open", "submission_id": SUBMISSION, "title": TITLE, "seconds_ago": 600 });
    let machine = Machine::new().returns("claim_queued_application", open).responds("/v1/runs", 404, json!({}));
    assert_eq!(problem_of(&turn(&machine)), "submission_open", "which says nothing about the submission");
    let paused = json!({ "outcome": "paused", "retry_after_seconds": 45 });
    let problem = turn(&Machine::new().returns("claim_queued_application", paused)).unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("skyvern_paused", Some(Duration::from_secs(45))));
    let in_progress = Machine::new().returns("claim_queued_application", json!({ "outcome": "in_progress" }));
    assert_eq!(problem_of(&turn(&in_progress)), "submission_in_progress");
    for (machine, code) in failing_databases("claim_queued_application", Attempts::One, Machine::new) {
        assert_eq!(problem_of(&turn(&machine)), code);
    }
}

#[test]
fn a_submission_that_cannot_be_handed_over_any_more_is_given_up_and_its_person_told() {
    let failed = |machine: Machine| machine.returns("fail_queued_application", json!({ "outcome": "failed" }));
    let expired = Machine::new().returns("claim_queued_application", json!({ "outcome": "expired" }));
    let excluded = Machine::new().refuses("claim_queued_application", "company_excluded");
    let gone = Machine::new()
        .returns("claim_queued_application", claimed_for("https://jobs.example.com/7"))
        .responds("/cv.pdf", 400, json!({ "statusCode": "404" }))
        .returns("record_submission_failure", given_up());
    for (machine, reason) in [(expired, "waited_too_long"), (excluded, "company_excluded"), (gone, "resume_not_found")]
    {
        let machine = failed(machine);
        assert_eq!((turn(&machine).unwrap().status, machine.calls().last().unwrap().as_str()), (200, FAIL_QUEUED));
        let told = machine.body("fail_queued_application");
        assert_eq!((&told["p_application_id"], &told["p_job_id"]), (&json!(APPLICATION), &json!(JOB)));
        let decision = &told["p_decision"];
        assert_eq!(decision["status"], "FAILED_SKYVERN_SUBMISSION");
        assert_eq!(decision["status_details"]["reason"], reason);
        assert!(decision["notification"]["message"].as_str().unwrap().contains("Nothing was sent"), "{decision}");
    }
    // Skyvern's own refusal is told as well, and the job ends.
    let machine = failed(claimed_in_turn().responds("/v1/run/tasks", 422, json!({})));
    assert_eq!(turn(&machine).unwrap().status, 200);
    assert_eq!(machine.body("fail_queued_application")["p_decision"]["status_details"]["reason"], "skyvern_rejected");
}

#[test]
fn only_what_waiting_cannot_help_ends_a_submission_in_the_queue() {
    let failed = |machine: Machine| machine.returns("fail_queued_application", json!({ "outcome": "failed" }));
    let released = |machine: Machine| machine.returns("record_submission_failure", given_up());
    let details =
        json!({ "application_id": SUBMISSION, "application_status": "INTERVIEW_SCHEDULED", "retry_after_seconds": 90 });
    let refused = |code| {
        let refusal = json!({ "code": code, "message": "no", "details": details.to_string(), "hint": null });
        Machine::new().responds("/rpc/claim_queued_application", 409, refusal)
    };
    for code in
        ["already_applied", "application_wrong_status", "company_excluded", "idempotency_key_reused", "resume_missing"]
    {
        let machine = failed(refused(code));
        assert_eq!(turn(&machine).unwrap().outcome, code);
        assert_eq!(machine.calls(), [CLAIM_QUEUED, FAIL_QUEUED], "{code}");
    }
    for code in ["application_limit_reached", "application_not_found", "account_deleted"] {
        let machine = refused(code);
        assert_eq!(problem_of(&turn(&machine)), code);
        assert_eq!(machine.calls(), [CLAIM_QUEUED]);
    }

    let claimed = |job_url| {
        let mut claimed = claimed_for(job_url);
        claimed["cover_letter_path"] = json!("4aa3c1b8/letter.pdf");
        Machine::new().returns("claim_queued_application", claimed)
    };
    let gone = || json!({ "statusCode": "404" });
    let signed =
        || claimed("https://jobs.example.com/7").responds("/cv.pdf", 200, json!({ "signedURL": "/x?token=t" }));
    for (machine, code) in [
        (claimed("http://169.254.169.254/"), "job_url_not_allowed"),
        (claimed("https://jobs.example.com/7").responds("/cv.pdf", 400, gone()), "resume_not_found"),
        (signed().responds("/letter.pdf", 400, gone()), "cover_letter_not_found"),
    ] {
        let machine = failed(released(machine));
        assert_eq!(turn(&machine).unwrap().outcome, code);
        assert_given_up(&machine, "released", code);
    }
    for (machine, code) in [
        (signed().fails("/letter.pdf", Failure::TimedOut), "storage_timed_out"),
        (claimed("https://jobs.example.com/7").responds("/cv.pdf", 500, json!({})), "storage_failed"),
    ] {
        let machine = released(machine);
        assert_eq!(problem_of(&turn(&machine)), code, "it is tried again");
        assert_given_up(&machine, "released", code);
    }
}

#[test]
fn in_the_queue_what_surely_started_nothing_waits_on_and_what_may_have_is_found_out() {
    for (fail, is_open, code) in failures() {
        if code == "skyvern_rejected" {
            continue; // it ends the submission, see above
        }
        let machine = fail(claimed_in_turn()).returns("record_submission_failure", queued());
        assert_eq!(problem_of(&turn(&machine)), code);
        let (outcome, queue_after) = if is_open { ("open", None) } else { ("not_started", Some(0)) };
        assert_given_up_until(&machine, outcome, code, queue_after);
        assert_eq!(starts(&machine), 1, "{code}");
    }
}

#[test]
fn a_run_that_an_earlier_turn_started_is_told_again() {
    let started = json!({ "outcome": "already_started", "run_id": "tsk_40", "status": "PROCESSING_BY_SKYVERN" });
    let machine = Machine::new().returns("claim_queued_application", started);
    let reply = turn(&machine).unwrap();
    assert_eq!((reply.status, &json_of(&reply)["run_id"]), (202, &json!("tsk_40")));
    assert_eq!(machine.calls(), [CLAIM_QUEUED]);
}

#[test]
fn a_submission_that_surely_started_nothing_is_claimed_anew_in_the_same_turn() {
    let earlier = json!({ "outcome": "open", "submission_id": SUBMISSION, "title": TITLE, "seconds_ago": 600 });
    let machine = Machine::new()
        .returns("claim_queued_application", earlier)
        .responds("/v1/runs", 200, json!([]))
        .returns("record_submission_failure", given_up())
        .returns("claim_queued_application", claimed_for("https://jobs.example.com/7"))
        .responds("/cv.pdf", 200, json!({ "signedURL": "/x?token=t" }))
        .responds("/v1/run/tasks", 200, run())
        .returns("record_skyvern_run", recorded());
    assert_eq!(turn(&machine).unwrap().outcome, "started");
    assert_given_up(&machine, "absent", "submission_open");
}

#[test]
fn what_skyvern_said_is_written_down_as_soon_as_the_database_is_back() {
    let failed = || prepared().responds("/v1/run/tasks", 500, json!({}));
    let machine = failed()
        .fails("/rpc/record_submission_failure", Failure::Unreachable)
        .returns("record_submission_failure", given_up());
    assert_eq!(problem(&machine), "skyvern_failed");
    assert_eq!(machine.waited(), Duration::from_millis(100));
    // The outcome is not known to the database then, so the caller must not be told that it is.
    for (machine, code) in failing_databases("record_submission_failure", Attempts::Three, failed) {
        assert_eq!(problem(&machine), code);
    }
}

#[test]
fn a_run_that_was_started_is_recorded_as_soon_as_the_database_is_back() {
    let machine = started()
        .fails("/rpc/record_skyvern_run", Failure::Unreachable)
        .responds("/rpc/record_skyvern_run", 503, json!({ "code": "PGRST000" }))
        .returns("record_skyvern_run", recorded());
    assert_eq!(initiate(&machine).unwrap().outcome, "started");
    assert_eq!(machine.calls(), [CLAIM, SIGN, START, RECORD, RECORD, RECORD], "and Skyvern is asked once");
    assert_eq!(machine.waited(), Duration::from_millis(100 + 400));
}

#[test]
fn whoever_was_overtaken_tells_of_the_run_that_the_application_has() {
    let superseded =
        |run_id: Value| json!({ "outcome": "superseded", "run_id": run_id, "status": "PROCESSING_BY_SKYVERN" });
    let machine = started().returns("record_skyvern_run", superseded(json!("tsk_42")));
    assert_eq!(json_of(&initiate(&machine).unwrap())["run_id"], "tsk_42");
    let machine = started().returns("record_skyvern_run", superseded(Value::Null));
    assert_eq!(problem(&machine), "internal");
}

/// Every way in which a run that Skyvern has started cannot be written down, with the code that the caller is told.
fn unrecorded(started: impl Fn() -> Machine) -> Vec<(Machine, &'static str)> {
    let mut machines = failing_databases("record_skyvern_run", Attempts::Three, &started);
    // Erased in the meantime, and a right that was taken away.
    machines.push((started().refuses("record_skyvern_run", "application_not_found"), "application_not_found"));
    machines.push((started().refuses("record_skyvern_run", "42501"), "internal"));
    for nonsense in [json!(null), json!([]), json!({}), json!("recorded"), json!({ "outcome": "recorded" })] {
        machines.push((started().returns("record_skyvern_run", nonsense), "internal"));
    }
    machines
}

/// The run as Skyvern lists it.
fn listed() -> Value {
    json!([{ "run_id": "tsk_41", "status": "running", "title": TITLE }])
}

fn starts(machine: &Machine) -> usize {
    machine.calls().iter().filter(|call| *call == START).count()
}

#[test]
fn a_run_that_cannot_be_recorded_is_not_taken_for_one_that_failed_and_is_found_by_the_next_call() {
    for (machine, code) in unrecorded(started) {
        let earlier = json!({ "outcome": "open", "submission_id": SUBMISSION, "title": TITLE, "seconds_ago": 600 });
        let machine = machine
            .returns("claim_application", earlier)
            .responds("/v1/runs", 200, listed())
            .returns("record_skyvern_run", recorded());

        let problem = initiate(&machine).unwrap_err();
        assert_eq!(problem.kind().code, code);
        if code.starts_with("database_") {
            assert!(problem.kind().status >= 500, "{code} is no fault of the caller's, who comes again");
        }
        assert!(!machine.calls().contains(&GIVE_UP.to_owned()), "{code}: the claim stays as it is");

        let reply = initiate(&machine).unwrap();
        assert_eq!((reply.outcome.as_str(), &json_of(&reply)["run_id"]), ("found", &json!("tsk_41")), "{code}");
        assert_eq!(machine.calls()[machine.calls().len() - 3..], [CLAIM, FIND, RECORD]);
        assert_eq!(starts(&machine), 1, "{code}");
    }
}

#[test]
fn a_run_from_the_queue_that_cannot_be_recorded_is_not_given_up_and_is_found_in_its_next_turn() {
    for (machine, code) in unrecorded(|| claimed_in_turn().responds("/v1/run/tasks", 200, run())) {
        let earlier = json!({ "outcome": "open", "submission_id": SUBMISSION, "title": TITLE, "seconds_ago": 600 });
        let machine = machine
            .returns("claim_queued_application", earlier)
            .responds("/v1/runs", 200, listed())
            .returns("record_skyvern_run", recorded());

        assert_eq!(problem_of(&turn(&machine)), code, "so the job is tried again");
        for given_up in [GIVE_UP, FAIL_QUEUED] {
            assert!(!machine.calls().contains(&given_up.to_owned()), "{code}: its person is told nothing yet");
        }

        let reply = turn(&machine).unwrap();
        assert_eq!((reply.status, &json_of(&reply)["run_id"]), (202, &json!("tsk_41")), "{code}");
        assert_eq!(starts(&machine), 1, "{code}");
    }
}

#[test]
fn what_became_of_a_submission_from_the_queue_is_told_until_it_is_written_down() {
    let refused = || claimed_in_turn().responds("/v1/run/tasks", 429, json!({}));
    for (machine, code) in failing_databases("record_submission_failure", Attempts::Three, refused) {
        assert_eq!(problem_of(&turn(&machine)), code);
        assert_eq!(starts(&machine), 1, "{code}");
    }
    let expired = || Machine::new().returns("claim_queued_application", json!({ "outcome": "expired" }));
    let rejected = || claimed_in_turn().responds("/v1/run/tasks", 422, json!({}));
    for given_up in [expired as fn() -> Machine, rejected] {
        for (machine, code) in failing_databases("fail_queued_application", Attempts::Three, given_up) {
            assert_eq!(problem_of(&turn(&machine)), code, "its person does not know yet");
        }
    }
}

#[test]
fn a_run_that_was_found_and_cannot_be_recorded_is_looked_for_again() {
    for (machine, code) in unrecorded(|| open(600).responds("/v1/runs", 200, listed())) {
        assert_eq!(problem(&machine), code);
        assert!(!machine.calls().contains(&GIVE_UP.to_owned()), "{code}");
        assert_eq!(starts(&machine), 0, "{code}");
    }
}

#[test]
fn an_open_submission_is_found_by_its_title_and_nothing_is_started() {
    let listed = json!([
        { "run_id": "tsk_40", "status": "running", "title": "another one" },
        { "run_id": "tsk_41", "status": "running", "title": TITLE },
    ]);
    let machine = open(1).responds("/v1/runs", 200, listed).returns("record_skyvern_run", recorded());
    let reply = initiate(&machine).unwrap();
    assert_eq!((reply.status, reply.outcome.as_str(), &json_of(&reply)["run_id"]), (202, "found", &json!("tsk_41")));
    assert_eq!(machine.calls(), [CLAIM, FIND, RECORD]);
    let recorded = machine.body("record_skyvern_run");
    assert_eq!((&recorded["p_run_id"], &recorded["p_submission_id"]), (&json!("tsk_41"), &json!(SUBMISSION)));
    assert_eq!(recorded["p_run_status"], "running", "as it is listed");
}

#[test]
fn a_submission_that_may_still_be_listed_stays_open() {
    let machine = open(119).responds("/v1/runs", 200, json!([]));
    let problem = initiate(&machine).unwrap_err();
    assert_eq!((problem.kind().code, problem.retry_after()), ("submission_open", Some(Duration::from_mins(1))));
    assert_eq!(machine.calls(), [CLAIM, FIND]);
}

#[test]
fn a_submission_that_surely_started_nothing_is_closed_and_the_application_claimed_anew() {
    let machine = open(120)
        .responds("/v1/runs", 200, json!([]))
        .returns("record_submission_failure", given_up())
        .returns("claim_application", claimed_for("https://jobs.example.com/7"))
        .responds("/cv.pdf", 200, json!({ "signedURL": "/x?token=t.o-k" }))
        .responds("/v1/run/tasks", 200, run())
        .returns("record_skyvern_run", recorded());
    assert_eq!(initiate(&machine).unwrap().outcome, "started");
    assert_eq!(machine.calls(), [CLAIM, FIND, GIVE_UP, CLAIM, SIGN, START, RECORD]);
    assert_given_up(&machine, "absent", "submission_open");
}

#[test]
fn while_skyvern_cannot_be_asked_an_open_submission_stays_open() {
    let unreadable = json!([{ "run_id": "", "status": "running", "title": TITLE }]);
    for (machine, code) in [
        (open(600).responds("/v1/runs", 401, json!({})), "skyvern_unauthorized"),
        (open(600).responds("/v1/runs", 500, json!({})), "skyvern_failed"),
        (open(600).fails("/v1/runs", Failure::TimedOut), "skyvern_timed_out"),
        (open(600).fails("/v1/runs", Failure::Unreachable), "skyvern_unreachable"),
        (open(600).responds("/v1/runs", 200, json!({})), "skyvern_unreadable"),
        (open(600).responds("/v1/runs", 200, unreadable), "skyvern_unreadable"),
    ] {
        assert_eq!(problem(&machine), code);
        assert_eq!(machine.calls(), [CLAIM, FIND], "{code}");
    }
}

#[test]
fn nothing_is_started_while_the_database_does_not_know_that_an_open_submission_is_closed() {
    let absent = || open(600).responds("/v1/runs", 200, json!([]));
    for (machine, code) in failing_databases("record_submission_failure", Attempts::Three, absent) {
        assert_eq!(problem(&machine), code);
        assert!(!machine.calls().contains(&START.to_owned()));
    }
}

#[test]
fn a_submission_goes_on_without_its_caller_and_what_comes_before_does_not() {
    let machine = Machine::new()
        .refuses("claim_application", "application_not_found")
        .refuses("claim_queued_application", "application_not_found");
    for (headers, goes_on) in [(vec![], false), (person(), true), (internal_caller(), true)] {
        let call = machine.call();
        let input = json!({ "application_id": APPLICATION, "job_id": JOB });
        assert!(block_on(handle(&post(&headers, &input), &call)).is_err());
        assert_eq!(call.runs_to_completion(), goes_on);
    }
}
