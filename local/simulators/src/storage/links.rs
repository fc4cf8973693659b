//! Signed URLs: made only for an object that the caller may see, valid for anybody until they expire.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Storage;
use super::caller::Caller;
use super::error::StorageError;
use super::read::{self, Stored};
use crate::tokens::{Signing, Trusted, mint, verify};

/// At most this many paths are signed at once.
const MANY: usize = 1_000;

/// `POST /object/sign/{bucket}/{name}`
pub(super) async fn sign(
    State(storage): State<Arc<Storage>>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = Caller::of(&headers, &storage)?;
    let seconds = expires_in(&parse(&body)?)?;
    let mut connection = storage.connection().await?;
    let transaction = caller.transaction(&mut connection).await?;
    let visible = Stored::find(&transaction, &bucket, &name).await?.is_some();
    transaction.commit().await?;
    if !visible {
        return Err(StorageError::no_such_object());
    }
    Ok(Json(json!({ "signedURL": storage.link(&bucket, &name, seconds) })))
}

/// `POST /object/sign/{bucket}` with `paths`: each is signed or refused for itself.
pub(super) async fn sign_many(
    State(storage): State<Arc<Storage>>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = Caller::of(&headers, &storage)?;
    let body = parse(&body)?;
    let seconds = expires_in(&body)?;
    let paths: Vec<String> = serde_json::from_value(body["paths"].clone())
        .map_err(|_| StorageError::invalid_request("body must have required property 'paths'"))?;
    if paths.is_empty() || paths.len() > MANY {
        return Err(StorageError::invalid_request("body/paths must NOT have fewer than 1 or more than 1000 items"));
    }
    let mut connection = storage.connection().await?;
    let transaction = caller.transaction(&mut connection).await?;
    let mut answers = Vec::new();
    for path in paths {
        let visible = Stored::find(&transaction, &bucket, &path).await?.is_some();
        let link = visible.then(|| storage.link(&bucket, &path, seconds));
        let error = (!visible).then_some("Either the object does not exist or you do not have access to it");
        answers.push(json!({ "error": error, "path": path, "signedURL": link }));
    }
    transaction.commit().await?;
    Ok(Json(Value::from(answers)))
}

/// What a signed URL may carry after its path.
#[derive(Deserialize)]
pub(super) struct LinkQuery {
    token: Option<String>,
    download: Option<String>,
}

/// `GET /object/sign/{bucket}/{name}?token=…`: the token is all the right that is needed.
pub(super) async fn fetch(
    State(storage): State<Arc<Storage>>,
    Path((bucket, name)): Path<(String, String)>,
    Query(query): Query<LinkQuery>,
    headers: HeaderMap,
) -> Result<Response, StorageError> {
    let token =
        query.token.ok_or_else(|| StorageError::invalid_request("querystring must have required property 'token'"))?;
    let trusted = Trusted { project: &storage.jwt_secret, clerk: None, supabase_auth: None };
    let claims = verify(&token, trusted).map_err(StorageError::link_token)?;
    // The project's other tokens are signed with the same secret, but they are no links.
    let is_this_link = claims.get("scope").is_some_and(|scope| scope == "download")
        && claims.get("url").is_some_and(|url| *url == format!("{bucket}/{name}"))
        && claims.contains_key("exp");
    if !is_this_link {
        return Err(StorageError::link_signature());
    }
    let connection = storage.connection().await?;
    let stored = Stored::find(&connection, &bucket, &name).await?.ok_or_else(StorageError::no_such_object)?;
    read::serve(&storage, &stored, &headers, query.download.as_deref()).await
}

impl Storage {
    /// Relative to `/storage/v1`, and its path is decoded text: who uses it has to percent-encode it.
    fn link(&self, bucket: &str, name: &str, seconds: i64) -> String {
        let now = Utc::now().timestamp();
        let url = format!("{bucket}/{name}");
        let claims = json!({ "url": url, "scope": "download", "iat": now, "exp": now + seconds });
        let token = mint(&json!({ "alg": "HS256" }), &claims, &Signing::Hs256(&self.jwt_secret));
        format!("/object/sign/{url}?token={token}")
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Value, StorageError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        _ => Err(StorageError::invalid_request("body must be object")),
    }
}

fn expires_in(body: &Value) -> Result<i64, StorageError> {
    let value = body
        .get("expiresIn")
        .ok_or_else(|| StorageError::invalid_request("body must have required property 'expiresIn'"))?;
    let seconds = value.as_i64().ok_or_else(|| StorageError::invalid_request("body/expiresIn must be integer"))?;
    if seconds < 1 {
        return Err(StorageError::invalid_request("body/expiresIn must be >= 1"));
    }
    Ok(seconds)
}
