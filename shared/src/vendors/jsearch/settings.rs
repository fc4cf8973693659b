//! The settings for JSearch: its address and our credentials.

use url::Url;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
};

/// JSearch's address and our key.
#[derive(Debug)]
pub struct Settings {
    /// `JSEARCH_API_URL` and `JSEARCH_SEARCH_PATH`: the URL for searches. By default `/search-v2` at
    /// `RapidAPI`, because `/search` is gone for most keys (docs/vendors/jsearch.md#endpoints).
    pub search_url: Url,
    /// `JSEARCH_API_KEY`.
    pub api_key: Secret,
}

impl Settings {
    /// Reads the three settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let api_url = environment.url("JSEARCH_API_URL", Some("https://jsearch.p.rapidapi.com/"))?;
        let path = environment.optional("JSEARCH_SEARCH_PATH").unwrap_or_else(|| "/search-v2".to_owned());
        let path = path.strip_prefix('/').filter(|path| is_path(path));
        let search_url = path.and_then(|path| api_url.join(path).ok());
        Ok(Self {
            search_url: search_url
                .ok_or(Misconfigured { name: "JSEARCH_SEARCH_PATH", fault: "is not a path such as /search-v2" })?,
            api_key: environment.secret("JSEARCH_API_KEY")?,
        })
    }

    /// The headers with our credentials. The two routes to JSearch take different ones
    /// (docs/vendors/jsearch.md#hosts-and-keys).
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let key = self.api_key.expose().to_owned();
        match self.search_url.host_str() {
            Some(host) if host.ends_with(".rapidapi.com") => {
                vec![("x-rapidapi-key", key), ("x-rapidapi-host", host.to_owned())]
            }
            _ => vec![("x-api-key", key)],
        }
    }
}

/// Words between slashes: nothing that leads to another host or folder, and no query.
fn is_path(path: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    path.split('/').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use crate::config::{Environment, Misconfigured};

    fn read(settings: &[(&str, &str)]) -> Result<Settings, Misconfigured> {
        let find = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&Environment::new(find))
    }

    #[test]
    fn each_route_gets_its_own_headers() {
        let rapid = read(&[("JSEARCH_API_KEY", "k")]).unwrap();
        assert_eq!(rapid.search_url.as_str(), "https://jsearch.p.rapidapi.com/search-v2");
        let host = "jsearch.p.rapidapi.com".to_owned();
        assert_eq!(rapid.headers(), [("x-rapidapi-key", "k".to_owned()), ("x-rapidapi-host", host)]);

        let direct = [
            ("JSEARCH_API_KEY", "ak_k"),
            ("JSEARCH_API_URL", "https://api.openwebninja.com/jsearch"),
            ("JSEARCH_SEARCH_PATH", "/search"),
        ];
        let direct = read(&direct).unwrap();
        assert_eq!(direct.search_url.as_str(), "https://api.openwebninja.com/jsearch/search");
        assert_eq!(direct.headers(), [("x-api-key", "ak_k".to_owned())]);
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_named() {
        for path in ["search", "//evil.example", "/../x", "/a b", "/search?x=1", "/", "/https://evil.example"] {
            let error = read(&[("JSEARCH_API_KEY", "k"), ("JSEARCH_SEARCH_PATH", path)]).unwrap_err();
            assert_eq!(error.name, "JSEARCH_SEARCH_PATH", "{path}");
        }
        assert_eq!(read(&[]).unwrap_err().name, "JSEARCH_API_KEY");
    }
}
