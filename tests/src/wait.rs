//! Waiting for something to happen, instead of for some time.

use std::time::{Duration, Instant};

/// In a healthy stack nothing takes longer.
const TIMEOUT: Duration = Duration::from_secs(15);

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
