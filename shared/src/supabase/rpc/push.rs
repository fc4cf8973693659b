//! Push messages: to which devices they go, what the push service took, and what became of it.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    Repeat,
    queue::{FencingToken, Settlement},
    rpc,
};
use crate::ids::{BackgroundJobId, DeviceId, UserId};

rpc! {
    /// Leases the background jobs among the messages, and finds the devices of all of them.
    pub struct ClaimPushMessages<'a> {
        /// For whom, or which background jobs.
        pub messages: &'a [MessageToClaim],
    }
    const NAME = "claim_push_messages";
    /// The second call would find the background jobs leased by the first.
    const REPEAT = Repeat::NotHarmless;
    type Answer = ClaimedPushMessages;

    /// Records the tickets, revokes devices that are gone, and settles the background jobs, all or nothing.
    pub struct RecordPushTickets<'a> {
        /// As [`ClaimedPushMessages::read_at`] has it.
        pub read_at: &'a str,
        /// Of each device whose outcome is final.
        pub tickets: &'a [PushTicket<'a>],
        /// Never put back.
        pub jobs: &'a [Settlement],
    }
    const NAME = "record_push_tickets";
    /// A ticket is kept once, and a background job that is settled is not the caller's any more.
    const REPEAT = Repeat::Harmless;
    type Answer = IgnoredAny;

    /// Queues a background job if tickets wait for their receipts.
    pub struct QueueDuePushReceipts {}
    const NAME = "queue_due_push_receipts";
    /// The next scheduled run queues what is due.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;

    /// Takes tickets whose receipts are due, and puts off asking for them again.
    pub struct ClaimPushReceipts {}
    const NAME = "claim_push_receipts";
    /// The second call would take other tickets, and those of the first would wait.
    const REPEAT = Repeat::NotHarmless;
    type Answer = Vec<String>;

    /// Records receipts, and revokes devices that are gone.
    pub struct RecordPushReceipts<'a> {
        /// What came.
        pub receipts: &'a [PushReceipt],
    }
    const NAME = "record_push_receipts";
    /// Of a ticket one receipt is kept.
    const REPEAT = Repeat::Harmless;
    type Answer = IgnoredAny;
}

/// A message to claim.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum MessageToClaim {
    /// One that the caller has: only the devices are asked for.
    Of {
        /// Whose devices.
        user_id: UserId,
    },
    /// One that waits in the queue.
    Queued {
        /// The background job.
        job_id: BackgroundJobId,
        /// Of the lease that is taken over, if the runner hands it over.
        #[serde(rename = "lease_number")]
        fencing_token: Option<FencingToken>,
    },
}

/// What `claim_push_messages` returns.
#[derive(Debug, Deserialize)]
pub struct ClaimedPushMessages {
    /// When the devices were read, in the database's own words.
    pub read_at: String,
    /// In the order of the call.
    pub messages: Vec<ClaimedPushMessage>,
    /// If Expo's circuit breaker is open: until when. Then nothing was claimed.
    pub retry_after_seconds: Option<u64>,
}

/// A message that was asked for.
#[derive(Debug, Deserialize)]
pub struct ClaimedPushMessage {
    /// Whether the background job is the caller's now.
    pub claimed: bool,
    /// The background job's status, if there is such a job.
    pub job_status: Option<String>,
    /// Of the caller's lease.
    #[serde(rename = "lease_number")]
    pub fencing_token: Option<FencingToken>,
    /// The background job's payload.
    pub payload: Option<Value>,
    /// Where it goes.
    pub devices: Vec<Device>,
}

/// A device that a person gets messages on.
#[derive(Debug, Deserialize)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its push token.
    pub token: String,
}

/// A row of `push_tickets`.
#[derive(Debug, PartialEq, Serialize)]
pub struct PushTicket<'a> {
    /// Which device.
    pub device_id: DeviceId,
    /// Which background job, if it was one.
    pub job_id: Option<BackgroundJobId>,
    /// By which the receipt is asked for; null if the message was refused.
    pub ticket_id: Option<&'a str>,
    /// Why it was refused.
    pub error: Option<&'a str>,
    /// The same in words.
    pub message: Option<&'a str>,
    /// Nothing may be sent to the device any more.
    pub device_gone: bool,
}

/// What is kept of one receipt.
#[derive(Debug, PartialEq, Serialize)]
pub struct PushReceipt {
    /// Of which ticket.
    pub ticket_id: String,
    /// Why it was not delivered.
    pub error: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// Nothing may be sent to the device any more.
    pub device_gone: bool,
}
