//! `JSEARCH_QUERIES`: what the catalogue is made of.

use std::collections::HashSet;

use serde_json::{Map, Value};
use shared::vendors::jsearch::Query;

/// More than a run can ask for within the quarter of an hour that a scheduled Worker has.
const MOST_QUERIES: usize = 100;
const MOST_PAGES: u32 = 100;

/// A search that is repeated in every run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedQuery {
    /// What a caller asks for it by.
    pub(crate) name: String,
    /// How many pages of up to ten postings are fetched at most.
    pub(crate) pages: u32,
    /// What is asked.
    pub(crate) query: Query,
}

/// Reads a JSON array of `{name, query, country, pages, …}`, or says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<NamedQuery>, &'static str> {
    let listed: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|_| "is not a JSON array of objects")?;
    let queries = listed.into_iter().map(named_query).collect::<Option<Vec<_>>>();
    let queries = queries.ok_or("has a query that is not one of {name, query, country, pages, …}")?;
    let mut names = HashSet::new();
    if !queries.iter().all(|query| names.insert(query.name.as_str())) {
        return Err("has two queries of the same name");
    }
    if queries.is_empty() || queries.len() > MOST_QUERIES {
        return Err("has no query, or more than 100");
    }
    Ok(queries)
}

fn named_query(mut fields: Map<String, Value>) -> Option<NamedQuery> {
    let name = fields.remove("name")?.as_str().filter(|name| is_name(name))?.to_owned();
    let pages = fields.remove("pages").map_or(Some(1), |pages| u32::try_from(pages.as_u64()?).ok())?;
    let query: Query = serde_json::from_value(Value::Object(fields)).ok()?;
    ((1..=MOST_PAGES).contains(&pages) && query.is_valid()).then_some(NamedQuery { name, pages, query })
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=50).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parse;

    fn is_accepted(query: &Value) -> bool {
        parse(&json!([query]).to_string()).is_ok()
    }

    #[test]
    fn a_query_has_a_name_and_one_page_unless_it_says_otherwise() {
        let queries = json!([
            { "name": "nurses", "query": "nurse in Leeds", "country": "gb" },
            { "name": "developers-2", "query": "developer", "country": "us", "pages": 100, "date_posted": "week" },
        ]);
        let queries = parse(&queries.to_string()).unwrap();
        assert_eq!((queries[0].name.as_str(), queries[0].pages), ("nurses", 1));
        assert_eq!((queries[1].name.as_str(), queries[1].pages), ("developers-2", 100));
    }

    #[test]
    fn a_name_has_fifty_letters_and_a_run_a_hundred_queries_at_most() {
        let named = |name: String| json!({ "name": name, "query": "nurse", "country": "gb" });
        for (length, expected) in [(0, false), (1, true), (50, true), (51, false)] {
            assert_eq!(is_accepted(&named("a".repeat(length))), expected, "{length}");
        }
        for (count, expected) in [(1, true), (100, true), (101, false)] {
            let queries: Vec<Value> = (0..count).map(|number| named(format!("a-{number}"))).collect();
            assert_eq!(parse(&json!(queries).to_string()).is_ok(), expected, "{count}");
        }
    }

    #[test]
    fn what_is_misspelled_is_refused() {
        assert!(is_accepted(&json!({ "name": "a", "query": "nurse", "country": "gb", "pages": 2 })));
        for query in [
            json!({ "query": "nurse", "country": "gb" }),
            json!({ "name": "All nurses", "query": "nurse", "country": "gb" }),
            json!({ "name": "a", "query": "nurse", "country": "uk2" }),
            json!({ "name": "a", "query": "nurse", "country": "gb", "pages": 0 }),
            json!({ "name": "a", "query": "nurse", "country": "gb", "pages": 101 }),
            json!({ "name": "a", "query": "nurse", "country": "gb", "pages": "2" }),
            json!({ "name": "a", "query": "nurse", "country": "gb", "page": 2 }),
            json!("nurse"),
        ] {
            assert!(!is_accepted(&query), "{query}");
        }
        let twice = json!({ "name": "a", "query": "nurse", "country": "gb" });
        for text in ["", "nurse", "{}", "[]", &json!([twice, twice]).to_string()] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
