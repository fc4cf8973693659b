//! How Expo fails us.

/// Why a whole request was not fulfilled. Source: Expo contract §7, §8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExpoProblem {
    /// Our access token is not accepted, or one is needed.
    #[error("Expo does not accept our credentials")]
    Unauthorized,
    /// More messages in a second than Expo takes of one project.
    #[error("Expo takes no more messages at the moment; try again later")]
    RateLimited,
    /// This request will never be accepted.
    #[error("Expo refused the request")]
    Rejected,
    /// 5xx: it is open whether the messages went out.
    #[error("Expo failed; the messages may not have been sent")]
    Failed,
    /// No answer in time: it is open whether the messages went out.
    #[error("Expo did not answer in time; the messages may not have been sent")]
    TimedOut,
    /// The connection broke: it is open whether the messages went out.
    #[error("the connection to Expo broke; the messages may not have been sent")]
    Unreachable,
    /// Not a ticket for each recipient: it is open whether the messages went out.
    #[error("Expo's answer could not be read; the messages may not have been sent")]
    Unreadable,
}

impl ExpoProblem {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "expo_unauthorized",
            Self::RateLimited => "expo_rate_limited",
            Self::Rejected => "expo_rejected",
            Self::Failed => "expo_failed",
            Self::TimedOut => "expo_timed_out",
            Self::Unreachable => "expo_unreachable",
            Self::Unreadable => "expo_unreadable",
        }
    }

    /// Whether the same request may do better in a moment. It may have been fulfilled, too: then the
    /// second message takes the place of the first (see [`Content`](super::Content)).
    #[must_use]
    pub fn is_passing(self) -> bool {
        match self {
            Self::RateLimited | Self::Failed | Self::TimedOut | Self::Unreachable | Self::Unreadable => true,
            Self::Unauthorized | Self::Rejected => false,
        }
    }

    /// Whether somebody can mend it, so that the same request may be accepted at another time.
    #[must_use]
    pub fn may_be_mended(self) -> bool {
        self != Self::Rejected
    }
}
