//! What is left to be done when an account was deleted, in whatever way: its runs end, and its files go.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::{EventSpec, Fault, FaultSpec, Finish, Method, PDF, Person, Reply, RunStatus, Service, Stack};
use uuid::Uuid;

use crate::support::{id, let_time_pass, run_jobs};

/// The runner does what other tests left behind as well.

#[tokio::test]
async fn its_run_is_cancelled_and_its_files_are_gone() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let application = ada.pending_application().await;
    let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();
    for path in ["resumes/{}/older/2025/cv.pdf", "resumes/{}/older/cv.pdf", "cover_letters/{}/letter.pdf"] {
        upload(&ada, &path.replace("{}", &ada.user_id.to_string())).await;
    }
    assert_eq!(files(&stack, ada.user_id).await, 4);

    delete_account(&stack, &ada).await;
    let cancelled = finished(&stack, &cancellation(&stack, application).await).await;
    let emptied = finished(&stack, &format!("delete_files:{}", ada.user_id)).await;

    assert_eq!(cancelled["result"], json!({ "runs": ["cancelled"] }));
    assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled);
    assert_eq!(emptied["result"], json!({ "removed": 4 }));
    assert_eq!(files(&stack, ada.user_id).await, 0);
    assert_eq!(files(&stack, grace.user_id).await, 1, "nobody else's are touched");
    // Skyvern tells of the end by webhook, and nothing of that is kept.
    let sql = "select to_jsonb(e) from public.webhook_events e where run_id = $1";
    let events = stack.database().json(sql, &[&run_id]).await;
    assert_eq!((&events[0]["outcome"], &events[0]["body"]), (&json!("account_deleted"), &json!("")), "{events:#?}");
}

#[tokio::test]
async fn a_run_that_nobody_heard_of_is_cancelled_too() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::CutAfterEffect).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");

    delete_account(&stack, &ada).await;
    let job = finished(&stack, &cancellation(&stack, application).await).await;

    assert_eq!(job["result"], json!({ "runs": ["cancelled"] }));
    assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled);
}

#[tokio::test]
async fn a_run_that_never_started_is_looked_for_until_that_is_sure() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::Cut).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");
    delete_account(&stack, &ada).await;
    let key = cancellation(&stack, application).await;

    for failures in 1..4 {
        let job = tried(&stack, &key, failures).await;
        assert_eq!((&job["status"], &job["error"]), (&json!("pending"), &json!("run_not_listed")), "{job:#}");
        let_time_pass(&stack, id(&job["id"])).await;
    }

    assert_eq!(finished(&stack, &key).await["result"], json!({ "runs": ["never_started"] }));
}

#[tokio::test]
async fn a_run_that_is_over_or_unknown_needs_no_cancelling() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let over = ada.pending_application().await;
    let run_id = ada.initiate(over).await.expect_status(202).run_id().to_owned();
    let lost = Finish { deliver: false, ..Finish::submitted() };
    stack.skyvern().finish(&run_id, &lost).await;
    let unknown = ada.pending_application().await;
    ada.initiate(unknown).await.expect_status(202);
    let sql = "update private.application_runs set run_id = 'tsk_' || application_id where application_id = $1";
    stack.database().query(sql, &[&unknown]).await;

    delete_account(&stack, &ada).await;

    for (application, end) in [(over, "over"), (unknown, "unknown")] {
        let job = finished(&stack, &cancellation(&stack, application).await).await;
        assert_eq!(job["result"], json!({ "runs": [end] }));
    }
    assert_eq!(stack.skyvern().run_for(over).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_cancellation_that_worked_although_it_failed_is_done() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();
    stack.skyvern().fail_once(&run_id, Fault::CutAfterEffect).await;

    delete_account(&stack, &ada).await;

    let job = finished(&stack, &cancellation(&stack, application).await).await;
    assert_eq!(job["result"], json!({ "runs": ["over"] }));
    assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled);
}

#[tokio::test]
async fn a_cancellation_that_failed_is_tried_again() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();
    let body = json!({ "error": "Unexpected error: FailedToSendWebhook" });
    stack.skyvern().fail_once(&run_id, Fault::Status { status: 500, body, headers: [].into() }).await;
    delete_account(&stack, &ada).await;
    let key = cancellation(&stack, application).await;

    let job = tried(&stack, &key, 1).await;
    assert_eq!((&job["status"], &job["error"]), (&json!("pending"), &json!("skyvern_failed")), "the run goes on");

    let_time_pass(&stack, id(&job["id"])).await;
    assert_eq!(finished(&stack, &key).await["result"], json!({ "runs": ["cancelled"] }));
}

#[tokio::test]
async fn files_stay_no_longer_than_storage_fails() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let busy = json!({ "statusCode": "544", "error": "DatabaseTimeout", "message": "busy", "code": "DatabaseTimeout" });
    let status = |status, body| Fault::Status { status, body, headers: [].into() };
    // Listing fails more often than other jobs are tried, and then removing does, in the end so that nothing is removed.
    let listing = FaultSpec {
        service: Service::Storage,
        contains: format!("\"{}\"", ada.user_id),
        times: 6,
        fault: status(544, busy),
    };
    let mut removing = [Fault::Html, status(200, json!([]))].into_iter();
    stack.fail(listing).await;
    delete_account(&stack, &ada).await;
    let key = format!("delete_files:{}", ada.user_id);

    for failures in 1..=8 {
        let job = tried(&stack, &key, failures).await;
        assert_eq!((&job["status"], &job["error"]), (&json!("pending"), &json!("storage_failed")), "{failures}");
        if failures >= 6
            && let Some(fault) = removing.next()
        {
            stack.fail_once(Service::Storage, &ada.resume_path, fault).await;
        }
        let_time_pass(&stack, id(&job["id"])).await;
    }

    assert_eq!(finished(&stack, &key).await["result"], json!({ "removed": 1 }));
    assert_eq!(files(&stack, ada.user_id).await, 0);
}

#[tokio::test]
async fn more_files_than_one_call_removes_go_in_several() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    // More than a person may have. Nobody else's limit is looked at while these tests run.
    let limit = "update private.row_limits set per_person = $1 where table_name = 'files'";
    stack.database().query(limit, &[&1_001]).await;
    let uploads = (0..1_000).map(|number| format!("resumes/{}/{number}.pdf", ada.user_id));
    stream::iter(uploads).for_each_concurrent(8, async |path| upload(&ada, &path).await).await;
    stack.database().query(limit, &[&100]).await;

    delete_account(&stack, &ada).await;

    let job = finished(&stack, &format!("delete_files:{}", ada.user_id)).await;
    assert_eq!(job["result"], json!({ "removed": 1_001 }));
    assert_eq!(files(&stack, ada.user_id).await, 0);
}

#[tokio::test]
async fn whoever_deletes_the_account_ends_its_runs_and_removes_its_files() {
    let stack = Stack::get().await;
    // Supabase's dashboard and its Auth API delete as the role of the Auth server.
    for deletion in [
        "set role supabase_auth_admin; delete from auth.users where id = '{}'",
        "delete from auth.users where id = '{}'",
        "delete from public.users where id = '{}'",
    ] {
        let ada = stack.new_person().await;
        let application = ada.pending_application().await;
        ada.initiate(application).await.expect_status(202);

        let client = stack.database().connect().await;
        client.batch_execute(&deletion.replace("{}", &ada.user_id.to_string())).await.unwrap();

        let cancelled = finished(&stack, &cancellation(&stack, application).await).await;
        assert_eq!(cancelled["result"], json!({ "runs": ["cancelled"] }), "{deletion}");
        assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled, "{deletion}");
        let emptied = finished(&stack, &format!("delete_files:{}", ada.user_id)).await;
        assert_eq!(emptied["result"], json!({ "removed": 1 }), "{deletion}");
    }
}

#[tokio::test]
async fn an_account_that_is_only_marked_as_deleted_has_no_run_in_progress_either() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    ada.initiate(application).await.expect_status(202);

    let client = stack.database().connect().await;
    let sql =
        format!("set role supabase_auth_admin; update auth.users set deleted_at = now() where id = '{}'", ada.user_id);
    client.batch_execute(&sql).await.unwrap();

    finished(&stack, &cancellation(&stack, application).await).await;
    assert_eq!(stack.skyvern().run_for(application).await.status, RunStatus::Canceled);
    assert_eq!(files(&stack, ada.user_id).await, 1, "it can be brought back");
}

/// Clerk says that the account is gone.
async fn delete_account(stack: &Stack, person: &Person) {
    let gone = json!({ "id": person.clerk_user_id, "object": "user", "deleted": true });
    let sent = stack.clerk().send(&EventSpec::new("user.deleted", gone)).await;
    assert_eq!(sent.outcome(), "deleted", "{sent:#?}");
}

/// The key of the job that cancels the only submission of this application.
async fn cancellation(stack: &Stack, application: Uuid) -> String {
    let sql = "select dedupe_key from public.background_jobs
               where job_type = 'cancel_skyvern_run' and payload ->> 'application_id' = $1";
    let jobs = stack.database().query(sql, &[&application.to_string()]).await;
    assert_eq!(jobs.len(), 1, "one job");
    jobs[0].get(0)
}

async fn upload(person: &Person, path: &str) {
    let request = person.caller().await.request(Method::POST, &format!("/storage/v1/object/{path}"));
    Reply::to(request.header("content-type", "application/pdf").body(PDF)).await.expect_status(200);
}

/// How many files are in the person's folders.
async fn files(stack: &Stack, user_id: Uuid) -> i64 {
    let sql = "select count(*) from storage.objects where starts_with(name, $1::text || '/')";
    stack.database().query(sql, &[&user_id.to_string()]).await[0].get(0)
}

/// The job with this key, once it is completed.
async fn finished(stack: &Stack, key: &str) -> Value {
    run_until(stack, key, |job| job["status"] == "completed").await
}

/// The job with this key, once it has failed so often.
async fn tried(stack: &Stack, key: &str, failures: u64) -> Value {
    run_until(stack, key, |job| job["retry_count"] == failures).await
}

async fn run_until(stack: &Stack, key: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    let sql = "select to_jsonb(j) from public.background_jobs j where dedupe_key = $1";
    tests::eventually(key, async || {
        run_jobs(stack, &["cancel_skyvern_run", "delete_files"]).await;
        let mut jobs = stack.database().json(sql, &[&key]).await;
        jobs.pop().filter(|job| is_there(job))
    })
    .await
}
