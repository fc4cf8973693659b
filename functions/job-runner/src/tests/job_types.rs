//! Each type of job: what it does, and what becomes of it when that fails.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    outgoing::Failure,
    testing::{Attempts, Machine, failing_databases, json_of},
};

use super::{Queue, Settlement, USER, attempt, completed, failed, id, job, put_back, retry, run, settlements, work};

const APPLICATION: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
const SUBMISSION: &str = "1c9619ff-8b86-4d11-b42d-00c04fc964ff";
const SEARCH: &str = "2d9619ff-8b86-4d11-b42d-00c04fc964ff";
const LEASE: &str = "3e9619ff-8b86-4d11-b42d-00c04fc964ff";
const TITLE: &str = "Jobraker 6f9619ff 1c9619ff";

/// Runs a job that is settled in the queue at its first attempt.
fn settled(machine: Machine, kind: &str, payload: &Value) -> (Machine, Settlement) {
    let (machine, settlement) = attempt(machine.settles(), kind, payload, 1);
    (machine, settlement.unwrap())
}

/// A job waits for as long as the problem says, and for as long as the queue's own schedule says otherwise.
fn retry_for(code: &str) -> Settlement {
    let seconds = match code {
        "database_unavailable" => Some(2),
        "skyvern_rate_limited" | "adzuna_rate_limited" => Some(60),
        _ => None,
    };
    retry(code, seconds)
}

/// Asserts that a job is tried again when a call to the database fails.
fn assert_retried(function: &str, attempts: Attempts, kind: &str, payload: &Value, before: impl Fn() -> Machine) {
    for (machine, code) in failing_databases(function, attempts, before) {
        let (_, settlement) = settled(machine, kind, payload);
        if code == "internal" {
            assert_eq!(settlement.outcome, "retry");
            let error = settlement.error.unwrap();
            assert!(error.starts_with(&format!("internal: {function} failed with 404")), "{error}");
        } else {
            assert_eq!(settlement, retry_for(code), "{function}");
        }
    }
}

#[test]
fn a_payload_of_another_form_is_no_use_trying_again() {
    for (kind, payload) in [
        ("announcement", json!({ "announcement_id": "7" })),
        ("cancel_skyvern_run", json!({ "run_id": 7 })),
        ("delete_files", json!({ "buckets": ["resumes"], "folder": "" })),
        ("delete_files", json!({ "buckets": ["resumes"] })),
        ("reconcile_application", json!({})),
        ("saved_search_alert", json!({ "saved_search_id": "7" })),
        ("submit_application", json!({ "application_id": 7 })),
    ] {
        let (machine, settlement) = settled(Machine::new(), kind, &payload);
        assert_eq!(settlement, failed("malformed_payload"), "{kind} {payload}");
        assert!(work(&machine).is_empty());
    }
}

#[test]
fn no_operation_does_nothing() {
    let (machine, settlement) = settled(Machine::new(), "no_operation", &Value::Null);
    assert_eq!(settlement, completed(Value::Null));
    assert!(work(&machine).is_empty());
}

mod cancel_skyvern_run {
    use super::{
        APPLICATION, Attempts, Machine, SUBMISSION, Settlement, TITLE, Value, assert_retried, attempt, completed, json,
        retry_for, settled, work,
    };

    const KIND: &str = "cancel_skyvern_run";

    fn known() -> Value {
        json!({ "run_id": "tsk_41", "submission_title": null })
    }

    fn by_title() -> Value {
        json!({ "run_id": null, "submission_title": TITLE })
    }

    fn not_found() -> Value {
        json!({ "detail": "Task run not found tsk_41" })
    }

    fn refused() -> Machine {
        Machine::new().responds("/v1/runs/tsk_41/cancel", 409, json!({}))
    }

    fn run(status: &str) -> Value {
        json!({ "run_id": "tsk_41", "status": status })
    }

    fn listed() -> Value {
        json!([{ "run_id": "tsk_41", "status": "running", "title": TITLE }])
    }

    fn runs(ends: &[&str]) -> Settlement {
        completed(json!({ "runs": ends }))
    }

    #[test]
    fn a_run_is_cancelled_or_over_or_unknown() {
        for (machine, expected) in [
            (Machine::new().responds("/v1/runs/tsk_41/cancel", 200, json!({})), runs(&["cancelled"])),
            (Machine::new().responds("/v1/runs/tsk_41/cancel", 404, not_found()), runs(&["unknown"])),
            (refused().responds("/v1/runs/tsk_41", 200, run("completed")), runs(&["over"])),
            (refused().responds("/v1/runs/tsk_41", 404, not_found()), runs(&["unknown"])),
            (refused().responds("/v1/runs/tsk_41", 200, run("running")), retry_for("skyvern_rejected")),
            (refused().responds("/v1/runs/tsk_41", 500, json!({})), retry_for("skyvern_failed")),
            (refused().responds("/v1/runs/tsk_41", 404, json!({})), retry_for("skyvern_rejected")),
            (refused().responds("/v1/runs/tsk_41", 429, json!({})), retry_for("skyvern_rate_limited")),
        ] {
            let (_, settlement) = settled(machine, KIND, &known());
            assert_eq!(settlement, expected);
        }
    }

    #[test]
    fn a_run_that_nobody_recorded_is_found_by_its_title_and_cancelled() {
        let machine = Machine::new().responds("/v1/runs", 200, listed()).responds("/cancel", 200, json!({}));
        let (machine, settlement) = settled(machine, KIND, &by_title());
        assert_eq!(settlement, runs(&["cancelled"]));
        assert_eq!(work(&machine), ["runs", "cancel"]);
    }

    #[test]
    fn a_submission_counts_as_never_started_once_its_run_would_surely_be_listed() {
        for (number, expected) in [
            (1, super::retry("run_not_listed", None)),
            (3, super::retry("run_not_listed", None)),
            (4, runs(&["never_started"])),
        ] {
            let machine = super::Queue::settles(Machine::new().responds("/v1/runs", 200, json!([])));
            assert_eq!(attempt(machine, KIND, &by_title(), number).1, Some(expected), "attempt {number}");
        }
        let (_, settlement) = settled(Machine::new().responds("/v1/runs", 401, json!({})), KIND, &by_title());
        assert_eq!(settlement, retry_for("skyvern_unauthorized"));
    }

    #[test]
    fn the_end_of_a_run_that_was_over_is_written_down_as_its_webhook_would_have_been() {
        let payload = json!({ "application_id": APPLICATION, "run_id": "tsk_41" });
        let machine = refused()
            .responds("/v1/runs/tsk_41", 200, run("failed"))
            .returns("apply_skyvern_event", json!({ "outcome": "kept" }));
        let (machine, settlement) = settled(machine, KIND, &payload);
        assert_eq!(settlement, runs(&["over"]));
        let arguments = machine.body("apply_skyvern_event");
        assert_eq!((&arguments["p_run_id"], &arguments["p_run_status"]), (&json!("tsk_41"), &json!("failed")));
        assert_eq!(
            (&arguments["p_application_id"], &arguments["p_source"]),
            (&json!(APPLICATION), &json!("reconciler"))
        );
    }

    #[test]
    fn that_nothing_is_in_progress_any_more_is_noted_with_the_run_that_was_found() {
        let cancelled = |machine: Machine| machine.responds("/v1/runs/tsk_41/cancel", 200, json!({}));
        let by_id = json!({ "submission_id": SUBMISSION, "run_id": "tsk_41" });
        let by_title = json!({ "submission_id": SUBMISSION, "submission_title": TITLE });
        for (payload, machine) in [
            (&by_id, cancelled(Machine::new())),
            (&by_title, cancelled(Machine::new().responds("/v1/runs", 200, listed()))),
        ] {
            let (machine, settlement) = settled(machine.returns("record_stopped_run", true), KIND, payload);
            assert_eq!(settlement, runs(&["cancelled"]));
            let noted = json!({ "p_submission_id": SUBMISSION, "p_run_id": "tsk_41" });
            assert_eq!(machine.body("record_stopped_run"), noted);
        }
        let before = || cancelled(Machine::new());
        assert_retried("record_stopped_run", Attempts::Three, KIND, &by_id, before);
    }

    #[test]
    fn both_are_ended_where_there_are_both_and_none_where_there_is_none() {
        let both = json!({ "run_id": "tsk_40", "submission_title": TITLE });
        let machine = Machine::new()
            .responds("/v1/runs/tsk_40/cancel", 404, not_found())
            .responds("/v1/runs", 200, listed())
            .responds("/v1/runs/tsk_41/cancel", 200, json!({}));
        assert_eq!(settled(machine, KIND, &both).1, runs(&["unknown", "cancelled"]));
        let neither = json!({ "run_id": null, "submission_title": null });
        assert_eq!(settled(Machine::new(), KIND, &neither).1, runs(&[]));
    }
}

mod delete_files {
    use super::{Failure, Machine, USER, Value, completed, json, retry_for, settled, work};

    const KIND: &str = "delete_files";

    fn payload() -> Value {
        json!({ "buckets": ["resumes", "cover_letters"], "folder": USER })
    }

    #[test]
    fn every_file_of_the_persons_folders_is_removed() {
        let machine = Machine::new()
            .responds(
                "/object/list/resumes",
                200,
                json!([{ "name": "a.pdf", "id": "1" }, { "name": "old", "id": null }]),
            )
            .responds("/object/resumes", 200, json!([{}]))
            .responds("/object/list/resumes", 200, json!([{ "name": "b.pdf", "id": "2" }]))
            .responds("/object/resumes", 200, json!([{}]))
            .responds("/object/list/resumes", 200, json!([]))
            .responds("/object/list/resumes", 200, json!([]))
            .responds("/object/list/cover_letters", 200, json!([]));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, completed(json!({ "removed": 2 })));
        assert!(work(&machine).iter().all(|call| call.ends_with(" as the service role")));
        let removed: Vec<Value> =
            machine.sent().iter().filter(|sent| sent.method == "DELETE").map(|sent| sent.body.clone()).collect();
        let paths = |path: &str| json!({ "prefixes": [format!("{USER}/{path}")] });
        assert_eq!(removed, [paths("a.pdf"), paths("old/b.pdf")]);
        assert_eq!(machine.bodies("resumes")[0], json!({ "prefix": USER, "limit": 1000, "offset": 0 }));
    }

    #[test]
    fn a_folder_that_does_not_become_empty_is_given_up() {
        let machine = (0..200).fold(Machine::new(), |machine, _| {
            let listed = machine.responds("/object/list/resumes", 200, json!([{ "name": "a.pdf", "id": "1" }]));
            listed.responds("/object/resumes", 200, json!([{}]))
        });
        assert_eq!(settled(machine, KIND, &payload()).1, retry_for("storage_failed"));
    }

    #[test]
    fn files_that_cannot_be_removed_are_tried_again() {
        let listed = || Machine::new().responds("/object/list/resumes", 200, json!([{ "name": "a.pdf", "id": "1" }]));
        for (machine, code) in [
            (Machine::new().responds("/object/list/resumes", 500, json!({})), "storage_failed"),
            (Machine::new().responds("/object/list/resumes", 200, json!({})), "storage_failed"),
            (Machine::new().fails("/object/list/resumes", Failure::Unreachable), "storage_failed"),
            (Machine::new().fails("/object/list/resumes", Failure::TimedOut), "storage_timed_out"),
            (listed().responds("/object/resumes", 500, json!({})), "storage_failed"),
            (listed().responds("/object/resumes", 200, json!([])), "storage_failed"),
        ] {
            assert_eq!(settled(machine, KIND, &payload()).1, retry_for(code));
        }
    }
}

mod job_sync {
    use super::{
        Duration, Failure, Machine, Queue as _, attempt, completed, json, put_back, retry, run, settled, work,
    };

    const KIND: &str = "job_sync";

    fn responds(status: u16) -> Machine {
        Machine::new().responds("/functions/v1/job-sync", status, json!({}))
    }

    #[test]
    fn the_other_function_does_it_and_says_how_it_went() {
        for (machine, expected) in [
            (responds(200), completed(json!({}))),
            (responds(409), put_back(600)),
            (responds(503), put_back(600)),
            (responds(502), retry("job-sync answered 502", None)),
            (responds(401), retry("job-sync answered 401", None)),
            (Machine::new().fails("/job-sync", Failure::Unreachable), retry("job-sync: Unreachable", None)),
            (Machine::new().without_service_bindings(), retry("job-sync is not bound", None)),
        ] {
            assert_eq!(settled(machine, KIND, &json!({})).1, expected);
        }
        let (machine, _) = attempt(responds(200).settles(), KIND, &json!({}), 1);
        assert_eq!(work(&machine), ["job-sync as the service role"]);
        assert_eq!(machine.body("job-sync"), json!({}), "every query");
    }

    #[test]
    fn a_sync_has_ten_minutes_and_keeps_its_lease_all_the_while() {
        let machine = Machine::new()
            .returns("close_dead_job_syncs", json!(0))
            .holds(&[super::job(1, KIND, &json!({}))])
            .fails("/job-sync", Failure::TimedOut)
            .extends()
            .settles()
            .holds_nothing();
        run(&machine, &json!({ "job_types": [KIND] })).unwrap();
        assert_eq!(machine.waited(), Duration::from_mins(10));
        assert_eq!(machine.bodies("extend_background_jobs").len(), 60);
        assert_eq!(super::settlements(&machine), [(1, retry("job-sync: TimedOut", None))]);
    }
}

mod announcement {
    use super::{Attempts, Machine, assert_retried, completed, json, put_back, settled};

    const KIND: &str = "announcement";
    const ANNOUNCEMENT: &str = "4f9619ff-8b86-4d11-b42d-00c04fc964ff";

    #[test]
    fn people_are_told_slowly_until_everybody_is() {
        let payload = json!({ "announcement_id": ANNOUNCEMENT });
        let told = |told: u32, is_finished: bool| {
            Machine::new().returns("tell_announcement", json!({ "told": told, "is_finished": is_finished }))
        };
        let (machine, settlement) = settled(told(500, false), KIND, &payload);
        assert_eq!(settlement, put_back(60));
        let expected = json!({ "p_announcement_id": ANNOUNCEMENT, "p_limit": 500 });
        assert_eq!(machine.bodies("tell_announcement"), [expected]);
        assert_eq!(settled(told(507, true), KIND, &payload).1, completed(json!({ "told": 507 })));
    }

    #[test]
    fn a_database_that_fails_is_asked_again_later() {
        let payload = json!({ "announcement_id": ANNOUNCEMENT });
        assert_retried("tell_announcement", Attempts::Three, KIND, &payload, Machine::new);
    }
}

mod profile_reminders {
    use super::{Attempts, Machine, assert_retried, completed, json, put_back, settled};

    const KIND: &str = "profile_reminders";

    #[test]
    fn profiles_are_looked_at_until_there_are_fewer_than_one_transaction_takes() {
        let looked_at = |profiles: u32| {
            Machine::new().returns("remind_of_profiles", json!({ "looked_at": profiles, "reminded": 7 }))
        };
        let (machine, settlement) = settled(looked_at(200), KIND, &json!({}));
        assert_eq!(settlement, put_back(10));
        assert_eq!(machine.bodies("remind_of_profiles"), [json!({ "p_limit": 200 })]);
        assert_eq!(settled(looked_at(199), KIND, &json!({})).1, completed(json!({ "reminded": 7 })));
    }

    #[test]
    fn a_database_that_fails_is_asked_again_later() {
        assert_retried("remind_of_profiles", Attempts::Three, KIND, &json!({}), Machine::new);
    }
}

mod submit_application {
    use super::{APPLICATION, Duration, Failure, Machine, Queue as _, completed, id, json, retry, settled, work};

    const KIND: &str = "submit_application";
    const PATH: &str = "/functions/v1/initiate-skyvern-application";

    #[test]
    fn the_other_function_hands_it_over_and_says_whether_it_still_waits() {
        let payload = json!({ "application_id": APPLICATION });
        let late = Machine::new().responds_with(PATH, 503, &[("retry-after", "120")], "{}");
        for (machine, expected) in [
            (Machine::new().responds(PATH, 202, json!({})), completed(json!({ "status": 202 }))),
            (Machine::new().responds(PATH, 200, json!({})), completed(json!({ "status": 200 }))),
            (late, retry("initiate-skyvern-application answered 503", Some(120))),
            (Machine::new().responds(PATH, 429, json!({})), retry("initiate-skyvern-application answered 429", None)),
            (
                Machine::new().fails(PATH, Failure::Unreachable),
                retry("initiate-skyvern-application: Unreachable", None),
            ),
            (Machine::new().without_service_bindings(), retry("initiate-skyvern-application is not bound", None)),
        ] {
            assert_eq!(settled(machine, KIND, &payload).1, expected);
        }
        let (machine, _) = settled(Machine::new().responds(PATH, 202, json!({})), KIND, &payload);
        assert_eq!(work(&machine), ["initiate-skyvern-application as the service role"]);
        assert_eq!(
            machine.body("initiate-skyvern-application"),
            json!({ "application_id": APPLICATION, "job_id": id(1) })
        );
    }

    #[test]
    fn a_submission_has_a_minute_and_keeps_its_lease_all_the_while() {
        let machine = Machine::new().fails(PATH, Failure::TimedOut).extends();
        let (machine, settlement) = settled(machine, KIND, &json!({ "application_id": APPLICATION }));
        assert_eq!(settlement, retry("initiate-skyvern-application: TimedOut", None));
        assert_eq!(machine.bodies("extend_background_jobs").len(), 5, "the last second is the settlement's");
        assert_eq!(machine.waited(), Duration::from_mins(1));
    }
}

mod purge {
    use super::{Attempts, Duration, Machine, Value, assert_retried, completed, json, put_back, settled};

    const KIND: &str = "purge";

    /// What the database returns when it has deleted so much, up to there.
    #[expect(clippy::needless_pass_by_value, reason = "it reads as what is returned")]
    fn round(purged: Value, events_up_to: &str) -> Value {
        json!({ "purged": purged, "after": { "events": events_up_to } })
    }

    #[test]
    fn rows_are_deleted_until_there_are_fewer_than_one_transaction_takes() {
        let machine = Machine::new()
            .returns("purge_expired_rows", round(json!({ "events": 2000, "logs": 7 }), "2026-01-01T00:00:00Z"))
            .returns("purge_expired_rows", round(json!({ "events": 1999 }), "infinity"));
        let (machine, settlement) = settled(machine, KIND, &json!({}));
        assert_eq!(settlement, completed(json!({ "events": 3999, "logs": 7 })));
        let goes_on = json!({ "p_limit": 2000, "p_after": { "events": "2026-01-01T00:00:00Z" } });
        assert_eq!(machine.bodies("purge_expired_rows"), [json!({ "p_limit": 2000, "p_after": {} }), goes_on]);
    }

    #[test]
    fn after_ten_seconds_other_jobs_get_their_turn() {
        let takes = |machine: Machine, seconds| {
            let round = round(json!({ "events": 2000 }), "2026-01-01T00:00:00Z");
            machine.returns("purge_expired_rows", round).taking(Duration::from_secs(seconds))
        };
        let machine = takes(takes(Machine::new(), 5), 5);
        let machine = takes(machine, 1).returns("extend_background_jobs", json!([]));
        assert_eq!(settled(machine, KIND, &json!({})).1, put_back(1));
    }

    #[test]
    fn a_database_that_fails_is_asked_again_later() {
        assert_retried("purge_expired_rows", Attempts::Three, KIND, &json!({}), Machine::new);
    }
}

mod push_notification {
    use super::{Failure, Machine, Queue as _, Value, attempt, id, job, json, json_of, retry, run, settled, work};

    const KIND: &str = "push_notification";

    #[test]
    fn jobs_are_handed_over_together_with_their_leases_and_settled_by_the_other_function() {
        let jobs: Vec<Value> = (1..=3).map(|number| job(number, KIND, &json!({}))).collect();
        let machine =
            Machine::new().holds(&jobs).responds("/trigger-push-notification", 200, json!({})).holds_nothing();
        let reply = run(&machine, &json!({ "job_types": [KIND] })).unwrap();
        assert_eq!(json_of(&reply)["endings"], json!({ "handed_over": 3 }));
        assert_eq!(work(&machine), ["trigger-push-notification as the service role"]);
        let handed_over: Vec<Value> =
            (1..=3).map(|number| json!({ "job_id": id(number), "lease_number": number * 10 })).collect();
        assert_eq!(machine.body("trigger-push-notification"), json!(handed_over));
    }

    #[test]
    fn what_was_handed_over_is_settled_by_nobody_else() {
        let machine = Machine::new().responds("/trigger-push-notification", 200, json!({}));
        assert_eq!(attempt(machine, KIND, &json!({}), 1).1, None);
    }

    #[test]
    fn what_could_not_be_handed_over_is_tried_again() {
        let failed = |error: &str| retry(&format!("trigger-push-notification{error}"), None);
        for (machine, expected) in [
            (Machine::new().responds("/trigger-push-notification", 502, json!({})), failed(" answered 502")),
            (Machine::new().fails("/trigger-push-notification", Failure::Unreachable), failed(": Unreachable")),
            (Machine::new().without_service_bindings(), failed(" is not bound")),
        ] {
            assert_eq!(settled(machine, KIND, &json!({})).1, expected);
        }
    }
}

mod push_receipts {
    use super::{Attempts, Failure, Machine, assert_retried, completed, failed, json, settled, work};

    const KIND: &str = "push_receipts";

    fn due() -> Machine {
        Machine::new().returns("claim_push_receipts", json!(["t1", "t2", "t3", "t4"]))
    }

    fn answered() -> Machine {
        due().responds(
            "/--/api/v2/push/getReceipts",
            200,
            json!({ "data": {
            "t1": { "status": "ok" },
            "t2": { "status": "error", "message": "gone", "details": { "error": "DeviceNotRegistered" } },
            "t3": { "status": "error", "message": "odd" },
        } }),
        )
    }

    #[test]
    fn what_became_of_messages_is_written_down_and_counted() {
        let (machine, settlement) = settled(answered().returns("record_push_receipts", json!(3)), KIND, &json!({}));
        let errors = json!({ "DeviceNotRegistered": 1, "unnamed": 1 });
        assert_eq!(settlement, completed(json!({ "asked": 4, "received": 3, "errors": errors })));
        let calls =
            ["claim_push_receipts as the service role", "getReceipts", "record_push_receipts as the service role"];
        assert_eq!(work(&machine), calls);
        assert_eq!(machine.body("getReceipts"), json!({ "ids": ["t1", "t2", "t3", "t4"] }));
        let row = |id, error, message, gone| json!({ "ticket_id": id, "error": error, "message": message, "device_gone": gone });
        let rows = [
            row("t1", None, None, false),
            row("t2", Some("DeviceNotRegistered"), Some("gone"), true),
            row("t3", Some("unnamed"), Some("odd"), false),
        ];
        assert_eq!(machine.body("record_push_receipts"), json!({ "p_receipts": rows }));
    }

    #[test]
    fn without_tickets_expo_is_not_asked() {
        let (_, settlement) = settled(Machine::new().returns("claim_push_receipts", json!([])), KIND, &json!({}));
        assert_eq!(settlement, completed(json!({ "asked": 0 })));
    }

    #[test]
    fn a_failure_of_expos_is_left_to_the_next_job() {
        let path = "/push/getReceipts";
        let several = json!({ "errors": [{ "code": "PUSH_TOO_MANY_EXPERIENCE_IDS", "details": { "@a/b": ["t1"] } }] });
        for (machine, code) in [
            (due().responds(path, 401, json!({})), "expo_unauthorized"),
            (due().responds(path, 429, json!({})), "expo_rate_limited"),
            (due().responds(path, 400, several), "expo_rejected"),
            (due().responds(path, 500, json!({})), "expo_failed"),
            (due().fails(path, Failure::TimedOut), "expo_timed_out"),
            (due().fails(path, Failure::Unreachable), "expo_unreachable"),
            (due().responds(path, 200, json!({ "data": [] })), "expo_unreadable"),
        ] {
            assert_eq!(settled(machine, KIND, &json!({})).1, failed(code));
        }
    }

    #[test]
    fn a_database_that_fails_is_asked_again_later() {
        assert_retried("claim_push_receipts", Attempts::One, KIND, &json!({}), Machine::new);
        assert_retried("record_push_receipts", Attempts::Three, KIND, &json!({}), answered);
    }
}

mod reconcile_application {
    use super::{
        APPLICATION, Attempts, Failure, Machine, SUBMISSION, TITLE, USER, Value, assert_retried, completed, json,
        put_back, retry_for, settled, work,
    };

    const KIND: &str = "reconcile_application";
    const QUESTION: &str = "application_to_reconcile as the service role";

    fn payload() -> Value {
        json!({ "application_id": APPLICATION })
    }

    fn silent_run() -> Machine {
        let question = json!({ "outcome": "run", "run_id": "tsk_41", "attempt": 3, "is_overdue": false });
        Machine::new().returns("application_to_reconcile", question)
    }

    fn overdue_run() -> Machine {
        let question = json!({ "outcome": "run", "run_id": "tsk_41", "attempt": 1, "is_overdue": true });
        Machine::new().returns("application_to_reconcile", question)
    }

    fn open_submission(seconds_ago: u64) -> Machine {
        let question =
            json!({ "outcome": "submission", "submission_id": SUBMISSION, "title": TITLE, "seconds_ago": seconds_ago });
        Machine::new().returns("application_to_reconcile", question)
    }

    fn run_that(status: &str) -> Value {
        json!({ "run_id": "tsk_41", "status": status, "prompt": "full of personal data" })
    }

    fn gone(machine: Machine) -> Machine {
        machine.responds("/v1/runs/tsk_41", 404, json!({ "detail": "Task run not found tsk_41" }))
    }

    fn listed(status: &str) -> Value {
        json!([{ "run_id": "tsk_41", "status": status, "title": TITLE }])
    }

    fn outcome(outcome: &str) -> Value {
        json!({ "outcome": outcome })
    }

    fn recorded(outcome: &str) -> Value {
        json!({ "outcome": outcome, "run_id": null, "status": "PROCESSING_BY_SKYVERN" })
    }

    fn found(outcome: &str) -> super::Settlement {
        completed(json!({ "found": outcome }))
    }

    #[test]
    fn while_skyvern_is_left_alone_a_look_waits_without_losing_an_attempt() {
        let paused = json!({ "outcome": "paused", "retry_after_seconds": 90 });
        let (machine, settlement) =
            settled(Machine::new().returns("application_to_reconcile", paused), KIND, &payload());
        assert_eq!((settlement, work(&machine).as_slice()), (put_back(90), &[QUESTION.to_owned()][..]));
    }

    #[test]
    fn what_is_known_already_is_not_asked_of_skyvern() {
        let known = json!({ "outcome": "nothing", "reason": "settled" });
        let (machine, settlement) =
            settled(Machine::new().returns("application_to_reconcile", known), KIND, &payload());
        assert_eq!(settlement, found("settled"));
        assert_eq!(work(&machine), [QUESTION]);
        let asked = json!({ "p_application_id": APPLICATION, "p_user_id": USER });
        assert_eq!(machine.body("application_to_reconcile"), asked);
    }

    #[test]
    fn a_run_that_is_over_is_written_down_as_its_webhook_would_have_been() {
        let machine = silent_run()
            .responds("/v1/runs/tsk_41", 200, run_that("failed"))
            .returns("apply_skyvern_event", outcome("applied"));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, found("applied"));
        assert_eq!(work(&machine), [QUESTION, "tsk_41", "apply_skyvern_event as the service role"]);
        let arguments = machine.body("apply_skyvern_event");
        assert_eq!((&arguments["p_run_id"], &arguments["p_run_status"]), (&json!("tsk_41"), &json!("failed")));
        assert_eq!(
            (&arguments["p_attempt"], &arguments["p_source"]),
            (&json!(3), &json!("reconciler")),
            "not an older attempt than we know of"
        );
        assert_eq!(
            (&arguments["p_application_id"], &arguments["p_submission_id"]),
            (&json!(APPLICATION), &Value::Null)
        );
        assert_eq!(arguments["p_decision"]["status"], "FAILED_SKYVERN_SUBMISSION");
        assert!(!arguments["p_body"].as_str().unwrap().contains("personal"), "{arguments}");
    }

    #[test]
    fn a_run_that_goes_on_is_noted() {
        let machine = silent_run()
            .responds("/v1/runs/tsk_41", 200, run_that("running"))
            .returns("note_ongoing_skyvern_run", true);
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, found("ongoing"));
        let noted = json!({ "p_application_id": APPLICATION, "p_run_id": "tsk_41" });
        assert_eq!(machine.body("note_ongoing_skyvern_run"), noted);
    }

    #[test]
    fn a_run_that_goes_on_after_its_deadline_is_given_up() {
        let machine = overdue_run()
            .responds("/v1/runs/tsk_41", 200, run_that("running"))
            .returns("record_overdue_skyvern_run", outcome("overdue"));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, found("overdue"));
        let arguments = machine.body("record_overdue_skyvern_run");
        assert_eq!((&arguments["p_application_id"], &arguments["p_run_id"]), (&json!(APPLICATION), &json!("tsk_41")));
        assert_eq!(arguments["p_decision"]["status_details"]["reason"], "run_overdue");
        assert!(arguments["p_decision"]["notification"]["title"].is_string());
    }

    #[test]
    fn a_run_that_is_over_by_its_deadline_is_believed() {
        let machine = overdue_run()
            .responds("/v1/runs/tsk_41", 200, run_that("completed"))
            .returns("apply_skyvern_event", outcome("applied"));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, found("applied"));
        assert_eq!(work(&machine), [QUESTION, "tsk_41", "apply_skyvern_event as the service role"]);
    }

    #[test]
    fn a_run_that_skyvern_does_not_know_is_for_a_person_to_look_into() {
        let machine = gone(silent_run()).returns("record_lost_skyvern_run", outcome("lost"));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, found("lost"));
        let decision = &machine.body("record_lost_skyvern_run")["p_decision"];
        assert_eq!(decision["status"], "REQUIRES_ATTENTION_MANUAL_REVIEW");
    }

    #[test]
    fn while_skyvern_cannot_be_asked_nothing_is_written_down() {
        for (path, before) in
            [("/v1/runs/tsk_41", silent_run as fn() -> Machine), ("/v1/runs", || open_submission(600))]
        {
            for (machine, code) in [
                (before().responds(path, 401, json!({})), "skyvern_unauthorized"),
                (before().responds(path, 404, json!({ "detail": "Not Found" })), "skyvern_rejected"),
                (before().responds(path, 429, json!({})), "skyvern_rate_limited"),
                (before().responds(path, 503, json!({})), "skyvern_failed"),
                (before().fails(path, Failure::TimedOut), "skyvern_timed_out"),
                (before().fails(path, Failure::Unreachable), "skyvern_unreachable"),
                (before().responds(path, 200, json!({ "run_id": "tsk_40", "status": "failed" })), "skyvern_unreadable"),
            ] {
                let (machine, settlement) = settled(machine, KIND, &payload());
                assert_eq!(settlement, retry_for(code));
                assert_eq!(work(&machine).len(), 2, "{code}");
            }
        }
    }

    #[test]
    fn an_open_submission_whose_run_is_listed_is_recorded() {
        for outcome in ["recorded", "already_recorded", "superseded"] {
            let machine = open_submission(5)
                .responds("/v1/runs", 200, listed("running"))
                .returns("record_skyvern_run", recorded(outcome));
            let (machine, settlement) = settled(machine, KIND, &payload());
            assert_eq!(settlement, found(outcome));
            let expected = json!({ "p_application_id": APPLICATION, "p_submission_id": SUBMISSION, "p_run_id": "tsk_41",
                                   "p_run_status": "running", "p_source": "reconciler" });
            assert_eq!(machine.body("record_skyvern_run"), expected);
        }
    }

    #[test]
    fn a_run_that_is_listed_as_over_is_asked_for_unless_the_submission_is_another_ones_now() {
        let over = || open_submission(5).responds("/v1/runs", 200, listed("completed"));
        let machine = over()
            .returns("record_skyvern_run", recorded("recorded"))
            .responds("/v1/runs/tsk_41", 200, run_that("completed"))
            .returns("apply_skyvern_event", outcome("applied"));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!((settlement, &machine.body("apply_skyvern_event")["p_attempt"]), (found("applied"), &json!(1)));
        let (machine, settlement) =
            settled(over().returns("record_skyvern_run", recorded("superseded")), KIND, &payload());
        assert_eq!((settlement, work(&machine).len()), (found("superseded"), 3));
    }

    #[test]
    fn a_submission_is_absent_once_its_run_would_surely_be_listed() {
        let not_listed = |seconds_ago| open_submission(seconds_ago).responds("/v1/runs", 200, json!([]));
        assert_eq!(settled(not_listed(50), KIND, &payload()).1, put_back(70));
        let machine = not_listed(120).returns("record_absent_submission", outcome("absent"));
        let (machine, settlement) = settled(machine, KIND, &payload());
        assert_eq!(settlement, found("absent"));
        let arguments = machine.body("record_absent_submission");
        assert_eq!(
            (&arguments["p_submission_id"], &arguments["p_decision"]["status"]),
            (&json!(SUBMISSION), &json!("FAILED_SKYVERN_SUBMISSION"))
        );
    }

    #[test]
    fn a_database_that_fails_is_asked_again_later() {
        assert_retried("application_to_reconcile", Attempts::One, KIND, &payload(), Machine::new);
        let ended = || silent_run().responds("/v1/runs/tsk_41", 200, run_that("failed"));
        assert_retried("apply_skyvern_event", Attempts::One, KIND, &payload(), ended);
        for (function, before) in [
            ("record_lost_skyvern_run", (|| gone(silent_run())) as fn() -> Machine),
            ("note_ongoing_skyvern_run", || silent_run().responds("/v1/runs/tsk_41", 200, run_that("running"))),
            ("record_skyvern_run", || open_submission(5).responds("/v1/runs", 200, listed("running"))),
            ("record_absent_submission", || open_submission(600).responds("/v1/runs", 200, json!([]))),
        ] {
            assert_retried(function, Attempts::Three, KIND, &payload(), before);
        }
    }
}

mod saved_search_alert {
    use super::{
        Attempts, LEASE, Machine, SEARCH, Settlement, USER, Value, assert_retried, attempt, completed, failed, id,
        json, put_back, retry_for, settled, work,
    };

    const KIND: &str = "saved_search_alert";
    const SINCE: &str = "2026-03-01 10:15:00+00";
    const SEARCHED_AT: &str = "2026-03-02 10:10:00+00";
    const ADZUNA: &str = "/v1/api/jobs/gb/search/1";

    fn payload() -> Value {
        json!({ "saved_search_id": SEARCH })
    }

    fn task(search_query: &Value) -> Machine {
        let task = json!({ "outcome": "wanted", "search_query": search_query, "user_id": USER, "since": SINCE,
                           "newer_than": "2026-03-02 09:15:00+00" });
        Machine::new().returns("saved_search_to_alert", task)
    }

    /// What the person saved: the page and the order are not the alert's.
    fn wanted() -> Machine {
        task(&json!({ "keywords": "alerts", "page": 7, "page_size": "odd", "sort_by": "salary" }))
    }

    fn page() -> Value {
        json!({ "version": LEASE, "fetched_at": SEARCHED_AT, "age_seconds": 300, "results": {
            "jobs": [{
                "id": "gb:41", "title": "Engineer", "company": "Example Ltd", "location": null, "url": null,
                "description": "long", "salary": { "min": null, "max": null, "currency": "GBP", "is_predicted": false },
                "category": null, "contract_type": null, "contract_time": null, "posted_at": "2026-03-02T08:00:00Z",
            }], "total": 1, "has_more": false }, "saved": [], "applications": {} })
    }

    fn found() -> Machine {
        wanted().returns("search_jobs_for_alert", json!({ "outcome": "fresh", "page": page() }))
    }

    fn leased() -> Machine {
        let lease = json!({ "outcome": "leased", "lease_id": LEASE, "user_id": USER, "page": null });
        wanted().returns("search_jobs_for_alert", lease)
    }

    #[test]
    fn what_was_found_is_judged_told_and_settled_in_one_call() {
        let machine = found().returns("record_saved_search_alert", json!({ "outcome": "told" }));
        let (machine, settlement) = attempt(machine, KIND, &payload(), 1);
        assert_eq!(settlement, None, "the job was settled with it");
        let calls = ["saved_search_to_alert", "search_jobs_for_alert", "record_saved_search_alert"];
        assert_eq!(work(&machine), calls.map(|function| format!("{function} as the service role")));
        let asked = json!({ "p_job_id": id(1), "p_saved_search_id": SEARCH });
        assert_eq!(machine.body("saved_search_to_alert"), asked);
        let searched = machine.body("search_jobs_for_alert");
        assert_eq!(
            (&searched["p_user_id"], &searched["p_newer_than"]),
            (&json!(USER), &json!("2026-03-02 09:15:00+00"))
        );
        let posting = json!({ "id": "gb:41", "title": "Engineer", "company": "Example Ltd", "location": null,
                              "posted_at": "2026-03-02T08:00:00Z" });
        let recorded = json!({ "p_job_id": id(1), "p_lease_number": 10, "p_saved_search_id": SEARCH, "p_since": SINCE,
                               "p_postings": [posting], "p_searched_at": SEARCHED_AT });
        assert_eq!(machine.body("record_saved_search_alert"), recorded);
    }

    #[test]
    fn adzuna_is_asked_for_the_newest_postings_on_the_persons_share() {
        let stored = json!({ "version": LEASE, "fetched_at": SEARCHED_AT, "age_seconds": 0, "results": null });
        let mut stored = stored;
        stored["saved"] = json!([]);
        stored["applications"] = json!({});
        let machine = leased()
            .responds(ADZUNA, 200, json!({ "count": 1, "results": [{ "id": "41", "title": "Engineer" }] }))
            .returns("store_job_search", stored)
            .returns("record_saved_search_alert", json!({ "outcome": "nothing_new" }));
        let (machine, _) = attempt(machine, KIND, &payload(), 1);
        let asked = machine.sent().into_iter().find(|sent| sent.url.contains("adzuna")).unwrap().url;
        assert!(asked.ends_with("&results_per_page=50&what=alerts&sort_by=date&sort_dir=down"), "{asked}");
        assert_eq!(machine.body("store_job_search")["p_user_id"], USER);
    }

    #[test]
    fn a_search_that_is_gone_or_switched_off_is_not_made() {
        for outcome in ["search_not_found", "switched_off"] {
            let machine = Machine::new().returns("saved_search_to_alert", json!({ "outcome": outcome }));
            assert_eq!(settled(machine, KIND, &payload()).1, completed(json!({ "outcome": outcome })));
        }
    }

    #[test]
    fn a_saved_search_that_cannot_be_made_fails_for_good() {
        let (machine, settlement) = settled(task(&json!({ "keywords": 7 })), KIND, &payload());
        assert_eq!((settlement, work(&machine).len()), (failed("invalid_search"), 1));
    }

    #[test]
    fn a_spent_allowance_is_waited_for_six_hours_at_most() {
        for (is_own_limit, seconds, waits) in [(false, 60, 60), (true, 60, 60), (false, 90_000, 6 * 60 * 60)] {
            let spent = json!({ "outcome": "spent", "retry_after_seconds": seconds, "is_own_limit": is_own_limit, "page": null });
            let machine = wanted().returns("search_jobs_for_alert", spent);
            assert_eq!(settled(machine, KIND, &payload()).1, put_back(waits));
        }
    }

    #[test]
    fn a_failure_of_adzunas_is_tried_again_unless_it_will_always_be_refused() {
        let asked =
            |status| leased().responds(ADZUNA, status, json!({})).returns("record_job_search_failure", Value::Null);
        for (status, expected) in [
            (400, failed("adzuna_rejected")),
            (401, retry_for("adzuna_unauthorized")),
            (429, retry_for("adzuna_rate_limited")),
            (500, retry_for("adzuna_failed")),
            (504, retry_for("adzuna_timed_out")),
        ] {
            let (_, settlement): (Machine, Settlement) = settled(asked(status), KIND, &payload());
            assert_eq!(settlement, expected, "{status}");
        }
    }

    #[test]
    fn a_database_that_fails_is_asked_again_later() {
        assert_retried("saved_search_to_alert", Attempts::One, KIND, &payload(), Machine::new);
        assert_retried("search_jobs_for_alert", Attempts::One, KIND, &payload(), wanted);
        assert_retried("record_saved_search_alert", Attempts::Three, KIND, &payload(), found);
    }
}
