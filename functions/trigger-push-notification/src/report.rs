//! What the caller is told.

use serde::Serialize;
use shared::{
    expo::ExpoProblem,
    ids::{DeviceId, JobId},
};

use crate::{
    fate::Fate,
    queue::{Message, Unsendable},
};

/// How many devices met which fate.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) sent: usize,
    revoked: usize,
    pub(crate) failed: usize,
    not_sent: usize,
}

impl Counts {
    pub(crate) fn of<'a>(fates: impl IntoIterator<Item = &'a Fate>) -> Self {
        let mut counts = Self::default();
        for fate in fates {
            match fate.outcome() {
                "sent" => counts.sent += 1,
                "revoked" => counts.revoked += 1,
                "failed" => counts.failed += 1,
                _ => counts.not_sent += 1,
            }
        }
        counts
    }
}

/// The answer.
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
    job_id: Option<JobId>,
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
    pub(crate) fn new(messages: &'a [Message], fates: &'a [Vec<Fate>]) -> Self {
        Self {
            counts: Counts::of(fates.iter().flatten()),
            messages: messages.iter().zip(fates).map(|(message, fates)| MessageReport::new(message, fates)).collect(),
            problem: common_problem(fates.iter().flatten()),
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
fn common_problem<'a>(fates: impl Iterator<Item = &'a Fate>) -> Option<ExpoProblem> {
    let mut first = None;
    for fate in fates {
        match fate {
            Fate::Unsent { problem, .. } => first = first.or(Some(*problem)),
            // Known without Expo.
            Fate::Gone { error: "invalid_token", .. } => {}
            _ => return None,
        }
    }
    first
}

impl<'a> MessageReport<'a> {
    fn new(message: &'a Message, fates: &'a [Fate]) -> Self {
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
                .zip(fates)
                .map(|(device, fate)| DeviceReport {
                    device_id: device.id,
                    outcome: fate.outcome(),
                    ticket_id: match fate {
                        Fate::Sent { ticket_id } => Some(ticket_id),
                        _ => None,
                    },
                    error: fate.error(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::expo::ExpoProblem;

    use super::{Counts, common_problem};
    use crate::fate::Fate;

    fn unsent(problem: ExpoProblem) -> Fate {
        Fate::Unsent { problem, retry_after: None }
    }

    #[test]
    fn the_call_fails_only_when_expo_took_nothing() {
        let sent = Fate::Sent { ticket_id: "1".to_owned() };
        let failed = unsent(ExpoProblem::TimedOut);
        assert_eq!(common_problem([].iter()), None);
        assert_eq!(common_problem([sent.clone(), failed.clone()].iter()), None);
        assert_eq!(common_problem([failed.clone(), sent].iter()), None);
        assert_eq!(common_problem([Fate::no_push_token()].iter()), None);
        let all = [Fate::no_push_token(), failed, unsent(ExpoProblem::Failed)];
        assert_eq!(common_problem(all.iter()), Some(ExpoProblem::TimedOut));
    }

    #[test]
    fn every_device_is_counted_once() {
        let fates = [unsent(ExpoProblem::Failed), unsent(ExpoProblem::Rejected), Fate::no_push_token()];
        assert_eq!(Counts::of(&fates), Counts { sent: 0, revoked: 1, failed: 1, not_sent: 1 });
    }
}
