//! A job as this function answers it, but for the person's own marks: the form in which pages are kept.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use shared::adzuna::{Page, Posting, Query};

/// A page of results for everybody.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) jobs: Vec<Job>,
    pub(crate) total: Option<u64>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
}

/// A job. What is not known is null.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Country and Adzuna's own number, which alone is unique within a country only.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) company: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) salary: Salary,
    pub(crate) category: Option<String>,
    pub(crate) contract_type: Option<String>,
    pub(crate) contract_time: Option<String>,
    pub(crate) posted_at: Option<String>,
}

/// A year's pay.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Salary {
    pub(crate) min: Option<Number>,
    pub(crate) max: Option<Number>,
    pub(crate) currency: String,
    pub(crate) is_predicted: bool,
}

impl Results {
    /// What Adzuna answered to this query.
    pub(crate) fn of(query: &Query, page: Page) -> Self {
        let page_size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
        let is_last = u64::from(query.page) * u64::from(query.page_size) >= page.total.unwrap_or(u64::MAX);
        Self {
            total: page.total,
            has_more: page.length >= page_size && !is_last,
            jobs: page.postings.into_iter().take(page_size).map(|posting| Job::of(query, posting)).collect(),
        }
    }

    /// The ids of the jobs.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.jobs.iter().map(|job| job.id.as_str()).collect()
    }
}

impl Job {
    fn of(query: &Query, posting: Posting) -> Self {
        Self {
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
}
