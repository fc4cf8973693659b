//! The push message that follows a notification.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    app::App,
    rows::{changed, expect, text},
    story::TIMEOUT,
};
use local_stack::Description;
use toolchain::{Failure, Outcome, progress::say};

/// Waits for the push message that follows the notification, from the queue to the phone.
pub(super) fn arrives(stack: &Description, app: &App<'_>, notification: &Value, phone: &str) -> Outcome {
    let id = text(notification, "id")?;
    let started = Instant::now();
    let job = loop {
        let mut jobs = app.rows_of_the_machinery(&format!("background_jobs?dedupe_key=eq.notification:{id}"))?;
        if jobs.len() != 1 {
            return Err(Failure::new(format!("{} push jobs are queued instead of one", jobs.len())));
        }
        let job = jobs.remove(0);
        if job["status"] == "completed" || started.elapsed() > TIMEOUT {
            break job;
        }
        thread::sleep(Duration::from_millis(100));
    };
    say!("A push message follows: trigger-push-notification.");
    changed("background_jobs", &Value::Null, &job, &["job_type", "status", "result"]);
    expect("the push job's status", text(&job, "status")?, "completed")?;

    let tickets = app.rows_of_the_machinery(&format!("push_tickets?job_id=eq.{}", text(&job, "id")?))?;
    let ticket = tickets.first().ok_or_else(|| Failure::new("the push message has no ticket"))?;
    changed("push_tickets", &Value::Null, ticket, &["ticket_id", "status", "receipt_due_at"]);
    let seen: Vec<Value> = ureq::get(format!("{}/__control/expo/delivered", stack.simulators_url))
        .query("contains", &id)
        .call()
        .and_then(|mut answer| answer.body_mut().read_json())
        .map_err(|error| Failure::new(format!("the Expo simulator does not say what it delivered: {error}")))?;
    let message = seen.first().ok_or_else(|| Failure::new("no push message came through"))?;
    say!("    on her phone: {}: {}", text(message, "title")?, text(message, "body")?);
    expect("the phone", text(message, "token")?, phone)
}
