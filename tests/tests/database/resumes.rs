//! The primary résumé: one at a time, and the one that is sent.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Finish, Method, Person, Reply, RunStatus, Stack};
use uuid::Uuid;

/// A résumé of this person's, with a file behind it.
async fn resume(person: &Person, name: &str) -> (Uuid, String) {
    let caller = person.caller().await;
    let path = format!("{}/{name}", person.user_id);
    let upload = caller.request(Method::POST, &format!("/storage/v1/object/resumes/{path}"));
    Reply::to(upload.header("content-type", "application/pdf").body(tests::PDF.to_vec())).await.expect_status(200);
    let row = json!({ "file_url": path, "file_name": name });
    let rows: Vec<Value> = caller.insert("resumes", &row).await.expect_status(201).parse();
    (serde_json::from_value(rows[0]["id"].clone()).unwrap(), path)
}

async fn make_primary(person: &Person, resume: Uuid) -> Reply {
    person.caller().await.rpc("make_resume_primary", &json!({ "p_resume_id": resume })).await
}

/// What the profile shows.
async fn shown(person: &Person) -> (Value, Value) {
    let rows: Vec<Value> =
        person.caller().await.select("users?select=current_resume_url,current_resume_filename").await.parse();
    (rows[0]["current_resume_url"].clone(), rows[0]["current_resume_filename"].clone())
}

#[tokio::test]
async fn another_resume_is_made_primary_in_one_request_and_the_profile_follows() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (first, first_path) = resume(&ada, "first.pdf").await;
    let (second, second_path) = resume(&ada, "second.pdf").await;

    make_primary(&ada, first).await.expect_status(200);
    assert_eq!(shown(&ada).await, (json!(first_path), json!("first.pdf")));
    let chosen = make_primary(&ada, second).await.expect_status(200);
    assert_eq!((&chosen.json["id"], &chosen.json["is_primary"]), (&json!(second), &json!(true)));
    assert_eq!(shown(&ada).await, (json!(second_path), json!("second.pdf")));
    make_primary(&ada, second).await.expect_status(200);

    let path = format!("resumes?id=eq.{second}");
    let change = json!({ "file_name": "renamed.pdf" });
    ada.caller().await.update(&path, &change).await.expect_status(200);
    assert_eq!(shown(&ada).await, (json!(second_path), json!("renamed.pdf")));
    ada.caller().await.delete(&path).await.expect_status(200);
    assert_eq!(shown(&ada).await, (Value::Null, Value::Null), "a file that is gone is not shown");
}

#[tokio::test]
async fn of_twenty_choices_at_once_one_stands() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let resumes = [resume(&ada, "a.pdf").await, resume(&ada, "b.pdf").await];

    let replies = join_all((0..20).map(|number| make_primary(&ada, resumes[number % 2].0))).await;

    for reply in replies {
        reply.expect_status(200);
    }
    let primary: Vec<Value> = ada.caller().await.select("resumes?select=file_url&is_primary=is.true").await.parse();
    assert_eq!(primary.len(), 1, "{primary:?}");
    assert_eq!(primary[0]["file_url"], shown(&ada).await.0);
}

#[tokio::test]
async fn somebody_elses_resume_is_made_nobodys() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let (hers, _) = resume(&ada, "a.pdf").await;
    for unknown in [hers, Uuid::new_v4()] {
        let refused = make_primary(&eve, unknown).await;
        assert_eq!((refused.status, refused.code()), (404, "resume_not_found"), "{refused:?}");
    }
}

#[tokio::test]
async fn the_primary_resume_is_the_one_that_is_sent() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (chosen, path) = resume(&ada, "chosen.pdf").await;
    make_primary(&ada, chosen).await.expect_status(200);
    // An app that knows nothing of the table sets the other column.
    let profile = format!("users?id=eq.{}", ada.user_id);
    let other = json!({ "current_resume_url": ada.resume_path });
    ada.caller().await.update(&profile, &other).await.expect_status(200);

    let application = ada.draft_application().await;
    ada.initiate(application).await.expect_status(202);

    let run = stack.skyvern().run_for(application).await;
    assert!(run.request["prompt"].as_str().unwrap().contains(&format!("/object/sign/resumes/{path}")), "{run:?}");
    assert_eq!(ada.application_row(application).await["resume_url_used"], path.as_str());
}

#[tokio::test]
async fn what_is_sent_again_goes_with_the_resume_that_is_primary_by_then_unless_another_was_chosen() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (newer, newer_path) = resume(&ada, "newer.pdf").await;
    let sent = async |application: Uuid, again: bool| {
        let body = json!({ "application_id": application, "apply_again": again });
        let reply = ada.caller().await.invoke("initiate-skyvern-application", &body).await.expect_status(202);
        let run_id = reply.json["run_id"].as_str().unwrap().to_owned();
        stack.skyvern().finish(&run_id, &Finish::with_status(RunStatus::Failed)).await;
        let resume = ada.application_row(application).await["resume_url_used"].clone();
        let draft = json!({ "status": "DRAFT" });
        ada.caller().await.update(&format!("applications?id=eq.{application}"), &draft).await.expect_status(200);
        resume
    };
    let (left_open, chosen) = (ada.draft_application().await, ada.draft_application().await);
    let choice = json!({ "resume_url_used": ada.resume_path });
    ada.caller().await.update(&format!("applications?id=eq.{chosen}"), &choice).await.expect_status(200);
    assert_eq!(sent(left_open, false).await, ada.resume_path.as_str());
    assert_eq!(sent(chosen, false).await, ada.resume_path.as_str());

    make_primary(&ada, newer).await.expect_status(200);

    assert_eq!(sent(left_open, true).await, newer_path.as_str());
    assert_eq!(sent(chosen, true).await, ada.resume_path.as_str());
    // What stands there already can be chosen, too.
    let choice = json!({ "resume_url_used": newer_path });
    ada.caller().await.update(&format!("applications?id=eq.{left_open}"), &choice).await.expect_status(200);
    let (newest, _) = resume(&ada, "newest.pdf").await;
    make_primary(&ada, newest).await.expect_status(200);
    assert_eq!(sent(left_open, true).await, newer_path.as_str());
}
