//! Searching with JSearch.

use std::time::Duration;

use super::{FAULTS, Next, Page, QUOTA_SPENT, Query, Settings, fault::is_passing};
use crate::{
    outgoing::{Failure, RETRY_AFTER, Request, Response, RetryPolicy, Upstream},
    vendors::fault::{Fault, FaultKind},
};

/// JSearch takes 1.7 seconds and more for a page (docs/vendors/jsearch.md#quota-and-speed).
const TIMEOUT: Duration = Duration::from_secs(20);

/// For one page.
const RETRY: RetryPolicy = RetryPolicy::pausing(&[100, 200]).with_jitter_percent(30);

/// How many requests are left of the quota; some plans have a second, hard limit.
const REMAINING: [&str; 2] = ["x-ratelimit-requests-remaining", "x-ratelimit-rapid-free-plans-hard-limit-remaining"];

/// The headers that are of interest.
const WANTED: [&str; 4] = [REMAINING[0], REMAINING[1], RETRY_AFTER[0], RETRY_AFTER[1]];

/// JSearch's API.
#[derive(Debug)]
pub struct Jsearch<'a> {
    settings: &'a Settings,
    upstream: &'a Upstream,
}

impl<'a> Jsearch<'a> {
    /// A client with these settings.
    #[must_use]
    pub fn new(settings: &'a Settings, upstream: &'a Upstream) -> Self {
        Self { settings, upstream }
    }

    /// Returns one page of results: the first one, or the one that another page named as its next. A passing fault is
    /// tried again, but not a spent quota.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn search(&self, query: &Query, position: Option<&Next>) -> Result<Page, Fault> {
        let mut pauses = RETRY.pauses();
        loop {
            let result = self.upstream.send("jsearch", self.request(query, position)).await;
            match read(result, position) {
                Err(fault) if is_passing(fault) => self.upstream.wait(pauses.next().ok_or(fault)?).await,
                outcome => return outcome,
            }
        }
    }

    fn request(&self, query: &Query, position: Option<&Next>) -> Request {
        let mut url = self.settings.search_url.clone();
        url.query_pairs_mut().extend_pairs(query.parameters());
        match position {
            None => {}
            Some(Next::Cursor(cursor)) => drop(url.query_pairs_mut().append_pair("cursor", cursor)),
            Some(Next::Number(number)) => drop(url.query_pairs_mut().append_pair("page", &number.to_string())),
        }
        Request::get(url)
            .header("accept", "application/json")
            .headers(self.settings.headers())
            .wanting(&WANTED)
            .within(TIMEOUT)
    }
}

fn read(result: Result<Response, Failure>, position: Option<&Next>) -> Result<Page, Fault> {
    let response = FAULTS.response(result)?;
    let is_spent = |name: &&str| response.headers.get(name).is_some_and(|left| left.trim() == "0");
    let quota_is_spent = REMAINING.iter().any(is_spent);
    if response.is_success() {
        let page = Page::parse(&response.body, position).ok_or(FAULTS.unreadable)?;
        return Ok(Page { quota_is_spent, ..page });
    }
    let fault = FAULTS.refusal(&response);
    let says_spent = || String::from_utf8_lossy(&response.body).contains("MONTHLY");
    let is_spent = fault.kind == FaultKind::RateLimited && (quota_is_spent || says_spent());
    Err(if is_spent { QUOTA_SPENT } else { fault })
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, Jsearch, Next, QUOTA_SPENT, Query, Settings, read};
    use crate::{
        outgoing::{Failure, Response},
        secret::Secret,
        testing::{Machine, block_on},
        vendors::{
            Fault,
            jsearch::{DatePosted, fault::UNKNOWN_PATH},
        },
    };

    fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Result<bool, Fault> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        read(Ok(response), None).map(|page| page.quota_is_spent)
    }

    #[test]
    fn a_refusal_or_failure_is_told_by_its_meaning() {
        let monthly = r#"{"message":"You have exceeded the MONTHLY quota for Requests on your current plan, BASIC."}"#;
        for (status, body, problem) in [
            (302, "", FAULTS.failed),
            (400, r#"{"message":"query is missing"}"#, FAULTS.rejected),
            (401, "", FAULTS.unauthorized),
            (403, r#"{"message":"You are not subscribed to this API."}"#, FAULTS.unauthorized),
            (404, r#"{"message":"Endpoint '/search' does not exist"}"#, UNKNOWN_PATH),
            (429, monthly, QUOTA_SPENT),
            (429, r#"{"message":"Too many requests"}"#, FAULTS.rate_limited),
            (500, "<html>", FAULTS.failed),
            (503, "", FAULTS.failed),
            (504, "", FAULTS.timed_out),
            (200, "<html>", FAULTS.unreadable),
            (200, r#"{"status":"OK","data":null}"#, FAULTS.unreadable),
        ] {
            assert_eq!(answered(status, &[], body), Err(problem), "{status} {body}");
        }
        assert_eq!(read(Err(Failure::TimedOut), None), Err(FAULTS.timed_out));
        assert_eq!(read(Err(Failure::Unreachable), None), Err(FAULTS.unreachable));
    }

    #[test]
    fn a_passing_fault_is_tried_again_twice_and_another_never() {
        let settings = settings();
        let page = r#"{"status":"OK","data":[]}"#;
        let spent = [("x-ratelimit-requests-remaining", "0")];
        for (answers, calls, outcome) in [
            (vec![(500, &[][..]), (429, &[]), (200, &[])], 3, Ok(())),
            (vec![(503, &[]), (503, &[]), (504, &[])], 3, Err(FAULTS.timed_out)),
            (vec![(429, &spent)], 1, Err(QUOTA_SPENT)),
            (vec![(401, &[])], 1, Err(FAULTS.unauthorized)),
            (vec![(400, &[])], 1, Err(FAULTS.rejected)),
            (vec![(404, &[])], 1, Err(UNKNOWN_PATH)),
        ] {
            let machine = answers.iter().fold(Machine::new(), |machine, (status, headers)| {
                machine.responds_with("/search-v2", *status, headers, page)
            });
            let upstream = machine.upstream();
            let found = block_on(Jsearch::new(&settings, &upstream).search(&query(), None)).map(|_| ());
            assert_eq!((machine.sent().len(), found), (calls, outcome), "{answers:?}");
            let paused = [0, 0, 0, 300][calls];
            assert!(machine.waited().as_millis() >= paused, "it pauses in between");
        }
    }

    fn settings() -> Settings {
        let search_url = "https://jsearch.p.rapidapi.com/search-v2".parse().unwrap();
        Settings { search_url, api_key: Secret::new("hunter2") }
    }

    fn query() -> Query {
        Query {
            query: "nurse in Leeds".to_owned(),
            country: "gb".to_owned(),
            language: None,
            date_posted: DatePosted::All,
            work_from_home: false,
            employment_types: Vec::new(),
        }
    }

    #[test]
    fn the_last_answer_of_the_allowance_is_known_as_such() {
        let empty = r#"{"status":"OK","data":[]}"#;
        let requests = "X-RateLimit-Requests-Remaining";
        assert_eq!(answered(200, &[], empty), Ok(false));
        assert_eq!(answered(200, &[(requests, "1")], empty), Ok(false));
        assert_eq!(answered(200, &[(requests, "0")], empty), Ok(true));
        let hard = "x-ratelimit-rapid-free-plans-hard-limit-remaining";
        assert_eq!(answered(200, &[(requests, "7"), (hard, "0")], empty), Ok(true));
        assert_eq!(answered(429, &[(requests, "0")], "{}"), Err(QUOTA_SPENT));
    }

    #[test]
    fn the_key_is_in_a_header_and_the_page_in_the_address() {
        let settings = settings();
        let upstream = Machine::new().upstream();
        let query = query();
        let address = |position: Option<Next>| {
            let request = Jsearch::new(&settings, &upstream).request(&query, position.as_ref());
            assert_eq!(request.header_named("x-rapidapi-key"), Some("hunter2"));
            request.url().to_string()
        };
        let first =
            "https://jsearch.p.rapidapi.com/search-v2?query=nurse+in+Leeds&country=gb&num_pages=1&date_posted=all";
        assert_eq!(address(None), first);
        assert_eq!(address(Some(Next::Cursor("a&b".to_owned()))), format!("{first}&cursor=a%26b"));
        assert_eq!(address(Some(Next::Number(2))), format!("{first}&page=2"));
    }
}
