//! The postings: made up from the query and a number, with the gaps and oddities of recorded ones.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::parameters::Parameters;

const LEVELS: [&str; 4] = ["Junior ", "", "Senior ", "Lead "];
const EMPLOYERS: [&str; 6] =
    ["Northwind Traders", "Contoso", "Fabrikam & Sons", "Tailspin Toys", "Wingtip", "Adventure Works"];
const BOARDS: [&str; 4] = ["LinkedIn", "ZipRecruiter", "Indeed", "BeeBe"];
const PLACES: [(&str, &str); 4] =
    [("Chicago", "Illinois"), ("Austin", "TX"), ("New York", "New York"), ("Portland", "Oregon")];
const SENTENCES: [&str; 5] = [
    "We are looking for somebody who likes to work with others and to finish what they begin.",
    "You bring some years of experience & a sense for what matters.",
    "We offer a pension, flexible hours and time for learning.",
    "• Plan, build and run it\n• Explain it to those who use it",
    "Our teams are small – everybody decides about their own work.",
];

/// Seconds since 1970 on the day when the first posting appeared.
const FIRST_DAY: u64 = 1_790_000_000;

/// The posting with this number, as it reads in this edition.
pub(super) fn posting(parameters: &Parameters, number: usize, edition: u32) -> Value {
    let hash = Sha256::digest(format!("{}\n{number}", parameters.essence()));
    let mut seed = [0; 32];
    seed.copy_from_slice(&hash);
    let mut random = StdRng::from_seed(seed);
    let mut pick = |choices: &[&'static str]| *choices.choose(&mut random).unwrap_or(&"");
    let (level, employer, board) = (pick(&LEVELS), pick(&EMPLOYERS), pick(&BOARDS));
    let (city, state) = PLACES[number % PLACES.len()];
    let words = parameters.text("query").unwrap_or_default();
    let country = parameters.text("country").unwrap_or("us").to_uppercase();
    let is_remote = number % 5 == 4;
    let posted = FIRST_DAY + u64::from(random.gen_range(0..3_000_000_u32));

    let mut posting = json!({
        "job_id": id(&hash, number),
        "job_title": format!("{level}{words} No. {number}"),
        "employer_name": if number % 11 == 10 { json!(null) } else { json!(employer) },
        "employer_logo": if number.is_multiple_of(3) { json!(format!("https://logos.example/{}.png", number % 6)) } else { json!(null) },
        "employer_website": null,
        "job_publisher": board,
        "job_employment_type": if number % 4 == 3 { "Part–time" } else { "Full-time" },
        "job_employment_types": if number % 4 == 3 { json!(["PARTTIME"]) } else { json!(["FULLTIME"]) },
        "job_apply_link": format!("https://jobs.example/apply/{number}?utm_campaign=google_jobs_apply&utm_source=google"),
        "job_apply_is_direct": false,
        "job_description": description(words, number, edition, &mut random),
        "job_is_remote": if number.is_multiple_of(2) { json!(is_remote) } else { json!(null) },
        "job_posted_at": "16 hours ago",
        "job_posted_at_timestamp": if number % 7 == 6 { json!(null) } else { json!(posted) },
        "job_posted_at_datetime_utc": null,
        "job_location": if is_remote { "Anywhere".to_owned() } else { format!("{city}, {state} • via {board}") },
        "job_city": if is_remote { json!(null) } else { json!(city) },
        "job_state": if is_remote { json!(null) } else { json!(state) },
        "job_country": if is_remote { json!(null) } else { json!(country) },
        "job_latitude": 41.88, "job_longitude": -87.63,
        "job_benefits": null, "job_benefits_strings": null,
        "job_google_link": format!("https://www.google.com/search?q=jobs&gl=us&hl=en&udm=8#{number}"),
        "job_salary": null, "job_salary_string": null, "job_min_salary": null, "job_max_salary": null,
        "job_salary_period": null,
        "job_highlights": {},
        "job_onet_soc": "15113400", "job_onet_job_zone": "4",
    });
    pay(&mut posting, number);
    // Some records lack keys altogether.
    if number.is_multiple_of(2) {
        posting["apply_options"] =
            json!([{ "publisher": board, "apply_link": "https://jobs.example", "is_direct": false }]);
        posting["work_arrangement"] = if is_remote { json!("remote") } else { json!(null) };
    }
    posting
}

/// Sixteen bytes in base64, the last of them zero; of every third posting the base64 of that.
fn id(hash: &[u8], number: usize) -> String {
    let mut bytes = [0; 16];
    bytes[..11].copy_from_slice(&hash[..11]);
    let plain = URL_SAFE.encode(bytes);
    if number % 3 == 2 { STANDARD.encode(plain) } else { plain }
}

/// Of a few thousand characters, like most.
fn description(words: &str, number: usize, edition: u32, random: &mut StdRng) -> String {
    let mut text = format!("About {words}, No. {number}, edition {edition}\n\n");
    while text.len() < 2_000 {
        text.push_str(SENTENCES[random.gen_range(0..SENTENCES.len())]);
        text.push('\n');
    }
    text
}

/// A range a year, a lone figure an hour, or nothing.
fn pay(posting: &mut Value, number: usize) {
    match number % 3 {
        0 => {
            posting["job_min_salary"] = json!(85_300);
            posting["job_max_salary"] = json!(171_000);
            posting["job_salary_period"] = json!("YEAR");
            posting["job_salary_string"] = json!("85.3K–171K a year");
        }
        1 => {
            posting["job_salary"] = json!(40);
            posting["job_salary_period"] = json!("HOUR");
        }
        _ => {}
    }
}
