//! The keys of one local stack, made once and kept in `<state>/keys`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use jwt_compact::alg::Hs256Key;
use rand::Rng as _;
use rand::distributions::Alphanumeric;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::tokens::{Signing, mint};

/// The `kid` of the simulated Clerk instance.
pub const CLERK_KEY_ID: &str = "ins_local";

const TEN_YEARS: i64 = 10 * 365 * 24 * 60 * 60;

/// All keys of a stack.
pub struct Keys {
    /// The texts in `keys.json`.
    pub texts: KeyTexts,
    /// What signs the project's own tokens.
    pub(crate) jwt_secret: Hs256Key,
    /// What signs Clerk's session tokens.
    pub(crate) clerk: RsaPrivateKey,
}

/// `keys.json`: what other programs of the stack are configured with.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyTexts {
    /// The project's HS256 secret.
    pub jwt_secret: String,
    /// The legacy key of clients, a JWT.
    pub anon_key: String,
    /// The legacy key of the backend, a JWT.
    pub service_role_key: String,
    /// The new key of clients, `sb_publishable_…`.
    pub publishable_key: String,
    /// The new key of the backend, `sb_secret_…`.
    pub secret_key: String,
    /// The Skyvern key in use.
    pub skyvern_api_key: String,
    /// The Skyvern key that is being replaced and still valid.
    pub skyvern_previous_api_key: String,
    /// What Clerk's webhooks are signed with, `whsec_…`.
    #[serde(default = "webhook_secret")]
    pub clerk_webhook_secret: String,
    /// What they were signed with before, and still may be.
    #[serde(default = "webhook_secret")]
    pub clerk_previous_webhook_secret: String,
}

impl Keys {
    /// Reads the keys below the state folder, after making those that are missing.
    pub fn load_or_create(state_dir: &Path) -> anyhow::Result<Self> {
        let folder = state_dir.join("keys");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let jwt_secret = kept(&folder.join("jwt_secret"), || Ok(random_text(48)))?;
        let clerk = kept(&folder.join("clerk.pem"), || {
            let key = RsaPrivateKey::new(&mut rand::rngs::OsRng, 2048)?;
            Ok(key.to_pkcs8_pem(LineEnding::LF)?.to_string())
        })?;
        let clerk = RsaPrivateKey::from_pkcs8_pem(&clerk).context("keys/clerk.pem")?;
        kept(&folder.join("jwks.json"), || Ok(key_set(&clerk, &jwt_secret).to_string()))?;
        let file = folder.join("keys.json");
        let text = kept(&file, || Ok(serde_json::to_string_pretty(&KeyTexts::new(&jwt_secret))?))?;
        let texts: KeyTexts = serde_json::from_str(&text).context("keys/keys.json")?;
        // A stack that is older than one of the keys gets that one now.
        let complete = serde_json::to_string_pretty(&texts)?;
        if complete != text {
            write(&file, &complete)?;
        }
        Ok(Self { texts, jwt_secret: Hs256Key::new(jwt_secret.as_bytes()), clerk })
    }

    /// The public half of Clerk's key, as text: the material of the attack that uses it as an HMAC secret.
    pub(crate) fn clerk_public_pem(&self) -> anyhow::Result<String> {
        Ok(RsaPublicKey::from(&self.clerk).to_public_key_pem(LineEnding::LF)?)
    }
}

impl KeyTexts {
    fn new(jwt_secret: &str) -> Self {
        let key = Hs256Key::new(jwt_secret.as_bytes());
        Self {
            jwt_secret: jwt_secret.to_owned(),
            anon_key: role_token(&key, "anon", TEN_YEARS),
            service_role_key: role_token(&key, "service_role", TEN_YEARS),
            publishable_key: format!("sb_publishable_{}_{}", random_text(22), random_text(8)),
            secret_key: format!("sb_secret_{}_{}", random_text(22), random_text(8)),
            skyvern_api_key: random_text(144),
            skyvern_previous_api_key: random_text(144),
            clerk_webhook_secret: webhook_secret(),
            clerk_previous_webhook_secret: webhook_secret(),
        }
    }
}

/// A token that carries nothing but a role of the database.
pub(crate) fn role_token(key: &Hs256Key, role: &str, seconds: i64) -> String {
    let now = Utc::now().timestamp();
    let claims = json!({ "iss": "supabase", "role": role, "iat": now, "exp": now + seconds });
    mint(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, &Signing::Hs256(key))
}

/// A public key of Clerk's as a JSON Web Key.
pub(crate) fn clerk_key(key: &RsaPrivateKey, key_id: &str) -> Value {
    json!({
        "use": "sig",
        "kty": "RSA",
        "kid": key_id,
        "alg": "RS256",
        "n": URL_SAFE_NO_PAD.encode(key.n().to_bytes_be()),
        "e": URL_SAFE_NO_PAD.encode(key.e().to_bytes_be()),
    })
}

/// What PostgREST verifies with: Clerk's tokens and the project's own.
fn key_set(clerk: &RsaPrivateKey, jwt_secret: &str) -> Value {
    let project = json!({ "kty": "oct", "kid": "project", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(jwt_secret) });
    json!({ "keys": [clerk_key(clerk, CLERK_KEY_ID), project] })
}

/// A secret as Svix makes them: random bytes in base64, behind `whsec_`.
fn webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(rand::rngs::OsRng.r#gen::<[u8; 32]>()))
}

pub(crate) fn random_text(length: usize) -> String {
    rand::rngs::OsRng.sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// The text of a file, which is made first if it is not there: whole, or not at all.
fn kept(path: &Path, make: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<String> {
    if !path.exists() {
        write(path, &make()?)?;
    }
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file for its owner alone: whole, or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    Ok(fs::rename(&unfinished, path)?)
}
