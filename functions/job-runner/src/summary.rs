//! What a run did, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

/// The response to a run request.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// How many jobs were run.
    pub(crate) jobs: usize,
    /// How many of them ended in which way.
    #[serde(rename = "endings")]
    pub(crate) outcomes: BTreeMap<String, usize>,
    /// Whether the time was up before the work was done.
    pub(crate) more: bool,
    /// The calls that the jobs made.
    #[serde(skip)]
    pub(crate) calls: usize,
}

impl Summary {
    /// Counts a job.
    pub(crate) fn count(&mut self, outcome: &str) {
        self.jobs += 1;
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Takes in what another batch did.
    pub(crate) fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.calls += other.calls;
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
    }

    /// For the log line.
    pub(crate) fn outcome(&self) -> String {
        if self.jobs == 0 {
            return "idle".to_owned();
        }
        let outcomes: Vec<String> = self.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        outcomes.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn it_adds_up() {
        let mut summary = Summary::default();
        assert_eq!(summary.outcome(), "idle");
        summary.count("completed");
        let mut other = Summary { calls: 3, ..Summary::default() };
        other.count("completed");
        other.count("retry");
        summary.add(other);
        assert_eq!((summary.jobs, summary.calls, summary.outcome().as_str()), (3, 3, "2 completed, 1 retry"));
    }
}
