//! The fields of a new task, in the order in which Skyvern echoes them.

use serde_json::{Map, Value, json};

/// The engines of release 1.0.56.
const ENGINES: &[&str] =
    &["skyvern-1.0", "skyvern-2.0", "skyvern-3.0", "openai-cua", "anthropic-cua", "ui-tars", "yutori-navigator"];

/// What a field may hold.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    OneOf(&'static [&'static str]),
    Proxy,
    Schema,
    TextMap,
    Integer,
    Flag,
    Object,
    TextList { most: usize },
}

pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub nullable: bool,
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: true }
}

/// One that has a default other than null, and may be left out but not be null.
const fn preset(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: false }
}

pub(super) const FIELDS: &[Field] = &[
    Field { name: "prompt", kind: Kind::Text, required: true, nullable: false },
    optional("url", Kind::Text),
    preset("engine", Kind::OneOf(ENGINES)),
    optional("title", Kind::Text),
    optional("proxy_location", Kind::Proxy),
    optional("data_extraction_schema", Kind::Schema),
    optional("error_code_mapping", Kind::TextMap),
    optional("max_steps", Kind::Integer),
    optional("webhook_url", Kind::Text),
    optional("totp_identifier", Kind::Text),
    optional("totp_url", Kind::Text),
    optional("browser_session_id", Kind::Text),
    optional("browser_profile_id", Kind::Text),
    preset("start_fresh_browser", Kind::Flag),
    optional("model", Kind::Object),
    optional("extra_http_headers", Kind::TextMap),
    optional("cdp_connect_headers", Kind::TextMap),
    optional("browser_address", Kind::Text),
    preset("publish_workflow", Kind::Flag),
    preset("include_action_history_in_verification", Kind::Flag),
    optional("max_screenshot_scrolls", Kind::Integer),
    optional("run_with", Kind::OneOf(&["agent", "code"])),
    optional("file_ids", Kind::TextList { most: 50 }),
];

/// `run_request`: every field that exists, rebuilt from the run instead of copied, so that some of what was sent is lost.
pub(super) fn echo(request: &Map<String, Value>, url: Option<&str>, webhook_url: Option<&str>) -> Value {
    let engine = request.get("engine").and_then(Value::as_str).unwrap_or("skyvern-1.0");
    let mut echo = Map::new();
    for field in FIELDS {
        let sent = request.get(field.name).filter(|value| !value.is_null()).cloned();
        let value = match field.name {
            "engine" => json!(engine),
            "url" => json!(url),
            "webhook_url" => json!(webhook_url),
            "title" | "max_steps" if engine != "skyvern-2.0" => Value::Null,
            "proxy_location" => sent.unwrap_or_else(|| json!("RESIDENTIAL")),
            "start_fresh_browser" | "publish_workflow" | "include_action_history_in_verification" => {
                sent.unwrap_or_else(|| json!(false))
            }
            "cdp_connect_headers" => sent.map_or(Value::Null, masked),
            _ => sent.unwrap_or_default(),
        };
        echo.insert(field.name.to_owned(), value);
    }
    Value::from(echo)
}

fn masked(mut headers: Value) -> Value {
    if let Some(headers) = headers.as_object_mut() {
        headers.values_mut().for_each(|value| *value = json!("****"));
    }
    headers
}
