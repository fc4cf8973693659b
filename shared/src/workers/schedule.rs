//! The frame around a scheduled run.

use std::{rc::Rc, sync::OnceLock};

use super::{Context, Workers, environment, now, read_once};
use crate::{
    http::{Call, Settings},
    ids::RequestId,
    log::{self, LogLine},
    problem::Problem,
    sign_in::Scheduled,
};

/// Runs `handle`, which returns a word for the log line. Nobody waits for a response, so a problem is
/// logged and the next run begins anew.
pub async fn run_scheduled<S: Settings>(
    function: &'static str,
    env: &worker::Env,
    context: worker::ScheduleContext,
    settings: &'static OnceLock<S>,
    handle: impl AsyncFn(Scheduled, &Call<S>) -> Result<String, Problem>,
) {
    let received_at = now();
    let request_id = RequestId::random();
    let (outcome, records) = match read_once(settings, &environment(env)) {
        Ok(settings) => {
            let runtime = Workers { env: env.clone(), context: Context::Schedule(context) };
            let call = Call::new(settings, request_id, Rc::new(runtime));
            (handle(Scheduled::by_the_runtime(), &call).await, call.upstream.records())
        }
        Err(misconfigured) => (Err(misconfigured.into()), Vec::new()),
    };
    let cause = outcome.as_ref().err().and_then(Problem::cause);
    log::write(&LogLine {
        upstream: &records,
        outcome: outcome.as_deref().unwrap_or_else(|problem| problem.kind().code),
        cause: cause.as_deref(),
        ..LogLine::new(function, request_id, received_at, now())
    });
}
