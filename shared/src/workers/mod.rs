//! The Cloudflare Workers runtime. Its types appear here, in [`sign_in`](crate::sign_in)'s public keys (WebCrypto), in
//! [`log`](crate::log)'s one line of output, and in each function's entry, and nowhere else; so everything else runs and
//! is tested on the host.

mod caller_gone;
mod fetch;
mod schedule;
mod serve;

use std::{fmt, sync::OnceLock, time::Duration};

use futures_util::future::LocalBoxFuture;
pub use schedule::run_scheduled;
pub use serve::serve;

use crate::{
    clock::{Clock, UnixTime},
    config::{Environment, Misconfigured},
    http::{Runtime, Settings},
    outgoing::{Failure, Request, Response, Transport},
};

/// The runtime, as one request or scheduled run meets it.
struct Workers {
    env: worker::Env,
    context: Context,
}

/// The runtime's own handle on what began the work.
enum Context {
    Request(worker::Context),
    Schedule(worker::ScheduleContext),
}

impl Clock for Workers {
    fn now(&self) -> UnixTime {
        now()
    }

    fn wait(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(worker::Delay::from(duration))
    }
}

impl Transport for Workers {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        fetch::fetch(Some(fetch::network()), request)
    }

    fn has_service_binding(&self, binding: &str) -> bool {
        fetch::service(&self.env, binding).is_some()
    }

    fn fetch_service(&self, binding: &'static str, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        fetch::fetch(fetch::service(&self.env, binding), request)
    }
}

impl Runtime for Workers {
    fn after_response(&self, work: LocalBoxFuture<'static, ()>) {
        match &self.context {
            Context::Request(context) => context.wait_until(work),
            Context::Schedule(context) => context.wait_until(work),
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Workers")
    }
}

fn now() -> UnixTime {
    UnixTime::from_milliseconds(worker::Date::now().as_millis())
}

fn environment(env: &worker::Env) -> Environment<'_> {
    Environment::new(|name| env.var(name).ok().map(|value| value.to_string()))
}

fn read_once<S: Settings>(
    settings: &'static OnceLock<S>,
    environment: &Environment,
) -> Result<&'static S, Misconfigured> {
    if let Some(settings) = settings.get() {
        return Ok(settings);
    }
    let read = S::read(environment)?;
    Ok(settings.get_or_init(|| read))
}
