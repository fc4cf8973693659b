//! How often something is tried and how long the pauses are. The caller does the waiting, by its own clock.

use std::time::Duration;

use uuid::Uuid;

/// A schedule of attempts: the first one at once, each further one after a pause.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    pauses_ms: &'static [u64],
    jitter: f64,
}

impl RetryPolicy {
    /// Another attempt after each of these pauses, in milliseconds.
    #[must_use]
    pub const fn pausing(pauses_ms: &'static [u64]) -> Self {
        Self { pauses_ms, jitter: 0.0 }
    }

    /// Makes each pause longer by up to this fraction, at random, so that callers that failed together do not come back
    /// together.
    #[must_use]
    pub const fn with_jitter(self, jitter: f64) -> Self {
        Self { jitter, ..self }
    }

    /// The pauses, in order. When there are no more, the last attempt has been made.
    pub fn pauses(self) -> impl Iterator<Item = Duration> {
        self.pauses_with(random)
    }

    /// As [`Self::pauses`], with numbers from 0 to 1 for the jitter.
    fn pauses_with(self, random: impl Fn() -> f64) -> impl Iterator<Item = Duration> {
        let jitter = self.jitter;
        let longer = move || if jitter > 0.0 { 1.0 + jitter * random() } else { 1.0 };
        self.pauses_ms.iter().map(move |pause| Duration::from_millis(*pause).mul_f64(longer()))
    }
}

fn random() -> f64 {
    f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RetryPolicy, random};

    #[test]
    fn there_is_one_attempt_more_than_pauses() {
        let pauses: Vec<Duration> = RetryPolicy::pausing(&[100, 400]).pauses().collect();
        assert_eq!(pauses, [Duration::from_millis(100), Duration::from_millis(400)]);
        assert_eq!(RetryPolicy::pausing(&[]).pauses().next(), None);
    }

    #[test]
    fn jitter_makes_a_pause_longer_and_never_shorter() {
        let policy = RetryPolicy::pausing(&[100, 200]).with_jitter(0.3);
        let milliseconds =
            |random: f64| -> Vec<u128> { policy.pauses_with(|| random).map(|pause| pause.as_millis()).collect() };
        assert_eq!(milliseconds(0.0), [100, 200]);
        assert_eq!(milliseconds(1.0), [130, 260]);
        assert!((0..100).map(|_| random()).all(|random| (0.0..=1.0).contains(&random)));
    }
}
