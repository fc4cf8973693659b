//! How many rows and files a person may have.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Caller, Method, PDF, Person, Reply, Stack};
use uuid::Uuid;

fn search(name: &str) -> Value {
    json!({ "search_name": name, "search_query": {} })
}

/// How many rows of a table are a person's.
async fn count(stack: &Stack, table: &str, person: &Person) -> i64 {
    let sql = format!("select count(*) from public.{table} where user_id = $1");
    stack.database().query(&sql, &[&person.user_id]).await[0].get(0)
}

#[tokio::test]
async fn however_many_inserts_come_at_once_a_person_has_fifty_saved_searches() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let caller = ada.caller().await;
    let first: Vec<Value> = (0..40).map(|number| search(&number.to_string())).collect();
    caller.insert("saved_searches", &json!(first)).await.expect_status(201);

    let rows: Vec<Value> = (40..60).map(|number| search(&number.to_string())).collect();
    let answers = join_all(rows.iter().map(|row| caller.insert("saved_searches", row))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
    let refused = answers.iter().filter(|answer| answer.status == 409 && answer.code() == "too_many_saved_searches");
    assert_eq!(refused.count(), 10);
    assert_eq!(count(&stack, "saved_searches", &ada).await, 50);
    let for_her = json!({ "user_id": ada.user_id, "search_name": "By the service", "search_query": {} });
    let by_service = stack.service().insert("saved_searches", &for_her).await.expect_status(409);
    assert_eq!(by_service.code(), "too_many_saved_searches", "whoever inserts it");
    grace.caller().await.insert("saved_searches", &search("Another's")).await.expect_status(201);

    let one = format!(
        "saved_searches?id=eq.{}",
        answers.iter().find(|answer| answer.status == 201).unwrap().json[0]["id"].as_str().unwrap()
    );
    caller.update(&one, &json!({ "search_name": "Changed" })).await.expect_status(200);
    caller.delete(&one).await.expect_status(200);
    let two = caller.insert("saved_searches", &json!([search("One"), search("Two")])).await;
    assert_eq!(two.expect_status(409).code(), "too_many_saved_searches", "there is room for one, and none is inserted");
    caller.insert("saved_searches", &search("One")).await.expect_status(201);
}

#[tokio::test]
async fn every_kind_of_row_has_its_limit() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let posting = "'Engineer', 'Northwind', 'https://jobs.example.com/' || number";
    for (table, limit, columns, values, row) in [
        (
            "applications",
            5000,
            "job_title, company_name, job_url, deleted_at",
            // Deleted ones are still there.
            format!("{posting}, case when number < 100 then now() end"),
            json!({ "job_title": "Engineer", "company_name": "Northwind", "job_url": "https://jobs.example.com/new" }),
        ),
        (
            "saved_jobs",
            5000,
            "job_title, company_name, job_url",
            posting.to_owned(),
            json!({ "job_title": "Engineer", "company_name": "Northwind", "job_url": "https://jobs.example.com/new" }),
        ),
        (
            "resumes",
            100,
            "file_url, file_name",
            format!("'{}/' || number || '.pdf', 'cv.pdf'", ada.user_id),
            json!({ "file_url": format!("{}/new.pdf", ada.user_id), "file_name": "cv.pdf" }),
        ),
    ] {
        let fill = format!(
            "insert into public.{table} (user_id, {columns}) select $1, {values} from generate_series(1, $2::int) number"
        );
        stack.database().query(&fill, &[&ada.user_id, &limit]).await;

        let refused = caller.insert(table, &row).await;
        assert_eq!((refused.status, refused.code()), (409, &*format!("too_many_{table}")), "{refused:?}");
        assert_eq!(count(&stack, table, &ada).await, i64::from(limit), "{table}");
    }
    let again = json!({ "job_title": "Changed", "company_name": "Northwind", "job_url": "https://jobs.example.com/1" });
    let path = "/rest/v1/saved_jobs?on_conflict=user_id,job_url";
    let upsert = caller.request(Method::POST, path).header("prefer", "resolution=merge-duplicates").json(&again);
    Reply::to(upsert).await.expect_status(200);
}

async fn upload(caller: &Caller, bucket: &str, name: String) -> Reply {
    let request = caller.request(Method::POST, &format!("/storage/v1/object/{bucket}/{name}"));
    let request = request.header("x-upsert", "true").header("content-type", "application/pdf");
    Reply::to(request.body(PDF.to_vec())).await
}

#[tokio::test]
async fn a_person_has_a_hundred_files_in_a_bucket() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    upload(&caller, "resumes", ada.resume_path.clone()).await.expect_status(200);
    // As Storage keeps them; what is in them does not matter here.
    let fill = "insert into storage.objects (bucket_id, name)
                select 'resumes', $1 || '/' || number || '.pdf' from generate_series(1, 95) number";
    stack.database().query(fill, &[&ada.user_id.to_string()]).await;

    let answers =
        join_all((0..8).map(|_| upload(&caller, "resumes", format!("{}/{}.pdf", ada.user_id, Uuid::new_v4())))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 4);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert!(refused.json["message"].as_str().unwrap().starts_with("too_many_files"), "{refused:?}");
    }
    upload(&caller, "resumes", ada.resume_path.clone()).await.expect_status(200);
    upload(&caller, "cover_letters", format!("{}/letter.pdf", ada.user_id)).await.expect_status(200);
    let grace = stack.new_person().await;
    upload(&grace.caller().await, "resumes", grace.resume_path.clone()).await.expect_status(200);
}
