//! Fires a cron on a running stack.

use std::time::Duration;

use super::Trigger;
use toolchain::{Failure, Outcome};

/// Cloudflare's limit for a scheduled invocation.
const TIMEOUT: Duration = Duration::from_mins(15);

/// Runs a function as its cron does, waits until that run has ended, and returns what the runtime says of it.
pub fn fire(functions_url: &str, trigger: &Trigger) -> Outcome<String> {
    let failed = |why: String| Failure::new(format!("the cron \"{}\" of {}: {why}", trigger.cron, trigger.function));
    let mut answer = ureq::get(format!("{functions_url}/cdn-cgi/handler/scheduled"))
        .query("cron", &trigger.cron)
        .header("MF-Route-Override", &trigger.worker)
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .build()
        .call()
        .map_err(|error| failed(format!("no answer, {error}")))?;
    let text = answer.body_mut().read_to_string().map_err(|error| failed(format!("no whole answer, {error}")))?;
    let sentence = text.lines().next().unwrap_or_default().to_owned(); // a stack trace may follow
    if answer.status().is_success() { Ok(sentence) } else { Err(failed(format!("{}, {sentence}", answer.status()))) }
}
