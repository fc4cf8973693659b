//! What a person may ask for, checked against what Adzuna takes (docs/vendors/adzuna.md#search-request) before anything
//! is spent on it. A saved search has the same fields as a request.

use std::ops::RangeInclusive;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::{
    http::Fields,
    problem::Problem,
    vendors::adzuna::{Country, Query},
};

/// The longest text of a field, in characters.
const LONGEST_TEXT: usize = 200;
const DEFAULT_PAGE_SIZE: u32 = 20;
/// Always said, because what Adzuna takes without it has changed over the years.
const DEFAULT_DISTANCE: u32 = 10;
/// Adzuna names no end, but about a thousand results of a search can be reached
/// (docs/vendors/adzuna.md#reachable-results).
const REACHABLE_RESULTS: u32 = 1000;

/// Reads the query; its texts are in one spelling, and what makes no difference is left out.
///
/// # Errors
/// [`Problem::InvalidInput`] with every bad field.
pub fn read(mut fields: Fields) -> Result<Query, Problem> {
    let page_size = number(&mut fields, "page_size", 1..=50).unwrap_or(DEFAULT_PAGE_SIZE);
    let (location, is_remote) = text(&mut fields, "location").map_or((None, false), |location| place(&location));
    let keywords = text(&mut fields, "keywords");
    // A distance from nowhere in particular says nothing.
    let distance = number(&mut fields, "distance", 1..=500).filter(|_| location.is_some() || !is_remote);
    let salary_min = salary_min(&mut fields).filter(|salary| *salary > 0);
    let salary_max = number(&mut fields, "salary_max", 1..=100_000_000);
    let include_unknown = flag(&mut fields, "salary_include_unknown");
    let query = Query {
        country: country(&mut fields),
        page: number(&mut fields, "page", 1..=last_page(page_size)).unwrap_or(1),
        page_size,
        what: if is_remote { Some(with_remote(keywords)) } else { keywords },
        what_exclude: text(&mut fields, "excluded_words"),
        title_only: text(&mut fields, "title_only"),
        distance: distance.or(location.is_some().then_some(DEFAULT_DISTANCE)),
        location,
        max_days_old: number(&mut fields, "max_days_old", 1..=3650),
        category: category(&mut fields),
        company: text(&mut fields, "company"),
        salary_min,
        salary_max,
        // Without a filter by pay no posting is left out for lacking it.
        salary_include_unknown: include_unknown && salary_min.or(salary_max).is_some(),
        full_time: flag(&mut fields, "full_time"),
        part_time: flag(&mut fields, "part_time"),
        contract: flag(&mut fields, "contract"),
        permanent: flag(&mut fields, "permanent"),
        sort_by: fields.optional("sort_by", "one of default, hybrid, date, salary, relevance"),
        sort_dir: fields.optional("sort_dir", "one of up, down"),
    };
    if query.distance.is_some() && query.location.is_none() {
        fields.refuse("distance", "needs a location to be measured from");
    }
    if salary_min.zip(salary_max).is_some_and(|(minimum, maximum)| minimum > maximum) {
        fields.refuse("salary_max", "must not be below salary_min");
    }
    fields.finish(Some(query))
}

/// The last page that may be asked for.
#[must_use]
pub fn last_page(page_size: u32) -> u32 {
    REACHABLE_RESULTS.div_ceil(page_size)
}

/// A text in one spelling: Unicode's compatible composed form, one space between words. None if nothing is left.
fn text(fields: &mut Fields, field: &'static str) -> Option<String> {
    let expected = "a text of at most 200 characters, without control characters";
    let text: String = fields.optional(field, expected)?;
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        fields.refuse(field, format!("must be {expected}"));
        return None;
    }
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(&text);
    let words: Vec<&str> = composed.split_whitespace().collect();
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

/// What people write where a place belongs, for work that has none.
const REMOTE: [&str; 7] =
    ["remote", "remote only", "remote work", "fully remote", "100% remote", "work from home", "wfh"];

/// The place that a location names, if it names one, and whether it says that the work is remote: `Remote` is no place,
/// and `Remote, UK` is both. Adzuna looks for places of any name and has no parameter for remote work
/// (docs/vendors/adzuna.md#search-request).
fn place(location: &str) -> (Option<String>, bool) {
    let parts = location.split([',', ';', '/', '|', '(', ')']).flat_map(|part| part.split(" - ")).map(str::trim);
    let (remote, places): (Vec<&str>, Vec<&str>) = parts
        .filter(|part| !part.is_empty())
        .partition(|part| REMOTE.iter().any(|remote| part.eq_ignore_ascii_case(remote)));
    if remote.is_empty() {
        return (Some(location.to_owned()), false);
    }
    (Some(places.join(", ")).filter(|places| !places.is_empty()), true)
}

/// The keywords, with the word that only remote postings have.
fn with_remote(keywords: Option<String>) -> String {
    match keywords {
        Some(keywords) if keywords.split(' ').any(|word| word.eq_ignore_ascii_case("remote")) => keywords,
        Some(keywords) => format!("{keywords} remote"),
        None => "remote".to_owned(),
    }
}

/// The lowest pay, under either of its two names: searches that were saved long ago have the second one.
fn salary_min(fields: &mut Fields) -> Option<u32> {
    let [first, second] = ["salary_min", "min_salary"].map(|name| number(fields, name, 0..=100_000_000));
    if first.zip(second).is_some_and(|(first, second)| first != second) {
        fields.refuse("min_salary", "is another name of salary_min, so both must be the same if both are there");
    }
    first.or(second)
}

fn number(fields: &mut Fields, field: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    let number = fields.optional(field, &expected)?;
    if range.contains(&number) {
        return Some(number);
    }
    fields.refuse(field, format!("must be {expected}"));
    None
}

fn flag(fields: &mut Fields, field: &'static str) -> bool {
    fields.optional(field, "true or false").unwrap_or_default()
}

fn country(fields: &mut Fields) -> &'static Country {
    let expected = format!("one of {}", Country::codes());
    let Some(code) = fields.optional::<String>("country", &expected) else { return Country::home() };
    Country::find(&code.trim().to_ascii_lowercase()).unwrap_or_else(|| {
        fields.refuse("country", format!("must be {expected}"));
        Country::home()
    })
}

/// A tag of Adzuna's list of categories, which grows, so only its form is checked.
fn category(fields: &mut Fields) -> Option<String> {
    let tag = text(fields, "category")?.to_ascii_lowercase();
    if tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Some(tag);
    }
    fields.refuse("category", "must be the tag of a category, such as it-jobs");
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use url::Url;

    use crate::{
        http::{Fields, Incoming, Method},
        problem::Problem,
        vendors::adzuna::Query,
    };

    fn posted(body: &Value) -> Result<Query, Problem> {
        super::read(Fields::of(body.as_object().unwrap().clone()))
    }

    fn gotten(query: &str) -> Result<Query, Problem> {
        let incoming = Incoming {
            method: Method::Get,
            url: Url::parse(&format!("https://api.example.com/functions/v1/adzuna-job-search?{query}")).unwrap(),
            headers: [].into_iter().collect(),
            body: Vec::new(),
        };
        super::read(incoming.fields().unwrap())
    }

    fn bad_fields(result: Result<Query, Problem>) -> Vec<&'static str> {
        match result {
            Err(Problem::InvalidInput(errors)) => errors.iter().map(|error| error.field).collect(),
            other => panic!("expected invalid input, got {other:?}"),
        }
    }

    #[test]
    fn a_query_and_a_body_say_the_same() {
        let body = json!({
            "keywords": "Rust  engineer", "location": "London", "country": "GB", "page": 2, "page_size": 50,
            "salary_min": 50000, "salary_max": 90000, "salary_include_unknown": true, "full_time": true,
            "part_time": false, "contract": false, "permanent": true, "category": "it-jobs", "company": "Example Ltd",
            "excluded_words": "senior", "title_only": "engineer", "distance": 25, "max_days_old": 7,
            "sort_by": "date", "sort_dir": "down",
        });
        let query = "keywords=Rust++engineer&location=London&country=GB&page=2&page_size=50&salary_min=50000\
                     &salary_max=90000&salary_include_unknown=true&full_time=true&part_time=false&contract=false\
                     &permanent=true&category=it-jobs&company=Example+Ltd&excluded_words=senior&title_only=engineer\
                     &distance=25&max_days_old=7&sort_by=date&sort_dir=down";
        let (posted, gotten) = (posted(&body).unwrap(), gotten(query).unwrap());
        assert_eq!(format!("{posted:?}"), format!("{gotten:?}"));
        assert_eq!(
            posted.parameters().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"),
            "results_per_page=50&what=Rust engineer&what_exclude=senior&title_only=engineer&where=London&distance=25\
             &max_days_old=7&category=it-jobs&company=Example Ltd&salary_min=50000&salary_max=90000\
             &salary_include_unknown=1&full_time=1&permanent=1&sort_by=date&sort_dir=down"
        );
    }

    #[test]
    fn everything_has_a_default() {
        let query = posted(&json!({})).unwrap();
        assert_eq!((query.country.code, query.page, query.page_size), ("gb", 1, 20));
        assert_eq!(query.parameters(), [("results_per_page", "20".to_owned())]);
        let query = posted(&json!({ "keywords": " ", "location": "Leeds", "company": null, "salary_min": 0 })).unwrap();
        let expected = [("results_per_page", "20"), ("where", "Leeds"), ("distance", "10")];
        assert_eq!(query.parameters(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let body = json!({
            "keywords": 5, "location": ["London"], "country": "xx", "page": 0, "page_size": 51, "salary_min": -1,
            "salary_max": "much", "salary_include_unknown": 1, "full_time": "yes", "part_time": "1", "contract": [],
            "permanent": {}, "category": "IT Jobs!", "company": "\u{0}", "excluded_words": "a".repeat(201),
            "min_salary": "80k", "title_only": true, "distance": 0, "max_days_old": 1.5, "sort_by": "random", "sort_dir": "DOWN",
        });
        let mut named = bad_fields(posted(&body));
        let mut all: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        named.sort_unstable();
        all.sort_unstable();
        assert_eq!(named, all);
    }

    #[test]
    fn absurd_values_are_refused() {
        for (field, value) in [
            ("page", json!(51)),
            ("page", json!(4_294_967_296_u64)),
            ("page", json!(2.0)),
            ("page_size", json!(0)),
            ("salary_max", json!(0)),
            ("distance", json!(501)),
            ("max_days_old", json!(-3)),
            ("country", json!("gb/../us")),
            ("country", json!("")),
            ("category", json!("it-jobs/../x")),
            ("keywords", json!("rust\nengineer")),
        ] {
            assert_eq!(bad_fields(posted(&json!({ "location": "Leeds", field: value }))), [field], "{value}");
        }
    }

    #[test]
    fn fields_that_contradict_each_other_are_named() {
        assert_eq!(bad_fields(posted(&json!({ "distance": 5 }))), ["distance"]);
        assert_eq!(bad_fields(posted(&json!({ "salary_min": 2, "salary_max": 1 }))), ["salary_max"]);
        assert!(posted(&json!({ "salary_min": 2, "salary_max": 2, "keywords": "é".repeat(200) })).is_ok());
    }

    #[test]
    fn remote_is_no_place_and_the_lowest_pay_has_two_names() {
        let parameters = |body: Value| {
            let parameters = posted(&body).unwrap().parameters().into_iter().skip(1);
            parameters.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        let example = json!({ "keywords": "React Developer", "location": "Remote", "min_salary": 80000 });
        assert_eq!(parameters(example), "what=React Developer remote&salary_min=80000");
        for (location, expected) in [
            ("remote", "what=Rust remote"),
            ("  Fully  REMOTE ", "what=Rust remote"),
            ("Work from home", "what=Rust remote"),
            ("Remote (UK)", "what=Rust remote&where=UK&distance=10"),
            ("London, Remote", "what=Rust remote&where=London&distance=10"),
            ("Remote - Austin, TX", "what=Rust remote&where=Austin, TX&distance=10"),
            ("Remote/WFH", "what=Rust remote"),
            ("Remoteville", "what=Rust&where=Remoteville&distance=10"),
            ("Newcastle (upon Tyne), UK", "what=Rust&where=Newcastle (upon Tyne), UK&distance=10"),
        ] {
            assert_eq!(parameters(json!({ "keywords": "Rust", "location": location })), expected);
        }
        assert_eq!(parameters(json!({ "location": "Remote", "distance": 50 })), "what=remote");
        assert_eq!(parameters(json!({ "keywords": "Remote nurse", "location": "Remote" })), "what=Remote nurse");
        assert_eq!(parameters(json!({ "min_salary": 5, "salary_min": 5 })), "salary_min=5");
        assert_eq!(bad_fields(posted(&json!({ "min_salary": 5, "salary_min": 6 }))), ["min_salary"]);
        assert_eq!(bad_fields(posted(&json!({ "min_salary": -1 }))), ["min_salary"]);
        assert_eq!(bad_fields(posted(&json!({ "min_salary": 2, "salary_max": 1 }))), ["salary_max"]);
    }

    #[test]
    fn the_last_page_depends_on_its_size() {
        assert!(posted(&json!({ "page": 20, "page_size": 50 })).is_ok());
        assert_eq!(bad_fields(posted(&json!({ "page": 21, "page_size": 50 }))), ["page"]);
        assert!(posted(&json!({ "page": 1000, "page_size": 1 })).is_ok());
    }
}
