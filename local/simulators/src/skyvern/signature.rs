//! How Skyvern signs what it sends.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// HMAC-SHA-256 of the raw body under the text of an API key, in lower-case hexadecimal digits.
#[must_use]
pub fn sign(api_key: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;
    // An HMAC takes keys of any length, so there is no error to think of.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(api_key.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that are signed and sent: compact, in the payload's own order, non-ASCII as it is, whole floats as integers.
pub(super) fn serialise(mut payload: Value) -> String {
    make_whole(&mut payload);
    payload.to_string()
}

fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|_| number.is_f64()).filter(|float| float.fract() == 0.0);
            #[expect(clippy::cast_possible_truncation, reason = "a float that has no fraction and fits is exact")]
            if let Some(float) = float.filter(|float| float.abs() < 9e15) {
                *value = Value::from(float as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(members) => members.values_mut().for_each(make_whole),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "demo-key-not-a-secret";
    const BODY: &str = r#"{"task_id":"tsk_100200300400500600","status":"completed","errors":[],"run_id":"tsk_100200300400500600","output":{"applied":true,"note":"Merci – reçu","fee":0},"step_count":12,"run_type":"task_v1"}"#;

    #[test]
    fn the_published_test_vector_comes_out() {
        assert_eq!(BODY.len(), 199);
        assert_eq!(sign(KEY, BODY.as_bytes()), "676c940f55cc3b747e748377a0dd3a1ed2b5977eeece5524e6e2b51f6ca34f48");
    }

    #[test]
    fn a_payload_is_sent_as_the_vector_is_written() {
        let payload = json!({
            "task_id": "tsk_100200300400500600", "status": "completed", "errors": [],
            "run_id": "tsk_100200300400500600",
            "output": { "applied": true, "note": "Merci – reçu", "fee": 0.0 },
            "step_count": 12.0, "run_type": "task_v1",
        });
        assert_eq!(serialise(payload), BODY);
    }

    #[test]
    fn a_fraction_stays_one() {
        assert_eq!(serialise(json!([0.9, 3.0, -2.0, 7])), "[0.9,3,-2,7]");
    }
}
