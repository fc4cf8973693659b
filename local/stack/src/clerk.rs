//! The simulated Clerk of a running stack.

use serde_json::{Value, json};
use toolchain::{Failure, Outcome};

use crate::Description;

/// A token of the simulated Clerk.
pub fn session_token(stack: &Description, person: &str, seconds: u32) -> Outcome<String> {
    let url = format!("{}/__control/clerk/tokens", stack.simulators_url);
    let refused = |reason: String| Failure::new(format!("the Clerk simulator gives no token: {reason}"));
    let answer: Value = ureq::post(&url)
        .send_json(json!({ "sub": person, "expires_in": seconds }))
        .and_then(|mut answer| answer.body_mut().read_json())
        .map_err(|error| refused(error.to_string()))?;
    answer["token"].as_str().map(str::to_owned).ok_or_else(|| refused(answer.to_string()))
}
