//! The simulated JSearch answers as docs/vendors/jsearch.md says, and refuses what JSearch would refuse. What changes it
//! for everybody, its shape and its allowance, is tested with the sync.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::{JSEARCH_KEY, Method, RAPID_KEY, Reply, SPENT_RAPID_KEY, Stack};
use uuid::Uuid;

async fn get(stack: &Stack, path_and_query: &str, headers: &[(&str, &str)]) -> Reply {
    let url = format!("{}/jsearch{path_and_query}", stack.description().simulators_url);
    let request = stack.http(Method::GET, url);
    Reply::to(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn search(stack: &Stack, parameters: &str) -> Reply {
    get(stack, &format!("/search-v2?{parameters}"), &[("x-api-key", JSEARCH_KEY)]).await
}

fn ids(reply: &Reply) -> Vec<Value> {
    reply.json["data"]["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].clone()).collect()
}

#[tokio::test]
async fn a_cursor_leads_through_the_pages_and_is_null_or_missing_at_the_end() {
    let stack = Stack::get().await;
    for (count, pages) in [(25, 3), (24, 3), (10, 1)] {
        let word = Uuid::new_v4().to_string();
        stack.jsearch().make_up(&word, 0, count, 1).await;
        let mut found = Vec::new();
        let mut cursor = String::new();
        for page in 1..=pages {
            let reply = search(&stack, &format!("query={word}{cursor}")).await.expect_status(200);
            assert_eq!(reply.json["status"], "OK");
            found.extend(ids(&reply));
            let next = &reply.json["data"]["cursor"];
            assert_eq!(next.is_string(), page < pages, "{reply:?}");
            cursor = format!("&cursor={}", next.as_str().unwrap_or_default());
        }
        assert_eq!(found.len(), count);
        found.sort_by_key(Value::to_string);
        found.dedup();
        assert_eq!(found.len(), count, "each once");
    }
    assert_eq!(search(&stack, "query=a&cursor=nonsense").await.status, 400);
}

#[tokio::test]
async fn postings_have_the_gaps_and_both_spellings_of_real_ones() {
    let stack = Stack::get().await;
    let word = Uuid::new_v4().to_string();
    let reply = search(&stack, &format!("query={word}&num_pages=2")).await.expect_status(200);
    let jobs = reply.json["data"]["jobs"].as_array().unwrap();
    let encoded =
        |job: &Value| STANDARD.decode(job["job_id"].as_str().unwrap()).is_ok_and(|id| id.is_ascii() && id.len() == 24);
    assert!((1..jobs.len()).contains(&jobs.iter().filter(|job| encoded(job)).count()));
    for key in ["employer_name", "job_posted_at_timestamp", "job_min_salary", "job_is_remote", "job_city"] {
        assert!((1..jobs.len()).contains(&jobs.iter().filter(|job| job[key].is_null()).count()), "{key} may be null");
    }
    assert!(jobs.iter().any(|job| job.get("apply_options").is_none()), "and a key may be missing");
    assert_eq!(ids(&search(&stack, &format!("query={word}&num_pages=2")).await), ids(&reply), "the same again");
}

#[tokio::test]
async fn each_route_wants_its_own_header() {
    let stack = Stack::get().await;
    let host = ("x-rapidapi-host", "jsearch.p.rapidapi.com");
    for (headers, status) in [
        (vec![("x-api-key", JSEARCH_KEY)], 200),
        (vec![host, ("x-rapidapi-key", RAPID_KEY)], 200),
        (vec![], 401),
        (vec![("x-api-key", "ak_other")], 401),
        (vec![("x-api-key", RAPID_KEY)], 401),
        (vec![("x-rapidapi-key", RAPID_KEY)], 401),
        (vec![host, ("x-rapidapi-key", "other")], 403),
        (vec![host, ("x-rapidapi-key", JSEARCH_KEY)], 403),
        (vec![("x-rapidapi-host", "other.example"), ("x-rapidapi-key", RAPID_KEY)], 403),
    ] {
        let reply = get(&stack, "/search-v2?query=a", &headers).await;
        assert_eq!(reply.status, status, "{headers:?} {reply:?}");
        assert_eq!(status == 200, reply.json["message"].is_null(), "{reply:?}");
    }
}

#[tokio::test]
async fn what_it_does_not_know_is_refused() {
    let stack = Stack::get().await;
    for parameters in [
        "country=us",
        "query=",
        "query=a&nonsense=1",
        "query=a&date_posted=yesterday",
        "query=a&num_pages=21",
        "query=a&num_pages=0",
        "query=a&work_from_home=1",
        "query=a&employment_types=Full-time",
    ] {
        let reply = search(&stack, parameters).await.expect_status(400);
        assert!(reply.json["message"].is_string(), "{reply:?}");
    }
    search(&stack, "query=a&country=india").await.expect_status(200); // a country's name is not
    let reply = search(&stack, "query=a&work_from_home=true&employment_types=FULLTIME,INTERN&num_pages=2").await;
    let echo = &reply.json["parameters"];
    assert_eq!((&echo["work_from_home"], &echo["num_pages"]), (&json!(true), &json!(2)), "with types: {echo}");
    assert_eq!(echo["employment_types"], json!(["FULLTIME", "INTERN"]));
    let unknown = get(&stack, "/job-search?query=a", &[("x-api-key", JSEARCH_KEY)]).await.expect_status(404);
    assert_eq!(unknown.json["message"], "Endpoint '/job-search' does not exist");
}

#[tokio::test]
async fn only_rapidapi_says_how_many_requests_are_left() {
    let stack = Stack::get().await;
    let host = ("x-rapidapi-host", "jsearch.p.rapidapi.com");
    let quota = |reply: &Reply| {
        let names = reply.headers.keys().map(|name| name.as_str().to_owned());
        names.filter(|name| name.starts_with("x-rate") || name.starts_with("x-rapid")).collect::<Vec<_>>()
    };

    for (path, status) in [("/search-v2?query=a", 200), ("/search-v2", 400), ("/nowhere", 404)] {
        let direct = get(&stack, path, &[("x-api-key", JSEARCH_KEY)]).await.expect_status(status);
        assert_eq!(quota(&direct), [""; 0], "{path}");
        let rapid = get(&stack, path, &[host, ("x-rapidapi-key", RAPID_KEY)]).await.expect_status(status);
        assert_eq!(rapid.header("x-ratelimit-requests-remaining"), "10000", "{path}");
        assert_eq!(rapid.header("x-rapidapi-proxy-response"), if status == 200 { "" } else { "true" }, "{path}");
    }

    let spent = get(&stack, "/search-v2?query=a", &[host, ("x-rapidapi-key", SPENT_RAPID_KEY)]).await;
    assert_eq!(spent.header("x-ratelimit-requests-remaining"), "0");
    assert!(spent.expect_status(429).json["message"].as_str().unwrap().contains("MONTHLY"));
}
