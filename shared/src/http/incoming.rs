//! A request as the functions see it: read whole, within limits, free of the runtime's types.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    headers::Headers,
    problem::{FieldError, Problem},
};

/// The methods that the functions know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`: the input is in the query.
    Get,
    /// `POST`: the input is in the body.
    Post,
    /// `OPTIONS`: a browser's preflight, handled before anything else.
    Options,
    /// Any other.
    Other,
}

/// What a function accepts, checked before its own code runs.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// The function's name as in its URL.
    pub name: &'static str,
    /// The longest body in bytes.
    pub body_limit: usize,
    /// Whether the same input may come as a query.
    pub takes_query: bool,
    /// How many requests an isolate has in flight at most.
    pub most_in_flight: usize,
    /// Whether the work goes on from its beginning when the caller hangs up.
    pub runs_to_completion: bool,
}

/// 64 KiB: generous for what a client has to say.
const CLIENT_BODY_LIMIT: usize = 64 * 1024;
/// 4 MiB: Skyvern's extracted output is unbounded (docs/vendors/skyvern.md#webhook-payload).
const WEBHOOK_BODY_LIMIT: usize = 4 * 1024 * 1024;

/// Enough to keep an isolate busy, and little enough for its memory (docs/operations.md#overload).
const CLIENTS_IN_FLIGHT: usize = 128;
/// Skyvern comes back three times, within seconds, and then never; Svix and the job-runner after minutes.
const WEBHOOKS_IN_FLIGHT: usize = 2 * CLIENTS_IN_FLIGHT;

impl Endpoint {
    /// A function that clients invoke by `POST`.
    #[must_use]
    pub const fn client(name: &'static str) -> Self {
        Self {
            name,
            body_limit: CLIENT_BODY_LIMIT,
            takes_query: false,
            most_in_flight: CLIENTS_IN_FLIGHT,
            runs_to_completion: false,
        }
    }

    /// A function that clients invoke by `POST`, or by `GET` with the same names in the query.
    #[must_use]
    pub const fn client_or_query(name: &'static str) -> Self {
        Self { takes_query: true, ..Self::client(name) }
    }

    /// A function that a vendor posts to, or another function with many things to say at once. What it was told is done
    /// whether or not they wait for it.
    #[must_use]
    pub const fn webhook(name: &'static str) -> Self {
        Self {
            name,
            body_limit: WEBHOOK_BODY_LIMIT,
            takes_query: false,
            most_in_flight: WEBHOOKS_IN_FLIGHT,
            runs_to_completion: true,
        }
    }

    /// The value of `Allow`.
    #[must_use]
    pub(crate) const fn allow(self) -> &'static str {
        if self.takes_query { "GET, POST, OPTIONS" } else { "POST, OPTIONS" }
    }
}

/// A request whose body has been read and is within the limit.
#[derive(Debug)]
pub struct Incoming {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The headers.
    pub headers: Headers,
    /// The body exactly as received: signatures are over these bytes.
    pub body: Vec<u8>,
}

impl Incoming {
    /// A value of the query string, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body's JSON, declared as such. A `+json` type and parameters like a charset are fine.
    ///
    /// # Errors
    /// [`Problem::UnsupportedMediaType`] and [`Problem::InvalidInput`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.require_json_type()?;
        serde_json::from_slice(&self.body).map_err(|error| Problem::invalid("body", describe(&error)))
    }

    /// The fields of the input, to be taken one by one so that every bad one is named: those of the
    /// JSON object in the body, or those of the query if the method is `GET`.
    ///
    /// # Errors
    /// As [`Self::json`]; also when the body is JSON but no object.
    pub fn fields(&self) -> Result<Fields, Problem> {
        if self.method == Method::Get {
            let pairs = self.url.query_pairs();
            let values = pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
            return Ok(Fields { values, are_texts: true, errors: Vec::new() });
        }
        match self.json()? {
            Value::Object(values) => Ok(Fields::of(values)),
            _ => Err(Problem::invalid("body", "must be a JSON object")),
        }
    }

    /// That the body is declared as JSON, for a function that reads it by itself.
    ///
    /// # Errors
    /// [`Problem::UnsupportedMediaType`].
    pub fn require_json_type(&self) -> Result<(), Problem> {
        let declared = self.headers.get("content-type").unwrap_or_default();
        let media_type = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json = media_type == "application/json"
            || (media_type.starts_with("application/") && media_type.ends_with("+json"));
        if is_json { Ok(()) } else { Err(Problem::UnsupportedMediaType) }
    }
}

/// Says where the JSON broke, without repeating what was sent.
fn describe(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => format!("has an unexpected shape (line {line}, column {column})"),
        _ => format!("is not valid JSON (line {line}, column {column})"),
    }
}

/// The fields of an input. Unknown ones are ignored.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
    /// From a query: a number or a truth value is spelled out.
    are_texts: bool,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Those of a JSON object.
    #[must_use]
    pub fn of(values: Map<String, Value>) -> Self {
        Self { values, are_texts: false, errors: Vec::new() }
    }

    /// A field that must be there; a bad one is remembered and reported by [`Self::finish`].
    pub fn required<T: DeserializeOwned>(&mut self, field: &'static str, expected: &str) -> Option<T> {
        let before = self.errors.len();
        let value = self.optional(field, expected);
        if value.is_none() && self.errors.len() == before {
            self.refuse(field, format!("is required: {expected}"));
        }
        value
    }

    /// A field that may be absent or null; a bad one is remembered and reported by [`Self::finish`].
    pub fn optional<T: DeserializeOwned>(&mut self, field: &'static str, expected: &str) -> Option<T> {
        let value = self.values.remove(field).filter(|value| !value.is_null())?;
        let spelled_out = if self.are_texts {
            value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(|value| !value.is_string())
        } else {
            None
        };
        let read = serde_json::from_value(value).ok();
        let read = read.or_else(|| spelled_out.and_then(|value| serde_json::from_value(value).ok()));
        if read.is_none() {
            self.refuse(field, format!("must be {expected}"));
        }
        read
    }

    /// Remembers that a field is bad, for what its type alone does not show.
    pub fn refuse(&mut self, field: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError { field, message: message.into() });
    }

    /// The input, unless a field was bad.
    ///
    /// # Errors
    /// [`Problem::InvalidInput`] with every bad field.
    pub fn finish<T>(self, input: Option<T>) -> Result<T, Problem> {
        input.filter(|_| self.errors.is_empty()).ok_or(Problem::InvalidInput(self.errors))
    }
}

#[cfg(test)]
mod tests {
    use url::Url;
    use uuid::Uuid;

    use super::{Endpoint, Incoming, Method};
    use crate::problem::Problem;

    fn incoming(content_type: &str, body: &str) -> Incoming {
        Incoming {
            method: Method::Post,
            url: Url::parse("https://api.example.com/functions/v1/x?a=1&b=c%20d").unwrap(),
            headers: [("Content-Type".to_owned(), content_type.to_owned())].into_iter().collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn bad_fields(problem: &Problem) -> Vec<&'static str> {
        match problem {
            Problem::InvalidInput(errors) => errors.iter().map(|error| error.field).collect(),
            other => panic!("expected invalid input, got {other:?}"),
        }
    }

    #[test]
    fn json_is_read_only_when_declared_as_json() {
        for declared in ["application/json", "Application/JSON; charset=utf-8", "application/ld+json"] {
            assert!(incoming(declared, "{}").fields().is_ok(), "{declared}");
        }
        for declared in ["", "text/plain", "application/x-www-form-urlencoded", "json"] {
            let problem = incoming(declared, "{}").fields().unwrap_err();
            assert!(matches!(problem, Problem::UnsupportedMediaType), "{declared}: {problem:?}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for body in ["", "{", "[]", "null", "\"text\"", "{\"a\":1}}"] {
            let problem = incoming("application/json", body).fields().unwrap_err();
            assert_eq!(bad_fields(&problem), ["body"], "{body}");
        }
    }

    #[test]
    fn it_is_said_where_json_broke_and_nothing_of_what_was_sent() {
        let said = |body: &str| match incoming("application/json", body).json::<Vec<u32>>().unwrap_err() {
            Problem::InvalidInput(errors) => errors[0].message.clone(),
            other => panic!("expected invalid input, got {other:?}"),
        };
        assert_eq!(said("[1,\n  hunter2]"), "is not valid JSON (line 2, column 3)");
        assert_eq!(said("[1,\n \"hunter2\"]"), "has an unexpected shape (line 2, column 10)");
    }

    #[test]
    fn every_bad_field_is_named() {
        let mut fields = incoming("application/json", r#"{"count":"many","other":1}"#).fields().unwrap();
        let id: Option<Uuid> = fields.required("id", "a UUID");
        let count: Option<u32> = fields.required("count", "a whole number");
        let problem = fields.finish(id.zip(count)).unwrap_err();
        assert_eq!(bad_fields(&problem), ["id", "count"]);
    }

    #[test]
    fn a_query_says_the_same_as_a_body() {
        let mut incoming = incoming("", "");
        incoming.method = Method::Get;
        incoming.url = Url::parse("https://api.example.com/x?page=2&remote=true&keywords=42&bad=two").unwrap();
        let mut fields = incoming.fields().unwrap();
        assert_eq!(fields.optional::<u32>("page", "a whole number"), Some(2));
        assert_eq!(fields.optional::<bool>("remote", "true or false"), Some(true));
        assert_eq!(fields.optional::<String>("keywords", "a text").as_deref(), Some("42"));
        assert_eq!(fields.optional::<u32>("absent", "a whole number"), None);
        let bad = fields.optional::<u32>("bad", "a whole number");
        assert_eq!(bad_fields(&fields.finish(Some(bad)).unwrap_err()), ["bad"]);
    }

    #[test]
    fn a_number_in_a_body_is_not_spelled_out() {
        let mut fields = incoming("application/json", r#"{"page":"2"}"#).fields().unwrap();
        assert_eq!(fields.optional::<u32>("page", "a whole number"), None);
    }

    #[test]
    fn vendors_have_more_room_than_clients_and_are_not_waited_for() {
        let (client, webhook) = (Endpoint::client("a"), Endpoint::webhook("b"));
        assert!(webhook.most_in_flight > client.most_in_flight);
        assert!(webhook.runs_to_completion && !client.runs_to_completion);
    }

    #[test]
    fn the_query_is_decoded() {
        let incoming = incoming("application/json", "{}");
        assert_eq!(incoming.query("b").as_deref(), Some("c d"));
        assert_eq!(incoming.query("c"), None);
    }
}
