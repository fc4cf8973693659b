//! What a claim asks before it is made, beside what the functions' own tests ask.

use serde_json::{Value, json};
use tests::{Person, Reply, Stack};
use uuid::Uuid;

use crate::submission::{Submission, decided, leave_skyvern_alone, outcome};

async fn claim(person: &Person, arguments: &Value) -> Reply {
    person.caller().await.rpc("claim_application", arguments).await
}

/// Lets a submission wait in the queue, and returns its job.
async fn queue(submission: &Submission) -> Uuid {
    let wait = json!({
        "p_application_id": submission.application, "p_submission_id": submission.id, "p_outcome": "not_started",
        "p_reason": "a_test", "p_queue_after": 3600,
    });
    submission.stack.service().rpc("record_submission_failure", &wait).await.expect_status(200);
    serde_json::from_value(submission.row().await["submission_job_id"].clone()).unwrap()
}

async fn claim_in_turn(submission: &Submission, job: Option<Uuid>) -> Reply {
    let turn = json!({ "p_application_id": submission.application, "p_job_id": job });
    submission.stack.service().rpc("claim_queued_application", &turn).await
}

#[tokio::test]
async fn a_key_is_a_persons_own_and_of_a_length_that_can_be_kept() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    for (person, key, expected) in [
        (&ada, String::new(), (422, "invalid_input")),
        (&ada, "k".repeat(256), (422, "invalid_input")),
        (&ada, "k".repeat(255), (200, "")),
        (&grace, "k".repeat(255), (200, "")),
    ] {
        let arguments = json!({ "p_application_id": person.draft_application().await, "p_idempotency_key": key });
        let reply = claim(person, &arguments).await;
        assert_eq!((reply.status, reply.code()), expected, "{} characters: {reply:?}", key.len());
    }
}

#[tokio::test]
async fn a_submission_that_is_being_made_is_not_answered_with_an_earlier_run() {
    let stack = Stack::get().await;
    let earlier = Submission::claim(&stack, Some("the first")).await;
    let run_id = earlier.record().await;
    earlier.hear(&run_id, "failed", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);
    earlier.decide("PENDING_SKYVERN_SUBMISSION").await;
    let arguments = |again: Value| json!({ "p_application_id": earlier.application, "p_idempotency_key": "the second", "p_apply_again": again });
    for unsaid in [json!(false), Value::Null] {
        let asked = claim(&earlier.person, &arguments(unsaid)).await;
        assert_eq!((asked.status, asked.code()), (409, "already_applied"), "{asked:?}");
    }
    assert_eq!(outcome(&claim(&earlier.person, &arguments(json!(true))).await), "claimed");

    let repeated = claim(&earlier.person, &arguments(json!(true))).await;

    assert_eq!(outcome(&repeated), "in_progress", "{repeated:?}");
}

#[tokio::test]
async fn while_a_run_goes_on_every_call_is_answered_with_it() {
    let stack = Stack::get().await;
    let submission = Submission::claim(&stack, Some("the first")).await;
    let run_id = submission.record().await;
    for key in [None, Some("the first"), Some("another")] {
        let again = submission.claim_again(key).await;
        assert_eq!((outcome(&again), again.run_id()), ("already_started", run_id.as_str()), "{key:?}");
    }
}

#[tokio::test]
async fn what_is_told_to_skyvern_is_the_persons_own() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let path = |person: &Person| format!("user_preferences?user_id=eq.{}", person.user_id);
    let skill = Uuid::new_v4().to_string();
    ada.caller().await.update(&path(&ada), &json!({ "key_skills": [skill] })).await.expect_status(200);
    let exclude = json!({ "excluded_companies": ["Difference Engines"] });
    eve.caller().await.update(&path(&eve), &exclude).await.expect_status(200);
    let letter = |person: &Person| format!("{}/letter.pdf", person.user_id);

    for (chosen, sent) in [(letter(&ada), json!(letter(&ada))), (letter(&eve), Value::Null)] {
        let application = ada.draft_application().await;
        let row = format!("applications?id=eq.{application}");
        let change = json!({ "cover_letter_url_used": chosen });
        ada.caller().await.update(&row, &change).await.expect_status(200);

        let claim = claim(&ada, &json!({ "p_application_id": application })).await;

        assert_eq!(outcome(&claim), "claimed", "whom somebody else excludes: {claim:?}");
        assert_eq!(claim.json["preferences"]["key_skills"], json!([skill]));
        assert_eq!(claim.json["person"]["id"], json!(ada.user_id));
        assert_eq!(claim.json["cover_letter_path"], sent);
    }
}

#[tokio::test]
async fn a_submission_is_handed_over_by_its_own_job_within_a_day() {
    let stack = Stack::get().await;
    for (age, expected) in [("24 hours", "expired"), ("23 hours 59 minutes", "claimed")] {
        let submission = Submission::claim(&stack, None).await;
        let job = queue(&submission).await;
        let queued = format!("update public.background_jobs set created_at = now() - interval '{age}' where id = $1");
        stack.database().query(&queued, &[&job]).await;
        let nobodys = claim_in_turn(&submission, None).await;
        assert_eq!((nobodys.status, nobodys.code()), (422, "invalid_input"), "{nobodys:?}");
        assert_eq!(outcome(&claim_in_turn(&submission, Some(Uuid::new_v4())).await), "superseded");
        let gone = Submission { application: Uuid::new_v4(), ..submission.clone() };
        assert_eq!(outcome(&claim_in_turn(&gone, Some(job)).await), "superseded", "with its person, for example");

        assert_eq!(outcome(&claim_in_turn(&submission, Some(job)).await), expected, "{age}");

        if expected == "claimed" {
            assert_eq!(outcome(&claim_in_turn(&submission, Some(job)).await), "in_progress");
            assert_eq!(submission.row().await["submission_job_id"], json!(job));
        }
    }
}

#[tokio::test]
async fn what_the_person_said_when_they_submitted_it_holds_in_its_turn() {
    let stack = Stack::get().await;
    let earlier = Submission::claim(&stack, None).await;
    let run_id = earlier.record().await;
    earlier.hear(&run_id, "failed", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);
    let later = earlier.submit_again().await;
    let job = queue(&later).await;

    let in_turn = claim_in_turn(&later, Some(job)).await;

    assert_eq!(outcome(&in_turn), "claimed", "they meant it: {in_turn:?}");
}

#[tokio::test]
async fn a_submission_waits_as_long_as_its_job_lives() {
    let stack = Stack::get().await;
    for (job_status, expected) in
        [("pending", "queued"), ("processing", "queued"), ("completed", "claimed"), ("failed", "claimed")]
    {
        let submission = Submission::claim(&stack, None).await;
        let job = queue(&submission).await;
        let set = "update public.background_jobs set status = $2::text::public.job_status where id = $1";
        stack.database().query(set, &[&job, &job_status]).await;

        assert_eq!(outcome(&submission.claim_again(None).await), expected, "{job_status}");

        let is_its_job = submission.row().await["submission_job_id"] == json!(job);
        assert_eq!(is_its_job, expected == "queued", "{job_status}");
        if expected == "claimed" {
            assert_eq!(outcome(&claim_in_turn(&submission, Some(job)).await), "superseded", "{job_status}");
        }
    }
}

#[tokio::test]
async fn a_claim_that_is_taken_back_leaves_the_status_from_before() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    for status in ["DRAFT", "PENDING_SKYVERN_SUBMISSION"] {
        let application = person.application(status, &format!("https://jobs.example.com/{}", Uuid::new_v4())).await;
        let submission = Submission::claim_of(&stack, person.clone(), application, None).await;
        submission.fail("released").await;
        assert_eq!(submission.row().await["status"], status);
    }
}

#[tokio::test]
async fn while_skyvern_is_left_alone_what_the_person_said_is_kept() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let application = person.draft_application().await;
    let mut client = stack.database().connect().await;
    let transaction = leave_skyvern_alone(&mut client, &person).await;

    let claim = "select public.claim_application($1, 'a key', true)";
    let claim: Value = transaction.query_one(claim, &[&application]).await.unwrap().get(0);

    assert_eq!(claim["outcome"], "queued");
    let said = "select submission_idempotency_key, submission_apply_again from public.applications where id = $1";
    let said = transaction.query_one(said, &[&application]).await.unwrap();
    assert_eq!((said.get::<_, &str>(0), said.get::<_, bool>(1)), ("a key", true));
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn of_several_applications_for_a_posting_the_one_that_changed_last_is_named() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    // A person pastes Adzuna's address, and finds the same posting through a search.
    let id = (Uuid::new_v4().as_u128() % 10_000_000_000).to_string();
    let address = format!("https://www.adzuna.co.uk/jobs/land/ad/{id}");
    let (first, last) = (person.application("DRAFT", &address).await, person.application("DRAFT", &address).await);
    for application in [first, last, first] {
        let path = format!("applications?id=eq.{application}");
        for status in ["REJECTED_BY_COMPANY", "APPLIED_MANUALLY"] {
            person.caller().await.update(&path, &json!({ "status": status })).await.expect_status(200);
        }
    }
    let found = person.draft_application().await;
    let path = format!("applications?id=eq.{found}");
    person.caller().await.update(&path, &json!({ "adzuna_job_id": id })).await.expect_status(200);

    let asked = claim(&person, &json!({ "p_application_id": found })).await;

    assert_eq!((asked.status, asked.code()), (409, "already_applied"), "{asked:?}");
    assert!(asked.text.contains(&first.to_string()) && !asked.text.contains(&last.to_string()), "{asked:?}");
}
