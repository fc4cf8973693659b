//! The postings: made up from the query, the same for the same query, with the gaps and oddities of recorded ones.

use std::ops::Range;

use chrono::{Duration, Utc};
use rand::rngs::{OsRng, StdRng};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::APP_ID;
use super::parameters::Parameters;

/// A country: its code, the domain of its site, and its name as its people write it.
pub(super) type Country = (&'static str, &'static str, &'static str);

const COUNTRIES: [Country; 19] = [
    ("gb", "co.uk", "UK"),
    ("us", "com", "US"),
    ("at", "at", "Österreich"),
    ("au", "com.au", "Australia"),
    ("be", "be", "Belgique"),
    ("br", "com.br", "Brasil"),
    ("ca", "ca", "Canada"),
    ("ch", "ch", "Schweiz"),
    ("de", "de", "Deutschland"),
    ("es", "es", "España"),
    ("fr", "fr", "France"),
    ("in", "in", "India"),
    ("it", "it", "Italia"),
    ("mx", "com.mx", "México"),
    ("nl", "nl", "Nederland"),
    ("nz", "co.nz", "New Zealand"),
    ("pl", "pl", "Polska"),
    ("sg", "sg", "Singapore"),
    ("za", "co.za", "South Africa"),
];

/// Tags, and their labels in English.
const CATEGORIES: [(&str, &str); 9] = [
    ("it-jobs", "IT Jobs"),
    ("engineering-jobs", "Engineering Jobs"),
    ("accounting-finance-jobs", "Accounting & Finance Jobs"),
    ("sales-jobs", "Sales Jobs"),
    ("teaching-jobs", "Teaching Jobs"),
    ("healthcare-nursing-jobs", "Healthcare & Nursing Jobs"),
    ("logistics-warehouse-jobs", "Logistics & Warehouse Jobs"),
    ("hospitality-catering-jobs", "Hospitality & Catering Jobs"),
    ("unknown", "Unknown"),
];

const ROLES: [&str; 6] = ["Engineer", "Manager", "Analyst", "Consultant", "Lead", "Specialist"];
const LEVELS: [&str; 4] = ["Junior ", "", "Senior ", "Principal "];
const COMPANIES: [&str; 6] =
    ["Northwind Traders", "Contoso Ltd", "Fabrikam & Sons", "Tailspin Toys", "Wingtip", "Adventure Works"];
const PLACES: [&str; 5] = ["Farringdon", "Riverside", "Old Town", "Harbour", "Westend"];
const SENTENCES: [&str; 5] = [
    "We are looking for somebody who likes to work with others and to finish what they begin.",
    "You bring some years of experience & a sense for what matters.",
    "We offer a pension, flexible hours and time for learning.",
    "Salary < market rates? Not here.",
    "Our teams are small, and everybody decides about their own work.",
];

/// The whole of a description, which is a beginning of the real one.
const DESCRIPTION_LENGTH: usize = 500;

pub(super) fn country(code: &str) -> Option<Country> {
    COUNTRIES.into_iter().find(|(known, ..)| *known == code)
}

pub(super) fn is_category(tag: &str) -> bool {
    CATEGORIES.iter().any(|(known, _)| *known == tag)
}

/// How many postings there are, and those in the range; none beyond the last.
pub(super) fn search(country: Country, parameters: &Parameters, range: Range<usize>) -> (usize, Vec<Value>) {
    let hash = Sha256::digest(format!("{}\n{}", country.0, parameters.essence()));
    let seed = hash.iter().take(8).fold(0, |seed: u64, byte| (seed << 8) | u64::from(*byte));
    let count = StdRng::seed_from_u64(seed).gen_range(60..400);
    let search_id = random_hex(12);
    let results = range.take_while(|index| *index < count);
    (count, results.map(|index| posting(country, parameters, seed, index, &search_id)).collect())
}

fn posting(country: Country, parameters: &Parameters, seed: u64, index: usize, search_id: &str) -> Value {
    let (_, domain, country_name) = country;
    let mut random = StdRng::seed_from_u64(seed.wrapping_add(index as u64));
    let mut pick = |choices: &[&'static str]| *choices.choose(&mut random).unwrap_or(&"");
    let (level, role, place) = (pick(&LEVELS), pick(&ROLES), pick(&PLACES));
    let company = parameters.text("company").unwrap_or_else(|| pick(&COMPANIES)).to_owned();
    let words = parameters.text("title_only").or_else(|| parameters.text("what")).unwrap_or("General");
    let id = (5_000_000_000 + random.next_u64() % 1_000_000_000).to_string();
    let (tag, label) = match parameters.text("category") {
        Some(tag) => CATEGORIES.into_iter().find(|(known, _)| *known == tag).unwrap_or(CATEGORIES[0]),
        None => CATEGORIES[random.gen_range(0..CATEGORIES.len())],
    };
    // Labels are in the language of the country.
    let label = if country.0 == "de" && tag == "it-jobs" { "IT-Stellen" } else { label };
    let town = parameters.text("where").unwrap_or("Central");

    let mut posting = Map::new();
    let mut put = |name: &str, value: Value| drop(posting.insert(name.to_owned(), value));
    put("__CLASS__", json!("Adzuna::API::Response::Job"));
    put("id", json!(id));
    // One in four shows the words that were searched for.
    let highlighted = index % 4 == 3;
    let shown = if highlighted { format!("<strong>{words}</strong>") } else { words.to_owned() };
    let ampersand = if highlighted { "&amp;" } else { "&" };
    put("title", json!(format!("{level}{shown} {role} {ampersand} Friends")));
    put("description", json!(description(&shown, &mut random)));
    put("created", json!(created(parameters, index, &mut random)));
    put("redirect_url", json!(link(domain, &id, search_id, index)));
    put("adref", json!(format!("eyJhbGciOiJIUzI1NiJ9.{search_id}.{id}")));
    let mut employer = json!({ "__CLASS__": "Adzuna::API::Response::Company" });
    if index % 11 != 10 {
        employer["display_name"] = json!(company);
    }
    put("company", employer);
    put(
        "location",
        json!({
            "__CLASS__": "Adzuna::API::Response::Location",
            "display_name": format!("{place}, {town}"),
            "area": [country_name, town, place],
        }),
    );
    put("category", json!({ "__CLASS__": "Adzuna::API::Response::Category", "tag": tag, "label": label }));
    if random.gen_bool(0.3) {
        put("latitude", json!(51.52));
        put("longitude", json!(-0.105));
    }
    for (name, value) in pay(parameters, index, &mut random) {
        put(name, value);
    }
    for (name, choices) in [("contract_time", ["full_time", "part_time"]), ("contract_type", ["permanent", "contract"])]
    {
        let wanted = choices.into_iter().find(|choice| parameters.is_set(choice));
        if let Some(value) = wanted.or_else(|| random.gen_bool(0.5).then(|| choices[index % 2])) {
            put(name, json!(value));
        }
    }

    // The order of keys differs from one answer to the next.
    let mut members: Vec<(String, Value)> = posting.into_iter().collect();
    members.shuffle(&mut OsRng);
    Value::Object(members.into_iter().collect())
}

/// Exactly as long as all recorded ones, the ellipsis included.
fn description(shown: &str, random: &mut StdRng) -> String {
    let mut text = format!("{shown}: ");
    while text.chars().count() < DESCRIPTION_LENGTH {
        text.push_str(SENTENCES[random.gen_range(0..SENTENCES.len())]);
        text.push(' ');
    }
    text.chars().take(DESCRIPTION_LENGTH - 1).chain(['…']).collect()
}

/// By relevance the first may be months old; by date the newest come first.
fn created(parameters: &Parameters, index: usize, random: &mut StdRng) -> String {
    let oldest = parameters.number("max_days_old").unwrap_or(120).max(1);
    let days = match parameters.text("sort_by") {
        Some("date") => (index / 4).min(oldest - 1),
        _ => random.gen_range(0..oldest),
    };
    let minutes = i64::try_from(days * 24 * 60).unwrap_or_default() + 1;
    (Utc::now() - Duration::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// One of two forms, with parts that differ at every call.
fn link(domain: &str, id: &str, search_id: &str, index: usize) -> String {
    let jobs = if domain == "co.uk" { "jobs/" } else { "" };
    if index.is_multiple_of(3) {
        return format!("https://www.adzuna.{domain}/{jobs}details/{id}?utm_medium=api&utm_source={APP_ID}");
    }
    let check = random_hex(40).to_uppercase();
    format!(
        "https://www.adzuna.{domain}/{jobs}land/ad/{id}?se={search_id}&utm_medium=api&utm_source={APP_ID}&v={check}"
    )
}

/// Stated, estimated (one number, with decimals), or absent, when nobody asks for pay.
fn pay(parameters: &Parameters, index: usize, random: &mut StdRng) -> Vec<(&'static str, Value)> {
    let least = parameters.number("salary_min");
    let most = parameters.number("salary_max");
    let is_filtered = least.or(most).is_some() && !parameters.is_set("salary_include_unknown");
    let low = least.unwrap_or(20_000);
    let high = most.unwrap_or(low + 60_000).max(low);
    match index % 3 {
        0 => {
            let minimum = random.gen_range(low..=high);
            let maximum = random.gen_range(minimum..=high);
            vec![("salary_min", json!(minimum)), ("salary_max", json!(maximum)), ("salary_is_predicted", json!("0"))]
        }
        1 => {
            let estimate = json!(f64::from(u32::try_from(random.gen_range(low..=high)).unwrap_or_default()) + 0.52);
            vec![("salary_min", estimate.clone()), ("salary_max", estimate), ("salary_is_predicted", json!("1"))]
        }
        _ if is_filtered => {
            vec![("salary_min", json!(low)), ("salary_max", json!(high)), ("salary_is_predicted", json!("0"))]
        }
        _ => vec![("salary_is_predicted", json!("0"))],
    }
}

fn random_hex(length: usize) -> String {
    (0..length).map(|_| char::from(b"0123456789abcdef"[OsRng.gen_range(0..16)])).collect()
}
