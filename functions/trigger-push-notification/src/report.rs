//! The response: what happened to each message.

use serde::Serialize;
use shared::{
    ids::{BackgroundJobId, DeviceId},
    vendors::{Fault, expo::FAULTS},
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
    fault: Option<Fault>,
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
            fault: common_fault(outcomes.iter().flatten()),
        }
    }

    /// Expo's failure, if it took nothing at all: then the whole call has failed.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
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

/// The first request's fault, if no request brought a ticket.
fn common_fault<'a>(outcomes: impl Iterator<Item = &'a DeliveryOutcome>) -> Option<Fault> {
    let mut first = None;
    for outcome in outcomes {
        match outcome {
            DeliveryOutcome::Unsent { fault, retry_after } => first = first.or(Some(fault.retried_after(*retry_after))),
            DeliveryOutcome::Unsorted => first = first.or(Some(FAULTS.rejected)),
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
    use shared::vendors::{Fault, expo::FAULTS};

    use super::common_fault;
    use crate::delivery_outcome::DeliveryOutcome;

    fn unsent(fault: Fault) -> DeliveryOutcome {
        DeliveryOutcome::Unsent { fault, retry_after: None }
    }

    #[test]
    fn the_call_fails_only_when_expo_took_nothing() {
        let sent = DeliveryOutcome::Sent { ticket_id: "1".to_owned() };
        let failed = unsent(FAULTS.timed_out);
        assert_eq!(common_fault([].iter()), None);
        assert_eq!(common_fault([sent.clone(), failed.clone()].iter()), None);
        assert_eq!(common_fault([failed.clone(), sent].iter()), None);
        assert_eq!(common_fault([DeliveryOutcome::no_push_token()].iter()), None);
        let all = [DeliveryOutcome::no_push_token(), failed.clone(), unsent(FAULTS.failed)];
        assert_eq!(common_fault(all.iter()), Some(FAULTS.timed_out));
        let unsorted = [DeliveryOutcome::no_push_token(), DeliveryOutcome::Unsorted, failed];
        assert_eq!(common_fault(unsorted.iter()), Some(FAULTS.rejected), "the first of them");
    }
}
