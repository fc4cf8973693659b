//! The database: what to send to whom, and what became of it.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    ids::{BackgroundJobId, UserId},
    problem::Problem,
    supabase::{
        Database,
        rpc::{
            circuit_breakers::NoteVendorCall,
            push::{ClaimPushMessages, ClaimedPushMessage, Device, MessageToClaim, PushTicket, RecordPushTickets},
            queue::{FencingToken, Settlement, SettlementOutcome},
        },
    },
    vendors::{
        CallOutcome, Fault,
        expo::{Content, FAULTS, MAXIMUM_PAYLOAD, MESSAGE_TOO_BIG},
    },
};

use crate::{
    delivery_outcome::{Counts, DeliveryOutcome},
    input::{self, PushRequest},
};

/// What is to be sent, as far as the database knows.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// In the order of the requests.
    pub(crate) messages: Vec<Message>,
    /// When the devices were read, by the database's clock.
    read_at: String,
}

/// A message and where it goes.
#[derive(Debug)]
pub(crate) struct Message {
    /// The queued job that it is, if it is one.
    pub(crate) job: Option<BackgroundJob>,
    /// What to send.
    pub(crate) content: Result<Content, Unsendable>,
    /// Where to; empty for what cannot be sent.
    pub(crate) devices: Vec<Device>,
}

/// A job of the queue.
#[derive(Debug)]
pub(crate) struct BackgroundJob {
    pub(crate) id: BackgroundJobId,
    /// The fencing token of our lease; without one the job is not ours.
    fencing_token: Option<FencingToken>,
}

/// Why a queued message is not sent to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsendable {
    /// The job is done, not due yet, or leased by another worker; with its status, if there is such a job.
    NotDue { job_status: Option<String> },
    /// The payload is longer than any device takes.
    TooBig,
    /// The payload is no message.
    Malformed,
}

impl Unsendable {
    pub(crate) fn error(&self) -> &'static str {
        match self {
            Self::NotDue { .. } => "not_due",
            Self::TooBig => MESSAGE_TOO_BIG,
            Self::Malformed => "malformed",
        }
    }
}

/// One round trip for all of them.
pub(crate) async fn claim(database: &Database<'_>, requests: Vec<PushRequest>) -> Result<Claimed, Problem> {
    let asked: Vec<MessageToClaim> = requests
        .iter()
        .map(|request| match request {
            PushRequest::Send { user_id, .. } => MessageToClaim::Of { user_id: *user_id },
            PushRequest::BackgroundJob { id, fencing_token } => {
                MessageToClaim::Queued { job_id: *id, fencing_token: *fencing_token }
            }
        })
        .collect();
    let answer = database.call(&ClaimPushMessages { messages: &asked }).await?;
    if let Some(seconds) = answer.retry_after_seconds {
        return Err(FAULTS.paused.retried_after(Some(Duration::from_secs(seconds))).into());
    }
    if answer.messages.len() != requests.len() {
        return Err(Problem::internal("claim_push_messages answered another number of messages"));
    }
    let messages = requests.into_iter().zip(answer.messages).map(|(request, found)| message(request, found)).collect();
    Ok(Claimed { messages, read_at: answer.read_at })
}

fn message(request: PushRequest, found: ClaimedPushMessage) -> Message {
    match request {
        PushRequest::Send { content, .. } => Message { job: None, content: Ok(*content), devices: found.devices },
        PushRequest::BackgroundJob { id, .. } => {
            let content = if found.claimed {
                content_of_job(&found.payload.unwrap_or_default())
            } else {
                Err(Unsendable::NotDue { job_status: found.job_status })
            };
            let devices = if content.is_ok() { found.devices } else { Vec::new() };
            Message { job: Some(BackgroundJob { id, fencing_token: found.fencing_token }), content, devices }
        }
    }
}

fn content_of_job(payload: &Value) -> Result<Content, Unsendable> {
    let user_id: Option<UserId> = payload["user_id"].as_str().and_then(|id| id.parse().ok());
    let content = user_id.and_then(|user_id| input::content(payload, user_id)).ok_or(Unsendable::Malformed)?;
    if content.size() > MAXIMUM_PAYLOAD { Err(Unsendable::TooBig) } else { Ok(content) }
}

/// The tickets, the devices that are gone, and what becomes of the jobs: one round trip, one transaction.
pub(crate) async fn record(
    database: &Database<'_>,
    claimed: &Claimed,
    outcomes: &[Vec<DeliveryOutcome>],
) -> Result<(), Problem> {
    let pairs = || claimed.messages.iter().zip(outcomes);
    let tickets: Vec<PushTicket> = pairs().flat_map(|(message, outcomes)| ticket_rows(message, outcomes)).collect();
    let jobs: Vec<Settlement> = pairs().filter_map(|(message, outcomes)| settlement(message, outcomes)).collect();
    if tickets.is_empty() && jobs.is_empty() {
        return Ok(());
    }
    database.call(&RecordPushTickets { read_at: &claimed.read_at, tickets: &tickets, jobs: &jobs }).await.map(drop)
}

/// Tells the circuit breaker that Expo took nothing. Of tickets it learns with them.
pub(crate) async fn note_failure(database: &Database<'_>, fault: Fault) {
    let Some(outcome) = CallOutcome::of(fault) else { return };
    let retry_after_seconds = fault.retry_after.map(|pause| pause.as_secs());
    // Should this fail, the next call finds out for itself.
    let _ = database.call(&NoteVendorCall { vendor: "expo", outcome, retry_after_seconds, costs_nothing: false }).await;
}

/// Only what is final: a device without a ticket is tried again when its job is.
fn ticket_rows<'a>(message: &'a Message, outcomes: &'a [DeliveryOutcome]) -> impl Iterator<Item = PushTicket<'a>> {
    let job_id = message.job.as_ref().map(|job| job.id);
    message.devices.iter().zip(outcomes).filter_map(move |(device, outcome)| {
        let (ticket_id, message) = match outcome {
            DeliveryOutcome::Sent { ticket_id } => (Some(ticket_id.as_str()), None),
            DeliveryOutcome::Gone { message, .. } | DeliveryOutcome::Refused { message, .. } => {
                (None, Some(message.as_str()))
            }
            DeliveryOutcome::Later { .. } | DeliveryOutcome::Unsent { .. } | DeliveryOutcome::Unsorted => return None,
        };
        let device_gone = matches!(outcome, DeliveryOutcome::Gone { .. });
        Some(PushTicket { device_id: device.id, job_id, ticket_id, error: outcome.error(), message, device_gone })
    })
}

/// What becomes of a job. None for what is no job, or not ours.
fn settlement(message: &Message, outcomes: &[DeliveryOutcome]) -> Option<Settlement> {
    let job = message.job.as_ref()?;
    let counts = Counts::of(outcomes);
    let open = outcomes.iter().find(|outcome| outcome.may_change());
    let (outcome, error) = match (&message.content, open) {
        (Err(unsendable), _) => (SettlementOutcome::Failed, Some(unsendable.error())),
        (Ok(_), Some(open)) => (SettlementOutcome::Retry, open.error()),
        (Ok(_), None) if counts.failed > 0 && counts.sent == 0 => (
            SettlementOutcome::Failed,
            outcomes.iter().find(|outcome| outcome.outcome() == "failed").and_then(DeliveryOutcome::error),
        ),
        (Ok(_), None) => (SettlementOutcome::Completed, None),
    };
    let waits = outcomes.iter().filter_map(|outcome| match outcome {
        DeliveryOutcome::Unsent { retry_after, .. } => retry_after.as_ref(),
        _ => None,
    });
    Some(Settlement {
        job_id: job.id,
        fencing_token: job.fencing_token?,
        outcome,
        error: error.map(str::to_owned),
        result: json!(counts),
        // A day at most: more is a vendor's mistake.
        retry_after_seconds: waits.max().map(|wait| wait.as_secs().min(24 * 60 * 60)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Map, json};
    use shared::{
        supabase::rpc::queue::{FencingToken, SettlementOutcome},
        vendors::{
            Fault,
            expo::{Content, FAULTS},
        },
    };

    use super::{BackgroundJob, DeliveryOutcome, Device, Message, Unsendable, content_of_job, settlement, ticket_rows};

    const ID: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

    fn job(devices: usize) -> Message {
        Message {
            job: Some(BackgroundJob { id: ID.parse().unwrap(), fencing_token: Some(3.into()) }),
            content: Ok(Content::new(ID, "a".to_owned(), "b".to_owned(), Map::new())),
            devices: (0..devices).map(|_| Device { id: ID.parse().unwrap(), token: "t".to_owned() }).collect(),
        }
    }

    fn sent() -> DeliveryOutcome {
        DeliveryOutcome::Sent { ticket_id: "1".to_owned() }
    }

    fn refused() -> DeliveryOutcome {
        DeliveryOutcome::Refused { error: "InvalidCredentials".to_owned(), message: String::new() }
    }

    fn unsent(fault: Fault) -> DeliveryOutcome {
        DeliveryOutcome::Unsent { fault, retry_after: Some(Duration::from_secs(90)) }
    }

    #[test]
    fn a_job_is_done_when_nothing_more_can_become_of_it() {
        for (outcomes, outcome, error) in [
            (vec![], SettlementOutcome::Completed, None),
            (vec![sent(), sent()], SettlementOutcome::Completed, None),
            (vec![DeliveryOutcome::no_push_token()], SettlementOutcome::Completed, None),
            (vec![sent(), refused()], SettlementOutcome::Completed, None),
            (vec![refused(), DeliveryOutcome::no_push_token()], SettlementOutcome::Failed, Some("InvalidCredentials")),
            (vec![unsent(FAULTS.rejected)], SettlementOutcome::Failed, Some("expo_rejected")),
            (vec![DeliveryOutcome::Unsorted], SettlementOutcome::Retry, Some("expo_rejected")),
            (vec![sent(), unsent(FAULTS.rate_limited)], SettlementOutcome::Retry, Some("expo_rate_limited")),
            (
                vec![refused(), DeliveryOutcome::Later { message: String::new() }],
                SettlementOutcome::Retry,
                Some("MessageRateExceeded"),
            ),
        ] {
            let end = settlement(&job(outcomes.len()), &outcomes).unwrap();
            let expected = (outcome, error, FencingToken::from(3));
            assert_eq!((end.outcome, end.error.as_deref(), end.fencing_token), expected, "{outcomes:?}");
        }
        let end = settlement(&job(1), &[unsent(FAULTS.rate_limited)]).unwrap();
        assert_eq!(end.retry_after_seconds, Some(90));
        let sooner = DeliveryOutcome::Unsent { fault: FAULTS.rate_limited, retry_after: Some(Duration::from_secs(30)) };
        let end = settlement(&job(3), &[sooner.clone(), unsent(FAULTS.rate_limited), sooner]).unwrap();
        assert_eq!(end.retry_after_seconds, Some(90), "when all of them may be tried again");
    }

    #[test]
    fn a_job_that_is_not_ours_is_left_alone() {
        let mut message = job(0);
        message.content = Err(Unsendable::NotDue { job_status: Some("completed".to_owned()) });
        message.job.as_mut().unwrap().fencing_token = None;
        assert_eq!(settlement(&message, &[]), None);
    }

    #[test]
    fn only_what_is_final_becomes_a_ticket() {
        let outcomes = [sent(), DeliveryOutcome::no_push_token(), refused(), unsent(FAULTS.failed)];
        let message = job(outcomes.len());
        let rows: Vec<_> = ticket_rows(&message, &outcomes).collect();
        let shown: Vec<_> = rows.iter().map(|row| (row.ticket_id, row.error, row.device_gone)).collect();
        let expected =
            [(Some("1"), None, false), (None, Some("invalid_token"), true), (None, Some("InvalidCredentials"), false)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_queued_message_has_the_same_limits() {
        let payload = |text: &str| json!({ "user_id": ID, "title": "a", "message": text, "data": {} });
        let short = content_of_job(&payload("b")).unwrap().size();
        let fits = "b".repeat(4096 - short + 1);
        assert_eq!(content_of_job(&payload(&fits)).map(|content| content.size()), Ok(4096), "to the last byte");
        assert_eq!(content_of_job(&payload(&(fits + "b"))), Err(Unsendable::TooBig));
        assert_eq!(content_of_job(&payload("")), Err(Unsendable::Malformed));
        assert_eq!(content_of_job(&json!({})), Err(Unsendable::Malformed));
    }
}
