//! Clerk's news on Svix's schedule: what could not be written down is brought again for a day, and is applied once.

use serde_json::{Value, json};
use tests::{EventSpec, Fault, FaultSpec, Service, Stack};
use uuid::Uuid;

#[tokio::test]
async fn news_that_came_while_the_database_was_away_is_applied_when_it_is_brought_again() {
    let stack = Stack::get().await;
    let clerk_id = format!("user_{}", Uuid::new_v4().simple());
    let away = Fault::Status { status: 503, body: Value::Null, headers: [].into() };
    // At once, and after 5 seconds, 5 minutes and 30 minutes.
    stack.fail(FaultSpec { service: Service::Rest, contains: clerk_id.clone(), times: 4, fault: away }).await;

    let news = EventSpec::new("user.created", json!({ "id": clerk_id, "updated_at": 1_000 }));
    let message = stack.clerk().hand_over(&news).await;
    let message = stack.clerk().pass(&message, 28 * 60 * 60).await;

    let statuses: Vec<_> = message.attempts.iter().map(|attempt| attempt.answer.status).collect();
    assert_eq!(statuses, [Some(503), Some(503), Some(503), Some(503), Some(200)], "{message:#?}");
    assert_eq!((message.attempts[4].at, message.next_at), (9_305, None), "taken at the fifth attempt");
    assert_eq!(message.attempts[4].answer.json["outcome"], "created");

    // Somebody has Svix send it once more.
    let again = EventSpec { svix_id: Some(message.svix_id.clone()), ..news };
    assert_eq!(stack.clerk().send(&again).await.outcome(), "duplicate");
    let inbox = "select to_jsonb(e) from public.webhook_events e where clerk_user_id = $1";
    let events = stack.database().json(inbox, &[&clerk_id]).await;
    assert_eq!(events.len(), 1, "{events:#?}");
    let people = "select to_jsonb(u) from public.users u where clerk_user_id = $1";
    assert_eq!(stack.database().json(people, &[&clerk_id]).await.len(), 1);
}

#[tokio::test]
async fn older_news_that_is_brought_again_for_hours_does_not_undo_newer() {
    let stack = Stack::get().await;
    let clerk_id = format!("user_{}", Uuid::new_v4().simple());
    let named = |name: &str, updated_at: i64| {
        EventSpec::new("user.updated", json!({ "id": clerk_id, "first_name": name, "updated_at": updated_at }))
    };
    let away = Fault::Status { status: 503, body: Value::Null, headers: [].into() };
    stack.fail(FaultSpec { service: Service::Rest, contains: clerk_id.clone(), times: 1, fault: away }).await;
    let older = stack.clerk().hand_over(&named("Older", 1_000)).await;
    assert_eq!((older.attempts[0].answer.status, older.next_at), (Some(503), Some(5)), "{older:#?}");

    stack.clerk().send(&named("Newer", 2_000)).await;
    let older = stack.clerk().pass(&older, 5).await;

    assert_eq!((older.attempts[1].answer.status, older.next_at), (Some(200), None), "{older:#?}");
    let name = "select to_jsonb(full_name) from public.users where clerk_user_id = $1";
    assert_eq!(stack.database().json(name, &[&clerk_id]).await, [json!("Newer")]);
}
