//! JSearch: the service that finds job postings through Google for Jobs.

mod client;
mod instant;
mod job_id;
mod page;
mod posting;
mod problem;
mod query;
mod settings;

pub use client::Jsearch;
pub use page::{Next, Page};
pub use posting::{Posting, WorkArrangement};
pub use problem::JsearchProblem;
pub use query::{DatePosted, Query};
pub use settings::Settings;
