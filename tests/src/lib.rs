//! The harness of the end-to-end tests.
//!
//! A test begins with [`Stack::get`] and [`Stack::new_person`]; everything it needs hangs on these two. The harness
//! panics where a test cannot go on, and says why.

#![expect(clippy::panic, reason = "a panic is how a test fails, and the harness is a part of tests")]

mod adzuna_control;
pub mod allowance;
mod beside;
mod caller;
mod clerk_control;
pub mod client;
mod database;
mod expo_control;
mod function;
mod jsearch_control;
mod log;
pub mod own_stack;
mod person;
mod reply;
pub mod runtimes;
pub mod scratch_database;
mod skyvern_control;
mod stack;
mod supabase_auth;
pub mod turn;
mod wait;

pub use adzuna_control::AdzunaControl;
pub use caller::Caller;
pub use clerk_control::ClerkControl;
pub use database::Database;
pub use expo_control::ExpoControl;
pub use function::{FUNCTIONS, Function};
pub use jsearch_control::JsearchControl;
pub use own_stack::OwnStack;
pub use person::{PDF, Person};
pub use reply::Reply;
pub use reqwest::Method;
pub use simulators::adzuna::control::{Limits, SeededResults};
pub use simulators::adzuna::{APP_ID, APP_KEY};
pub use simulators::clerk::webhook::{EventSpec, SentEvent, WebhookKey};
pub use simulators::clerk::{AUTHORIZED_PARTY, NEXT_KEY_ID, PublishedKey, TokenSigning, TokenSpec, schedule};
pub use simulators::dns::Zone;
pub use simulators::expo::control::{Delivered, Device, ProjectSpec, Receipt};
pub use simulators::faults::{Fault, FaultSpec, Service};
pub use simulators::jsearch::control::{Market, Postings, Shape};
pub use simulators::jsearch::{KEY as JSEARCH_KEY, RAPID_KEY, SPENT_RAPID_KEY};
pub use simulators::keys::{CLERK_KEY_ID, KeyTexts, SUPABASE_AUTH_KEY_ID};
pub use simulators::recorder::RecordedRequest;
pub use simulators::skyvern::control::{Finish, Finished, RecordedRun, SigningKey};
pub use simulators::skyvern::run::RunStatus;
pub use simulators::tokens::{EllipticKey, Signing, mint};
pub use skyvern_control::SkyvernControl;
pub use stack::{Description, OWN_WORDS, Stack};
pub use supabase_auth::SupabaseAuth;
pub use turn::Turn;
pub use wait::{eventually, midnight_is_far, within};
