//! Storage under the policies of the migrations: what a person may upload, read, list and remove.

use reqwest::header::{CONTENT_TYPE, RANGE};
use serde_json::json;
use tests::{Caller, Method, PDF, Person, Reply, Stack};

async fn upload(caller: &Caller, path: &str, media_type: &str, bytes: impl Into<Vec<u8>>) -> Reply {
    let request = caller.request(Method::POST, &format!("/storage/v1/object/{path}"));
    Reply::to(request.header(CONTENT_TYPE, media_type).body(bytes.into())).await
}

async fn read(caller: &Caller, person: &Person) -> Reply {
    let path = format!("/storage/v1/object/authenticated/resumes/{}", person.resume_path);
    Reply::to(caller.request(Method::GET, &path)).await
}

/// Storage answers 400 to almost everything; what is meant stands in the body.
#[track_caller]
pub fn assert_refused(reply: &Reply, status: &str, code: &str) {
    let said = (reply.status, reply.json["statusCode"].as_str(), reply.code());
    assert_eq!(said, (400, Some(status), code), "{reply:?}");
}

#[tokio::test]
async fn a_person_reads_what_they_uploaded_and_nobody_else_does() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);

    let own = read(&ada.caller().await, &ada).await;
    let foreign = read(&grace.caller().await, &ada).await;
    let anonymous = read(&stack.anonymous(), &ada).await;

    assert_eq!((own.status, own.text.as_bytes()), (200, PDF));
    assert_eq!(own.header("content-type"), "application/pdf");
    assert_refused(&foreign, "404", "NoSuchKey");
    assert_refused(&anonymous, "404", "NoSuchKey");
    read(&stack.service(), &ada).await.expect_status(200);
}

#[tokio::test]
async fn a_person_uploads_into_their_own_folder_only() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let caller = ada.caller().await;

    let own = upload(&caller, &format!("cover_letters/{}/letter.pdf", ada.user_id), "application/pdf", PDF).await;
    let foreign = upload(&caller, &format!("resumes/{}/forged.pdf", grace.user_id), "application/pdf", PDF).await;

    let key = format!("cover_letters/{}/letter.pdf", ada.user_id);
    assert_eq!(own.expect_status(200).json["Key"], key);
    assert_refused(&foreign, "403", "AccessDenied");
}

#[tokio::test]
async fn a_second_upload_needs_the_word_to_replace() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let path = format!("resumes/{}", ada.resume_path);

    let refused = upload(&caller, &path, "application/pdf", PDF).await;
    ada.upload_resume(&caller, b"%PDF-1.4 second").await.expect_status(200);

    assert_refused(&refused, "409", "ResourceAlreadyExists");
    assert_eq!(read(&caller, &ada).await.text, "%PDF-1.4 second");
}

#[tokio::test]
async fn the_limits_of_the_bucket_hold() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let path = |name: &str| format!("resumes/{}/{name}", ada.user_id);

    let too_large = upload(&caller, &path("large.pdf"), "application/pdf", vec![b'x'; 5 * 1024 * 1024 + 1]).await;
    let a_picture = upload(&caller, &path("face.png"), "image/png", "x").await;
    let with_charset = upload(&caller, &path("cv.txt"), "text/plain; charset=utf-8", "x").await;
    let odd_name = upload(&caller, &path("r%C3%A9sum%C3%A9.pdf"), "application/pdf", PDF).await;
    let nowhere = upload(&caller, "pictures/a.pdf", "application/pdf", PDF).await;

    assert_refused(&too_large, "413", "EntityTooLarge");
    assert_refused(&a_picture, "415", "InvalidMimeType");
    assert_refused(&with_charset, "415", "InvalidMimeType");
    assert_refused(&odd_name, "400", "InvalidKey");
    assert_refused(&nowhere, "404", "NoSuchBucket");
}

#[tokio::test]
async fn a_form_is_taken_like_a_body() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let path = format!("/storage/v1/object/resumes/{}/form.txt", ada.user_id);
    let form = "--edge\r\nContent-Disposition: form-data; name=\"cacheControl\"\r\n\r\n3600\r\n\
                --edge\r\nContent-Disposition: form-data; name=\"\"; filename=\"form.txt\"\r\n\
                Content-Type: text/plain\r\n\r\nAda Lovelace\r\n--edge--\r\n";
    let caller = ada.caller().await;

    let request = caller.request(Method::POST, &path).header(CONTENT_TYPE, "multipart/form-data; boundary=edge");
    Reply::to(request.body(form)).await.expect_status(200);

    let stored = Reply::to(caller.request(Method::GET, &path)).await;
    assert_eq!((stored.text.as_str(), stored.header("cache-control")), ("Ada Lovelace", "max-age=3600"));
    assert_eq!(stored.header("content-type"), "text/plain");
}

#[tokio::test]
async fn a_part_of_a_file_can_be_read() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let path = format!("/storage/v1/object/authenticated/resumes/{}", ada.resume_path);

    let part = Reply::to(ada.caller().await.request(Method::GET, &path).header(RANGE, "bytes=0-3")).await;

    assert_eq!((part.status, part.text.as_str()), (206, "%PDF"));
    assert_eq!(part.header("content-range"), format!("bytes 0-3/{}", PDF.len()));
}

#[tokio::test]
async fn what_is_known_of_a_file_is_told_to_its_owner() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let path = format!("/storage/v1/object/info/resumes/{}", ada.resume_path);

    let own = Reply::to(ada.caller().await.request(Method::GET, &path)).await.expect_status(200).json;
    let foreign = Reply::to(grace.caller().await.request(Method::GET, &path)).await;

    assert_eq!((&own["size"], &own["content_type"]), (&json!(PDF.len()), &json!("application/pdf")));
    assert_refused(&foreign, "404", "NoSuchKey");
    let row = "select to_jsonb(o) from storage.objects o where name = $1";
    let row = &stack.database().json(row, &[&ada.resume_path]).await[0];
    assert_eq!((&row["owner_id"], &row["owner"]), (&json!(ada.clerk_user_id), &json!(null)));
}

#[tokio::test]
async fn a_list_shows_a_persons_own_files() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let path = "/storage/v1/object/list/resumes";
    let list = async |caller: &Caller, prefix: &str| {
        Reply::to(caller.request(Method::POST, path).json(&json!({ "prefix": prefix }))).await.expect_status(200).json
    };
    let (ada_calls, grace_calls) = (ada.caller().await, grace.caller().await);
    let folder = ada.user_id.to_string();

    assert_eq!(list(&ada_calls, &folder).await[0]["name"], "ada-lovelace.pdf");
    let top = list(&ada_calls, "").await;
    assert_eq!((&top[0]["name"], &top[0]["id"]), (&json!(folder), &json!(null)), "a folder has a name and no id");
    assert_eq!(list(&grace_calls, &folder).await, json!([]));
}

#[tokio::test]
async fn only_the_owner_removes_a_file() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let remove = async |person: &Person| {
        let request = person.caller().await.request(Method::DELETE, "/storage/v1/object/resumes");
        Reply::to(request.json(&json!({ "prefixes": [ada.resume_path] }))).await.expect_status(200).json
    };

    assert_eq!(remove(&grace).await, json!([]));
    assert_eq!(remove(&ada).await[0]["name"], ada.resume_path);

    assert_refused(&read(&ada.caller().await, &ada).await, "404", "NoSuchKey");
}

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let url = format!("{}/storage/v1/object/info/resumes/{}", stack.description().supabase_url, ada.resume_path);

    let request = || stack.http(Method::GET, &url).header("apikey", &stack.keys().anon_key);

    let without = Reply::to(request()).await;
    let with_nonsense = Reply::to(request().bearer_auth("nonsense")).await;
    let expired =
        tests::TokenSpec { sub: ada.clerk_user_id.clone(), expires_in: Some(-1), ..tests::TokenSpec::default() };
    let expired = Reply::to(request().bearer_auth(stack.clerk().mint(&expired).await)).await;

    assert_refused(&without, "400", "InvalidRequest");
    assert_refused(&with_nonsense, "403", "AccessDenied");
    assert_refused(&expired, "403", "AccessDenied");
}
