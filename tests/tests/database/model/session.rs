//! Calls of the database's functions, as PostgREST makes them: one transaction each, in the role and with the claims of
//! whoever calls.

use serde_json::{Value, json};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A person, by the subject of their token.
    Person(String),
    /// The backend.
    Service,
    /// Whoever administers the project, past all APIs.
    Administrator,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// What it returned; null for nothing.
    Returned(Value),
    /// The code that it was refused with.
    Refused(String),
}

impl Answer {
    /// The `outcome` that most functions return, or the code of the refusal.
    pub fn outcome(&self) -> &str {
        match self {
            Self::Returned(value) => value["outcome"].as_str().unwrap_or_default(),
            Self::Refused(code) => code,
        }
    }

    /// What it returned; null for a refusal.
    pub fn value(&self) -> &Value {
        match self {
            Self::Returned(value) => value,
            Self::Refused(_) => &Value::Null,
        }
    }
}

/// A text as SQL reads it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A call of a function by the names of its arguments.
pub fn function_call(name: &str, arguments: &Value) -> String {
    let arguments: Vec<String> = arguments
        .as_object()
        .expect("arguments are an object")
        .iter()
        .map(|(name, value)| match value {
            Value::Null => format!("{name} => null"),
            Value::String(text) => format!("{name} => {}", literal(text)),
            // Of an array of UUIDs, texts, …
            Value::Array(items) if items.iter().all(Value::is_string) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                format!("{name} => '{{{}}}'", items.join(","))
            }
            value => format!("{name} => {}", literal(&value.to_string())),
        })
        .collect();
    format!("select public.{name}({})", arguments.join(", "))
}

/// Makes a call, whole.
pub async fn call(client: &Client, role: &Role, statement: &str) -> Answer {
    let answer = client.simple_query(&format!("{}; {statement}; commit", begin(role))).await;
    finish(client, answer).await
}

/// Makes a call and leaves its transaction open; [`commit`] ends it.
pub async fn call_and_hold(client: &Client, role: &Role, statement: &str) -> Answer {
    let answer = client.simple_query(&format!("{}; {statement}", begin(role))).await;
    finish(client, answer).await
}

/// Ends what [`call_and_hold`] began.
pub async fn commit(client: &Client) {
    // After a refusal there is no transaction any more, which is a warning.
    client.batch_execute("commit").await.expect("the transaction is committed");
}

fn begin(role: &Role) -> String {
    let (name, claims) = match role {
        Role::Person(subject) => ("authenticated", json!({ "sub": subject, "role": "authenticated" }).to_string()),
        Role::Service => ("service_role", json!({ "role": "service_role" }).to_string()),
        Role::Administrator => return "begin".to_owned(),
    };
    format!("begin; set local role {name}; set local request.jwt.claims = {}", literal(&claims))
}

async fn finish(client: &Client, answer: Result<Vec<SimpleQueryMessage>, Error>) -> Answer {
    match answer {
        Ok(messages) => Answer::Returned(messages.iter().rev().find_map(value_of).unwrap_or_default()),
        Err(error) => {
            client.batch_execute("rollback").await.expect("the transaction is rolled back");
            Answer::Refused(code_of(&error))
        }
    }
}

fn value_of(message: &SimpleQueryMessage) -> Option<Value> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    let text = row.get(0)?;
    Some(match text {
        "t" => json!(true),
        "f" => json!(false),
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    })
}

/// The code that `private.refuse` gave it; for any other error its SQLSTATE and what it says.
fn code_of(error: &Error) -> String {
    let Some(error) = error.as_db_error() else { return error.to_string() };
    let refusal: Option<Value> = serde_json::from_str(error.message()).ok();
    match refusal.as_ref().and_then(|refusal| refusal["code"].as_str()) {
        Some(code) => code.to_owned(),
        None => format!("{} {}", error.code().code(), error.message()),
    }
}
