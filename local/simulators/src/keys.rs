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
use jwt_compact::jwk::JsonWebKey;
use rand::Rng as _;
use rand::distributions::Alphanumeric;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::tokens::{EllipticKey, EllipticPublicKey, Signing, mint};

/// The `kid` of the simulated Clerk instance.
pub const CLERK_KEY_ID: &str = "ins_local";

/// The `kid` of Supabase Auth's key.
pub const SUPABASE_AUTH_KEY_ID: &str = "7c1d5b0e-52f7-4c0b-9a55-2f3f4a7f9e10";

const TEN_YEARS: i64 = 10 * 365 * 24 * 60 * 60;

/// All keys of a stack.
pub struct Keys {
    /// The texts in `keys.json`.
    pub texts: KeyTexts,
    /// What signs the project's own tokens.
    pub(crate) jwt_secret: Hs256Key,
    /// What signs Clerk's session tokens.
    pub(crate) clerk: RsaPrivateKey,
    /// What signs the tokens of Supabase Auth.
    pub(crate) supabase_auth: EllipticKey,
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
    /// What Supabase Auth signs its tokens with: the secret number of a key on P-256, in base64url.
    #[serde(default = "elliptic_key")]
    pub supabase_auth_key: String,
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
        let file = folder.join("keys.json");
        let text = kept(&file, || Ok(serde_json::to_string_pretty(&KeyTexts::new(&jwt_secret))?))?;
        let texts: KeyTexts = serde_json::from_str(&text).context("keys/keys.json")?;
        let supabase_auth = texts.supabase_auth_key().context("keys/keys.json")?;
        // A stack that is older than one of the keys gets that one now.
        update(&file, &serde_json::to_string_pretty(&texts)?)?;
        update(&folder.join("jwks.json"), &key_set(&clerk, &supabase_auth, &jwt_secret)?.to_string())?;
        Ok(Self { texts, jwt_secret: Hs256Key::new(jwt_secret.as_bytes()), clerk, supabase_auth })
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
            supabase_auth_key: elliptic_key(),
        }
    }

    /// What Supabase Auth signs its tokens with.
    pub fn supabase_auth_key(&self) -> anyhow::Result<EllipticKey> {
        EllipticKey::from_slice(&URL_SAFE_NO_PAD.decode(&self.supabase_auth_key)?).context("no key on P-256")
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

/// The public key of Supabase Auth as a JSON Web Key, with the members that it has on hosted Supabase.
pub(crate) fn supabase_auth_key(key: &EllipticPublicKey) -> anyhow::Result<Value> {
    let mut public = serde_json::to_value(JsonWebKey::from(key))?;
    public["alg"] = json!("ES256");
    public["ext"] = json!(true);
    public["key_ops"] = json!(["verify"]);
    public["kid"] = json!(SUPABASE_AUTH_KEY_ID);
    public["use"] = json!("sig");
    Ok(public)
}

/// What PostgREST verifies with: the tokens of Clerk, those of Supabase Auth, and the project's own.
fn key_set(clerk: &RsaPrivateKey, supabase_auth: &EllipticKey, jwt_secret: &str) -> anyhow::Result<Value> {
    let project = json!({ "kty": "oct", "kid": "project", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(jwt_secret) });
    let supabase_auth = supabase_auth_key(supabase_auth.verifying_key())?;
    Ok(json!({ "keys": [clerk_key(clerk, CLERK_KEY_ID), supabase_auth, project] }))
}

fn elliptic_key() -> String {
    URL_SAFE_NO_PAD.encode(EllipticKey::random(&mut rand::rngs::OsRng).to_bytes())
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

/// Writes a file, unless it says so already.
fn update(path: &Path, text: &str) -> anyhow::Result<()> {
    if fs::read_to_string(path).is_ok_and(|current| current == text) { Ok(()) } else { write(path, text) }
}

/// Writes a file for its owner alone: whole, or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    Ok(fs::rename(&unfinished, path)?)
}
