//! A request to another server, and its response.

use std::{io::Write as _, rc::Rc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use serde::de::DeserializeOwned;
use url::Url;

use crate::headers::Headers;

/// The timeout of a request, unless it sets another one.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// As many bytes of a response are read, unless the request sets another limit: no vendor's answer that is of use to us is
/// longer, and an endless one must not fill the isolate's memory. As long as Skyvern's webhooks, which carry the same.
pub const LONGEST_RESPONSE: usize = 4 * 1024 * 1024;

/// A request to another server. A clone shares the body, which may be long. It has no `Debug`, because there are secrets
/// in the headers.
#[derive(Clone)]
pub struct Request {
    method: &'static str,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Option<Rc<Vec<u8>>>,
    wanted_headers: &'static [&'static str],
    timeout: Duration,
    longest_response: Option<usize>,
}

impl Request {
    /// A GET request.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self {
            method: "GET",
            url,
            headers: Vec::new(),
            body: None,
            wanted_headers: &[],
            timeout: TIMEOUT,
            longest_response: Some(LONGEST_RESPONSE),
        }
    }

    /// A POST request with JSON text.
    #[must_use]
    pub fn post_json(url: Url, json: impl Into<Vec<u8>>) -> Self {
        let request = Self { method: "POST", body: Some(Rc::new(json.into())), ..Self::get(url) };
        request.header("content-type", "application/json")
    }

    /// A DELETE request with JSON text.
    #[must_use]
    pub fn delete_json(url: Url, json: impl Into<Vec<u8>>) -> Self {
        Self { method: "DELETE", ..Self::post_json(url, json) }
    }

    /// Adds a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub fn headers(mut self, headers: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Names the response headers that are of interest; the others are not read.
    #[must_use]
    pub fn wanting(mut self, headers: &'static [&'static str]) -> Self {
        self.wanted_headers = headers;
        self
    }

    /// Sets another timeout than [`TIMEOUT`].
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Reads the response however long it is. For our own database, which decides by itself how much it returns: counting
    /// costs more than the rest of a small function.
    #[must_use]
    pub fn of_any_length(mut self) -> Self {
        self.longest_response = None;
        self
    }

    pub(crate) fn longest_response(&self) -> Option<usize> {
        self.longest_response
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    pub(crate) fn all_headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    pub(crate) fn wanted_headers(&self) -> &'static [&'static str] {
        self.wanted_headers
    }

    /// Compresses the body with gzip if it is longer than this many bytes.
    #[must_use]
    pub fn compressed_above(mut self, length: usize) -> Self {
        let Some(body) = self.body().filter(|body| body.len() > length) else { return self };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory cannot fail; if it did, the body would be sent as it is.
        if gzip.write_all(body).is_ok()
            && let Ok(compressed) = gzip.finish()
        {
            self.body = Some(Rc::new(compressed));
            return self.header("content-encoding", "gzip");
        }
        self
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_ref().map(|body| body.as_slice())
    }

    /// The value of a header, named in lower case.
    #[must_use]
    pub fn header_named(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// A response, read to its end.
#[derive(Debug, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Those of the headers that the request named which were present.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of the expected shape.
    ///
    /// # Errors
    /// When it is something else, such as a proxy's HTML page.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came within the timeout.
    TimedOut,
    /// The connection could not be made, or broke.
    Unreachable,
    /// There is one, but longer than the request's limit.
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn a_body_is_compressed_only_if_it_is_longer_than_that() {
        let request =
            |length: usize| Request::post_json("https://vendor.example/".parse().unwrap(), vec![b' '; length]);
        let at_the_limit = request(1000).compressed_above(1000);
        assert_eq!(
            (at_the_limit.body().map(<[u8]>::len), at_the_limit.header_named("content-encoding")),
            (Some(1000), None)
        );
        let longer = request(1001).compressed_above(1000);
        assert!(longer.body().is_some_and(|body| body.len() < 100));
        assert_eq!(longer.header_named("content-encoding"), Some("gzip"));
    }
}
