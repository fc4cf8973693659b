//! Load shedding: how many requests are in flight in this isolate, and how many may be.
//!
//! The requests of an isolate share one thread and 128 MB. Callers that do not wait, but hang up and ask again, would fill
//! them with work whose results nobody reads. What is over the limit is refused at once, so that what is accepted stays fast.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use crate::{clock::UnixTime, problem::Problem};

/// Longer than a request takes: the runtime ends one half a minute after its caller has hung up, and what it ends it
/// does not tell. A request of that age counts no more, or each of them would take a place for as long as the isolate lives.
const LOST_AFTER: Duration = Duration::from_mins(1);

thread_local! {
    static OF_THIS_ISOLATE: InFlight = InFlight::default();
}

/// The requests that are in flight.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// In the order of their beginning.
    begun: BTreeMap<u64, UnixTime>,
}

/// A request's place among them, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place {
    number: u64,
    among: InFlight,
}

impl InFlight {
    pub(crate) fn of_this_isolate() -> Self {
        OF_THIS_ISOLATE.with(Self::clone)
    }

    /// Lets a request in, unless so many are in flight already.
    ///
    /// # Errors
    /// [`Problem::Overloaded`].
    pub(crate) fn admit(&self, limit: usize, now: UnixTime) -> Result<Place, Problem> {
        let mut state = self.0.borrow_mut();
        if state.begun.len() >= limit {
            state.begun.retain(|_, begun| now - *begun < LOST_AFTER);
        }
        if state.begun.len() >= limit {
            return Err(Problem::Overloaded);
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        state.begun.insert(number, now);
        Ok(Place { number, among: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.among.0.borrow_mut().begun.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::InFlight;
    use crate::{clock::UnixTime, problem::Problem, testing::block_on};

    const NOW: UnixTime = UnixTime::from_seconds(1_772_446_500);

    #[test]
    fn one_more_than_the_limit_is_refused_until_a_place_is_free() {
        let in_flight = InFlight::default();
        let first = in_flight.admit(2, NOW).unwrap();
        let second = in_flight.admit(2, NOW).unwrap();
        let refused = in_flight.admit(2, NOW).unwrap_err();
        assert_eq!((refused.kind().status, refused.kind().code), (503, "overloaded"));
        assert!(refused.retry_after().is_some());
        drop(first);
        let third = in_flight.admit(2, NOW).unwrap();
        assert!(in_flight.admit(2, NOW).is_err());
        drop((second, third));
        assert!(in_flight.admit(1, NOW).is_ok());
    }

    #[test]
    fn all_requests_of_an_isolate_are_counted_together() {
        let place = InFlight::of_this_isolate().admit(1, NOW).unwrap();
        assert!(InFlight::of_this_isolate().admit(1, NOW).is_err());
        drop(place);
        assert!(InFlight::of_this_isolate().admit(1, NOW).is_ok());
    }

    #[test]
    fn work_that_is_dropped_half_done_gives_its_place_back() {
        let in_flight = InFlight::default();
        let work = || async {
            let _place = in_flight.admit(1, NOW)?;
            std::future::pending::<()>().await;
            Ok::<_, Problem>(())
        };
        let mut begun = Box::pin(work());
        let polled = block_on(async { futures_util::poll!(begun.as_mut()) });
        assert!(polled.is_pending() && in_flight.admit(1, NOW).is_err());
        drop(begun);
        assert!(in_flight.admit(1, NOW).is_ok());
    }

    #[test]
    fn what_the_runtime_ended_without_a_word_counts_for_a_minute() {
        let in_flight = InFlight::default();
        std::mem::forget(in_flight.admit(1, NOW).unwrap());
        let almost = NOW.plus(Duration::from_secs(59));
        assert!(in_flight.admit(1, almost).is_err());
        let a_minute_later = NOW.plus(Duration::from_mins(1));
        let place = in_flight.admit(1, a_minute_later).unwrap();
        assert!(in_flight.admit(1, a_minute_later).is_err(), "and the new one counts");
        drop(place);
    }
}
