//! What people are told without having done anything: reminders and announcements.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{Repeat, rpc};
use crate::ids::AnnouncementId;

rpc! {
    /// Queues a background job if profiles are due to be looked at.
    pub struct QueueDueProfileReminders {}
    const NAME = "queue_due_profile_reminders";
    /// The next scheduled run queues what is due.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;

    /// Reminds people of what is missing in their profiles.
    pub struct RemindOfProfiles {
        /// At how many profiles it looks.
        pub limit: u32,
    }
    const NAME = "remind_of_profiles";
    /// What was looked at is not due any more.
    const REPEAT = Repeat::Harmless;
    type Answer = Reminded;

    /// Tells the next people of an announcement.
    pub struct TellAnnouncement {
        /// Which one.
        pub announcement_id: AnnouncementId,
        /// How many people.
        pub limit: u32,
    }
    const NAME = "tell_announcement";
    /// It goes on where it ended.
    const REPEAT = Repeat::Harmless;
    type Answer = Told;
}

/// What `remind_of_profiles` did.
#[derive(Debug, Deserialize)]
pub struct Reminded {
    /// How many profiles were due.
    pub looked_at: u32,
    /// How many people were told.
    pub reminded: u32,
}

/// How far an announcement is.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// How many people have been told. Only passed on.
    pub told: Value,
    /// Whether that is everybody.
    pub is_finished: bool,
}
