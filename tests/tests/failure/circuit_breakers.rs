//! A vendor in trouble is left alone: nothing is called, nobody loses anything by it, and one call finds out when it is
//! over. On a stack of its own, because all other tests hold the circuit breakers closed.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Fault, FaultSpec, Function, OwnStack, Person, Reply, Service, Stack};
use uuid::Uuid;

/// All requests to this vendor fail in this way, as often.
async fn fail(stack: &Stack, service: Service, times: u32, status: u16) {
    let fault = Fault::Status { status, body: Value::Null, headers: BTreeMap::new() };
    stack.fail(FaultSpec { service, contains: "/".to_owned(), times, fault }).await;
}

/// The vendor is paused, and stays so for as long as the test takes.
async fn lasts(stack: &Stack, vendor: &str) {
    let longer = "update private.circuit_breakers set open_until = open_until + interval '1 day'
                  where vendor = $1 and open_until > clock_timestamp() returning vendor";
    assert_eq!(stack.database().query(longer, &[&vendor]).await.len(), 1, "{vendor} is paused");
}

/// The pause is over.
async fn is_due(stack: &Stack, vendor: &str) {
    let due = "update private.circuit_breakers set open_until = clock_timestamp() where vendor = $1 returning vendor";
    assert_eq!(stack.database().query(due, &[&vendor]).await.len(), 1, "{vendor} is paused");
}

async fn is_closed(stack: &Stack, vendor: &str) -> bool {
    let open = "select from private.circuit_breakers where vendor = $1 and open_until is not null";
    stack.database().query(open, &[&vendor]).await.is_empty()
}

async fn search(person: &Person) -> Reply {
    person.caller().await.invoke("adzuna-job-search", &json!({ "keywords": Uuid::new_v4() })).await
}

#[track_caller]
fn expect_paused(reply: Reply, code: &str) {
    let reply = reply.expect_problem(503, code);
    assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|wait| wait > 0), "{reply:?}");
}

#[tokio::test]
async fn vendors_in_trouble_are_left_alone_until_one_call_works_again() {
    let own = OwnStack::start("circuits", &["--skyvern-waits"]);
    let stack = Stack::described_by(own.file());

    searches(&stack).await;
    push_messages(&stack).await;
    runs(&stack).await;
    cancellations(&stack).await;
    postings(&stack).await;
}

async fn searches(stack: &Stack) {
    let people = join_all((0..6).map(|_| stack.new_person())).await;
    fail(stack, Service::Adzuna, 6, 503).await;
    for person in &people[..5] {
        search(person).await.expect_problem(502, "adzuna_failed");
    }
    lasts(stack, "adzuna").await;
    for _ in 0..3 {
        expect_paused(search(&people[5]).await, "adzuna_paused");
    }
    assert_eq!(stack.adzuna().searches_for("what=").await.len(), 5, "nothing is called");
    let spent = "select from private.job_search_calls";
    assert_eq!(stack.database().query(spent, &[]).await.len(), 5, "and nothing is spent");

    is_due(stack, "adzuna").await;
    let at_once = join_all(people.iter().map(search)).await;
    let tried = at_once.iter().filter(|reply| reply.code() == "adzuna_failed").count();
    assert_eq!((tried, stack.adzuna().searches_for("what=").await.len()), (1, 6), "one call tries: {at_once:?}");

    is_due(stack, "adzuna").await;
    search(&people[5]).await.expect_status(200);
    assert!(is_closed(stack, "adzuna").await);
    search(&people[4]).await.expect_status(200);
}

async fn push_messages(stack: &Stack) {
    let ada = stack.new_person().await;
    let token = format!("ExponentPushToken[{}]", Uuid::new_v4());
    ada.caller().await.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);
    let message = json!({ "user_id": ada.user_id, "title": "News", "message": "Hello", "data": {} });
    let queue = "insert into public.background_jobs (user_id, job_type, payload) values ($1, 'push_notification', $2)
                 returning id";
    let job_id: Uuid = stack.database().query(queue, &[&ada.user_id, &message]).await[0].get(0);

    fail(stack, Service::Expo, 1, 401).await;
    let push = async |body: &Value| stack.service().invoke("trigger-push-notification", body).await;
    push(&message).await.expect_problem(502, "expo_unauthorized");
    lasts(stack, "expo").await;
    expect_paused(push(&message).await, "expo_paused");
    let run = async || stack.service().invoke("job-runner", &json!({ "job_types": ["push_notification"] })).await;
    run().await.expect_status(200);
    // Whoever holds it already gives it back.
    let held = "update public.background_jobs set status = 'processing', lease_number = 7,
                       lease_expires_at = now() + interval '1 minute' where id = $1";
    stack.database().query(held, &[&job_id]).await;
    expect_paused(push(&json!({ "job_id": job_id, "lease_number": 7 })).await, "expo_paused");
    let job = stack.database().row("background_jobs", job_id).await;
    assert_eq!((&job["status"], &job["retry_count"]), (&json!("pending"), &json!(0)), "no attempt is lost");
    assert_eq!(stack.expo().requests_for(&token).await.len(), 1);

    is_due(stack, "expo").await;
    stack.database().query("update public.background_jobs set run_at = now() where id = $1", &[&job_id]).await;
    run().await.expect_status(200);
    assert_eq!(stack.database().row("background_jobs", job_id).await["status"], "completed");
    assert!(is_closed(stack, "expo").await);
}

async fn runs(stack: &Stack) {
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    ada.initiate(application).await.expect_status(202);
    let silent = "update public.applications set skyvern_heard_at = now() - interval '2 minutes' where id = $1";
    stack.database().query(silent, &[&application]).await;
    let look = "insert into public.background_jobs (job_type, payload)
                values ('reconcile_application', jsonb_build_object('application_id', $1::uuid)) returning id";
    let job_id: Uuid = stack.database().query(look, &[&application]).await[0].get(0);
    let run = async || stack.service().invoke("job-runner", &json!({ "job_types": ["reconcile_application"] })).await;
    let job = async || stack.database().row("background_jobs", job_id).await;
    let let_time_pass = "update public.background_jobs set run_at = now() where id = $1";

    fail(stack, Service::Skyvern, 1, 401).await;
    run().await.expect_status(200);
    assert_eq!(job().await["error"], "skyvern_unauthorized");
    lasts(stack, "skyvern").await;
    stack.database().query(let_time_pass, &[&job_id]).await;
    run().await.expect_status(200);
    assert_eq!((&job().await["status"], &job().await["retry_count"]), (&json!("pending"), &json!(1)), "it waits");

    is_due(stack, "skyvern").await;
    run().await.expect_status(200);
    assert_eq!(job().await["status"], "completed");
    assert!(is_closed(stack, "skyvern").await);
}

async fn cancellations(stack: &Stack) {
    let due = "insert into private.circuit_breakers (vendor, open_until, reason) values ('skyvern', now(), 'refused')
               on conflict (vendor) do update set open_until = excluded.open_until, reason = excluded.reason";
    stack.database().query(due, &[]).await;
    let queue = "insert into public.background_jobs (job_type, payload)
                 select 'cancel_skyvern_run', jsonb_build_object('run_id', 'tsk_' || gen_random_uuid())
                 from generate_series(1, 3) returning id";
    let queued = stack.database().query(queue, &[]).await;
    let ids: Vec<Uuid> = queued.iter().map(|row| row.get(0)).collect();
    let with = async |condition: &str| {
        let sql = format!("select from public.background_jobs where id = any ($1) and {condition}");
        stack.database().query(&sql, &[&ids]).await.len()
    };
    let run = async || stack.service().invoke("job-runner", &json!({ "job_types": ["cancel_skyvern_run"] })).await;

    // It is cancelled, and then read.
    fail(stack, Service::Skyvern, 2, 401).await;
    run().await.expect_status(200);
    assert_eq!((with("error = 'skyvern_unauthorized'").await, with("lease_number = 0").await), (1, 2), "one tries");

    is_due(stack, "skyvern").await;
    run().await.expect_status(200);
    assert!(is_closed(stack, "skyvern").await);
    assert_eq!(with("status = 'completed'").await, 2, "and when it has worked, the others follow");
}

async fn postings(stack: &Stack) {
    let sync = Function::named("job-sync");
    let nobody = stack.new_person().await;
    let body = sync.good_body(&nobody).await;
    let run = async || Reply::to(sync.request_with(stack, &nobody, &body).await).await;
    fail(stack, Service::Jsearch, 1, 401).await;
    run().await.expect_problem(502, "jsearch_unauthorized");
    lasts(stack, "jsearch").await;
    expect_paused(run().await, "jsearch_paused");
    is_due(stack, "jsearch").await;
    run().await.expect_status(200);
    assert!(is_closed(stack, "jsearch").await);
}
