//! Sending: a few requests at once, each repeated while that may help and there is time.

use std::{cell::Cell, time::Duration};

use futures_util::{StreamExt as _, stream};
use shared::{
    clock::UnixTime,
    http,
    outgoing::{self, RetryPolicy, Upstream},
    vendors::expo::{self, Content, Expo, FAULTS, MOST_RECIPIENTS, NotSent, is_passing, is_push_token},
};

use crate::{
    batch::{Batch, Recipient, by_message, by_project, halves, in_batches},
    delivery_outcome::DeliveryOutcome,
    queue::Message,
    settings::Settings,
};

/// As many as Expo's own library makes, and as many as a Worker may have open (docs/vendors/expo.md#rate-and-retries).
const REQUESTS_AT_ONCE: usize = 6;

/// How many messages a second Expo takes of one project (docs/vendors/expo.md#rate-and-retries).
const MESSAGES_PER_SECOND: usize = 600;

/// A lease lasts half a minute, and so does the work that a caller may do after its response; the
/// outcome has to be recorded within that time, too.
const BUDGET: Duration = Duration::from_secs(22);

/// With less time left a request is not begun.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// How often a refused request is sent again in two halves. Finding one recipient among a hundred takes seven; this many
/// find a few of them, and stay far from the number of calls that a Worker may make.
const MOST_SPLITS: u32 = 50;

/// For one request, as far as there is time. Expo may ask for longer pauses.
const RETRY: RetryPolicy = RetryPolicy::pausing(&[1000, 2000, 4000]);

/// Messages on their way to their devices.
pub(crate) struct Delivery<'a> {
    messages: &'a [Message],
    expo: Expo<'a>,
    upstream: &'a Upstream,
    received_at: UnixTime,
    splits: Cell<u32>,
}

/// What one request ended in.
enum End<'a> {
    Settled(Vec<(Recipient<'a>, DeliveryOutcome)>),
    /// To be sent in parts.
    Split(Vec<Batch<'a>>),
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(messages: &'a [Message], call: &'a http::Call<Settings>) -> Self {
        let expo = Expo::new(&call.settings.expo, &call.upstream);
        Self { messages, expo, upstream: &call.upstream, received_at: call.received_at, splits: Cell::new(0) }
    }

    /// Sends everything, and returns the outcome for each device of each message.
    pub(crate) async fn send(&self) -> Vec<Vec<DeliveryOutcome>> {
        // What is not sent is no push token.
        let mut outcomes: Vec<Vec<DeliveryOutcome>> =
            self.messages.iter().map(|message| vec![DeliveryOutcome::no_push_token(); message.devices.len()]).collect();

        let mut batches = in_batches(&self.recipients());
        while !batches.is_empty() {
            let began_at = self.upstream.now();
            let requests =
                batches.into_iter().enumerate().map(|(place, batch)| self.send_batch(began_at, place, batch));
            let ends: Vec<End> = stream::iter(requests).buffer_unordered(REQUESTS_AT_ONCE).collect().await;
            batches = Vec::new();
            for end in ends {
                match end {
                    End::Settled(settled) => {
                        for (recipient, outcome) in settled {
                            outcomes[recipient.message][recipient.device] = outcome;
                        }
                    }
                    // Each part is smaller than the whole, so this comes to an end.
                    End::Split(parts) => batches.extend(parts),
                }
            }
        }
        outcomes
    }

    fn recipients(&self) -> Vec<Recipient<'a>> {
        let messages = self.messages.iter().enumerate();
        let recipients = messages.flat_map(|(place, message)| {
            let devices = message.devices.iter().enumerate();
            devices.map(move |(device, row)| Recipient { message: place, device, token: &row.token })
        });
        recipients.filter(|recipient| is_push_token(recipient.token)).collect()
    }

    /// `place` is the batch's among those whose sending began at that time.
    async fn send_batch(&self, began_at: UnixTime, place: usize, batch: Batch<'a>) -> End<'a> {
        let contents: Vec<(&Content, Vec<&str>)> = by_message(&batch)
            .into_iter()
            .filter_map(|(message, to)| Some((self.messages.get(message)?.content.as_ref().ok()?, to)))
            .collect();
        let messages: Vec<expo::Message> =
            contents.into_iter().map(|(content, to)| expo::Message { to, content }).collect();

        let mut pauses = RETRY.pauses();
        let mut pause_before = began_at.plus(not_before(place)) - self.upstream.now();
        let mut failure = (FAULTS.rate_limited, None);
        let (fault, retry_after) = loop {
            let Some(time_left) = self.time_left_after(pause_before).await else { break failure };
            match self.expo.send(&messages, time_left.min(outgoing::TIMEOUT)).await {
                Ok(tickets) => {
                    return End::Settled(
                        batch.into_iter().zip(tickets.into_iter().map(DeliveryOutcome::from)).collect(),
                    );
                }
                Err(NotSent::SeveralProjects(projects)) => match by_project(&batch, &projects) {
                    Some(parts) => return End::Split(parts),
                    None => return self.halved(batch),
                },
                Err(NotSent::Failed { fault, .. }) if fault.kind == FAULTS.rejected.kind => return self.halved(batch),
                Err(NotSent::Failed { fault, retry_after }) => {
                    failure = (fault, retry_after);
                    let Some(pause) = pauses.next().filter(|_| is_passing(fault)) else { break failure };
                    pause_before = lengthened(pause, place, retry_after);
                }
            }
        };
        let outcome = DeliveryOutcome::Unsent { fault, retry_after };
        End::Settled(batch.into_iter().map(|recipient| (recipient, outcome.clone())).collect())
    }

    /// One bad recipient or message is enough for Expo to refuse a whole request. Halving it again and again leaves the
    /// bad one alone, and everybody else gets their message.
    fn halved(&self, batch: Batch<'a>) -> End<'a> {
        let refused = DeliveryOutcome::Unsent { fault: FAULTS.rejected, retry_after: None };
        let splits = self.splits.get();
        match halves(&batch) {
            None => End::Settled(batch.into_iter().map(|recipient| (recipient, refused.clone())).collect()),
            Some(_) if splits >= MOST_SPLITS => {
                End::Settled(batch.into_iter().map(|recipient| (recipient, DeliveryOutcome::Unsorted)).collect())
            }
            Some(parts) => {
                self.splits.set(splits + 1);
                End::Split(parts)
            }
        }
    }

    /// Waits, and returns how much time is left then. None, without waiting, if that would be too little.
    async fn time_left_after(&self, pause: Duration) -> Option<Duration> {
        let ends_at = self.received_at.plus(BUDGET);
        if self.upstream.now().plus(pause + LEAST_TIME) > ends_at {
            return None;
        }
        if !pause.is_zero() {
            self.upstream.wait(pause).await;
        }
        Some(ends_at - self.upstream.now()).filter(|left| !left.is_zero())
    }
}

/// Six requests of a hundred fill a second; the second is counted a little longer than it is, for the requests do not
/// arrive exactly as they were sent.
fn not_before(place: usize) -> Duration {
    let seconds = place * MOST_RECIPIENTS / MESSAGES_PER_SECOND;
    Duration::from_millis(1100).saturating_mul(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// The pause after a failed attempt: what Expo asks for, but not less than ours. Requests that failed together come back
/// one after the other.
fn lengthened(ours: Duration, place: usize, retry_after: Option<Duration>) -> Duration {
    let spread = Duration::from_millis(u64::try_from(place % REQUESTS_AT_ONCE).unwrap_or_default() * 150);
    // An absurd request is as good as a very long one.
    let asked_for = retry_after.unwrap_or_default().min(Duration::from_hours(24));
    ours.max(asked_for) + spread
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RETRY, lengthened, not_before};

    #[test]
    fn no_second_has_more_messages_than_expo_takes() {
        let starts: Vec<Duration> = (0..200).map(not_before).collect();
        assert!(starts[..6].iter().all(Duration::is_zero));
        for start in &starts {
            let second = *start..*start + Duration::from_secs(1);
            let within = starts.iter().filter(|other| second.contains(other)).count();
            assert!(within <= 6, "{within} requests of a hundred messages in the second from {start:?}");
        }
    }

    #[test]
    fn pauses_double_and_expo_may_ask_for_longer_ones() {
        assert_eq!(RETRY.pauses().map(|pause| pause.as_secs()).collect::<Vec<_>>(), [1, 2, 4]);
        let pause = |ours, place, retry_after: Option<u64>| {
            lengthened(Duration::from_secs(ours), place, retry_after.map(Duration::from_secs))
        };
        let seconds = |ours, retry_after| pause(ours, 0, retry_after).as_secs();
        assert_eq!([seconds(1, None), seconds(1, Some(5)), seconds(2, Some(0))], [1, 5, 2]);
        assert_eq!(seconds(1, Some(u64::MAX)), 86_400);
        assert!(pause(1, 1, None) > pause(1, 0, None));
    }
}
