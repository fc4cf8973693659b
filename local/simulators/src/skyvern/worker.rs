//! The worker that lets runs complete by themselves, for the demo and the development stack.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Skyvern;
use super::run::RunStatus;

/// What every signed URL of Supabase Storage has in its path.
const SIGNED_OBJECT: &str = "/storage/v1/object/sign/";

/// Takes a run through its statuses in about `time`, and reports its end.
pub(super) async fn complete(skyvern: Arc<Skyvern>, run_id: String, time: Duration) {
    for status in [RunStatus::Queued, RunStatus::Running] {
        tokio::time::sleep(time / 3).await;
        if !move_on(&skyvern, &run_id, status) {
            return;
        }
    }
    let attached = match skyvern.run(&run_id) {
        Ok(run) => attach_resume(&skyvern, &run.request).await,
        Err(_) => return,
    };
    tokio::time::sleep(time / 3).await;
    let output = json!({
        "submitted": true,
        "confirmation_id": format!("CONF-{}", run_id.trim_start_matches("tsk_").get(..6).unwrap_or_default()),
        "confirmation_text": "Thank you for applying – we have received your application.",
        "resume_attached": attached,
    });
    let finished = skyvern.change(&run_id, |run| {
        if run.status.is_final() {
            return None;
        }
        run.output = output;
        run.set_status(RunStatus::Completed);
        Some(run.clone())
    });
    if let Ok(Some(run)) = finished
        && let Some(message) = run.message(&skyvern.signing_key(&run))
    {
        skyvern.deliver(&run_id, &message).await;
    }
}

/// Whether the run is still going: a test or a cancel may have ended it.
fn move_on(skyvern: &Skyvern, run_id: &str, status: RunStatus) -> bool {
    let moved = skyvern.change(run_id, |run| {
        let goes_on = !run.status.is_final();
        if goes_on {
            run.set_status(status);
        }
        goes_on
    });
    moved.unwrap_or(false)
}

/// Fetches the résumé that the prompt names. Skyvern swallows a failure here and goes on without the file.
async fn attach_resume(skyvern: &Skyvern, request: &serde_json::Map<String, Value>) -> bool {
    let prompt = request.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let Some(url) = resume_url(prompt) else {
        return false;
    };
    match skyvern.webhooks.get(url).send().await {
        Ok(answer) => answer.status().is_success() && answer.bytes().await.is_ok_and(|bytes| !bytes.is_empty()),
        Err(_) => false,
    }
}

/// The first signed URL in the text, up to the first character that cannot be part of one.
fn resume_url(prompt: &str) -> Option<&str> {
    prompt
        .split(|letter: char| letter.is_whitespace() || "\"'<>`()[]{}".contains(letter))
        .filter_map(|word| word.find("http").map(|start| &word[start..]))
        .find(|url| url.contains(SIGNED_OBJECT))
        .map(|url| url.trim_end_matches(['.', ',', ';']))
}

#[cfg(test)]
mod tests {
    use super::resume_url;

    #[test]
    fn the_resume_is_the_first_signed_url_of_the_prompt() {
        let url = "http://127.0.0.1:54321/storage/v1/object/sign/resumes/1/cv.pdf?token=a.b.c&download=Ada_CV.pdf";
        let prompt = format!("Apply at https://jobs.example/7.\nRésumé: {url}.\nAnd <https://other.example>.");
        assert_eq!(resume_url(&prompt), Some(url));
        assert_eq!(resume_url("Apply at https://jobs.example/7"), None);
    }
}
