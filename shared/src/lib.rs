//! What every function of Jobraker's backend shares.
//!
//! A function's own crate parses, authorises, does and answers; how that is done is here, once:
//! - [`http`]: requests, answers, the frame around a function, and calls to the outside
//! - [`sign_in`]: who is calling
//! - [`database`] and [`storage`]: the Supabase project
//! - [`skyvern`]: the service that drives a browser
//! - [`svix`]: the signatures of Clerk's webhooks
//! - [`expo`]: the service that push messages go through
//! - [`adzuna`]: the service that searches job postings
//! - [`job_search`]: a search, from the wish to the page, through one cache and one ledger
//! - [`jsearch`]: the service that finds the postings of the catalogue
//! - [`problem`]: everything that can go wrong, and how it is answered
//! - [`log_line`]: what the functions say of their work
//! - [`config`], [`secret`], [`ids`], [`clock`], [`plain_text`]: the small things below all of them

pub mod adzuna;
pub mod clock;
pub mod config;
pub mod database;
pub mod expo;
pub mod http;
pub mod ids;
pub mod job_search;
pub mod jsearch;
pub mod log_line;
pub mod plain_text;
pub mod problem;
pub mod secret;
pub mod sign_in;
pub mod skyvern;
pub mod storage;
pub mod svix;
