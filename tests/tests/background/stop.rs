//! What a person stops, stops; and what was sent in spite of it is told.

use serde_json::{Value, json};
use tests::{Finish, Person, RunStatus, Service, Stack};
use uuid::Uuid;

use crate::support::run_jobs;

/// The ways to stop an application.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stop {
    Withdraw,
    ApplyByHand,
    Delete,
    Erase,
}

impl Stop {
    const ALL: [Self; 4] = [Self::Withdraw, Self::ApplyByHand, Self::Delete, Self::Erase];

    async fn tell(self, person: &Person, application: Uuid) {
        let caller = person.caller().await;
        let path = format!("applications?id=eq.{application}");
        let key = json!({ "p_application_id": application });
        let status = |status: &str| json!({ "status": status });
        match self {
            Self::Withdraw => caller.update(&path, &status("WITHDRAWN_BY_USER")).await.expect_status(200),
            Self::ApplyByHand => caller.update(&path, &status("APPLIED_MANUALLY")).await.expect_status(200),
            Self::Delete => caller.rpc("delete_application", &key).await.expect_status(204),
            Self::Erase => caller.rpc("erase_application", &key).await.expect_status(204),
        };
    }
}

#[tokio::test]
async fn a_run_is_cancelled_as_soon_as_its_application_is_stopped_and_nobody_is_told() {
    let stack = Stack::get().await;
    for stop in Stop::ALL {
        let ada = stack.new_person().await;
        let (application, _) = started(&ada).await;

        stop.tell(&ada, application).await;

        until_cancelled(&stack, application).await;
        assert_eq!(told(&stack, &ada).await, Vec::<String>::new(), "{stop:?}");
        let status = match stop {
            Stop::Withdraw => "WITHDRAWN_BY_USER",
            Stop::ApplyByHand => "APPLIED_MANUALLY",
            Stop::Delete => "FAILED_SKYVERN_SUBMISSION",
            Stop::Erase => continue,
        };
        let row = ada.application_row(application).await;
        assert_eq!((&row["status"], &row["skyvern_run_status"]), (&json!(status), &json!("canceled")), "{stop:?}");
    }
}

#[tokio::test]
async fn a_run_that_was_just_being_started_is_cancelled_too() {
    let stack = Stack::get().await;
    for stop in Stop::ALL {
        let ada = stack.new_person().await;
        let application = ada.pending_application().await;
        stack.hold(Service::Skyvern, application, 1).await;

        let stopped = async {
            tests::eventually("the run exists", async || stack.skyvern().runs_for(application).await.pop()).await;
            stop.tell(&ada, application).await;
            stack.release(application).await;
        };
        let _ = tokio::join!(ada.initiate(application), stopped);

        until_cancelled(&stack, application).await;
        assert_eq!(told(&stack, &ada).await, Vec::<String>::new(), "{stop:?}");
    }
}

#[tokio::test]
async fn that_it_was_sent_in_spite_of_it_is_told_and_kept() {
    let stack = Stack::get().await;
    for stop in Stop::ALL {
        let ada = stack.new_person().await;
        let (application, run_id) = started(&ada).await;
        stop.tell(&ada, application).await;

        stack.skyvern().finish(&run_id, &Finish::submitted()).await;

        assert_eq!(told(&stack, &ada).await, ["It had been sent already"], "{stop:?}");
        let (status, reason) = match stop {
            Stop::Withdraw => ("WITHDRAWN_BY_USER", "sent_despite_withdrawal"),
            Stop::ApplyByHand => ("APPLIED_MANUALLY", "sent_despite_decision"),
            Stop::Delete => ("SUBMITTED_BY_SKYVERN", "sent_despite_deletion"),
            Stop::Erase => {
                let sql = "select to_jsonb(e) from public.webhook_events e
                           where run_id = $1 and run_status = 'completed'";
                let events = stack.database().json(sql, &[&run_id]).await;
                assert_eq!((&events[0]["outcome"], &events[0]["body"]), (&json!("application_erased"), &json!("")));
                assert_eq!(events[0]["decision"], Value::Null);
                continue;
            }
        };
        let row = ada.application_row(application).await;
        assert_eq!(row["status"], status, "{stop:?}");
        assert_eq!(row["status_details"]["confirmation_id"], "CONF-2041", "{row:#}");
        let history = stack.database().rows("application_events", "application_id", application).await;
        assert!(history.iter().any(|event| event["reason"] == reason), "{stop:?}: {history:#?}");
    }
}

#[tokio::test]
async fn that_it_was_sent_is_found_out_although_the_webhook_was_lost() {
    let stack = Stack::get().await;
    for stop in Stop::ALL {
        let ada = stack.new_person().await;
        let (application, run_id) = started(&ada).await;
        stack.skyvern().finish(&run_id, &Finish { deliver: false, ..Finish::submitted() }).await;

        stop.tell(&ada, application).await;

        tests::eventually(&format!("{stop:?} is told of"), async || {
            run_jobs(&stack, &["cancel_skyvern_run"]).await;
            (!told(&stack, &ada).await.is_empty()).then_some(())
        })
        .await;
        assert_eq!(told(&stack, &ada).await, ["It had been sent already"], "{stop:?}");
    }
}

#[tokio::test]
async fn what_does_not_stop_an_application_lets_its_run_go_on() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, _) = started(&ada).await;
    let path = format!("applications?id=eq.{application}");
    for change in [json!({ "notes": "They called" }), json!({ "status": "INTERVIEW_SCHEDULED" })] {
        ada.caller().await.update(&path, &change).await.expect_status(200);
        assert!(cancellations(&stack, application).await.is_empty(), "{change}");
    }
}

#[tokio::test]
async fn what_is_over_is_not_cancelled() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, run_id) = started(&ada).await;
    stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    for stop in Stop::ALL {
        stop.tell(&ada, application).await;
        assert!(cancellations(&stack, application).await.is_empty(), "{stop:?}");
        if stop == Stop::Delete {
            let key = json!({ "p_application_id": application });
            ada.caller().await.rpc("restore_application", &key).await.expect_status(204);
        }
    }
}

/// An application that Skyvern is working on, and its run.
async fn started(person: &Person) -> (Uuid, String) {
    let application = person.pending_application().await;
    let reply = person.initiate(application).await.expect_status(202);
    (application, reply.run_id().to_owned())
}

async fn until_cancelled(stack: &Stack, application: Uuid) {
    tests::eventually("the run is cancelled and nothing is in progress", async || {
        run_jobs(stack, &["cancel_skyvern_run"]).await;
        let is_cancelled = stack.skyvern().run_for(application).await.status == RunStatus::Canceled;
        let sql = "select from public.background_jobs
                   where payload ->> 'application_id' = $1 and job_type = 'cancel_skyvern_run'
                     and payload ->> 'run_id' is not null and status <> 'completed'";
        let is_done = stack.database().query(sql, &[&application.to_string()]).await.is_empty();
        (is_cancelled && is_done).then_some(())
    })
    .await;
}

async fn cancellations(stack: &Stack, application: Uuid) -> Vec<Value> {
    let sql = "select to_jsonb(j) from public.background_jobs j
               where job_type = 'cancel_skyvern_run' and payload ->> 'application_id' = $1";
    stack.database().json(sql, &[&application.to_string()]).await
}

/// What the person was told, by title.
async fn told(stack: &Stack, person: &Person) -> Vec<String> {
    let sql = "select title from public.notifications where user_id = $1 order by created_at";
    stack.database().query(sql, &[&person.user_id]).await.iter().map(|row| row.get(0)).collect()
}
