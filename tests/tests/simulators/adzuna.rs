//! The simulated Adzuna answers as docs/vendors/adzuna.md says, and refuses what Adzuna would refuse.

use serde_json::{Value, json};
use tests::{
    APP_ID, APP_KEY, Limits, Method, Reply, Stack,
    allowance::{boundless, limited},
};
use uuid::Uuid;

/// A word that nobody else searches for.
fn word() -> String {
    format!("w{}", Uuid::new_v4().simple())
}

async fn get(stack: &Stack, path_and_query: &str) -> Reply {
    let url = format!("{}/adzuna/v1/api/jobs/{path_and_query}", stack.description().simulators_url);
    Reply::to(stack.http(Method::GET, url)).await
}

/// A search by the application that is registered.
async fn search(stack: &Stack, country_and_page: &str, parameters: &str) -> Reply {
    let (country, page) = country_and_page.split_once('/').unwrap();
    get(stack, &format!("{country}/search/{page}?app_id={APP_ID}&app_key={APP_KEY}{parameters}")).await
}

fn ids(reply: &Reply) -> Vec<&str> {
    reply.json["results"].as_array().unwrap().iter().map(|result| result["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_same_query_finds_the_same_postings_under_other_links() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let query = format!("&what={}&results_per_page=30", word());

    let (first, again) = (search(&stack, "gb/1", &query).await, search(&stack, "gb/1", &query).await);

    assert_eq!(first.header("content-type"), "application/json; charset=utf8");
    assert_eq!(ids(&first), ids(&again));
    assert_eq!(first.json["count"], again.json["count"]);
    let links = |reply: &Reply| {
        reply.json["results"].as_array().unwrap().iter().map(|r| r["redirect_url"].clone()).collect::<Vec<Value>>()
    };
    assert_ne!(links(&first), links(&again));
    let next = search(&stack, "gb/2", &query).await;
    assert!(ids(&next).iter().all(|id| !ids(&first).contains(id)), "the second page goes on");
    assert_ne!(ids(&search(&stack, "us/1", &query).await), ids(&first), "another country is another market");
}

#[tokio::test]
async fn postings_have_the_gaps_of_real_ones() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let page = search(&stack, "gb/1", &format!("&what={}&results_per_page=50", word())).await;
    let results = page.json["results"].as_array().unwrap();

    for result in results {
        for key in ["id", "title", "description", "created", "redirect_url", "adref", "location", "category", "company"]
        {
            assert!(!result[key].is_null(), "{key} is always there");
        }
        assert_eq!(result["description"].as_str().unwrap().chars().count(), 500);
        assert!(["0", "1"].contains(&result["salary_is_predicted"].as_str().unwrap()), "a text");
    }
    for key in ["latitude", "salary_min", "contract_time", "contract_type"] {
        let present = results.iter().filter(|result| result.get(key).is_some()).count();
        assert!((1..results.len()).contains(&present), "{key} is there sometimes: {present}");
    }
    assert!(results.iter().any(|result| result["title"].as_str().unwrap().contains("<strong>")));
}

#[tokio::test]
async fn a_page_has_fifty_postings_at_most_and_none_past_the_end() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let query = format!("&what={}", word());
    let length = async |page: &str, size: &str| ids(&search(&stack, page, &format!("{query}{size}")).await).len();

    assert_eq!(length("gb/1", "&results_per_page=100").await, 50, "cut without a word");
    assert_eq!(length("gb/1", "").await, 10);
    assert_eq!(length("gb/1000", "&results_per_page=50").await, 0);
}

#[tokio::test]
async fn filters_hold() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let query = format!(
        "&what={}&results_per_page=50&salary_min=50000&salary_max=60000&full_time=1&contract=1&category=it-jobs&company=Acme",
        word()
    );
    let page = search(&stack, "de/1", &query).await.expect_status(200);
    for result in page.json["results"].as_array().unwrap() {
        assert_eq!((&result["contract_time"], &result["contract_type"]), (&json!("full_time"), &json!("contract")));
        assert_eq!(
            (&result["category"]["tag"], &result["category"]["label"]),
            (&json!("it-jobs"), &json!("IT-Stellen"))
        );
        assert!(result["salary_min"].as_f64().unwrap() >= 50_000.0, "{result}");
        assert!(result["salary_max"].as_f64().unwrap() < 60_001.0, "{result}");
    }
}

#[tokio::test]
async fn whoever_has_no_key_gets_an_exception() {
    let stack = Stack::get().await;
    for credentials in ["", &format!("?app_id={APP_ID}"), &format!("?app_id={APP_ID}&app_key=wrong")] {
        let reply = get(&stack, &format!("gb/search/1{credentials}")).await.expect_status(401);
        assert_eq!(
            reply.json,
            json!({ "__CLASS__": "Adzuna::API::Response::Exception", "exception": "AUTH_FAIL",
                    "display": "Authorisation failed", "doc": "https://api.adzuna.com/v1/doc" })
        );
    }
}

#[tokio::test]
async fn unknown_names_get_a_page_of_html_and_bad_values_an_exception() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;

    let reply = search(&stack, "gb/1", "&max_days=3").await.expect_status(400);
    assert_eq!(reply.header("content-type"), "text/html");
    for bad in [
        "&results_per_page=0",
        "&results_per_page=ten",
        "&full_time=0",
        "&full_time=true",
        "&sort_by=luck",
        "&sort_dir=down+",
        "&distance=-1",
        "&salary_min=1.5",
        "&category=nonsense",
    ] {
        let reply = search(&stack, "gb/1", bad).await.expect_status(400);
        assert_eq!(reply.json["__CLASS__"], "Adzuna::API::Response::Exception", "{bad}");
    }
    for (place, status) in [("xx/1", 404), ("GB/1", 404), ("gb/0", 400), ("gb/one", 400)] {
        search(&stack, place, "").await.expect_status(status);
    }
}

#[tokio::test]
async fn more_calls_than_allowed_are_refused() {
    let stack = Stack::get().await;
    let _allowance = limited(&stack).await;
    stack.adzuna().limit(Limits { minute: 0, ..Limits::default() }).await;

    let reply = search(&stack, "gb/1", "").await.expect_status(429);

    assert_eq!((reply.header("content-type"), reply.header("retry-after")), ("text/html", ""));
    get(&stack, "gb/search/1").await.expect_status(401); // who is not known is not counted either
}

#[tokio::test]
async fn of_a_search_a_thousand_postings_can_be_reached() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let word = word();
    let postings: Vec<Value> = (0..1_200).map(|number| json!({ "id": number.to_string(), "title": "Clerk" })).collect();
    stack.adzuna().seed(&word, &postings).await;

    for (page, size, found) in [(20, 50, 50), (21, 50, 0), (24, 50, 0), (34, 30, 10), (35, 30, 0)] {
        let reply = search(&stack, &format!("gb/{page}"), &format!("&what={word}&results_per_page={size}")).await;
        assert_eq!(ids(&reply).len(), found, "page {page} of {size}");
        assert_eq!(reply.json["count"], 1_200, "all of them are counted");
    }
}
