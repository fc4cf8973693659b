//! Supabase Auth, for people who do not come through Clerk.

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stack::Stack;
use simulators::keys::SUPABASE_AUTH_KEY_ID;
use simulators::tokens::{EllipticKey, Signing, mint};

/// Signs tokens as a project with a signing key does.
pub struct SupabaseAuth {
    issuer: String,
    key: EllipticKey,
}

impl SupabaseAuth {
    pub(crate) fn new(stack: &Stack) -> Self {
        let key = stack.keys().supabase_auth_key();
        Self {
            issuer: format!("{}/auth/v1", stack.description().supabase_url),
            key: key.unwrap_or_else(|error| panic!("Supabase Auth has no key: {error:#}")),
        }
    }

    /// The token that this person has for the next hour.
    #[must_use]
    pub fn token(&self, user_id: Uuid) -> String {
        mint(&self.header(), &self.claims(user_id), &Signing::Es256(&self.key))
    }

    /// The header of such a token.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": SUPABASE_AUTH_KEY_ID, "typ": "JWT" })
    }

    /// What such a token says.
    #[must_use]
    pub fn claims(&self, user_id: Uuid) -> Value {
        let now = Utc::now().timestamp();
        json!({
            "iss": self.issuer, "sub": user_id, "aud": "authenticated", "role": "authenticated",
            "iat": now, "exp": now + 3600,
        })
    }

    /// The key that signs them.
    #[must_use]
    pub fn key(&self) -> &EllipticKey {
        &self.key
    }
}
