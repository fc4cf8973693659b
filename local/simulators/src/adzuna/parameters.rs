//! The query string of a request: known names only, credentials, and values of the right kind.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use super::{APP_ID, APP_KEY, catalogue};

const TEXTS: [&str; 19] = [
    "app_id",
    "app_key",
    "what",
    "what_and",
    "what_phrase",
    "what_or",
    "what_exclude",
    "title_only",
    "where",
    "company",
    "callback",
    "location0",
    "location1",
    "location2",
    "location3",
    "location4",
    "location5",
    "location6",
    "location7",
];
const NUMBERS: [&str; 5] = ["results_per_page", "distance", "max_days_old", "salary_min", "salary_max"];
const FLAGS: [&str; 5] = ["salary_include_unknown", "full_time", "part_time", "contract", "permanent"];
/// Parameters with a list of values of their own.
const CHOICES: [(&str, &[&str]); 3] = [
    ("sort_by", &["default", "hybrid", "date", "salary", "relevance"]),
    ("sort_dir", &["up", "down"]),
    ("content-type", &["application/json"]),
];

/// Names and decoded values, sorted by name.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Refuses unknown names, and then whoever does not show the key.
    pub fn read(query: &str) -> Result<Self, Refusal> {
        let parameters: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let is_known = |name: &str| {
            name == "category"
                || TEXTS.contains(&name)
                || NUMBERS.contains(&name)
                || FLAGS.contains(&name)
                || CHOICES.iter().any(|(choice, _)| *choice == name)
        };
        if !parameters.keys().all(|name| is_known(name)) {
            return Err(Refusal::unknown_parameter());
        }
        let parameters = Self(parameters);
        if parameters.text("app_id") != Some(APP_ID) || parameters.text("app_key") != Some(APP_KEY) {
            return Err(Refusal::unauthorised());
        }
        Ok(parameters)
    }

    /// Refuses values that are not of their parameter's kind.
    pub fn check(&self) -> Result<(), Refusal> {
        for (name, value) in &self.0 {
            let name = name.as_str();
            let is_good = match CHOICES.iter().find(|(choice, _)| *choice == name) {
                Some((_, values)) => values.contains(&value.as_str()),
                None if FLAGS.contains(&name) => value == "1",
                None if name == "results_per_page" => value.parse().is_ok_and(|number: u32| number >= 1),
                None if NUMBERS.contains(&name) => value.parse::<u32>().is_ok(),
                None if name == "category" => catalogue::is_category(value),
                None => true,
            };
            if !is_good {
                return Err(Refusal::invalid(name));
            }
        }
        Ok(())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// What decides the results, wherever the page begins and whoever asks.
    pub fn essence(&self) -> String {
        let about_the_page = ["app_id", "app_key", "results_per_page", "content-type", "callback"];
        let essential = self.0.iter().filter(|(name, _)| !about_the_page.contains(&name.as_str()));
        essential
            .flat_map(|(name, value)| [name.clone(), "=".to_owned(), value.to_lowercase(), "\n".to_owned()])
            .collect()
    }
}
