//! How Adzuna can fail us (Adzuna contract §3).

use serde::{Deserialize, Serialize};

/// Why there are no results from Adzuna. Written down for other callers who wait for the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AdzunaProblem {
    /// 401, 403 or 410: our credentials are not accepted.
    #[serde(rename = "adzuna_unauthorized")]
    #[error("the job search service does not accept our credentials")]
    Unauthorized,
    /// 429, although our own ledger allowed the call.
    #[serde(rename = "adzuna_rate_limited")]
    #[error("the job search service takes no more searches at the moment; try again later")]
    RateLimited,
    /// Another 4xx: this search will never be answered.
    #[serde(rename = "adzuna_rejected")]
    #[error("the job search service refused this search")]
    Rejected,
    /// 5xx, or a redirect.
    #[serde(rename = "adzuna_failed")]
    #[error("the job search service failed")]
    Failed,
    /// No answer in time.
    #[serde(rename = "adzuna_timed_out")]
    #[error("the job search service did not answer in time")]
    TimedOut,
    /// The connection broke.
    #[serde(rename = "adzuna_unreachable")]
    #[error("the job search service cannot be reached")]
    Unreachable,
    /// Success that is not JSON, or not of the expected shape.
    #[serde(rename = "adzuna_unreadable")]
    #[error("the answer of the job search service could not be read")]
    Unreadable,
}

impl AdzunaProblem {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "adzuna_unauthorized",
            Self::RateLimited => "adzuna_rate_limited",
            Self::Rejected => "adzuna_rejected",
            Self::Failed => "adzuna_failed",
            Self::TimedOut => "adzuna_timed_out",
            Self::Unreachable => "adzuna_unreachable",
            Self::Unreadable => "adzuna_unreadable",
        }
    }
}
