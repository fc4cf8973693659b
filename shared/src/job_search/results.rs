//! From Adzuna's page to the form in which pages are kept, and people get to see them.

use crate::{
    supabase::rpc::search::{Job, Results, Salary},
    vendors::adzuna::{Page, Posting, Query},
};

/// What Adzuna returned for this query.
pub(super) fn of(query: &Query, page: Page) -> Results {
    let page_size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    let is_last = u64::from(query.page) * u64::from(query.page_size) >= page.total.unwrap_or(u64::MAX);
    Results {
        total: page.total,
        has_more: page.length >= page_size && !is_last,
        jobs: page.postings.into_iter().take(page_size).map(|posting| job(query, posting)).collect(),
    }
}

fn job(query: &Query, posting: Posting) -> Job {
    Job {
        id: format!("{}:{}", query.country.code, posting.id),
        title: posting.title,
        company: posting.company,
        location: posting.location,
        url: posting.url,
        description: posting.description,
        salary: Salary {
            min: posting.salary_min,
            max: posting.salary_max,
            currency: query.country.currency.to_owned(),
            is_predicted: posting.salary_is_predicted,
        },
        category: posting.category,
        contract_type: posting.contract_type,
        contract_time: posting.contract_time,
        posted_at: posting.created,
    }
}
