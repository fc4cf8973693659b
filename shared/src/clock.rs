//! The one clock. It is read at the edge and handed down, so that what depends on the time can be tested without
//! waiting.

use std::{fmt, ops::Sub, time::Duration};

use chrono::{DateTime, Datelike as _, Timelike as _};
use futures_util::future::LocalBoxFuture;

/// Tells the time and lets it pass: the runtime's on Workers, one that is set by hand in tests.
pub trait Clock: fmt::Debug {
    /// The time now. On Workers it stands still between calls to the outside.
    fn now(&self) -> UnixTime;

    /// Waits without holding a thread.
    fn wait(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(u64);

impl UnixTime {
    /// From milliseconds.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds)
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

    /// As `2026-03-02T10:15:00.808Z`. What no calendar reaches, 260,000 years ahead, is the year 1970.
    #[must_use]
    pub fn to_iso_8601(self) -> String {
        let time = i64::try_from(self.0).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        // Written out, because chrono's own formatting adds a dozen kilobytes to every function.
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.timestamp_subsec_millis()
        )
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

#[cfg(test)]
mod tests {
    use super::UnixTime;

    #[test]
    fn a_time_is_written_as_browsers_write_it() {
        let time = UnixTime::from_milliseconds(1_772_446_500_808);
        assert_eq!(time.to_iso_8601(), "2026-03-02T10:15:00.808Z");
        assert_eq!(UnixTime::from_seconds(0).to_iso_8601(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixTime::from_milliseconds(u64::MAX).to_iso_8601(), "1970-01-01T00:00:00.000Z");
    }
}
