//! The story itself: what Dana does, and what comes of it.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    alert,
    app::App,
    lost_webhook, push,
    rows::{changed, expect, plain, text},
    search::{self, Job},
};
use local_stack::Description;
use toolchain::{Failure, Outcome, progress::say};

use crate::{cron::Trigger, dev::DEMO_PERSON};

/// How long Skyvern, its webhook, or the job runner may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// How an application gets to its end when all goes well.
const STRAIGHT_ON: [&str; 4] = ["DRAFT", "PENDING_SKYVERN_SUBMISSION", "PROCESSING_BY_SKYVERN", "SUBMITTED_BY_SKYVERN"];

/// What the story says when Skyvern is heard of.
const BY_WEBHOOK: &str = "Skyvern's webhook has arrived: skyvern-webhook-handler.";

/// Tells it all; `runner` is the cron of the job runner.
pub fn tell(stack: &Description, runner: &Trigger) -> Outcome {
    let app = App::sign_in(stack, DEMO_PERSON)?;
    say!("Dana signs in with Clerk.");
    let person = app.row("users?select=*")?;
    profile(&app, &person)?;
    resume(&app, &person)?;
    let phone = phone(&app, &person)?;

    let [job, guarded, quiet] = search::find(&app)?;
    save(&app, &job)?;
    let application = create(&app, &job)?;
    let processing = hand_over(&app, &application)?;
    say!("  Skyvern opens the posting, fetches the résumé and fills in the form …");
    let submitted = hear_back(&app, &processing, "SUBMITTED_BY_SKYVERN", BY_WEBHOOK)?;
    let confirmation = text(&submitted["status_details"], "confirmation_id")?;
    let notification = told(&app, &application)?;
    push::arrives(stack, &app, &notification, &phone)?;
    history(&app, &application, &STRAIGHT_ON)?;
    marked(&app, &job)?;

    say!("\nNot every posting lets a robot in.");
    let other = create(&app, &guarded)?;
    let processing = hand_over(&app, &other)?;
    meet_a_captcha(stack, &processing)?;
    hear_back(&app, &processing, "REQUIRES_ATTENTION_MANUAL_REVIEW", BY_WEBHOOK)?;
    let attention = told(&app, &other)?;

    say!("\nNot every webhook arrives.");
    let third = create(&app, &quiet)?;
    let processing = hand_over(&app, &third)?;
    lost_webhook::gets_lost(stack, &processing)?;
    lost_webhook::is_missed(stack, &app, &processing, runner)?;
    let caught_up =
        hear_back(&app, &processing, "SUBMITTED_BY_SKYVERN", "The job reconcile_application has asked Skyvern.")?;
    let late_confirmation = text(&caught_up["status_details"], "confirmation_id")?;
    let late_notification = told(&app, &third)?;
    push::arrives(stack, &app, &late_notification, &phone)?;
    history(&app, &third, &STRAIGHT_ON)?;

    let mut news = None;
    if alert::can_be_told(stack) {
        say!("\nSome postings come later.");
        let notification = alert::arrives(stack, &app, runner)?;
        push::arrives(stack, &app, &notification, &phone)?;
        news = Some(notification);
    }

    say!("\nIn the app Dana sees:");
    for (job, how, notification) in [
        (&job, format!("submitted with confirmation {confirmation}"), &notification),
        (&guarded, "waits for her".to_owned(), &attention),
        (&quiet, format!("submitted with confirmation {late_confirmation}"), &late_notification),
    ] {
        say!("    {} at {}: {how} (\"{}\")", job.title, job.company, text(notification, "message")?);
    }
    if let Some(news) = news {
        say!("    {}: {}", text(&news, "title")?, text(&news, "message")?);
    }
    Ok(())
}

fn profile(app: &App<'_>, person: &Value) -> Outcome {
    say!("She completes the profile and says what she looks for.");
    let id = text(person, "id")?;
    let change =
        json!({ "phone_number": "+351 210 000 000", "linkedin_profile_url": "https://www.linkedin.com/in/dana-demo" });
    let updated = app.update(&format!("users?id=eq.{id}"), &change)?;
    changed("users", person, &updated, &["phone_number", "linkedin_profile_url"]);

    let query = format!("user_preferences?user_id=eq.{id}");
    let before = app.rows(&query)?.pop().unwrap_or_default();
    let preferences = json!({
        "user_id": id,
        "preferred_job_titles": ["Backend Engineer", "Platform Engineer"],
        "key_skills": ["Rust", "PostgreSQL", "WebAssembly"],
        "work_arrangement": ["remote"],
        "salary_min": 65000,
    });
    let after = app.write("user_preferences", &preferences)?;
    changed("user_preferences", &before, &after, &["key_skills", "work_arrangement", "salary_min"]);
    Ok(())
}

fn resume(app: &App<'_>, person: &Value) -> Outcome {
    say!("She uploads a résumé.");
    let id = text(person, "id")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let path = format!("{id}/resume-{now}.pdf");
    let stored = app.upload("resumes", &path, "application/pdf", RESUME)?;
    say!("    storage: {}", text(&stored, "Key")?);
    let change = json!({ "current_resume_url": path, "current_resume_filename": "Dana Demo.pdf" });
    let updated = app.update(&format!("users?id=eq.{id}"), &change)?;
    changed("users", person, &updated, &["current_resume_url", "current_resume_filename"]);
    Ok(())
}

/// Returns the push token.
fn phone(app: &App<'_>, person: &Value) -> Outcome<String> {
    say!("She lets her phone show push messages.");
    let token = format!("ExponentPushToken[{}]", &text(person, "id")?.replace('-', "")[..22]);
    let device = json!({ "p_token": token, "p_platform": "ios", "p_device_name": "Dana's phone" });
    let registered = app.rpc("register_push_token", &device)?;
    changed("user_push_tokens", &Value::Null, &registered, &["platform", "device_name"]);
    Ok(token)
}

fn save(app: &App<'_>, job: &Job) -> Outcome {
    say!("She saves the first one that is new to her.");
    let row = json!({
        "adzuna_job_id": job.id,
        "job_title": job.title,
        "company_name": job.company,
        "job_url": job.url,
        "location": job.location,
    });
    let saved = app.write("saved_jobs", &row)?;
    changed("saved_jobs", &Value::Null, &saved, &["adzuna_job_id", "job_title", "company_name"]);
    Ok(())
}

/// Returns the application.
fn create(app: &App<'_>, job: &Job) -> Outcome<Value> {
    say!("She starts an application: {} at {}.", job.title, job.company);
    let row = json!({
        "adzuna_job_id": job.id,
        "job_title": job.title,
        "company_name": job.company,
        "job_url": job.url,
        "status": "DRAFT",
    });
    let application = app.write("applications", &row)?;
    changed("applications", &Value::Null, &application, &["id", "adzuna_job_id", "job_url", "status"]);
    Ok(application)
}

/// Returns the application as it is then.
fn hand_over(app: &App<'_>, application: &Value) -> Outcome<Value> {
    say!("\"Apply for me\": initiate-skyvern-application.");
    let answer = app.invoke("initiate-skyvern-application", &json!({ "application_id": application["id"] }))?;
    let run = text(&answer, "run_id")?;
    let after = of_id(app, application)?;
    changed("applications", application, &after, &["status", "skyvern_task_id", "resume_url_used"]);
    expect("the application's status", text(&after, "status")?, "PROCESSING_BY_SKYVERN")?;
    expect("the application's run", text(&after, "skyvern_task_id")?, &run)?;
    Ok(after)
}

/// Waits for news of Skyvern, and returns the application as they left it; `said` tells how they came.
fn hear_back(app: &App<'_>, processing: &Value, status: &str, said: &str) -> Outcome<Value> {
    let started = Instant::now();
    let mut after = of_id(app, processing)?;
    while after["status"] == processing["status"] && started.elapsed() < TIMEOUT {
        thread::sleep(Duration::from_millis(100)); // as an app polls that has no Realtime connection
        after = of_id(app, processing)?;
    }
    say!("{said}");
    changed("applications", processing, &after, &["status", "skyvern_run_status", "status_details"]);
    expect("the application's status", text(&after, "status")?, status)?;
    Ok(after)
}

/// The simulated Skyvern meets a check for robots, and says so.
fn meet_a_captcha(stack: &Description, processing: &Value) -> Outcome {
    say!("  Skyvern meets a captcha that it cannot pass.");
    let end = json!({
        "status": "terminated",
        "errors": [{
            "error_code": "captcha_blocked",
            "reasoning": "A captcha stands before the form and could not be solved.",
            "confidence_float": 0.98,
        }],
        "failure_reason": "A captcha stands before the form and could not be solved.",
    });
    finish_run(stack, processing, &end)
}

/// Ends a run at the simulated Skyvern.
pub(super) fn finish_run(stack: &Description, processing: &Value, end: &Value) -> Outcome {
    let run = text(processing, "skyvern_task_id")?;
    ureq::post(format!("{}/__control/skyvern/runs/{run}/finish", stack.simulators_url))
        .send_json(end)
        .map(drop)
        .map_err(|error| Failure::new(format!("the Skyvern simulator does not finish the run: {error}")))
}

/// Returns the notification.
fn told(app: &App<'_>, application: &Value) -> Outcome<Value> {
    let query = format!("notifications?related_entity_id=eq.{}", text(application, "id")?);
    let notification = app.row(&query)?;
    changed("notifications", &Value::Null, &notification, &["title", "message"]);
    Ok(notification)
}

/// The way the application went.
fn history(app: &App<'_>, application: &Value, expected: &[&str]) -> Outcome {
    say!("The history of the application remembers each step.");
    let id = text(application, "id")?;
    let events = app.rows(&format!("application_events?application_id=eq.{id}&order=position"))?;
    for event in &events {
        say!("    application_events: {} ({})", plain(&event["to_status"]), plain(&event["source"]));
    }
    let way = events.iter().map(|event| plain(&event["to_status"])).collect::<Vec<_>>();
    expect("the history", way.join(", "), &expected.join(", "))
}

/// What the next search says of the posting.
fn marked(app: &App<'_>, job: &Job) -> Outcome {
    say!("The next search knows that posting.");
    let (saved, status) = search::marks(app, job)?;
    say!("    {}: saved {saved}, application_status {status}", job.id);
    expect("whether the posting is saved", saved.to_string(), "true")?;
    expect("the application's status in the search", status, "SUBMITTED_BY_SKYVERN")
}

fn of_id(app: &App<'_>, application: &Value) -> Outcome<Value> {
    app.row(&format!("applications?id=eq.{}", text(application, "id")?))
}

/// The smallest file that calls itself a PDF and is one.
const RESUME: &[u8] = b"%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
%%EOF
";
