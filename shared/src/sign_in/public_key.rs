//! Checking a signature with a public key.
//!
//! In the runtime its own Web Cryptography does the work: it is four times as fast as the same arithmetic
//! compiled to WebAssembly. On the host, where the tests run, jwt-compact does.

#[cfg(not(target_arch = "wasm32"))]
pub(super) use host::PublicKey;
#[cfg(target_arch = "wasm32")]
pub(super) use runtime::PublicKey;

#[cfg(target_arch = "wasm32")]
mod runtime {
    use serde_json::{Value, json};
    use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};
    use worker::{
        js_sys::{Array, JSON, Object},
        wasm_bindgen::{JsCast as _, JsValue},
        wasm_bindgen_futures::JsFuture,
    };

    use crate::sign_in::algorithm::Algorithm;

    /// A key that WebCrypto holds; it can verify and nothing else.
    #[derive(Debug, Clone)]
    pub(in crate::sign_in) struct PublicKey {
        key: CryptoKey,
        parameters: Object,
    }

    impl PublicKey {
        /// Takes a JWK with the members of the key alone. None if it is none.
        pub(in crate::sign_in) async fn import(key: &Value, algorithm: Algorithm) -> Option<Self> {
            let parameters = object(&parameters(algorithm)?)?;
            let usages = Array::of1(&JsValue::from_str("verify"));
            let imported =
                subtle()?.import_key_with_object("jwk", &object(key)?, &parameters, false, &usages.into()).ok()?;
            let key = JsFuture::from(imported).await.ok()?.dyn_into().ok()?;
            Some(Self { key, parameters })
        }

        /// Whether `signature` is that of `signed` under this key.
        pub(in crate::sign_in) async fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
            let Some(subtle) = subtle() else { return false };
            let Ok(verified) =
                subtle.verify_with_object_and_u8_array_and_u8_array(&self.parameters, &self.key, signature, signed)
            else {
                return false;
            };
            JsFuture::from(verified).await.is_ok_and(|verified| verified.is_truthy())
        }
    }

    /// WebCrypto §20.4 and §23.6: one object serves both for importing and for verifying.
    fn parameters(algorithm: Algorithm) -> Option<Value> {
        match algorithm {
            Algorithm::Rs256 => Some(json!({ "name": "RSASSA-PKCS1-v1_5", "hash": "SHA-256" })),
            Algorithm::Es256 => Some(json!({ "name": "ECDSA", "namedCurve": "P-256", "hash": "SHA-256" })),
            Algorithm::Hs256 => None,
        }
    }

    fn object(value: &Value) -> Option<Object> {
        JSON::parse(&value.to_string()).ok()?.dyn_into().ok()
    }

    fn subtle() -> Option<SubtleCrypto> {
        let global: WorkerGlobalScope = worker::js_sys::global().unchecked_into();
        global.crypto().ok().map(|crypto| crypto.subtle())
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use jwt_compact::{
        Algorithm as _, AlgorithmSignature as _,
        alg::{Es256, Rsa, RsaPublicKey},
        jwk::JsonWebKey,
    };
    use serde_json::Value;

    use crate::sign_in::algorithm::Algorithm;

    type EllipticKey = <Es256 as jwt_compact::Algorithm>::VerifyingKey;

    /// A key of either kind.
    #[derive(Debug, Clone)]
    pub(in crate::sign_in) enum PublicKey {
        Rs256(RsaPublicKey),
        Es256(EllipticKey),
    }

    impl PublicKey {
        /// Takes a JWK with the members of the key alone. None if it is none.
        #[expect(clippy::unused_async, reason = "the runtime's WebCrypto is asynchronous")]
        pub(in crate::sign_in) async fn import(key: &Value, algorithm: Algorithm) -> Option<Self> {
            let key: JsonWebKey = serde_json::from_value(key.clone()).ok()?;
            match algorithm {
                Algorithm::Rs256 => RsaPublicKey::try_from(&key).ok().map(Self::Rs256),
                Algorithm::Es256 => EllipticKey::try_from(&key).ok().map(Self::Es256),
                Algorithm::Hs256 => None,
            }
        }

        /// Whether `signature` is that of `signed` under this key.
        #[expect(clippy::unused_async, reason = "the runtime's WebCrypto is asynchronous")]
        pub(in crate::sign_in) async fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
            match self {
                Self::Rs256(key) => jwt_compact::alg::RsaSignature::try_from_slice(signature)
                    .is_ok_and(|signature| Rsa::rs256().verify_signature(&signature, key, signed)),
                Self::Es256(key) => <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(signature)
                    .is_ok_and(|signature| Es256.verify_signature(&signature, key, signed)),
            }
        }
    }
}
