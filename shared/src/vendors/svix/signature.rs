//! Svix's webhook signature, which Clerk's webhooks carry (docs/vendors/clerk.md#webhook-signature): base64 of
//! HMAC-SHA-256 over the message's id, its timestamp and its raw body, with the key that both sides know as `whsec_…`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use crate::{
    clock::UnixTime,
    config::{Environment, Misconfigured},
    headers::Headers,
    problem::Problem,
    sign_in::VerifiedWebhook,
};

/// How far a timestamp may lie behind our clock or ahead of it, in seconds.
const TOLERANCE: u64 = 300;
/// A shorter key could be guessed; an empty one would let anybody sign.
const SHORTEST_KEY: usize = 16;
/// Ids have about 30 bytes; the inbox keeps them.
const LONGEST_ID: usize = 255;

/// The keys that messages may be signed with. While a key is replaced, both the old and the new one are valid.
pub struct WebhookKeys(Vec<Hmac<Sha256>>);

impl WebhookKeys {
    /// Reads the setting of this name, `whsec_…`, comma separated.
    ///
    /// # Errors
    /// Names the setting when it has no key, or something that is not a key.
    pub fn read(environment: &Environment, name: &'static str) -> Result<Self, Misconfigured> {
        let keys: Option<Vec<_>> = environment.list(name).iter().map(|secret| key(secret)).collect();
        match keys {
            Some(keys) if keys.is_empty() => Err(Misconfigured { name, fault: "is missing" }),
            Some(keys) => Ok(Self(keys)),
            None => Err(Misconfigured { name, fault: "is not whsec_ and at least 16 bytes in base64" }),
        }
    }

    /// Returns the message's id if one of its signatures was made with one of the keys over this id, timestamp and
    /// body, and the timestamp is recent.
    ///
    /// Every signature is compared with that of every key, and each comparison takes constant time.
    ///
    /// # Errors
    /// [`Problem::SignatureInvalid`], whatever is wrong, so that a stranger learns nothing from it.
    pub fn verify<'a>(
        &self,
        headers: &'a Headers,
        body: &[u8],
        now: UnixTime,
    ) -> Result<(&'a str, VerifiedWebhook), Problem> {
        let header = |name| headers.get(name).ok_or(Problem::SignatureInvalid);
        let (id, timestamp, signatures) = (header("svix-id")?, header("svix-timestamp")?, header("svix-signature")?);
        if !is_sensible(id) || !is_recent(timestamp, now) {
            return Err(Problem::SignatureInvalid);
        }
        // Other versions are other algorithms, such as `v1a`.
        let given: Vec<&str> = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).collect();
        let is_signed = self.0.iter().fold(Choice::from(0), |any, key| {
            let expected = sign(key.clone(), id, timestamp, body);
            given.iter().fold(any, |any, given| any | expected.as_bytes().ct_eq(given.as_bytes()))
        });
        if is_signed.into() { Ok((id, VerifiedWebhook::by_signature())) } else { Err(Problem::SignatureInvalid) }
    }
}

impl std::fmt::Debug for WebhookKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "WebhookKeys({})", self.0.len())
    }
}

/// The key is what the base64 after `whsec_` decodes to, not the text itself.
fn key(secret: &str) -> Option<Hmac<Sha256>> {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    if bytes.len() < SHORTEST_KEY {
        return None;
    }
    Hmac::new_from_slice(&bytes).ok()
}

fn is_sensible(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A difference of exactly the tolerance is accepted, in both directions.
fn is_recent(timestamp: &str, now: UnixTime) -> bool {
    // `parse` alone would also accept a plus sign.
    timestamp.bytes().all(|byte| byte.is_ascii_digit())
        && timestamp.parse::<u64>().is_ok_and(|sent_at| sent_at.abs_diff(now.seconds()) <= TOLERANCE)
}

/// The parts are joined, never split, since an id may hold a dot.
fn sign(mut mac: Hmac<Sha256>, id: &str, timestamp: &str, body: &[u8]) -> String {
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{WebhookKeys, key, sign};
    use crate::{
        clock::UnixTime,
        config::{Environment, Misconfigured},
        headers::Headers,
    };

    /// A message that the svix library (npm, 1.99.1) signed.
    const KEY: &str = "whsec_bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZyE=";
    const ID: &str = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj";
    const BODY: &[u8] = "{\"type\":\"user.created\",\"data\":{\"id\":\"user_2lab\",\"first_name\":\"Zoë\"}}".as_bytes();
    const SENT_AT: u64 = 1_795_166_034;
    const SIGNATURE: &str = "v1,c+ms2s7nWWHJUin6OvFTw8IFuTNJzmcLC9gCYrV5jWI=";
    const OTHER_KEY: &str = "whsec_YW5vdGhlciBrZXkgdGhhdCBpcyBubyBzZWNyZXQ=";

    fn keys(setting: &str) -> Result<WebhookKeys, Misconfigured> {
        WebhookKeys::read(&Environment::new(|_| Some(setting.to_owned())), "CLERK_WEBHOOK_SECRET")
    }

    fn headers(id: &str, timestamp: &str, signature: &str) -> Headers {
        [("svix-id", id), ("Svix-Timestamp", timestamp), ("svix-signature", signature)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    fn verifies(setting: &str, headers: &Headers, body: &[u8], now: u64) -> bool {
        keys(setting).unwrap().verify(headers, body, UnixTime::from_seconds(now)).is_ok()
    }

    fn is_accepted(signature: &str) -> bool {
        verifies(KEY, &headers(ID, &SENT_AT.to_string(), signature), BODY, SENT_AT)
    }

    #[test]
    fn what_the_svix_library_signs_verifies_and_tells_its_id() {
        let headers = headers(ID, &SENT_AT.to_string(), SIGNATURE);
        assert_eq!(keys(KEY).unwrap().verify(&headers, BODY, UnixTime::from_seconds(SENT_AT)).unwrap().0, ID);
    }

    #[test]
    fn any_of_several_signatures_and_of_several_keys_will_do() {
        let wrong = format!("v1,{}", "A".repeat(43) + "=");
        assert!(is_accepted(&format!("{wrong} {SIGNATURE}")));
        assert!(is_accepted(&format!("{SIGNATURE} {wrong}")));
        assert!(is_accepted(&format!("v1a,whatever v2 {SIGNATURE} ")));
        let headers = headers(ID, &SENT_AT.to_string(), SIGNATURE);
        assert!(verifies(&format!(" {OTHER_KEY} , {KEY} "), &headers, BODY, SENT_AT));
        assert!(verifies(&format!("{KEY},{OTHER_KEY}"), &headers, BODY, SENT_AT));
        assert!(!verifies(OTHER_KEY, &headers, BODY, SENT_AT));
        assert!(is_accepted(&format!("{SIGNATURE} {SIGNATURE}")), "the same one twice is still one of them");
        assert!(verifies(&format!("{KEY},{KEY}"), &headers, BODY, SENT_AT));
    }

    #[test]
    fn a_signature_in_another_form_is_none() {
        let text = SIGNATURE.strip_prefix("v1,").unwrap();
        for signature in [
            "",
            " ",
            ",",
            "v1",
            "v1,",
            text,
            &format!("v1a,{text}"),
            &format!("V1,{text}"),
            &format!("v1, {text}"),
            &format!("v1,{}", text.trim_end_matches('=')),
            &format!("v1,{text}="),
            &format!("v1,{}", text.to_lowercase()),
            &format!("v1,{SIGNATURE}"),
            &format!("{SIGNATURE},"),
            "v1,é",
            "v1,\u{0}",
        ] {
            assert!(!is_accepted(signature), "{signature:?}");
        }
    }

    #[test]
    fn the_id_the_time_and_every_byte_of_the_body_are_signed() {
        let sent_at = SENT_AT.to_string();
        let later = (SENT_AT + 1).to_string();
        for (id, timestamp, body) in [
            ("msg_other", sent_at.as_str(), BODY),
            (ID, later.as_str(), BODY),
            (ID, sent_at.as_str(), &BODY[..BODY.len() - 1]),
            (ID, sent_at.as_str(), b"".as_slice()),
        ] {
            assert!(!verifies(KEY, &headers(id, timestamp, SIGNATURE), body, SENT_AT), "{id} {timestamp}");
        }
    }

    #[test]
    fn a_message_is_good_for_five_minutes_either_way() {
        let headers = headers(ID, &SENT_AT.to_string(), SIGNATURE);
        for (now, expected) in [(0, true), (300, true), (301, false), (100_000, false)] {
            assert_eq!(verifies(KEY, &headers, BODY, SENT_AT + now), expected, "{now} s later");
            assert_eq!(verifies(KEY, &headers, BODY, SENT_AT - now), expected, "{now} s before");
        }
    }

    #[test]
    fn headers_that_are_missing_or_odd_are_refused_without_ado() {
        let good = [("svix-id", ID), ("svix-timestamp", "1795166034"), ("svix-signature", SIGNATURE)];
        for missing in 0..good.len() {
            let rest = good.iter().enumerate().filter(|(index, _)| *index != missing).map(|(_, header)| header);
            let headers = rest.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert!(!verifies(KEY, &headers, BODY, SENT_AT), "without {}", good[missing].0);
        }
        for timestamp in
            ["", "+1795166034", "-1", "1795166034.0", "1795166034 ", "NaN", "99999999999999999999999", "１"]
        {
            assert!(!verifies(KEY, &headers(ID, timestamp, SIGNATURE), BODY, SENT_AT), "{timestamp:?}");
        }
    }

    #[test]
    fn an_id_is_short_printable_ascii_also_if_it_is_signed() {
        let sent_at = SENT_AT.to_string();
        for (id, is_read) in [
            ("m", true),
            (&"m".repeat(255), true),
            (&"m".repeat(256), false),
            ("", false),
            ("msg one", false),
            ("msg_é", false),
            ("msg\n", false),
        ] {
            let signature = format!("v1,{}", sign(key(KEY).unwrap(), id, &sent_at, BODY));
            assert_eq!(verifies(KEY, &headers(id, &sent_at, &signature), BODY, SENT_AT), is_read, "{id:?}");
        }
    }

    #[test]
    fn a_key_has_sixteen_bytes_at_least() {
        assert!(keys("whsec_MTIzNDU2Nzg5MGFiY2RlZg==").is_ok());
        assert!(keys("whsec_MTIzNDU2Nzg5MGFiY2Rl").is_err());
    }

    #[test]
    fn a_setting_without_a_key_or_with_a_broken_one_is_named() {
        for (setting, fault) in [
            ("", "is missing"),
            (" , ", "is missing"),
            ("whsec_", "is not"),
            ("whsec_c2hvcnQ=", "is not"),
            ("whsec_***", "is not"),
            ("whsec_é", "is not"),
            ("sk_test_bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZyE=", "is not"),
            (KEY.trim_end_matches('='), "is not"),
            (&format!("{KEY},whsec_"), "is not"),
        ] {
            let error = keys(setting).unwrap_err();
            assert_eq!(error.name, "CLERK_WEBHOOK_SECRET");
            assert!(error.fault.starts_with(fault), "{setting}: {error}");
        }
    }

    #[test]
    fn debugging_keys_does_not_show_them() {
        assert_eq!(format!("{:?}", keys(KEY).unwrap()), "WebhookKeys(1)");
    }
}
