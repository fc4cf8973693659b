//! Starting runs and finding them again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::event::is_status;
use crate::{
    config,
    http::upstream::{Failure, Request, Response, Upstream},
    ids::RunId,
    problem::SkyvernProblem,
};

/// The body of `POST /v1/run/tasks` (Skyvern contract §1.3). Skyvern ignores names it does not
/// know, so a misspelled one would go unnoticed: they are spelled here and nowhere else.
#[derive(Debug, Serialize)]
pub struct NewRun {
    /// What to do, with everything that is needed for it.
    pub prompt: String,
    /// Where to start.
    pub url: Url,
    /// Unique for each attempt: the only way to find a run whose id we did not hear.
    pub title: String,
    /// Where Skyvern tells the outcome.
    pub webhook_url: Url,
    /// Bounds the cost; the server's default differs from one installation to the next.
    pub max_steps: u32,
    /// JSON Schema of what to bring back.
    pub data_extraction_schema: Value,
    /// Our codes for outcomes, each with its condition in words.
    pub error_code_mapping: Value,
}

/// What Skyvern says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its status at that moment, in Skyvern's words.
    pub status: String,
}

/// Skyvern's API.
#[derive(Debug)]
pub struct Skyvern<'a> {
    settings: &'a config::Skyvern,
    upstream: &'a Upstream,
}

impl<'a> Skyvern<'a> {
    /// With these settings.
    #[must_use]
    pub fn new(settings: &'a config::Skyvern, upstream: &'a Upstream) -> Self {
        Self { settings, upstream }
    }

    /// Starts a run. Never repeated: Skyvern knows no idempotency key, and a second run is a second
    /// application (Skyvern contract §1.8).
    ///
    /// # Errors
    /// [`SkyvernProblem`], which tells whether a run may exist nevertheless.
    pub async fn start(&self, run: &NewRun) -> Result<Run, SkyvernProblem> {
        let body = serde_json::to_string(run).map_err(|_| SkyvernProblem::Rejected)?;
        let request = self.with_key(Request::post_json(self.url("v1/run/tasks")?, body));
        read_run(self.upstream.send("skyvern", request).await)
    }

    /// Looks for a run by its whole title among the newest that match it.
    ///
    /// # Errors
    /// [`SkyvernProblem`] when the list cannot be had; that says nothing about the run.
    pub async fn find_by_title(&self, title: &str) -> Result<Option<Run>, SkyvernProblem> {
        let mut url = self.url("v1/runs")?;
        url.query_pairs_mut().append_pair("search_key", title).append_pair("page_size", "10");
        let listed: Vec<Listed> = read(self.upstream.send("skyvern", self.with_key(Request::get(url))).await)?;
        let found = listed.into_iter().find(|run| run.title.as_deref() == Some(title));
        // One that is there and cannot be read is not absent: the application would be handed over again.
        found.map(|run| run.answer.run().ok_or(SkyvernProblem::Unreadable)).transpose()
    }

    fn url(&self, path: &str) -> Result<Url, SkyvernProblem> {
        self.settings.api_url.join(path).map_err(|_| SkyvernProblem::Rejected)
    }

    fn with_key(&self, request: Request) -> Request {
        request.header("x-api-key", self.settings.api_key.expose())
    }
}

#[derive(Deserialize)]
struct Answer {
    run_id: String,
    status: String,
}

impl Answer {
    fn run(self) -> Option<Run> {
        let id = RunId::parse(&self.run_id).filter(|_| is_status(&self.status))?;
        Some(Run { id, status: self.status })
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(flatten)]
    answer: Answer,
    title: Option<String>,
}

fn read_run(answer: Result<Response, Failure>) -> Result<Run, SkyvernProblem> {
    read::<Answer>(answer)?.run().ok_or(SkyvernProblem::Unreadable)
}

fn read<T: serde::de::DeserializeOwned>(answer: Result<Response, Failure>) -> Result<T, SkyvernProblem> {
    let response = answer.map_err(|failure| match failure {
        Failure::TimedOut => SkyvernProblem::TimedOut,
        Failure::Unreachable => SkyvernProblem::Unreachable,
    })?;
    match response.status {
        200..=299 => response.json().map_err(|_| SkyvernProblem::Unreadable),
        401 | 403 => Err(SkyvernProblem::Unauthorized),
        402 => Err(SkyvernProblem::CreditsExhausted),
        // Somebody in between gave up waiting; Skyvern itself may have gone on.
        408 | 504 => Err(SkyvernProblem::TimedOut),
        429 => Err(SkyvernProblem::RateLimited),
        400..=499 => Err(SkyvernProblem::Rejected),
        // Redirects are not followed, so where one leads is as open as after a failure.
        _ => Err(SkyvernProblem::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::read_run;
    use crate::{
        http::upstream::{Failure, Response},
        problem::SkyvernProblem,
    };

    fn answered(status: u16, body: &str) -> Result<String, SkyvernProblem> {
        let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
        read_run(Ok(response)).map(|run| run.id.as_str().to_owned())
    }

    #[test]
    fn the_run_is_read_from_a_success() {
        let body = r#"{"run_id":"tsk_41","status":"queued","output":null,"run_type":"task_v1"}"#;
        assert_eq!(answered(200, body).as_deref(), Ok("tsk_41"));
    }

    #[test]
    fn a_refusal_is_certain_and_a_failure_leaves_it_open() {
        for (status, problem, open) in [
            (400, SkyvernProblem::Rejected, false),
            (401, SkyvernProblem::Unauthorized, false),
            (402, SkyvernProblem::CreditsExhausted, false),
            (403, SkyvernProblem::Unauthorized, false),
            (404, SkyvernProblem::Rejected, false),
            (408, SkyvernProblem::TimedOut, true),
            (422, SkyvernProblem::Rejected, false),
            (429, SkyvernProblem::RateLimited, false),
            (302, SkyvernProblem::Failed, true),
            (500, SkyvernProblem::Failed, true),
            (503, SkyvernProblem::Failed, true),
            (504, SkyvernProblem::TimedOut, true),
        ] {
            assert_eq!(answered(status, r#"{"detail":"no"}"#), Err(problem), "{status}");
            assert_eq!(problem.leaves_outcome_open(), open, "{status}");
        }
        assert_eq!(read_run(Err(Failure::TimedOut)), Err(SkyvernProblem::TimedOut));
        assert_eq!(read_run(Err(Failure::Unreachable)), Err(SkyvernProblem::Unreachable));
    }

    #[test]
    fn a_success_that_names_no_run_leaves_it_open() {
        for body in ["", "<html>", "{}", r#"{"run_id":"","status":"created"}"#, r#"{"run_id":null,"status":"x"}"#] {
            assert_eq!(answered(200, body), Err(SkyvernProblem::Unreadable), "{body}");
        }
    }
}
