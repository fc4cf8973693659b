//! Clerk's public keys, kept for each isolate, and when to load them again.
//!
//! Behind a public endpoint every unknown key id would otherwise be a request to Clerk, so unknown
//! ones load at most every 30 s. When a load fails, the last good keys go on for an hour.

use std::{collections::HashMap, time::Duration};

use jwt_compact::{
    alg::{RsaPublicKey, StrongKey},
    jwk::JsonWebKey,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::UnixTime;

/// An RSA key of at least 2,048 bits.
pub(super) type PublicKey = RsaPublicKey;

/// Loaded keys are fresh for 10 minutes.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// Past that they are good for another hour while no newer ones can be loaded.
const GOOD_FOR: Duration = Duration::from_mins(70);
/// The shortest time between two loads that unknown key ids cause.
const UNKNOWN_EVERY: Duration = Duration::from_secs(30);
/// The pause after a failed load while there are no keys at all.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What to do about a key id.
#[derive(Debug)]
pub(super) enum Look {
    /// Verify with this key.
    Use(PublicKey),
    /// Load the keys, then look again.
    Load,
    /// There is no such key.
    Unknown,
    /// There are no keys to tell by.
    Unavailable,
}

/// The keys of the issuer, by key id.
#[derive(Debug, Default)]
pub(super) struct KeyStore {
    keys: HashMap<String, PublicKey>,
    loaded_at: Option<UnixTime>,
    tried_at: Option<UnixTime>,
    last_try_failed: bool,
}

impl KeyStore {
    /// Decides, and takes note when it asks for a load, so that others do not load as well.
    pub(super) fn look(&mut self, key_id: &str, now: UnixTime) -> Look {
        let since_try = self.tried_at.map(|tried_at| now - tried_at);
        let Some(loaded_at) = self.loaded_at else {
            // Nobody is served before the first load, so every request tries for itself.
            let failed_just_now = self.last_try_failed && since_try.is_some_and(|since| since < RETRY_AFTER);
            return if failed_just_now { Look::Unavailable } else { Look::Load };
        };
        if let Some(key) = self.known(key_id) {
            let age = now - loaded_at;
            if age < FRESH_FOR || (age < GOOD_FOR && since_try.is_some_and(|since| since < UNKNOWN_EVERY)) {
                return Look::Use(key);
            }
        } else if since_try.is_some_and(|since| since < UNKNOWN_EVERY) {
            return if self.last_try_failed { Look::Unavailable } else { Look::Unknown };
        }
        self.tried_at = Some(now);
        Look::Load
    }

    /// The key of this id, however old.
    pub(super) fn known(&self, key_id: &str) -> Option<PublicKey> {
        self.keys.get(key_id).cloned()
    }

    /// The key of this id, unless it has been too long since the last good load.
    pub(super) fn still_good(&self, key_id: &str, now: UnixTime) -> Option<PublicKey> {
        let loaded_at = self.loaded_at?;
        if now - loaded_at < GOOD_FOR { self.known(key_id) } else { None }
    }

    /// Takes note of a load that succeeded; keys that are gone from it are gone.
    pub(super) fn loaded(&mut self, keys: HashMap<String, PublicKey>, now: UnixTime) {
        *self = Self { keys, loaded_at: Some(now), tried_at: Some(now), last_try_failed: false };
    }

    /// Takes note of a load that failed.
    pub(super) fn failed(&mut self, now: UnixTime) {
        self.tried_at = Some(now);
        self.last_try_failed = true;
    }
}

/// The RS256 keys of a JWKS document. None if it is not one, or holds no such key: better to keep
/// the keys we have than to believe that all are gone.
pub(super) fn parse(document: &[u8]) -> Option<HashMap<String, PublicKey>> {
    let document: Document = serde_json::from_slice(document).ok()?;
    let keys: HashMap<_, _> = document.keys.into_iter().filter_map(verification_key).collect();
    (!keys.is_empty()).then_some(keys)
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// A key entry (RFC 7517 §4, RFC 7518 §6.3.1). Keys for other uses and of other kinds are skipped.
#[derive(Deserialize)]
struct Entry {
    kid: String,
    kty: String,
    n: String,
    e: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

fn verification_key(entry: Value) -> Option<(String, PublicKey)> {
    let entry: Entry = serde_json::from_value(entry).ok()?;
    let fits = entry.kty == "RSA"
        && entry.alg.is_none_or(|alg| alg == "RS256")
        && entry.usage.is_none_or(|usage| usage == "sig");
    if !fits {
        return None;
    }
    let key: JsonWebKey = serde_json::from_value(json!({ "kty": "RSA", "n": entry.n, "e": entry.e })).ok()?;
    let key = PublicKey::try_from(&key).ok()?;
    let strong = StrongKey::try_from(key).ok()?;
    Some((entry.kid, strong.into_inner()))
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;

    use super::{KeyStore, Look, PublicKey, parse};
    use crate::clock::UnixTime;
    use jwt_compact::alg::{ModulusBits, Rsa, RsaPrivateKey};

    /// A key pair of its own for each call.
    pub(in crate::sign_in) fn key_pair() -> (RsaPrivateKey, PublicKey) {
        let (private, public) = Rsa::generate(&mut rand_core::OsRng, ModulusBits::TwoKibibytes).unwrap();
        (private.into_inner(), public.into_inner())
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    fn store(loaded_at: u64) -> KeyStore {
        let mut store = KeyStore::default();
        store.loaded(HashMap::from([("ins_1".to_owned(), key_pair().1)]), at(loaded_at));
        store
    }

    #[test]
    fn keys_are_loaded_first_and_then_used_for_ten_minutes() {
        assert!(matches!(KeyStore::default().look("ins_1", at(0)), Look::Load));
        let mut store = store(0);
        assert!(matches!(store.look("ins_1", at(599)), Look::Use(_)));
        assert!(matches!(store.look("ins_1", at(600)), Look::Load));
        assert!(matches!(store.look("ins_1", at(601)), Look::Use(_)), "while another request loads");
    }

    #[test]
    fn unknown_key_ids_load_at_most_every_thirty_seconds() {
        let mut store = store(0);
        assert!(matches!(store.look("ins_2", at(29)), Look::Unknown));
        assert!(matches!(store.look("ins_2", at(30)), Look::Load));
        assert!(matches!(store.look("ins_3", at(31)), Look::Unknown));
        assert!(matches!(store.look("ins_3", at(60)), Look::Load));
    }

    #[test]
    fn the_last_good_keys_go_on_for_an_hour_when_loading_fails() {
        let mut store = store(0);
        assert!(matches!(store.look("ins_1", at(700)), Look::Load));
        store.failed(at(701));
        assert!(store.still_good("ins_1", at(701)).is_some());
        assert!(matches!(store.look("ins_1", at(702)), Look::Use(_)));
        assert!(matches!(store.look("ins_2", at(702)), Look::Unavailable));
        assert!(matches!(store.look("ins_1", at(4200)), Look::Load));
        store.failed(at(4201));
        assert!(store.still_good("ins_1", at(4201)).is_none());
    }

    #[test]
    fn without_any_keys_a_failed_load_is_not_repeated_at_once() {
        let mut store = KeyStore::default();
        store.failed(at(10));
        assert!(matches!(store.look("ins_1", at(10)), Look::Unavailable));
        assert!(matches!(store.look("ins_1", at(11)), Look::Load));
    }

    #[test]
    fn what_holds_no_usable_key_is_no_key_set() {
        for document in [
            "",
            "<html>",
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#,
            r#"{"keys":[{"kty":"RSA","kid":"a","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}]}"#,
        ] {
            assert!(parse(document.as_bytes()).is_none(), "{document}");
        }
    }
}
