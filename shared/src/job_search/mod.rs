//! Searching for job postings: from what somebody wants to a page of results that is cached for everybody, or comes from
//! Adzuna by a call that the ledger has room for. People's searches and the alerts of saved ones go the same way.

mod input;
mod isolate_cache;
mod key;
mod results;
mod search;

pub use input::{last_page, read};
pub use search::{Found, Freshness, JobSearch, Searcher};

pub use crate::supabase::rpc::search::{Marks, Posting, Results, Salary};
