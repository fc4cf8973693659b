//! The one clock. It is read at the edge and handed down as a value, so that what depends on the
//! time can be tested without waiting.

use std::{ops::Sub, time::Duration};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The time now. On Workers it stands still between calls to the outside.
    #[must_use]
    pub fn now() -> Self {
        Self(worker::Date::now().as_millis())
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds.
    #[must_use]
    pub const fn milliseconds(self) -> u64 {
        self.0
    }

    /// As `2026-03-02T10:15:00.808Z`.
    #[must_use]
    pub fn to_iso_8601(self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "exact for the next 285,000 years")]
        let milliseconds = self.0 as f64;
        worker::js_sys::Date::new(&milliseconds.into()).to_iso_string().into()
    }

    /// This time and `duration` more.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }
}

impl Sub for UnixTime {
    type Output = Duration;

    /// The time that passed since `earlier`; zero if it lies ahead.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Waits without holding a thread.
pub async fn wait(duration: Duration) {
    worker::Delay::from(duration).await;
}
