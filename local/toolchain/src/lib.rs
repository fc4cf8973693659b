//! The checkout, the tools that it needs (installed in pinned versions, into a cache), and the builds that they make.
//!
//! No asynchronous runtime and no TLS in here: every `cargo xtask` begins with compiling this.

pub mod build;
pub mod command;
pub mod failure;
pub mod progress;
pub mod project;
pub mod setup;
pub mod users;

pub use failure::{Doing, Failure, Outcome};
pub use project::Project;
