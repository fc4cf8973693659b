//! An issuer's public keys, kept for each isolate, and when to load them again.
//!
//! Behind a public endpoint every unknown key id would otherwise be a request to the issuer, so
//! unknown ones load at most every 30 s. When a load fails, the last good keys go on for an hour.

use std::{collections::HashMap, time::Duration};

use crate::clock::UnixTime;

/// Loaded keys are fresh for 10 minutes.
pub(super) const FRESH_FOR: Duration = Duration::from_mins(10);
/// Past that they are good for another hour while no newer ones can be loaded.
const GOOD_FOR: Duration = Duration::from_mins(70);
/// The shortest time between two loads that unknown key ids cause.
const UNKNOWN_EVERY: Duration = Duration::from_secs(30);
/// The pause after a failed load while there are no keys at all.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What to do about a key id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look<K> {
    /// Verify with this key.
    Use(K),
    /// Load the keys, then look again.
    Load,
    /// There is no such key.
    Unknown,
    /// No keys could be loaded, so it cannot be decided.
    Unavailable,
}

/// The keys of one issuer, by key id.
#[derive(Debug)]
pub(super) struct KeyStore<K> {
    keys: HashMap<String, K>,
    loaded_at: Option<UnixTime>,
    tried_at: Option<UnixTime>,
    last_try_failed: bool,
}

impl<K> Default for KeyStore<K> {
    fn default() -> Self {
        Self { keys: HashMap::new(), loaded_at: None, tried_at: None, last_try_failed: false }
    }
}

impl<K: Clone> KeyStore<K> {
    /// Decides. A load that it asks for is noted, so that other requests do not load as well.
    pub(super) fn look(&mut self, key_id: &str, now: UnixTime) -> Look<K> {
        let since_try = self.tried_at.map(|tried_at| now - tried_at);
        let Some(loaded_at) = self.loaded_at else {
            // Nobody is served before the first load, so every request tries for itself.
            let failed_just_now = self.last_try_failed && since_try.is_some_and(|since| since < RETRY_AFTER);
            return if failed_just_now { Look::Unavailable } else { Look::Load };
        };
        let tried_lately = since_try.is_some_and(|since| since < UNKNOWN_EVERY);
        if let Some(key) = self.known(key_id) {
            let age = now - loaded_at;
            if age < FRESH_FOR || (age < GOOD_FOR && tried_lately) {
                return Look::Use(key);
            }
        } else if tried_lately {
            return if self.last_try_failed { Look::Unavailable } else { Look::Unknown };
        }
        self.tried_at = Some(now);
        Look::Load
    }

    /// The key of this id, however old.
    pub(super) fn known(&self, key_id: &str) -> Option<K> {
        self.keys.get(key_id).cloned()
    }

    /// The key of this id, unless it has been too long since the last good load.
    pub(super) fn still_good(&self, key_id: &str, now: UnixTime) -> Option<K> {
        let loaded_at = self.loaded_at?;
        if now - loaded_at < GOOD_FOR { self.known(key_id) } else { None }
    }

    /// Takes note of a load that succeeded; keys that are gone from it are gone.
    pub(super) fn loaded(&mut self, keys: HashMap<String, K>, now: UnixTime) {
        *self = Self { keys, loaded_at: Some(now), tried_at: Some(now), last_try_failed: false };
    }

    /// Takes note of a load that failed.
    pub(super) fn failed(&mut self, now: UnixTime) {
        self.tried_at = Some(now);
        self.last_try_failed = true;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{KeyStore, Look};
    use crate::clock::UnixTime;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    fn loaded_at(seconds: u64) -> KeyStore<&'static str> {
        let mut store = KeyStore::default();
        store.loaded(HashMap::from([("ins_1".to_owned(), "key")]), at(seconds));
        store
    }

    #[test]
    fn keys_are_loaded_first_and_then_used_for_ten_minutes() {
        assert_eq!(KeyStore::<()>::default().look("ins_1", at(0)), Look::Load);
        let mut store = loaded_at(0);
        assert_eq!(store.look("ins_1", at(599)), Look::Use("key"));
        assert_eq!(store.look("ins_1", at(600)), Look::Load);
        assert_eq!(store.look("ins_1", at(601)), Look::Use("key"), "while another request loads");
    }

    #[test]
    fn unknown_key_ids_load_at_most_every_thirty_seconds() {
        let mut store = loaded_at(0);
        assert_eq!(store.look("ins_2", at(29)), Look::Unknown);
        assert_eq!(store.look("ins_2", at(30)), Look::Load);
        assert_eq!(store.look("ins_3", at(31)), Look::Unknown);
        assert_eq!(store.look("ins_3", at(60)), Look::Load);
    }

    #[test]
    fn the_last_good_keys_go_on_for_an_hour_when_loading_fails() {
        let mut store = loaded_at(0);
        assert_eq!(store.look("ins_1", at(700)), Look::Load);
        store.failed(at(701));
        assert!(store.still_good("ins_1", at(701)).is_some());
        assert_eq!(store.look("ins_1", at(702)), Look::Use("key"));
        assert_eq!(store.look("ins_2", at(702)), Look::Unavailable);
        store.failed(at(4190));
        assert_eq!(store.look("ins_1", at(4199)), Look::Use("key"));
        assert_eq!(store.still_good("ins_1", at(4199)), Some("key"));
        assert_eq!(store.look("ins_1", at(4200)), Look::Load, "even if the last try was a moment ago");
        assert_eq!(store.still_good("ins_1", at(4200)), None);
    }

    #[test]
    fn a_key_that_is_gone_from_a_newer_load_is_gone() {
        let mut store = loaded_at(0);
        store.loaded(HashMap::from([("ins_2".to_owned(), "key 2")]), at(600));
        assert_eq!(store.look("ins_1", at(601)), Look::Unknown);
        assert_eq!((store.known("ins_1"), store.still_good("ins_1", at(601))), (None, None));
        assert_eq!(store.look("ins_2", at(601)), Look::Use("key 2"));
    }

    #[test]
    fn without_any_keys_a_failed_load_is_not_repeated_at_once() {
        let mut store = KeyStore::<()>::default();
        store.failed(at(10));
        assert_eq!(store.look("ins_1", at(10)), Look::Unavailable);
        assert_eq!(store.look("ins_1", at(11)), Look::Load);
    }
}
