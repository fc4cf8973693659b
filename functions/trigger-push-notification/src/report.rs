//! The response: what happened to each message.

use serde::Serialize;
use shared::{
    ids::{BackgroundJobId, DeviceId},
    vendors::expo::ExpoProblem,
};

use crate::{
    delivery_outcome::{Counts, DeliveryOutcome},
    queue::{Message, Unsendable},
};

/// The response.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    #[serde(flatten)]
    counts: Counts,
    messages: Vec<MessageReport<'a>>,
    #[serde(skip)]
    problem: Option<ExpoProblem>,
}

/// One message, in the order of the request.
#[derive(Debug, Serialize)]
struct MessageReport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<BackgroundJobId>,
    /// Why it went to no device at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_status: Option<&'a str>,
    devices: Vec<DeviceReport<'a>>,
}

#[derive(Debug, Serialize)]
struct DeviceReport<'a> {
    device_id: DeviceId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(messages: &'a [Message], outcomes: &'a [Vec<DeliveryOutcome>]) -> Self {
        Self {
            counts: Counts::of(outcomes.iter().flatten()),
            messages: messages
                .iter()
                .zip(outcomes)
                .map(|(message, outcomes)| MessageReport::new(message, outcomes))
                .collect(),
            problem: common_problem(outcomes.iter().flatten()),
        }
    }

    /// Expo's failure, if it took nothing at all: then the whole call has failed.
    pub(crate) fn problem(&self) -> Option<ExpoProblem> {
        self.problem
    }

    /// A word for the log.
    pub(crate) fn outcome(&self) -> &'static str {
        match &self.counts {
            Counts { sent: 0, revoked: 0, failed: 0, not_sent: 0 } => "nobody",
            Counts { sent: 0, .. } => "not_sent",
            Counts { failed: 0, not_sent: 0, .. } => "sent",
            _ => "partly_sent",
        }
    }
}

/// The first request's problem, if no request brought a ticket.
fn common_problem<'a>(outcomes: impl Iterator<Item = &'a DeliveryOutcome>) -> Option<ExpoProblem> {
    let mut first = None;
    for outcome in outcomes {
        match outcome {
            DeliveryOutcome::Unsent { problem, .. } => first = first.or(Some(*problem)),
            // Known without Expo.
            DeliveryOutcome::Gone { error: "invalid_token", .. } => {}
            _ => return None,
        }
    }
    first
}

impl<'a> MessageReport<'a> {
    fn new(message: &'a Message, outcomes: &'a [DeliveryOutcome]) -> Self {
        let unsendable = message.content.as_ref().err();
        Self {
            job_id: message.job.as_ref().map(|job| job.id),
            error: unsendable.map(Unsendable::error),
            job_status: match unsendable {
                Some(Unsendable::NotDue { job_status }) => job_status.as_deref(),
                _ => None,
            },
            devices: message
                .devices
                .iter()
                .zip(outcomes)
                .map(|(device, outcome)| DeviceReport {
                    device_id: device.id,
                    outcome: outcome.outcome(),
                    ticket_id: match outcome {
                        DeliveryOutcome::Sent { ticket_id } => Some(ticket_id),
                        _ => None,
                    },
                    error: outcome.error(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::vendors::expo::ExpoProblem;

    use super::common_problem;
    use crate::delivery_outcome::DeliveryOutcome;

    fn unsent(problem: ExpoProblem) -> DeliveryOutcome {
        DeliveryOutcome::Unsent { problem, retry_after: None }
    }

    #[test]
    fn the_call_fails_only_when_expo_took_nothing() {
        let sent = DeliveryOutcome::Sent { ticket_id: "1".to_owned() };
        let failed = unsent(ExpoProblem::TimedOut);
        assert_eq!(common_problem([].iter()), None);
        assert_eq!(common_problem([sent.clone(), failed.clone()].iter()), None);
        assert_eq!(common_problem([failed.clone(), sent].iter()), None);
        assert_eq!(common_problem([DeliveryOutcome::no_push_token()].iter()), None);
        let all = [DeliveryOutcome::no_push_token(), failed, unsent(ExpoProblem::Failed)];
        assert_eq!(common_problem(all.iter()), Some(ExpoProblem::TimedOut));
    }
}
