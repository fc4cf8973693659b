//! Somebody who calls the project's API through the gateway.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::reply::Reply;
use crate::stack::Stack;

/// An API key and a bearer token, sent with every request.
#[derive(Clone)]
pub struct Caller {
    stack: Stack,
    api_key: String,
    token: String,
}

impl Caller {
    pub(crate) fn new(stack: &Stack, api_key: &str, token: &str) -> Self {
        Self { stack: stack.clone(), api_key: api_key.to_owned(), token: token.to_owned() }
    }

    /// A request to a path of the project, such as `/rest/v1/applications`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.stack.description().supabase_url);
        self.stack.http(method, url).header("apikey", &self.api_key).bearer_auth(&self.token)
    }

    /// Reads rows: `applications?select=id`.
    pub async fn select(&self, table_and_query: &str) -> Reply {
        Reply::to(self.request(Method::GET, &format!("/rest/v1/{table_and_query}"))).await
    }

    /// Inserts a row, or several, and returns them.
    pub async fn insert(&self, table_and_query: &str, rows: &Value) -> Reply {
        self.write(Method::POST, table_and_query, Some(rows)).await
    }

    /// Changes rows: `applications?id=eq.…`, and returns them.
    pub async fn update(&self, table_and_query: &str, change: &Value) -> Reply {
        self.write(Method::PATCH, table_and_query, Some(change)).await
    }

    /// Deletes rows, and returns them.
    pub async fn delete(&self, table_and_query: &str) -> Reply {
        self.write(Method::DELETE, table_and_query, None).await
    }

    /// Calls a function of the database.
    pub async fn rpc(&self, name: &str, arguments: &Value) -> Reply {
        Reply::to(self.request(Method::POST, &format!("/rest/v1/rpc/{name}")).json(arguments)).await
    }

    /// Calls one of our functions, by its name.
    pub async fn invoke(&self, function: &str, body: &Value) -> Reply {
        Reply::to(self.request(Method::POST, &format!("/functions/v1/{function}")).json(body)).await
    }

    async fn write(&self, method: Method, table_and_query: &str, body: Option<&Value>) -> Reply {
        let path = format!("/rest/v1/{table_and_query}");
        let request = self.request(method, &path).header("prefer", "return=representation");
        Reply::to(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }
}
