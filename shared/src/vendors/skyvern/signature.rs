//! Skyvern's webhook signature (docs/vendors/skyvern.md#webhook-signature): lower-case hex of HMAC-SHA-256 over the raw
//! body, with the text of one of our API keys as the key. It does not cover the timestamp header, which may be hours
//! off, so that header proves nothing and is ignored.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
    sign_in::VerifiedWebhook,
};

/// The key of Skyvern's own test sender for an organisation without one. It is public.
const PLACEHOLDER: &str = "test_api_key_placeholder";

/// The keys that webhooks may be signed with. While a key is replaced, both the old and the new one are valid.
#[derive(Debug)]
pub struct WebhookKeys(Vec<Secret>);

impl WebhookKeys {
    /// Reads `SKYVERN_WEBHOOK_SECRET`, comma separated. Anybody can sign with an empty key or with the public one, so
    /// they are none. Without a key nothing could be verified, and that is our fault, not the sender's: Skyvern comes
    /// back after a 500, and a 401 would lose the event for good (docs/vendors/skyvern.md#webhook-delivery).
    ///
    /// # Errors
    /// Names the setting when it has no key.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let keys = environment.list("SKYVERN_WEBHOOK_SECRET").into_iter().filter(|key| key != PLACEHOLDER);
        let keys: Vec<Secret> = keys.map(Secret::new).collect();
        if keys.is_empty() {
            return Err(Misconfigured { name: "SKYVERN_WEBHOOK_SECRET", fault: "has no key" });
        }
        Ok(Self(keys))
    }

    /// Proof that `signature` is that of `body` with one of the keys. Every key is tried, and every comparison takes
    /// constant time.
    #[must_use]
    pub fn verify(&self, signature: Option<&str>, body: &[u8]) -> Option<VerifiedWebhook> {
        let signature = signature.unwrap_or_default().as_bytes();
        let matching = self.0.iter().map(|key| sign(key, body).as_bytes().ct_eq(signature));
        let is_signed: bool = matching.fold(subtle::Choice::from(0), |any, this| any | this).into();
        is_signed.then(VerifiedWebhook::by_signature)
    }
}

/// The signature of `body` with `key`.
#[must_use]
pub fn sign(key: &Secret, body: &[u8]) -> String {
    // HMAC takes keys of any length, so this is never reached; an empty signature matches nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else { return String::new() };
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0x0f)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::{WebhookKeys, sign};
    use crate::{config::Environment, secret::Secret};

    const KEY: &str = "demo-key-not-a-secret";
    const BODY: &str = r#"{"task_id":"tsk_100200300400500600","status":"completed","errors":[],"run_id":"tsk_100200300400500600","output":{"applied":true,"note":"Merci – reçu","fee":0},"step_count":12,"run_type":"task_v1"}"#;
    const SIGNATURE: &str = "676c940f55cc3b747e748377a0dd3a1ed2b5977eeece5524e6e2b51f6ca34f48";

    fn keys(setting: &'static str) -> WebhookKeys {
        WebhookKeys::read(&Environment::new(move |_| Some(setting.to_owned()))).unwrap()
    }

    #[test]
    fn the_published_test_vector_verifies() {
        assert_eq!(BODY.len(), 199);
        assert!(keys(KEY).verify(Some(SIGNATURE), BODY.as_bytes()).is_some());
    }

    #[test]
    fn either_of_two_keys_verifies() {
        assert!(keys("new-key,demo-key-not-a-secret").verify(Some(SIGNATURE), BODY.as_bytes()).is_some());
        assert!(keys(" demo-key-not-a-secret , new-key").verify(Some(SIGNATURE), BODY.as_bytes()).is_some());
        assert!(keys("demo-key-not-a-secret,demo-key-not-a-secret").verify(Some(SIGNATURE), BODY.as_bytes()).is_some());
        assert!(keys("new-key,other-key").verify(Some(SIGNATURE), BODY.as_bytes()).is_none());
    }

    #[test]
    fn a_signature_of_other_bytes_or_another_form_is_refused() {
        let keys = keys(KEY);
        let escaped = BODY.replace('–', "\\u2013").replace('ç', "\\u00e7");
        assert!(sign(&Secret::new(KEY), escaped.as_bytes()).starts_with("74bf844a"));
        assert!(keys.verify(Some(SIGNATURE), escaped.as_bytes()).is_none());
        for signature in [
            None,
            Some(""),
            Some(&SIGNATURE[..63]),
            Some(&format!("{SIGNATURE}0")),
            Some(&SIGNATURE.to_uppercase()),
            Some(&format!("sha256={SIGNATURE}")),
            Some("é".repeat(32).as_str()),
            Some("0".repeat(64).as_str()),
        ] {
            assert!(keys.verify(signature, BODY.as_bytes()).is_none(), "{signature:?}");
        }
    }

    #[test]
    fn a_setting_without_a_key_is_named() {
        for setting in [None, Some(""), Some(" "), Some(","), Some(" , "), Some("test_api_key_placeholder, ")] {
            let read = WebhookKeys::read(&Environment::new(move |_| setting.map(str::to_owned)));
            assert_eq!(read.unwrap_err().name, "SKYVERN_WEBHOOK_SECRET", "{setting:?}");
        }
    }

    #[test]
    fn a_key_that_everybody_knows_verifies_nothing() {
        let keys = keys("demo-key-not-a-secret,test_api_key_placeholder,,");
        for key in ["", " ", "test_api_key_placeholder"] {
            assert!(keys.verify(Some(&sign(&Secret::new(key), b"{}")), b"{}").is_none(), "{key:?}");
        }
        assert!(keys.verify(None, b"{}").is_none());
        assert!(keys.verify(Some(""), b"{}").is_none());
    }
}
