//! Clerk: the keys that verify its session tokens, and the tokens themselves, honest and forged.

pub mod schedule;
pub mod webhook;

use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use jwt_compact::alg::Hs256Key;
use rsa::RsaPrivateKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::keys::{CLERK_KEY_ID, Keys, clerk_key, random_text};
use super::lock;
use super::tokens::{Signing, mint};

/// Where the app runs that the tokens say they were made for: Expo's address on a developer's machine.
pub const AUTHORIZED_PARTY: &str = "http://localhost:8081";

/// A session token lives this long if not said otherwise.
const LIFETIME_SECONDS: i64 = 60;

/// Clerk lets tokens begin a little before they are made, for clocks that are behind.
const SKEW_SECONDS: i64 = 10;

/// The id of the key that Clerk signs with after [`Minter::rotate`].
pub const NEXT_KEY_ID: &str = "ins_next";

/// The public keys that Clerk serves to the world.
pub(crate) type PublishedKeys = Arc<Mutex<Vec<Value>>>;

/// The keys before any rotation.
pub(crate) fn published_keys(keys: &Keys) -> PublishedKeys {
    Arc::new(Mutex::new(vec![clerk_key(&keys.clerk, CLERK_KEY_ID)]))
}

/// What Clerk serves to the world.
pub(crate) fn router(keys: PublishedKeys) -> Router {
    Router::new().route("/.well-known/jwks.json", get(key_set)).with_state(keys)
}

async fn key_set(State(keys): State<PublishedKeys>) -> Json<Value> {
    Json(json!({ "keys": *lock(&keys) }))
}

/// The token that a test wants.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TokenSpec {
    /// The person, `user_…`.
    pub sub: String,
    /// Claims to add or replace; null removes one.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Header parameters to add or replace; null removes one.
    #[serde(default)]
    pub header: Map<String, Value>,
    /// Seconds from now to `exp`, negative for a token that is over.
    pub expires_in: Option<i64>,
    /// Who signs, and how.
    #[serde(default)]
    pub signing: TokenSigning,
}

/// Who signs a token, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSigning {
    /// Clerk, as always.
    #[default]
    Clerk,
    /// Somebody else's RSA key under Clerk's key id.
    ForeignKey,
    /// The key that Clerk takes next, under an id of its own. Published by a rotation.
    NextKey,
    /// Nobody: `alg` is `none`.
    None,
    /// HMAC with the text of Clerk's public key, which everybody knows.
    Hs256PublicKey,
}

/// A key that Clerk publishes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PublishedKey {
    /// The one that signs such tokens.
    pub of: TokenSigning,
    /// The id that it goes by.
    pub key_id: String,
}

/// Mints tokens for one instance of Clerk.
pub(crate) struct Minter {
    issuer: String,
    clerk: RsaPrivateKey,
    public_pem: Hs256Key,
    /// Made when first asked for, since making a key takes a moment.
    foreign: OnceCell<RsaPrivateKey>,
    next: OnceCell<RsaPrivateKey>,
    published: PublishedKeys,
}

impl Minter {
    pub fn new(keys: &Keys, published: PublishedKeys, issuer: &str) -> anyhow::Result<Self> {
        Ok(Self {
            issuer: issuer.to_owned(),
            clerk: keys.clerk.clone(),
            public_pem: Hs256Key::new(keys.clerk_public_pem()?.as_bytes()),
            foreign: OnceCell::new(),
            next: OnceCell::new(),
            published,
        })
    }

    /// Publishes the next key beside the first one, as Clerk does before it signs with it.
    pub async fn rotate(&self) -> anyhow::Result<()> {
        let next = clerk_key(key(&self.next).await?, NEXT_KEY_ID);
        let mut published = lock(&self.published);
        published.truncate(1);
        published.push(next);
        Ok(())
    }

    /// Publishes exactly these: a key may be gone, and another one may have taken its id.
    pub async fn publish(&self, keys: Vec<PublishedKey>) -> anyhow::Result<()> {
        let mut published = Vec::new();
        for PublishedKey { of, key_id } in keys {
            let private = match of {
                TokenSigning::Clerk => &self.clerk,
                TokenSigning::NextKey => key(&self.next).await?,
                TokenSigning::ForeignKey => key(&self.foreign).await?,
                TokenSigning::None | TokenSigning::Hs256PublicKey => anyhow::bail!("{of:?} has no key to publish"),
            };
            published.push(clerk_key(private, &key_id));
        }
        *lock(&self.published) = published;
        Ok(())
    }

    pub async fn mint(&self, spec: TokenSpec) -> anyhow::Result<String> {
        let signing = match spec.signing {
            TokenSigning::Clerk => Signing::Rs256(&self.clerk),
            TokenSigning::ForeignKey => Signing::Rs256(key(&self.foreign).await?),
            TokenSigning::NextKey => Signing::Rs256(key(&self.next).await?),
            TokenSigning::None => Signing::None,
            TokenSigning::Hs256PublicKey => Signing::Hs256(&self.public_pem),
        };
        let algorithm = match signing {
            Signing::Rs256(_) => "RS256",
            Signing::Es256(_) => "ES256",
            Signing::Hs256(_) => "HS256",
            Signing::None => "none",
        };
        let key_id = if spec.signing == TokenSigning::NextKey { NEXT_KEY_ID } else { CLERK_KEY_ID };
        let mut header = json!({ "alg": algorithm, "cat": "cl_B7d4PD111AAA", "kid": key_id, "typ": "JWT" });
        let mut claims = self.claims(&spec.sub, spec.expires_in.unwrap_or(LIFETIME_SECONDS));
        merge(&mut header, spec.header);
        merge(&mut claims, spec.claims);
        Ok(mint(&header, &claims, &signing))
    }

    /// The claims of a session token, version 2, with the role that Clerk's Supabase set-up page adds.
    fn claims(&self, sub: &str, expires_in: i64) -> Value {
        let now = Utc::now().timestamp();
        json!({
            "azp": AUTHORIZED_PARTY,
            "exp": now + expires_in,
            "fva": [3, -1],
            "iat": now,
            "iss": self.issuer,
            "jti": random_text(20),
            "nbf": now - SKEW_SECONDS,
            "role": "authenticated",
            "sid": format!("sess_{}", random_text(20)),
            "sts": "active",
            "sub": sub,
            "v": 2,
            "pla": "u:free",
            "fea": "u:dashboard",
        })
    }
}

/// A key that is made when it is first wanted.
async fn key(cell: &OnceCell<RsaPrivateKey>) -> anyhow::Result<&RsaPrivateKey> {
    let make = async || {
        tokio::task::spawn_blocking(|| RsaPrivateKey::new(&mut rand::rngs::OsRng, 2048))
            .await
            .context("the key generator stopped")?
            .context("no key")
    };
    cell.get_or_try_init(make).await
}

fn merge(object: &mut Value, changes: Map<String, Value>) {
    for (name, value) in changes {
        match (value, object.as_object_mut()) {
            (Value::Null, Some(object)) => drop(object.remove(&name)),
            (value, Some(object)) => drop(object.insert(name, value)),
            (_, None) => {}
        }
    }
}
