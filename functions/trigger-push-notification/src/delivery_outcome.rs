//! What happened to a message on one device.

use std::time::Duration;

use serde::Serialize;
use shared::vendors::{
    Fault,
    expo::{DEVICE_NOT_REGISTERED, FAULTS, MESSAGE_RATE_EXCEEDED, Ticket, may_be_mended},
};

/// The outcome for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeliveryOutcome {
    /// Expo took it.
    Sent { ticket_id: String },
    /// The device is gone, or never was one: nothing may be sent to it any more.
    Gone { error: &'static str, message: String },
    /// Refused for this device, for good.
    Refused { error: String, message: String },
    /// Refused for this device, for now.
    Later { message: String },
    /// The whole request failed, for this reason.
    Unsent { fault: Fault, retry_after: Option<Duration> },
    /// The request was refused because of somebody in it, and there was no time to find out whom.
    Unsorted,
}

impl DeliveryOutcome {
    /// For a text that is no push token.
    pub(crate) fn no_push_token() -> Self {
        Self::Gone { error: "invalid_token", message: "not an Expo push token".to_owned() }
    }

    /// Whether sending it again later may succeed.
    pub(crate) fn may_change(&self) -> bool {
        match self {
            Self::Later { .. } | Self::Unsorted => true,
            Self::Unsent { fault, .. } => may_be_mended(*fault),
            Self::Sent { .. } | Self::Gone { .. } | Self::Refused { .. } => false,
        }
    }

    /// A word for the caller.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Gone { .. } => "revoked",
            Self::Refused { .. } => "failed",
            Self::Unsent { fault, .. } if !may_be_mended(*fault) => "failed",
            Self::Later { .. } | Self::Unsent { .. } | Self::Unsorted => "not_sent",
        }
    }

    /// Why it was not sent: Expo's name for it, or our problem's code.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Sent { .. } => None,
            Self::Gone { error, .. } => Some(error),
            Self::Refused { error, .. } => Some(error),
            Self::Later { .. } => Some(MESSAGE_RATE_EXCEEDED),
            Self::Unsent { fault, .. } => Some(fault.code),
            Self::Unsorted => Some(FAULTS.rejected.code),
        }
    }
}

impl From<Ticket> for DeliveryOutcome {
    fn from(ticket: Ticket) -> Self {
        match ticket {
            Ticket::Ok { id } => Self::Sent { ticket_id: id },
            Ticket::Error { error, message } => match error.as_str() {
                DEVICE_NOT_REGISTERED => Self::Gone { error: DEVICE_NOT_REGISTERED, message },
                MESSAGE_RATE_EXCEEDED => Self::Later { message },
                "" => Self::Refused { error: "unknown".to_owned(), message },
                _ => Self::Refused { error, message },
            },
        }
    }
}

/// How many devices had which outcome.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) sent: usize,
    pub(crate) revoked: usize,
    pub(crate) failed: usize,
    pub(crate) not_sent: usize,
}

impl Counts {
    pub(crate) fn of<'a>(outcomes: impl IntoIterator<Item = &'a DeliveryOutcome>) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            match outcome.outcome() {
                "sent" => counts.sent += 1,
                "revoked" => counts.revoked += 1,
                "failed" => counts.failed += 1,
                _ => counts.not_sent += 1,
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use shared::vendors::expo::{FAULTS, Ticket};

    use super::{Counts, DeliveryOutcome};

    #[test]
    fn a_ticket_says_what_happened_and_what_may_still_happen() {
        for (error, expected, may_change) in [
            ("DeviceNotRegistered", "revoked", false),
            ("MessageRateExceeded", "not_sent", true),
            ("MessageTooBig", "failed", false),
            ("InvalidCredentials", "failed", false),
            ("SomethingNew", "failed", false),
            ("", "failed", false),
        ] {
            let outcome = DeliveryOutcome::from(Ticket::Error { error: error.to_owned(), message: "no".to_owned() });
            assert_eq!((outcome.outcome(), outcome.may_change()), (expected, may_change), "{error}");
        }
        let sent = DeliveryOutcome::from(Ticket::Ok { id: "1".to_owned() });
        assert_eq!((sent.outcome(), sent.may_change(), sent.error()), ("sent", false, None));
    }

    #[test]
    fn only_a_request_that_is_wrong_in_itself_is_given_up() {
        let outcome = |fault| DeliveryOutcome::Unsent { fault, retry_after: None }.outcome();
        assert_eq!(outcome(FAULTS.rejected), "failed");
        assert_eq!(outcome(FAULTS.unauthorized), "not_sent");
        assert_eq!(outcome(FAULTS.timed_out), "not_sent");
    }

    #[test]
    fn every_device_is_counted_once() {
        let unsent = |fault| DeliveryOutcome::Unsent { fault, retry_after: None };
        let outcomes = [unsent(FAULTS.failed), unsent(FAULTS.rejected), DeliveryOutcome::no_push_token()];
        assert_eq!(Counts::of(&outcomes), Counts { sent: 0, revoked: 1, failed: 1, not_sent: 1 });
    }
}
