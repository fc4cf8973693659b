//! The right to ask Adzuna for one page, which one caller has at a time.

use serde_json::{Value, json};
use tests::{Reply, Stack, allowance::boundless};
use uuid::Uuid;

/// A key of a search that nobody has made.
fn new_key() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

async fn lease(stack: &Stack, key: &str, person: Uuid) -> Reply {
    let asked = json!({ "p_query_key": key, "p_known_version": null, "p_user_id": person });
    stack.service().rpc("lease_job_search", &asked).await
}

async fn let_leases_end(stack: &Stack, key: &str) {
    let sql = "update private.job_search_leases set expires_at = now() where query_key = $1";
    stack.database().query(sql, &[&key]).await;
}

/// The lease of a page, and what it remembers of a failure.
async fn held(stack: &Stack, key: &str) -> Option<(Value, Value)> {
    let sql = "select jsonb_build_array(id, failure) from private.job_search_leases where query_key = $1";
    let row = stack.database().json(sql, &[&key]).await.pop()?;
    Some((row[0].clone(), row[1].clone()))
}

#[tokio::test]
async fn a_lease_that_has_ended_is_the_next_callers_and_the_former_one_ends_nothing() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let key = new_key();
    let service = stack.service();
    let first = lease(&stack, &key, ada.user_id).await.expect_status(200);
    assert_eq!(first.json["outcome"], "leased", "{first:?}");
    assert_eq!(lease(&stack, &key, grace.user_id).await.json["outcome"], "awaited");
    let_leases_end(&stack, &key).await;
    let second = lease(&stack, &key, grace.user_id).await.expect_status(200);
    assert_eq!(second.json["outcome"], "leased", "{second:?}");
    assert_ne!(first.json["lease_id"], second.json["lease_id"]);

    let failure = |lease: &Value| {
        json!({
            "p_query_key": key, "p_lease_id": lease, "p_failure": "adzuna_failed", "p_outcome": "failed",
            "p_retry_after_seconds": null,
        })
    };
    service.rpc("record_job_search_failure", &failure(&first.json["lease_id"])).await.expect_status(200);
    assert_eq!(held(&stack, &key).await, Some((second.json["lease_id"].clone(), Value::Null)), "a late failure");
    let page = |lease: &Value| {
        json!({
            "p_query_key": key, "p_query": {}, "p_results": [], "p_job_ids": [], "p_lease_id": lease,
            "p_user_id": ada.user_id,
        })
    };
    service.rpc("store_job_search", &page(&first.json["lease_id"])).await.expect_status(200);
    assert!(held(&stack, &key).await.is_some(), "a late success is of use to all, and ends no other's lease");

    // Fresh now: there is nothing to be leased.
    let_leases_end(&stack, &key).await;
    assert_eq!(lease(&stack, &key, ada.user_id).await.json["outcome"], "fresh");
    service.rpc("store_job_search", &page(&second.json["lease_id"])).await.expect_status(200);
    assert_eq!(held(&stack, &key).await, None);
}

#[tokio::test]
async fn a_failure_is_written_down_once() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let key = new_key();
    let leased = lease(&stack, &key, ada.user_id).await.expect_status(200);
    let failures = "select failures from private.job_search_leases where query_key = $1";
    for failure in ["adzuna_failed", "adzuna_timed_out"] {
        let ended = json!({
            "p_query_key": key, "p_lease_id": leased.json["lease_id"], "p_failure": failure, "p_outcome": "failed",
            "p_retry_after_seconds": null,
        });
        stack.service().rpc("record_job_search_failure", &ended).await.expect_status(200);
        assert_eq!(held(&stack, &key).await.unwrap().1, "adzuna_failed");
        assert_eq!(stack.database().query(failures, &[&key]).await[0].get::<_, i32>(0), 1);
    }
    let remembered = lease(&stack, &key, ada.user_id).await;
    assert_eq!((&remembered.json["outcome"], &remembered.json["failure"]), (&json!("failed"), &json!("adzuna_failed")));
}

#[tokio::test]
async fn what_is_no_key_of_a_search_is_refused() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for key in [Value::Null, json!(""), json!("a".repeat(63)), json!("A".repeat(64)), json!(format!("{}\n", new_key()))]
    {
        let asked = json!({ "p_query_key": key });
        let refused = ada.caller().await.rpc("search_jobs", &asked).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_input"), "{key}: {refused:?}");
    }
}
