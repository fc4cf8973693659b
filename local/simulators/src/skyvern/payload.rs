//! What a webhook says, field by field in the order in which Skyvern sends it.

use serde_json::{Value, json};

use super::run::Run;

/// The payload that belongs to the type of the run.
pub(super) fn of(run: &Run) -> Value {
    match run.kind.as_str() {
        "workflow_run" => workflow(run),
        "task_v2" => task_v2(run),
        _ => task(run),
    }
}

/// Engines 1.0, 3.0 and the computer-use ones. There is no attempt here, and no request.
fn task(run: &Run) -> Value {
    json!({
        "task_id": run.id,
        "status": run.status,
        "created_at": run.created_at,
        "modified_at": run.modified_at,
        "extracted_information": run.output,
        "action_screenshot_urls": [screenshot(run)],
        "screenshot_url": screenshot(run),
        "recording_url": recording(run),
        "recording_archived": false,
        "browser_console_log_url": null,
        "downloaded_files": [],
        "downloaded_file_urls": [],
        "failure_reason": run.failure_reason,
        "failure_category": null,
        "webhook_failure_reason": run.webhook_failure_reason,
        "errors": errors(run),
        "max_steps_per_run": run.request.get("max_steps"),
        "workflow_run_id": null,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "max_screenshot_scrolls": null,
        "step_count": run.step_count(),
        "browser_session_id": null,
        "run_id": run.id,
        "output": run.output,
        "screenshot_urls": [screenshot(run)],
        "app_url": format!("https://app.skyvern.com/tasks/{}", run.id),
        "browser_profile_id": null,
        "script_run": null,
        "run_type": run.kind,
    })
}

/// Engine 2.0, which echoes the whole prompt.
fn task_v2(run: &Run) -> Value {
    let workflow_run = run.id.replace("tsk_v2", "wr");
    json!({
        "task_id": run.id,
        "status": run.status,
        "organization_id": "o_410000000000000001",
        "workflow_run_id": workflow_run,
        "workflow_id": "w_41",
        "workflow_permanent_id": "wpid_41",
        "prompt": run.request.get("prompt"),
        "url": run.url,
        "summary": null,
        "output": run.output,
        "totp_verification_url": null,
        "totp_identifier": run.request.get("totp_identifier"),
        "proxy_location": proxy_location(run),
        "webhook_callback_url": run.webhook_url,
        "webhook_failure_reason": run.webhook_failure_reason,
        "extracted_information_schema": run.request.get("data_extraction_schema"),
        "error_code_mapping": run.request.get("error_code_mapping"),
        "workflow_system_prompt": null,
        "model": null,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "max_screenshot_scrolling_times": null,
        "extra_http_headers": null,
        "cdp_connect_headers": null,
        "browser_address": null,
        "run_with": run.request.get("run_with"),
        "failure_category": null,
        "created_at": run.created_at,
        "modified_at": run.modified_at,
        "run_id": run.id,
        "downloaded_files": null,
        "recording_url": null,
        "recording_archived": false,
        "screenshot_urls": null,
        "failure_reason": run.failure_reason,
        "app_url": format!("https://app.skyvern.com/runs/{}", run.id),
        "browser_session_id": null,
        "browser_profile_id": null,
        "max_screenshot_scrolls": null,
        "script_run": null,
        "errors": run.errors,
        "step_count": run.step_count(),
        "run_type": run.kind,
    })
}

/// Workflows, the only runs that have attempts.
fn workflow(run: &Run) -> Value {
    let decision = if run.retry_pending { "retry" } else { "final" };
    let parameters = json!({});
    json!({
        "workflow_id": "wpid_41",
        "workflow_run_id": run.id,
        "status": run.status,
        "attempt": run.attempt,
        "retry_pending": run.retry_pending,
        "next_attempt_at": null,
        "attempts": [{
            "attempt_number": run.attempt,
            "status": run.status,
            "failure_reason": run.failure_reason,
            "error_codes": [],
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "retry_decision": decision,
            "decision_reason": null,
            "next_attempt_at": null,
            "webhook_sent_at": null,
        }],
        "failure_reason": run.failure_reason,
        "failure_category": null,
        "retried_from_workflow_run_id": null,
        "retried_by_workflow_run_id": null,
        "proxy_location": proxy_location(run),
        "webhook_callback_url": run.webhook_url,
        "webhook_failure_reason": run.webhook_failure_reason,
        "totp_verification_url": null,
        "totp_identifier": null,
        "extra_http_headers": null,
        "cdp_connect_headers": null,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "created_at": run.created_at,
        "modified_at": run.modified_at,
        "parameters": parameters,
        "screenshot_urls": null,
        "recording_url": null,
        "recording_urls": null,
        "recording_archived": false,
        "downloaded_files": [],
        "downloaded_file_urls": null,
        "outputs": run.output,
        "total_steps": run.step_count(),
        "total_cost": null,
        "credits_used": 0,
        "cached_credits_used": 0,
        "task_v2": null,
        "workflow_title": "Apply",
        "browser_session_id": null,
        "browser_profile_id": null,
        "browser_seed_source": "fresh",
        "browser_sink_profile_id": null,
        "max_screenshot_scrolls": null,
        "browser_address": null,
        "run_with": "agent",
        "browser_type": null,
        "script_run": null,
        "script_id": null,
        "errors": errors(run),
        "agent_id": "wpid_41",
        "agent_run_id": run.id,
        "run_id": run.id,
        "output": run.output,
        "app_url": format!("https://app.skyvern.com/runs/{}", run.id),
        "step_count": run.step_count(),
        "run_type": run.kind,
        "ai_fallback": null,
        "browser_settings_receipt": null,
        "run_request": { "workflow_id": "wpid_41", "parameters": parameters, "title": run.title() },
    })
}

fn errors(run: &Run) -> Value {
    if run.errors.is_null() { json!([]) } else { run.errors.clone() }
}

fn proxy_location(run: &Run) -> Value {
    run.request.get("proxy_location").cloned().unwrap_or_else(|| json!("RESIDENTIAL"))
}

fn screenshot(run: &Run) -> String {
    format!("https://files.example.com/{}/final.png", run.id)
}

fn recording(run: &Run) -> String {
    format!("https://files.example.com/{}/recording.webm", run.id)
}
