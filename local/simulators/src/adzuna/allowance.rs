//! How often an application may ask.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// The limits, each for any stretch of time of its length.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Calls in a minute.
    pub minute: usize,
    /// Calls in a day.
    pub day: usize,
    /// Calls in a week.
    pub week: usize,
    /// Calls in a month.
    pub month: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { minute: 25, day: 250, week: 1_000, month: 2_500 }
    }
}

/// The limits and the calls that count against them.
#[derive(Default)]
pub(super) struct Allowance {
    pub limits: Limits,
    calls: VecDeque<Instant>,
}

impl Allowance {
    /// Whether one more call is allowed, which then counts.
    pub fn take(&mut self) -> bool {
        let now = Instant::now();
        while self.calls.front().is_some_and(|call| now - *call > 31 * DAY) {
            self.calls.pop_front();
        }
        let Limits { minute, day, week, month } = self.limits;
        let is_spent = [(MINUTE, minute), (DAY, day), (7 * DAY, week), (31 * DAY, month)]
            .into_iter()
            .any(|(period, most)| self.calls.iter().rev().take_while(|call| now - **call < period).count() >= most);
        if !is_spent {
            self.calls.push_back(now);
        }
        !is_spent
    }
}
