//! Submissions that wait until Skyvern takes them.

use serde_json::{Value, json};
use tests::{Fault, Person, Reply, Stack};
use uuid::Uuid;

use crate::support::{let_time_pass, run_jobs};

fn too_many() -> Fault {
    let body = json!({ "detail": "Rate limit exceeded for organization o_1." });
    Fault::Status { status: 429, body, headers: [].into() }
}

/// An application of a new person that waits, and its job.
async fn waiting(stack: &Stack) -> (Person, Uuid, Uuid) {
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;
    stack.skyvern().fail_once(application, too_many()).await;
    assert_waits(&ada.initiate(application).await, application);
    let job = job_of(&ada, application).await;
    (ada, application, job)
}

fn assert_waits(reply: &Reply, application: Uuid) {
    let expected = json!({ "application_id": application, "status": "PENDING_SKYVERN_SUBMISSION", "queued": true });
    assert_eq!((reply.status, &reply.json), (202, &expected), "{reply:?}");
}

async fn job_of(person: &Person, application: Uuid) -> Uuid {
    serde_json::from_value(person.application_row(application).await["submission_job_id"].clone()).unwrap()
}

/// Lets the job have its turn, and returns it afterwards.
async fn turn(stack: &Stack, job: Uuid) -> Value {
    let_time_pass(stack, job).await;
    let attempts = |row: &Value| (row["retry_count"].clone(), row["status"].clone());
    let before = attempts(&stack.database().row("background_jobs", job).await);
    tests::eventually("the job has had its turn", async || {
        run_jobs(stack, &["submit_application"]).await;
        let row = stack.database().row("background_jobs", job).await;
        (attempts(&row) != before && row["status"] != "processing").then_some(row)
    })
    .await
}

async fn messages(stack: &Stack, person: &Person) -> Vec<String> {
    let sql = "select message from public.notifications where user_id = $1 order by created_at";
    stack.database().query(sql, &[&person.user_id]).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn what_skyvern_does_not_take_is_handed_over_when_it_does() {
    let stack = Stack::get().await;
    let (ada, application, job) = waiting(&stack).await;
    let row = ada.application_row(application).await;
    assert_eq!(row["status"], "PENDING_SKYVERN_SUBMISSION");
    assert_eq!(row["status_details"]["submission"], "queued");
    assert_eq!(row["submission_id"], Value::Null);

    assert_waits(&ada.initiate(application).await, application);
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1, "the second call leaves it to the job");

    stack.skyvern().fail_once(application, too_many()).await;
    let still = turn(&stack, job).await;
    assert_eq!((&still["status"], &still["retry_count"]), (&json!("pending"), &json!(1)), "{still}");

    let done = turn(&stack, job).await;
    assert_eq!(done["status"], "completed", "{done}");
    let run = stack.skyvern().run_for(application).await;
    let row = ada.application_row(application).await;
    assert_eq!((&row["status"], &row["skyvern_task_id"]), (&json!("PROCESSING_BY_SKYVERN"), &json!(run.run_id)));
    assert_eq!(row["submission_job_id"], Value::Null);
    let prompt = run.request["prompt"].as_str().unwrap();
    assert!(prompt.contains(&ada.email) && prompt.contains("/object/sign/resumes/"), "{prompt}");
    assert_eq!(ada.initiate(application).await.expect_status(202).run_id(), run.run_id);
}

#[tokio::test]
async fn a_submission_that_was_taken_back_is_not_handed_over() {
    let stack = Stack::get().await;
    for change in ["WITHDRAWN_BY_USER", "DRAFT", "APPLIED_MANUALLY", "deleted"] {
        let (ada, application, job) = waiting(&stack).await;
        let caller = ada.caller().await;
        if change == "deleted" {
            let delete = json!({ "p_application_id": application });
            caller.rpc("delete_application", &delete).await.expect_status(204);
        } else {
            let path = format!("applications?id=eq.{application}");
            caller.update(&path, &json!({ "status": change })).await.expect_status(200);
        }
        let before = ada.application_row(application).await;

        let done = turn(&stack, job).await;

        assert_eq!(done["status"], "completed", "{change}: {done}");
        assert_eq!(stack.skyvern().creations_for(application).await.len(), 1, "{change}");
        assert_eq!(ada.application_row(application).await["status"], before["status"], "{change}");
        assert!(messages(&stack, &ada).await.is_empty());
    }
}

#[tokio::test]
async fn after_a_day_it_is_given_up_and_the_person_is_told() {
    let stack = Stack::get().await;
    let (ada, application, job) = waiting(&stack).await;
    let age = "update public.background_jobs set created_at = now() - interval '24 hours 1 second' where id = $1";
    stack.database().query(age, &[&job]).await;

    assert_eq!(turn(&stack, job).await["status"], "completed");

    let row = ada.application_row(application).await;
    assert_eq!(
        (&row["status"], &row["status_details"]["reason"]),
        (&json!("FAILED_SKYVERN_SUBMISSION"), &json!("waited_too_long"))
    );
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1);
    let messages = messages(&stack, &ada).await;
    assert!(messages.len() == 1 && messages[0].contains("Nothing was sent"), "{messages:?}");

    let path = format!("applications?id=eq.{application}");
    let back = json!({ "status": "PENDING_SKYVERN_SUBMISSION" });
    ada.caller().await.update(&path, &back).await.expect_status(200);
    ada.initiate(application).await.expect_status(202);
}

#[tokio::test]
async fn what_holds_when_it_is_submitted_holds_in_its_turn() {
    let stack = Stack::get().await;
    let (ada, application, job) = waiting(&stack).await;
    let path = format!("user_preferences?user_id=eq.{}", ada.user_id);
    let exclude = json!({ "excluded_companies": ["Difference Engines"] });
    ada.caller().await.update(&path, &exclude).await.expect_status(200);
    assert_eq!(turn(&stack, job).await["status"], "completed");
    let row = ada.application_row(application).await;
    assert_eq!(
        (&row["status"], &row["status_details"]["reason"]),
        (&json!("FAILED_SKYVERN_SUBMISSION"), &json!("company_excluded"))
    );
    assert_eq!(messages(&stack, &ada).await.len(), 1);

    // A limit passes by itself, so it goes on waiting.
    let (grace, application, job) = waiting(&stack).await;
    let set = "update public.users set tier = 'free' where id = $1";
    stack.database().query(set, &[&grace.user_id]).await;
    let runs = "insert into private.application_runs (submission_id, user_id)
                select gen_random_uuid(), $1 from generate_series(1, 2)";
    stack.database().query(runs, &[&grace.user_id]).await;
    let still = turn(&stack, job).await;
    assert_eq!(
        (&still["status"], &still["error"]),
        (&json!("pending"), &json!("initiate-skyvern-application answered 429"))
    );
    assert_eq!(grace.application_row(application).await["status"], "PENDING_SKYVERN_SUBMISSION");
}

#[tokio::test]
async fn what_waits_will_be_sent_so_a_second_draft_asks() {
    let stack = Stack::get().await;
    let (ada, application, _) = waiting(&stack).await;
    let address = ada.application_row(application).await["job_url"].as_str().unwrap().to_owned();
    let second = ada.application("DRAFT", &address).await;
    let reply = ada.initiate(second).await.expect_problem(409, "already_applied");
    assert_eq!(reply.json["application_id"], json!(application));
    assert_eq!(reply.json["application_status"], "PENDING_SKYVERN_SUBMISSION");
}

#[tokio::test]
async fn what_waits_counts_for_the_day() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let set = "update public.users set tier = 'free' where id = $1";
    stack.database().query(set, &[&ada.user_id]).await;
    for _ in 0..10 {
        let application = ada.draft_application().await;
        stack.skyvern().fail_once(application, too_many()).await;
        assert_waits(&ada.initiate(application).await, application);
    }
    ada.initiate(ada.draft_application().await).await.expect_problem(429, "application_limit_reached");
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_the_submission_that_waits() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (application, other) = (ada.draft_application().await, ada.draft_application().await);
    let key = Uuid::new_v4().to_string();
    let headers = [("idempotency-key", key.as_str())];
    stack.skyvern().fail_once(application, too_many()).await;
    assert_waits(&ada.initiate_with(application, &headers).await, application);

    ada.initiate_with(other, &headers).await.expect_problem(422, "idempotency_key_reused");
    assert_waits(&ada.initiate_with(application, &headers).await, application);
    let job = job_of(&ada, application).await;
    turn(&stack, job).await;
    let run = stack.skyvern().run_for(application).await;
    assert_eq!(ada.initiate_with(application, &headers).await.expect_status(202).run_id(), run.run_id);
}

#[tokio::test]
async fn after_a_503_a_run_is_looked_for_before_one_is_started() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;
    let body = json!({ "error": "Database temporarily unavailable" });
    stack.skyvern().fail_once(application, Fault::Status { status: 503, body, headers: [].into() }).await;
    assert_waits(&ada.initiate(application).await, application);
    let row = ada.application_row(application).await;
    assert_eq!(row["status_details"]["submission"], "open", "{row}");
    assert_waits(&ada.initiate(application).await, application);

    let job = job_of(&ada, application).await;
    let early = turn(&stack, job).await;
    assert_eq!(early["error"], "initiate-skyvern-application answered 409", "it may not be listed yet: {early}");
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1);

    let later = "update public.applications set submission_started_at = now() - interval '3 minutes' where id = $1";
    stack.database().query(later, &[&application]).await;
    assert_eq!(turn(&stack, job).await["status"], "completed");
    let run = stack.skyvern().run_for(application).await;
    assert_eq!(ada.application_row(application).await["skyvern_task_id"], run.run_id.as_str());
}

#[tokio::test]
async fn the_reconciler_leaves_what_waits_to_its_job() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;
    let body = json!({ "error": "Database temporarily unavailable" });
    stack.skyvern().fail_once(application, Fault::Status { status: 503, body, headers: [].into() }).await;
    assert_waits(&ada.initiate(application).await, application);
    let submission = ada.application_row(application).await["submission_id"].clone();

    let decision = json!({
        "status": "FAILED_SKYVERN_SUBMISSION", "status_details": { "reason": "run_never_started" },
        "notification": { "title": "x", "message": "y" },
    });
    let absence = json!({ "p_application_id": application, "p_submission_id": submission, "p_decision": decision });
    stack.service().rpc("record_absent_submission", &absence).await.expect_status(200);

    assert_eq!(ada.application_row(application).await["status"], "PENDING_SKYVERN_SUBMISSION");
    assert!(messages(&stack, &ada).await.is_empty());
    let job = job_of(&ada, application).await;
    assert_eq!(turn(&stack, job).await["status"], "completed");
    assert_eq!(stack.skyvern().runs_for(application).await.len(), 1);
}

#[tokio::test]
async fn a_job_that_is_dead_does_not_keep_its_application_waiting() {
    let stack = Stack::get().await;
    let (ada, application, job) = waiting(&stack).await;
    let kill = "update public.background_jobs set status = 'failed', error = 'x' where id = $1";
    stack.database().query(kill, &[&job]).await;
    ada.initiate(application).await.expect_status(202);
}
