//! Which searches are the same: the key under which a page is cached.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::vendors::adzuna::Query;

/// A change of what is kept with a page gets a new number, so that pages of the old form are not found.
const FORM: u8 = 1;

/// Parameters that are sets of words: their order makes no difference.
const WORDS: [&str; 3] = ["what", "what_exclude", "title_only"];

/// SHA-256 in hexadecimal digits over everything that decides the results. Case and order make no difference; the
/// spelling is one already when the query is read.
pub(super) fn key(query: &Query) -> String {
    let parameters = query.parameters().into_iter().map(|(name, value)| {
        let value = value.to_lowercase();
        if !WORDS.contains(&name) {
            return json!([name, value]);
        }
        let mut words: Vec<&str> = value.split(' ').collect();
        words.sort_unstable();
        words.dedup();
        json!([name, words])
    });
    let whole = json!([FORM, query.country.code, query.page, parameters.collect::<Vec<_>>()]).to_string();
    let hash = Sha256::digest(whole.as_bytes());
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The query in words, kept with the page for whoever looks into the table.
pub(super) fn described(query: &Query) -> Value {
    let parameters = query.parameters().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value)));
    let mut described: Map<String, Value> = parameters.collect();
    described.insert("country".to_owned(), json!(query.country.code));
    described.insert("page".to_owned(), json!(query.page));
    Value::Object(described)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::key;
    use crate::{http::Fields, job_search::read};

    fn key_of(body: &str) -> String {
        key(&read(Fields::of(serde_json::from_str(body).unwrap())).unwrap())
    }

    #[test]
    fn spelling_case_and_order_make_no_difference() {
        let expected = key_of(r#"{"keywords":"Café Rust","location":"São Paulo","country":"br"}"#);
        assert_eq!(expected.len(), 64);
        for same in [
            r#"{"country":"BR","location":"são  paulo","keywords":"  rust CAFÉ "}"#,
            "{\"keywords\":\"cafe\u{301} rust\",\"location\":\"SA\u{303}O PAULO\",\"country\":\" br \"}",
            r#"{"keywords":"ｒｕｓｔ café rust","location":"São Paulo","country":"br"}"#,
            r#"{"keywords":"café rust","location":"são paulo","country":"br","page":1,"page_size":20,"distance":10,
                "company":"","full_time":false,"salary_include_unknown":true,"salary_min":0,"unknown":1}"#,
        ] {
            assert_eq!(key_of(same), expected, "{same}");
        }
    }

    #[test]
    fn everything_that_decides_the_results_makes_a_difference() {
        let base = json!({ "keywords": "rust", "location": "Leeds", "salary_min": 1 });
        let mut keys = vec![key_of(&base.to_string())];
        for (field, value) in [
            ("keywords", json!("rust engineer")),
            ("location", json!("Leeds Castle")),
            ("country", json!("us")),
            ("page", json!(2)),
            ("page_size", json!(50)),
            ("salary_min", json!(2)),
            ("salary_max", json!(2)),
            ("salary_include_unknown", json!(true)),
            ("full_time", json!(true)),
            ("part_time", json!(true)),
            ("contract", json!(true)),
            ("permanent", json!(true)),
            ("category", json!("it-jobs")),
            ("company", json!("rust")),
            ("excluded_words", json!("rust")),
            ("title_only", json!("rust")),
            ("distance", json!(20)),
            ("max_days_old", json!(1)),
            ("sort_by", json!("date")),
            ("sort_dir", json!("up")),
        ] {
            let mut other = base.clone();
            other[field] = value;
            keys.push(key_of(&other.to_string()));
        }
        // A text that looks like two parameters is one.
        keys.push(key_of(r#"{"keywords":"rust\",\"what_exclude","location":"Leeds","salary_min":1}"#));
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
