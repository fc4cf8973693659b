//! A leased job of a type that this runner knows.

use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::{
    ids::{BackgroundJobId, UserId},
    problem::Problem,
    supabase::rpc::queue::{FencingToken, Lease, LeasedJob},
};

use crate::{job_type::JobType, outcome::JobOutcome};

/// A leased job.
#[derive(Debug)]
pub(crate) struct BackgroundJob {
    pub(crate) id: BackgroundJobId,
    /// Whose job it is; none for the product's own work.
    pub(crate) user_id: Option<UserId>,
    pub(crate) kind: JobType,
    pub(crate) payload: Value,
    /// Of the lease.
    pub(crate) fencing_token: FencingToken,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
}

impl BackgroundJob {
    /// The lease under which it is run.
    pub(crate) fn lease(&self) -> Lease {
        Lease { job_id: self.id, fencing_token: self.fencing_token }
    }

    /// The payload in the form of its type.
    ///
    /// # Errors
    /// The end of a job with any other payload: trying again would not help.
    pub(crate) fn payload<T: DeserializeOwned>(&self) -> Result<T, JobOutcome> {
        T::deserialize(&self.payload).map_err(|_| JobOutcome::Failed { error: "malformed_payload".to_owned() })
    }
}

impl TryFrom<LeasedJob> for BackgroundJob {
    type Error = Problem;

    fn try_from(leased: LeasedJob) -> Result<Self, Problem> {
        let kind = JobType::by_name(&leased.job_type)
            .ok_or_else(|| Problem::internal(format!("nobody asked for a job of the type {}", leased.job_type)))?;
        Ok(Self {
            id: leased.id,
            user_id: leased.user_id,
            kind,
            payload: leased.payload,
            fencing_token: leased.fencing_token,
            attempt: leased.attempt,
        })
    }
}
