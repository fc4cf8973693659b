//! Waiting for something to happen, instead of for some time.

use std::time::{Duration, Instant};

use crate::stack::Stack;

/// Only ends a test that would wait for ever: nothing takes as long, on a slow machine with much else to do either.
const TIMEOUT: Duration = Duration::from_mins(3);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// Looks again and again until there is something.
///
/// # Panics
/// If there still is nothing when the time is over, saying what was waited for.
pub async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    within(TIMEOUT, what, look).await
}

/// The same for what is meant to take a while.
///
/// # Panics
/// Likewise.
pub async fn within<T>(timeout: Duration, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < timeout, "still waiting after {timeout:?} for: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// For a test of what is counted by the day: it begins when there is time enough for it in this one.
pub async fn midnight_is_far(stack: &Stack) {
    within(Duration::from_mins(10), "it is a new day", async || {
        let is_far =
            "select (now() at time zone 'utc')::date = ((now() + interval '3 minutes') at time zone 'utc')::date";
        stack.database().query(is_far, &[]).await[0].get::<_, bool>(0).then_some(())
    })
    .await;
}
