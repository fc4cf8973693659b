//! A posting as people see it, without their own marks: the form in which pages are cached.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::vendors::adzuna::{self, Page, Query};

/// A page of results for everybody.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The postings, each once; `jobs` in the response.
    pub jobs: Vec<Posting>,
    /// How many there are on all pages.
    pub total: Option<u64>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// A posting. What is not known is null.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Posting {
    /// Country and Adzuna's own number, which alone is unique within a country only.
    pub id: String,
    /// The job's title.
    pub title: String,
    /// The employer.
    pub company: Option<String>,
    /// The place, in words.
    pub location: Option<String>,
    /// Where to send people.
    pub url: Option<String>,
    /// The beginning of the description.
    pub description: Option<String>,
    /// What is paid.
    pub salary: Salary,
    /// The tag of the category.
    pub category: Option<String>,
    /// `permanent` or `contract`.
    pub contract_type: Option<String>,
    /// `full_time` or `part_time`.
    pub contract_time: Option<String>,
    /// When it appeared, RFC 3339 in UTC.
    pub posted_at: Option<String>,
}

/// A year's pay.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Salary {
    /// At least.
    pub min: Option<Number>,
    /// At most.
    pub max: Option<Number>,
    /// ISO 4217.
    pub currency: String,
    /// Whether Adzuna has estimated it.
    pub is_predicted: bool,
}

impl Results {
    /// What Adzuna found for this query.
    pub(super) fn of(query: &Query, page: Page) -> Self {
        let page_size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
        let is_last = u64::from(query.page) * u64::from(query.page_size) >= page.total.unwrap_or(u64::MAX);
        Self {
            total: page.total,
            has_more: page.length >= page_size && !is_last,
            jobs: page.postings.into_iter().take(page_size).map(|posting| Posting::of(query, posting)).collect(),
        }
    }

    /// The ids of the postings.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.jobs.iter().map(|job| job.id.as_str()).collect()
    }
}

impl Posting {
    fn of(query: &Query, posting: adzuna::Posting) -> Self {
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
