//! Our functions as a table, for tests of what all of them have in common. `tests/repository/functions.rs` compares it with
//! the folders of `functions/`.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::person::Person;
use crate::stack::Stack;
use simulators::clerk::webhook;

/// One of our functions.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// As in its URL.
    pub name: &'static str,
    /// The longest body in bytes.
    pub body_limit: usize,
    /// The value of `Allow`.
    pub allow: &'static str,
    /// Whether a request without any body is a good one.
    pub accepts_empty_body: bool,
    sender: Sender,
}

/// Who calls a function, and how it knows them.
#[derive(Clone, Copy, Debug)]
enum Sender {
    /// With a session token.
    Person,
    /// With the service-role key.
    Backend,
    /// With a signature over the body.
    Skyvern,
    /// With a signature over the body, its id and the time.
    Clerk,
}

const FROM_CLIENTS: usize = 64 * 1024;
const FROM_MACHINES: usize = 4 * 1024 * 1024;

/// All functions.
pub const FUNCTIONS: [Function; 8] = [
    Function::new("initiate-skyvern-application", FROM_CLIENTS, "POST, OPTIONS", Sender::Person),
    Function::new("adzuna-job-search", FROM_CLIENTS, "GET, POST, OPTIONS", Sender::Person),
    Function::new("generate-resume-signed-url", FROM_CLIENTS, "POST, OPTIONS", Sender::Person),
    Function::new("skyvern-webhook-handler", FROM_MACHINES, "POST, OPTIONS", Sender::Skyvern),
    Function::new("clerk-webhook-handler", FROM_MACHINES, "POST, OPTIONS", Sender::Clerk),
    Function::new("trigger-push-notification", FROM_MACHINES, "POST, OPTIONS", Sender::Backend),
    Function::new("job-runner", FROM_MACHINES, "POST, OPTIONS", Sender::Backend),
    Function { accepts_empty_body: true, ..Function::new("job-sync", FROM_MACHINES, "POST, OPTIONS", Sender::Backend) },
];

impl Function {
    const fn new(name: &'static str, body_limit: usize, allow: &'static str, sender: Sender) -> Self {
        Self { name, body_limit, allow, accepts_empty_body: false, sender }
    }

    /// The function of this name.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let function = FUNCTIONS.into_iter().find(|function| function.name == name);
        function.unwrap_or_else(|| panic!("there is no function {name}"))
    }

    /// Whether it is called by people who are signed in.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        matches!(self.sender, Sender::Person)
    }

    /// A request with any body that is let in: with the person's token, the key or a good signature. Its media type is
    /// left to be said.
    pub async fn request(self, stack: &Stack, person: &Person, body: impl Into<Vec<u8>>) -> RequestBuilder {
        let body = body.into();
        let request = stack.http(Method::POST, stack.function_url(self.name));
        let request = match self.sender {
            Sender::Person => request.bearer_auth(person.token().await),
            Sender::Backend => request.header("apikey", &stack.keys().service_role_key),
            Sender::Skyvern => request.header("x-skyvern-signature", stack.skyvern().sign(&body)),
            Sender::Clerk => {
                let id = format!("msg_{}", Uuid::new_v4().simple());
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()).to_string();
                let signature = webhook::sign(&stack.keys().clerk_webhook_secret, &id, &now, &body);
                request.header("svix-id", id).header("svix-timestamp", now).header("svix-signature", signature)
            }
        };
        request.body(body)
    }

    /// A request with JSON, likewise.
    pub async fn request_with(self, stack: &Stack, person: &Person, body: &Value) -> RequestBuilder {
        self.request(stack, person, body.to_string()).await.header("content-type", "application/json")
    }

    /// A body that the function fulfils, another one each time.
    ///
    /// # Panics
    /// If the database does not take what the body is about.
    pub async fn good_body(self, person: &Person) -> Value {
        let unique = Uuid::new_v4().simple();
        match self.name {
            "initiate-skyvern-application" => json!({ "application_id": person.pending_application().await }),
            "adzuna-job-search" => json!({ "keywords": format!("w{unique}") }),
            "generate-resume-signed-url" => json!({ "resume_path_in_storage": person.resume_path }),
            "skyvern-webhook-handler" => json!({ "run_id": format!("tsk_{unique}"), "status": "running" }),
            "clerk-webhook-handler" => {
                json!({ "type": "user.created", "data": { "id": format!("user_{unique}"), "updated_at": 1 } })
            }
            "trigger-push-notification" => {
                let device = json!({ "p_token": format!("ExponentPushToken[{unique}]") });
                person.caller().await.rpc("register_push_token", &device).await.expect_status(200);
                json!({ "user_id": person.user_id, "title": "News", "message": format!("number {unique}") })
            }
            "job-runner" => json!({ "job_types": ["no_operation"] }),
            "job-sync" => json!({ "queries": ["local-1"] }),
            name => panic!("what does {name} fulfil?"),
        }
    }
}
