//! How people are told: one SQL function, and a row for each channel beside the app.

use serde_json::{Value, json};
use tests::Stack;
use uuid::Uuid;

#[tokio::test]
async fn a_further_channel_is_a_row() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let mut connection = stack.database().connect().await;
    // Never committed, so that no other test's person has the channel.
    let transaction = connection.transaction().await.unwrap();
    let channel = "insert into private.notification_channels (job_type, dedupe_prefix) values ('carry', 'pigeon')";
    transaction.execute(channel, &[]).await.unwrap();

    let entity = Uuid::new_v4();
    let told = transaction
        .query_one(
            "select notification_id, push_job_id from private.notify_person(
                 $1, 'GENERAL_ANNOUNCEMENT', 'A title', 'A message', $2, 'planet', '{\"planet\": 4}')",
            &[&ada.user_id, &entity],
        )
        .await
        .unwrap();
    let (notification, push_job): (Uuid, Uuid) = (told.get(0), told.get(1));

    let rows = "select to_jsonb(n) - 'id' - 'created_at' from public.notifications n where id = $1";
    let row: Value = transaction.query_one(rows, &[&notification]).await.unwrap().get(0);
    let expected = json!({
        "user_id": ada.user_id, "type": "GENERAL_ANNOUNCEMENT", "title": "A title", "message": "A message",
        "related_entity_id": entity, "related_entity_type": "planet", "is_read": false, "read_at": null,
    });
    assert_eq!(row, expected);

    let jobs = "select jsonb_build_object('id', id, 'job_type', job_type, 'payload', payload, 'dedupe_key', dedupe_key)
                from public.background_jobs where user_id = $1 order by job_type";
    let jobs: Vec<Value> =
        transaction.query(jobs, &[&ada.user_id]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let payload = json!({
        "user_id": ada.user_id, "title": "A title", "message": "A message",
        "data": { "planet": 4, "notification_id": notification },
    });
    assert_eq!(jobs.len(), 2, "one for each channel: {jobs:#?}");
    assert_eq!(jobs[0]["job_type"], "carry");
    assert_eq!(jobs[0]["dedupe_key"], format!("pigeon:{notification}"));
    assert_eq!(jobs[0]["payload"], payload);
    let push = json!({
        "id": push_job, "job_type": "push_notification", "payload": payload,
        "dedupe_key": format!("notification:{notification}"),
    });
    assert_eq!(jobs[1], push);
}

#[tokio::test]
async fn only_one_function_writes_notifications() {
    let stack = Stack::get().await;
    let writers = "select proname::text from pg_proc where prosrc ~* 'insert\\s+into\\s+public\\.notifications\\y'";
    let names: Vec<String> = stack.database().query(writers, &[]).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, ["notify_person"]);
}
