//! What is read of a token: the header and the claims that a decision depends on.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

/// Where a key could be fetched from (`jku`, `x5u`, `x5c`, `jwk`) is not even read.
#[derive(Clone, Deserialize)]
pub(super) struct Header {
    pub(super) cat: Option<String>,
    pub(super) crit: Option<IgnoredAny>,
}

/// The claims that are looked at, beside the times.
#[derive(Deserialize)]
pub(super) struct PersonClaims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) azp: Option<String>,
    pub(super) sts: Option<String>,
    pub(super) aud: Option<Value>,
    pub(super) role: Option<String>,
}
