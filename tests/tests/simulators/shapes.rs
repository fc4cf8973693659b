//! What the simulators answer has the form of what the vendors were seen to answer (local/simulators/fixtures). Our own
//! parsers read the same files, in shared/src/fixtures.rs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::{
    APP_ID, APP_KEY, Device, EventSpec, Finish, JSEARCH_KEY, Method, RAPID_KEY, Receipt, Reply, RunStatus,
    SPENT_RAPID_KEY, Stack, allowance::boundless,
};
use uuid::Uuid;

use crate::receiver::{Answer, Receiver};
use crate::shape::recorded;
use crate::skyvern_runs::{call, create, task};

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

/// A new run that reports to the receiver, with these fields beside the usual ones.
async fn run_for(stack: &Stack, receiver: &Receiver, fields: &[(&str, Value)]) -> String {
    let mut body = task(&format!("shape-{}", Uuid::new_v4()));
    body["webhook_url"] = json!(receiver.url());
    for (name, value) in fields {
        body[*name] = value.clone();
    }
    create(stack, &body).await.run_id().to_owned()
}

#[tokio::test]
async fn skyvern_answers_in_the_recorded_form() {
    let stack = Stack::get().await;
    let title = format!("shape-{}", Uuid::new_v4());
    let fixture = recorded("skyvern/run_created");
    let mut request = task(&title);
    request["webhook_url"] = fixture.body()["run_request"]["webhook_url"].clone();

    let run = create(&stack, &request).await;
    fixture.is_like(&run);
    let run_id = run.run_id();
    fixture.is_like(&Reply::to(call(&stack, Method::GET, &format!("/v1/runs/{run_id}"))).await);

    let entries = Reply::to(call(&stack, Method::GET, &format!("/v1/runs?search_key={title}"))).await;
    recorded("skyvern/run_listed").has_head_of(&entries);
    assert_eq!(entries.json.as_array().map(Vec::len), Some(1));
    recorded("skyvern/run_listed").is_like_json(&entries.json[0]);

    recorded("skyvern/prompt_missing").is_like(&create(&stack, &json!({})).await);
    recorded("skyvern/run_unknown").is_like(&Reply::to(call(&stack, Method::GET, "/v1/runs/tsk_1")).await);
    let url = format!("{}/v1/run/tasks", stack.description().skyvern_api_url);
    let without_key = Reply::to(stack.http(Method::POST, url).json(&request)).await;
    recorded("skyvern/key_refused").is_like(&without_key);
}

#[tokio::test]
async fn skyvern_cancels_in_the_recorded_form() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[Answer(200, None), Answer(404, None)]).await;
    let (first, second) = (run_for(&stack, &receiver, &[]).await, run_for(&stack, &receiver, &[]).await);
    let cancel = |run_id: &str| Reply::to(call(&stack, Method::POST, &format!("/v1/runs/{run_id}/cancel")));

    recorded("skyvern/cancelled").is_like(&cancel(&first).await);
    recorded("skyvern/transition_refused").is_like(&cancel(&first).await);
    recorded("skyvern/webhook_not_delivered").is_like(&cancel(&second).await);
    let replay = Reply::to(call(&stack, Method::POST, &format!("/v1/runs/{first}/retry_webhook"))).await;
    recorded("skyvern/webhook_replayed").is_like(&replay);
}

#[tokio::test]
async fn skyvern_sends_webhooks_in_the_recorded_form() {
    let stack = Stack::get().await;
    let receiver = Receiver::start(&[]).await;
    let end = async |fields: &[(&str, Value)], finish: Finish| {
        let run_id = run_for(&stack, &receiver, fields).await;
        parsed(&stack.skyvern().finish(&run_id, &finish).await.body)
    };

    recorded("skyvern/webhook_of_task").is_like_json(&end(&[], Finish::submitted()).await);
    let workflow = Finish { attempt: Some(1), retry_pending: Some(false), ..Finish::submitted() };
    recorded("skyvern/webhook_of_workflow").is_like_json(&end(&[], workflow).await);
    let second = [("engine", json!("skyvern-2.0"))];
    recorded("skyvern/webhook_of_task_v2").is_like_json(&end(&second, Finish::submitted()).await);
    let failed = end(&[], Finish::with_error(RunStatus::Terminated, "job_closed", "it is closed")).await;
    recorded("skyvern/run_error").is_like_json(&failed["errors"][0]);
}

#[tokio::test]
async fn adzuna_answers_in_the_recorded_form() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let url = format!("{}/adzuna/v1/api/jobs/gb/search/1", stack.description().simulators_url);
    let search = |key: &str, what: &str| {
        let query = [("app_id", APP_ID), ("app_key", key), ("results_per_page", "50"), ("what", what)];
        Reply::to(stack.http(Method::GET, &url).query(&query))
    };

    let found = search(APP_KEY, &Uuid::new_v4().to_string()).await;
    assert_eq!(found.json["results"].as_array().map(Vec::len), Some(50));
    recorded("adzuna/search").is_like(&found);
    recorded("adzuna/key_refused").is_like(&search("wrong", "clerk").await);
}

#[tokio::test]
async fn expo_answers_in_the_recorded_form() {
    let stack = Stack::get().await;
    let [good, failing, gone, foreign] =
        [(); 4].map(|()| format!("ExponentPushToken[{}]", &Uuid::new_v4().simple().to_string()[..22]));
    let ask =
        |path: &str, body: Value, bearer: Option<&str>| {
            let url = format!("{}/expo/--/api/v2/push/{path}", stack.description().simulators_url);
            let request = stack.http(Method::POST, url).json(&body);
            Reply::to(bearer.map_or_else(
                || request.try_clone().unwrap(),
                |bearer| request.try_clone().unwrap().bearer_auth(bearer),
            ))
        };
    let device = |token: &str, device: Device| {
        let token = token.to_owned();
        let expo = stack.expo();
        async move { expo.set_devices(&[token], device).await }
    };
    let error = || "DeviceNotRegistered".to_owned();
    device(&failing, Device { receipt: Some(Receipt::Error(error())), ..Device::default() }).await;
    device(&gone, Device { ticket_error: Some(error()), ..Device::default() }).await;
    device(&foreign, Device { project: Some(format!("@acme/{}", Uuid::new_v4())), ..Device::default() }).await;

    let tickets = ask("send", json!([{ "to": [good, failing, gone], "title": "a" }]), None).await;
    recorded("expo/tickets").is_like(&tickets);
    let ids: Vec<&Value> = tickets.json["data"].as_array().unwrap().iter().map(|ticket| &ticket["id"]).collect();
    let receipts = ask("getReceipts", json!({ "ids": &ids[..2] }), None).await;
    assert_eq!(receipts.json["data"].as_object().map(serde_json::Map::len), Some(2));
    recorded("expo/receipts").is_like(&receipts);
    let several = ask("send", json!([{ "to": [good, foreign] }]), None).await;
    recorded("expo/several_projects").is_like(&several);
    recorded("expo/bearer_refused").is_like(&ask("send", json!([{ "to": good }]), Some("wrong")).await);
}

#[tokio::test]
async fn jsearch_answers_in_the_recorded_form() {
    let stack = Stack::get().await;
    let fixture = recorded("jsearch/search");
    let get = |path: &str, headers: &[(&str, &str)]| {
        let url = format!("{}/jsearch{path}", stack.description().simulators_url);
        let query: Vec<(String, String)> = fixture.body()["parameters"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let request = stack.http(Method::GET, url).query(&query);
        Reply::to(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
    };
    let host = ("x-rapidapi-host", "jsearch.p.rapidapi.com");

    let found = get("/search-v2", &[("x-api-key", JSEARCH_KEY)]).await;
    fixture.is_like(&found);
    let jobs = found.json["data"]["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 10);
    for job in jobs {
        recorded("jsearch/job").is_like_json(job);
    }
    let spent = get("/search-v2", &[host, ("x-rapidapi-key", SPENT_RAPID_KEY)]).await;
    recorded("jsearch/quota_spent").is_like(&spent);
    let elsewhere = get("/search-v2", &[host, ("x-rapidapi-key", JSEARCH_KEY)]).await;
    recorded("jsearch/not_subscribed").is_like(&elsewhere);
    let unknown = get("/nowhere", &[host, ("x-rapidapi-key", RAPID_KEY)]).await;
    recorded("jsearch/path_unknown").is_like(&unknown);
}

#[tokio::test]
async fn clerk_answers_and_sends_in_the_recorded_form() {
    let stack = Stack::get().await;
    let url = format!("{}/.well-known/jwks.json", stack.description().clerk_issuer);
    recorded("clerk/key_set").is_like(&Reply::to(stack.http(Method::GET, url)).await);

    let token = stack.clerk().token("user_2lab").await;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    recorded("clerk/session_token").is_like_json(&serde_json::from_slice(&claims).unwrap());

    let receiver = Receiver::start(&[]).await;
    let fixture = recorded("clerk/event");
    let data = fixture.body()["data"].clone();
    let event = EventSpec { target: Some(receiver.url().parse().unwrap()), ..EventSpec::new("user.updated", data) };
    fixture.is_like_json(&parsed(&stack.clerk().send(&event).await.body));
}

#[tokio::test]
async fn supabase_answers_in_the_recorded_form() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    // They have theirs already.
    recorded("supabase/row_exists").is_like(&caller.insert("user_preferences", &json!({})).await);

    let sign = |path: &str| {
        let path = format!("/storage/v1/object/sign/resumes/{path}");
        Reply::to(caller.request(Method::POST, &path).json(&json!({ "expiresIn": 60 })))
    };
    recorded("supabase/link_signed").is_like(&sign(&ada.resume_path).await);
    recorded("supabase/file_missing").is_like(&sign(&format!("{}/none.pdf", ada.user_id)).await);

    for path in ["/rest/v1/users", "/storage/v1/object/info/resumes/a.pdf"] {
        let request = || stack.http(Method::GET, format!("{}{path}", stack.description().supabase_url));
        recorded("supabase/key_missing").is_like(&Reply::to(request()).await);
        recorded("supabase/key_refused").is_like(&Reply::to(request().header("apikey", "sb_secret_wrong")).await);
    }
}
