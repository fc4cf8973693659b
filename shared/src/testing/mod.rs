//! A machine for tests on the host: canned responses instead of the network, and a clock that moves only when somebody
//! waits. A whole handler runs on it in microseconds.
//!
//! ```text
//! let machine = Machine::new().returns("claim_application", json!({ "outcome": "already_started", … }));
//! let reply = block_on(handle(&post(&person(), &json!({ "application_id": ID })), &machine.call())).unwrap();
//! assert_eq!(json_of(&reply)["run_id"], "tsk_41");
//! assert_eq!(machine.calls(), ["claim_application as the person"]);
//! ```

#![expect(clippy::panic, reason = "a panic is how a test fails")]

mod database;
mod fixtures;
mod machine;
mod replies;
mod requests;
mod settings;
mod time;

pub use database::{Attempts, failing_databases};
pub use fixtures::{Fixture, fixture};
pub use machine::{Machine, Sent};
pub use replies::{json_of, problem_of};
pub use requests::{get, internal_caller, person, post, post_bytes, scheduled, service_role, signed_by_clerk};
pub use settings::{PERSON_ID, environment, secrets_of, secrets_read, settings, settings_with};
pub use time::block_on;
