//! How JSearch can fail us (JSearch contract §6).

/// Why there are no postings from JSearch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsearchProblem {
    /// 401 or 403: our key is not accepted.
    #[error("JSearch does not accept our credentials")]
    Unauthorized,
    /// 404: `JSEARCH_SEARCH_PATH` leads nowhere.
    #[error("JSearch does not know the path that is asked for")]
    UnknownPath,
    /// 429 for the month's allowance, or an answer that it was the last one.
    #[error("what JSearch allows us to ask is used up")]
    QuotaSpent,
    /// 429: too many requests in a short time.
    #[error("JSearch takes no more requests at the moment; try again later")]
    RateLimited,
    /// Another 4xx: this search will never be answered.
    #[error("JSearch refused the search")]
    Rejected,
    /// 5xx, or a redirect.
    #[error("JSearch failed")]
    Failed,
    /// No answer in time.
    #[error("JSearch did not answer in time")]
    TimedOut,
    /// The connection broke.
    #[error("JSearch cannot be reached")]
    Unreachable,
    /// Success that is not JSON, or not of one of the two shapes.
    #[error("the answer of JSearch could not be read")]
    Unreadable,
}

impl JsearchProblem {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "jsearch_unauthorized",
            Self::UnknownPath => "jsearch_unknown_path",
            Self::QuotaSpent => "jsearch_quota_spent",
            Self::RateLimited => "jsearch_rate_limited",
            Self::Rejected => "jsearch_rejected",
            Self::Failed => "jsearch_failed",
            Self::TimedOut => "jsearch_timed_out",
            Self::Unreachable => "jsearch_unreachable",
            Self::Unreadable => "jsearch_unreadable",
        }
    }

    /// Whether the same request may do better in a moment. A search changes nothing, so it may be repeated.
    #[must_use]
    pub(super) fn is_passing(self) -> bool {
        match self {
            Self::RateLimited | Self::Failed | Self::TimedOut | Self::Unreachable => true,
            Self::Unauthorized | Self::UnknownPath | Self::QuotaSpent | Self::Rejected | Self::Unreadable => false,
        }
    }
}
