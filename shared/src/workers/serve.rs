//! The frame around every function: limits, request id, CORS, problems, and the log line.

use std::{rc::Rc, sync::OnceLock};

use futures_util::StreamExt as _;

use super::{Context, Workers, caller_gone::CallerGone, environment, now, read_once};
use crate::{
    headers::Headers,
    http::{AllowedOrigins, Call, Endpoint, InFlight, Incoming, Method, Reply, Settings, while_wanted},
    ids::RequestId,
    log::{self, CallRecord, LogLine, server_timing},
    problem::Problem,
};

/// Apart from the other settings: a browser must be able to read the response that reports a bad one.
static ORIGINS: OnceLock<AllowedOrigins> = OnceLock::new();

/// Runs `handle` inside the frame.
///
/// The runtime lets a request go on when its caller has hung up, because functions are built with `RUN_TO_COMPLETION`: its
/// response is also something that it waits for. So it is decided here what ends then: what must not be finished.
///
/// # Errors
/// Only if the runtime refuses to build the response.
pub async fn serve<S: Settings>(
    request: worker::Request,
    env: &worker::Env,
    context: worker::Context,
    settings: &'static OnceLock<S>,
    endpoint: Endpoint,
    handle: impl AsyncFn(&Incoming, &Call<S>) -> Result<Reply, Problem>,
) -> worker::Result<worker::Response> {
    let received_at = now();
    let headers: Headers = request.headers().entries().collect();
    let request_id = headers.get("x-request-id").and_then(|id| id.parse().ok()).unwrap_or_else(RequestId::random);
    let environment = environment(env);
    let origins = ORIGINS.get_or_init(|| AllowedOrigins::parse(environment.optional("ALLOWED_ORIGINS").as_deref()));
    let cors = origins.headers(headers.get("origin"));

    let call = async {
        let method = method(&request, endpoint);
        if method == Method::Options {
            return Ok((preflight(endpoint), Vec::new()));
        }
        let _place = InFlight::of_this_isolate().admit(endpoint.most_in_flight, received_at)?;
        let gone = CallerGone::of(&request);
        let incoming = read(request, method, headers, endpoint).await?;
        let settings = read_once(settings, &environment)?;
        let runtime = Workers { env: env.clone(), context: Context::Request(context) };
        let call = Call::new(settings, request_id, Rc::new(runtime));
        if endpoint.runs_to_completion {
            call.run_to_completion();
        }
        let reply = while_wanted(handle(&incoming, &call), gone, || call.runs_to_completion()).await;
        let reply = match reply {
            Some(Ok(reply)) => reply,
            Some(Err(problem)) => Reply::problem(&problem, request_id),
            None => Reply::to_nobody(),
        };
        Ok((reply, call.upstream.records()))
    };
    let (reply, records) =
        call.await.unwrap_or_else(|problem: Problem| (Reply::problem(&problem, request_id), Vec::new()));

    log::write(&LogLine {
        status: Some(reply.status),
        upstream: &records,
        outcome: &reply.outcome,
        cause: reply.cause.as_deref(),
        ..LogLine::new(endpoint.name, request_id, received_at, now())
    });
    respond(reply, &cors, request_id, &records)
}

fn preflight(endpoint: Endpoint) -> Reply {
    let mut reply = Reply::no_content("preflight");
    reply.headers = AllowedOrigins::preflight_headers(endpoint.allow());
    reply
}

fn method(request: &worker::Request, endpoint: Endpoint) -> Method {
    match request.method() {
        worker::Method::Get if endpoint.takes_query => Method::Get,
        worker::Method::Post => Method::Post,
        worker::Method::Options => Method::Options,
        _ => Method::Other,
    }
}

async fn read(
    mut request: worker::Request,
    method: Method,
    headers: Headers,
    endpoint: Endpoint,
) -> Result<Incoming, Problem> {
    let url = request.url().map_err(|error| Problem::internal(error.to_string()))?;
    let body = match method {
        Method::Post => read_body(&mut request, &headers, endpoint.body_limit).await?,
        Method::Get | Method::Options => Vec::new(),
        Method::Other => return Err(Problem::MethodNotAllowed { allow: endpoint.allow() }),
    };
    Ok(Incoming { method, url, headers, body })
}

/// Many clients read the response only once they have sent everything, so a body that is too long is
/// taken in and thrown away up to here; past that the connection may break before they see the 413.
const THROWN_AWAY_AT_MOST: usize = 16 * 1024 * 1024;

/// A body of a declared length within the limit is read at once. Any other is counted as it comes,
/// so that an endless one is not collected.
async fn read_body(request: &mut worker::Request, headers: &Headers, limit: usize) -> Result<Vec<u8>, Problem> {
    let broken = |_| Problem::invalid("body", "could not be read");
    let declared = headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
    if declared.is_some_and(|length| length <= limit) {
        return request.bytes().await.map_err(broken);
    }
    let mut body = Vec::new();
    let Ok(mut stream) = request.stream() else {
        return Ok(body); // a request without any body
    };
    let mut length: usize = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(broken)?;
        length = length.saturating_add(chunk.len());
        if length <= limit {
            body.extend_from_slice(&chunk);
        } else if length > THROWN_AWAY_AT_MOST {
            break;
        }
    }
    if length > limit { Err(Problem::BodyTooLarge { limit }) } else { Ok(body) }
}

fn respond(
    reply: Reply,
    cors: &[(&'static str, String)],
    request_id: RequestId,
    records: &[CallRecord],
) -> worker::Result<worker::Response> {
    let headers = worker::Headers::new();
    for (name, value) in cors.iter().chain(&reply.headers) {
        headers.set(name, value)?;
    }
    headers.set("x-request-id", &request_id.to_string())?;
    headers.set("cache-control", "no-store")?;
    if !records.is_empty() {
        headers.set("server-timing", &server_timing(records))?;
    }
    let builder = worker::Response::builder().with_status(reply.status).with_headers(headers);
    Ok(if reply.body.is_empty() { builder.empty() } else { builder.fixed(reply.body) })
}
