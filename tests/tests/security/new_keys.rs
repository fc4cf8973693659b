//! Supabase's new kind of API keys: every function does its work with `sb_publishable_…` and `sb_secret_…`, where nobody
//! has a key of the old kind. On a stack of its own, whose functions are set up with them.

use serde_json::json;
use tests::{EventSpec, Finish, Function, Method, OwnStack, Person, Reply, Service, Stack};
use uuid::Uuid;

#[tokio::test]
async fn a_person_finds_a_job_applies_and_hears_back_with_keys_of_the_new_kind_alone() {
    let file = std::env::temp_dir().join(format!("jobraker-keys-{}.vars", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let own = OwnStack::start("keys", &["--skyvern-waits", "--vars", file.to_str().unwrap()]);
    let stack = Stack::with_new_keys(own.file());
    let (publishable, secret) = (&stack.keys().publishable_key, &stack.keys().secret_key);
    assert!(publishable.starts_with("sb_publishable_") && secret.starts_with("sb_secret_"));
    let old = Stack::described_by(own.file()).keys();
    let settings = format!("SUPABASE_ANON_KEY={publishable}\nSUPABASE_SERVICE_ROLE_KEY={secret}\n");
    drop(own.with_settings(&file, &settings));
    let stack = Stack::with_new_keys(own.file());
    let ada = stack.new_person().await;

    // As the service: Clerk's news.
    let clerk_id = format!("user_{}", Uuid::new_v4().simple());
    let news = EventSpec::new("user.created", json!({ "id": clerk_id, "updated_at": 1 }));
    assert_eq!(stack.clerk().send(&news).await.outcome(), "created");

    // As the person, and then as the service: a search, which is kept for others.
    let found = fulfilled(&stack, &ada, "adzuna-job-search").await.expect_status(200);
    assert_eq!(found.header("x-cache"), "miss");

    // As the person at the database and the file store, and as the service when the run is recorded.
    let applied = fulfilled(&stack, &ada, "initiate-skyvern-application").await.expect_status(202);
    let signed = stack.requests(Service::Storage, "/object/sign", &ada.resume_path).await;
    assert_eq!((signed.len(), &signed[0].headers["apikey"]), (1, publishable));

    // As the service, and from one function to the other: the webhook, and the push message after it.
    let token = format!("ExponentPushToken[{}]", Uuid::new_v4().simple());
    ada.caller().await.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);
    let finished = stack.skyvern().finish(applied.run_id(), &Finish::submitted()).await;
    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    let pushed = tests::eventually("the phone shows it", async || stack.expo().delivered(&token).await.pop()).await;
    assert_eq!(pushed.title, "Application sent");
    let mine = ada.caller().await.select("notifications?select=type").await.expect_status(200);
    assert_eq!(mine.json, json!([{ "type": "APPLICATION_STATUS_UPDATE" }]));

    // As an internal caller: the new key lets in, the old one does not any more.
    fulfilled(&stack, &ada, "trigger-push-notification").await.expect_status(200);
    let push = stack.http(Method::POST, stack.function_url("trigger-push-notification"));
    Reply::to(push.header("apikey", &old.service_role_key)).await.expect_problem(401, "service_key_required");

    // As the person: a link, which leads to the file.
    let link = fulfilled(&stack, &ada, "generate-resume-signed-url").await.expect_status(200);
    let file_behind = Reply::to(stack.http(Method::GET, link.json["signed_url"].as_str().unwrap())).await;
    assert_eq!(file_behind.expect_status(200).text.as_bytes(), tests::PDF);

    // As the service at the file store: when the account is gone, its files go.
    let gone = json!({ "id": ada.clerk_user_id, "object": "user", "deleted": true });
    assert_eq!(stack.clerk().send(&EventSpec::new("user.deleted", gone)).await.outcome(), "deleted");
    let runner = stack.http(Method::POST, stack.function_url("job-runner")).header("apikey", secret);
    let ran = Reply::to(runner.json(&json!({ "job_types": ["delete_files"] }))).await;
    stack.expect_discreet(&ran.expect_status(200));
    let job = "select to_jsonb(j) from public.background_jobs j where dedupe_key = $1";
    let job = &stack.database().json(job, &[&format!("delete_files:{}", ada.user_id)]).await[0];
    assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!({ "removed": 1 })), "{job:#}");
    let left = "select to_jsonb(o) from storage.objects o where name = $1";
    assert!(stack.database().json(left, &[&ada.resume_path]).await.is_empty());
    let deletions = stack.requests(Service::Storage, "/object/resumes", &ada.resume_path).await;
    assert_eq!(deletions.last().map(|request| request.headers["apikey"].as_str()), Some(secret.as_str()));

    std::fs::remove_file(&file).unwrap();
}

/// What a function answers to a request that has everything it needs.
async fn fulfilled(stack: &Stack, person: &Person, name: &str) -> Reply {
    let function = Function::named(name);
    let body = function.good_body(person).await;
    let reply = Reply::to(function.request_with(stack, person, &body).await).await;
    stack.expect_discreet(&reply);
    reply
}
