//! How an attempt at a job ends.

use std::time::Duration;

use serde_json::Value;
use shared::{
    problem::Problem,
    supabase::rpc::queue::{Lease, Settlement, SettlementOutcome},
};

/// What becomes of a job after an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JobOutcome {
    /// It is done.
    Completed { result: Value },
    /// It cannot be done.
    Failed { error: String },
    /// It did not work this time. The queue decides how long to wait, and when to give up.
    Retry { error: String, after: Option<Duration> },
    /// It cannot be done now. That is no failure and does not count as an attempt.
    PutBack { after: Duration },
    /// It was settled together with its effect, or handed over to another function.
    Elsewhere { outcome: String },
}

impl JobOutcome {
    /// A word for the log and the summary.
    pub(crate) fn outcome(&self) -> &str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Retry { .. } => "retry",
            Self::PutBack { .. } => "put_back",
            Self::Elsewhere { outcome } => outcome,
        }
    }

    /// What went wrong, for the log and the job's row.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { error } | Self::Retry { error, .. } => Some(error),
            Self::Completed { .. } | Self::PutBack { .. } | Self::Elsewhere { .. } => None,
        }
    }

    /// What is recorded in the queue; none where the job has been settled already.
    pub(crate) fn settlement(&self, lease: Lease) -> Option<Settlement> {
        let (outcome, result, after) = match self {
            Self::Completed { result } => (SettlementOutcome::Completed, result.clone(), None),
            Self::Failed { .. } => (SettlementOutcome::Failed, Value::Null, None),
            Self::Retry { after, .. } => (SettlementOutcome::Retry, Value::Null, *after),
            Self::PutBack { after } => (SettlementOutcome::PutBack, Value::Null, Some(*after)),
            Self::Elsewhere { .. } => return None,
        };
        Some(Settlement {
            job_id: lease.job_id,
            fencing_token: lease.fencing_token,
            outcome,
            error: self.error().map(str::to_owned),
            result,
            retry_after_seconds: after.map(|after| after.as_secs()),
        })
    }
}

impl From<Problem> for JobOutcome {
    /// Most of what goes wrong is over some time later. What is a fault of ours may be mended by then.
    fn from(problem: Problem) -> Self {
        let code = problem.kind().code;
        let error = problem.cause().map_or_else(|| code.to_owned(), |cause| format!("{code}: {cause}"));
        Self::Retry { error, after: problem.retry_after() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use shared::{
        problem::Problem,
        supabase::rpc::queue::{Lease, SettlementOutcome},
    };

    use super::JobOutcome;

    #[test]
    fn every_outcome_settles_the_lease_that_was_given() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let lease = Lease { job_id: id.parse().unwrap(), fencing_token: 7.into() };
        let retry = JobOutcome::Retry { error: "expo_failed".into(), after: Some(Duration::from_secs(9)) };
        let expected = json!({
            "job_id": id, "lease_number": 7, "outcome": "retry", "error": "expo_failed", "result": null,
            "retry_after_seconds": 9,
        });
        assert_eq!(json!(retry.settlement(lease)), expected);
        let done = JobOutcome::Completed { result: json!({ "found": 2 }) }.settlement(lease).unwrap();
        assert_eq!((done.outcome, done.result), (SettlementOutcome::Completed, json!({ "found": 2 })));
        assert_eq!(JobOutcome::Elsewhere { outcome: "sent".into() }.settlement(lease), None);
    }

    #[test]
    fn a_problem_is_tried_again() {
        let outcome = JobOutcome::from(Problem::DatabaseUnavailable);
        assert_eq!((outcome.outcome(), outcome.error()), ("retry", Some("database_unavailable")));
    }
}
