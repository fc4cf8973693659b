//! Clerk, from the side of its tests.

use chrono::Utc;
use reqwest::Method;

use crate::stack::Stack;
use simulators::clerk::schedule::{Passing, ScheduledMessage};
use simulators::clerk::webhook::{EventSpec, SentEvent};
use simulators::clerk::{PublishedKey, TokenSpec};

/// Mints session tokens and sends webhooks, honest and forged.
pub struct ClerkControl {
    stack: Stack,
}

impl ClerkControl {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self { stack: stack.clone() }
    }

    /// The session token that `getToken()` would give this person now, but for its life: Clerk's live for a minute, and a
    /// test must not fail because a slow machine takes longer over it.
    pub async fn token(&self, clerk_user_id: &str) -> String {
        let expires_in = Some(60 * 60);
        self.mint(&TokenSpec { sub: clerk_user_id.to_owned(), expires_in, ..TokenSpec::default() }).await
    }

    /// Any token.
    ///
    /// # Panics
    /// If the simulator does not make it.
    pub async fn mint(&self, spec: &TokenSpec) -> String {
        let mut spec = spec.clone();
        if self.stack.description().clocks_differ {
            let start = Utc::now().timestamp() - 600;
            for claim in ["iat", "nbf"] {
                spec.claims.entry(claim).or_insert(start.into());
            }
            spec.expires_in = spec.expires_in.or(Some(600));
        }
        let reply = self.stack.control(Method::POST, "/clerk/tokens", |request| request.json(&spec)).await;
        let reply = reply.expect_status(200);
        reply.json["token"].as_str().unwrap_or_else(|| panic!("no token in {reply:?}")).to_owned()
    }

    /// Publishes the key that Clerk takes next.
    ///
    /// # Panics
    /// If the simulator does not do it.
    pub async fn rotate(&self) {
        self.stack.control(Method::POST, "/clerk/rotate", |request| request).await.expect_status(204);
    }

    /// Publishes exactly these keys.
    ///
    /// # Panics
    /// If the simulator does not do it.
    pub async fn publish(&self, keys: &[PublishedKey]) {
        self.stack.control(Method::POST, "/clerk/keys", |request| request.json(keys)).await.expect_status(204);
    }

    /// Hands a message to Svix, which makes the first attempt at once.
    pub async fn hand_over(&self, spec: &EventSpec) -> ScheduledMessage {
        self.stack.control(Method::POST, "/clerk/messages", |request| request.json(spec)).await.parse()
    }

    /// Lets time pass for a message, and has Svix try again as often as it would meanwhile.
    pub async fn pass(&self, message: &ScheduledMessage, seconds: u64) -> ScheduledMessage {
        let path = format!("/clerk/messages/{}/pass", message.svix_id);
        self.stack.control(Method::POST, &path, |request| request.json(&Passing { seconds })).await.parse()
    }

    /// Sends a webhook, and tells what was answered.
    ///
    /// # Panics
    /// If the simulator does not send it.
    pub async fn send(&self, spec: &EventSpec) -> SentEvent {
        self.stack.control(Method::POST, "/clerk/events", |request| request.json(spec)).await.parse()
    }
}
