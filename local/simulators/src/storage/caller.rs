//! Who is asking, in the form in which the database checks it.

use axum::http::{HeaderMap, header};
use deadpool_postgres::{Object as Connection, Transaction};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Storage;
use super::error::StorageError;
use crate::tokens::{Trusted, verify};

/// Somebody with a token of the project, of its Auth service or of Clerk.
pub(super) struct Caller {
    role: &'static str,
    claims: Map<String, Value>,
}

impl Caller {
    pub fn of(headers: &HeaderMap, storage: &Storage) -> Result<Self, StorageError> {
        let header = headers.get(header::AUTHORIZATION);
        let header = header
            .ok_or_else(|| StorageError::invalid_request("headers must have required property 'authorization'"))?;
        let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        let trusted = Trusted {
            project: &storage.jwt_secret,
            clerk: Some(&storage.clerk),
            supabase_auth: Some(&storage.supabase_auth),
        };
        let claims = verify(token, trusted)?;
        let role = match claims.get("role").and_then(Value::as_str) {
            None | Some("anon") => "anon",
            Some("authenticated") => "authenticated",
            Some("service_role") => "service_role",
            Some(other) => {
                return Err(StorageError::access_denied(format!("permission denied to set role \"{other}\"")));
            }
        };
        Ok(Self { role, claims })
    }

    /// What goes into `owner_id`: Clerk's ids too, but nothing for a service key.
    pub fn owner_id(&self) -> Option<&str> {
        self.claims.get("sub").and_then(Value::as_str)
    }

    /// What goes into the deprecated `owner`, which is a UUID.
    pub fn owner(&self) -> Option<Uuid> {
        self.owner_id()?.parse().ok()
    }

    /// A transaction in which the policies see this caller, by the new claims setting and by the old ones.
    pub async fn transaction<'a>(&self, connection: &'a mut Connection) -> Result<Transaction<'a>, StorageError> {
        let transaction = connection.transaction().await?;
        let claims = Value::from(self.claims.clone()).to_string();
        let settings = "select set_config('role', $1, true),
                               set_config('request.jwt.claims', $2, true),
                               set_config('request.jwt.claim.sub', $3, true),
                               set_config('request.jwt.claim.role', $1, true)";
        let settings = transaction.prepare_cached(settings).await?;
        transaction.execute(&settings, &[&self.role, &claims, &self.owner_id().unwrap_or_default()]).await?;
        Ok(transaction)
    }
}
