//! What came of a handler.

use serde_json::Value;

use crate::{http::Reply, problem::Problem};

/// The JSON of a response.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn json_of(reply: &Reply) -> Value {
    match serde_json::from_slice(&reply.body) {
        Ok(value) => value,
        Err(error) => panic!("the response is no JSON: {error}"),
    }
}

/// Why there is no response: the problem's code.
///
/// # Panics
/// If there is one.
#[must_use]
pub fn problem_of(result: &Result<Reply, Problem>) -> &'static str {
    match result {
        Err(problem) => problem.kind().code,
        Ok(reply) => panic!("nothing went wrong: {}", String::from_utf8_lossy(&reply.body)),
    }
}
