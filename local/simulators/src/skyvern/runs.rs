//! Reading, searching and cancelling runs.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Skyvern;
use super::control::finish_run;
use super::refusal::Refusal;
use super::run::{Run, RunStatus};
use super::validation::item;

/// The shortest text that is searched for.
const SHORTEST_SEARCH: usize = 3;

/// At most this many runs are cancelled at once.
const MANY: usize = 100;

/// `GET /v1/runs/{run_id}`
pub(super) async fn read(
    State(skyvern): State<Arc<Skyvern>>,
    Path(run_id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    skyvern.authenticate(&headers)?;
    Ok(Json(skyvern.run(&run_id)?.object()))
}

/// `GET /v1/runs?status=&run_type=&search_key=&page=&page_size=`: newest first.
pub(super) async fn list(
    State(skyvern): State<Arc<Skyvern>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Vec<Value>>, Refusal> {
    skyvern.authenticate(&headers)?;
    let search = Search::parse(query.as_deref().unwrap_or_default()).map_err(Refusal::invalid)?;
    let found = skyvern.find(|run| search.matches(run) && skyvern.is_listed(run));
    let skipped = (search.page - 1) * search.page_size;
    Ok(Json(found.iter().skip(skipped).take(search.page_size).map(Run::entry).collect()))
}

struct Search {
    statuses: Vec<String>,
    run_types: Vec<String>,
    key: Option<String>,
    page: usize,
    page_size: usize,
}

impl Search {
    fn parse(query: &str) -> Result<Self, Vec<Value>> {
        let mut search = Self { statuses: Vec::new(), run_types: Vec::new(), key: None, page: 1, page_size: 10 };
        let mut wrong = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "status" => search.statuses.push(value.into_owned()),
                "run_type" => search.run_types.push(value.into_owned()),
                "search_key" if value.chars().count() < SHORTEST_SEARCH => {
                    let message = "String should have at least 3 characters";
                    wrong.push(item("string_too_short", &json!(["query", name]), message, &json!(value)));
                }
                "search_key" => search.key = Some(value.into_owned()),
                "page" | "page_size" => match value.parse() {
                    Ok(number) if number > 0 && name == "page" => search.page = number,
                    Ok(number) if number > 0 => search.page_size = number,
                    _ => {
                        let message = "Input should be greater than or equal to 1";
                        wrong.push(item("greater_than_equal", &json!(["query", name]), message, &json!(value)));
                    }
                },
                _ => {}
            }
        }
        if wrong.is_empty() { Ok(search) } else { Err(wrong) }
    }

    /// The search key is a part of the title, of the URL, or of the id.
    fn matches(&self, run: &Run) -> bool {
        let is_wanted = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|one| one == value);
        let has_key = |key: &String| {
            [Some(run.id.as_str()), run.title(), run.url.as_deref()]
                .into_iter()
                .flatten()
                .any(|text| text.contains(key))
        };
        is_wanted(&self.statuses, &run.status.word())
            && is_wanted(&self.run_types, &run.kind)
            && self.key.as_ref().is_none_or(has_key)
    }
}

/// `POST /v1/runs/{run_id}/cancel`: the webhook is delivered before this answers, signed by the key of this call.
pub(super) async fn cancel(
    State(skyvern): State<Arc<Skyvern>>,
    Path(run_id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let api_key = skyvern.authenticate(&headers)?;
    cancel_run(&skyvern, &run_id, &api_key).await?;
    Ok(Json(Value::Null))
}

/// `POST /v1/runs/cancel` with `run_ids`
pub(super) async fn cancel_many(
    State(skyvern): State<Arc<Skyvern>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let api_key = skyvern.authenticate(&headers)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let run_ids: Option<Vec<String>> = serde_json::from_value(body["run_ids"].clone()).ok();
    let Some(run_ids) = run_ids.filter(|run_ids| run_ids.len() <= MANY) else {
        let message = "List should have at most 100 items";
        return Err(Refusal::invalid(vec![item("too_long", &json!(["body", "run_ids"]), message, &body["run_ids"])]));
    };
    let (mut cancelled, mut failed) = (Vec::new(), Vec::new());
    for run_id in run_ids {
        match cancel_run(&skyvern, &run_id, &api_key).await {
            Ok(()) => cancelled.push(run_id),
            Err(_) => failed.push(run_id),
        }
    }
    Ok(Json(json!({ "cancelled": cancelled, "failed": failed })))
}

async fn cancel_run(skyvern: &Arc<Skyvern>, run_id: &str, api_key: &str) -> Result<(), Refusal> {
    let run = skyvern.change(run_id, |run| {
        if run.status.is_final() {
            return Err(Refusal::illegal_transition(run.status, RunStatus::Canceled));
        }
        run.set_status(RunStatus::Canceled);
        Ok(run.clone())
    })??;
    let told = tell_of_cancellation(skyvern, &run, api_key).await;
    // What the browser was about to do is done all the same, and turns out when the caller has its answer.
    if let Some(finish) = skyvern.completion_after_cancel(&run) {
        let skyvern = skyvern.clone();
        tokio::spawn(async move { finish_run(&skyvern, &run.id, finish).await });
    }
    told
}

async fn tell_of_cancellation(skyvern: &Skyvern, run: &Run, api_key: &str) -> Result<(), Refusal> {
    match run.message(api_key) {
        // The run is canceled all the same; only the call says otherwise.
        Some(message) if !skyvern.deliver(&run.id, &message).await.succeeded() => {
            Err(Refusal::unexpected("FailedToSendWebhook"))
        }
        _ => Ok(()),
    }
}
