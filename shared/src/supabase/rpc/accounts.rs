//! The accounts: in step with Clerk.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Repeat, rpc};
use crate::ids::{RequestId, UserId};

rpc! {
    /// Keeps an event of Clerk's and brings the account in step with it, all or nothing.
    pub struct ApplyClerkEvent<'a> {
        /// Svix's id of the message, by which the inbox knows it again.
        pub event_id: &'a str,
        /// `user.created`, `user.updated` or `user.deleted`.
        pub event_type: &'a str,
        /// `user_…`
        pub clerk_user_id: &'a str,
        /// When the account was changed, in milliseconds by Clerk's clock; null for a deletion.
        pub updated_at: Option<i64>,
        /// What Clerk says of the person; null for a deletion.
        pub person: Option<&'a AccountDetails>,
        /// The body as it came.
        pub body: Cow<'a, str>,
        /// The request that brought it.
        pub request_id: RequestId,
    }
    const NAME = "apply_clerk_event";
    /// Svix sends the message again, and the inbox knows it then.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = AppliedClerkEvent;

    /// Makes the person known from the claims of their own token, which go along with the call.
    pub struct EnsurePerson {}
    const NAME = "ensure_person";
    /// The call that this one is made for fails, and the person's app makes that again.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;
}

/// What is taken over of a person. An address or number is there only if it is the primary one and verified.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AccountDetails {
    /// The primary address.
    pub email: Option<String>,
    /// The primary number.
    pub phone_number: Option<String>,
    /// First and last name, as far as there are any.
    pub full_name: Option<String>,
}

/// What became of an event of Clerk's.
#[derive(Debug, Deserialize)]
pub struct AppliedClerkEvent {
    /// `created`, `updated`, `deleted`, `duplicate`, `outdated` or `account_deleted`. Only passed on, so it may be
    /// another one some day.
    pub outcome: String,
    /// Whose account it is; null when nothing was changed.
    pub user_id: Option<UserId>,
}
