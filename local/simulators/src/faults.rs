//! Injected faults: the next request that carries a given text is refused, delayed, cut or answered with garbage.
//!
//! A fault is scoped by text (an id, a title) or by the id of the request to us that causes it, so tests that run side
//! by side do not hit each other's faults.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::recorder::RecordedRequest;
use super::server::Cut;
use super::{Shared, lock};

/// A simulated vendor, or PostgREST as the gateway presents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// `/adzuna`
    Adzuna,
    /// `/clerk`
    Clerk,
    /// `/expo`
    Expo,
    /// `/jsearch`
    Jsearch,
    /// `/rest/v1` of the gateway. Its requests are not recorded, because they are the benchmark's path.
    Rest,
    /// `/skyvern`
    Skyvern,
    /// `/storage/v1` of the gateway.
    Storage,
}

/// What happens instead of, or around, the vendor's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The request has no effect and is answered with this.
    Status {
        /// The HTTP status.
        status: u16,
        /// A string is sent as it is, anything else as JSON.
        #[serde(default)]
        body: Value,
        /// Such as `retry-after`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The request has its effect at once, the answer comes late.
    Delay {
        /// How late.
        ms: u64,
    },
    /// The request has no effect, and the connection closes without an answer.
    Cut,
    /// The request has its effect, and then the connection closes without an answer.
    CutAfterEffect,
    /// The request has its effect, and behind the answer comes as much white space.
    Padded {
        /// How much.
        bytes: usize,
    },
    /// A proxy's error page: no effect, and not the JSON that the caller expects.
    Html,
}

/// A fault and the requests it is meant for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultSpec {
    /// Whose answers fail.
    pub service: Service,
    /// Only a request with this text in its path or body, or with this `x-request-id`, fails.
    pub contains: String,
    /// How many requests fail, one if not said.
    #[serde(default = "once")]
    pub times: u32,
    /// How they fail.
    pub fault: Fault,
}

fn once() -> u32 {
    1
}

/// The faults that wait for their request.
#[derive(Default)]
pub(crate) struct Faults {
    specs: Mutex<Vec<FaultSpec>>,
    /// The length of `specs`: a request in the benchmark's path looks only at this.
    waiting: AtomicUsize,
}

impl Faults {
    pub fn add(&self, spec: FaultSpec) {
        let mut specs = lock(&self.specs);
        specs.push(spec);
        self.waiting.store(specs.len(), Ordering::Release);
    }

    pub fn any_waits(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// The fault that this request meets, which is used up by it.
    pub fn take(&self, request: &RecordedRequest) -> Option<Fault> {
        if !self.any_waits() {
            return None;
        }
        let mut specs = lock(&self.specs);
        let index =
            specs.iter().position(|spec| spec.service == request.service && request.contains(&spec.contains))?;
        let fault = specs[index].fault.clone();
        specs[index].times = specs[index].times.saturating_sub(1);
        specs.retain(|spec| spec.times > 0);
        self.waiting.store(specs.len(), Ordering::Release);
        Some(fault)
    }
}

impl Fault {
    /// Runs `effect`, the vendor's ordinary answer, as far as the fault lets it.
    pub(crate) async fn around(self, effect: impl Future<Output = Response>) -> Response {
        match self {
            Self::Status { status, body, headers } => refusal(status, &body, &headers),
            Self::Delay { ms } => {
                let answer = effect.await;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                answer
            }
            Self::Cut => cut(),
            Self::CutAfterEffect => {
                effect.await;
                cut()
            }
            Self::Padded { bytes } => padded(effect.await, bytes).await,
            Self::Html => {
                let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
                (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
        }
    }
}

async fn padded(answer: Response, bytes: usize) -> Response {
    let (mut parts, body) = answer.into_parts();
    let mut body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    body.resize(body.len() + bytes, b' ');
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

fn refusal(status: u16, body: &Value, headers: &BTreeMap<String, String>) -> Response {
    let (media_type, text) = match body {
        Value::Null => ("text/plain", String::new()),
        Value::String(text) => ("text/plain", text.clone()),
        json => ("application/json", json.to_string()),
    };
    let mut response = ([(header::CONTENT_TYPE, media_type)], text).into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Puts the recorder and the faults before a simulator.
pub(crate) fn watch(shared: &Arc<Shared>, service: Service, router: Router) -> Router {
    router.layer(from_fn_with_state((shared.clone(), service), record_then_fail))
}

async fn record_then_fail(
    State((shared, service)): State<(Arc<Shared>, Service)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let recorded = RecordedRequest::new(service, &parts, &body);
    let fault = shared.faults.take(&recorded);
    shared.recorder.record(recorded);
    let effect = next.run(Request::from_parts(parts, Body::from(body)));
    match fault {
        Some(fault) => fault.around(effect).await,
        None => effect.await,
    }
}
