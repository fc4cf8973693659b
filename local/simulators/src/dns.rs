//! DNS over HTTPS in JSON, as Cloudflare, Google and Quad9 speak it (docs/configuration.md#resolver).
//!
//! Every name leads to a public address until a test says something else. It refuses what it cannot be asked, and answers
//! for the two types of addresses alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lock;

const MEDIA_TYPE: &str = "application/dns-json";

/// Types of records.
const TYPES: [(&str, u16); 2] = [("A", 1), ("AAAA", 28)];

/// What tests have said about names.
#[derive(Default)]
pub(crate) struct Dns(Mutex<BTreeMap<String, Zone>>);

/// What a name leads to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Zone {
    /// In small letters, without a dot at the end.
    pub name: String,
    /// The response code, such as 3 for a name that does not exist.
    #[serde(default)]
    pub status: u16,
    /// The name that it is an alias of, if it is one.
    #[serde(default)]
    pub alias_of: Option<String>,
    /// Addresses of the old kind.
    #[serde(default)]
    pub a: Vec<String>,
    /// Addresses of the new kind.
    #[serde(default)]
    pub aaaa: Vec<String>,
}

impl Zone {
    fn usual(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            a: vec!["93.184.215.14".to_owned()],
            aaaa: vec!["2606:2800:21f:cb07:6820:80da:af6b:8b2c".to_owned()],
            ..Self::default()
        }
    }

    fn answer(&self, record_type: u16) -> Value {
        let owner = self.alias_of.as_ref().unwrap_or(&self.name);
        let alias = self.alias_of.iter().map(|target| record(&self.name, 5, &format!("{target}.")));
        let addresses = if record_type == 1 { &self.a } else { &self.aaaa };
        let records: Vec<Value> =
            alias.chain(addresses.iter().map(|address| record(owner, record_type, address))).collect();
        let mut answer = json!({
            "Status": self.status, "TC": false, "RD": true, "RA": true, "AD": false, "CD": false,
            "Question": [{ "name": self.name, "type": record_type }],
        });
        // Without records there is no such member.
        if !records.is_empty() {
            answer["Answer"] = json!(records);
        }
        answer
    }
}

fn record(name: &str, record_type: u16, data: &str) -> Value {
    json!({ "name": name, "type": record_type, "TTL": 300, "data": data })
}

/// `GET /dns-query`
pub(crate) fn router(dns: Arc<Dns>) -> Router {
    Router::new().route("/dns-query", get(resolve)).with_state(dns)
}

/// The routes below `/__control/dns`.
pub(crate) fn control(dns: Arc<Dns>) -> Router {
    Router::new().route("/zones", post(set_zone)).with_state(dns)
}

async fn set_zone(State(dns): State<Arc<Dns>>, Json(zone): Json<Zone>) -> StatusCode {
    lock(&dns.0).insert(zone.name.clone(), zone);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Question {
    name: Option<String>,
    #[serde(rename = "type")]
    record_type: Option<String>,
}

async fn resolve(State(dns): State<Arc<Dns>>, headers: HeaderMap, Query(question): Query<Question>) -> Response {
    if headers.get(header::ACCEPT).is_none_or(|accepted| accepted != MEDIA_TYPE) {
        return refusal(StatusCode::NOT_ACCEPTABLE, "the form that is accepted must be application/dns-json");
    }
    let Some(name) = question.name.filter(|name| is_name(name)) else {
        return refusal(StatusCode::BAD_REQUEST, "invalid name");
    };
    let asked = question.record_type.unwrap_or_default();
    let Some((_, record_type)) = TYPES.iter().find(|(text, number)| *text == asked || number.to_string() == asked)
    else {
        return refusal(StatusCode::BAD_REQUEST, "invalid type");
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let zone = lock(&dns.0).get(&name).cloned().unwrap_or_else(|| Zone::usual(&name));
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], zone.answer(*record_type).to_string()).into_response()
}

/// Labels of letters, digits, hyphens and underscores (RFC 1035 and its practice); others are written in Punycode.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
