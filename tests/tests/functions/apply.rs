//! Handing an application to Skyvern.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Fault, Finish, Method, Person, Reply, Service, Stack, TokenSpec};
use uuid::Uuid;

fn status(status: u16, body: Value) -> Fault {
    Fault::Status { status, body, headers: [].into() }
}

/// The history of an application as `from → to` pairs, checked to be without gaps.
async fn history(stack: &Stack, application: Uuid) -> Vec<String> {
    let sql = "select to_jsonb(e) from public.application_events e where application_id = $1 order by position";
    let events = stack.database().json(sql, &[&application]).await;
    let mut last = Value::Null;
    for event in &events {
        assert_eq!(event["from_status"], last, "each event begins where the one before ended: {events:#?}");
        last = event["to_status"].clone();
    }
    let row = stack.database().row("applications", application).await;
    assert_eq!(last, row["status"], "the status can be rebuilt from the history");
    events.iter().map(|event| event["to_status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_application_is_handed_over_with_everything_skyvern_needs() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;

    let reply = ada.initiate(application).await.expect_status(202);

    let run = stack.skyvern().run_for(application).await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(
        reply.json,
        json!({ "application_id": application, "run_id": run.run_id, "status": "PROCESSING_BY_SKYVERN" })
    );

    let row = ada.application_row(application).await;
    assert_eq!(row["status"], "PROCESSING_BY_SKYVERN");
    assert_eq!(row["skyvern_task_id"], run.run_id.as_str());
    assert_eq!(row["resume_url_used"], ada.resume_path.as_str());
    assert_eq!(row["submission_id"], Value::Null, "the submission is over");
    assert_eq!(history(&stack, application).await, ["DRAFT", "PENDING_SKYVERN_SUBMISSION", "PROCESSING_BY_SKYVERN"]);

    assert_eq!(run.request["url"], row["job_url"]);
    assert_eq!(run.request["max_steps"], 50);
    assert!(run.title.unwrap().starts_with("jobraker-"));
    let webhook_url = run.webhook_url.unwrap();
    assert!(webhook_url.contains("/functions/v1/skyvern-webhook-handler?"), "{webhook_url}");
    assert!(webhook_url.contains(&format!("application_id={application}")), "{webhook_url}");
    for proof in ["submitted", "confirmation_id", "confirmation_text", "resume_attached"] {
        assert!(run.request["data_extraction_schema"]["properties"][proof].is_object(), "{proof}");
    }
    for code in ["job_closed", "already_applied", "login_required", "missing_information", "captcha_blocked"] {
        assert!(run.request["error_code_mapping"][code].is_string(), "{code}");
    }
    let prompt = run.request["prompt"].as_str().unwrap();
    for part in ["Analyst", "Difference Engines", "Ada Lovelace", &ada.email, "Punched cards", "COMPLETE", "TERMINATE"]
    {
        assert!(prompt.contains(part), "{part} is not in {prompt}");
    }
}

#[tokio::test]
async fn the_resume_in_the_prompt_can_be_fetched_by_anybody_who_has_the_link() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    ada.initiate(application).await.expect_status(202);

    let run = stack.skyvern().run_for(application).await;
    let prompt = run.request["prompt"].as_str().unwrap();
    let storage = format!("{}/storage/v1/", stack.description().supabase_url);
    let link = prompt.split_whitespace().find(|word| word.starts_with(&storage)).unwrap();
    let file = Reply::to(stack.http(Method::GET, link)).await.expect_status(200);
    assert_eq!(file.text.as_bytes(), tests::PDF);
    assert!(file.header("content-disposition").contains("Ada_Lovelace.pdf"), "{file:?}");
}

#[tokio::test]
async fn a_cover_letter_reaches_skyvern_as_the_resume_does() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let path = format!("{}/letter.txt", ada.user_id);
    let letter = json!({ "cover_letter_url_used": path });
    ada.caller().await.update(&format!("applications?id=eq.{application}"), &letter).await.expect_status(200);
    let reply = ada.initiate(application).await.expect_problem(422, "cover_letter_not_found");
    assert!(stack.skyvern().creations_for(application).await.is_empty(), "{reply:?}");

    let caller = ada.caller().await;
    let upload = caller.request(Method::POST, &format!("/storage/v1/object/cover_letters/{path}"));
    Reply::to(upload.header("content-type", "text/plain").body("Dear engines")).await.expect_status(200);
    ada.initiate(application).await.expect_status(202);

    let run = stack.skyvern().run_for(application).await;
    let prompt = run.request["prompt"].as_str().unwrap();
    let link = prompt.split_whitespace().find(|word| word.contains("/object/sign/cover_letters/")).unwrap();
    let file = Reply::to(stack.http(Method::GET, link)).await.expect_status(200);
    assert_eq!(file.text, "Dear engines");
    assert!(file.header("content-disposition").contains("Ada_Lovelace_Cover_Letter.txt"), "{file:?}");
}

#[tokio::test]
async fn applying_costs_two_calls_to_the_database() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let reply = ada.initiate(ada.pending_application().await).await.expect_status(202);
    let timing = reply.header("server-timing").to_owned();
    let calls: Vec<&str> = timing.split(", ").filter_map(|call| call.split(';').next()).collect();
    let without_keys: Vec<&str> = calls.into_iter().filter(|name| *name != "clerk").collect();
    assert_eq!(without_keys, ["database", "storage", "skyvern", "database"]);
}

#[tokio::test]
async fn a_request_id_is_taken_over_and_passed_on() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let request_id = Uuid::new_v4().to_string();

    let reply = ada.initiate_with(application, &[("x-request-id", &request_id)]).await.expect_status(202);

    assert_eq!(reply.header("x-request-id"), request_id);
    let creations = stack.skyvern().creations_for(application).await;
    assert_eq!(creations[0].headers["x-request-id"], request_id);
    let reply = ada.initiate_with(application, &[("x-request-id", "not a uuid")]).await;
    assert!(reply.header("x-request-id").parse::<Uuid>().is_ok(), "{reply:?}");
}

#[tokio::test]
async fn a_second_call_answers_the_first_ones_run() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;

    let first = ada.initiate(application).await.expect_status(202);
    let second = ada.initiate(application).await.expect_status(202);

    assert_eq!(first.json, second.json);
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1);
}

#[tokio::test]
async fn two_calls_at_once_start_one_skyvern_run() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;

    let (first, second) = tokio::join!(ada.initiate(application), ada.initiate(application));

    assert_eq!(first.expect_status(202).run_id(), second.expect_status(202).run_id());
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1);
}

#[tokio::test]
async fn twenty_calls_at_once_start_one_skyvern_run() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;

    let replies = join_all((0..20).map(|_| ada.initiate(application))).await;

    let run = stack.skyvern().run_for(application).await;
    for reply in replies {
        assert_eq!(reply.expect_status(202).run_id(), run.run_id);
    }
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1);
}

#[tokio::test]
async fn a_call_waits_for_the_one_that_is_under_way() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::Delay { ms: 1500 }).await;

    let (first, second) = tokio::join!(ada.initiate(application), ada.initiate(application));

    assert_eq!(first.expect_status(202).run_id(), second.expect_status(202).run_id());
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_answers_the_same_run_whatever_became_of_it() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let key = Uuid::new_v4().to_string();
    let headers = [("idempotency-key", key.as_str())];
    let first = ada.initiate_with(application, &headers).await.expect_status(202);
    stack.skyvern().finish(first.run_id(), &Finish::submitted()).await;

    let again = ada.initiate_with(application, &headers).await.expect_status(202);
    assert_eq!(again.run_id(), first.run_id());
    assert_eq!(again.json["status"], "SUBMITTED_BY_SKYVERN");

    ada.initiate(application).await.expect_problem(409, "application_wrong_status");
    let other = ada.pending_application().await;
    ada.initiate_with(other, &headers).await.expect_problem(422, "idempotency_key_reused");
    assert!(stack.skyvern().creations_for(other).await.is_empty());
}

#[tokio::test]
async fn an_idempotency_key_that_cannot_be_kept_is_refused_by_name() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.draft_application().await;
    for key in ["", "two words", &"k".repeat(256)] {
        let reply = ada.initiate_with(application, &[("idempotency-key", key)]).await;
        assert_eq!(reply.json["errors"][0]["field"], "Idempotency-Key", "{reply:?}");
        reply.expect_problem(400, "invalid_input");
    }
    assert!(stack.skyvern().creations_for(application).await.is_empty());
}

#[tokio::test]
async fn another_persons_application_is_as_unknown_as_one_that_does_not_exist() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let application = ada.pending_application().await;

    let foreign = eve.initiate(application).await.expect_problem(404, "application_not_found");
    let unknown = eve.initiate(Uuid::new_v4()).await.expect_problem(404, "application_not_found");

    assert_eq!(foreign.json["detail"], unknown.json["detail"]);
    assert!(stack.skyvern().creations_for(application).await.is_empty());
    assert_eq!(ada.application_row(application).await["status"], "PENDING_SKYVERN_SUBMISSION");
}

#[tokio::test]
async fn whoever_impersonates_a_person_spends_nothing_of_theirs() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let claims = json!({ "act": { "iss": "https://dashboard.clerk.com", "sub": "user_2support" } });
    let claims = claims.as_object().unwrap().clone();
    let spec = TokenSpec { sub: ada.clerk_user_id.clone(), claims, ..TokenSpec::default() };
    let support = stack.bearer(&stack.clerk().mint(&spec).await);

    let body = json!({ "application_id": application });
    let reply = support.invoke("initiate-skyvern-application", &body).await;
    reply.expect_problem(403, "impersonation_refused");
    let direct = support.rpc("claim_application", &json!({ "p_application_id": application })).await;
    assert_eq!((direct.status, direct.code()), (403, "impersonation_refused"), "{direct:?}");

    let seen = support.select(&format!("applications?id=eq.{application}")).await.expect_status(200);
    assert_eq!(seen.json[0]["status"], "PENDING_SKYVERN_SUBMISSION", "looking is what impersonation is for");
    assert!(stack.skyvern().creations_for(application).await.is_empty());
}

#[tokio::test]
async fn an_application_in_another_status_is_refused_by_its_name() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for wrong in [
        "SUBMITTED_BY_SKYVERN",
        "REQUIRES_ATTENTION_USER_INPUT",
        "REQUIRES_ATTENTION_MANUAL_REVIEW",
        "FAILED_SKYVERN_SUBMISSION",
        "FAILED_APPLICATION",
        "APPLIED_MANUALLY",
        "INTERVIEW_SCHEDULED",
        "OFFER_RECEIVED",
        "REJECTED_BY_COMPANY",
        "WITHDRAWN_BY_USER",
    ] {
        let application = ada.draft_application().await;
        let set = "update public.applications set status = $2::text::public.application_status_type where id = $1";
        stack.database().query(set, &[&application, &wrong]).await;

        let reply = ada.initiate(application).await.expect_problem(409, "application_wrong_status");

        assert!(reply.json["detail"].as_str().unwrap().contains(wrong), "{reply:?}");
        assert!(stack.skyvern().creations_for(application).await.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_by_skyvern_ends_the_application_with_its_reason() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (refusal, code) in [
        (401, "skyvern_unauthorized"),
        (402, "skyvern_credits_exhausted"),
        (403, "skyvern_unauthorized"),
        (422, "skyvern_rejected"),
    ] {
        let application = ada.pending_application().await;
        let body = json!({ "detail": "no, and here is a secret: swordfish" });
        stack.skyvern().fail_once(application, status(refusal, body)).await;

        let reply = ada.initiate(application).await.expect_problem(502, code);

        assert!(!reply.text.contains("swordfish"), "what a vendor says is not passed on: {reply:?}");
        let row = ada.application_row(application).await;
        assert_eq!(row["status"], "FAILED_SKYVERN_SUBMISSION", "{refusal}");
        assert_eq!(row["status_details"]["reason"], code);
        assert_eq!(row["submission_id"], Value::Null);
        assert_eq!(stack.skyvern().creations_for(application).await.len(), 1, "nothing was repeated");
        history(&stack, application).await;
    }
}

#[tokio::test]
async fn an_application_can_be_tried_again_after_a_refusal() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, status(422, json!({ "detail": "no" }))).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_rejected");

    let back = json!({ "status": "PENDING_SKYVERN_SUBMISSION" });
    let path = format!("applications?id=eq.{application}");
    ada.caller().await.update(&path, &back).await.expect_status(200);

    ada.initiate(application).await.expect_status(202);
    assert_eq!(stack.skyvern().runs_for(application).await.len(), 1);
}

#[tokio::test]
async fn a_failure_that_may_have_started_a_run_is_kept_open_and_never_repeated() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (fault, http_status, code) in [
        (status(500, json!({ "error": "Unexpected error: KeyError" })), 502, "skyvern_failed"),
        (status(200, json!({ "status": "created" })), 502, "skyvern_unreadable"),
        (status(200, json!("<html><body>Welcome</body></html>")), 502, "skyvern_unreadable"),
        (Fault::Html, 502, "skyvern_failed"),
        (Fault::Cut, 502, "skyvern_unreachable"),
        (Fault::Hold, 504, "skyvern_timed_out"),
    ] {
        let application = ada.pending_application().await;
        stack.skyvern().fail_once(application, fault.clone()).await;

        ada.initiate(application).await.expect_problem(http_status, code);

        let row = ada.application_row(application).await;
        assert_eq!(row["status"], "PENDING_SKYVERN_SUBMISSION", "{fault:?}");
        assert_eq!(row["status_details"]["reason"], code);
        assert_eq!(row["status_details"]["submission"], "open");
        assert_eq!(stack.skyvern().creations_for(application).await.len(), 1, "nothing was repeated: {fault:?}");
    }
}

#[tokio::test]
async fn a_run_whose_answer_was_lost_is_found_by_the_next_call() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::CutAfterEffect).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");

    let reply = ada.initiate(application).await.expect_status(202);

    let run = stack.skyvern().run_for(application).await;
    assert_eq!(reply.run_id(), run.run_id);
    assert_eq!(ada.application_row(application).await["status"], "PROCESSING_BY_SKYVERN");
}

#[tokio::test]
async fn a_run_that_never_was_is_started_anew_only_when_it_is_certain() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.skyvern().fail_once(application, Fault::Cut).await;
    ada.initiate(application).await.expect_problem(502, "skyvern_unreachable");

    ada.initiate(application).await.expect_problem(409, "submission_open");
    assert!(stack.skyvern().runs_for(application).await.is_empty());

    let later = "update public.applications set submission_started_at = now() - interval '3 minutes' where id = $1";
    stack.database().query(later, &[&application]).await;
    let reply = ada.initiate(application).await.expect_status(202);
    assert_eq!(stack.skyvern().run_for(application).await.run_id, reply.run_id());
}

#[tokio::test]
async fn an_address_of_this_network_is_refused_and_nothing_is_sent() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for job_url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://192.168.1.1/",
        "http://localhost/",
        "http://intranet/",
        "http://printer.local/",
        "http://metadata.google.internal/",
        "http://metadata.goog/",
        "http://10.0.0.1.nip.io/",
        "https://jobs.example.com:5432/",
        "https://user:password@jobs.example.com/",
        "ftp://jobs.example.com/",
        "not an address",
    ] {
        let application = ada.application("DRAFT", job_url).await;

        let reply = ada.initiate(application).await.expect_problem(422, "job_url_not_allowed");

        assert!(!reply.text.contains("password@"), "{reply:?}");
        assert!(stack.skyvern().creations_for(application).await.is_empty(), "{job_url}");
        let row = ada.application_row(application).await;
        assert_eq!(row["status"], "DRAFT", "the application is as it was");
        assert_eq!(row["submission_id"], Value::Null, "and may be handed over once it is mended");
    }
}

#[tokio::test]
async fn without_a_resume_nothing_is_sent() {
    let stack = Stack::get().await;
    let ada = Person::sign_up(&stack).await;
    let application = ada.pending_application().await;
    ada.initiate(application).await.expect_problem(422, "resume_missing");

    // A path without a file behind it.
    let profile = format!("users?id=eq.{}", ada.user_id);
    let path = json!({ "current_resume_url": ada.resume_path });
    ada.caller().await.update(&profile, &path).await.expect_status(200);
    ada.initiate(application).await.expect_problem(422, "resume_not_found");

    assert!(stack.skyvern().creations_for(application).await.is_empty());
    assert_eq!(ada.application_row(application).await["status"], "PENDING_SKYVERN_SUBMISSION");

    ada.upload_resume(&ada.caller().await, tests::PDF).await.expect_status(200);
    ada.initiate(application).await.expect_status(202);
}

#[tokio::test]
async fn somebody_elses_resume_is_never_signed() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let profile = format!("users?id=eq.{}", eve.user_id);
    for path in [
        ada.resume_path.clone(),
        format!("{}/../{}", eve.user_id, ada.resume_path),
        format!("{}/%2e%2e/{}", eve.user_id, ada.resume_path),
    ] {
        let change = json!({ "current_resume_url": path });
        eve.caller().await.update(&profile, &change).await.expect_status(200);
        let application = eve.pending_application().await;

        let reply = eve.initiate(application).await;

        assert_eq!(reply.status, 422, "{path}: {reply:?}");
        assert!(stack.skyvern().creations_for(application).await.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_failing_file_store_leaves_the_application_as_it_was() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (fault, http_status, code) in [
        (status(500, json!({ "statusCode": "500", "error": "internal", "message": "x" })), 502, "storage_failed"),
        (status(429, json!({ "statusCode": "429", "error": "SlowDown", "message": "x" })), 502, "storage_failed"),
        (Fault::Html, 502, "storage_failed"),
        (Fault::Cut, 502, "storage_failed"),
        (Fault::Hold, 504, "storage_timed_out"),
    ] {
        let application = ada.draft_application().await;
        stack.fail_once(Service::Storage, format!("object/sign/resumes/{}", ada.user_id), fault).await;

        ada.initiate(application).await.expect_problem(http_status, code);

        assert_eq!(ada.application_row(application).await["status"], "DRAFT");
        ada.initiate(application).await.expect_status(202);
    }
}

#[tokio::test]
async fn what_the_person_decides_while_skyvern_is_being_called_stands() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.hold(Service::Skyvern, application, 1).await;

    let withdraw = async {
        tests::eventually("Skyvern is being called", async || stack.skyvern().creations_for(application).await.pop())
            .await;
        let change = json!({ "status": "WITHDRAWN_BY_USER" });
        let path = format!("applications?id=eq.{application}");
        ada.caller().await.update(&path, &change).await.expect_status(200);
        stack.release(application).await;
    };
    let (reply, ()) = tokio::join!(ada.initiate(application), withdraw);

    let reply = reply.expect_status(202);
    assert_eq!(reply.json["status"], "WITHDRAWN_BY_USER");
    let row = ada.application_row(application).await;
    assert_eq!(row["status"], "WITHDRAWN_BY_USER");
    assert_eq!(row["skyvern_task_id"], reply.run_id(), "so that the run can be followed and cancelled");
}

#[tokio::test]
async fn a_browser_is_answered_before_and_after_its_call() {
    let stack = Stack::get().await;
    let url = stack.function_url("initiate-skyvern-application");
    let asked = stack
        .http(Method::OPTIONS, &url)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-client-info,apikey,content-type,x-region");
    let preflight = Reply::to(asked).await.expect_status(204);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("content-type"), "", "supabase-js would try to parse it");
    for header in ["authorization", "x-client-info", "apikey", "content-type", "x-region", "idempotency-key"] {
        let allowed = preflight.header("access-control-allow-headers");
        assert!(allowed.split(", ").any(|allowed| allowed == header), "{header} is not in {allowed}");
    }

    let refused = Reply::to(stack.http(Method::POST, &url).header("origin", "https://app.example.com")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "*", "a browser must see the problem");
    refused.expect_problem(401, "token_missing");
}
