//! What every function of Jobraker's backend shares.
//!
//! A function's own crate parses, authorises, acts and responds; how that is done is here, once:
//! - [`workers`]: the runtime, with the frames around a request and around a scheduled run
//! - [`http`]: what comes in, what goes back, and the work in between
//! - [`outgoing`]: calls to the outside, with their timeouts
//! - [`sign_in`]: who is calling
//! - [`supabase`]: the project's database and file store
//! - [`vendors`]: the services of others, a folder each
//! - [`job_search`]: a search for postings, from the query to the page, through one cache and one ledger
//! - [`problem`]: everything that can go wrong, and the response to each
//! - [`log`]: one line for each request, scheduled run and background job
//! - [`application_status`], [`config`], [`headers`], [`ids`], [`secret`], [`clock`], [`plain_text`]: the
//!   small things below all of them

pub mod application_status;
pub mod clock;
pub mod config;
pub mod headers;
pub mod http;
pub mod ids;
pub mod job_search;
pub mod log;
pub mod outgoing;
pub mod plain_text;
pub mod problem;
pub mod secret;
mod service_role;
pub mod sign_in;
pub mod supabase;
pub mod vendors;
pub mod workers;

#[cfg(test)]
mod fixtures;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
