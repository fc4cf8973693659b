//! Callers that hang up in the middle: a phone in a pocket, a field that searches while somebody types.

use std::fs;

use serde_json::{Value, json};
use tests::{Person, Reply, Service, Stack, allowance::boundless, eventually};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use uuid::Uuid;

/// Sends a request to a function and hangs up once `reached` finds that it has got so far.
///
/// The connection is reset, as that of a phone without a network is: the runtime takes an orderly end for a caller who
/// has sent everything and still waits.
async fn hang_up<T>(
    person: &Person,
    function: &str,
    request_id: Uuid,
    body: &Value,
    what: &str,
    reached: impl AsyncFn() -> Option<T>,
) {
    let stack = Stack::get().await;
    let address = stack.description().functions_url.trim_start_matches("http://").to_owned();
    let (key, token, body) = (&stack.keys().anon_key, person.token().await, body.to_string());
    let request = format!(
        "POST /functions/v1/{function} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\napikey: {key}\r\nauthorization: Bearer {token}\r\nx-request-id: {request_id}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    eventually(what, reached).await;
    assert!(connection.try_read(&mut [0]).is_err(), "the answer is held");
    connection.set_zero_linger().unwrap();
}

#[tokio::test]
async fn a_search_whose_caller_hangs_up_is_finished_and_leaves_no_lease() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let word = format!("w{}", Uuid::new_v4().simple());
    let search = async |keywords: &str| -> Reply {
        ada.caller().await.invoke("adzuna-job-search", &json!({ "keywords": keywords })).await.expect_status(200)
    };
    stack.hold(Service::Adzuna, &word, 1).await;

    let (keywords, asked) = (json!({ "keywords": word }), async || stack.adzuna().searches_for(&word).await.pop());
    hang_up(&ada, "adzuna-job-search", Uuid::new_v4(), &keywords, "Adzuna is asked", asked).await;
    // By the time that another search has come and gone, the runtime knows.
    search(&format!("another {}", Uuid::new_v4())).await;
    stack.release(&word).await;

    let again = search(&word).await;
    assert_eq!(again.header("x-cache"), "hit", "the page was stored: {again:?}");
    assert_eq!(stack.adzuna().searches_for(&word).await.len(), 1, "and Adzuna is not asked again");
}

#[tokio::test]
async fn a_submission_whose_caller_hangs_up_is_recorded() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    stack.hold(Service::Skyvern, application, 1).await;

    let (body, asked) =
        (json!({ "application_id": application }), async || stack.skyvern().creations_for(application).await.pop());
    hang_up(&ada, "initiate-skyvern-application", Uuid::new_v4(), &body, "Skyvern is asked", asked).await;
    ada.initiate(ada.pending_application().await).await.expect_status(202);
    stack.release(application).await;

    let row = eventually("the run is recorded", async || {
        let row = ada.application_row(application).await;
        (row["status"] == "PROCESSING_BY_SKYVERN").then_some(row)
    })
    .await;
    assert_eq!(row["skyvern_task_id"], stack.skyvern().run_for(application).await.run_id.as_str());
    assert_eq!(row["submission_id"], Value::Null, "and nothing is claimed any more");
}

#[tokio::test]
async fn work_that_holds_nothing_ends_when_its_caller_hangs_up() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let id = Uuid::new_v4();
    let request_id = id.to_string();
    stack.hold(Service::Storage, &request_id, 1).await;

    let body = json!({ "resume_path_in_storage": ada.resume_path });
    let asked = async || stack.requests(Service::Storage, "/object/sign/", &request_id).await.pop();
    hang_up(&ada, "generate-resume-signed-url", id, &body, "Storage is asked", asked).await;

    let log = stack.description().log_dir.join("functions.log");
    let line = eventually("the work ends, though Storage is still silent", async || {
        let log = fs::read_to_string(&log).unwrap();
        log.lines().find(|line| line.contains(&request_id)).map(str::to_owned)
    })
    .await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["outcome"], &line["status"]), (&json!("caller_gone"), &json!(499)), "{line}");
    stack.release(&request_id).await;
}
