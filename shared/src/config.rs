//! Settings: the Worker's bindings, typed, checked and named when they are wrong.

use std::fmt;

use url::Url;

use crate::secret::Secret;

/// Where settings come from: the Worker's bindings, or a map in tests.
pub struct Environment<'a>(Box<Lookup<'a>>);

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl<'a> Environment<'a> {
    /// Reads through `get`; an empty value counts as absent.
    #[must_use]
    pub fn new(get: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self(Box::new(get))
    }

    /// A setting that may be absent.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A setting that must be there.
    ///
    /// # Errors
    /// Names it when it is not.
    pub fn required(&self, name: &'static str) -> Result<String, Misconfigured> {
        self.optional(name).ok_or(Misconfigured { name, fault: "is missing" })
    }

    /// A secret that must be there. It travels in headers, so it is printable ASCII.
    ///
    /// # Errors
    /// Names it when it is not there, or has other characters.
    pub fn secret(&self, name: &'static str) -> Result<Secret, Misconfigured> {
        let value = self.required(name)?;
        if value.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Secret::new(value))
        } else {
            Err(Misconfigured { name, fault: "has characters other than printable ASCII" })
        }
    }

    /// An `http` or `https` address that must be there, or the given default. Paths are joined to
    /// it, so it ends in `/` whether or not it was written so.
    ///
    /// # Errors
    /// Names it when it is missing without a default, or malformed.
    pub fn url(&self, name: &'static str, default: Option<&str>) -> Result<Url, Misconfigured> {
        let malformed = Misconfigured { name, fault: "is not an http or https address" };
        let mut text = match (self.optional(name), default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.to_owned(),
            (None, None) => self.required(name)?,
        };
        if !text.ends_with('/') {
            text.push('/');
        }
        match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            _ => Err(malformed),
        }
    }

    /// An `http` or `https` address that may be absent, exactly as it is written: nothing is joined to it.
    ///
    /// # Errors
    /// Names it when it is malformed.
    pub fn optional_url(&self, name: &'static str) -> Result<Option<Url>, Misconfigured> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
            _ => Err(Misconfigured { name, fault: "is not an http or https address" }),
        }
    }

    /// A comma-separated list; empty when absent.
    #[must_use]
    pub fn list(&self, name: &'static str) -> Vec<String> {
        let value = self.optional(name).unwrap_or_default();
        value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment")
    }
}

/// A setting that cannot be used: its name and what is wrong, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name} {fault}")]
pub struct Misconfigured {
    /// The binding's name.
    pub name: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
}

/// The Supabase project, for a function that only ever acts as the person who calls it.
#[derive(Debug)]
pub struct Project {
    /// `SUPABASE_URL`, ends in `/`.
    pub url: Url,
    /// `SUPABASE_ANON_KEY`, of the old (`eyJ…`) or the new kind (`sb_publishable_…`).
    pub anon_key: Secret,
}

impl Project {
    /// Reads the two settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self { url: environment.url("SUPABASE_URL", None)?, anon_key: environment.secret("SUPABASE_ANON_KEY")? })
    }
}

/// The Supabase project with the key that goes around row level security. A function that needs no such thing has a
/// [`Project`], and is not handed the key.
#[derive(Debug)]
pub struct Supabase {
    /// Its address, and the key that names it.
    pub project: Project,
    /// `SUPABASE_SERVICE_ROLE_KEY`, of the old (`eyJ…`) or the new kind (`sb_secret_…`).
    pub service_role_key: Secret,
}

impl Supabase {
    /// Reads the three settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self {
            project: Project::read(environment)?,
            service_role_key: environment.secret("SUPABASE_SERVICE_ROLE_KEY")?,
        })
    }

    /// The credentials for acting as the service. A key of the new kind is no JWT and goes into
    /// `apikey` alone; one of the old kind goes into both (docs/vendors/supabase.md#keys).
    #[must_use]
    pub fn service_headers(&self) -> Vec<(&'static str, String)> {
        let key = self.service_role_key.expose();
        let mut headers = vec![("apikey", key.to_owned())];
        if !key.starts_with("sb_") {
            headers.push(("authorization", format!("Bearer {key}")));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Misconfigured, Supabase};

    fn read(settings: &[(&str, &str)]) -> Result<Supabase, Misconfigured> {
        let find = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Supabase::read(&Environment::new(find))
    }

    #[test]
    fn a_missing_setting_is_named_and_an_empty_one_is_missing() {
        let url = ("SUPABASE_URL", "https://project.supabase.example");
        for settings in [&[url][..], &[url, ("SUPABASE_ANON_KEY", "  ")][..]] {
            let error = read(settings).unwrap_err();
            assert_eq!(error, Misconfigured { name: "SUPABASE_ANON_KEY", fault: "is missing" });
        }
    }

    #[test]
    fn a_malformed_setting_is_named_without_its_value() {
        for url in ["project", "ftp://project.example", "http://"] {
            let error = read(&[("SUPABASE_URL", url)]).unwrap_err();
            assert_eq!(error.name, "SUPABASE_URL");
            assert!(!error.to_string().contains("project"));
        }
    }

    #[test]
    fn a_key_of_the_new_kind_is_never_sent_as_a_bearer() {
        let headers = |key| {
            let project = [("SUPABASE_URL", "https://project.example"), ("SUPABASE_ANON_KEY", "a")];
            read(&[&project[..], &[("SUPABASE_SERVICE_ROLE_KEY", key)]].concat()).unwrap().service_headers()
        };
        assert_eq!(headers("sb_secret_abc_def"), [("apikey", "sb_secret_abc_def".to_owned())]);
        assert_eq!(headers("eyJabc").len(), 2);
    }

    #[test]
    fn an_address_that_may_be_absent_stays_as_it_is_written() {
        let read = |value: &'static str| Environment::new(move |_| Some(value.to_owned())).optional_url("RESOLVER");
        assert_eq!(read("https://dns.example/dns-query").unwrap().unwrap().as_str(), "https://dns.example/dns-query");
        assert_eq!(read(" "), Ok(None));
        for malformed in ["dns.example", "ftp://dns.example", "https://"] {
            assert_eq!(read(malformed).unwrap_err().name, "RESOLVER", "{malformed}");
        }
    }

    #[test]
    fn addresses_end_in_a_slash() {
        let keys = [("SUPABASE_ANON_KEY", "a"), ("SUPABASE_SERVICE_ROLE_KEY", "s")];
        let settings = [&[("SUPABASE_URL", "https://project.example")][..], &keys].concat();
        assert_eq!(read(&settings).unwrap().project.url.as_str(), "https://project.example/");
    }
}
