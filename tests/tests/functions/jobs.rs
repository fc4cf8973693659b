//! The catalogue of job postings, as people and providers use it.

use serde_json::{Value, json};
use tests::{Caller, Person, Stack, midnight_is_far};

/// Somebody who may publish postings.
async fn new_provider(stack: &Stack) -> Person {
    let person = stack.new_person().await;
    let at = format!("users?id=eq.{}", person.user_id);
    stack.service().update(&at, &json!({ "role": "provider" })).await.expect_status(200);
    person
}

async fn publish(provider: &Caller, title: &str) -> Value {
    let job = json!({ "title": title, "description": format!("What a {title} does.") });
    provider.insert("jobs", &job).await.expect_status(201).json[0].clone()
}

fn at(job: &Value) -> String {
    format!("jobs?id=eq.{}", job["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_provider_publishes_and_people_see_it_while_it_is_active() {
    let stack = Stack::get().await;
    let (provider, seeker) = (new_provider(&stack).await, stack.new_person().await);
    let (provider, seeker) = (provider.caller().await, seeker.caller().await);
    let job = publish(&provider, "Miller").await;
    assert_eq!(
        (&job["source"], &job["status"], &job["click_count"]),
        (&json!("provider"), &json!("active"), &json!(0))
    );

    assert_eq!(seeker.select(&at(&job)).await.json.as_array().map(Vec::len), Some(1));
    assert_eq!(stack.anonymous().select(&at(&job)).await.status, 401);

    provider.update(&at(&job), &json!({ "is_active": false })).await.expect_status(200);
    assert_eq!(seeker.select(&at(&job)).await.json, json!([]));
    assert_eq!(provider.select(&at(&job)).await.json[0]["is_active"], false, "its provider still does");
    provider.update(&at(&job), &json!({ "is_active": true })).await.expect_status(200);
    stack.service().update(&at(&job), &json!({ "status": "processing" })).await.expect_status(200);
    assert_eq!(seeker.select(&at(&job)).await.json, json!([]), "not before it is worked out");
}

#[tokio::test]
async fn nobody_publishes_or_changes_what_is_not_theirs() {
    let stack = Stack::get().await;
    let (provider, other, seeker) = (new_provider(&stack).await, new_provider(&stack).await, stack.new_person().await);
    let job = publish(&provider.caller().await, "Cooper").await;

    let refused = seeker.caller().await.insert("jobs", &json!({ "title": "Smith", "description": "x" })).await;
    assert_eq!((refused.status, refused.code()), (403, "42501"), "a seeker publishes nothing: {refused:?}");
    let in_another_name = json!({ "title": "Smith", "description": "x", "provider_id": provider.user_id });
    let refused = other.caller().await.insert("jobs", &in_another_name).await;
    assert_eq!((refused.status, refused.code()), (403, "42501"), "{refused:?}");
    for caller in [other.caller().await, seeker.caller().await] {
        assert_eq!(caller.update(&at(&job), &json!({ "title": "Changed" })).await.json, json!([]));
        assert_eq!(caller.delete(&at(&job)).await.json, json!([]));
    }
    let refused = provider.caller().await.update(&at(&job), &json!({ "click_count": 1000 })).await;
    assert_eq!((refused.status, refused.code()), (403, "42501"), "clicks are counted, not written: {refused:?}");

    let synced = json!({ "source": "rights_test", "external_id": job["id"], "title": "Synced", "description": "x" });
    let synced = stack.service().insert("jobs", &synced).await.expect_status(201).json[0].clone();
    assert_eq!(other.caller().await.update(&at(&synced), &json!({ "title": "Mine" })).await.json, json!([]));
    provider.caller().await.delete(&at(&job)).await.expect_status(200);
}

#[tokio::test]
async fn a_person_counts_once_a_day_for_a_posting() {
    let stack = Stack::get().await;
    let (provider, ada, grace) = (new_provider(&stack).await, stack.new_person().await, stack.new_person().await);
    let job = publish(&provider.caller().await, "Sadler").await;
    let click = json!({ "p_job_id": job["id"] });
    let count = async |person: &Person| {
        let answer = person.caller().await.rpc("count_job_click", &click).await.expect_status(200).json;
        (answer["counted"].as_bool().unwrap(), answer["click_count"].as_i64().unwrap())
    };

    midnight_is_far(&stack).await;
    assert_eq!(count(&ada).await, (true, 1));
    assert_eq!(count(&ada).await, (false, 1), "the same person, the same day");
    assert_eq!(count(&grace).await, (true, 2));
    let yesterday = "update private.job_clicks set counted_on = counted_on - 1 where user_id = $1";
    stack.database().query(yesterday, &[&ada.user_id]).await;
    assert_eq!(count(&ada).await, (true, 3));
    let after = stack.service().select(&at(&job)).await.json[0].clone();
    assert_eq!((&after["click_count"], &after["updated_at"]), (&json!(3), &job["updated_at"]), "a click is no news");

    let nowhere = json!({ "p_job_id": ada.user_id });
    let refused = ada.caller().await.rpc("count_job_click", &nowhere).await;
    assert_eq!((refused.status, refused.code()), (404, "job_not_found"), "{refused:?}");
}

#[tokio::test]
async fn the_nearest_active_postings_are_matched_first() {
    let stack = Stack::get().await;
    let provider = new_provider(&stack).await;
    let service = stack.service();
    // A direction of this test's own, so that postings of other tests are far away.
    let axis = usize::from(provider.user_id.as_bytes()[0]) + 1;
    let embedding = |second: f32| {
        let mut values = [0.0_f32; 384];
        values[axis] = 1.0;
        values[0] = second;
        json!(format!("[{}]", values.map(|value| value.to_string()).join(",")))
    };
    let mut ids = Vec::new();
    for (title, second, is_active) in
        [("Far", 2.0, true), ("Near", 0.1, true), ("Gone", 0.0, false), ("Same", 0.0, true)]
    {
        let job = publish(&provider.caller().await, title).await;
        let change = json!({ "embedding": embedding(second), "is_active": is_active });
        service.update(&at(&job), &change).await.expect_status(200);
        ids.push(job["id"].clone());
    }
    let unknown = publish(&provider.caller().await, "Unknown").await;

    let query = json!({ "query_embedding": embedding(0.0), "match_count": 3 });
    let matches = stack.new_person().await.caller().await.rpc("match_jobs", &query).await.expect_status(200).json;

    let found: Vec<&Value> = matches.as_array().unwrap().iter().map(|found| &found["id"]).collect();
    assert_eq!(found, [&ids[3], &ids[1], &ids[0]], "{matches}");
    let similarity = |place: usize| matches[place]["similarity"].as_f64().unwrap();
    assert!((similarity(0) - 1.0).abs() < 1e-6 && similarity(1) > similarity(2), "{matches}");
    assert!(!found.contains(&&unknown["id"]));
}
