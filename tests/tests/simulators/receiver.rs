//! A receiver of webhooks that answers as it is told, and remembers what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// Answers 200, once the prepared answers are used up.
#[derive(Clone, Default)]
pub struct Receiver {
    url: String,
    state: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    answers: VecDeque<Answer>,
    webhooks: Vec<Webhook>,
}

/// A status and perhaps a header.
#[derive(Clone)]
pub struct Answer(pub u16, pub Option<(header::HeaderName, &'static str)>);

/// A webhook as it came.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Webhook {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Receiver {
    pub async fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, ..Self::default() };
        receiver.state.lock().unwrap().answers.extend(answers.iter().cloned());
        let router = Router::new().fallback(receive).with_state(receiver.state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn webhooks(&self) -> Vec<Webhook> {
        self.state.lock().unwrap().webhooks.clone()
    }
}

async fn receive(State(state): State<Arc<Mutex<Received>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = state.lock().unwrap();
    state.webhooks.push(Webhook { headers, body });
    let Answer(status, header) = state.answers.pop_front().unwrap_or(Answer(200, None));
    let status = StatusCode::from_u16(status).unwrap();
    match header {
        Some((name, value)) => (status, [(name, value)]).into_response(),
        None => status.into_response(),
    }
}
