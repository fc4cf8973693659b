//! The functions are replaced while they are at work, again and again: what was under way ends well or is asked for again,
//! and nothing happens twice.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream};
use serde_json::json;
use tests::{
    Finish, Finished, Person, Service, Stack,
    runtimes::{Gateway, Runtime},
};
use uuid::Uuid;

const PEOPLE: usize = 12;
/// Of each person.
const APPLICATIONS: usize = 10;
/// So many are at work at the same time.
const AT_ONCE: usize = 16;
const DEPLOYMENTS: usize = 3;
/// With each deployment so many requests surely are cut off while Skyvern has the run and has not answered, and as many
/// between the claim and Skyvern. How many others are is left to chance.
const CUT_OFF: usize = 3;

const TIME: Duration = Duration::from_mins(2);

/// What must have happened once to each application.
const ONCE: [(&str, &str); 4] = [
    (
        "submitted",
        "select count(*) from public.application_events
         where application_id = $1 and to_status = 'SUBMITTED_BY_SKYVERN'",
    ),
    (
        "an event applied",
        "select count(*) from public.webhook_events where application_id = $1 and outcome = 'applied'",
    ),
    ("a notification", "select count(*) from public.notifications where related_entity_id = $1"),
    (
        "a message",
        "select count(*) from public.background_jobs
         where job_type = 'push_notification' and payload #>> '{data,application_id}' = $1::uuid::text",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_application_is_sent_once_and_told_once_however_often_the_functions_are_replaced() {
    let stack = Stack::get().await;
    let gateway = Gateway::open(&stack).await;
    // They take a moment to start, and what is held up must not wait for that.
    let mut builds = Vec::new();
    for number in 0..=DEPLOYMENTS {
        builds.push(Runtime::start(&stack, &format!("build-{number}"), gateway.url(), 0).await);
    }
    gateway.lead_to(&[&builds[0]]);
    let stack = Stack::described_by(&gateway.description(&stack, false));
    let people = join_all((0..PEOPLE).map(|_| stack.new_person())).await;
    let mut applications = Vec::new();
    for person in &people {
        let own = join_all((0..APPLICATIONS).map(|_| person.pending_application())).await;
        applications.extend(own.into_iter().map(|application| (person, application)));
    }

    let (ended, cut_off) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = stream::iter(&applications).for_each_concurrent(AT_ONCE, async |(person, application)| {
        let run_id = apply(&stack, person, *application, &cut_off).await;
        let finish = Finish { deliver: false, ..Finish::submitted() };
        let webhook = stack.skyvern().finish(&run_id, &finish).await;
        tokio::join!(deliver(&stack, &webhook, &cut_off), deliver(&stack, &webhook, &cut_off));
        ended.fetch_add(1, Ordering::Relaxed);
    });
    let deploy = async {
        for number in 1..=DEPLOYMENTS {
            let share = applications.len() * number / (DEPLOYMENTS + 2);
            let mut next = applications.iter().skip(share + AT_ONCE).map(|(_, application)| *application);
            let at_skyvern: Vec<Uuid> = next.by_ref().take(CUT_OFF).collect();
            let claimed: Vec<Uuid> = next.take(CUT_OFF).collect();
            for (service, held) in [(Service::Skyvern, &at_skyvern), (Service::Rest, &claimed)] {
                for application in held {
                    stack.hold(service, application, 1).await;
                }
            }
            tests::within(TIME, "a share of the work is done", async || {
                (ended.load(Ordering::Relaxed) >= share).then_some(())
            })
            .await;
            tests::within(TIME, "requests wait in the middle", async || {
                let creations = at_skyvern.iter().map(async |id| stack.skyvern().creations_for(id).await);
                let creations = join_all(creations).await;
                let sql = "select bool_and(submission_id is not null) from public.applications where id = any($1)";
                let are_claimed: bool = stack.database().query(sql, &[&claimed]).await[0].get(0);
                (creations.iter().all(|of_one| !of_one.is_empty()) && are_claimed).then_some(())
            })
            .await;
            gateway.lead_to(&[&builds[1]]);
            builds.remove(0); // with all that it was doing
            for application in at_skyvern.iter().chain(&claimed) {
                stack.release(application).await;
            }
        }
    };
    tokio::join!(work, deploy);

    let cut_off = cut_off.load(Ordering::Relaxed);
    assert!(cut_off >= DEPLOYMENTS * 2 * CUT_OFF, "{cut_off} requests were cut off");
    for (person, application) in &applications {
        let run = stack.skyvern().run_for(application).await;
        let row = person.application_row(*application).await;
        assert_eq!((&row["status"], &row["skyvern_task_id"]), (&json!("SUBMITTED_BY_SKYVERN"), &json!(run.run_id)));
        for (what, sql) in ONCE {
            let count: i64 = stack.database().query(sql, &[application]).await[0].get(0);
            assert_eq!(count, 1, "{what}: {row:#}");
        }
    }
}

/// As an app does it: until there is a run. Nobody waits for the end of a lease here.
async fn apply(stack: &Stack, person: &Person, application: Uuid, cut_off: &AtomicUsize) -> String {
    let pass_time = "update public.applications
                     set submission_started_at = submission_started_at - interval '3 minutes',
                         submission_lease_expires_at = submission_lease_expires_at - interval '3 minutes'
                     where id = $1";
    for _ in 0..10 {
        let reply = person.initiate(application).await;
        match (reply.status, reply.code()) {
            (202, _) => return reply.run_id().to_owned(),
            // Mostly no answer of ours: the functions that had the request are gone.
            (500.., code) => {
                cut_off.fetch_add(usize::from(code.is_empty()), Ordering::Relaxed);
                stack.database().query(pass_time, &[&application]).await;
            }
            _ => panic!("{reply:?}"),
        }
    }
    panic!("{application} is refused again and again");
}

/// As Skyvern does it: until it is taken.
async fn deliver(stack: &Stack, webhook: &Finished, cut_off: &AtomicUsize) {
    for _ in 0..10 {
        let headers = [("x-skyvern-signature", webhook.signature.as_str())];
        let reply = stack.send_webhook("", &headers, webhook.body.clone()).await;
        match (reply.status, reply.code()) {
            (200, _) => return,
            (502, "") => cut_off.fetch_add(1, Ordering::Relaxed),
            _ => panic!("{reply:?}"),
        };
    }
    panic!("a webhook is refused again and again: {}", webhook.body);
}
