//! Tokens that were verified lately, so that a client's next request costs no public-key operation.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::clock::UnixTime;

/// A client has one token at a time, so this is the number of clients an isolate serves in a minute.
const CAPACITY: usize = 4096;

/// Remembers by the hash of the whole text, header and signature included: a token that differs in
/// one byte is another one.
#[derive(Debug, Default)]
pub(super) struct Memory(HashMap<[u8; 32], Remembered>);

#[derive(Debug)]
struct Remembered {
    subject: String,
    expires_at: UnixTime,
}

impl Memory {
    /// The subject of a token that was verified before and has not expired since.
    pub(super) fn recall(&self, token: &str, now: UnixTime) -> Option<String> {
        let remembered = self.0.get(&fingerprint(token))?;
        (now < remembered.expires_at).then(|| remembered.subject.clone())
    }

    /// Keeps a verified token until it expires. When full, the expired ones go; if none has, all.
    pub(super) fn remember(&mut self, token: &str, subject: &str, expires_at: UnixTime, now: UnixTime) {
        if self.0.len() >= CAPACITY {
            self.0.retain(|_, remembered| now < remembered.expires_at);
        }
        if self.0.len() >= CAPACITY {
            self.0.clear();
        }
        self.0.insert(fingerprint(token), Remembered { subject: subject.to_owned(), expires_at });
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Memory};
    use crate::clock::UnixTime;

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let mut memory = Memory::default();
        memory.remember("a.b.c", "user_1", UnixTime::from_seconds(60), UnixTime::from_seconds(0));
        assert_eq!(memory.recall("a.b.c", UnixTime::from_seconds(59)).as_deref(), Some("user_1"));
        assert_eq!(memory.recall("a.b.c", UnixTime::from_seconds(60)), None);
        assert_eq!(memory.recall("a.b.d", UnixTime::from_seconds(1)), None);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..3 * CAPACITY {
            let now = UnixTime::from_seconds(0);
            memory.remember(&format!("token {number}"), "user_1", UnixTime::from_seconds(60), now);
        }
        assert!(memory.0.len() <= CAPACITY);
    }
}
