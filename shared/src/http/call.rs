//! One piece of work on its way through a function, whatever began it.

use std::{cell::Cell, fmt, rc::Rc};

use futures_util::future::LocalBoxFuture;

use crate::{
    clock::{Clock, UnixTime},
    config::{Environment, Misconfigured},
    ids::RequestId,
    outgoing::{Transport, Upstream},
};

/// What a function needs to know of its environment, read once for each isolate.
pub trait Settings: Sized + Send + Sync + 'static {
    /// Reads all of it, so that a missing value is found at the first request.
    ///
    /// # Errors
    /// The name of the first setting that is missing or malformed.
    fn read(environment: &Environment) -> Result<Self, Misconfigured>;
}

/// What a function needs of the machine it runs on: Workers in production, canned responses and a clock that is set by
/// hand in tests.
pub trait Runtime: Clock + Transport {
    /// Goes on with `work` once the response is on its way. It may be cut off at any time.
    fn after_response(&self, work: LocalBoxFuture<'static, ()>);
}

/// A request, or a scheduled run, on its way through a function.
pub struct Call<S: 'static> {
    /// The function's settings.
    pub settings: &'static S,
    /// The id that follows it everywhere.
    pub request_id: RequestId,
    /// The outside world.
    pub upstream: Upstream,
    /// When it came in.
    pub received_at: UnixTime,
    runtime: Rc<dyn Runtime>,
    runs_to_completion: Cell<bool>,
}

impl<S> Call<S> {
    /// Work that begins now.
    #[must_use]
    pub fn new(settings: &'static S, request_id: RequestId, runtime: Rc<dyn Runtime>) -> Self {
        let upstream = Upstream::new(request_id, runtime.clone(), runtime.clone());
        let received_at = runtime.now();
        Self { settings, request_id, upstream, received_at, runtime, runs_to_completion: Cell::new(false) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.runtime.now()
    }

    /// From here on the work goes on when its caller hangs up: it is about to take a lease or a claim, which nobody else
    /// gives back, or to change something.
    pub fn run_to_completion(&self) {
        self.runs_to_completion.set(true);
    }

    /// Whether it does.
    #[must_use]
    pub fn runs_to_completion(&self) -> bool {
        self.runs_to_completion.get()
    }

    /// Goes on with something once the response is on its way. It may be cut off at any time, so it
    /// must not be the only way to get it done.
    pub fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        self.runtime.after_response(Box::pin(work));
    }
}

impl<S: fmt::Debug> fmt::Debug for Call<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::Settings;
    use crate::{
        config::{Environment, Misconfigured},
        testing::{Machine, block_on},
    };

    struct NoSettings;

    impl Settings for NoSettings {
        fn read(_: &Environment) -> Result<Self, Misconfigured> {
            Ok(Self)
        }
    }

    #[test]
    fn work_ends_with_its_caller_until_it_says_otherwise() {
        let call = Machine::new().call::<NoSettings>();
        assert!(!call.runs_to_completion());
        call.run_to_completion();
        assert!(call.runs_to_completion());
    }

    #[test]
    fn what_is_put_off_is_done_once_the_response_is_on_its_way() {
        let (machine, is_done) = (Machine::new(), Rc::new(Cell::new(false)));
        let done = is_done.clone();
        machine.call::<NoSettings>().after_response(async move { done.set(true) });
        assert!(!is_done.get());
        block_on(machine.finish());
        assert!(is_done.get());
    }
}
