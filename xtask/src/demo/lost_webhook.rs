//! The chapter about a webhook that gets lost, and the queue that makes up for it.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{app::App, rows::text, story::finish_run};
use local_stack::Description;
use toolchain::{Outcome, progress::say};

use crate::cron::{Trigger, fire};

/// Longer than Skyvern may be silent about a run.
const SILENCE: TimeDelta = TimeDelta::minutes(16);

/// The run ends well, and nobody is told.
pub(super) fn gets_lost(stack: &Description, processing: &Value) -> Outcome {
    say!("  Skyvern submits the form, and its webhook gets lost on the way.");
    let end = json!({
        "status": "completed",
        "output": {
            "submitted": true,
            "confirmation_id": "CONF-7731",
            "confirmation_text": "Thank you, your application has arrived.",
            "resume_attached": true,
        },
        "deliver": false,
    });
    finish_run(stack, processing, &end)
}

/// The row says that a quarter of an hour has passed, and the cron is fired by hand, so that the story need not wait.
pub(super) fn is_missed(stack: &Description, app: &App<'_>, processing: &Value, runner: &Trigger) -> Outcome {
    say!("  A quarter of an hour passes (the row says so, and nobody has to wait), and job-runner's cron is due.");
    let heard_at = (Utc::now() - SILENCE).to_rfc3339();
    let query = format!("applications?id=eq.{}", text(processing, "id")?);
    app.update_as_the_machinery(&query, &json!({ "skyvern_heard_at": heard_at }))?;
    let answer = fire(&stack.functions_url, runner)?;
    say!("    job-runner ({}): {answer}", runner.cron);
    Ok(())
}
