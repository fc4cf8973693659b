//! How often something is tried and how long the pauses are. The caller does the waiting, by its own clock.

use std::time::Duration;

use uuid::Uuid;

/// A schedule of attempts: the first one at once, each further one after a pause.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    pauses_ms: &'static [u64],
    jitter_percent: u32,
}

impl RetryPolicy {
    /// One attempt, and no further one.
    pub const ONCE: Self = Self::pausing(&[]);

    /// Another attempt after each of these pauses, in milliseconds.
    #[must_use]
    pub const fn pausing(pauses_ms: &'static [u64]) -> Self {
        Self { pauses_ms, jitter_percent: 0 }
    }

    /// Makes each pause longer by up to this much, at random, so that callers that failed together do not come back
    /// together.
    #[must_use]
    pub const fn with_jitter_percent(self, jitter_percent: u32) -> Self {
        Self { jitter_percent, ..self }
    }

    /// The pauses, in order. When there are no more, the last attempt has been made.
    pub fn pauses(self) -> impl Iterator<Item = Duration> {
        self.pauses_with(random)
    }

    /// As [`Self::pauses`], with numbers out of the whole range for the jitter. Whole numbers only: the arithmetic of
    /// fractions would be in every function.
    fn pauses_with(self, random: impl Fn() -> u32) -> impl Iterator<Item = Duration> {
        let jitter = u64::from(self.jitter_percent);
        let longer_by = move |pause: u64| {
            let most = pause.saturating_mul(jitter) / 100;
            if most == 0 { 0 } else { most.saturating_mul(u64::from(random())) / u64::from(u32::MAX) }
        };
        self.pauses_ms.iter().map(move |pause| Duration::from_millis(pause.saturating_add(longer_by(*pause))))
    }
}

fn random() -> u32 {
    Uuid::new_v4().as_fields().0
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use super::RetryPolicy;

    #[test]
    fn there_is_one_attempt_more_than_pauses() {
        let pauses: Vec<Duration> = RetryPolicy::pausing(&[100, 400]).pauses().collect();
        assert_eq!(pauses, [Duration::from_millis(100), Duration::from_millis(400)]);
        assert_eq!(RetryPolicy::ONCE.pauses().next(), None);
    }

    #[test]
    fn jitter_makes_a_pause_longer_and_never_shorter() {
        let policy = RetryPolicy::pausing(&[100, 200]).with_jitter_percent(30);
        let milliseconds =
            |random: u32| -> Vec<u128> { policy.pauses_with(|| random).map(|pause| pause.as_millis()).collect() };
        assert_eq!(milliseconds(0), [100, 200]);
        assert_eq!(milliseconds(u32::MAX / 2), [114, 229]);
        assert_eq!(milliseconds(u32::MAX), [130, 260]);
        assert!(policy.pauses().all(|pause| pause < Duration::from_millis(300)));
    }

    #[test]
    fn callers_that_failed_together_do_not_come_back_together() {
        let policy = RetryPolicy::pausing(&[1_000_000_000]).with_jitter_percent(100);
        let pauses: HashSet<Duration> = (0..20).flat_map(|_| policy.pauses()).collect();
        assert!(pauses.len() > 10, "{pauses:?}");
    }
}
