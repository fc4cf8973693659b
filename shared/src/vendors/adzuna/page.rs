//! Adzuna's search response, cleaned (docs/vendors/adzuna.md#search-response). Almost every key may be absent, and one
//! bad posting is no reason to lose the page.

use std::collections::HashSet;

use serde_json::{Number, Value};
use url::Url;

use crate::plain_text::plain_text;

/// One page of results.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// How many there are on all pages.
    pub total: Option<u64>,
    /// How many were on this page, including those that could not be read.
    pub length: usize,
    /// The postings, each once.
    pub postings: Vec<Posting>,
}

/// A job posting. Texts are free of HTML.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    /// Unique within the country.
    pub id: String,
    /// The job's title.
    pub title: String,
    /// The beginning of the description.
    pub description: Option<String>,
    /// When it appeared, RFC 3339 in UTC.
    pub created: Option<String>,
    /// The link through Adzuna. Its query string has to stay, or it leads nowhere.
    pub url: Option<String>,
    /// The employer.
    pub company: Option<String>,
    /// The location, in words.
    pub location: Option<String>,
    /// The tag of the category.
    pub category: Option<String>,
    /// The salary for a year, in the country's currency.
    pub salary_min: Option<Number>,
    /// See `salary_min`.
    pub salary_max: Option<Number>,
    /// Whether the salary is Adzuna's estimate.
    pub salary_is_predicted: bool,
    /// `full_time` or `part_time`.
    pub contract_time: Option<String>,
    /// `permanent` or `contract`.
    pub contract_type: Option<String>,
}

impl Page {
    /// Reads the body of a success; `None` if it is something else.
    #[must_use]
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let response: Value = serde_json::from_slice(body).ok()?;
        let results = response.get("results")?.as_array()?;
        let mut known = HashSet::new();
        let postings = results.iter().filter_map(Posting::read).filter(|posting| known.insert(posting.id.clone()));
        Some(Self {
            total: response.get("count").and_then(Value::as_u64),
            length: results.len(),
            postings: postings.collect(),
        })
    }
}

impl Posting {
    fn read(result: &Value) -> Option<Self> {
        let id = match result.get("id")? {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return None,
        };
        let is_sensible = (1..=80).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        Some(Self {
            id: is_sensible.then_some(id)?,
            title: text(result, "/title")?,
            description: text(result, "/description"),
            created: result.get("created").and_then(Value::as_str).filter(|time| is_utc_time(time)).map(str::to_owned),
            url: result.get("redirect_url").and_then(Value::as_str).and_then(link),
            company: text(result, "/company/display_name"),
            location: text(result, "/location/display_name"),
            category: text(result, "/category/tag").filter(|tag| tag != "unknown"),
            salary_min: result.get("salary_min").and_then(Value::as_number).cloned(),
            salary_max: result.get("salary_max").and_then(Value::as_number).cloned(),
            salary_is_predicted: result.get("salary_is_predicted").is_some_and(is_yes),
            contract_time: text(result, "/contract_time"),
            contract_type: text(result, "/contract_type"),
        })
    }
}

fn text(result: &Value, path: &str) -> Option<String> {
    result.pointer(path).and_then(Value::as_str).map(plain_text).filter(|text| !text.is_empty())
}

/// People are sent there, so only `http` and `https` will do.
fn link(text: &str) -> Option<String> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).map(String::from)
}

/// A string in recorded responses, a number in an old example.
fn is_yes(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value == "1" || value == 1
}

/// `2026-07-15T08:33:45Z`, the only form that has been seen.
fn is_utc_time(text: &str) -> bool {
    let form = b"dddd-dd-ddTdd:dd:ddZ";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(byte, form)| if *form == b'd' { byte.is_ascii_digit() } else { byte == *form })
}

#[cfg(test)]
mod tests {
    use serde_json::{Number, Value, json};

    use super::{Page, Posting};

    fn full() -> Value {
        json!({
            "__CLASS__": "Adzuna::API::Response::Job",
            "id": "5000000001",
            "title": "<strong>Data</strong> Engineer &amp; Analyst",
            "description": "We are <strong>hir</strong>ing R&D …",
            "created": "2026-07-15T08:33:45Z",
            "redirect_url": "https://www.adzuna.co.uk/jobs/land/ad/5000000001?se=abc&utm_medium=api&utm_source=APPID&v=01",
            "adref": "x.y.z",
            "company": { "__CLASS__": "Adzuna::API::Response::Company", "display_name": "Example Ltd" },
            "location": { "display_name": "Farringdon, Central London", "area": ["UK", "London"] },
            "category": { "tag": "it-jobs", "label": "IT Jobs" },
            "latitude": 51.52, "longitude": -0.105,
            "salary_min": 60000, "salary_max": 75000.5, "salary_is_predicted": "0",
            "contract_time": "full_time", "contract_type": "permanent",
        })
    }

    fn page(results: &Value) -> Page {
        let response = json!({ "count": 173, "mean": 79855.24, "results": results });
        Page::parse(response.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_field_is_read_and_cleaned() {
        let page = page(&json!([full()]));
        assert_eq!((page.total, page.length), (Some(173), 1));
        assert_eq!(
            page.postings,
            [Posting {
                id: "5000000001".to_owned(),
                title: "Data Engineer & Analyst".to_owned(),
                description: Some("We are hiring R&D …".to_owned()),
                created: Some("2026-07-15T08:33:45Z".to_owned()),
                url: Some(
                    "https://www.adzuna.co.uk/jobs/land/ad/5000000001?se=abc&utm_medium=api&utm_source=APPID&v=01"
                        .to_owned()
                ),
                company: Some("Example Ltd".to_owned()),
                location: Some("Farringdon, Central London".to_owned()),
                category: Some("it-jobs".to_owned()),
                salary_min: Some(Number::from(60000)),
                salary_max: Number::from_f64(75000.5),
                salary_is_predicted: false,
                contract_time: Some("full_time".to_owned()),
                contract_type: Some("permanent".to_owned()),
            }]
        );
    }

    #[test]
    fn every_key_but_id_and_title_may_be_absent_null_or_of_another_type() {
        for change in [None, Some(Value::Null), Some(json!(["x"])), Some(json!({}))] {
            let mut result = full();
            for (name, value) in result.as_object_mut().unwrap() {
                if name != "id" && name != "title" {
                    *value = change.clone().unwrap_or(Value::Null);
                }
            }
            if change.is_none() {
                result.as_object_mut().unwrap().retain(|name, _| name == "id" || name == "title");
            }
            let posting = page(&json!([result])).postings.remove(0);
            assert_eq!((posting.company, posting.salary_min, posting.url), (None, None, None), "{change:?}");
            assert!(!posting.salary_is_predicted);
        }
    }

    #[test]
    fn a_bad_posting_is_left_out_and_the_others_stay() {
        let mut untitled = full();
        untitled["title"] = json!("<b></b>");
        let mut nameless = full();
        nameless["id"] = json!("");
        let page = page(&json!([untitled, null, 7, "text", [], nameless, full(), full()]));
        assert_eq!(page.length, 8);
        assert_eq!(page.postings.len(), 1, "and one that comes twice is there once");
    }

    #[test]
    fn an_id_may_be_a_number_and_a_time_has_one_form() {
        let mut result = full();
        result["id"] = json!(5_000_000_002_u64);
        assert_eq!(page(&json!([result])).postings[0].id, "5000000002");
        for time in ["2026-07-15T08:33:45", "2026-07-15T08:33:45ZZ", "2026-07-15T08:33:4xZ", "2026-07-15 08:33:45Z", ""]
        {
            let mut result = full();
            result["created"] = json!(time);
            assert_eq!(page(&json!([result])).postings[0].created, None, "{time}");
        }
    }

    #[test]
    fn an_estimate_is_known_in_every_spelling() {
        for (value, expected) in
            [(json!("1"), true), (json!(1), true), (json!(true), true), (json!("0"), false), (json!(0), false)]
        {
            let mut result = full();
            result["salary_is_predicted"] = value.clone();
            assert_eq!(page(&json!([result])).postings[0].salary_is_predicted, expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_link_or_time_or_category_is_not_passed_on() {
        let mut result = full();
        result["redirect_url"] = json!("javascript:alert(1)");
        result["created"] = json!("yesterday");
        result["category"] = json!({ "tag": "unknown", "label": "Unknown" });
        let posting = page(&json!([result])).postings.remove(0);
        assert_eq!((posting.url, posting.created, posting.category), (None, None, None));
    }
}
