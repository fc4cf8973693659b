//! An HTTP answer, read to its end.

use std::fmt;

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Status, headers and body of an answer.
pub struct Reply {
    /// Such as 202.
    pub status: u16,
    /// All of them.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON, null if it is none.
    pub json: Value,
    asked: String,
}

impl Reply {
    /// Sends the request and reads the whole answer.
    ///
    /// # Panics
    /// Without an answer.
    pub async fn to(request: RequestBuilder) -> Self {
        Self::try_to(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// The same, for a test that expects no answer.
    pub async fn try_to(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let (client, request) = request.build_split();
        let request = request?;
        let asked = format!("{} {}", request.method(), request.url());
        let answer = client.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { status, headers, text, json, asked })
    }

    /// A header as text, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `code` of a problem, empty if there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The run that `initiate-skyvern-application` answers with.
    ///
    /// # Panics
    /// Without one.
    #[must_use]
    #[track_caller]
    pub fn run_id(&self) -> &str {
        self.json["run_id"].as_str().unwrap_or_else(|| panic!("no run_id in {self:?}"))
    }

    /// The reply itself, if it has this status.
    ///
    /// # Panics
    /// With any other one, showing the whole reply.
    #[track_caller]
    #[expect(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "it is an assertion as well")]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The reply itself, if it is a problem with this status and code.
    ///
    /// # Panics
    /// With any other answer, showing the whole reply.
    #[track_caller]
    #[expect(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "it is an assertion as well")]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let media_type = self.header("content-type");
        assert_eq!((self.status, self.code(), media_type), (status, code, "application/problem+json"), "{self:?}");
        self
    }

    /// A successful answer as a value.
    ///
    /// # Panics
    /// If it is none, or of another shape.
    #[must_use]
    #[track_caller]
    pub fn parse<T: DeserializeOwned>(&self) -> T {
        assert!((200..300).contains(&self.status), "{self:?}");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "the answer to {}:\n  {}", self.asked, self.status)?;
        for (name, value) in &self.headers {
            writeln!(formatter, "  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(formatter, "\n  {}", self.text)
    }
}
