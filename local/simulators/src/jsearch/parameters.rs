//! The query string of a search: known names only, and values of the right kind.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// Which of the two paths is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    First,
    Second,
}

const TEXTS: [&str; 5] = ["query", "country", "language", "exclude_job_publishers", "fields"];
const DATES: [&str; 5] = ["all", "today", "3days", "week", "month"];
const EMPLOYMENT_TYPES: [&str; 4] = ["FULLTIME", "CONTRACTOR", "PARTTIME", "INTERN"];
const REQUIREMENTS: [&str; 4] =
    ["under_3_years_experience", "more_than_3_years_experience", "no_experience", "no_degree"];

/// Names and decoded values, sorted by name.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Refuses unknown names, bad values, and a search for nothing. A country's name is not refused.
    pub fn read(query: &str, version: Version) -> Result<Self, Refusal> {
        let parameters: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let within = |value: &str, most: u32| value.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number));
        let listed = |value: &str, known: &[&str]| value.split(',').all(|word| known.contains(&word));
        for (name, value) in &parameters {
            let is_good = match name.as_str() {
                name if TEXTS.contains(&name) => !value.is_empty(),
                "cursor" => version == Version::Second && !value.is_empty(),
                // The newer path has no pages, and does not mind being asked for one.
                "page" => version == Version::Second || within(value, 100),
                "num_pages" => within(value, 20),
                "date_posted" => DATES.contains(&value.as_str()),
                "work_from_home" => ["true", "false"].contains(&value.as_str()),
                "employment_types" => listed(value, &EMPLOYMENT_TYPES),
                "job_requirements" => listed(value, &REQUIREMENTS),
                "radius" => value.parse::<f64>().is_ok(),
                _ => false,
            };
            if !is_good {
                return Err(Refusal::invalid(name));
            }
        }
        if !parameters.contains_key("query") {
            return Err(Refusal::invalid("query"));
        }
        let mut parameters = parameters;
        if version == Version::Second {
            parameters.remove("page");
        }
        Ok(Self(parameters))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    /// What decides the results, wherever the page begins.
    pub fn essence(&self) -> String {
        let essential = self.0.iter().filter(|(name, _)| !["cursor", "page", "num_pages"].contains(&name.as_str()));
        essential.flat_map(|(name, value)| [name, "=", value.as_str(), "\n"].map(str::to_owned)).collect()
    }

    /// The request, as the answer repeats it: with types.
    pub fn echo(&self) -> Map<String, Value> {
        let typed = |name: &str, value: &str| match name {
            "page" | "num_pages" => json!(value.parse::<u32>().unwrap_or(1)),
            "work_from_home" => json!(value == "true"),
            "employment_types" | "job_requirements" => json!(value.split(',').collect::<Vec<_>>()),
            _ => json!(value),
        };
        self.0.iter().map(|(name, value)| (name.clone(), typed(name, value))).collect()
    }
}
