//! A posting of JSearch's, cleaned (docs/vendors/jsearch.md#postings). Almost every key may be absent or null, and
//! nothing is guessed.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use url::Url;

use super::{
    instant::{plausible, seconds_of_iso_8601},
    job_id::plain_id,
    query::EMPLOYMENT_TYPES,
};
use crate::plain_text::{plain_lines, plain_text};

/// The longest short text in characters, and the longest link, as the table `jobs` limits them.
const LONGEST_TEXT: usize = 300;
const LONGEST_LINK: usize = 2083;

/// A job posting. Texts are free of HTML and control characters. Its fields are columns of `jobs`, except that the time
/// is in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Posting {
    /// The id in its plain spelling.
    pub external_id: String,
    /// The job's title.
    pub title: String,
    /// The employer.
    pub company: Option<String>,
    /// The employer's logo.
    pub company_logo_url: Option<String>,
    /// The whole text, with its line breaks.
    pub description: String,
    /// Where to apply.
    pub url: Option<String>,
    /// The board that it is published on.
    pub publisher: Option<String>,
    /// The location, in words.
    pub location: Option<String>,
    /// Its town.
    pub city: Option<String>,
    /// Its state or region.
    pub state: Option<String>,
    /// Its country, as JSearch spells it.
    pub country: Option<String>,
    /// Whether the work can be done from home.
    pub is_remote: Option<bool>,
    /// Where the work is done.
    pub work_arrangement: Option<WorkArrangement>,
    /// `FULLTIME`, `CONTRACTOR`, `PARTTIME`, `INTERN`.
    pub employment_types: Vec<String>,
    /// The salary for a period.
    pub salary_min: Option<Number>,
    /// See `salary_min`; the same as that for a single figure.
    pub salary_max: Option<Number>,
    /// `YEAR`, `MONTH`, `WEEK`, `DAY`, `HOUR`.
    pub salary_period: Option<String>,
    /// ISO 4217. Current responses do not have it.
    pub salary_currency: Option<String>,
    /// The salary in words.
    pub salary_text: Option<String>,
    /// When it appeared, in seconds since 1970.
    pub posted_at_seconds: Option<i64>,
}

/// Where the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkArrangement {
    /// From home.
    Remote,
    /// Partly from home.
    Hybrid,
    /// At the employer's place.
    Onsite,
}

impl Posting {
    /// `None` without an id or a title.
    pub(super) fn read(job: &Value) -> Option<Self> {
        let work_arrangement = WorkArrangement::deserialize(&job["work_arrangement"]).ok();
        let (salary_min, salary_max) = salary(job);
        Some(Self {
            external_id: job["job_id"].as_str().and_then(plain_id)?,
            title: text(&job["job_title"])?,
            company: text(&job["employer_name"]),
            company_logo_url: link(&job["employer_logo"]),
            description: job["job_description"].as_str().map(plain_lines).unwrap_or_default(),
            url: link(&job["job_apply_link"]),
            publisher: text(&job["job_publisher"]),
            location: text(&job["job_location"]).and_then(|location| place(&location)),
            city: text(&job["job_city"]),
            state: text(&job["job_state"]),
            country: text(&job["job_country"]).filter(|country| country.chars().count() <= 100),
            // Of the two signals, `work_arrangement` is the more reliable one.
            is_remote: work_arrangement
                .map(|arrangement| arrangement == WorkArrangement::Remote)
                .or(job["job_is_remote"].as_bool()),
            work_arrangement,
            employment_types: employment_types(job),
            salary_min,
            salary_max,
            salary_period: word(&job["job_salary_period"], &["YEAR", "MONTH", "WEEK", "DAY", "HOUR"]),
            salary_currency: job["job_salary_currency"].as_str().filter(|code| is_currency(code)).map(str::to_owned),
            salary_text: text(&job["job_salary_string"]),
            posted_at_seconds: job["job_posted_at_timestamp"]
                .as_i64()
                .or_else(|| job["job_posted_at_datetime_utc"].as_str().and_then(seconds_of_iso_8601))
                .and_then(plausible),
        })
    }
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str().map(plain_text)?;
    Some(text.chars().take(LONGEST_TEXT).collect::<String>().trim_end().to_owned()).filter(|text| !text.is_empty())
}

/// People are sent there, so only `http` and `https` will do.
fn link(value: &Value) -> Option<String> {
    let url = Url::parse(value.as_str()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(String::from(url)).filter(|url| url.len() <= LONGEST_LINK)
}

/// Without the board at the end of some locations: "Berlin • über Xing".
fn place(location: &str) -> Option<String> {
    let place = location.split('•').next().unwrap_or_default().trim();
    (!place.is_empty()).then(|| place.to_owned())
}

fn word(value: &Value, known: &[&str]) -> Option<String> {
    value.as_str().filter(|word| known.contains(word)).map(str::to_owned)
}

/// The codes. Old responses have a code instead of the localised words.
fn employment_types(job: &Value) -> Vec<String> {
    let listed = job["job_employment_types"].as_array().map(Vec::as_slice).unwrap_or_default();
    let codes = if listed.is_empty() { std::slice::from_ref(&job["job_employment_type"]) } else { listed };
    let mut known: Vec<String> = codes.iter().filter_map(|code| word(code, &EMPLOYMENT_TYPES)).collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// The bounds, or a single figure as both. Bounds that contradict each other are left out.
fn salary(job: &Value) -> (Option<Number>, Option<Number>) {
    let amount = |name: &str| {
        let amount = job[name].as_number()?;
        amount.as_f64().is_some_and(|amount| (0.0..1e12).contains(&amount)).then(|| amount.clone())
    };
    match (amount("job_min_salary"), amount("job_max_salary")) {
        (None, None) => (amount("job_salary"), amount("job_salary")),
        (Some(least), Some(most)) if least.as_f64() > most.as_f64() => (None, None),
        bounds => bounds,
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Number, Value, json};

    use super::{Posting, WorkArrangement};

    const ID: &str = "n-2Jx_T0bEqkYHoAAAAAAA==";

    fn full() -> Value {
        json!({
            "job_id": ID,
            "job_title": "Backend Developer (m/f/x) &amp; more",
            "employer_name": "Example GmbH",
            "employer_logo": "https://logos.example/e.png",
            "job_publisher": "LinkedIn",
            "job_employment_type": "Vollzeit",
            "job_employment_types": ["FULLTIME", "CONTRACTOR", "FULLTIME", "OTHER"],
            "job_apply_link": "https://jobs.example/1?utm_source=x",
            "job_description": "About us\n\n• Rust\u{0}\n• <b>SQL</b>",
            "job_is_remote": null,
            "work_arrangement": "remote",
            "job_posted_at": "vor 5 Stunden",
            "job_posted_at_timestamp": 1_787_140_800,
            "job_posted_at_datetime_utc": "2026-08-19T12:00:00.000Z",
            "job_location": "Berlin • über LinkedIn",
            "job_city": "Berlin", "job_state": "Berlin", "job_country": "DE",
            "job_salary": null, "job_salary_string": "85.3K–171K a year",
            "job_min_salary": 85300, "job_max_salary": 171_000.5, "job_salary_period": "YEAR",
        })
    }

    fn changed(changes: &Value) -> Posting {
        let mut job = full();
        for (name, value) in changes.as_object().unwrap() {
            job[name] = value.clone();
        }
        Posting::read(&job).unwrap()
    }

    #[test]
    fn every_field_is_read_and_cleaned() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            Posting::read(&full()).unwrap(),
            Posting {
                external_id: ID.to_owned(),
                title: "Backend Developer (m/f/x) & more".to_owned(),
                company: text("Example GmbH"),
                company_logo_url: text("https://logos.example/e.png"),
                description: "About us\n\n• Rust\n• SQL".to_owned(),
                url: text("https://jobs.example/1?utm_source=x"),
                publisher: text("LinkedIn"),
                location: text("Berlin"),
                city: text("Berlin"),
                state: text("Berlin"),
                country: text("DE"),
                is_remote: Some(true),
                work_arrangement: Some(WorkArrangement::Remote),
                employment_types: vec!["CONTRACTOR".to_owned(), "FULLTIME".to_owned()],
                salary_min: Some(Number::from(85300)),
                salary_max: Number::from_f64(171_000.5),
                salary_period: text("YEAR"),
                salary_currency: None,
                salary_text: text("85.3K–171K a year"),
                posted_at_seconds: Some(1_787_140_800),
            }
        );
    }

    #[test]
    fn every_key_but_id_and_title_may_be_absent_null_or_of_another_type() {
        let bare = Posting::read(&json!({ "job_id": ID, "job_title": "Nurse" })).unwrap();
        for odd in [Value::Null, json!({}), json!(["x"]), json!({ "x": 1 })] {
            let mut job = full();
            for (name, value) in job.as_object_mut().unwrap() {
                match name.as_str() {
                    "job_id" => {}
                    "job_title" => *value = json!("Nurse"),
                    _ => *value = odd.clone(),
                }
            }
            assert_eq!(Posting::read(&job).unwrap(), bare, "{odd}");
        }
        assert_eq!((bare.is_remote, bare.posted_at_seconds, bare.description.as_str()), (None, None, ""));
        for job in
            [json!({ "job_id": ID }), json!({ "job_title": "Nurse" }), json!({ "job_id": 7, "job_title": "Nurse" })]
        {
            assert_eq!(Posting::read(&job), None, "{job}");
        }
    }

    #[test]
    fn both_spellings_of_an_id_are_one_posting() {
        assert_eq!(changed(&json!({ "job_id": STANDARD.encode(ID) })).external_id, ID);
    }

    #[test]
    fn pay_is_taken_as_it_is_said() {
        let pay = |changes: &Value| {
            let posting = changed(changes);
            let amount = |amount: Option<Number>| amount.and_then(|amount| amount.as_f64());
            (amount(posting.salary_min), amount(posting.salary_max))
        };
        let bounds =
            |least: Value, most: Value| json!({ "job_min_salary": least, "job_max_salary": most, "job_salary": 40 });
        assert_eq!(pay(&bounds(json!(null), json!(null))), (Some(40.0), Some(40.0)));
        assert_eq!(pay(&bounds(json!(30), json!(null))), (Some(30.0), None));
        assert_eq!(pay(&bounds(json!(30), json!(20))), (None, None));
        assert_eq!(pay(&bounds(json!(30), json!(30))), (Some(30.0), Some(30.0)));
        assert_eq!(pay(&bounds(json!(-1), json!("20"))), (Some(40.0), Some(40.0)));
        assert_eq!(changed(&json!({ "job_salary_period": "FORTNIGHT" })).salary_period, None);
        for (code, expected) in [("EUR", Some("EUR")), ("€", None), ("eur", None)] {
            assert_eq!(changed(&json!({ "job_salary_currency": code })).salary_currency.as_deref(), expected);
        }
    }

    #[test]
    fn remote_is_what_either_signal_says_and_else_unknown() {
        let remote = |job_is_remote: Value, work_arrangement: Value| {
            changed(&json!({ "job_is_remote": job_is_remote, "work_arrangement": work_arrangement })).is_remote
        };
        assert_eq!(remote(json!(null), json!(null)), None);
        assert_eq!(remote(json!(true), json!(null)), Some(true));
        assert_eq!(remote(json!(false), json!("somewhere")), Some(false));
        assert_eq!(remote(json!(false), json!("remote")), Some(true));
        assert_eq!(remote(json!(null), json!("hybrid")), Some(false));
    }

    #[test]
    fn the_date_comes_from_either_field_and_never_from_words() {
        let date = |seconds: Value, text: Value| {
            changed(&json!({ "job_posted_at_timestamp": seconds, "job_posted_at_datetime_utc": text }))
                .posted_at_seconds
        };
        assert_eq!(date(json!(null), json!("2026-08-19T12:00:00.000Z")), Some(1_787_140_800));
        assert_eq!(date(json!(null), json!(null)), None);
        assert_eq!(date(json!(1_787_140_800_000_i64), json!(null)), None);
    }

    #[test]
    fn old_answers_have_the_code_of_the_employment_in_place_of_words() {
        let types = |codes: Value, words: &str| {
            changed(&json!({ "job_employment_types": codes, "job_employment_type": words })).employment_types
        };
        assert_eq!(types(json!(null), "PARTTIME"), ["PARTTIME"]);
        assert_eq!(types(json!(null), "Full–time"), [""; 0]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_what_is_no_link_is_left_out() {
        let long = changed(&json!({ "job_title": "é".repeat(400), "job_description": "a\n".repeat(30_000) }));
        assert_eq!(long.title.chars().count(), 300);
        assert!(long.description.len() <= 20_000);
        for url in ["javascript:alert(1)".to_owned(), format!("https://jobs.example/{}", "a".repeat(2083))] {
            assert_eq!(changed(&json!({ "job_apply_link": url })).url, None);
        }
    }
}
