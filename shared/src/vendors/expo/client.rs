//! Sending messages, and fetching their receipts.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{FAULTS, Message, Receipt, Settings, Ticket};
use crate::{
    outgoing::{Failure, RETRY_AFTER, Request, Response, Upstream, retry_after},
    vendors::fault::{Fault, FaultKind},
};

/// Bodies longer than this are compressed, as Expo's own library does (docs/vendors/expo.md#requests).
const COMPRESSED_ABOVE: usize = 1024;

/// Push tokens by the Expo project that they belong to, `@owner/slug`.
pub type Projects = BTreeMap<String, Vec<String>>;

/// Why a request brought no tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// The recipients belong to several Expo projects. Nothing was sent; each project needs a request of its own.
    SeveralProjects(Projects),
    /// Anything else.
    Failed {
        /// The fault.
        fault: Fault,
        /// How long Expo asks us to wait, if it does.
        retry_after: Option<Duration>,
    },
}

impl From<Fault> for NotSent {
    fn from(fault: Fault) -> Self {
        Self::Failed { fault, retry_after: None }
    }
}

/// Expo's push service.
#[derive(Debug)]
pub struct Expo<'a> {
    settings: &'a Settings,
    upstream: &'a Upstream,
}

impl<'a> Expo<'a> {
    /// A client with these settings.
    #[must_use]
    pub fn new(settings: &'a Settings, upstream: &'a Upstream) -> Self {
        Self { settings, upstream }
    }

    /// Sends messages to at most [`MOST_RECIPIENTS`](super::MOST_RECIPIENTS) recipients, once. Returns a
    /// ticket for each recipient, in the order of the messages and of the recipients in them.
    ///
    /// # Errors
    /// [`NotSent`], for all messages.
    pub async fn send(&self, messages: &[Message<'_>], timeout: Duration) -> Result<Vec<Ticket>, NotSent> {
        let recipients = messages.iter().map(|message| message.to.len()).sum();
        let request = self.request(messages)?.within(timeout);
        read_tickets(self.upstream.send("expo", request).await, recipients)
    }

    /// Fetches the receipts of at most [`MOST_RECEIPTS`](super::MOST_RECEIPTS) tickets, by the tickets' ids. An id
    /// without a receipt is left out: it may have one later (docs/vendors/expo.md#receipts).
    ///
    /// # Errors
    /// [`NotSent`], when no receipt can be fetched.
    pub async fn receipts(&self, ids: &[String]) -> Result<BTreeMap<String, Receipt>, NotSent> {
        let request = self.post("--/api/v2/push/getReceipts", &json!({ "ids": ids }))?;
        let receipts: BTreeMap<String, Value> = read(self.upstream.send("expo", request).await)?;
        Ok(receipts.into_iter().map(|(id, receipt)| (id, Receipt::read(&receipt))).collect())
    }

    fn request(&self, messages: &[Message<'_>]) -> Result<Request, NotSent> {
        // Always an array: for a single message Expo returns a single ticket, in another shape.
        self.post("--/api/v2/push/send", &messages)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<Request, NotSent> {
        let url = self.settings.api_url.join(path).map_err(|_| FAULTS.rejected)?;
        let body = serde_json::to_vec(body).map_err(|_| FAULTS.rejected)?;
        let request = Request::post_json(url, body)
            .header("accept", "application/json")
            .wanting(&RETRY_AFTER)
            .compressed_above(COMPRESSED_ABOVE);
        Ok(match &self.settings.access_token {
            Some(token) => request.header("authorization", format!("Bearer {}", token.expose())),
            None => request,
        })
    }
}

#[derive(Deserialize)]
struct Body<T> {
    data: T,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<RequestError>,
}

#[derive(Deserialize)]
struct RequestError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    details: Value,
}

fn read_tickets(result: Result<Response, Failure>, recipients: usize) -> Result<Vec<Ticket>, NotSent> {
    let tickets: Vec<Value> = read(result)?;
    if tickets.len() != recipients {
        return Err(FAULTS.unreadable.into());
    }
    Ok(tickets.iter().map(Ticket::read).collect())
}

/// The code takes precedence over the status: a refusal may come with 200, and which status belongs to which code is
/// not documented (docs/vendors/expo.md#errors-of-a-request).
fn read<T: DeserializeOwned>(result: Result<Response, Failure>) -> Result<T, NotSent> {
    let response = FAULTS.response(result)?;
    let refused: Refusal = response.json().unwrap_or_default();
    if let Some(error) = refused.errors.first() {
        return Err(refusal(&response, Some(error)));
    }
    if !response.is_success() {
        return Err(refusal(&response, None));
    }
    let body: Body<T> = response.json().map_err(|_| FAULTS.unreadable)?;
    Ok(body.data)
}

fn refusal(response: &Response, error: Option<&RequestError>) -> NotSent {
    let by_status = FAULTS.of_status(response.status);
    let fault = match (error.map(|error| error.code.as_str()), by_status.kind) {
        (Some("PUSH_TOO_MANY_EXPERIENCE_IDS"), _) => {
            let projects = error.and_then(|error| serde_json::from_value(error.details.clone()).ok());
            return projects.map_or(FAULTS.rejected.into(), NotSent::SeveralProjects);
        }
        (Some("TOO_MANY_REQUESTS"), _) | (_, FaultKind::RateLimited) => FAULTS.rate_limited,
        (Some("UNAUTHORIZED"), _) | (_, FaultKind::Unauthorized) => FAULTS.unauthorized,
        (_, FaultKind::TimedOut) => FAULTS.timed_out,
        (Some("INTERNAL_SERVER_ERROR"), _) => FAULTS.failed,
        // A redirect, or a refusal with status 200, is not a failure of Expo's.
        (_, FaultKind::Failed) if response.status >= 500 => FAULTS.failed,
        _ => FAULTS.rejected,
    };
    NotSent::Failed { fault, retry_after: retry_after(&response.headers) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Map, Value, json};

    use super::{Expo, FAULTS, NotSent, read_tickets};
    use crate::{
        config::Environment,
        outgoing::{Failure, Request, Response},
        testing::{Machine, block_on, environment},
        vendors::{
            Fault,
            expo::{Content, Message, Settings, Ticket},
        },
    };

    fn answered(status: u16, body: &str) -> Result<usize, NotSent> {
        let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
        read_tickets(Ok(response), 2).map(|tickets| tickets.len())
    }

    fn fault(status: u16, body: &str) -> Fault {
        match answered(status, body) {
            Err(NotSent::Failed { fault, .. }) => fault,
            other => panic!("{status} {body}: {other:?}"),
        }
    }

    fn errors(code: &str) -> String {
        json!({ "errors": [{ "code": code, "message": "no" }, { "code": "OTHER", "message": "no" }] }).to_string()
    }

    fn request(access_token: Option<&str>, body_of_length: usize) -> Request {
        let settings = Settings::read(&Environment::new(|name| {
            (name == "EXPO_ACCESS_TOKEN").then(|| access_token.unwrap_or_default().to_owned())
        }))
        .unwrap();
        let upstream = Machine::new().upstream();
        let content = Content::new("a", "b".repeat(body_of_length), "c".to_owned(), Map::new());
        let message = Message { to: vec!["ExpoPushToken[x]"], content: &content };
        Expo::new(&settings, &upstream).request(&[message]).unwrap()
    }

    #[test]
    fn tickets_come_in_the_order_of_the_recipients() {
        let body = json!({ "data": [{ "status": "ok", "id": "1" }, { "status": "error", "message": "no" }] });
        let response = Response { status: 200, body: body.to_string().into_bytes(), ..Response::default() };
        let tickets = read_tickets(Ok(response), 2).unwrap();
        assert_eq!(tickets[0], Ticket::Ok { id: "1".to_owned() });
        assert_eq!(tickets[1], Ticket::Error { error: String::new(), message: "no".to_owned() });
    }

    #[test]
    fn anything_but_a_ticket_for_each_recipient_is_unreadable() {
        let ok = json!({ "status": "ok", "id": "1" });
        for body in [
            String::new(),
            "<html>".to_owned(),
            "{}".to_owned(),
            json!({ "data": [ok] }).to_string(),
            json!({ "data": [ok, ok, ok] }).to_string(),
            json!({ "data": ok }).to_string(),
            json!({ "data": null }).to_string(),
        ] {
            assert_eq!(fault(200, &body), FAULTS.unreadable, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_code_first_and_by_its_status_second() {
        for (status, body, expected) in [
            (401, r#"{"error":"invalid_token","error_description":"no"}"#.to_owned(), FAULTS.unauthorized),
            (403, errors("UNAUTHORIZED"), FAULTS.unauthorized),
            (400, errors("UNAUTHORIZED"), FAULTS.unauthorized),
            (429, errors("TOO_MANY_REQUESTS"), FAULTS.rate_limited),
            (429, String::new(), FAULTS.rate_limited),
            (200, errors("TOO_MANY_REQUESTS"), FAULTS.rate_limited),
            (400, errors("VALIDATION_ERROR"), FAULTS.rejected),
            (200, errors("VALIDATION_ERROR"), FAULTS.rejected),
            (400, "<html>".to_owned(), FAULTS.rejected),
            (400, "{}".to_owned(), FAULTS.rejected),
            (400, errors("PUSH_TOO_MANY_EXPERIENCE_IDS"), FAULTS.rejected),
            (302, String::new(), FAULTS.rejected),
            (500, errors("INTERNAL_SERVER_ERROR"), FAULTS.failed),
            (200, errors("INTERNAL_SERVER_ERROR"), FAULTS.failed),
            (500, "[]".to_owned(), FAULTS.failed),
            (502, "<html>".to_owned(), FAULTS.failed),
            (504, "<html>".to_owned(), FAULTS.timed_out),
        ] {
            assert_eq!(fault(status, &body), expected, "{status} {body}");
        }
        assert_eq!(read_tickets(Err(Failure::TimedOut), 1), Err(FAULTS.timed_out.into()));
        assert_eq!(read_tickets(Err(Failure::Unreachable), 1), Err(FAULTS.unreachable.into()));
        let garbage = Response { status: 500, body: vec![0xff, 0xfe], ..Response::default() };
        assert_eq!(read_tickets(Ok(garbage), 1), Err(FAULTS.failed.into()));
    }

    #[test]
    fn several_projects_are_named_with_their_tokens() {
        let details: Value = json!({ "@acme/app": ["a"], "@acme/app-dev": ["b"] });
        let body = json!({ "errors": [{ "code": "PUSH_TOO_MANY_EXPERIENCE_IDS", "details": details }] });
        let Err(NotSent::SeveralProjects(projects)) = answered(400, &body.to_string()) else { panic!("{body}") };
        assert_eq!(serde_json::to_value(projects).unwrap(), details);
    }

    #[test]
    fn expo_may_say_how_long_to_wait() {
        for (value, expected) in [("3", Some(3)), ("Fri, 20 Nov 2026 12:01:30 GMT", Some(90)), ("soon", None)] {
            let expected = expected.map(Duration::from_secs);
            let headers = [("Retry-After", value), ("Date", "Fri, 20 Nov 2026 12:00:00 GMT")];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
            let response = Response { status: 429, headers, body: Vec::new() };
            let expected = NotSent::Failed { fault: FAULTS.rate_limited, retry_after: expected };
            assert_eq!(read_tickets(Ok(response), 1), Err(expected), "{value}");
        }
    }

    #[test]
    fn messages_are_sent_and_receipts_fetched_by_the_tickets_ids() {
        let settings = Settings::read(&environment(&[])).unwrap();
        let machine = Machine::new()
            .responds(
                "/push/send",
                200,
                json!({ "data": [{ "status": "ok", "id": "1" }, { "status": "ok", "id": "2" }] }),
            )
            .responds("/push/getReceipts", 200, json!({ "data": { "1": { "status": "ok" } } }));
        let upstream = machine.upstream();
        let expo = Expo::new(&settings, &upstream);
        let content = Content::new("a", "b".to_owned(), "c".to_owned(), Map::new());
        let message = Message { to: vec!["ExpoPushToken[x]", "ExpoPushToken[y]"], content: &content };
        let tickets = block_on(expo.send(&[message], Duration::from_secs(5))).unwrap();
        assert_eq!(tickets, ["1", "2"].map(|id| Ticket::Ok { id: id.to_owned() }));
        let receipts = block_on(expo.receipts(&["1".to_owned(), "2".to_owned()])).unwrap();
        assert_eq!(receipts.keys().collect::<Vec<_>>(), ["1"]);
        assert_eq!(machine.body("getReceipts"), json!({ "ids": ["1", "2"] }));
    }

    #[test]
    fn a_bearer_is_sent_only_where_a_token_is_set() {
        let bearer = |access_token| request(access_token, 1).header_named("authorization").map(str::to_owned);
        assert_eq!(bearer(Some("expo_token")).as_deref(), Some("Bearer expo_token"));
        assert_eq!(bearer(Some("  ")), None);
        assert_eq!(bearer(None), None);
    }

    #[test]
    fn only_long_bodies_are_compressed() {
        let short = request(None, 1);
        assert_eq!(short.header_named("content-encoding"), None);
        assert_eq!(short.body().and_then(|body| body.first()), Some(&b'['), "always an array");
        let long = request(None, 2000);
        assert_eq!(long.header_named("content-encoding"), Some("gzip"));
        assert!(long.body().is_some_and(|body| body.len() < 1000));
    }
}
