//! `POST /v1/run/tasks`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value, json};
use url::Url;

use super::refusal::Refusal;
use super::run::Run;
use super::{Skyvern, validation, worker};

/// The longest URL that is taken.
const LONGEST_URL: usize = 2_083;

pub(super) async fn create(
    State(skyvern): State<Arc<Skyvern>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let api_key = skyvern.authenticate(&headers)?;
    let request = validation::parse(&body, is_json(&headers)).map_err(Refusal::invalid)?;
    let wrong = validation::check(&request);
    if !wrong.is_empty() {
        return Err(Refusal::invalid(wrong));
    }
    check_engine(&request)?;
    check_attachments(&request)?;
    let url = target_url(&request)?;
    let webhook_url = text(&request, "webhook_url").map(webhook_target).transpose()?;

    let run = Run::new(request, url, webhook_url, api_key);
    let (run_id, object) = (run.id.clone(), run.object());
    skyvern.add(run);
    if let Some(time) = skyvern.finishes_after {
        tokio::spawn(worker::complete(skyvern, run_id, time));
    }
    Ok(Json(object))
}

/// Without a content type a body is taken for JSON; with another one it is taken for text.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(media_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn text<'a>(request: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    request.get(name).and_then(Value::as_str)
}

/// What only the engine 2.0 can do.
fn check_engine(request: &Map<String, Value>) -> Result<(), Refusal> {
    let fresh = request.get("start_fresh_browser") == Some(&Value::Bool(true));
    let profile = text(request, "browser_profile_id");
    let others = [text(request, "browser_session_id"), profile, text(request, "browser_address")];
    if fresh && others.iter().any(Option::is_some) {
        let message = "Value error, start_fresh_browser cannot be combined with a session, profile or address";
        let input = Value::from(request.clone());
        return Err(Refusal::invalid(vec![validation::item("value_error", &json!(["body"]), message, &input)]));
    }
    if text(request, "engine") != Some("skyvern-2.0") && (fresh || profile.is_some()) {
        return Err(Refusal::bad_request("browser_profile_id and start_fresh_browser need engine skyvern-2.0"));
    }
    Ok(())
}

/// There are no live sessions and no uploaded files here, so a run cannot be given one.
fn check_attachments(request: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(session) = text(request, "browser_session_id") {
        return Err(Refusal::not_found(format!("Browser session {session} not found")));
    }
    match request.get("file_ids").and_then(Value::as_array) {
        Some(files) if !files.is_empty() => {
            let message = "Value error, unknown, deleted or already attached file";
            let place = json!(["body", "file_ids"]);
            Err(Refusal::invalid(vec![validation::item("value_error", &place, message, &json!(files))]))
        }
        _ => Ok(()),
    }
}

/// Without a URL a model would have to guess one from the prompt, and this one cannot.
fn target_url(request: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    match text(request, "url") {
        Some(url) => normalised(url).map(Some),
        None if text(request, "engine") == Some("skyvern-2.0") => Ok(None),
        None => Err(Refusal::bad_request("Failed to generate task. Please try again later.")),
    }
}

fn webhook_target(url: &str) -> Result<String, Refusal> {
    let url = normalised(url.trim())?;
    let host = Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    if host.ends_with(".elb.amazonaws.com") {
        return Err(Refusal::bad_request(format!("The host in your url is blocked: {host}")));
    }
    Ok(url)
}

/// `https://` is added where no scheme is given, and a bare host gets its slash.
fn normalised(url: &str) -> Result<String, Refusal> {
    let refusal = || {
        let rule = "Skyvern supports HTTP and HTTPS urls with max 2083 character length.";
        Refusal::bad_request(format!("Invalid URL: {url}. {rule}"))
    };
    let with_scheme = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    let parsed = Url::parse(&with_scheme).map_err(|_| refusal())?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.as_str().len() <= LONGEST_URL {
        Ok(parsed.into())
    } else {
        Err(refusal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_normalised_or_refused() {
        assert_eq!(normalised("https://x.example").unwrap(), "https://x.example/");
        assert_eq!(normalised("x.example/7?a=b").unwrap(), "https://x.example/7?a=b");
        assert!(normalised("ftp://x.example/").is_err());
        assert!(normalised(&format!("https://x.example/{}", "a".repeat(LONGEST_URL))).is_err());
    }

    #[test]
    fn a_webhook_target_is_trimmed_and_keeps_its_query() {
        assert_eq!(webhook_target(" https://x.example/hook?id=1 ").unwrap(), "https://x.example/hook?id=1");
        assert!(webhook_target("https://lab.elb.amazonaws.com/hook").is_err());
    }
}
