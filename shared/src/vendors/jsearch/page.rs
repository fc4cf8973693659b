//! A page of results, in either of the two shapes that responses have (docs/vendors/jsearch.md#search-response).

use serde::Deserialize;
use serde_json::Value;

use super::Posting;

/// One page of results.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// The postings that could be read, in JSearch's order. A posting may occur twice.
    pub postings: Vec<Posting>,
    /// How many could not be read.
    pub unreadable: usize,
    /// Where the next page is; `None` after the last one.
    pub next: Option<Next>,
    /// Whether this was the last request of our quota.
    pub quota_is_spent: bool,
}

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Next {
    /// The `cursor` from the page before it, for `/search-v2`.
    Cursor(String),
    /// The `page`, for `/search`.
    Number(u32),
}

#[derive(Deserialize)]
struct Body {
    status: String,
    data: Data,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Second { jobs: Vec<Value>, cursor: Option<String> },
    First(Vec<Value>),
}

impl Page {
    /// Reads the body of a success; `None` if it is something else, which is not the same as no results.
    #[must_use]
    pub fn parse(bytes: &[u8], position: Option<&Next>) -> Option<Self> {
        let body: Body = serde_json::from_slice(bytes).ok()?;
        if !body.status.eq_ignore_ascii_case("ok") {
            return None;
        }
        let (jobs, next) = match body.data {
            Data::Second { jobs, cursor } => (jobs, cursor.filter(|cursor| !cursor.is_empty()).map(Next::Cursor)),
            Data::First(jobs) => {
                let number = match position {
                    Some(Next::Number(number)) => *number,
                    _ => 1,
                };
                let next = (!jobs.is_empty()).then(|| Next::Number(number.saturating_add(1)));
                (jobs, next)
            }
        };
        let postings: Vec<Posting> = jobs.iter().filter_map(Posting::read).collect();
        Some(Self { unreadable: jobs.len() - postings.len(), postings, next, quota_is_spent: false })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Next, Page};

    fn job(id: &str) -> Value {
        json!({ "job_id": id, "job_title": "Nurse" })
    }

    fn parsed(body: &Value, position: Option<&Next>) -> Option<(usize, usize, Option<Next>)> {
        let page = Page::parse(body.to_string().as_bytes(), position)?;
        Some((page.postings.len(), page.unreadable, page.next))
    }

    #[test]
    fn both_shapes_are_read_and_say_where_it_goes_on() {
        let second =
            |cursor: Value| json!({ "status": "OK", "data": { "jobs": [job("a"), job("b")], "cursor": cursor } });
        assert_eq!(parsed(&second(json!("x")), None), Some((2, 0, Some(Next::Cursor("x".to_owned())))));
        assert_eq!(parsed(&second(json!(null)), None), Some((2, 0, None)));
        assert_eq!(parsed(&second(json!("")), None), Some((2, 0, None)));
        let without_cursor = json!({ "status": "ok", "data": { "jobs": [job("a")] } });
        assert_eq!(parsed(&without_cursor, None), Some((1, 0, None)));

        let first = json!({ "status": "OK", "data": [job("a")] });
        assert_eq!(parsed(&first, None), Some((1, 0, Some(Next::Number(2)))));
        assert_eq!(parsed(&first, Some(&Next::Number(2))), Some((1, 0, Some(Next::Number(3)))));
        assert_eq!(parsed(&json!({ "status": "OK", "data": [] }), Some(&Next::Number(9))), Some((0, 0, None)));
    }

    #[test]
    fn one_bad_posting_is_counted_and_does_not_spoil_the_page() {
        let body = json!({ "status": "OK", "data": { "jobs": [null, 7, {}, job(""), job("a")], "cursor": null } });
        assert_eq!(parsed(&body, None), Some((1, 4, None)));
    }

    #[test]
    fn any_other_shape_is_no_empty_result() {
        for body in [
            json!({ "status": "OK" }),
            json!({ "status": "OK", "data": null }),
            json!({ "status": "OK", "data": {} }),
            json!({ "status": "OK", "data": { "jobs": null } }),
            json!({ "status": "OK", "data": { "jobs": {} } }),
            json!({ "status": "OK", "data": "none" }),
            json!({ "status": "ERROR", "data": [] }),
            json!({ "data": [] }),
            json!([]),
        ] {
            assert_eq!(parsed(&body, None), None, "{body}");
        }
        assert_eq!(Page::parse(b"<html></html>", None), None);
    }
}
