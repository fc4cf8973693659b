//! Messages, and their limits.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The most recipients of one request, however they are spread over its messages (docs/vendors/expo.md#messages).
pub const MOST_RECIPIENTS: usize = 100;

/// The longest payload in bytes (docs/vendors/expo.md#messages).
pub const MAXIMUM_PAYLOAD: usize = 4096;

/// How long Apple and Google try to reach a device that is off, in seconds. Set because the default has changed over
/// time, and because news that is older than a day is in the app anyway.
const TIME_TO_LIVE: u32 = 24 * 60 * 60;

/// What a message says, without its recipients.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    title: String,
    body: String,
    data: Map<String, Value>,
    sound: &'static str,
    priority: &'static str,
    ttl: u32,
    /// The same for the same message, so that one that is sent twice replaces the first, on its way and on an iPhone's
    /// screen.
    collapse_id: String,
    /// As `collapse_id`, for Android's screen.
    tag: String,
}

impl Content {
    /// A message for this person.
    #[must_use]
    pub fn new(user_id: &str, title: String, body: String, data: Map<String, Value>) -> Self {
        let mut hash = Sha256::new();
        for part in [user_id, &title, &body, &Value::from(data.clone()).to_string()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // Apple accepts 64 bytes at most.
        let mut collapse_id = String::new();
        for byte in hash.finalize().iter().take(16) {
            // Writing to a string cannot fail.
            let _ = write!(collapse_id, "{byte:02x}");
        }
        Self {
            title,
            body,
            data,
            sound: "default",
            priority: "high",
            ttl: TIME_TO_LIVE,
            tag: collapse_id.clone(),
            collapse_id,
        }
    }

    /// The length in bytes that counts towards [`MAXIMUM_PAYLOAD`].
    #[must_use]
    pub fn size(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |json| json.len())
    }
}

/// A content and its recipients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message<'a> {
    /// Push tokens.
    pub to: Vec<&'a str>,
    /// What it says.
    #[serde(flatten)]
    pub content: &'a Content,
}

/// Whether a text has the form of a push token (docs/vendors/expo.md#push-tokens). Apple's and Google's own tokens do
/// not.
#[must_use]
pub fn is_push_token(text: &str) -> bool {
    let is_wrapped = ["ExponentPushToken[", "ExpoPushToken["]
        .iter()
        .any(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.ends_with(']')));
    is_wrapped || is_legacy_token(text)
}

/// Groups of 8-4-4-4-12 letters or digits.
fn is_legacy_token(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::{Content, Message, is_push_token};

    fn content(user_id: &str, title: &str) -> Content {
        Content::new(user_id, title.to_owned(), "text".to_owned(), Map::new())
    }

    #[test]
    fn the_same_message_collapses_and_another_does_not() {
        assert_eq!(content("a", "b"), content("a", "b"));
        assert_ne!(content("a", "b").collapse_id, content("a", "c").collapse_id);
        assert_ne!(content("a", "b").collapse_id, content("b", "b").collapse_id);
        assert_ne!(content("ab", "c").collapse_id, content("a", "bc").collapse_id);
        assert!(content("a", "b").collapse_id.len() <= 64);
    }

    #[test]
    fn a_message_is_written_with_expos_names() {
        let content = content("a", "b");
        let message = Message { to: vec!["ExpoPushToken[x]"], content: &content };
        let written = serde_json::to_value(&message).unwrap();
        assert_eq!(written["to"], json!(["ExpoPushToken[x]"]));
        assert_eq!(written["collapseId"], written["tag"]);
        assert_eq!((&written["title"], &written["body"], &written["data"]), (&json!("b"), &json!("text"), &json!({})));
    }

    #[test]
    fn the_size_counts_bytes() {
        assert_eq!(content("a", "ü").size(), content("a", "u").size() + 1);
    }

    #[test]
    fn push_tokens_are_told_from_other_texts() {
        for token in [
            "ExponentPushToken[xx]",
            "ExpoPushToken[]",
            "F5741A13-BCDA-434B-A316-5DC0E6FFA94F",
            "f5741a13-bcda-434b-a316-5dc0e6ffa94z",
        ] {
            assert!(is_push_token(token), "{token}");
        }
        let google = "dOKpuo4qbsM:APA91bHkSmF84ROx7Y-2eMGxc0lmpQeN33ZwDMG763dkjd8yjKK";
        let apple = "5fa729c6e535eb568g18fdabd35785fc60f41c161d9d7cf4b0bbb0d92437fda0";
        for text in [
            "",
            "ExponentPushToken[xx",
            "exponentpushtoken[xx]",
            "[xx]",
            google,
            apple,
            "f5741a13-bcda-434b-a316-5dc0e6ffa94",
        ] {
            assert!(!is_push_token(text), "{text}");
        }
    }
}
