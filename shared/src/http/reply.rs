//! What a function returns to its caller.

use serde::Serialize;
use serde_json::json;

use crate::{ids::RequestId, problem::Problem};

/// A response, before the headers that every response gets.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers of this response alone.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// A word for the log line, such as the problem's code.
    pub outcome: String,
    /// For the log line: what went wrong on our side. Nothing secret, nothing personal.
    pub cause: Option<String>,
}

impl Reply {
    /// 200 with JSON. `outcome` is a word for the log line.
    ///
    /// # Errors
    /// [`Problem::Internal`] if the value cannot be written as JSON.
    pub fn ok(value: &impl Serialize, outcome: impl Into<String>) -> Result<Self, Problem> {
        Self::json(200, value, outcome)
    }

    /// 202 with JSON: taken on, and going on elsewhere.
    ///
    /// # Errors
    /// As [`Self::ok`].
    pub fn accepted(value: &impl Serialize, outcome: impl Into<String>) -> Result<Self, Problem> {
        Self::json(202, value, outcome)
    }

    /// 204: nothing to say. It carries no content type, which supabase-js would try to parse.
    #[must_use]
    pub fn no_content(outcome: impl Into<String>) -> Self {
        Self { status: 204, headers: Vec::new(), body: Vec::new(), outcome: outcome.into(), cause: None }
    }

    /// What is done with a request whose caller has hung up. Nobody reads it: the status, nginx's for this, is for the log.
    #[must_use]
    pub(crate) fn to_nobody() -> Self {
        Self { status: 499, ..Self::no_content("caller_gone") }
    }

    fn json(status: u16, value: &impl Serialize, outcome: impl Into<String>) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| Problem::internal(error.to_string()))?;
        // Exactly this type: supabase-js parses nothing else as JSON (docs/vendors/supabase.md#calls-from-supabase-js).
        let headers = vec![("content-type", "application/json".to_owned())];
        Ok(Self { status, headers, body, outcome: outcome.into(), cause: None })
    }

    /// The one place where a problem becomes `application/problem+json` (RFC 9457).
    #[must_use]
    pub fn problem(problem: &Problem, request_id: RequestId) -> Self {
        let kind = problem.kind();
        let mut body = json!({
            "type": format!("https://jobraker.app/problems/{}", kind.code),
            "title": kind.title,
            "status": kind.status,
            "detail": problem.to_string(),
            "code": kind.code,
            "request_id": request_id,
        });
        match problem {
            Problem::InvalidInput(errors) => body["errors"] = json!(errors),
            Problem::AlreadyApplied(sent) => {
                body["application_id"] = json!(sent.application_id);
                body["application_status"] = json!(sent.application_status);
            }
            _ => {}
        }

        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        match problem {
            Problem::Unauthenticated(token_problem) => {
                headers.push(("www-authenticate", token_problem.challenge()));
            }
            Problem::ServiceKeyRequired => headers.push(("www-authenticate", "Bearer".to_owned())),
            Problem::SignatureInvalid => headers.push(("www-authenticate", "Signature".to_owned())),
            Problem::MethodNotAllowed { allow } => headers.push(("allow", (*allow).to_owned())),
            _ => {}
        }
        if let Some(delay) = problem.retry_after() {
            headers.push(("retry-after", delay.as_secs().to_string()));
        }

        Self {
            status: kind.status,
            headers,
            body: body.to_string().into_bytes(),
            outcome: kind.code.to_owned(),
            cause: problem.cause(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Reply;
    use crate::{
        application_status::ApplicationStatus,
        ids::RequestId,
        problem::{Problem, SentApplication, TokenProblem},
    };

    #[test]
    fn a_problem_is_answered_in_the_form_of_rfc_9457() {
        let request_id: RequestId = "6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse().unwrap();
        let reply = Reply::problem(&Problem::invalid("application_id", "must be a UUID"), request_id);

        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(reply.status, 400);
        assert_eq!(reply.headers, [("content-type", "application/problem+json".to_owned())]);
        assert_eq!(
            body,
            json!({
                "type": "https://jobraker.app/problems/invalid_input",
                "title": "Invalid input",
                "status": 400,
                "detail": "the request is not in the expected form",
                "code": "invalid_input",
                "request_id": "6f9619ff-8b86-4d11-b42d-00c04fc964ff",
                "errors": [{ "field": "application_id", "message": "must be a UUID" }],
            })
        );
    }

    #[test]
    fn whoever_is_not_let_in_is_told_with_what_they_would_be() {
        for (problem, challenge) in [
            (Problem::from(TokenProblem::Missing), Some("Bearer")),
            (TokenProblem::Expired.into(), Some(TokenProblem::Expired.challenge().as_str())),
            (Problem::ServiceKeyRequired, Some("Bearer")),
            (Problem::SignatureInvalid, Some("Signature")),
            (Problem::ProfilePending, None),
        ] {
            let reply = Reply::problem(&problem, RequestId::random());
            let told =
                reply.headers.iter().find(|(name, _)| *name == "www-authenticate").map(|(_, value)| value.as_str());
            assert_eq!(told, challenge, "{problem:?}");
        }
    }

    #[test]
    fn an_application_that_was_sent_before_is_named() {
        let application_id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse().unwrap();
        let application_status = ApplicationStatus::SubmittedBySkyvern;
        let sent = SentApplication { detail: "no".to_owned(), application_id, application_status };
        let reply = Reply::problem(&Problem::AlreadyApplied(Box::new(sent)), RequestId::random());
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body["application_id"], "6f9619ff-8b86-4d11-b42d-00c04fc964ff");
        assert_eq!(body["application_status"], "SUBMITTED_BY_SKYVERN");
    }

    #[test]
    fn a_wrong_method_names_the_right_one() {
        let reply = Reply::problem(&Problem::MethodNotAllowed { allow: "POST, OPTIONS" }, RequestId::random());
        assert!(reply.headers.contains(&("allow", "POST, OPTIONS".to_owned())));
    }
}
