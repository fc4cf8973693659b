//! Push messages that wait in the queue, and the receipts of those that were sent.

use serde_json::{Value, json};
use tests::{Device, Fault, Person, Receipt, Stack};
use uuid::Uuid;

use crate::support::{enqueue, let_time_pass, run_jobs};

/// Registers a device of the person, and returns its token.
async fn device(person: &Person) -> String {
    let token = format!("ExponentPushToken[{}]", &Uuid::new_v4().simple().to_string()[..22]);
    person.caller().await.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);
    token
}

/// Queues a message for the person.
async fn queue(stack: &Stack, person: &Person) -> Uuid {
    let payload = json!({ "user_id": person.user_id, "title": "News", "message": "There is some", "data": {} });
    let jobs = json!([{ "job_type": "push_notification", "user_id": person.user_id, "payload": payload }]);
    enqueue(stack, &jobs).await[0]
}

/// A message that is leased under the number 5 as soon as it is there, so that no runner takes it.
async fn held(stack: &Stack, person: &Person) -> Uuid {
    let payload = json!({ "user_id": person.user_id, "title": "News", "message": "There is some", "data": {} });
    let sql = "insert into public.background_jobs (user_id, job_type, payload, status, lease_number, lease_expires_at)
               values ($1, 'push_notification', $2, 'processing', 5, now() + interval '1 hour') returning id";
    stack.database().query(sql, &[&person.user_id, &payload]).await[0].get(0)
}

async fn status(stack: &Stack, job_id: Uuid) -> Value {
    stack.database().row("background_jobs", job_id).await["status"].clone()
}

/// Runs push jobs until this one is finished, by this run or by another test's.
async fn finish(stack: &Stack, job_id: Uuid, expected: &str) {
    tests::eventually("the message is dealt with", async || {
        run_jobs(stack, &["push_notification"]).await;
        (status(stack, job_id).await == expected).then_some(())
    })
    .await;
}

async fn ticket(stack: &Stack, token: &str) -> Value {
    let sql = "select to_jsonb(t) from public.push_tickets t join public.user_push_tokens d on d.id = t.push_token_id
               where d.token = $1";
    stack.database().json(sql, &[&token]).await.remove(0)
}

/// Makes the receipt of a ticket due, and the device as old as its message is then.
async fn let_receipt_be_due(stack: &Stack, ticket: &Value, age: &str) {
    let ticket_id = ticket["ticket_id"].as_str().unwrap();
    let sql = format!(
        "with aged as (update public.push_tickets set receipt_due_at = now(), sent_at = now() - interval '{age}'
                       where ticket_id = $1 returning push_token_id)
         update public.user_push_tokens set last_seen_at = now() - interval '2 days' from aged where id = push_token_id"
    );
    stack.database().query(&sql, &[&ticket_id]).await;
}

/// Asks for the receipts that are due until this ticket has the status.
async fn follow(stack: &Stack, token: &str, expected: &str) -> Value {
    tests::eventually("the receipt is kept", async || {
        // Another test's failure may have met the request that asked for this one, too.
        let again = "update public.push_tickets t set receipt_due_at = now() from public.user_push_tokens d
                     where d.id = t.push_token_id and d.token = $1 and t.status = 'sent'";
        stack.database().query(again, &[&token]).await;
        // The schedule queues one job a minute; this one does not wait for the next.
        enqueue(stack, &json!([{ "job_type": "push_receipts" }])).await;
        run_jobs(stack, &["push_receipts"]).await;
        Some(ticket(stack, token).await).filter(|ticket| ticket["status"] == expected)
    })
    .await
}

/// A message that was sent to a device of a new person, and what its receipt will be.
async fn sent(stack: &Stack, receipt: Receipt) -> (Person, String) {
    let person = stack.new_person().await;
    let token = device(&person).await;
    let device = Device { receipt: Some(receipt), ..Device::default() };
    stack.expo().set_devices(std::slice::from_ref(&token), device).await;
    let job_id = queue(stack, &person).await;
    finish(stack, job_id, "completed").await;
    (person, token)
}

/// Has receipts asked for until this one has been, once.
async fn ask_once(stack: &Stack, token: &str) -> Value {
    tests::eventually("the receipt has been asked for", async || {
        enqueue(stack, &json!([{ "job_type": "push_receipts" }])).await;
        run_jobs(stack, &["push_receipts"]).await;
        Some(ticket(stack, token).await).filter(|ticket| ticket["receipt_checks"] == 1)
    })
    .await
}

async fn is_revoked(stack: &Stack, token: &str) -> bool {
    let sql = "select revoked_at is not null from public.user_push_tokens where token = $1";
    stack.database().query(sql, &[&token]).await[0].get(0)
}

#[tokio::test]
async fn a_queued_message_is_handed_over_and_sent_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let token = device(&ada).await;
    let job_id = queue(&stack, &ada).await;

    finish(&stack, job_id, "completed").await;
    run_jobs(&stack, &["push_notification"]).await;

    assert_eq!(stack.expo().delivered(&token).await.len(), 1);
    assert_eq!(ticket(&stack, &token).await["job_id"], json!(job_id));
}

#[tokio::test]
async fn a_message_that_somebody_else_holds_is_left_to_them() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let token = device(&ada).await;
    let job_id = held(&stack, &ada).await;

    for request in [json!({ "job_id": job_id }), json!({ "job_id": job_id, "lease_number": 4 })] {
        let reply = stack.service().invoke("trigger-push-notification", &request).await.expect_status(200);
        assert_eq!(reply.json["messages"][0]["error"], "not_due", "{reply:?}");
    }
    assert!(stack.expo().delivered(&token).await.is_empty());

    let handed_over = json!({ "job_id": job_id, "lease_number": 5 });
    stack.service().invoke("trigger-push-notification", &handed_over).await.expect_status(200);
    assert_eq!(stack.expo().delivered(&token).await.len(), 1);
    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!(
        (&row["status"], &row["retry_count"]),
        (&json!("completed"), &json!(0)),
        "a lease handed over is not lost"
    );
}

#[tokio::test]
async fn what_expo_does_not_take_now_is_sent_later() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let token = device(&ada).await;
    let refusal =
        Fault::Status { status: 429, body: json!({}), headers: [("retry-after".into(), "900".into())].into() };
    stack.expo().fail(&token, 1, refusal).await;

    // Not by a runner, which would put other tests' messages into the request that is refused.
    let job_id = held(&stack, &ada).await;
    let handed_over = json!({ "job_id": job_id, "lease_number": 5 });
    let refused = stack.service().invoke("trigger-push-notification", &handed_over).await;

    refused.expect_problem(502, "expo_rate_limited");
    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!((&row["status"], &row["retry_count"]), (&json!("pending"), &json!(1)));
    let_time_pass(&stack, job_id).await;
    finish(&stack, job_id, "completed").await;
    assert_eq!(stack.expo().delivered(&token).await.len(), 1);
}

#[tokio::test]
async fn a_receipt_tells_that_a_message_was_delivered() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Ok).await;
    let sent = ticket(&stack, &token).await;
    assert_eq!((&sent["status"], &sent["receipt_checks"]), (&json!("sent"), &json!(0)), "not before it is due");

    let_receipt_be_due(&stack, &sent, "16 minutes").await;
    let followed = follow(&stack, &token, "delivered").await;

    assert_eq!((&followed["receipt_due_at"], &followed["error"]), (&Value::Null, &Value::Null));
    assert!(!is_revoked(&stack, &token).await);
}

#[tokio::test]
async fn a_device_that_is_gone_gets_nothing_any_more() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Error("DeviceNotRegistered".into())).await;

    let_receipt_be_due(&stack, &ticket(&stack, &token).await, "16 minutes").await;
    let followed = follow(&stack, &token, "failed").await;

    assert_eq!(followed["error"], "DeviceNotRegistered");
    assert!(is_revoked(&stack, &token).await);
}

#[tokio::test]
async fn a_device_that_came_back_since_is_kept() {
    let stack = Stack::get().await;
    let (ada, token) = sent(&stack, Receipt::Error("DeviceNotRegistered".into())).await;

    let_receipt_be_due(&stack, &ticket(&stack, &token).await, "16 minutes").await;
    ada.caller().await.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);
    follow(&stack, &token, "failed").await;

    assert!(!is_revoked(&stack, &token).await, "the news is older than the device");
}

#[tokio::test]
async fn another_error_costs_nobody_their_device() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Error("MismatchSenderId".into())).await;

    let_receipt_be_due(&stack, &ticket(&stack, &token).await, "16 minutes").await;
    assert_eq!(follow(&stack, &token, "failed").await["error"], "MismatchSenderId");

    assert!(!is_revoked(&stack, &token).await);
}

#[tokio::test]
async fn a_receipt_that_is_late_is_asked_for_again_and_a_lost_one_is_given_up_after_a_day() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Missing).await;

    let_receipt_be_due(&stack, &ticket(&stack, &token).await, "16 minutes").await;
    let asked = ask_once(&stack, &token).await;
    assert_eq!(asked["status"], "sent");
    assert_ne!(asked["receipt_due_at"], Value::Null, "it may come yet");

    let_receipt_be_due(&stack, &asked, "25 hours").await;
    let given_up = follow(&stack, &token, "unknown").await;
    assert_eq!((&given_up["receipt_due_at"], &given_up["receipt_checks"]), (&Value::Null, &json!(1)));
}

#[tokio::test]
async fn a_receipt_that_expo_has_deleted_is_no_receipt_and_the_message_is_not_sent_again() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Error("DeviceNotRegistered".into())).await;

    stack.expo().let_age(&token, 24 * 60 * 60).await;
    let_receipt_be_due(&stack, &ticket(&stack, &token).await, "16 minutes").await;
    assert_eq!(ask_once(&stack, &token).await["status"], "sent", "nobody knows any more");
    let_receipt_be_due(&stack, &ticket(&stack, &token).await, "25 hours").await;
    assert_eq!(follow(&stack, &token, "unknown").await["receipt_due_at"], Value::Null);
    assert!(!is_revoked(&stack, &token).await, "nothing is known of the device");
    assert_eq!(stack.expo().delivered(&token).await.len(), 1);
}

#[tokio::test]
async fn receipts_that_are_due_are_queued_by_the_clock_once() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Ok).await;
    let sent = ticket(&stack, &token).await;

    let schedule = async || stack.service().rpc("queue_due_push_receipts", &json!({})).await.expect_status(200);
    let (queued, minutes) =
        tests::eventually("a job is queued, unless another test's run has the ticket", async || {
            let_receipt_be_due(&stack, &sent, "16 minutes").await;
            futures_util::future::join_all((0..5).map(|_| schedule())).await;
            let sql = "select count(*), count(distinct left(dedupe_key, 30)) from public.background_jobs
                   where dedupe_key like 'push_receipts:%' and created_at > now() - interval '1 minute'";
            let row = stack.database().query(sql, &[]).await.remove(0);
            let counts: (i64, i64) = (row.get(0), row.get(1));
            (counts.0 > 0).then_some(counts)
        })
        .await;

    assert_eq!(queued, minutes, "one job for each minute that has begun");
}

#[tokio::test]
async fn a_silent_expo_leaves_the_receipts_for_later() {
    let stack = Stack::get().await;
    let (_, token) = sent(&stack, Receipt::Ok).await;
    let sent = ticket(&stack, &token).await;
    let ticket_id = sent["ticket_id"].as_str().unwrap();
    stack.expo().fail(ticket_id, 1, Fault::Html).await;

    let_receipt_be_due(&stack, &sent, "16 minutes").await;
    let asked = ask_once(&stack, &token).await;

    assert_eq!(asked["status"], "sent");
    let_receipt_be_due(&stack, &asked, "31 minutes").await;
    follow(&stack, &token, "delivered").await;
}

/// Waits until this connection waits for a lock.
async fn is_blocked(stack: &Stack, pid: i32) {
    tests::eventually("it waits for a lock", async || {
        let sql = "select cardinality(pg_blocking_pids($1)) > 0";
        stack.database().query(sql, &[&pid]).await[0].get::<_, bool>(0).then_some(())
    })
    .await;
}

/// Deletes the person, and records something of their devices in the middle of that. `held` is a row that the deletion
/// comes to before it is at its end.
async fn record_while_deleting(stack: &Stack, person: &Person, held: &str, record: &str, arguments: [&Value; 2]) {
    let (deleting, recording) = (stack.database().connect().await, stack.database().connect().await);
    let pid = async |client: &tokio_postgres::Client| -> i32 {
        client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0)
    };
    let pids = (pid(&deleting).await, pid(&recording).await);
    let mut other = stack.database().connect().await;
    let transaction = other.transaction().await.unwrap();
    assert_eq!(transaction.query(held, &[&person.user_id]).await.unwrap().len(), 1);

    let deletion = async { deleting.execute("delete from auth.users where id = $1", &[&person.user_id]).await };
    let rest = async {
        is_blocked(stack, pids.0).await;
        let recorded = async { recording.query_one(record, &[arguments[0], arguments[1]]).await };
        let end = async {
            is_blocked(stack, pids.1).await;
            transaction.rollback().await.unwrap();
        };
        tokio::join!(recorded, end).0
    };
    let (deleted, recorded) = tokio::join!(deletion, rest);

    assert_eq!(deleted.expect("no deadlock"), 1);
    recorded.expect("no deadlock");
}

#[tokio::test]
async fn tickets_and_the_deletion_of_their_person_do_not_wait_for_each_other_for_ever() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let token = device(&ada).await;
    let job_id = held(&stack, &ada).await;
    let sql = "select id from public.user_push_tokens where token = $1";
    let device_id: Uuid = stack.database().query(sql, &[&token]).await[0].get(0);
    let ticket = json!([{ "device_id": device_id, "job_id": job_id, "ticket_id": Uuid::new_v4().to_string() }]);
    let jobs = json!([{ "job_id": job_id, "lease_number": 5, "outcome": "completed" }]);

    let held = "select from public.user_push_tokens where user_id = $1 for update";
    let record = "select public.record_push_tickets(now(), $1, $2)";
    record_while_deleting(&stack, &ada, held, record, [&ticket, &jobs]).await;
}

#[tokio::test]
async fn receipts_and_the_deletion_of_their_person_do_not_wait_for_each_other_for_ever() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let mut tickets = Vec::new();
    for age in ["0 hours", "1 hour"] {
        let token = device(&ada).await;
        let sql = format!(
            "with device as (update public.user_push_tokens set last_seen_at = now() - interval '{age}'
                             where token = $1 returning id)
             insert into public.push_tickets (push_token_id, ticket_id) select id, gen_random_uuid() from device
             returning ticket_id"
        );
        tickets.push(stack.database().query(&sql, &[&token]).await[0].get::<_, String>(0));
    }

    // The deletion comes to the ticket of the device that was seen last.
    let held = "select from public.push_tickets where push_token_id = (
                    select id from public.user_push_tokens where user_id = $1 order by last_seen_at desc limit 1)
                for update";
    let receipts = json!([{ "ticket_id": tickets[1] }, { "ticket_id": tickets[0] }]);
    let record = "select public.record_push_receipts($1), $2::jsonb";
    record_while_deleting(&stack, &ada, held, record, [&receipts, &json!(null)]).await;
}

#[tokio::test]
async fn a_refusal_that_is_recorded_twice_is_one_row() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let token = device(&ada).await;
    let job_id = held(&stack, &ada).await;
    let sql = "select id from public.user_push_tokens where token = $1";
    let device_id: Uuid = stack.database().query(sql, &[&token]).await[0].get(0);
    let refusal = |job_id: Option<Uuid>| {
        json!({ "device_id": device_id, "job_id": job_id, "ticket_id": null, "error": "MessageTooBig", "message": "no",
                "device_gone": false })
    };
    // Two messages that were not queued, and one that was.
    let tickets = json!([refusal(None), refusal(None), refusal(Some(job_id))]);
    let record = json!({ "p_read_at": "2026-11-28T10:00:00.123456+00:00", "p_tickets": tickets, "p_jobs": [] });

    let mut recorded = Vec::new();
    for _ in 0..2 {
        let reply = stack.service().rpc("record_push_tickets", &record).await.expect_status(200);
        recorded.push(reply.json["recorded"].clone());
    }

    assert_eq!(recorded, [3, 0]);
    let sql = "select count(*) from public.push_tickets where push_token_id = $1";
    assert_eq!(stack.database().query(sql, &[&device_id]).await[0].get::<_, i64>(0), 3);
    // Later, with another message.
    let mut later = record.clone();
    later["p_read_at"] = json!("2026-11-28T10:00:00.123457+00:00");
    let reply = stack.service().rpc("record_push_tickets", &later).await.expect_status(200);
    assert_eq!(reply.json["recorded"], 2);
}
