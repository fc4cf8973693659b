//! The simulated resolver answers in the form of the real ones, and refuses what they refuse.

use serde_json::{Value, json};
use tests::{Method, Reply, Stack, Zone};
use uuid::Uuid;

async fn ask(stack: &Stack, query: &str, accept: &str) -> Reply {
    let url = format!("{}/dns/dns-query{query}", stack.description().simulators_url);
    Reply::to(stack.http(Method::GET, url).header("accept", accept)).await
}

#[tokio::test]
async fn names_resolve_to_what_was_said_of_them() {
    let stack = Stack::get().await;
    let name = format!("board-{}.example", Uuid::new_v4().simple());
    let query = |record_type: &str| format!("?name={name}&type={record_type}");
    let usual = ask(&stack, &query("A"), "application/dns-json").await.expect_status(200);
    assert_eq!(usual.header("content-type"), "application/dns-json");
    assert_eq!(usual.json["Answer"][0]["data"], "93.184.215.14");

    let (alias_of, a) = (Some("elsewhere.example".to_owned()), vec!["10.0.0.1".to_owned()]);
    stack.set_zone(&Zone { name: name.clone(), alias_of, a, ..Zone::default() }).await;

    let four = ask(&stack, &query("A"), "application/dns-json").await.expect_status(200).json;
    assert_eq!((&four["Status"], &four["Answer"][0]["type"]), (&json!(0), &json!(5)));
    let record = json!({ "name": "elsewhere.example", "type": 1, "TTL": 300, "data": "10.0.0.1" });
    assert_eq!(four["Answer"][1], record);
    let six = ask(&stack, &query("28"), "application/dns-json").await.expect_status(200).json;
    assert_eq!((&six["Question"][0]["type"], &six["Answer"][1]), (&json!(28), &Value::Null));
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let stack = Stack::get().await;
    for (query, accept, status) in [
        ("?name=a.example&type=A", "*/*", 406),
        ("?type=A", "application/dns-json", 400),
        ("?name=&type=A", "application/dns-json", 400),
        ("?name=b%C3%BCcher.example&type=A", "application/dns-json", 400),
        ("?name=a..example&type=A", "application/dns-json", 400),
        ("?name=a.example&type=ANY", "application/dns-json", 400),
        ("?name=a.example", "application/dns-json", 400),
    ] {
        assert_eq!(ask(&stack, query, accept).await.status, status, "{query} {accept}");
    }
}
