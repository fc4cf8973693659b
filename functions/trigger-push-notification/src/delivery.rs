//! Sending: a few requests at once, each repeated while that may help and there is time.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use shared::{
    clock::UnixTime,
    http,
    outgoing::{self, Upstream},
    vendors::expo::{self, Content, Expo, ExpoProblem, MOST_RECIPIENTS, NotSent, is_push_token},
};

use crate::{
    batch::{Batch, Recipient, by_message, by_project, in_batches},
    delivery_outcome::DeliveryOutcome,
    queue::Message,
    settings::Settings,
};

/// As many as Expo's own library makes, and as many as a Worker may have open (Expo contract §8).
const REQUESTS_AT_ONCE: usize = 6;

/// How many messages a second Expo takes of one project (Expo contract §8).
const MESSAGES_PER_SECOND: usize = 600;

/// A lease lasts half a minute, and so does the work that a caller may do after its response; the
/// outcome has to be recorded within that time, too.
const BUDGET: Duration = Duration::from_secs(22);

/// With less time left a request is not begun.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// How often one request is made.
const ATTEMPTS: u32 = 4;

/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Messages on their way to their devices.
pub(crate) struct Delivery<'a> {
    messages: &'a [Message],
    expo: Expo<'a>,
    upstream: &'a Upstream,
    received_at: UnixTime,
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
        Self { messages, expo, upstream: &call.upstream, received_at: call.received_at }
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

        let mut attempt = 1;
        let mut pause_before = began_at.plus(not_before(place)) - self.upstream.now();
        let mut failure = (ExpoProblem::RateLimited, None);
        let (problem, retry_after) = loop {
            let Some(time_left) = self.time_left_after(pause_before).await else { break failure };
            match self.expo.send(&messages, time_left.min(outgoing::TIMEOUT)).await {
                Ok(tickets) => {
                    return End::Settled(
                        batch.into_iter().zip(tickets.into_iter().map(DeliveryOutcome::from)).collect(),
                    );
                }
                Err(NotSent::SeveralProjects(projects)) => match by_project(&batch, &projects) {
                    Some(parts) => return End::Split(parts),
                    None => break (ExpoProblem::Rejected, None),
                },
                Err(NotSent::Problem { problem, retry_after }) => {
                    failure = (problem, retry_after);
                    if !problem.is_passing() || attempt == ATTEMPTS {
                        break failure;
                    }
                    pause_before = pause(attempt, place, retry_after);
                }
            }
            attempt += 1;
        };
        let outcome = DeliveryOutcome::Unsent { problem, retry_after };
        End::Settled(batch.into_iter().map(|recipient| (recipient, outcome.clone())).collect())
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

/// The pause after a failed attempt, counted from 1: what Expo asks for, but not less than ours. Requests that
/// failed together come back one after the other.
fn pause(attempt: u32, place: usize, retry_after: Option<Duration>) -> Duration {
    let spread = Duration::from_millis(u64::try_from(place % REQUESTS_AT_ONCE).unwrap_or_default() * 150);
    let ours = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(10));
    // An absurd request is as good as a very long one.
    let asked_for = retry_after.unwrap_or_default().min(Duration::from_hours(24));
    ours.max(asked_for) + spread
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{not_before, pause};

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
        let seconds =
            |attempt, retry_after: Option<u64>| pause(attempt, 0, retry_after.map(Duration::from_secs)).as_secs();
        assert_eq!([seconds(1, None), seconds(2, None), seconds(3, None)], [1, 2, 4]);
        assert_eq!([seconds(1, Some(5)), seconds(2, Some(0)), seconds(1, Some(u64::MAX))], [5, 2, 86_400]);
        assert!(pause(1, 1, None) > pause(1, 0, None));
    }
}
