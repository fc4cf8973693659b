//! Uploading: the bucket's limits first, then the caller's rights, then the bytes.

use std::sync::Arc;

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest as _, Multipart, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Storage;
use super::caller::Caller;
use super::error::StorageError;
use super::read::Stored;

/// The largest file of a project on Supabase's free plan.
const PROJECT_LIMIT: usize = 50 * 1024 * 1024;

/// Besides ASCII letters and digits, a name may hold these.
const NAME_PUNCTUATION: &str = "_/!.*'() &$=@;:+,?-";

/// `POST /object/{bucket}/{name}`: a new object, or with `x-upsert: true` a replaced one.
pub(super) async fn create(
    storage: State<Arc<Storage>>,
    path: Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Value>, StorageError> {
    let replace = headers.get("x-upsert").is_some_and(|value| value == "true");
    store(&storage, &path, &headers, request, replace).await
}

/// `PUT /object/{bucket}/{name}`
pub(super) async fn replace(
    storage: State<Arc<Storage>>,
    path: Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Value>, StorageError> {
    store(&storage, &path, &headers, request, true).await
}

async fn store(
    storage: &Storage,
    (bucket, name): &(String, String),
    headers: &HeaderMap,
    request: Request,
    replace: bool,
) -> Result<Json<Value>, StorageError> {
    let caller = Caller::of(headers, storage)?;
    if !is_valid_name(name) {
        return Err(StorageError::invalid_key(name));
    }
    let mut connection = storage.connection().await?;
    let limits = "select file_size_limit, allowed_mime_types from storage.buckets where id = $1";
    let limits = connection.query_opt(limits, &[bucket]).await?.ok_or_else(StorageError::no_such_bucket)?;
    let size_limit = limits.get::<_, Option<i64>>(0).and_then(|limit| usize::try_from(limit).ok());
    let upload = Upload::read(request, size_limit.unwrap_or(PROJECT_LIMIT).min(PROJECT_LIMIT)).await?;
    if limits.get::<_, Option<Vec<String>>>(1).is_some_and(|allowed| !upload.is_one_of(&allowed)) {
        return Err(StorageError::mime_type(&upload.mime_type));
    }

    let replaced = Stored::find(&connection, bucket, name).await?;
    let version = Uuid::new_v4().to_string();
    tokio::fs::write(storage.file(&version), &upload.bytes).await?;
    let insert = "insert into storage.objects (bucket_id, name, owner, owner_id, metadata, user_metadata, version)
                  values ($1, $2, $3, $4, $5, $6, $7)";
    let upsert = "on conflict (bucket_id, name) do update set
                      owner = excluded.owner, owner_id = excluded.owner_id, metadata = excluded.metadata,
                      user_metadata = excluded.user_metadata, version = excluded.version, updated_at = now()";
    let sql = format!("{insert} {} returning id", if replace { upsert } else { "" });
    let transaction = caller.transaction(&mut connection).await?;
    let row = transaction
        .query_one(
            &sql,
            &[bucket, name, &caller.owner(), &caller.owner_id(), &upload.metadata(), &user_metadata(headers), &version],
        )
        .await;
    let id: Uuid = match row {
        Ok(row) => row.get(0),
        Err(refused) => {
            tokio::fs::remove_file(storage.file(&version)).await?;
            return Err(refused.into());
        }
    };
    transaction.commit().await?;
    if let Some(replaced) = replaced {
        tokio::fs::remove_file(storage.file(replaced.version())).await?;
    }
    Ok(Json(json!({ "Id": id, "Key": format!("{bucket}/{name}") })))
}

/// The file of a request, whether it is the body or a part of a form.
struct Upload {
    bytes: Bytes,
    mime_type: String,
    cache_control: String,
}

impl Upload {
    async fn read(request: Request, limit: usize) -> Result<Self, StorageError> {
        let mime_type = text(request.headers(), &header::CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned();
        let cache_control = text(request.headers(), &header::CACHE_CONTROL).unwrap_or("no-cache").to_owned();
        if mime_type.starts_with("multipart/form-data") {
            return Self::read_form(request, limit, cache_control).await;
        }
        let bytes = to_bytes(request.into_body(), limit).await.map_err(|_| StorageError::too_large())?;
        Ok(Self { bytes, mime_type, cache_control })
    }

    /// Browsers send a form: the file is the part without a name, `cacheControl` an ordinary field.
    async fn read_form(request: Request, limit: usize, mut cache_control: String) -> Result<Self, StorageError> {
        let broken = |_| StorageError::invalid_request("body must be multipart/form-data");
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|_| StorageError::invalid_request("content-type has no boundary"))?;
        let mut file = None;
        while let Some(mut field) = form.next_field().await.map_err(broken)? {
            if field.name() == Some("cacheControl") {
                cache_control = format!("max-age={}", field.text().await.map_err(broken)?);
            } else if field.file_name().is_some() {
                let mime_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
                let mut bytes = BytesMut::new();
                while let Some(chunk) = field.chunk().await.map_err(broken)? {
                    if bytes.len() + chunk.len() > limit {
                        return Err(StorageError::too_large());
                    }
                    bytes.extend_from_slice(&chunk);
                }
                file = Some((bytes.freeze(), mime_type));
            }
        }
        let (bytes, mime_type) = file.ok_or_else(|| StorageError::invalid_request("no file in the form"))?;
        Ok(Self { bytes, mime_type, cache_control })
    }

    /// Compared letter by letter, as Storage does: `text/plain; charset=utf-8` is not `text/plain`.
    fn is_one_of(&self, allowed: &[String]) -> bool {
        allowed.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(family) => self.mime_type.starts_with(family),
            None => self.mime_type == *allowed,
        })
    }

    fn metadata(&self) -> Value {
        json!({
            "eTag": format!("\"{}\"", hex(&Sha256::digest(&self.bytes)[..16])),
            "size": self.bytes.len(),
            "mimetype": self.mime_type,
            "cacheControl": self.cache_control,
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || NAME_PUNCTUATION.contains(letter))
}

/// `x-metadata` is JSON in base64.
fn user_metadata(headers: &HeaderMap) -> Option<Value> {
    let bytes = STANDARD.decode(headers.get("x-metadata")?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
