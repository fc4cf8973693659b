//! Reading an object: its bytes, or what is known about it.

use std::ops::Range;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use deadpool_postgres::GenericClient;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Storage;
use super::caller::Caller;
use super::error::StorageError;

/// What JavaScript's `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A row of `storage.objects`.
pub(super) struct Stored(Value);

impl Stored {
    /// The row, if whoever the connection acts for may see it.
    pub async fn find(database: &impl GenericClient, bucket: &str, name: &str) -> Result<Option<Self>, StorageError> {
        let sql = "select to_jsonb(o) from storage.objects o where o.bucket_id = $1 and o.name = $2";
        let row = database.query_opt(&database.prepare_cached(sql).await?, &[&bucket, &name]).await?;
        Ok(row.map(|row| Self(row.get(0))))
    }

    pub fn version(&self) -> &str {
        self.0["version"].as_str().unwrap_or_default()
    }

    fn metadata(&self, name: &str) -> &str {
        self.0["metadata"][name].as_str().unwrap_or_default()
    }
}

/// `download` asks for a file name in the answer.
#[derive(Deserialize)]
pub(super) struct ReadQuery {
    download: Option<String>,
}

/// `GET /object/authenticated/{bucket}/{name}`
pub(super) async fn authenticated(
    State(storage): State<Arc<Storage>>,
    Path((bucket, name)): Path<(String, String)>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Response, StorageError> {
    let stored = visible(&storage, &headers, &bucket, &name).await?;
    serve(&storage, &stored, &headers, query.download.as_deref()).await
}

/// `GET /object/public/{bucket}/{name}`: for everybody, if the bucket is.
pub(super) async fn public(
    State(storage): State<Arc<Storage>>,
    Path((bucket, name)): Path<(String, String)>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Response, StorageError> {
    let connection = storage.connection().await?;
    let sql = "select from storage.buckets where id = $1 and public";
    if connection.query_opt(sql, &[&bucket]).await?.is_none() {
        return Err(StorageError::no_such_bucket());
    }
    let stored = Stored::find(&connection, &bucket, &name).await?.ok_or_else(StorageError::no_such_object)?;
    serve(&storage, &stored, &headers, query.download.as_deref()).await
}

/// `GET /object/info/{bucket}/{name}`
pub(super) async fn info(
    State(storage): State<Arc<Storage>>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let Stored(row) = visible(&storage, &headers, &bucket, &name).await?;
    Ok(Json(json!({
        "id": row["id"],
        "name": row["name"],
        "version": row["version"],
        "bucket_id": row["bucket_id"],
        "size": row["metadata"]["size"],
        "content_type": row["metadata"]["mimetype"],
        "cache_control": row["metadata"]["cacheControl"],
        "etag": row["metadata"]["eTag"],
        "metadata": row["user_metadata"],
        "last_modified": row["updated_at"],
        "created_at": row["created_at"],
    })))
}

async fn visible(storage: &Storage, headers: &HeaderMap, bucket: &str, name: &str) -> Result<Stored, StorageError> {
    let caller = Caller::of(headers, storage)?;
    let mut connection = storage.connection().await?;
    let transaction = caller.transaction(&mut connection).await?;
    let stored = Stored::find(&transaction, bucket, name).await?;
    transaction.commit().await?;
    stored.ok_or_else(StorageError::no_such_object)
}

/// The bytes of an object, or the range of them that was asked for.
pub(super) async fn serve(
    storage: &Storage,
    stored: &Stored,
    headers: &HeaderMap,
    download: Option<&str>,
) -> Result<Response, StorageError> {
    let bytes = tokio::fs::read(storage.file(stored.version())).await?;
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, stored.metadata("mimetype"))
        .header(header::CACHE_CONTROL, stored.metadata("cacheControl"))
        .header(header::ETAG, stored.metadata("eTag"))
        .header(header::ACCEPT_RANGES, "bytes");
    if let Some(name) = download {
        answer = answer.header(header::CONTENT_DISPOSITION, attachment(name));
    }
    let body = match headers.get(header::RANGE).and_then(|range| range.to_str().ok()) {
        None => bytes,
        Some(range) => {
            let part = byte_range(range, bytes.len()).ok_or_else(StorageError::invalid_range)?;
            let content_range = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
            answer = answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, content_range);
            bytes[part].to_vec()
        }
    };
    Ok(answer.body(body.into()).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

fn attachment(name: &str) -> String {
    if name.is_empty() {
        return "attachment;".to_owned();
    }
    let name = utf8_percent_encode(name, COMPONENT);
    format!("attachment; filename={name}; filename*=UTF-8''{name};")
}

/// One range of bytes, as `first-last`, `first-` or `-length`.
fn byte_range(header: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first, last) {
        ("", suffix) => length.saturating_sub(suffix.parse().ok()?)..length,
        (first, "") => first.parse().ok()?..length,
        (first, last) => first.parse().ok()?..last.parse::<usize>().ok()?.saturating_add(1).min(length),
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stays_within_the_object() {
        assert_eq!(byte_range("bytes=2-4", 10), Some(2..5));
        assert_eq!(byte_range("bytes=8-", 10), Some(8..10));
        assert_eq!(byte_range("bytes=-3", 10), Some(7..10));
        assert_eq!(byte_range("bytes=5-99", 10), Some(5..10));
        assert_eq!(byte_range("bytes=10-", 10), None);
        assert_eq!(byte_range("lines=1-2", 10), None);
    }

    #[test]
    fn the_download_name_is_percent_encoded() {
        assert_eq!(
            attachment("Zoë CV.pdf"),
            "attachment; filename=Zo%C3%AB%20CV.pdf; filename*=UTF-8''Zo%C3%AB%20CV.pdf;"
        );
        assert_eq!(attachment(""), "attachment;");
    }
}
