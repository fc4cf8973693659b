//! The app of the story: what a client can do through the gateway, signed in as one person.

use serde_json::Value;
use ureq::{Agent, http::Request};

use local_stack::{Description, clerk};
use toolchain::{Failure, Outcome};

/// How long the person of the story stays signed in.
const SIGNED_IN_FOR_SECONDS: u32 = 300;

/// A row is written, and answered as it is then.
const ONE_ROW: [(&str, &str); 3] = [
    ("content-type", "application/json"),
    ("accept", "application/vnd.pgrst.object+json"),
    ("prefer", "return=representation,resolution=merge-duplicates"),
];

/// A client with the person's token.
#[derive(Debug)]
pub struct App<'s> {
    stack: &'s Description,
    agent: Agent,
    token: String,
}

impl<'s> App<'s> {
    /// Signs in with Clerk.
    pub fn sign_in(stack: &'s Description, person: &str) -> Outcome<Self> {
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let token = clerk::session_token(stack, person, SIGNED_IN_FOR_SECONDS)?;
        Ok(Self { stack, agent, token })
    }

    /// Rows, as the person may see them.
    pub fn rows(&self, query: &str) -> Outcome<Vec<Value>> {
        self.read(query, &self.token, &self.stack.anon_key)
    }

    /// Rows that no person sees, as the machinery behind the app reads them.
    pub fn rows_of_the_machinery(&self, query: &str) -> Outcome<Vec<Value>> {
        self.read(query, &self.stack.service_role_key, &self.stack.service_role_key)
    }

    /// The one row that a query finds.
    pub fn row(&self, query: &str) -> Outcome<Value> {
        let mut rows = self.rows(query)?;
        match rows.len() {
            1 => Ok(rows.remove(0)),
            count => Err(Failure::new(format!("GET /rest/v1/{query} found {count} rows instead of one"))),
        }
    }

    /// Adds a row, or writes over the one with the same key, and returns it.
    pub fn write(&self, table: &str, row: &Value) -> Outcome<Value> {
        self.change("POST", table, row)
    }

    /// Changes the one row that a query finds, and returns it.
    pub fn update(&self, query: &str, change: &Value) -> Outcome<Value> {
        self.change("PATCH", query, change)
    }

    /// Changes a row that no person may change so.
    pub fn update_as_the_machinery(&self, query: &str, change: &Value) -> Outcome<Value> {
        let key = &self.stack.service_role_key;
        self.call_as(key, key, "PATCH", &format!("/rest/v1/{query}"), &ONE_ROW, change.to_string().as_bytes())
    }

    /// Uploads a file into a bucket.
    pub fn upload(&self, bucket: &str, path: &str, content_type: &str, bytes: &[u8]) -> Outcome<Value> {
        let address = format!("/storage/v1/object/{bucket}/{path}");
        self.call("POST", &address, &[("content-type", content_type)], bytes)
    }

    /// Calls a function with JSON.
    pub fn invoke(&self, function: &str, input: &Value) -> Outcome<Value> {
        let address = format!("/functions/v1/{function}");
        self.call("POST", &address, &[("content-type", "application/json")], input.to_string().as_bytes())
    }

    /// Calls a function of the database.
    pub fn rpc(&self, function: &str, arguments: &Value) -> Outcome<Value> {
        let address = format!("/rest/v1/rpc/{function}");
        self.call("POST", &address, &[("content-type", "application/json")], arguments.to_string().as_bytes())
    }

    fn change(&self, method: &str, query: &str, row: &Value) -> Outcome<Value> {
        self.call(method, &format!("/rest/v1/{query}"), &ONE_ROW, row.to_string().as_bytes())
    }

    fn read(&self, query: &str, token: &str, key: &str) -> Outcome<Vec<Value>> {
        match self.call_as(token, key, "GET", &format!("/rest/v1/{query}"), &[], &[])? {
            Value::Array(rows) => Ok(rows),
            other => Err(Failure::new(format!("GET /rest/v1/{query} answered no rows but {other}"))),
        }
    }

    fn call(&self, method: &str, address: &str, headers: &[(&str, &str)], body: &[u8]) -> Outcome<Value> {
        self.call_as(&self.token, &self.stack.anon_key, method, address, headers, body)
    }

    fn call_as(
        &self,
        token: &str,
        key: &str,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Outcome<Value> {
        let failed = |why: String| Failure::new(format!("{method} {address} {why}"));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{address}", self.stack.supabase_url))
            .header("apikey", key)
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).map_err(|error| failed(format!("cannot be sent: {error}")))?;
        let mut answer = self.agent.run(request).map_err(|error| failed(format!("got no answer: {error}")))?;
        let text = answer.body_mut().read_to_string().map_err(|error| failed(format!("was cut off: {error}")))?;
        if !answer.status().is_success() {
            return Err(failed(format!("answered {}: {text}", answer.status())));
        }
        serde_json::from_str(&text).map_err(|error| failed(format!("answered no JSON ({error}): {text}")))
    }
}
