//! Svix: the service through which Clerk sends its webhooks.

mod signature;

pub use signature::WebhookKeys;
