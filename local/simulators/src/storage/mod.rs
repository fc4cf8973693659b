//! Supabase Storage: rows in `storage.objects` under the caller's own rights, so that the real policies of the
//! migrations decide, and the bytes in files.

mod caller;
mod error;
mod links;
mod list;
mod read;
mod remove;
mod upload;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use deadpool_postgres::{Manager, ManagerConfig, Object as Connection, Pool, RecyclingMethod};
use jwt_compact::alg::Hs256Key;
use rsa::RsaPublicKey;
use tokio_postgres::NoTls;

use super::keys::Keys;
use super::tokens::EllipticPublicKey;
use error::StorageError;

/// Enough for the benchmark's sixteen callers without crowding out PostgREST.
const CONNECTIONS: usize = 8;

/// The state of the simulator.
pub(crate) struct Storage {
    folder: PathBuf,
    database: Pool,
    jwt_secret: Hs256Key,
    clerk: RsaPublicKey,
    supabase_auth: EllipticPublicKey,
}

impl Storage {
    /// Connects at the first request, not here.
    pub fn open(state_dir: &Path, database: &str, keys: &Keys) -> anyhow::Result<Self> {
        let folder = state_dir.join("storage");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Signing is a part of the benchmark. A connection that a restart broke is closed, and that is seen without asking.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(database.parse().context("--database")?, NoTls, recycling);
        Ok(Self {
            folder,
            database: Pool::builder(manager).max_size(CONNECTIONS).build()?,
            jwt_secret: keys.jwt_secret.clone(),
            clerk: RsaPublicKey::from(&keys.clerk),
            supabase_auth: *keys.supabase_auth.verifying_key(),
        })
    }

    async fn connection(&self) -> Result<Connection, StorageError> {
        Ok(self.database.get().await?)
    }

    /// Where the bytes of one version of an object are. Names of objects never become names of files.
    fn file(&self, version: &str) -> PathBuf {
        self.folder.join(version)
    }
}

/// The routes below `/storage/v1`.
pub(crate) fn router(storage: Storage) -> Router {
    Router::new()
        .route("/object/sign/{bucket}", post(links::sign_many))
        .route("/object/sign/{bucket}/{*name}", post(links::sign).get(links::fetch))
        .route("/object/authenticated/{bucket}/{*name}", get(read::authenticated))
        .route("/object/public/{bucket}/{*name}", get(read::public))
        .route("/object/info/{bucket}/{*name}", get(read::info))
        .route("/object/list/{bucket}", post(list::list))
        .route("/object/{bucket}", delete(remove::remove_many))
        .route(
            "/object/{bucket}/{*name}",
            post(upload::create).put(upload::replace).get(read::authenticated).delete(remove::remove),
        )
        .fallback(async || StorageError::no_such_route())
        .method_not_allowed_fallback(async || StorageError::no_such_route())
        // The limit that counts is the bucket's, which has its own answer.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(storage))
}
