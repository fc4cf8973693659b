//! Who may go around row level security, and why: each way to a [`ServiceRole`] is a check that came before.

use super::{InternalCaller, Person};
use crate::service_role::ServiceRole;

impl ServiceRole {
    /// For an internal caller, who showed the service-role key.
    #[must_use]
    pub fn of_caller(_: InternalCaller) -> Self {
        Self::granted()
    }

    /// For a webhook, whose sender is known by the signature.
    #[must_use]
    pub fn of_webhook(_: VerifiedWebhook) -> Self {
        Self::granted()
    }

    /// For a scheduled run: no person is present.
    #[must_use]
    pub fn of_schedule(_: Scheduled) -> Self {
        Self::granted()
    }

    /// For writing down what a vendor said in response to a signed-in person's call: the person must not be able to
    /// write it themselves.
    #[must_use]
    pub fn to_record_for(_: &Person) -> Self {
        Self::granted()
    }
}

/// A webhook whose signature was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedWebhook(());

impl VerifiedWebhook {
    /// The check of a signature makes it, once the signature is right.
    pub(crate) fn by_signature() -> Self {
        Self(())
    }
}

/// A run that the runtime began as `wrangler.toml` schedules it.
#[derive(Debug, Clone, Copy)]
pub struct Scheduled(());

impl Scheduled {
    /// The frame of a scheduled run makes it.
    pub(crate) fn by_the_runtime() -> Self {
        Self(())
    }
}
