//! Tokens that were verified lately, so that a client's next request costs no public-key operation.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::clock::UnixTime;

/// A client has one token at a time, so this is the number of clients an isolate serves in a minute.
const CAPACITY: usize = 4096;

/// Remembers by the hash of the whole text, header and signature included: a token that differs in
/// one byte is another one.
#[derive(Debug, Default)]
pub(super) struct TokenCache(HashMap<[u8; 32], UnixTime>);

impl TokenCache {
    /// Whether a token was verified before and has not expired since.
    pub(super) fn contains(&self, token: &str, now: UnixTime) -> bool {
        self.0.get(&fingerprint(token)).is_some_and(|expires_at| now < *expires_at)
    }

    /// Keeps a verified token until it expires. When full, the expired ones go; if none has, all.
    pub(super) fn insert(&mut self, token: &str, expires_at: UnixTime, now: UnixTime) {
        if self.0.len() >= CAPACITY {
            self.0.retain(|_, expires_at| now < *expires_at);
        }
        if self.0.len() >= CAPACITY {
            self.0.clear();
        }
        self.0.insert(fingerprint(token), expires_at);
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, TokenCache};
    use crate::clock::UnixTime;

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let mut cache = TokenCache::default();
        cache.insert("a.b.c", UnixTime::from_seconds(60), UnixTime::from_seconds(0));
        assert!(cache.contains("a.b.c", UnixTime::from_seconds(59)));
        assert!(!cache.contains("a.b.c", UnixTime::from_seconds(60)));
        assert!(!cache.contains("a.b.d", UnixTime::from_seconds(1)));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut cache = TokenCache::default();
        for number in 0..3 * CAPACITY {
            cache.insert(&format!("token {number}"), UnixTime::from_seconds(60), UnixTime::from_seconds(0));
        }
        assert!(cache.0.len() <= CAPACITY);
    }

    #[test]
    fn what_has_expired_makes_room_for_what_has_not() {
        let at = UnixTime::from_seconds;
        let mut cache = TokenCache::default();
        cache.insert("long", at(1000), at(0));
        for number in 1..CAPACITY {
            cache.insert(&format!("token {number}"), at(60), at(0));
        }
        assert!(cache.contains("long", at(59)) && cache.contains("token 1", at(59)));
        cache.insert("new", at(1000), at(60));
        assert!(cache.contains("long", at(60)) && cache.contains("new", at(60)));
        assert_eq!(cache.0.len(), 2);
    }
}
