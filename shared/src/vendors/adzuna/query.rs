//! The parameters of a search with Adzuna (docs/vendors/adzuna.md#search-request). Adzuna refuses names that it does
//! not know, so they are spelled here and nowhere else.

use serde::Deserialize;

use super::Country;

/// One page of a search.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a filter that a person switches on or leaves alone")]
pub struct Query {
    /// The country to search in.
    pub country: &'static Country,
    /// The number of the page, from 1.
    pub page: u32,
    /// At most 50. Adzuna silently shortens a longer page, and then every later page would be another one than asked
    /// for.
    pub page_size: u32,
    /// Words to look for.
    pub what: Option<String>,
    /// Words that must not occur.
    pub what_exclude: Option<String>,
    /// Words to look for in the title only.
    pub title_only: Option<String>,
    /// A place or postcode.
    pub location: Option<String>,
    /// Kilometres around it.
    pub distance: Option<u32>,
    /// Days since the posting appeared.
    pub max_days_old: Option<u32>,
    /// A category's tag, such as `it-jobs`.
    pub category: Option<String>,
    /// An employer's name.
    pub company: Option<String>,
    /// The salary for a year, in the country's currency.
    pub salary_min: Option<u32>,
    /// See `salary_min`.
    pub salary_max: Option<u32>,
    /// Whether postings without a salary pass the filters by salary.
    pub salary_include_unknown: bool,
    /// Only postings that are tagged as such; the same goes for the next three.
    pub full_time: bool,
    /// See `full_time`.
    pub part_time: bool,
    /// See `full_time`.
    pub contract: bool,
    /// See `full_time`.
    pub permanent: bool,
    /// What the results are sorted by; Adzuna's default if `None`.
    pub sort_by: Option<SortBy>,
    /// Ascending or descending.
    pub sort_dir: Option<SortDirection>,
}

/// What results are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortBy {
    /// Adzuna's default.
    Default,
    /// A mixture of relevance and date.
    Hybrid,
    /// The newest first.
    Date,
    /// By salary.
    Salary,
    /// By how well the words match.
    Relevance,
}

/// The direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortDirection {
    /// Ascending.
    Up,
    /// Descending.
    Down,
}

impl Query {
    /// The parameters of the query string, without the credentials. What is not set is left out, and a flag is `1` or
    /// left out.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone();
        let number = |value: Option<u32>| value.map(|value| value.to_string());
        let flag = |value: bool| value.then(|| "1".to_owned());
        let parameters = [
            ("results_per_page", Some(self.page_size.to_string())),
            ("what", text(&self.what)),
            ("what_exclude", text(&self.what_exclude)),
            ("title_only", text(&self.title_only)),
            ("where", text(&self.location)),
            ("distance", number(self.distance)),
            ("max_days_old", number(self.max_days_old)),
            ("category", text(&self.category)),
            ("company", text(&self.company)),
            ("salary_min", number(self.salary_min)),
            ("salary_max", number(self.salary_max)),
            ("salary_include_unknown", flag(self.salary_include_unknown)),
            ("full_time", flag(self.full_time)),
            ("part_time", flag(self.part_time)),
            ("contract", flag(self.contract)),
            ("permanent", flag(self.permanent)),
            ("sort_by", self.sort_by.map(|order| order.as_str().to_owned())),
            ("sort_dir", self.sort_dir.map(|direction| direction.as_str().to_owned())),
        ];
        parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl SortBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Hybrid => "hybrid",
            Self::Date => "date",
            Self::Salary => "salary",
            Self::Relevance => "relevance",
        }
    }
}

impl SortDirection {
    fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}
