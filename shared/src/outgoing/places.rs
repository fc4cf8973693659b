//! How many calls a part of the work has under way at the same time, whatever they are. A Worker may have six that wait
//! for the headers of their responses; a seventh waits for one of those, while its own time runs.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use futures_util::future::LocalBoxFuture;

use super::{Failure, Request, Response, Transport};

/// The places of calls that are under way. Clones share them.
#[derive(Debug, Clone)]
pub struct Places(Rc<State>);

#[derive(Debug)]
struct State {
    free: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

impl Places {
    /// So many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Rc::new(State { free: Cell::new(count), waiting: RefCell::default() }))
    }

    /// Waits for a place. The time that a call may take begins after that.
    async fn take(&self) -> Place {
        poll_fn(|context| {
            if let Some(left) = self.0.free.get().checked_sub(1) {
                self.0.free.set(left);
                return Poll::Ready(());
            }
            self.0.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        Place(self.0.clone())
    }
}

/// A place that is taken.
struct Place(Rc<State>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.set(self.0.free.get().saturating_add(1));
        // All of them, because any one may have been given up.
        self.0.waiting.take().into_iter().for_each(Waker::wake);
    }
}

/// A transport each of whose calls takes a place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) transport: Rc<dyn Transport>,
    pub(super) places: Places,
}

impl Transport for Placed {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let _place = self.places.take().await;
            self.transport.fetch(request).await
        })
    }

    fn has_service_binding(&self, binding: &str) -> bool {
        self.transport.has_service_binding(binding)
    }

    fn fetch_service(&self, binding: &'static str, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let _place = self.places.take().await;
            self.transport.fetch_service(binding, request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::{Either, join_all, select};

    use super::Places;
    use crate::{
        outgoing::{Failure, Request},
        testing::{Machine, block_on, service_role, settings},
    };

    const SECOND: Duration = Duration::from_secs(1);

    fn request() -> Request {
        Request::get("https://vendor.example/v1/things".parse().unwrap()).within(3 * SECOND)
    }

    fn slow(machine: Machine) -> Machine {
        machine.responds("/things", 200, 7).taking(2 * SECOND)
    }

    #[test]
    fn what_has_no_place_waits_for_one_and_its_time_begins_then() {
        let machine = (0..5).fold(Machine::new(), |machine, _| slow(machine));
        let places = Places::new(2);
        let parts = [1, 2, 3, 4, 5].map(|_| machine.upstream().counted_apart(&places));
        let results = block_on(join_all(parts.iter().map(|part| part.send("vendor", request()))));
        assert!(results.iter().all(Result::is_ok), "none has timed out");
        let at: Vec<u64> = machine.sent().iter().map(|sent| sent.at.as_secs()).collect();
        assert_eq!(at, [0, 0, 2, 2, 4]);
    }

    #[test]
    fn a_call_that_fails_or_is_given_up_leaves_its_place() {
        let machine = slow(slow(Machine::new()).fails("/things", Failure::Unreachable));
        let upstream = machine.upstream().counted_apart(&Places::new(1));
        let given_up = Box::pin(upstream.send("vendor", request()));
        assert!(matches!(block_on(select(given_up, Box::pin(upstream.wait(SECOND)))), Either::Right(_)));
        assert_eq!(block_on(upstream.send("vendor", request())).err(), Some(Failure::Unreachable));
        assert!(block_on(upstream.send("vendor", request())).is_ok());
    }

    #[test]
    fn a_service_binding_takes_a_place_too() {
        let machine = slow(slow(Machine::new()));
        let upstream = machine.upstream().counted_apart(&Places::new(1));
        let supabase = settings::<NoSettings>();
        let call = async || {
            let binding = upstream.service_binding("things", "THINGS").unwrap();
            binding.post_json(service_role(), &supabase.0, String::new()).await
        };
        block_on(join_all([call(), call()]));
        let at: Vec<u64> = machine.sent().iter().map(|sent| sent.at.as_secs()).collect();
        assert_eq!(at, [0, 2]);

        let upstream = Machine::new().without_service_bindings().upstream().counted_apart(&Places::new(1));
        assert!(upstream.service_binding("things", "THINGS").is_none(), "and is no more there than without places");
    }

    struct NoSettings(crate::config::Supabase);

    impl crate::http::Settings for NoSettings {
        fn read(environment: &crate::config::Environment) -> Result<Self, crate::config::Misconfigured> {
            crate::config::Supabase::read(environment).map(Self)
        }
    }
}
