//! Skyvern reports a run as completed, with proof: the longest path through the database.

use serde_json::{Value, json};
use shared::{
    secret::Secret,
    supabase::rpc::applications::{ApplySkyvernEvent, Source},
    vendors::skyvern::{Decision, Event, sign},
};

use super::{id, request};
use toolchain::{Doing as _, Failure, Outcome};

use crate::{
    Contender,
    connection::post,
    load::{Exchange, Job},
    scene::Scene,
};

/// Applications that Skyvern works on, each with its run.
const MAKE_APPLICATIONS: &str = "
    insert into public.applications (
        user_id, job_title, company_name, job_url, status, skyvern_task_id, skyvern_run_status, skyvern_run_attempt,
        resume_url_used)
    select users.id, 'Analyst', 'Difference Engines', 'https://jobs.example.com/engines/' || number,
           'PROCESSING_BY_SKYVERN', 'tsk_' || replace(gen_random_uuid()::text, '-', ''), 'queued', 1,
           users.current_resume_url
    from generate_series(1, {count}) as number
    join public.users on clerk_user_id = 'user_bench' || number % {people}
    returning id, skyvern_task_id, gen_random_uuid()";

pub(super) fn prepare(scene: &Scene, contender: Contender, count: usize) -> Outcome<Vec<Job>> {
    let applications = scene.make_rows(MAKE_APPLICATIONS, count)?;
    applications.into_iter().map(|application| Ok(vec![exchange(scene, contender, &application)?])).collect()
}

fn exchange(scene: &Scene, contender: Contender, [application, run, uuid]: &[String; 3]) -> Outcome<Exchange> {
    let body = serde_json::to_vec(&payload(run)).doing(|| "write a payload of Skyvern's".into())?;
    let request = if contender.is_floor() {
        let key = &scene.stack.service_role_key;
        let headers = [("apikey", key.as_str()), ("authorization", &format!("Bearer {key}")), ("x-request-id", uuid)];
        let event = Event::parse(&body).map_err(|problem| Failure::new(problem.to_string()))?;
        let call = ApplySkyvernEvent {
            run_id: &event.run_id,
            run_status: event.status.as_str(),
            attempt: event.attempt,
            retry_pending: event.retry_pending,
            application_id: Some(id(application)?),
            submission_id: Some(id(uuid)?),
            decision: &Decision::on(&event),
            body: String::from_utf8_lossy(&body),
            request_id: id(uuid)?,
            source: Source::SkyvernWebhook,
        };
        request(contender, &headers, &call)?
    } else {
        let path = format!("/functions/v1/skyvern-webhook-handler?application_id={application}&submission_id={uuid}");
        let headers = [
            ("accept", "*/*"),
            ("user-agent", "python-httpx/0.28.1"),
            ("x-skyvern-timestamp", "1772445600"),
            ("x-skyvern-signature", &sign(&Secret::new(scene.stack.skyvern_api_key.as_str()), &body)),
            ("content-type", "application/json"),
        ];
        post(&path, &headers, &body)
    };
    Ok(Exchange {
        request,
        submission_id_at: None,
        status: 200,
        members: json!({ "outcome": "applied", "application_id": application, "status": "SUBMITTED_BY_SKYVERN" }),
    })
}

/// All fields that Skyvern sends for a task, of their usual length.
fn payload(run: &str) -> Value {
    let output = json!({
        "submitted": true,
        "resume_attached": true,
        "confirmation_id": "XYZ-12345",
        "confirmation_text": "Thank you, we have received your application.",
    });
    let screenshots = ["https://files.example.com/artifacts/3.png?expiry=1772449200&kid=1&sig=Zm9vYmFy"; 3];
    json!({
        "task_id": run,
        "status": "completed",
        "created_at": "2026-03-02T10:15:00.808536",
        "modified_at": "2026-03-02T10:19:41.100200",
        "extracted_information": output,
        "action_screenshot_urls": screenshots,
        "screenshot_url": screenshots[0],
        "recording_url": "https://files.example.com/artifacts/run.webm?expiry=1772449200&kid=1&sig=Zm9vYmFy",
        "recording_archived": false,
        "browser_console_log_url": null,
        "downloaded_files": [],
        "downloaded_file_urls": [],
        "failure_reason": null,
        "failure_category": null,
        "webhook_failure_reason": null,
        "errors": [],
        "max_steps_per_run": 50,
        "workflow_run_id": null,
        "queued_at": "2026-03-02T10:15:00.900000",
        "started_at": "2026-03-02T10:15:01.000001",
        "finished_at": "2026-03-02T10:19:40.900000",
        "max_screenshot_scrolls": null,
        "step_count": 14,
        "browser_session_id": null,
        "run_id": run,
        "output": output,
        "screenshot_urls": screenshots,
        "app_url": format!("https://app.skyvern.com/tasks/{run}"),
        "browser_profile_id": null,
        "script_run": null,
        "run_type": "task_v1",
    })
}
