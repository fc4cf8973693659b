//! From Adzuna's page to the form in which pages are cached, and people see them.

use crate::{
    supabase::rpc::search::{Posting, Results, Salary},
    vendors::adzuna::{self, Page, Query},
};

/// What Adzuna found for this query.
pub(super) fn of(query: &Query, page: Page) -> Results {
    let page_size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    let is_last = u64::from(query.page) * u64::from(query.page_size) >= page.total.unwrap_or(u64::MAX);
    Results {
        total: page.total,
        has_more: page.length >= page_size && !is_last,
        jobs: page.postings.into_iter().take(page_size).map(|found| posting(query, found)).collect(),
    }
}

fn posting(query: &Query, found: adzuna::Posting) -> Posting {
    Posting {
        id: format!("{}:{}", query.country.code, found.id),
        title: found.title,
        company: found.company,
        location: found.location,
        url: found.url,
        description: found.description,
        salary: Salary {
            min: found.salary_min,
            max: found.salary_max,
            currency: query.country.currency.to_owned(),
            is_predicted: found.salary_is_predicted,
        },
        category: found.category,
        contract_type: found.contract_type,
        contract_time: found.contract_time,
        posted_at: found.created,
    }
}
