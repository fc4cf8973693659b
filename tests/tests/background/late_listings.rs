//! Skyvern lists a run a moment after it was started, and may complete one that was cancelled. A run that is not listed yet
//! is not taken for one that does not exist.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Fault, Finish, Person, RunStatus, Stack};
use uuid::Uuid;

use crate::support::{enqueue, let_time_pass, run_jobs};

/// The runner does what other tests left behind as well.
const TIMEOUT: Duration = Duration::from_mins(1);

/// An application whose run was started, is not listed, and whose id was lost on its way to us.
async fn lost(person: &Person) -> Uuid {
    let stack = Stack::get().await;
    let application = person.pending_application().await;
    stack.skyvern().list_late(application, None).await;
    stack.skyvern().fail_once(application, Fault::CutAfterEffect).await;
    person.initiate(application).await.expect_problem(502, "skyvern_unreachable");
    application
}

/// The job with this id or key, once it was tried so often.
async fn tried(stack: &Stack, column: &str, key: &str, job_type: &str, attempts: u64) -> Value {
    let sql = format!("select to_jsonb(j) from public.background_jobs j where {column}::text = $1");
    tests::within(TIMEOUT, "the job is tried", async || {
        run_jobs(stack, &[job_type]).await;
        let job = stack.database().json(&sql, &[&key]).await.pop()?;
        (job["lease_number"].as_u64() >= Some(attempts) && job["status"] != "processing").then_some(job)
    })
    .await
}

async fn look(stack: &Stack, application: Uuid) -> Uuid {
    let job = json!({ "job_type": "reconcile_application", "payload": { "application_id": application } });
    enqueue(stack, &json!([job])).await[0]
}

#[tokio::test]
async fn a_run_that_is_not_listed_yet_is_looked_for_again_and_found() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = lost(&ada).await;

    let job_id = look(&stack, application).await;
    let job = tried(&stack, "id", &job_id.to_string(), "reconcile_application", 1).await;
    assert_eq!((&job["status"], &job["retry_count"]), (&json!("pending"), &json!(0)), "too early to tell: {job:#}");
    let row = ada.application_row(application).await;
    assert_eq!(
        (&row["status"], &row["status_details"]["submission"]),
        (&json!("PENDING_SKYVERN_SUBMISSION"), &json!("open"))
    );

    stack.skyvern().list_now(application).await;
    let_time_pass(&stack, job_id).await;
    let job = tried(&stack, "id", &job_id.to_string(), "reconcile_application", 2).await;

    assert_eq!(job["status"], "completed", "{job:#}");
    let (row, run) = (ada.application_row(application).await, stack.skyvern().run_for(application).await);
    assert_eq!((&row["status"], &row["skyvern_task_id"]), (&json!("PROCESSING_BY_SKYVERN"), &json!(run.run_id)));
}

#[tokio::test]
async fn a_run_that_is_listed_too_late_is_believed_when_it_reports() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = lost(&ada).await;
    let aged = "update public.applications
                set submission_started_at = now() - interval '3 minutes', submission_lease_expires_at = now()
                where id = $1";
    stack.database().query(aged, &[&application]).await;

    let job_id = look(&stack, application).await;
    tests::within(TIMEOUT, "it is given up", async || {
        run_jobs(&stack, &["reconcile_application"]).await;
        (ada.application_row(application).await["status"] == "FAILED_SKYVERN_SUBMISSION").then_some(())
    })
    .await;
    tried(&stack, "id", &job_id.to_string(), "reconcile_application", 1).await;

    let run = stack.skyvern().run_for(application).await;
    let finished = stack.skyvern().finish(&run.run_id, &Finish::submitted()).await;
    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    assert_eq!(ada.application_row(application).await["status"], "SUBMITTED_BY_SKYVERN");
}

#[tokio::test]
async fn a_run_that_is_to_be_cancelled_is_waited_for_until_it_is_listed() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = lost(&ada).await;
    let stop = json!({ "p_application_id": application });
    ada.caller().await.rpc("delete_application", &stop).await.expect_status(204);
    let sql = "select to_jsonb(j) from public.background_jobs j
               where job_type = 'cancel_skyvern_run' and payload ->> 'application_id' = $1";
    let job = stack.database().json(sql, &[&application.to_string()]).await.remove(0);
    let job_id = job["id"].as_str().unwrap();

    let waiting = tried(&stack, "id", job_id, "cancel_skyvern_run", 1).await;
    assert_eq!((&waiting["status"], &waiting["error"]), (&json!("pending"), &json!("run_not_listed")), "{waiting:#}");
    stack.skyvern().list_now(application).await;
    let_time_pass(&stack, job_id.parse().unwrap()).await;
    let done = tried(&stack, "id", job_id, "cancel_skyvern_run", 2).await;

    // The run of another test may have looked for it as well, and had it cancelled a moment before.
    assert!([json!(["cancelled"]), json!(["over"])].contains(&done["result"]["runs"]), "{done:#}");
    assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled);
}

#[tokio::test]
async fn what_was_sent_although_it_was_cancelled_is_told() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().complete_after_cancel(application, Finish::submitted()).await;
    ada.initiate(application).await.expect_status(202);
    let path = format!("applications?id=eq.{application}");
    ada.caller().await.update(&path, &json!({ "status": "WITHDRAWN_BY_USER" })).await.expect_status(200);

    let told = tests::within(TIMEOUT, "the person hears of it", async || {
        run_jobs(&stack, &["cancel_skyvern_run"]).await;
        stack.database().rows("notifications", "user_id", ada.user_id).await.pop()
    })
    .await;

    assert_eq!(told["title"], "It had been sent already");
    let run = stack.skyvern().run_for(application).await;
    assert_eq!((run.status, run.deliveries.len()), (RunStatus::Completed, 2), "cancelled, and completed all the same");
    let row = ada.application_row(application).await;
    assert_eq!((&row["status"], &row["skyvern_run_status"]), (&json!("WITHDRAWN_BY_USER"), &json!("completed")));
}
