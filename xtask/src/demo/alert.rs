//! The chapter about a saved search, which finds a posting while the person is away.

use std::{
    thread,
    time::{Duration, Instant},
};

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    app::App,
    rows::{changed, expect, text},
    story::TIMEOUT,
};
use local_stack::Description;
use toolchain::{Failure, Outcome, progress::say};

use crate::cron::{Trigger, fire};

const SEARCH_NAME: &str = "WebAssembly in London";
const KEYWORDS: &str = "WebAssembly engineer";

/// Whether it can be told when something new is published: what the real Adzuna finds is not ours to say.
pub(super) fn can_be_told(stack: &Description) -> bool {
    !stack.replaced_settings.iter().any(|name| name.starts_with("ADZUNA_"))
}

/// Returns the notification.
pub(super) fn arrives(stack: &Description, app: &App<'_>, runner: &Trigger) -> Outcome<Value> {
    say!("She saves a search, to be told what it finds from now on.");
    publish_posting(stack)?;
    let search = save(app)?;
    say!("  Adzuna has a new posting, and job-runner's cron is due.");
    let answer = fire(&stack.functions_url, runner)?;
    say!("    job-runner ({}): {answer}", runner.cron);

    let job = last_job(app, &search)?;
    say!("The job saved_search_alert has run her search.");
    changed("background_jobs", &Value::Null, &job, &["job_type", "status", "result"]);
    expect("what came of the search", text(&job["result"], "outcome")?, "told")?;
    let notification = app.row(&format!("notifications?id=eq.{}", text(&job["result"], "notification_id")?))?;
    changed("notifications", &Value::Null, &notification, &["type", "title", "message"]);
    Ok(notification)
}

/// Before the search is saved, because the stack's crons may run it at any moment. The posting's date is a minute ahead,
/// so that it is newer than the search all the same.
fn publish_posting(stack: &Description) -> Outcome {
    let date = Utc::now() + TimeDelta::minutes(1);
    let posting = json!({
        "contains": KEYWORDS,
        "results": [{
            "id": date.timestamp_millis().to_string(),
            "title": "WebAssembly Engineer",
            "description": "Small functions, close to the people who use them.",
            "created": date.to_rfc3339_opts(SecondsFormat::Secs, true),
            "company": { "display_name": "Northwind Traders" },
            "location": { "display_name": "Farringdon, London" },
            "salary_is_predicted": "0",
        }],
    });
    ureq::post(format!("{}/__control/adzuna/results", stack.simulators_url))
        .send_json(posting)
        .map(drop)
        .map_err(|error| Failure::new(format!("the Adzuna simulator takes no posting: {error}")))
}

/// In an earlier story the search may have been saved already. Its pay is another one each time, so that no page that is
/// remembered from then stands for it.
fn save(app: &App<'_>) -> Outcome<Value> {
    let salary_min = 60_000 + Utc::now().timestamp() % 10_000;
    let row = json!({
        "search_name": SEARCH_NAME,
        "search_query": { "keywords": KEYWORDS, "location": "London", "salary_min": salary_min },
    });
    let of_this_name = format!("saved_searches?search_name=eq.{}", SEARCH_NAME.replace(' ', "%20"));
    let before = app.rows(&of_this_name)?.pop().unwrap_or_default();
    let after = if before.is_null() { app.write("saved_searches", &row)? } else { app.update(&of_this_name, &row)? };
    changed("saved_searches", &before, &after, &["search_name", "search_query", "notify_new_jobs"]);
    Ok(after)
}

/// The job that ran the search since it was saved, when it has ended.
fn last_job(app: &App<'_>, search: &Value) -> Outcome<Value> {
    let query = format!(
        "background_jobs?job_type=eq.saved_search_alert&payload-%3E%3Esaved_search_id=eq.{}&created_at=gt.{}",
        text(search, "id")?,
        text(search, "updated_at")?.replace('+', "%2B"),
    );
    let started = Instant::now();
    loop {
        let job = app.rows_of_the_machinery(&query)?.pop().unwrap_or_default();
        if job["status"] == "completed" {
            return Ok(job);
        }
        if started.elapsed() > TIMEOUT {
            return Err(Failure::new(format!("the saved search was not run: {job}")));
        }
        thread::sleep(Duration::from_millis(100));
    }
}
