//! A job as it is handed to a worker.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use shared::ids::{JobId, UserId};

use crate::{ending::Ending, job_types::JobType};

/// A leased job.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    /// Whose job it is; none for the product's own work.
    pub(crate) user_id: Option<UserId>,
    #[serde(rename = "job_type")]
    pub(crate) kind: JobType,
    pub(crate) payload: Value,
    /// Changes with every lease; whoever names an old one changes nothing.
    pub(crate) lease_number: i64,
    /// The how manieth attempt, from 1.
    pub(crate) attempt: u32,
}

impl Job {
    /// The payload in the form of its type.
    ///
    /// # Errors
    /// The end of a job with any other payload: trying again would not help.
    pub(crate) fn payload<T: DeserializeOwned>(&self) -> Result<T, Ending> {
        T::deserialize(&self.payload).map_err(|_| Ending::Failed { error: "malformed_payload".to_owned() })
    }
}
