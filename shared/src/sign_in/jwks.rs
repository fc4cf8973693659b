//! A JWKS document (RFC 7517) and the keys in it that may verify.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{algorithm::Algorithm, public_key::PublicKey};

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// A key entry (RFC 7517 §4). What belongs to its kind of key stands in `members`.
#[derive(Deserialize)]
struct Entry {
    kid: String,
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    #[serde(flatten)]
    members: HashMap<String, Value>,
}

/// The keys for `algorithm`, by key id. None if the text is no such document, or holds no such key:
/// better to keep the keys we have than to believe that all are gone.
pub(super) async fn parse(document: &[u8], algorithm: Algorithm) -> Option<HashMap<String, PublicKey>> {
    let document: Document = serde_json::from_slice(document).ok()?;
    let mut keys = HashMap::new();
    for entry in document.keys {
        if let Some((key_id, key)) = read(entry, algorithm).await {
            keys.insert(key_id, key);
        }
    }
    (!keys.is_empty()).then_some(keys)
}

/// Only what makes up the key is handed on, so that no other member of an entry has a say.
async fn read(entry: Value, algorithm: Algorithm) -> Option<(String, PublicKey)> {
    let entry: Entry = serde_json::from_value(entry).ok()?;
    let fits = entry.alg.is_none_or(|alg| alg == algorithm.name()) && entry.usage.is_none_or(|usage| usage == "sig");
    let member = |name: &str| entry.members.get(name).and_then(Value::as_str);
    let key = match (algorithm, entry.kty.as_str(), entry.crv.as_deref()) {
        (Algorithm::Rs256, "RSA", None) if is_strong(member("n")?) => {
            json!({ "kty": "RSA", "n": member("n")?, "e": member("e")? })
        }
        (Algorithm::Es256, "EC", Some("P-256")) => {
            json!({ "kty": "EC", "crv": "P-256", "x": member("x")?, "y": member("y")? })
        }
        _ => return None,
    };
    if !fits {
        return None;
    }
    Some((entry.kid.clone(), PublicKey::import(&key, algorithm).await?))
}

/// At least 2,048 bits (RFC 7518 §3.3), not counting the zeros that they may begin with.
fn is_strong(modulus: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(modulus.trim_end_matches('=')) else { return false };
    let mut significant = bytes.iter().skip_while(|byte| **byte == 0);
    let bits_of_first = significant.next().map_or(0, |first| u8::BITS - first.leading_zeros());
    significant.count().saturating_mul(8).saturating_add(bits_of_first as usize) >= 2048
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::parse;
    use crate::{sign_in::algorithm::Algorithm, testing::block_on};

    const ES256: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","alg":"ES256","use":"sig",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

    #[test]
    fn what_holds_no_usable_key_is_no_key_set() {
        for document in [
            "",
            "<html>",
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#,
            r#"{"keys":[{"kty":"RSA","kid":"a","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}]}"#,
            ES256,
        ] {
            assert!(block_on(parse(document.as_bytes(), Algorithm::Rs256)).is_none(), "{document}");
        }
    }

    /// A key set of one RSA key whose modulus has these bytes, and then so many more.
    fn rsa(first: &[u8], length: usize, exponent: &str) -> String {
        let mut modulus = first.to_vec();
        modulus.resize(first.len() + length, 0xff);
        json!({ "keys": [{ "kty": "RSA", "kid": "a", "n": URL_SAFE_NO_PAD.encode(modulus), "e": exponent }] })
            .to_string()
    }

    #[test]
    fn an_rsa_key_has_two_thousand_bits_at_least_and_an_exponent_that_proves_something() {
        for (first, length, exponent, is_read) in [
            (&[][..], 128, "AQAB", false),
            (&[0x7f], 255, "AQAB", false),
            (&[0xff], 254, "AQAB", false),
            (&[0; 128], 128, "AQAB", false), // as long as a strong one, and no stronger than its other half
            (&[0x80], 255, "AQAB", true),
            (&[0x01], 256, "AQAB", true),
            (&[0x00], 256, "AQAB", true),
            (&[], 384, "AQAB", true),
            (&[], 256, "Aw", true),
            (&[], 256, "AQ", false), // with 1 everything is its own signature
            (&[], 256, "AA", false),
            (&[], 256, "", false),
        ] {
            let keys = block_on(parse(rsa(first, length, exponent).as_bytes(), Algorithm::Rs256));
            assert_eq!(keys.is_some(), is_read, "{first:x?} and {length} bytes, {exponent}");
        }
    }

    #[test]
    fn one_bad_entry_does_not_spoil_the_others() {
        let bad = json!([7, {}, { "kty": "RSA", "kid": 7 }, { "kty": "RSA", "kid": "b", "n": "!", "e": "AQAB" }]);
        let mut document: Value = serde_json::from_str(ES256).unwrap();
        let good = document["keys"][0].take();
        document["keys"] = bad;
        document["keys"].as_array_mut().unwrap().push(good);
        let keys = block_on(parse(document.to_string().as_bytes(), Algorithm::Es256)).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_key_serves_its_own_algorithm_and_use_only() {
        assert_eq!(block_on(parse(ES256.as_bytes(), Algorithm::Es256)).map(|keys| keys.len()), Some(1));
        for (from, to) in [("ES256", "ES384"), ("\"sig\"", "\"enc\""), ("P-256", "P-384"), ("\"EC\"", "\"RSA\"")] {
            let document = ES256.replace(from, to);
            assert!(block_on(parse(document.as_bytes(), Algorithm::Es256)).is_none(), "{document}");
        }
    }
}
