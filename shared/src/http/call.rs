//! One piece of work on its way through a function, whatever began it.

use std::sync::OnceLock;

use crate::{
    clock::UnixTime,
    config::{Environment, Misconfigured},
    ids::RequestId,
    outgoing::{ServiceBinding, Upstream},
};

/// What a function needs to know of its environment, read once for each isolate.
pub trait Settings: Sized + Send + Sync + 'static {
    /// Reads all of it, so that a missing value is found at the first request.
    ///
    /// # Errors
    /// The name of the first setting that is missing or malformed.
    fn read(environment: &Environment) -> Result<Self, Misconfigured>;
}

/// A request, or a scheduled run, on its way through a function.
#[derive(Debug)]
pub struct Call<S: 'static> {
    /// The function's settings.
    pub settings: &'static S,
    /// The id that follows it everywhere.
    pub request_id: RequestId,
    /// The outside world.
    pub upstream: Upstream,
    /// When it came in.
    pub received_at: UnixTime,
    pub(super) after: After,
    pub(super) env: worker::Env,
}

/// The runtime's own handle on what began the work.
#[derive(Debug)]
pub(super) enum After {
    Request(worker::Context),
    Schedule(worker::ScheduleContext),
}

impl<S> Call<S> {
    /// Another function of ours, by its name and the service binding that leads to it. None where
    /// there is no such binding.
    #[must_use]
    pub fn service_binding(&self, name: &'static str, binding: &str) -> Option<ServiceBinding> {
        let fetcher = self.env.service(binding).ok()?;
        Some(ServiceBinding::new(name, fetcher, self.request_id))
    }

    /// Goes on with something once the answer is on its way. It may be cut off at any time, so it
    /// must not be the only way to get it done.
    pub fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        match &self.after {
            After::Request(context) => context.wait_until(work),
            After::Schedule(context) => context.wait_until(work),
        }
    }
}

pub(super) fn environment(env: &worker::Env) -> Environment<'_> {
    Environment::new(|name| env.var(name).ok().map(|value| value.to_string()))
}

pub(super) fn read_once<S: Settings>(
    settings: &'static OnceLock<S>,
    environment: &Environment,
) -> Result<&'static S, Misconfigured> {
    if let Some(settings) = settings.get() {
        return Ok(settings);
    }
    let read = S::read(environment)?;
    Ok(settings.get_or_init(|| read))
}
