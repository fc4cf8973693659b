//! One person, one posting, one application, unless they say that they mean it.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Fault, Finish, Person, Reply, RunStatus, Stack};
use uuid::Uuid;

async fn apply_again(person: &Person, application: Uuid) -> Reply {
    let body = json!({ "application_id": application, "apply_again": true });
    person.caller().await.invoke("initiate-skyvern-application", &body).await
}

/// Asserts that applying is refused with the name of the earlier application, and that nothing is sent.
async fn assert_asked(stack: &Stack, person: &Person, application: Uuid, earlier: Uuid, status: &str) {
    let before = stack.skyvern().creations_for(application).await.len();
    let reply = person.initiate(application).await.expect_problem(409, "already_applied");
    assert_eq!(reply.json["application_id"], json!(earlier), "{reply:?}");
    assert_eq!(reply.json["application_status"], status, "{reply:?}");
    assert_eq!(stack.skyvern().creations_for(application).await.len(), before, "nothing was sent");
}

async fn change(person: &Person, application: Uuid, change: &Value) {
    let path = format!("applications?id=eq.{application}");
    person.caller().await.update(&path, change).await.expect_status(200);
}

#[tokio::test]
async fn a_posting_is_applied_for_once_whoever_links_to_it() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let board = ada.application("DRAFT", "https://boards.greenhouse.io/engines/jobs/4012345").await;
    let page = ada.application("DRAFT", "https://www.engines.example/jobs?gh_jid=4012345&utm_source=mail").await;
    let another = ada.application("DRAFT", "https://www.engines.example/jobs?gh_jid=4012346&utm_source=mail").await;
    ada.initiate(board).await.expect_status(202);

    assert_asked(&stack, &ada, page, board, "PROCESSING_BY_SKYVERN").await;
    ada.initiate(another).await.expect_status(202);
    let hers = eve.application("DRAFT", "https://boards.greenhouse.io/engines/jobs/4012345").await;
    eve.initiate(hers).await.expect_status(202);

    let meant = apply_again(&ada, page).await.expect_status(202);
    assert_eq!(stack.skyvern().run_for(page).await.run_id, meant.run_id());
}

#[tokio::test]
async fn adzunas_id_and_its_address_are_the_same_posting() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let id = Uuid::new_v4().as_u128() % 10_000_000_000;
    let found = ada.draft_application().await;
    change(&ada, found, &json!({ "adzuna_job_id": id.to_string() })).await;
    ada.initiate(found).await.expect_status(202);

    let pasted = ada.application("DRAFT", &format!("https://www.adzuna.co.uk/jobs/land/ad/{id}?se=x")).await;
    assert_asked(&stack, &ada, pasted, found, "PROCESSING_BY_SKYVERN").await;
    let found_again = ada.draft_application().await;
    change(&ada, found_again, &json!({ "adzuna_job_id": id.to_string() })).await;
    assert_asked(&stack, &ada, found_again, found, "PROCESSING_BY_SKYVERN").await;
}

#[tokio::test]
async fn of_ten_drafts_for_one_posting_at_once_one_is_sent() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let address = format!("https://jobs.example.com/{}", Uuid::new_v4());
    let mut drafts = Vec::new();
    for number in 0..10 {
        drafts.push(ada.application("DRAFT", &format!("{address}?utm_term={number}")).await);
    }

    let replies = join_all(drafts.iter().map(|draft| ada.initiate(*draft))).await;

    let sent: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 202).collect();
    assert_eq!(sent.len(), 1, "{replies:#?}");
    let refused = replies.iter().filter(|reply| (reply.status, reply.code()) == (409, "already_applied"));
    assert_eq!(refused.count(), 9, "{replies:#?}");
    assert_eq!(stack.skyvern().runs_for(&address).await.len(), 1);
}

#[tokio::test]
async fn what_a_person_did_by_hand_counts_and_what_they_deleted_too() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for status in ["APPLIED_MANUALLY", "INTERVIEW_SCHEDULED", "OFFER_RECEIVED", "REJECTED_BY_COMPANY"] {
        let address = format!("https://jobs.example.com/{}", Uuid::new_v4());
        let earlier = ada.application(status, &address).await;
        let application = ada.application("DRAFT", &address).await;
        assert_asked(&stack, &ada, application, earlier, status).await;
        let delete = json!({ "p_application_id": earlier });
        ada.caller().await.rpc("delete_application", &delete).await.expect_status(204);
        assert_asked(&stack, &ada, application, earlier, status).await;
    }

    let address = format!("https://jobs.example.com/{}", Uuid::new_v4());
    ada.application("WITHDRAWN_BY_USER", &address).await;
    ada.application("DRAFT", &address).await;
    let application = ada.application("DRAFT", &address).await;
    ada.initiate(application).await.expect_status(202);
}

#[tokio::test]
async fn what_may_have_been_sent_is_not_sent_again_without_asking() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let without_proof = Finish { status: RunStatus::Completed, ..Finish::with_status(RunStatus::Completed) };
    for (finish, status) in [
        (without_proof, "REQUIRES_ATTENTION_MANUAL_REVIEW"),
        (Finish::with_status(RunStatus::Terminated), "REQUIRES_ATTENTION_MANUAL_REVIEW"),
        (Finish::with_status(RunStatus::Failed), "FAILED_SKYVERN_SUBMISSION"),
        (Finish::with_error(RunStatus::Terminated, "already_applied", "it says so"), "FAILED_APPLICATION"),
    ] {
        let application = ada.pending_application().await;
        let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();
        stack.skyvern().finish(&run_id, &finish).await;
        assert_eq!(ada.application_row(application).await["status"], status);

        change(&ada, application, &json!({ "status": "DRAFT" })).await;
        assert_asked(&stack, &ada, application, application, status).await;
        change(&ada, application, &json!({ "status": "PENDING_SKYVERN_SUBMISSION" })).await;
        assert_asked(&stack, &ada, application, application, status).await;

        let again = apply_again(&ada, application).await.expect_status(202);
        assert_ne!(again.run_id(), run_id);
    }
}

#[tokio::test]
async fn a_run_that_was_lost_may_have_sent_the_application() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for reason in ["run_lost", "run_overdue"] {
        let application = ada.pending_application().await;
        ada.initiate(application).await.expect_status(202);
        let lose = "update public.applications
                    set status = 'REQUIRES_ATTENTION_MANUAL_REVIEW', status_details = jsonb_build_object('reason', $2::text)
                    where id = $1";
        stack.database().query(lose, &[&application, &reason]).await;
        change(&ada, application, &json!({ "status": "DRAFT" })).await;
        assert_asked(&stack, &ada, application, application, "REQUIRES_ATTENTION_MANUAL_REVIEW").await;
    }
}

#[tokio::test]
async fn what_was_surely_not_sent_raises_no_question() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for code in ["login_required", "missing_information", "captcha_blocked", "resume_upload_failed"] {
        let application = ada.pending_application().await;
        let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();
        stack.skyvern().finish(&run_id, &Finish::with_error(RunStatus::Terminated, code, "because")).await;
        change(&ada, application, &json!({ "status": "PENDING_SKYVERN_SUBMISSION" })).await;
        let again = ada.initiate(application).await.expect_status(202);
        assert_ne!(again.run_id(), run_id, "{code}");
    }

    let application = ada.pending_application().await;
    let refusal = Fault::Status { status: 422, body: json!({ "detail": "no" }), headers: [].into() };
    stack.skyvern().fail_once(application, refusal).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_rejected");
    let row = ada.application_row(application).await;
    let another = ada.application("DRAFT", row["job_url"].as_str().unwrap()).await;
    ada.initiate(another).await.expect_status(202);
}

#[tokio::test]
async fn a_company_that_the_person_excludes_gets_nothing() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let exclude = async |companies: Value| {
        let path = format!("user_preferences?user_id=eq.{}", ada.user_id);
        let change = json!({ "excluded_companies": companies });
        ada.caller().await.update(&path, &change).await.expect_status(200);
    };
    let application = ada.draft_application().await;
    for spelling in ["Difference Engines", " difference-engines, Ltd. ", "DIFFERENCE ENGINES GmbH"] {
        exclude(json!(["Acme", spelling])).await;
        let reply = ada.initiate(application).await.expect_problem(409, "company_excluded");
        assert!(reply.json["detail"].as_str().unwrap().contains("Difference Engines"), "{reply:?}");
        apply_again(&ada, application).await.expect_problem(409, "company_excluded");
    }
    assert!(stack.skyvern().creations_for(application).await.is_empty());
    assert_eq!(ada.application_row(application).await["status"], "DRAFT");

    exclude(json!(["Difference", "Engines", "Ltd"])).await;
    ada.initiate(application).await.expect_status(202);
}
