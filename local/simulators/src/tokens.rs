//! JSON Web Tokens: minting them in any shape, bad ones included, and verifying them as Supabase does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jwt_compact::alg::{Es256, Hs256, Hs256Key, Rsa};
use jwt_compact::{Algorithm, AlgorithmExt as _, AlgorithmSignature as _, UntrustedToken};
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::{Map, Value};

/// A key on the curve P-256 that signs.
pub type EllipticKey = <Es256 as Algorithm>::SigningKey;

/// Its public half.
pub type EllipticPublicKey = <Es256 as Algorithm>::VerifyingKey;

/// How a token is signed.
pub enum Signing<'a> {
    /// HMAC with a secret.
    Hs256(&'a Hs256Key),
    /// RSA with a private key.
    Rs256(&'a RsaPrivateKey),
    /// ECDSA with a private key.
    Es256(&'a EllipticKey),
    /// An empty signature.
    None,
}

/// A token with exactly this header and these claims, however wrong they are.
#[must_use]
pub fn mint(header: &Value, claims: &Value, signing: &Signing) -> String {
    let message = format!("{}.{}", segment(header), segment(claims));
    let signature = match signing {
        Signing::Hs256(key) => Hs256.sign(key, message.as_bytes()).as_bytes().into_owned(),
        Signing::Rs256(key) => Rsa::rs256().sign(key, message.as_bytes()).as_bytes().into_owned(),
        Signing::Es256(key) => Es256.sign(key, message.as_bytes()).as_bytes().into_owned(),
        Signing::None => Vec::new(),
    };
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn segment(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Why a token is refused, in the words of the library that Supabase Storage uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not three segments of base64url and JSON, or of an algorithm that nobody has a key for.
    #[error("Invalid Compact JWS")]
    Malformed,
    /// Signed by somebody else, or changed.
    #[error("signature verification failed")]
    Signature,
    /// Too late.
    #[error("\"exp\" claim timestamp check failed")]
    Expired,
    /// Too early.
    #[error("\"nbf\" claim timestamp check failed")]
    NotYetValid,
}

/// Whose tokens are believed. Each key serves its own algorithm only.
#[derive(Clone, Copy)]
pub struct Trusted<'a> {
    /// The project's secret.
    pub project: &'a Hs256Key,
    /// Clerk's key, where its tokens are accepted.
    pub clerk: Option<&'a RsaPublicKey>,
    /// Supabase Auth's key, likewise.
    pub supabase_auth: Option<&'a EllipticPublicKey>,
}

/// The claims of a token that one of these keys signed.
pub fn verify(token: &str, trusted: Trusted) -> Result<Map<String, Value>, BadToken> {
    let untrusted = UntrustedToken::new(token).map_err(|_| BadToken::Malformed)?;
    let verified = match (untrusted.algorithm(), trusted.clerk, trusted.supabase_auth) {
        ("HS256", ..) => Hs256.validator::<Value>(trusted.project).validate(&untrusted).is_ok(),
        ("RS256", Some(key), _) => Rsa::rs256().validator::<Value>(key).validate(&untrusted).is_ok(),
        ("ES256", _, Some(key)) => Es256.validator::<Value>(key).validate(&untrusted).is_ok(),
        _ => return Err(BadToken::Malformed),
    };
    if !verified {
        return Err(BadToken::Signature);
    }
    let claims = claims_of(token).ok_or(BadToken::Malformed)?;
    let now = Utc::now().timestamp();
    match (claims.get("exp").and_then(Value::as_i64), claims.get("nbf").and_then(Value::as_i64)) {
        (Some(expires), _) if expires <= now => Err(BadToken::Expired),
        (_, Some(begins)) if begins > now => Err(BadToken::NotYetValid),
        _ => Ok(claims),
    }
}

/// jwt-compact takes the registered claims out of the map, and policies are to see all of them.
fn claims_of(token: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> String {
        mint(&json!({ "alg": "HS256" }), claims, &Signing::Hs256(&key()))
    }

    fn key() -> Hs256Key {
        Hs256Key::new(b"a secret that is long enough for it")
    }

    fn verify_with(token: &str, project: &Hs256Key) -> Result<Map<String, Value>, BadToken> {
        verify(token, Trusted { project, clerk: None, supabase_auth: None })
    }

    #[test]
    fn a_token_of_ours_verifies_with_all_its_claims() {
        let claims = verify_with(&token(&json!({ "sub": "user_1", "exp": 4_000_000_000_u64 })), &key());
        assert_eq!(Value::from(claims.unwrap()), json!({ "sub": "user_1", "exp": 4_000_000_000_u64 }));
    }

    #[test]
    fn an_expired_a_foreign_and_an_unsigned_token_are_refused() {
        let claims = json!({ "sub": "user_1" });
        assert_eq!(verify_with(&token(&json!({ "exp": 1 })), &key()), Err(BadToken::Expired));
        assert_eq!(verify_with(&token(&claims), &Hs256Key::new(b"another secret")), Err(BadToken::Signature));
        let unsigned = mint(&json!({ "alg": "none" }), &claims, &Signing::None);
        assert_eq!(verify_with(&unsigned, &key()), Err(BadToken::Malformed));
    }
}
