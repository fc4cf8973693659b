//! The simulators of the outside vendors: Supabase's gateway and Storage, Clerk, Skyvern, Expo, Adzuna,
//! JSearch, and a resolver of names.
//!
//! They answer as the vendors do (docs/vendors), refuse what the vendors refuse, record the requests they receive, and can
//! be told to fail. Everything is in memory, except the keys and the stored objects.
//!
//! Two addresses: the *gateway* stands for the Supabase project's own host, the other one for the vendors
//! (`/clerk`, `/skyvern`, `/expo`, `/adzuna`, `/jsearch`, `/dns`) and for the control interface (`/__control`) by which tests and
//! the demo control all of them.

// `json!` recurses for each member, and Skyvern's webhooks have more than sixty.
#![recursion_limit = "256"]

pub mod adzuna;
pub mod clerk;
mod control;
pub mod dns;
pub mod expo;
pub mod faults;
mod gateway;
pub mod jsearch;
pub mod keys;
pub mod recorder;
mod server;
pub mod skyvern;
mod storage;
pub mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use url::Url;

use faults::{Faults, Service};
use keys::Keys;
use recorder::Recorder;

/// What `simulators serve` is told on its command line.
pub struct Settings {
    /// The folder of the stack; `keys/` and `storage/` in it are ours.
    pub state_dir: PathBuf,
    /// The address of the vendors and the control interface.
    pub listen: SocketAddr,
    /// The address of the Supabase gateway.
    pub gateway_listen: SocketAddr,
    /// The PostgREST that the gateway forwards to.
    pub postgrest: Url,
    /// The functions that the gateway forwards to.
    pub functions: Url,
    /// The database, as its superuser: Storage takes on the role of each caller.
    pub database: String,
    /// With it every Skyvern run completes by itself after that time; without it a test decides.
    pub skyvern_finishes_after: Option<Duration>,
}

/// What all simulators share.
pub(crate) struct Shared {
    pub keys: Keys,
    pub faults: Faults,
    pub recorder: Recorder,
}

/// Serves until `stop` ends.
pub async fn serve(settings: Settings, stop: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let shared = Arc::new(Shared {
        keys: Keys::load_or_create(&settings.state_dir)?,
        faults: Faults::default(),
        recorder: Recorder::default(),
    });
    let vendors = bind(settings.listen).await?;
    let gateway = bind(settings.gateway_listen).await?;
    let issuer = format!("http://{}/clerk", vendors.local_addr()?);

    let skyvern = Arc::new(skyvern::Skyvern::new(&shared.keys, settings.skyvern_finishes_after)?);
    let clerk_keys = clerk::published_keys(&shared.keys);
    let expo = Arc::new(expo::Expo::default());
    let adzuna = Arc::new(adzuna::Adzuna::default());
    let jsearch = Arc::new(jsearch::Jsearch::default());
    let dns = Arc::new(dns::Dns::default());
    let watch = |service, router: Router| faults::watch(&shared, service, router);
    let router = Router::new()
        .nest("/clerk", watch(Service::Clerk, clerk::router(clerk_keys.clone())))
        .nest("/skyvern", watch(Service::Skyvern, skyvern::router(skyvern.clone())))
        .nest("/expo", watch(Service::Expo, expo::router(expo.clone())))
        .nest("/adzuna", watch(Service::Adzuna, adzuna::router(adzuna.clone())))
        .nest("/jsearch", watch(Service::Jsearch, jsearch::router(jsearch.clone())))
        .nest("/dns", watch(Service::Dns, dns::router(dns.clone())))
        .nest("/__control", control::router(&shared, &skyvern, clerk::Minter::new(&shared.keys, clerk_keys, &issuer)?))
        .nest("/__control/expo", expo::control::router(expo))
        .nest("/__control/adzuna", adzuna::control::router(adzuna))
        .nest("/__control/jsearch", jsearch::control::router(jsearch))
        .nest("/__control/dns", dns::control(dns))
        .nest("/__control/clerk", clerk::webhook::router(&shared.keys.texts, &settings.functions)?);
    let storage = storage::Storage::open(&settings.state_dir, &settings.database, &shared.keys)?;
    let storage = watch(Service::Storage, storage::router(storage));
    let gateway_service = Arc::new(gateway::Gateway::new(&settings, shared.clone(), storage)?);

    tokio::select! {
        () = server::run(vendors, move |request| router.clone().oneshot(request)) => Ok(()),
        () = server::run(gateway, move |request| gateway_service.clone().answer(request)) => Ok(()),
        stopped = stop => stopped,
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// A panic elsewhere does not make the state behind a lock any worse: go on with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
