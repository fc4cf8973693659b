//! What is to be sent.

use std::collections::HashSet;

use serde_json::{Map, Value};
use shared::{
    http::Incoming,
    ids::{BackgroundJobId, UserId},
    problem::{FieldError, Problem},
    supabase::rpc::queue::FencingToken,
    vendors::expo::{Content, MAXIMUM_PAYLOAD},
};

/// The most messages of one call.
const MOST_MESSAGES: usize = 1000;

/// As many bad fields are named; a caller who has the form wrong has it wrong a thousand times.
const MOST_ERRORS: usize = 100;

/// One request of the caller's.
#[derive(Debug, PartialEq)]
pub(crate) enum PushRequest {
    /// Send this to all devices of this person.
    Send { user_id: UserId, content: Box<Content> },
    /// Send what waits in the queue as this job, or what a runner has leased under this number and hands over.
    BackgroundJob { id: BackgroundJobId, fencing_token: Option<FencingToken> },
}

/// Reads one message or an array of them. If one is bad, none is sent.
pub(crate) fn read(incoming: &Incoming) -> Result<Vec<PushRequest>, Problem> {
    match incoming.json()? {
        Value::Array(messages) => read_all(&messages, |place, text| format!("in message {place} (from 0): {text}")),
        message @ Value::Object(_) => read_all(&[message], |_, text| text),
        _ => Err(Problem::invalid("body", "must be a message or an array of messages")),
    }
}

fn read_all(messages: &[Value], describe: impl Fn(usize, String) -> String) -> Result<Vec<PushRequest>, Problem> {
    if messages.is_empty() || messages.len() > MOST_MESSAGES {
        return Err(Problem::invalid("body", format!("must hold 1 to {MOST_MESSAGES} messages")));
    }
    let mut errors = Vec::new();
    let mut jobs = HashSet::new();
    let mut requests = Vec::with_capacity(messages.len());
    for (place, message) in messages.iter().enumerate() {
        let mut fields = Fields { message, errors: Vec::new() };
        requests.extend(fields.request());
        if let Some(PushRequest::BackgroundJob { id, .. }) = requests.last()
            && fields.errors.is_empty()
            && !jobs.insert(*id)
        {
            fields.refuse("job_id", "is there twice");
        }
        errors.extend(
            fields
                .errors
                .into_iter()
                .map(|error| FieldError { field: error.field, message: describe(place, error.message) }),
        );
    }
    if errors.is_empty() {
        return Ok(requests);
    }
    errors.truncate(MOST_ERRORS);
    Err(Problem::InvalidInput(errors))
}

/// The content that a person gets, from the fields of a message or of a job's payload.
pub(crate) fn content(message: &Value, user_id: UserId) -> Option<Content> {
    let mut fields = Fields { message, errors: Vec::new() };
    fields.content(&user_id.to_string())
}

struct Fields<'a> {
    message: &'a Value,
    errors: Vec<FieldError>,
}

impl Fields<'_> {
    fn request(&mut self) -> Option<PushRequest> {
        if !self.message.is_object() {
            self.refuse("body", "must be a JSON object");
            return None;
        }
        if !self.message["job_id"].is_null() {
            let fencing_token = match &self.message["lease_number"] {
                Value::Null => None,
                number => number.as_i64().map(FencingToken::from).or_else(|| {
                    self.refuse("lease_number", "must be a whole number");
                    None
                }),
            };
            return self.id("job_id").map(|id| PushRequest::BackgroundJob { id, fencing_token });
        }
        let user_id: Option<UserId> = self.id("user_id");
        // The other fields are looked at even without one, so that every bad field is named.
        let content = self.content(&user_id.map(|id| id.to_string()).unwrap_or_default())?;
        let size = content.size();
        if size > MAXIMUM_PAYLOAD {
            self.refuse("message", format!("is too long: with title and data {size} bytes of {MAXIMUM_PAYLOAD}"));
            return None;
        }
        user_id.map(|user_id| PushRequest::Send { user_id, content: Box::new(content) })
    }

    fn content(&mut self, user_id: &str) -> Option<Content> {
        let (title, message, data) = (self.text("title"), self.text("message"), self.data());
        Some(Content::new(user_id, title?, message?, data?))
    }

    fn id<T: std::str::FromStr>(&mut self, field: &'static str) -> Option<T> {
        let id = self.message[field].as_str().and_then(|id| id.parse().ok());
        if id.is_none() {
            self.refuse(field, "must be a UUID");
        }
        id
    }

    fn text(&mut self, field: &'static str) -> Option<String> {
        let text = self.message[field].as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.refuse(field, "must be a text that is not empty");
        }
        text.map(str::to_owned)
    }

    fn data(&mut self) -> Option<Map<String, Value>> {
        match &self.message["data"] {
            Value::Null => Some(Map::new()),
            Value::Object(data) => Some(data.clone()),
            _ => {
                self.refuse("data", "must be a JSON object");
                None
            }
        }
    }

    fn refuse(&mut self, field: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError { field, message: message.into() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        http::{Incoming, Method},
        problem::Problem,
    };

    use super::{PushRequest, read};

    const USER: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

    fn sent(body: &Value) -> Result<Vec<PushRequest>, Problem> {
        read(&Incoming {
            method: Method::Post,
            url: "https://service-binding/functions/v1/trigger-push-notification".parse().unwrap(),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect(),
            body: body.to_string().into_bytes(),
        })
    }

    fn message() -> Value {
        json!({ "user_id": USER, "title": "Hello", "message": "There", "data": { "a": 1 } })
    }

    fn bad_fields(body: &Value) -> Vec<(&'static str, String)> {
        match sent(body) {
            Err(Problem::InvalidInput(errors)) => {
                errors.into_iter().map(|error| (error.field, error.message)).collect()
            }
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn one_message_or_many_or_jobs_are_read() {
        assert_eq!(sent(&message()).unwrap().len(), 1);
        let many = sent(&json!([message(), { "job_id": USER }])).unwrap();
        assert!(
            matches!(many[..], [PushRequest::Send { .. }, PushRequest::BackgroundJob { fencing_token: None, .. }]),
            "{many:?}"
        );
        let handed_over = sent(&json!({ "job_id": USER, "lease_number": 7 })).unwrap();
        assert!(
            matches!(handed_over[..], [PushRequest::BackgroundJob { fencing_token: Some(token), .. }] if token == 7.into()),
            "{handed_over:?}"
        );
        assert_eq!(bad_fields(&json!({ "job_id": USER, "lease_number": "7" }))[0].0, "lease_number");
        assert_eq!(sent(&Value::Array(vec![message(); 1000])).unwrap().len(), 1000);
        let without_data = json!({ "user_id": USER, "title": "Hello", "message": "There", "unknown": 1 });
        assert!(sent(&without_data).is_ok());
    }

    #[test]
    fn none_and_more_than_a_thousand_are_refused() {
        for body in [json!([]), Value::Array(vec![message(); 1001]), json!("text"), json!(null), json!(7)] {
            assert_eq!(bad_fields(&body)[0].0, "body");
        }
    }

    #[test]
    fn every_bad_field_of_every_message_is_named() {
        let bad = json!({ "user_id": "me", "title": " ", "message": 7, "data": [] });
        let fields: Vec<_> = bad_fields(&bad).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["user_id", "title", "message", "data"]);

        let errors = bad_fields(&json!([message(), bad, "text", { "job_id": 7 }]));
        assert_eq!(errors.len(), 6);
        assert!(errors[..4].iter().all(|(_, text)| text.starts_with("in message 1 ")), "{errors:?}");
        assert_eq!((errors[4].0, errors[5].0), ("body", "job_id"));
        assert_eq!(bad_fields(&Value::Array(vec![json!({}); 1000])).len(), 100);
    }

    #[test]
    fn a_job_is_named_once() {
        assert_eq!(bad_fields(&json!([{ "job_id": USER }, { "job_id": USER.to_uppercase() }]))[0].0, "job_id");
    }

    #[test]
    fn what_no_device_takes_is_refused() {
        let mut long = message();
        long["data"] = json!({ "text": "x".repeat(3700) });
        assert!(sent(&long).is_ok());
        long["data"] = json!({ "text": "x".repeat(4000) });
        assert_eq!(bad_fields(&json!([message(), long]))[0].0, "message");
        let size_of = |text: &str| match sent(&json!({ "user_id": USER, "title": "a", "message": text })).unwrap().pop()
        {
            Some(PushRequest::Send { content, .. }) => content.size(),
            other => panic!("{other:?}"),
        };
        let fits = "b".repeat(4096 - size_of("b") + 1);
        assert_eq!(size_of(&fits), 4096, "to the last byte");
        assert_eq!(bad_fields(&json!({ "user_id": USER, "title": "a", "message": fits + "b" }))[0].0, "message");
        long["data"] = json!({ "text": "é".repeat(1990) });
        assert_eq!(bad_fields(&long)[0].0, "message", "bytes count, not characters");
    }
}
