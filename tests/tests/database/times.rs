//! Times that the database sets by itself.

use serde_json::{Value, json};
use tests::Stack;
use uuid::Uuid;

#[tokio::test]
async fn an_application_has_a_time_from_when_it_was_sent() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let application = |status: &str| {
        json!({ "job_title": "Analyst", "company_name": "Northwind", "job_url": "https://jobs.example.com/1",
                "status": status })
    };
    let is_now = |row: &Value| {
        let at: chrono::DateTime<chrono::Utc> = row["applied_at"].as_str().unwrap().parse().unwrap();
        (chrono::Utc::now() - at).num_minutes().abs() < 10
    };

    let mut draft = application("DRAFT");
    draft["applied_at"] = json!("2026-01-01T00:00:00Z");
    let row = caller.insert("applications", &draft).await.expect_status(201).json[0].clone();
    assert_eq!(row["applied_at"], Value::Null, "nothing was sent");
    let path = format!("applications?id=eq.{}", row["id"].as_str().unwrap());
    let change = async |change: Value| caller.update(&path, &change).await.expect_status(200).json[0].clone();

    let applied = change(json!({ "status": "APPLIED_MANUALLY" })).await;
    assert!(is_now(&applied), "{applied}");
    let interview = change(json!({ "status": "INTERVIEW_SCHEDULED" })).await;
    assert_eq!(interview["applied_at"], applied["applied_at"]);
    let earlier = change(json!({ "status": "APPLIED_MANUALLY", "applied_at": "2026-01-02T00:00:00Z" })).await;
    assert_eq!(earlier["applied_at"], "2026-01-02T00:00:00+00:00", "the person knows when");
    let unknown = change(json!({ "applied_at": null })).await;
    assert_eq!(unknown["applied_at"], earlier["applied_at"], "it was sent some day");
    let again = change(json!({ "status": "DRAFT" })).await;
    assert_eq!(again["applied_at"], Value::Null);

    let mut by_hand = application("APPLIED_MANUALLY");
    by_hand["applied_at"] = json!("2026-01-03T00:00:00Z");
    let row = caller.insert("applications", &by_hand).await.expect_status(201).json[0].clone();
    assert_eq!(row["applied_at"], "2026-01-03T00:00:00+00:00");
    let row = caller.insert("applications", &application("APPLIED_MANUALLY")).await.expect_status(201).json[0].clone();
    assert!(is_now(&row), "{row}");

    let id: Uuid = ada.pending_application().await;
    let pending = stack.database().row("applications", id).await;
    assert_eq!(pending["applied_at"], Value::Null);
    let path = format!("applications?id=eq.{id}");
    let sent = stack.service().update(&path, &json!({ "status": "SUBMITTED_BY_SKYVERN" })).await.expect_status(200);
    assert!(is_now(&sent.json[0]), "{sent:?}");
}

#[tokio::test]
async fn a_notification_has_a_time_from_when_it_was_read() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let row =
        json!({ "user_id": ada.user_id, "type": "GENERAL_ANNOUNCEMENT", "title": "A title", "message": "A text" });
    let row = stack.service().insert("notifications", &row).await.expect_status(201).json[0].clone();
    let path = format!("notifications?id=eq.{}", row["id"].as_str().unwrap());
    let change = async |change: Value| caller.update(&path, &change).await.expect_status(200).json[0].clone();

    let early = change(json!({ "read_at": "2026-01-01T00:00:00Z" })).await;
    assert_eq!((&early["is_read"], &early["read_at"]), (&json!(false), &Value::Null));
    let read = change(json!({ "is_read": true, "read_at": "2026-01-01T00:00:00Z" })).await;
    assert!(read["read_at"].as_str().unwrap() > "2026-02", "by the database's clock: {read}");
    let again = change(json!({ "is_read": true })).await;
    assert_eq!(again["read_at"], read["read_at"], "for the first time");
    let unread = change(json!({ "is_read": false })).await;
    assert_eq!(unread["read_at"], Value::Null);
}
