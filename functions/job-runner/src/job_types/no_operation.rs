//! `no_operation`: does nothing, which shows that the queue itself works, and how fast.

use serde_json::Value;

use crate::outcome::JobOutcome;

pub(crate) fn run() -> JobOutcome {
    JobOutcome::Completed { result: Value::Null }
}
