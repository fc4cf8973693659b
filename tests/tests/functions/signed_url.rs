//! Links to a person's own files.

use serde_json::{Value, json};
use tests::{Fault, Method, Person, Reply, Service, Stack};

async fn ask(person: &Person, body: &Value) -> Reply {
    person.caller().await.invoke("generate-resume-signed-url", body).await
}

#[tokio::test]
async fn a_person_gets_a_link_to_their_own_resume() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;

    let reply = ask(&ada, &json!({ "resume_path_in_storage": ada.resume_path })).await.expect_status(200);

    let link = reply.json["signed_url"].as_str().unwrap();
    let file = Reply::to(stack.http(Method::GET, link)).await.expect_status(200);
    assert_eq!(file.text.as_bytes(), tests::PDF);
    let expires_at = chrono::DateTime::parse_from_rfc3339(reply.json["expires_at"].as_str().unwrap()).unwrap();
    let seconds = (expires_at.to_utc() - chrono::Utc::now()).num_seconds();
    assert!((500..=600).contains(&seconds), "ten minutes unless said otherwise: {seconds}");
    assert!(!reply.header("server-timing").contains("database"), "{reply:?}");
}

#[tokio::test]
async fn a_cover_letter_and_another_lifetime_can_be_asked_for() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let path = format!("{}/letter.txt", ada.user_id);
    let upload = ada.caller().await.request(Method::POST, &format!("/storage/v1/object/cover_letters/{path}"));
    Reply::to(upload.header("content-type", "text/plain").body("Dear Sir")).await.expect_status(200);

    let body = json!({ "resume_path_in_storage": path, "bucket": "cover_letters", "expires_in": 3600 });
    let reply = ask(&ada, &body).await.expect_status(200);

    let file = Reply::to(stack.http(Method::GET, reply.json["signed_url"].as_str().unwrap())).await;
    assert_eq!(file.expect_status(200).text, "Dear Sir");
    ask(&ada, &json!({ "resume_path_in_storage": path })).await.expect_problem(404, "file_not_found");
}

#[tokio::test]
async fn a_name_with_any_character_that_the_file_store_takes_is_signed() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (name, encoded) in
        [("what now?.txt", "what%20now%3F.txt"), ("a_!.*'() &$=@;:+,?-b/c.txt", "a_!.*'()%20&$=@;:+,%3F-b/c.txt")]
    {
        let upload = format!("/storage/v1/object/resumes/{}/{encoded}", ada.user_id);
        let upload = ada.caller().await.request(Method::POST, &upload).header("content-type", "text/plain");
        Reply::to(upload.body(name)).await.expect_status(200);

        let body = json!({ "resume_path_in_storage": format!("{}/{name}", ada.user_id) });
        let link = ask(&ada, &body).await.expect_status(200).json["signed_url"].as_str().unwrap().to_owned();
        let file = Reply::to(stack.http(Method::GET, &link)).await.expect_status(200);
        assert_eq!(file.text, name, "{link}");
    }
}

#[tokio::test]
async fn a_token_that_expires_on_its_way_to_the_file_store_is_no_fault_of_the_file_store() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let body = json!({
        "statusCode": "403", "error": "Unauthorized", "code": "AccessDenied",
        "message": "\"exp\" claim timestamp check failed",
    });
    let expired = Fault::Status { status: 400, body, headers: [].into() };
    stack.fail_once(Service::Storage, ada.user_id, expired).await;
    let reply = ask(&ada, &json!({ "resume_path_in_storage": ada.resume_path })).await;
    reply.expect_problem(401, "token_expired");
}

#[tokio::test]
async fn a_file_that_is_not_the_callers_is_not_signed() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let (theirs, own) = (ada.resume_path.as_str(), eve.user_id);

    let foreign = ask(&eve, &json!({ "resume_path_in_storage": theirs })).await.expect_problem(404, "file_not_found");
    let nothing = json!({ "resume_path_in_storage": format!("{}/nothing.pdf", eve.user_id) });
    let unknown = ask(&eve, &nothing).await.expect_problem(404, "file_not_found");
    assert_eq!(foreign.json["detail"], unknown.json["detail"]);

    for path in [
        format!("{own}/../{theirs}"),
        format!("{own}/%2e%2e/{theirs}"),
        format!("{own}%2f..%2f{theirs}"),
        format!("{own}\\..\\{theirs}"),
        format!("{own}//{theirs}"),
        format!("/{theirs}"),
        format!("./{theirs}"),
        format!("{theirs}\u{0}"),
        format!("{theirs}?token=x"),
        theirs.replace('/', "\u{2215}"),
        format!("resumes/../{theirs}"),
    ] {
        ask(&eve, &json!({ "resume_path_in_storage": path })).await.expect_problem(422, "path_not_allowed");
    }
    for bucket in ["avatars", "cover_letters/../resumes", "RESUMES"] {
        let body = json!({ "resume_path_in_storage": theirs, "bucket": bucket });
        ask(&eve, &body).await.expect_problem(422, "path_not_allowed");
    }
    // Of all these only the two plain paths ever reached the file store, and it signed neither.
    let asked = stack.requests(Service::Storage, "/object/sign", ada.user_id).await;
    assert!(!asked.is_empty() && asked.iter().all(|request| request.path.ends_with(theirs)), "{asked:#?}");
}

#[tokio::test]
async fn without_a_token_there_is_no_link() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let body = json!({ "resume_path_in_storage": ada.resume_path });
    stack.bearer("").invoke("generate-resume-signed-url", &body).await.expect_problem(401, "token_missing");
}
