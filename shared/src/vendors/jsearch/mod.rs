//! JSearch: the service that finds job postings through Google for Jobs.

mod client;
mod fault;
mod instant;
mod job_id;
mod page;
mod posting;
mod query;
mod settings;

pub use client::Jsearch;
pub use fault::{FAULTS, QUOTA_SPENT};
pub use page::{Next, Page};
pub use posting::{Posting, WorkArrangement};
pub use query::{DatePosted, Query};
pub use settings::Settings;
