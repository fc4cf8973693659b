//! What a person gets to see.

use serde::Serialize;
use shared::{
    application_status::ApplicationStatus,
    job_search::{Found, Posting, last_page},
    vendors::adzuna::Query,
};

/// The whole response.
#[derive(Debug, Serialize)]
pub(crate) struct SearchResponse<'a> {
    jobs: Vec<MarkedPosting<'a>>,
    total: Option<u64>,
    page: u32,
    next_page: Option<u32>,
    attribution: Attribution,
}

/// A posting and what the person has done about it.
#[derive(Debug, Serialize)]
struct MarkedPosting<'a> {
    #[serde(flatten)]
    posting: &'a Posting,
    saved: bool,
    application_status: Option<ApplicationStatus>,
}

/// What Adzuna's terms want to be shown beside the results (docs/vendors/adzuna.md#attribution).
#[derive(Debug, Serialize)]
struct Attribution {
    text: &'static str,
    url: &'static str,
    /// To be shown with a salary that is predicted.
    estimate_label: &'static str,
}

impl<'a> SearchResponse<'a> {
    pub(crate) fn new(query: &Query, found: &'a Found) -> Self {
        let marked = |posting: &'a Posting| MarkedPosting {
            posting,
            saved: found.marks.saved.contains(&posting.id),
            application_status: found.marks.applications.get(&posting.id).copied(),
        };
        Self {
            jobs: found.results.jobs.iter().map(marked).collect(),
            total: found.results.total,
            page: query.page,
            next_page: (found.results.has_more && query.page < last_page(query.page_size)).then_some(query.page + 1),
            attribution: Attribution {
                text: "Jobs by Adzuna",
                url: query.country.site,
                estimate_label: "Estimated by Adzuna Jobsworth",
            },
        }
    }
}
