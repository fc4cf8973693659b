//! Adzuna: the service that searches job postings.

mod client;
mod country;
mod page;
mod problem;
mod query;
mod settings;

pub use client::Adzuna;
pub use country::Country;
pub use page::{Page, Posting};
pub use problem::AdzunaProblem;
pub use query::{Query, SortBy, SortDirection};
pub use settings::Settings;
