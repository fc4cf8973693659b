//! The running stack, as the tests reach it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use crate::adzuna_control::AdzunaControl;
use crate::beside;
use crate::caller::Caller;
use crate::clerk_control::ClerkControl;
use crate::database::Database;
use crate::expo_control::ExpoControl;
use crate::jsearch_control::JsearchControl;
use crate::person::Person;
use crate::reply::Reply;
use crate::skyvern_control::SkyvernControl;
use crate::supabase_auth::SupabaseAuth;
use simulators::adzuna::APP_KEY;
use simulators::dns::Zone;
use simulators::faults::{Fault, FaultSpec, Service};
use simulators::jsearch;
use simulators::keys::KeyTexts;
use simulators::recorder::RecordedRequest;

/// Names the file that describes the running stack; `cargo xtask test` sets it.
const VARIABLE: &str = "JOBRAKER_STACK";

/// What tests let a failing vendor say, to see that it is not passed on.
pub const OWN_WORDS: &str = "swordfish";

/// A way to everything that runs. Cheap to clone.
#[derive(Clone)]
pub struct Stack(Arc<Inner>);

struct Inner {
    known: &'static Known,
    /// Not shared between tests: its connections belong to the runtime of the test that opened them. None is used twice: the
    /// server may close one that waits, just when a request is sent over it.
    http: reqwest::Client,
    database: Database,
}

/// What `stack.json` says.
#[derive(Debug, Deserialize)]
pub struct Description {
    /// `dev`, `test-4711`, …
    pub name: String,
    /// The program that runs the stack.
    pub xtask: PathBuf,
    /// The gateway: `/rest/v1`, `/storage/v1`, `/auth/v1`, `/functions/v1`.
    pub supabase_url: String,
    /// The functions, without the gateway.
    pub functions_url: String,
    /// PostgREST, without the gateway.
    pub postgrest_url: String,
    /// The simulators, with their control interface.
    pub simulators_url: String,
    /// The issuer of Clerk's tokens.
    pub clerk_issuer: String,
    /// The simulated Skyvern.
    pub skyvern_api_url: String,
    /// The database, as the role that migrates: no superuser, as on hosted Supabase.
    pub database_url: String,
    /// The database, as superuser.
    pub admin_database_url: String,
    /// `psql`, `pg_dump`, …
    pub postgresql_bin: PathBuf,
    /// One log a part.
    pub log_dir: PathBuf,
    /// Whether the functions' clocks are minutes off, as behind [`Gateway`](crate::runtimes::Gateway).
    #[serde(default)]
    pub clocks_differ: bool,
}

/// The description and the keys, read once for all tests of a program.
struct Known {
    description: Description,
    keys: KeyTexts,
}

impl Known {
    fn get() -> &'static Self {
        static KNOWN: OnceLock<Known> = OnceLock::new();
        KNOWN.get_or_init(|| {
            let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
                panic!("{VARIABLE} is not set: these tests need the stack, and `cargo xtask test` starts one for them");
            };
            Self::read(&path)
        })
    }

    fn read(path: &Path) -> Self {
        Self { description: read(path), keys: read(&path.with_file_name("keys").join("keys.json")) }
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{} is not as expected: {error}", path.display()))
}

impl Stack {
    /// The stack that `cargo xtask test` started.
    ///
    /// # Panics
    /// Without one.
    pub async fn get() -> Self {
        static HELD: OnceCell<()> = OnceCell::const_new();
        let stack = Self::reach(Known::get());
        beside::may_begin(&stack).await;
        HELD.get_or_init(|| stack.hold_circuit_breakers_closed()).await;
        stack
    }

    /// Vendors are made to fail all the time here, and a test must not find one paused because of another. What circuit
    /// breakers do is tested on a stack of its own.
    async fn hold_circuit_breakers_closed(&self) {
        let hold = "insert into private.circuit_breakers (vendor, held)
                    select vendor, 'closed' from unnest(array['adzuna', 'expo', 'jsearch', 'skyvern']) as vendor
                    on conflict (vendor) do update set held = excluded.held
                    where circuit_breakers.held is distinct from excluded.held";
        self.database().query(hold, &[]).await;
    }

    /// The stack that a file describes. What it says is kept for as long as the program runs.
    #[must_use]
    pub fn described_by(file: &Path) -> Self {
        Self::reach(Box::leak(Box::new(Known::read(file))))
    }

    /// The same with the new kind of API keys in place of the old one: nobody who comes from here has any other.
    #[must_use]
    pub fn with_new_keys(file: &Path) -> Self {
        let mut known = Known::read(file);
        known.keys.anon_key.clone_from(&known.keys.publishable_key);
        known.keys.service_role_key.clone_from(&known.keys.secret_key);
        Self::reach(Box::leak(Box::new(known)))
    }

    fn reach(known: &'static Known) -> Self {
        // Loopback addresses must not go through a proxy, and a test wants to see a redirect, not to follow it.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.pool_max_idle_per_host(0).build();
        Self(Arc::new(Inner {
            known,
            http: http.unwrap_or_else(|error| panic!("no HTTP client: {error}")),
            database: Database::new(&known.description.admin_database_url),
        }))
    }

    /// Where everything is.
    #[must_use]
    pub fn description(&self) -> &'static Description {
        &self.0.known.description
    }

    /// The keys of the stack, of both kinds.
    #[must_use]
    pub fn keys(&self) -> &'static KeyTexts {
        &self.0.known.keys
    }

    /// The database as its superuser, whom no policy stops.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// A request to any address, with nothing added to it.
    pub fn http(&self, method: Method, url: impl AsRef<str>) -> reqwest::RequestBuilder {
        self.0.http.request(method, url.as_ref())
    }

    /// A new person with a profile, preferences and a résumé.
    pub async fn new_person(&self) -> Person {
        Person::create(self).await
    }

    /// Somebody without a token.
    #[must_use]
    pub fn anonymous(&self) -> Caller {
        Caller::new(self, &self.keys().anon_key, &self.keys().anon_key)
    }

    /// The backend, whom no policy stops.
    #[must_use]
    pub fn service(&self) -> Caller {
        Caller::new(self, &self.keys().service_role_key, &self.keys().service_role_key)
    }

    /// Somebody with this token, good or bad.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Caller {
        Caller::new(self, &self.keys().anon_key, token)
    }

    /// Clerk, from the side of its tests.
    #[must_use]
    pub fn clerk(&self) -> ClerkControl {
        ClerkControl::new(self)
    }

    /// Supabase Auth, which signs tokens of its own.
    #[must_use]
    pub fn supabase_auth(&self) -> SupabaseAuth {
        SupabaseAuth::new(self)
    }

    /// Expo, from the side of its devices.
    #[must_use]
    pub fn expo(&self) -> ExpoControl {
        ExpoControl::new(self)
    }

    /// Skyvern, from the side of its workers.
    #[must_use]
    pub fn skyvern(&self) -> SkyvernControl {
        SkyvernControl::new(self)
    }

    /// Adzuna, from the side of its tests.
    #[must_use]
    pub fn adzuna(&self) -> AdzunaControl {
        AdzunaControl::new(self)
    }

    /// JSearch, from the side of its tests.
    #[must_use]
    pub fn jsearch(&self) -> JsearchControl {
        JsearchControl::new(self)
    }

    /// Posts a body, declared as JSON, to Skyvern's webhook handler: nothing is signed or added. `path_and_query` goes
    /// behind the function's URL, such as `?application_id=…`.
    pub async fn send_webhook(
        &self,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        let url = format!("{}{path_and_query}", self.function_url("skyvern-webhook-handler"));
        let request = self.http(Method::POST, url).header(CONTENT_TYPE, "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_bytes()));
        Reply::to(request.body(body.into())).await
    }

    /// Checks that an answer tells nothing of what is behind it: no key, no panic, no source, no vendor's own words.
    ///
    /// # Panics
    /// If it does, showing the whole answer.
    #[track_caller]
    pub fn expect_discreet(&self, reply: &Reply) {
        let shown = format!("{reply:?}");
        for secret in self.secrets() {
            assert!(!shown.contains(&secret), "{secret} is in {shown}");
        }
        for trace in ["panicked", "RuntimeError", "wasm", ".rs:", ".js:", "src/", "<html", OWN_WORDS] {
            assert!(!shown.contains(trace), "{trace} is in {shown}");
        }
    }

    /// Everything of the stack that nobody else may get to know.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let keys = serde_json::to_value(self.keys()).unwrap_or_default();
        let keys = keys.as_object().into_iter().flat_map(serde_json::Map::values);
        let vendors = [APP_KEY, jsearch::KEY, jsearch::RAPID_KEY, jsearch::SPENT_RAPID_KEY].map(str::to_owned);
        keys.filter_map(|key| key.as_str().map(str::to_owned)).chain(vendors).collect()
    }

    /// Where a function answers.
    #[must_use]
    pub fn function_url(&self, name: &str) -> String {
        format!("{}/functions/v1/{name}", self.description().functions_url)
    }

    /// The next request to the service that has `contains` in its path or body fails in this way.
    pub async fn fail_once(&self, service: Service, contains: impl ToString, fault: Fault) {
        self.fail(FaultSpec { service, contains: contains.to_string(), times: 1, fault }).await;
    }

    /// Makes requests fail.
    pub async fn fail(&self, spec: FaultSpec) {
        self.control(Method::POST, "/faults", |request| request.json(&spec)).await.expect_status(204);
    }

    /// Holds the answers to so many requests with this text in them, until [`Self::release`].
    pub async fn hold(&self, service: Service, contains: impl ToString, times: u32) {
        self.fail(FaultSpec { service, contains: contains.to_string(), times, fault: Fault::Hold }).await;
    }

    /// Lets go of the answers that are held with this text.
    pub async fn release(&self, contains: impl ToString) {
        let held = serde_json::json!({ "contains": contains.to_string() });
        self.control(Method::POST, "/faults/release", |request| request.json(&held)).await.expect_status(204);
    }

    /// What a name leads to from now on.
    pub async fn set_zone(&self, zone: &Zone) {
        self.control(Method::POST, "/dns/zones", |request| request.json(zone)).await.expect_status(204);
    }

    /// What a simulator was asked, whatever it answered: `path` is how the path begins.
    pub async fn requests(&self, service: Service, path: &str, contains: impl ToString) -> Vec<RecordedRequest> {
        let query = [("path", path.to_owned()), ("contains", contains.to_string())];
        let service = serde_json::json!(service);
        let route = format!("/{}/requests", service.as_str().unwrap_or_default());
        self.control(Method::GET, &route, |request| request.query(&query)).await.parse()
    }

    /// A request to the control interface of the simulators.
    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        complete: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Reply {
        let url = format!("{}/__control{path}", self.description().simulators_url);
        Reply::to(complete(self.http(method, url))).await
    }
}
