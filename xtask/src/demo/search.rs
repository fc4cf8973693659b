//! The search in the story, and the postings it finds.

use serde_json::{Value, json};

use super::{
    app::App,
    rows::{plain, text},
};
use toolchain::{Failure, Outcome, progress::say};

/// How many of the postings are shown.
const SHOWN: usize = 3;

/// A posting as the search answered it.
pub(super) struct Job {
    pub id: String,
    pub title: String,
    pub company: String,
    pub url: String,
    pub location: Value,
}

impl Job {
    /// None if the posting lacks what an application needs, or the person did something about it in an earlier story.
    fn untouched(posting: &Value) -> Option<Self> {
        if posting["saved"] != false || !posting["application_status"].is_null() {
            return None;
        }
        let text = |field: &str| posting[field].as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            title: text("title")?,
            company: text("company")?,
            url: text("url")?,
            location: posting["location"].clone(),
        })
    }
}

/// Searches, says what the answer was, and takes so many postings from it that the person did nothing about yet.
pub(super) fn find<const COUNT: usize>(app: &App<'_>) -> Outcome<[Job; COUNT]> {
    say!("She searches for jobs: adzuna-job-search.");
    let mut found = Vec::new();
    let mut next_page = json!(1);
    while next_page.is_u64() && found.len() < COUNT {
        let answer = ask(app, &next_page)?;
        if next_page == 1 {
            show(&answer)?;
        }
        found.extend(postings(&answer)?.iter().filter_map(Job::untouched));
        next_page = answer["next_page"].clone();
    }
    found.truncate(COUNT);
    found.try_into().map_err(|_| {
        Failure::new(format!("the search does not find {COUNT} postings that Dana did nothing about yet"))
            .mend("cargo xtask dev --fresh forgets what she did")
    })
}

/// Searches again, and returns the marks of a posting: whether it is saved, and where its application stands.
pub(super) fn marks(app: &App<'_>, job: &Job) -> Outcome<(bool, String)> {
    let mut page = json!(1);
    while page.is_u64() {
        let answer = ask(app, &page)?;
        if let Some(posting) = postings(&answer)?.iter().find(|posting| posting["id"] == job.id.as_str()) {
            return Ok((posting["saved"] == true, plain(&posting["application_status"])));
        }
        page = answer["next_page"].clone();
    }
    Err(Failure::new(format!("the search does not find {} any more", job.id)))
}

fn ask(app: &App<'_>, page: &Value) -> Outcome<Value> {
    let query = json!({ "keywords": "Backend", "location": "London", "salary_min": 65000, "page": page });
    app.invoke("adzuna-job-search", &query)
}

fn postings(answer: &Value) -> Outcome<&Vec<Value>> {
    answer["jobs"].as_array().ok_or_else(|| Failure::new(format!("there are no jobs in {answer}")))
}

fn show(answer: &Value) -> Outcome {
    say!("    {} postings for \"Backend\" in London ({})", answer["total"], text(&answer["attribution"], "text")?);
    for posting in postings(answer)?.iter().take(SHOWN) {
        let [id, title, company, place] = ["id", "title", "company", "location"].map(|field| plain(&posting[field]));
        say!("    {id}: {title}, {company}, {place}{}", pay(&posting["salary"]));
    }
    Ok(())
}

/// Predicted pay must be shown as such.
fn pay(salary: &Value) -> String {
    let [minimum, maximum, currency] = ["min", "max", "currency"].map(|field| plain(&salary[field]));
    match (minimum.as_str(), maximum.as_str(), &salary["is_predicted"]) {
        ("null", "null", _) => String::new(),
        (_, _, Value::Bool(true)) => format!(", about {minimum} {currency} (estimated by Adzuna Jobsworth)"),
        _ => format!(", {minimum} to {maximum} {currency}"),
    }
}
