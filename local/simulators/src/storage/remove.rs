//! Removing objects: rows and bytes together.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::Storage;
use super::caller::Caller;
use super::error::StorageError;
use super::links::parse;

/// At most this many objects are removed at once.
const MANY: usize = 1_000;

/// `DELETE /object/{bucket}` with `prefixes`, which are whole names. Returns the objects that are gone.
pub(super) async fn remove_many(
    State(storage): State<Arc<Storage>>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<Value>>, StorageError> {
    let caller = Caller::of(&headers, &storage)?;
    let names: Vec<String> = serde_json::from_value(parse(&body)?["prefixes"].clone())
        .map_err(|_| StorageError::invalid_request("body must have required property 'prefixes'"))?;
    if names.is_empty() || names.len() > MANY {
        return Err(StorageError::invalid_request("body/prefixes must NOT have fewer than 1 or more than 1000 items"));
    }
    Ok(Json(delete(&storage, &caller, &bucket, &names).await?))
}

/// `DELETE /object/{bucket}/{name}`
pub(super) async fn remove(
    State(storage): State<Arc<Storage>>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = Caller::of(&headers, &storage)?;
    if delete(&storage, &caller, &bucket, &[name]).await?.is_empty() {
        return Err(StorageError::no_such_object());
    }
    Ok(Json(json!({ "message": "Successfully deleted" })))
}

/// Objects that the caller may not remove are left out in silence, as a policy does it.
async fn delete(
    storage: &Storage,
    caller: &Caller,
    bucket: &str,
    names: &[String],
) -> Result<Vec<Value>, StorageError> {
    let mut connection = storage.connection().await?;
    let transaction = caller.transaction(&mut connection).await?;
    // Without it the schema refuses, since a deleted row would leave its file behind.
    transaction.execute("select set_config('storage.allow_delete_query', 'true', true)", &[]).await?;
    let sql = "delete from storage.objects o where o.bucket_id = $1 and o.name = any ($2) returning to_jsonb(o)";
    let rows = transaction.query(sql, &[&bucket, &names]).await?;
    transaction.commit().await?;
    let removed: Vec<Value> = rows.iter().map(|row| row.get(0)).collect();
    for object in &removed {
        tokio::fs::remove_file(storage.file(object["version"].as_str().unwrap_or_default())).await?;
    }
    Ok(removed)
}
