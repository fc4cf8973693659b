//! A machine for tests on the host: canned responses instead of the network, and a clock that moves only when somebody
//! waits. A whole handler runs on it in microseconds.
//!
//! ```text
//! let machine = Machine::new().responds("/rest/v1/rpc/claim_application", 200, json!({ "outcome": "in_progress" }));
//! let call = machine.call::<Settings>();
//! let reply = block_on(handle(&post(&person(), json!({ "application_id": ID })), &call));
//! ```

#![expect(clippy::panic, reason = "a panic is how a test fails")]

mod machine;
mod requests;
mod settings;

pub use machine::{Machine, Sent};
pub use pollster::block_on;
pub use requests::{get, internal_caller, person, post, post_bytes, scheduled, service_role};
pub use settings::{PERSON_ID, environment, settings, settings_with};
