//! Listing a folder of a bucket.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Storage;
use super::caller::Caller;
use super::error::StorageError;

#[derive(Deserialize)]
struct Wanted {
    prefix: String,
    #[serde(default = "hundred")]
    limit: usize,
    #[serde(default)]
    offset: usize,
}

fn hundred() -> usize {
    100
}

/// `POST /object/list/{bucket}`: what the caller may see, sub-folders as entries without an id.
pub(super) async fn list(
    State(storage): State<Arc<Storage>>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<Value>>, StorageError> {
    let caller = Caller::of(&headers, &storage)?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|_| StorageError::invalid_request("body must have required property 'prefix'"))?;
    let folder = match wanted.prefix.trim_end_matches('/') {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let mut connection = storage.connection().await?;
    let transaction = caller.transaction(&mut connection).await?;
    let sql = "select to_jsonb(o) from storage.objects o
               where o.bucket_id = $1 and starts_with(o.name, $2) order by o.name";
    let rows = transaction.query(sql, &[&bucket, &folder]).await?;
    transaction.commit().await?;

    let mut entries: Vec<Value> = rows.iter().map(|row| entry(&row.get(0), &folder)).collect();
    entries.dedup_by(|next, kept| next["name"] == kept["name"]);
    Ok(Json(entries.into_iter().skip(wanted.offset).take(wanted.limit).collect()))
}

fn entry(object: &Value, folder: &str) -> Value {
    let name = object["name"].as_str().unwrap_or_default();
    let within = name.strip_prefix(folder).unwrap_or(name);
    let (name, row) = match within.split_once('/') {
        Some((sub_folder, _)) => (sub_folder, &Value::Null),
        None => (within, object),
    };
    json!({
        "name": name,
        "id": row["id"],
        "updated_at": row["updated_at"],
        "created_at": row["created_at"],
        "last_accessed_at": row["last_accessed_at"],
        "metadata": row["metadata"],
    })
}
