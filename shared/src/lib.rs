//! What every function of Jobraker's backend shares.
//!
//! A function's own crate parses, authorises, does and answers; how that is done is here, once:
//! - [`http`]: what comes in and goes back, and the frames around a request and a scheduled run
//! - [`outgoing`]: calls to the outside, with their timeouts
//! - [`sign_in`]: who is calling
//! - [`supabase`]: the project's database and file store
//! - [`vendors`]: the services of others, a folder each
//! - [`job_search`]: a search for postings, from the query to the page, through one cache and one ledger
//! - [`problem`]: everything that can go wrong, and the response to each
//! - [`log`]: one line for each request, scheduled run and background job
//! - [`application_status`], [`config`], [`headers`], [`ids`], [`secret`], [`clock`], [`plain_text`]: the small things
//!   below all of them

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
pub mod sign_in;
pub mod supabase;
pub mod vendors;
