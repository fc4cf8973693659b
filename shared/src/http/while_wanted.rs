//! Work that ends early when nobody waits for it any more.

use std::{future::poll_fn, pin::pin, task::Poll};

/// Works until it is done, or until `gone` is: then the work is dropped where it stands, unless it must be finished. Work
/// whose caller was gone before it began is not begun.
pub(crate) async fn while_wanted<T>(
    work: impl Future<Output = T>,
    gone: impl Future<Output = ()>,
    must_be_finished: impl Fn() -> bool,
) -> Option<T> {
    let (mut work, mut gone) = (pin!(work), pin!(gone));
    let mut is_gone = false;
    poll_fn(|context| {
        is_gone = is_gone || gone.as_mut().poll(context).is_ready();
        if is_gone && !must_be_finished() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::{pending, ready},
        time::Duration,
    };

    use super::while_wanted;
    use crate::testing::{Machine, block_on};

    const CALLER_WAITS: Duration = Duration::from_secs(2);

    /// Work that takes three seconds and writes down how far it got; from the first second on it must be finished if it
    /// says so. Its caller hangs up after two.
    fn done(holds_something: bool) -> (Option<&'static str>, u8) {
        let (machine, must_be_finished, seconds) = (Machine::new(), Cell::new(false), Cell::new(0));
        let upstream = machine.upstream();
        let work = async {
            for second in 1..=3 {
                upstream.wait(Duration::from_secs(1)).await;
                must_be_finished.set(holds_something);
                seconds.set(second);
            }
            "done"
        };
        let outcome = block_on(while_wanted(work, upstream.wait(CALLER_WAITS), || must_be_finished.get()));
        (outcome, seconds.get())
    }

    #[test]
    fn work_that_holds_nothing_ends_with_its_caller() {
        let (outcome, seconds) = done(false);
        assert_eq!(outcome, None);
        assert!(seconds < 3, "{seconds}");
    }

    #[test]
    fn work_that_holds_something_goes_on_without_its_caller() {
        assert_eq!(done(true), (Some("done"), 3));
    }

    #[test]
    fn nothing_is_begun_for_a_caller_who_is_gone_already() {
        let begun = Cell::new(false);
        let work = async { begun.set(true) };
        assert_eq!(block_on(while_wanted(work, ready(()), || false)), None);
        assert!(!begun.get());
        assert_eq!(block_on(while_wanted(ready(7), pending(), || false)), Some(7));
    }
}
