//! A project of the push service: what it asks for, and what it can take.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The most messages in a second.
const MOST_IN_A_SECOND: usize = 600;

/// What is known of a project.
#[derive(Default)]
pub(super) struct Project {
    /// With one, every request needs it.
    pub access_token: Option<String>,
    /// How long an answer takes.
    pub answers_after: Duration,
    /// Requests that asked for something of the right form, refused or not.
    pub requests: usize,
    /// The most requests that waited for their answer at the same time.
    pub most_at_once: usize,
    pub at_once: usize,
    /// When messages were taken in the last second, and how many.
    recent: VecDeque<(Instant, usize)>,
}

impl Project {
    /// Counts the messages, unless there were too many in the last second.
    pub fn takes(&mut self, messages: usize, now: Instant) -> bool {
        while self.recent.front().is_some_and(|(at, _)| now - *at >= Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        let recent: usize = self.recent.iter().map(|(_, messages)| messages).sum();
        let takes = recent + messages <= MOST_IN_A_SECOND;
        if takes {
            self.recent.push_back((now, messages));
        }
        takes
    }

    pub fn begin(&mut self) {
        self.requests += 1;
        self.at_once += 1;
        self.most_at_once = self.most_at_once.max(self.at_once);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Project;

    #[test]
    fn a_project_takes_six_hundred_messages_a_second() {
        let (mut project, start) = (Project::default(), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        for place in 0..6 {
            assert!(project.takes(100, after(place * 100)));
        }
        assert!(!project.takes(1, after(999)));
        assert!(project.takes(100, after(1000)), "the first hundred are a second ago");
        assert!(!project.takes(1, after(1001)));
    }
}
