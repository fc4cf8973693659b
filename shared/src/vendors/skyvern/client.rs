//! Starting runs, finding them again, and cancelling them.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{
    FAULTS, NewRun, Run, Settings,
    event::{Event, is_status},
};
use crate::{
    ids::RunId,
    outgoing::{Failure, RETRY_AFTER, Request, Response, Upstream},
    vendors::fault::Fault,
};

/// Starting a run takes Skyvern up to half a minute, because it looks at the page and the prompt first. With what comes
/// before and after it, that is within the minute that a claim lasts.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The request that starts a run may take half a minute to arrive, and the run appears in Skyvern's list a moment after
/// that. Before this time, not finding it there proves nothing.
pub const SURELY_LISTED_AFTER: Duration = Duration::from_mins(2);

/// Skyvern's API.
#[derive(Debug)]
pub struct Skyvern<'a> {
    settings: &'a Settings,
    upstream: &'a Upstream,
}

impl<'a> Skyvern<'a> {
    /// A client with these settings.
    #[must_use]
    pub fn new(settings: &'a Settings, upstream: &'a Upstream) -> Self {
        Self { settings, upstream }
    }

    /// Starts a run. The request is never repeated: Skyvern has no idempotency key, and a second run is a second
    /// application (docs/vendors/skyvern.md#finding-a-run-again).
    ///
    /// # Errors
    /// [`Fault`]; [`leaves_outcome_open`](super::leaves_outcome_open) tells whether a run may exist all the same.
    pub async fn start(&self, run: &NewRun) -> Result<Run, Fault> {
        let body = serde_json::to_string(run).map_err(|_| FAULTS.rejected)?;
        let request = self.with_key(Request::post_json(self.url("v1/run/tasks")?, body)).within(START_TIMEOUT);
        let result = self.upstream.send("skyvern", request).await;
        // Its database is away, for a moment; it does not say for how long (docs/vendors/skyvern.md#limits).
        let is_unavailable = matches!(&result, Ok(response) if response.status == 503);
        let pause = is_unavailable.then_some(SURELY_LISTED_AFTER);
        read_run(result).map_err(|fault| fault.retried_after(fault.retry_after.or(pause)))
    }

    /// Looks for a run by its whole title among the newest that match it.
    ///
    /// # Errors
    /// [`Fault`] when the list cannot be fetched; that says nothing about the run.
    pub async fn find_by_title(&self, title: &str) -> Result<Option<Run>, Fault> {
        let mut url = self.url("v1/runs")?;
        url.query_pairs_mut().append_pair("search_key", title).append_pair("page_size", "10");
        let listed: Vec<Listed> = read(self.upstream.send("skyvern", self.with_key(Request::get(url))).await)?;
        let found = listed.into_iter().find(|run| run.title.as_deref() == Some(title));
        // A run that is listed but cannot be read is not absent; otherwise the application would be submitted again.
        found.map(|run| run.body.run().ok_or(FAULTS.unreadable)).transpose()
    }

    /// Reads a run; `None` if Skyvern does not know it.
    ///
    /// # Errors
    /// [`Fault`] when it cannot be read; that says nothing about the run.
    pub async fn read(&self, run_id: &RunId) -> Result<Option<Event>, Fault> {
        let request = self.with_key(Request::get(self.run_url(run_id, None)?));
        let Some(response) = known(self.upstream.send("skyvern", request).await)? else { return Ok(None) };
        let event = Event::parse(&response.body).ok().filter(|event| event.run_id == *run_id);
        event.map(Some).ok_or(FAULTS.unreadable)
    }

    /// Cancels a run; false if Skyvern does not know it.
    ///
    /// Skyvern delivers the webhook about the cancellation before it responds, and a run that is over cannot be
    /// cancelled. So after a failed call, read the run: the cancellation may have worked
    /// (docs/vendors/skyvern.md#reading-and-cancelling-a-run).
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn cancel(&self, run_id: &RunId) -> Result<bool, Fault> {
        let request = self.with_key(Request::post_json(self.run_url(run_id, Some("cancel"))?, "{}"));
        known(self.upstream.send("skyvern", request).await).map(|response| response.is_some())
    }

    fn run_url(&self, run_id: &RunId, action: Option<&str>) -> Result<Url, Fault> {
        let mut url = self.settings.api_url.clone();
        url.path_segments_mut()
            .map_err(|()| FAULTS.rejected)?
            .pop_if_empty()
            .extend(["v1", "runs", run_id.as_str()])
            .extend(action);
        Ok(url)
    }

    fn url(&self, path: &str) -> Result<Url, Fault> {
        self.settings.api_url.join(path).map_err(|_| FAULTS.rejected)
    }

    fn with_key(&self, request: Request) -> Request {
        request.header("x-api-key", self.settings.api_key.expose()).wanting(&RETRY_AFTER)
    }
}

#[derive(Deserialize)]
struct RunBody {
    run_id: String,
    status: String,
}

impl RunBody {
    fn run(self) -> Option<Run> {
        let id = RunId::parse(&self.run_id).filter(|_| is_status(&self.status))?;
        Some(Run { id, status: self.status.into() })
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(flatten)]
    body: RunBody,
    title: Option<String>,
}

fn read_run(result: Result<Response, Failure>) -> Result<Run, Fault> {
    read::<RunBody>(result)?.run().ok_or(FAULTS.unreadable)
}

fn read<T: serde::de::DeserializeOwned>(result: Result<Response, Failure>) -> Result<T, Fault> {
    FAULTS.success(result)?.json().map_err(|_| FAULTS.unreadable)
}

/// The response about one run; `None` if Skyvern itself says that it does not know the run. Any other 404, such as a
/// proxy's, or that for a key whose organisation is gone, says nothing about the run.
fn known(result: Result<Response, Failure>) -> Result<Option<Response>, Fault> {
    #[derive(Deserialize)]
    struct Refusal {
        detail: String,
    }
    if let Ok(response) = &result
        && response.status == 404
        && response.json::<Refusal>().is_ok_and(|refusal| refusal.detail.starts_with("Task run not found"))
    {
        return Ok(None);
    }
    FAULTS.success(result).map(Some)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{FAULTS, NewRun, Settings, Skyvern, known, read_run};
    use crate::{
        ids::RunId,
        outgoing::{Failure, LONGEST_RESPONSE, Response},
        secret::Secret,
        testing::{Machine, block_on},
        vendors::{
            Fault,
            skyvern::fault::{CREDITS_EXHAUSTED, leaves_outcome_open},
        },
    };

    fn answered(status: u16, body: &str) -> Result<String, Fault> {
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
            (400, FAULTS.rejected, false),
            (401, FAULTS.unauthorized, false),
            (402, CREDITS_EXHAUSTED, false),
            (403, FAULTS.unauthorized, false),
            (404, FAULTS.rejected, false),
            (408, FAULTS.timed_out, true),
            (422, FAULTS.rejected, false),
            (429, FAULTS.rate_limited, false),
            (302, FAULTS.failed, true),
            (500, FAULTS.failed, true),
            (503, FAULTS.failed, true),
            (504, FAULTS.timed_out, true),
        ] {
            assert_eq!(answered(status, r#"{"detail":"no"}"#), Err(problem), "{status}");
            assert_eq!(leaves_outcome_open(problem), open, "{status}");
        }
        assert_eq!(read_run(Err(Failure::TimedOut)), Err(FAULTS.timed_out));
        assert_eq!(read_run(Err(Failure::Unreachable)), Err(FAULTS.unreachable));
    }

    #[test]
    fn only_skyvern_itself_can_say_that_it_does_not_know_a_run() {
        let asked = |status, body: &str| {
            let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
            known(Ok(response)).map(|response| response.is_some())
        };
        assert_eq!(asked(404, r#"{"detail":"Task run not found tsk_41"}"#), Ok(false));
        assert_eq!(asked(200, "{}"), Ok(true));
        for body in ["", "<html>", r#"{"detail":"Organization not found"}"#, r#"{"detail":"Not Found"}"#] {
            assert_eq!(asked(404, body), Err(FAULTS.rejected), "{body}");
        }
    }

    #[test]
    fn a_run_is_found_by_its_whole_title_and_by_nothing_that_only_resembles_it() {
        let settings = Settings { api_url: "https://api.skyvern.example/".parse().unwrap(), api_key: Secret::new("k") };
        let found = |listed: &[(&str, &str, Option<&str>)]| {
            let listed =
                listed.iter().map(|(id, status, title)| json!({ "run_id": id, "status": status, "title": title }));
            let machine = Machine::new().responds("/v1/runs", 200, listed.collect::<Vec<_>>());
            let upstream = machine.upstream();
            let found = block_on(Skyvern::new(&settings, &upstream).find_by_title("jobraker 7/1"));
            assert!(machine.sent()[0].url.contains("search_key=jobraker+7%2F1&"), "{}", machine.sent()[0].url);
            assert_eq!(machine.sent()[0].headers.get("x-api-key"), Some("k"));
            found.map(|run| run.map(|run| run.id.as_str().to_owned()))
        };
        let others = [
            ("tsk_1", "queued", Some("jobraker 7/12")),
            ("tsk_2", "queued", Some("my jobraker 7/1")),
            ("tsk_3", "queued", Some("Jobraker 7/1")),
            ("tsk_4", "queued", Some("jobraker 7/1 ")),
            ("tsk_5", "queued", Some("jobraker 7")),
            ("tsk_6", "queued", Some("")),
            ("tsk_7", "queued", None),
        ];
        let own = ("tsk_8", "running", Some("jobraker 7/1"));
        assert_eq!(found(&others), Ok(None));
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[&others[..], &[own]].concat()), Ok(Some("tsk_8".to_owned())));
        assert_eq!(found(&[own, ("tsk_9", "queued", own.2)]), Ok(Some("tsk_8".to_owned())), "the newest comes first");
        // It is there, so it must not be taken for absent.
        assert_eq!(found(&[("", "running", own.2)]), Err(FAULTS.unreadable));
        assert_eq!(found(&[("tsk_8", "", own.2)]), Err(FAULTS.unreadable));
    }

    #[test]
    fn a_run_that_is_read_is_the_one_that_was_asked_for() {
        let settings = Settings { api_url: "https://api.skyvern.example/".parse().unwrap(), api_key: Secret::new("k") };
        for (id, answer) in [("tsk_41", Ok(true)), ("tsk_42", Err(FAULTS.unreadable))] {
            let machine = Machine::new().responds("/v1/runs/tsk_41", 200, json!({ "run_id": id, "status": "running" }));
            let upstream = machine.upstream();
            let read = block_on(Skyvern::new(&settings, &upstream).read(&RunId::parse("tsk_41").unwrap()));
            assert_eq!(read.map(|event| event.is_some()), answer, "{id}");
        }
    }

    #[test]
    fn a_cancellation_works_or_meets_no_such_run() {
        let settings = Settings { api_url: "https://api.skyvern.example/".parse().unwrap(), api_key: Secret::new("k") };
        for (status, detail, cancelled) in [
            (200, "", Ok(true)),
            (404, "Task run not found tsk_41", Ok(false)),
            (404, "Not Found", Err(FAULTS.rejected)),
            (500, "", Err(FAULTS.failed)),
        ] {
            let machine = Machine::new().responds("/v1/runs/tsk_41/cancel", status, json!({ "detail": detail }));
            let upstream = machine.upstream();
            let cancel = block_on(Skyvern::new(&settings, &upstream).cancel(&RunId::parse("tsk_41").unwrap()));
            assert_eq!((cancel, machine.sent()[0].method), (cancelled, "POST"), "{status} {detail}");
        }
    }

    #[test]
    fn skyvern_that_is_away_for_a_moment_is_asked_again_when_the_run_would_surely_be_listed() {
        let settings = Settings { api_url: "https://api.skyvern.example/".parse().unwrap(), api_key: Secret::new("k") };
        let started = |status: u16, headers: &[(&str, &str)]| {
            let machine = Machine::new().responds_with("/v1/run/tasks", status, headers, "{}");
            let upstream = machine.upstream();
            block_on(Skyvern::new(&settings, &upstream).start(&new_run())).unwrap_err().retry_after
        };
        assert_eq!(started(503, &[]), Some(Duration::from_mins(2)));
        assert_eq!(started(503, &[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(started(500, &[]), None);
    }

    fn new_run() -> NewRun {
        NewRun {
            prompt: String::new(),
            url: "https://jobs.example/1".parse().unwrap(),
            title: "jobraker-1".to_owned(),
            webhook_url: "https://functions.example/".parse().unwrap(),
            max_steps: 1,
            data_extraction_schema: serde_json::Value::Null,
            error_code_mapping: serde_json::Value::Null,
        }
    }

    #[test]
    fn a_run_id_cannot_lead_to_another_address() {
        let api_url = "https://api.skyvern.example/x/".parse().unwrap();
        let settings = Settings { api_url, api_key: Secret::new("k") };
        let upstream = Machine::new().upstream();
        let skyvern = Skyvern::new(&settings, &upstream);
        let url = |id: &str, action| skyvern.run_url(&RunId::parse(id).unwrap(), action).unwrap();
        assert_eq!(url("tsk_41", Some("cancel")).as_str(), "https://api.skyvern.example/x/v1/runs/tsk_41/cancel");
        let odd = url("../a?b#c/d", None);
        assert!(odd.path().starts_with("/x/v1/runs/") && odd.path_segments().unwrap().count() == 4, "{odd}");
        assert!(odd.query().is_none() && odd.fragment().is_none(), "{odd}");
    }

    #[test]
    fn an_answer_is_read_up_to_a_limit_and_creating_a_run_may_take_half_a_minute() {
        let settings = Settings { api_url: "https://api.skyvern.example/".parse().unwrap(), api_key: Secret::new("k") };
        let run =
            |output: usize| format!(r#"{{"run_id":"tsk_41","status":"completed","output":"{}"}}"#, "x".repeat(output));
        for (length, is_read) in [(LONGEST_RESPONSE - 100, true), (LONGEST_RESPONSE, false)] {
            let machine = Machine::new().responds_with("/v1/runs/tsk_41", 200, &[], run(length));
            let upstream = machine.upstream();
            let read = block_on(Skyvern::new(&settings, &upstream).read(&RunId::parse("tsk_41").unwrap()));
            assert_eq!(read.map(|event| event.is_some()), if is_read { Ok(true) } else { Err(FAULTS.unreadable) });
        }

        let machine = Machine::new().fails("/v1/run/tasks", Failure::TimedOut);
        let upstream = machine.upstream();
        assert_eq!(block_on(Skyvern::new(&settings, &upstream).start(&new_run())), Err(FAULTS.timed_out));
        assert_eq!(machine.waited().as_secs(), 30);
    }

    #[test]
    fn a_success_that_names_no_run_leaves_it_open() {
        for body in ["", "<html>", "{}", r#"{"run_id":"","status":"created"}"#, r#"{"run_id":null,"status":"x"}"#] {
            assert_eq!(answered(200, body), Err(FAULTS.unreadable), "{body}");
        }
    }
}
