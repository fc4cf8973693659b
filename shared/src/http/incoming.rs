//! A request as the functions see it: read whole, within limits, free of the runtime's types.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::problem::{FieldError, Problem};

/// The methods that the functions know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `POST`
    Post,
    /// `OPTIONS`: answered before anything else, for browsers.
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
}

/// 64 KiB: generous for what a client has to say.
const CLIENT_BODY_LIMIT: usize = 64 * 1024;
/// 4 MiB: Skyvern's extracted output is unbounded (Skyvern contract §8).
const WEBHOOK_BODY_LIMIT: usize = 4 * 1024 * 1024;

impl Endpoint {
    /// A function that clients invoke.
    #[must_use]
    pub const fn client(name: &'static str) -> Self {
        Self { name, body_limit: CLIENT_BODY_LIMIT }
    }

    /// A function that a vendor posts to.
    #[must_use]
    pub const fn webhook(name: &'static str) -> Self {
        Self { name, body_limit: WEBHOOK_BODY_LIMIT }
    }
}

/// Request headers, names in lower case. Values may hold any character a client sent.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of a header; `name` in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
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

    /// The fields of a JSON object, to be taken one by one so that every bad one is named.
    ///
    /// # Errors
    /// As [`Self::json`]; also when the body is JSON but no object.
    pub fn fields(&self) -> Result<Fields, Problem> {
        match self.json()? {
            Value::Object(fields) => Ok(Fields { fields, errors: Vec::new() }),
            _ => Err(Problem::invalid("body", "must be a JSON object")),
        }
    }

    fn require_json_type(&self) -> Result<(), Problem> {
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

/// The fields of an input object. Unknown ones are ignored.
#[derive(Debug)]
pub struct Fields {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// A field that must be there; a bad one is remembered and reported by [`Self::finish`].
    pub fn required<T: DeserializeOwned>(&mut self, field: &'static str, expected: &str) -> Option<T> {
        let message = match self.fields.remove(field) {
            None | Some(Value::Null) => format!("is required: {expected}"),
            Some(value) => match serde_json::from_value(value) {
                Ok(value) => return Some(value),
                Err(_) => format!("must be {expected}"),
            },
        };
        self.errors.push(FieldError { field, message });
        None
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

    use super::{Incoming, Method};
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
    fn every_bad_field_is_named() {
        let mut fields = incoming("application/json", r#"{"count":"many","other":1}"#).fields().unwrap();
        let id: Option<Uuid> = fields.required("id", "a UUID");
        let count: Option<u32> = fields.required("count", "a whole number");
        let problem = fields.finish(id.zip(count)).unwrap_err();
        assert_eq!(bad_fields(&problem), ["id", "count"]);
    }

    #[test]
    fn the_query_is_decoded() {
        let incoming = incoming("application/json", "{}");
        assert_eq!(incoming.query("b").as_deref(), Some("c d"));
        assert_eq!(incoming.query("c"), None);
    }
}
