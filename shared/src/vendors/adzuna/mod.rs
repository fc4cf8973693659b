//! Adzuna: the service that searches job postings.

mod client;
mod country;
mod fault;
mod page;
mod query;
mod settings;

pub use client::Adzuna;
pub use country::Country;
pub use fault::FAULTS;
pub use page::{Page, Posting};
pub use query::{Query, SortBy, SortDirection};
pub use settings::Settings;
