//! Time that passes only when nobody has anything left to do: then the clock goes on to the end of the shortest wait.

use std::{
    cell::{Cell, RefCell},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use crate::clock::UnixTime;

thread_local! {
    /// The waits that have begun and not ended. Each test has its own thread, or the thread to itself for a while.
    static WAITS: RefCell<Vec<Rc<Wait>>> = RefCell::default();
}

/// A machine's clock.
pub(super) type Now = Rc<Cell<UnixTime>>;

struct Wait {
    clock: Now,
    ends_at: UnixTime,
    waker: Waker,
}

/// Runs a future to its end. What is waited for on the way takes no time: the machine's clock goes on instead.
///
/// # Panics
/// If the future waits for something that nobody will ever do.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        while !woken.0.swap(false, Ordering::Relaxed) {
            end_shortest_wait();
        }
    }
}

/// Lets the time pass until the shortest wait is over.
fn end_shortest_wait() {
    let shortest = WAITS.with_borrow(|waits| waits.iter().min_by_key(|wait| wait.ends_at).cloned());
    let Some(wait) = shortest else { panic!("the future waits for something that nobody will ever do") };
    wait.clock.set(wait.clock.get().max(wait.ends_at));
    wait.waker.wake_by_ref();
    WAITS.with_borrow_mut(|waits| waits.retain(|other| !Rc::ptr_eq(other, &wait)));
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits on a machine's clock.
pub(super) struct Sleep {
    clock: Now,
    ends_at: UnixTime,
    wait: Option<Rc<Wait>>,
}

impl Sleep {
    pub(super) fn new(clock: Now, duration: Duration) -> Self {
        let ends_at = clock.get().plus(duration);
        Self { clock, ends_at, wait: None }
    }

    /// One that is given up must not move the clock.
    fn forget(&mut self) {
        if let Some(wait) = self.wait.take() {
            WAITS.with_borrow_mut(|waits| waits.retain(|other| !Rc::ptr_eq(other, &wait)));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.forget();
        if self.clock.get() >= self.ends_at {
            return Poll::Ready(());
        }
        let wait = Wait { clock: self.clock.clone(), ends_at: self.ends_at, waker: context.waker().clone() };
        let wait = Rc::new(wait);
        WAITS.with_borrow_mut(|waits| waits.push(wait.clone()));
        self.wait = Some(wait);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::{Either, join3, select};

    use super::block_on;
    use crate::testing::Machine;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_overlap_and_take_no_time() {
        let machine = Machine::new();
        let upstream = machine.upstream();
        block_on(join3(upstream.wait(2 * SECOND), upstream.wait(3 * SECOND), upstream.wait(Duration::ZERO)));
        assert_eq!(machine.waited(), 3 * SECOND);
    }

    #[test]
    fn a_wait_that_is_given_up_does_not_move_the_clock() {
        let machine = Machine::new();
        let upstream = machine.upstream();
        let (long, short) = (Box::pin(upstream.wait(9 * SECOND)), Box::pin(upstream.wait(2 * SECOND)));
        assert!(matches!(block_on(select(long, short)), Either::Right(_)));
        block_on(upstream.wait(SECOND));
        assert_eq!(machine.now(), Machine::new().now().plus(3 * SECOND));
    }

    #[test]
    #[should_panic(expected = "nobody will ever do")]
    fn a_future_that_can_never_end_is_a_failure() {
        block_on(std::future::pending::<()>());
    }
}
