//! The id of a posting, which comes in two spellings (docs/vendors/jsearch.md#postings).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// The id in its plain spelling. Some responses have its base64 instead, for the same posting. `None` for what cannot
/// be an id.
pub(super) fn plain_id(text: &str) -> Option<String> {
    let is_sensible = (1..=300).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok();
    let inner = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|inner| is_plain(inner));
    is_sensible.then(|| inner.unwrap_or_else(|| text.to_owned()))
}

/// The form of every recorded id: sixteen bytes in URL-safe base64, of which the last are zero.
fn is_plain(text: &str) -> bool {
    text.len() == 24 && text.ends_with("AAAAAA==") && URL_SAFE.decode(text).is_ok()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::plain_id;

    #[test]
    fn both_spellings_are_the_same_id() {
        let plain = "n-2Jx_T0bEqkYHoAAAAAAA==";
        let encoded = STANDARD.encode(plain);
        assert_eq!(encoded.len(), 32);
        assert_eq!(plain_id(plain).as_deref(), Some(plain));
        assert_eq!(plain_id(&encoded).as_deref(), Some(plain));
    }

    #[test]
    fn only_the_form_of_an_id_is_taken_for_one() {
        for other in
            ["n-2Jx_T0bEqkYHoAAAAAAAA=", "bi0ySngAAAAAAA==", "n-2Jx_T0bEq!YHoAAAAAAA==", "n-2Jx_T0bEqkYHoAAAAAAB=="]
        {
            let encoded = STANDARD.encode(other);
            assert_eq!(plain_id(&encoded), Some(encoded), "{other}");
        }
    }

    #[test]
    fn what_only_looks_encoded_stays_as_it_is() {
        for id in ["abc==", "aGVsbG8gd29ybGQ=", "bi0ySng", "7"] {
            assert_eq!(plain_id(id).as_deref(), Some(id), "{id}");
        }
        for text in ["", "a b", "é", "a\u{0}", &"a".repeat(301)] {
            assert_eq!(plain_id(text), None, "{text}");
        }
    }
}
