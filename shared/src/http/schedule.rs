//! The frame around what a function does by the clock.

use std::sync::OnceLock;

use super::{
    Call, Settings,
    call::{After, environment, read_once},
};
use crate::{
    clock::UnixTime,
    ids::RequestId,
    log::{self, LogLine},
    outgoing::Upstream,
    problem::Problem,
};

/// Runs `handle`, which answers a word for the log line. Nobody waits for an answer, so a problem is
/// logged and the next run begins anew.
pub async fn run_scheduled<S: Settings>(
    function: &'static str,
    env: &worker::Env,
    context: worker::ScheduleContext,
    settings: &'static OnceLock<S>,
    handle: impl AsyncFn(&Call<S>) -> Result<String, Problem>,
) {
    let received_at = UnixTime::now();
    let request_id = RequestId::random();
    let (outcome, records) = match read_once(settings, &environment(env)) {
        Ok(settings) => {
            let upstream = Upstream::new(request_id);
            let after = After::Schedule(context);
            let call = Call { settings, request_id, upstream, received_at, after, env: env.clone() };
            (handle(&call).await, call.upstream.records())
        }
        Err(misconfigured) => (Err(misconfigured.into()), Vec::new()),
    };
    let cause = outcome.as_ref().err().and_then(Problem::cause);
    log::write(&LogLine {
        upstream: &records,
        outcome: outcome.as_deref().unwrap_or_else(|problem| problem.kind().code),
        cause: cause.as_deref(),
        ..LogLine::new(function, request_id, received_at)
    });
}
