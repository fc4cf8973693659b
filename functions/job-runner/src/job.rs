//! A job as it is handed to a worker.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use shared::ids::{BackgroundJobId, UserId};

use crate::{job_types::JobType, outcome::JobOutcome};

/// A leased job.
#[derive(Debug, Deserialize)]
pub(crate) struct BackgroundJob {
    pub(crate) id: BackgroundJobId,
    /// Whose job it is; none for the product's own work.
    pub(crate) user_id: Option<UserId>,
    #[serde(rename = "job_type")]
    pub(crate) kind: JobType,
    pub(crate) payload: Value,
    /// Changes with every lease; whoever names an old one changes nothing.
    #[serde(rename = "lease_number")]
    pub(crate) fencing_token: i64,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
}

impl BackgroundJob {
    /// The payload in the form of its type.
    ///
    /// # Errors
    /// The end of a job with any other payload: trying again would not help.
    pub(crate) fn payload<T: DeserializeOwned>(&self) -> Result<T, JobOutcome> {
        T::deserialize(&self.payload).map_err(|_| JobOutcome::Failed { error: "malformed_payload".to_owned() })
    }
}
