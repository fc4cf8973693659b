//! Searching with Adzuna.

use url::Url;

use super::{FAULTS, Page, Query, Settings};
use crate::{
    outgoing::{Failure, Request, Response, Upstream},
    vendors::fault::Fault,
};

/// Adzuna's API.
#[derive(Debug)]
pub struct Adzuna<'a> {
    settings: &'a Settings,
    upstream: &'a Upstream,
}

impl<'a> Adzuna<'a> {
    /// A client with these settings.
    #[must_use]
    pub fn new(settings: &'a Settings, upstream: &'a Upstream) -> Self {
        Self { settings, upstream }
    }

    /// Returns one page of results. Every attempt counts against a small quota, also a failed one, so none is repeated
    /// here.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn search(&self, query: &Query) -> Result<Page, Fault> {
        let request = Request::get(self.url(query)?).header("accept", "application/json").wanting(&[
            "content-type",
            "retry-after",
            "date",
        ]);
        read(self.upstream.send("adzuna", request).await)
    }

    /// The URL contains the key, so it is never logged, and no error repeats it.
    fn url(&self, query: &Query) -> Result<Url, Fault> {
        let path = format!("v1/api/jobs/{}/search/{}", query.country.code, query.page);
        let mut url = self.settings.api_url.join(&path).map_err(|_| FAULTS.rejected)?;
        url.query_pairs_mut()
            .append_pair("app_id", self.settings.app_id.expose())
            .append_pair("app_key", self.settings.app_key.expose())
            .extend_pairs(query.parameters());
        Ok(url)
    }
}

/// Looks at the status, then at the media type, and only then into the body: a proxy's page is a failure, not an empty
/// result.
fn read(result: Result<Response, Failure>) -> Result<Page, Fault> {
    let response = FAULTS.success(result)?;
    let is_json = response.headers.get("content-type").is_none_or(|media_type| media_type.contains("json"));
    is_json.then(|| Page::parse(&response.body)).flatten().ok_or(FAULTS.unreadable)
}

#[cfg(test)]
mod tests {
    use super::{super::Country, Adzuna, FAULTS, Query, Settings, read};
    use crate::{
        headers::Headers,
        outgoing::{Failure, Response},
        secret::Secret,
        testing::Machine,
        vendors::Fault,
    };

    fn answered(status: u16, media_type: &str, body: &str) -> Result<usize, Fault> {
        let headers: Headers = [("content-type".to_owned(), media_type.to_owned())].into_iter().collect();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        read(Ok(response)).map(|page| page.postings.len())
    }

    #[test]
    fn a_refusal_or_failure_is_told_by_its_meaning() {
        for (status, problem) in [
            (302, FAULTS.failed),
            (400, FAULTS.rejected),
            (401, FAULTS.unauthorized),
            (403, FAULTS.unauthorized),
            (404, FAULTS.rejected),
            (408, FAULTS.timed_out),
            (410, FAULTS.unauthorized),
            (429, FAULTS.rate_limited),
            (500, FAULTS.failed),
            (503, FAULTS.failed),
            (504, FAULTS.timed_out),
        ] {
            assert_eq!(answered(status, "application/json", r#"{"results":[]}"#), Err(problem), "{status}");
        }
        assert_eq!(read(Err(Failure::TimedOut)).unwrap_err(), FAULTS.timed_out);
        assert_eq!(read(Err(Failure::Unreachable)).unwrap_err(), FAULTS.unreachable);
    }

    #[test]
    fn a_success_that_is_no_result_is_no_empty_result() {
        assert_eq!(answered(200, "application/json; charset=utf8", r#"{"results":[]}"#), Ok(0));
        for (media_type, body) in [
            ("text/html", "<html></html>"),
            ("text/html", r#"{"results":[]}"#),
            ("application/json", "<html></html>"),
            ("application/json", ""),
            ("application/json", "{}"),
            ("application/json", r#"{"results":null}"#),
            ("application/json", r#"{"results":{}}"#),
        ] {
            assert_eq!(answered(200, media_type, body), Err(FAULTS.unreadable), "{media_type} {body}");
        }
    }

    #[test]
    fn the_address_has_known_names_only_and_says_nothing_that_was_not_asked() {
        let settings = Settings {
            api_url: "https://api.adzuna.example/".parse().unwrap(),
            app_id: Secret::new("id"),
            app_key: Secret::new("key"),
        };
        let upstream = Machine::new().upstream();
        let query = Query {
            country: Country::find("gb").unwrap(),
            page: 2,
            page_size: 20,
            what: Some("c++ & rust".to_owned()),
            what_exclude: None,
            title_only: None,
            location: Some("London".to_owned()),
            distance: Some(10),
            max_days_old: None,
            category: None,
            company: None,
            salary_min: Some(50_000),
            salary_max: None,
            salary_include_unknown: false,
            full_time: true,
            part_time: false,
            contract: false,
            permanent: false,
            sort_by: None,
            sort_dir: None,
        };
        assert_eq!(
            Adzuna::new(&settings, &upstream).url(&query).unwrap().as_str(),
            "https://api.adzuna.example/v1/api/jobs/gb/search/2?app_id=id&app_key=key&results_per_page=20\
             &what=c%2B%2B+%26+rust&where=London&distance=10&salary_min=50000&full_time=1"
        );
    }
}
