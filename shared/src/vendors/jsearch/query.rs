//! The parameters of a search with JSearch (docs/vendors/jsearch.md#search-request).

use serde::Deserialize;

/// A search, whatever its page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Words for the role and the place.
    pub query: String,
    /// ISO 3166-1 alpha-2, in lower case. Without it, JSearch searches the United States, whatever city the words
    /// name, and it does not refuse nonsense.
    pub country: String,
    /// ISO 639; the country's main language if `None`.
    pub language: Option<String>,
    /// How old postings may be.
    #[serde(default)]
    pub date_posted: DatePosted,
    /// Only what can be done from home.
    #[serde(default)]
    pub work_from_home: bool,
    /// `FULLTIME`, `CONTRACTOR`, `PARTTIME`, `INTERN`; any if empty.
    #[serde(default)]
    pub employment_types: Vec<String>,
}

/// How old postings may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePosted {
    /// Any age.
    #[default]
    All,
    /// Since yesterday.
    Today,
    /// Three days.
    #[serde(rename = "3days")]
    ThreeDays,
    /// Seven days.
    Week,
    /// A month.
    Month,
}

impl DatePosted {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Today => "today",
            Self::ThreeDays => "3days",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// The codes of kinds of employment.
pub(super) const EMPLOYMENT_TYPES: [&str; 4] = ["FULLTIME", "CONTRACTOR", "PARTTIME", "INTERN"];

impl Query {
    /// Whether JSearch is sure to understand it. To some queries that it does not understand it returns other postings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let two_letters = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase());
        (1..=200).contains(&self.query.trim().chars().count())
            && two_letters(&self.country)
            && self.language.as_deref().is_none_or(two_letters)
            && self.employment_types.iter().all(|kind| EMPLOYMENT_TYPES.contains(&kind.as_str()))
    }

    /// The parameters of the query string, without those of the page. Each request asks for one page: several pages
    /// cost several requests of the quota, or more (docs/vendors/jsearch.md#quota-and-speed).
    #[must_use]
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("query", self.query.clone()),
            ("country", self.country.clone()),
            ("num_pages", "1".to_owned()),
            ("date_posted", self.date_posted.as_str().to_owned()),
        ];
        parameters.extend(self.language.clone().map(|language| ("language", language)));
        if self.work_from_home {
            parameters.push(("work_from_home", "true".to_owned()));
        }
        if !self.employment_types.is_empty() {
            parameters.push(("employment_types", self.employment_types.join(",")));
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Query;

    fn read(query: &Value) -> Option<Query> {
        serde_json::from_value(query.clone()).ok().filter(Query::is_valid)
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let query = read(&json!({ "query": "nurse in Leeds", "country": "gb" })).unwrap();
        let names: Vec<_> = query.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["query", "country", "num_pages", "date_posted"]);
        let full = json!({
            "query": "nurse", "country": "de", "language": "de", "date_posted": "3days", "work_from_home": true,
            "employment_types": ["FULLTIME", "INTERN"],
        });
        let parameters = read(&full).unwrap().parameters();
        assert!(parameters.contains(&("employment_types", "FULLTIME,INTERN".to_owned())), "{parameters:?}");
        assert!(parameters.contains(&("date_posted", "3days".to_owned())), "{parameters:?}");
        assert_eq!(parameters.len(), 7);
    }

    #[test]
    fn what_jsearch_would_misunderstand_is_refused() {
        for query in [
            json!({ "query": "nurse", "country": "germany" }),
            json!({ "query": "nurse", "country": "DE" }),
            json!({ "query": "nurse" }),
            json!({ "query": " ", "country": "de" }),
            json!({ "query": "n".repeat(201), "country": "de" }),
            json!({ "query": "nurse", "country": "de", "language": "german" }),
            json!({ "query": "nurse", "country": "de", "date_posted": "yesterday" }),
            json!({ "query": "nurse", "country": "de", "employment_types": ["Full-time"] }),
            json!({ "query": "nurse", "country": "de", "remote_jobs_only": true }),
        ] {
            assert_eq!(read(&query), None, "{query}");
        }
    }
}
