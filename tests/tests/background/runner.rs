//! The runner itself, with jobs that do nothing and with jobs that nobody knows.

use serde_json::json;
use tests::{Method, Reply, Stack};

use crate::support::{enqueue, run_jobs, unknown_type};

#[tokio::test]
async fn it_does_what_is_due_and_says_so() {
    let stack = Stack::get().await;
    let jobs: Vec<_> = (0..120).map(|_| json!({ "job_type": "no_operation" })).collect();
    let ids = enqueue(&stack, &json!(jobs)).await;

    tests::eventually("all are done, by this run or another", async || {
        run_jobs(&stack, &["no_operation"]).await;
        let sql = "select count(*) from public.background_jobs where id = any ($1) and status = 'completed'";
        (stack.database().query(sql, &[&ids]).await[0].get::<_, i64>(0) == 120).then_some(())
    })
    .await;

    let idle = run_jobs(&stack, &["no_operation"]).await;
    assert_eq!(idle.json["more"], false);
}

#[tokio::test]
async fn the_clock_starts_it() {
    let stack = Stack::get().await;
    let job_id = enqueue(&stack, &json!([{ "job_type": "no_operation" }])).await[0];
    let cron = format!("{}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*", stack.description().functions_url);

    let fired = Reply::to(stack.http(Method::GET, cron).header("MF-Route-Override", "job-runner")).await;

    assert_eq!((fired.status, fired.text.as_str()), (200, "ok"));
    tests::eventually("the job is done, by this run or by another test's", async || {
        (stack.database().row("background_jobs", job_id).await["status"] == "completed").then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_the_backend_may_start_it() {
    let stack = Stack::get().await;
    let person = stack.new_person().await.caller().await;
    person.invoke("job-runner", &json!({})).await.expect_problem(401, "service_key_required");
    stack.anonymous().invoke("job-runner", &json!({})).await.expect_problem(401, "service_key_required");
    let unknown = json!({ "job_types": [unknown_type()] });
    stack.service().invoke("job-runner", &unknown).await.expect_problem(400, "invalid_input");
}

#[tokio::test]
async fn what_it_does_not_know_waits_for_a_runner_that_does() {
    let stack = Stack::get().await;
    let job_id = enqueue(&stack, &json!([{ "job_type": unknown_type() }])).await[0];

    stack.service().invoke("job-runner", &json!({})).await.expect_status(200);

    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!((&row["status"], &row["retry_count"]), (&json!("pending"), &json!(0)));
}
