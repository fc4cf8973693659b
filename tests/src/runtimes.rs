//! More runtimes than the one of a stack: functions that a test starts beside it, on the same database and the same
//! vendors, and a way to several of them in turn.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, and this is a part of tests")]

use std::{
    cell::RefCell,
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{function::FUNCTIONS, scratch_database::repository, stack::Stack, wait::within};

/// More than any request or answer of the functions has.
const LIMIT: usize = 64 * 1024 * 1024;

/// How often another free port is tried when one was taken in the meantime.
const PORT_TRIES: usize = 3;

/// A machine that is busy takes its time.
const START: Duration = Duration::from_mins(3);

/// The functions in a process of their own, until it is dropped.
pub struct Runtime {
    node: Child,
    url: String,
}

impl Runtime {
    /// Starts the functions as the stack does, but for where Skyvern reaches them, and with a clock that is so many seconds
    /// ahead of the machine's.
    ///
    /// # Panics
    /// If they do not start.
    pub async fn start(stack: &Stack, name: &str, public_url: &str, clock: i64) -> Self {
        for _ in 0..PORT_TRIES {
            let mut runtime = Self::launch(stack, name, public_url, clock);
            if runtime.answers(stack).await {
                return runtime;
            }
        }
        panic!("the functions do not start: see functions-{name}.log");
    }

    fn launch(stack: &Stack, name: &str, public_url: &str, clock: i64) -> Self {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let folder = folder(stack);
        let mut settings = read(&folder.join("functions.json"));
        settings["port"] = json!(port);
        settings["clock"] = json!(clock);
        settings["bindings"]["FUNCTIONS_PUBLIC_URL"] = json!(public_url);
        let file = folder.join(format!("functions-{name}.json"));
        fs::write(&file, settings.to_string()).unwrap();
        let log = fs::File::create(stack.description().log_dir.join(format!("functions-{name}.log"))).unwrap();
        let node = Command::new("node")
            .arg(repository().join("local/stack/functions.mjs"))
            .arg(&file)
            .process_group(0) // what it starts ends with it
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        Self { node, url: format!("http://127.0.0.1:{port}") }
    }

    /// Waits until the functions answer there. Not if they ended: somebody else has taken their port meanwhile, and may
    /// answer in their place.
    async fn answers(&mut self, stack: &Stack) -> bool {
        let url = format!("{}/functions/v1/{}", self.url, FUNCTIONS[0].name);
        let node = RefCell::new(&mut self.node);
        within(START, "the functions answer", async || {
            if node.borrow_mut().try_wait().unwrap().is_some() {
                return Some(false);
            }
            let answer = stack.http(Method::OPTIONS, &url).send().await.ok()?;
            answer.headers().contains_key("x-request-id").then_some(true)
        })
        .await
    }

    /// Where they are.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Runtime {
    /// Without a warning, as machines fail.
    fn drop(&mut self) {
        let group = format!("-{}", self.node.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.node.wait();
    }
}

/// The gateway of a stack, with several runtimes behind it: each request goes to the next one.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    url: String,
    /// The stack's own, for everything but the functions.
    behind: String,
    http: reqwest::Client,
    runtimes: Mutex<(Vec<String>, usize)>,
}

impl Gateway {
    /// Opens one without any runtime.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn open(stack: &Stack) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let gateway = Self(Arc::new(Inner {
            url: format!("http://{}", listener.local_addr().unwrap()),
            behind: stack.description().supabase_url.clone(),
            // A connection for each request: one that is kept may be closed at the moment it is used again.
            http: reqwest::Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            runtimes: Mutex::default(),
        }));
        let router = Router::new().fallback(forward).with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        gateway
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Lets these answer from the next request on.
    ///
    /// # Panics
    /// Never.
    pub fn lead_to(&self, runtimes: &[&Runtime]) {
        *self.0.runtimes.lock().unwrap() = (runtimes.iter().map(|runtime| runtime.url.clone()).collect(), 0);
    }

    /// The file that describes the stack as it is behind this gateway, for [`Stack::described_by`] and for programs that run
    /// against it. With `clocks_differ`, people's tokens there are good by every clock that is less than ten minutes off.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn description(&self, stack: &Stack, clocks_differ: bool) -> PathBuf {
        let folder = folder(stack);
        let mut description = read(&folder.join("stack.json"));
        description["supabase_url"] = json!(self.url());
        description["functions_url"] = json!(self.url());
        description["clocks_differ"] = json!(clocks_differ);
        let port = self.url().rsplit(':').next().unwrap();
        let file = folder.join(format!("stack-behind-{port}.json"));
        fs::write(&file, description.to_string()).unwrap();
        file
    }

    fn destination(&self, path: &str) -> Option<String> {
        if !path.starts_with("/functions/v1/") {
            return Some(self.0.behind.clone());
        }
        let mut runtimes = self.0.runtimes.lock().unwrap();
        runtimes.1 += 1;
        let place = runtimes.1.checked_rem(runtimes.0.len())?;
        Some(runtimes.0[place].clone())
    }
}

async fn forward(State(gateway): State<Gateway>, request: Request) -> Response {
    let unreachable = |why: String| (StatusCode::BAD_GATEWAY, why).into_response();
    let Some(destination) = gateway.destination(request.uri().path()) else {
        return unreachable("no runtime".to_owned());
    };
    let (mut parts, body) = request.into_parts();
    let body = match to_bytes(body, LIMIT).await {
        Ok(body) => body,
        Err(error) => return unreachable(error.to_string()),
    };
    for hop in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        parts.headers.remove(hop);
    }
    let url = format!("{destination}{}", parts.uri);
    let answer = match gateway.0.http.request(parts.method, url).headers(parts.headers).body(body).send().await {
        Ok(answer) => answer,
        Err(error) => return unreachable(format!("{error:?}")),
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let body = match answer.bytes().await {
        Ok(body) => body,
        Err(error) => return unreachable(format!("{error:?}")),
    };
    for hop in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(hop);
    }
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Where the stack keeps its state.
fn folder(stack: &Stack) -> &'static Path {
    stack.description().log_dir.parent().unwrap()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}
