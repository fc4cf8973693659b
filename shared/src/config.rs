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

/// The Supabase project.
#[derive(Debug)]
pub struct Supabase {
    /// `SUPABASE_URL`, ends in `/`.
    pub url: Url,
    /// `SUPABASE_ANON_KEY`, of the old (`eyJ…`) or the new kind (`sb_publishable_…`).
    pub anon_key: Secret,
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
            url: environment.url("SUPABASE_URL", None)?,
            anon_key: environment.secret("SUPABASE_ANON_KEY")?,
            service_role_key: environment.secret("SUPABASE_SERVICE_ROLE_KEY")?,
        })
    }
}

/// The Clerk instance whose session tokens are accepted.
#[derive(Debug)]
pub struct Clerk {
    /// `CLERK_ISSUER`, compared with `iss` to the letter: no slash at the end.
    pub issuer: String,
    /// `CLERK_JWKS_URL`, by default the issuer's `/.well-known/jwks.json`.
    pub jwks_url: Url,
    /// `CLERK_AUTHORIZED_PARTIES`: the values of `azp` that are accepted; empty for any.
    pub authorized_parties: Vec<String>,
}

impl Clerk {
    /// Reads the three settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let issuer_url = environment.url("CLERK_ISSUER", None)?;
        let jwks_url = match environment.optional("CLERK_JWKS_URL") {
            Some(url) => Url::parse(&url).ok(),
            None => issuer_url.join(".well-known/jwks.json").ok(),
        };
        Ok(Self {
            issuer: environment.required("CLERK_ISSUER")?.trim_end_matches('/').to_owned(),
            jwks_url: jwks_url.ok_or(Misconfigured { name: "CLERK_JWKS_URL", fault: "is not an address" })?,
            authorized_parties: environment.list("CLERK_AUTHORIZED_PARTIES"),
        })
    }
}

/// The project's own Supabase Auth, whose tokens are accepted where one of the two ways to check
/// them is configured.
#[derive(Debug)]
pub struct SupabaseAuth {
    /// `iss` of its tokens: `SUPABASE_URL` with `/auth/v1`.
    pub issuer: String,
    /// `SUPABASE_JWKS_URL`: the project's public keys, for ES256.
    pub jwks_url: Option<Url>,
    /// `SUPABASE_JWT_SECRET`: the project's legacy secret, for HS256.
    pub secret: Option<Secret>,
}

impl SupabaseAuth {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let project = environment.url("SUPABASE_URL", None)?;
        let jwks_url = environment.optional("SUPABASE_JWKS_URL").map(|url| Url::parse(&url)).transpose();
        Ok(Self {
            issuer: format!("{project}auth/v1"),
            jwks_url: jwks_url.map_err(|_| Misconfigured { name: "SUPABASE_JWKS_URL", fault: "is not an address" })?,
            secret: environment.optional("SUPABASE_JWT_SECRET").map(Secret::new),
        })
    }

    /// Whether its tokens can be checked at all.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.jwks_url.is_some() || self.secret.is_some()
    }
}

/// Everybody who may say who a person is.
#[derive(Debug)]
pub struct SignIn {
    /// Clerk, always.
    pub clerk: Clerk,
    /// Supabase Auth, where configured.
    pub supabase_auth: SupabaseAuth,
}

impl SignIn {
    /// Reads the settings of both.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self { clerk: Clerk::read(environment)?, supabase_auth: SupabaseAuth::read(environment)? })
    }
}

/// Skyvern, for starting and finding runs.
#[derive(Debug)]
pub struct Skyvern {
    /// `SKYVERN_API_URL`, by default Skyvern's cloud; ends in `/`.
    pub api_url: Url,
    /// `SKYVERN_API_KEY`.
    pub api_key: Secret,
}

impl Skyvern {
    /// Reads the two settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self {
            api_url: environment.url("SKYVERN_API_URL", Some("https://api.skyvern.com/"))?,
            api_key: environment.secret("SKYVERN_API_KEY")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Clerk, Environment, Misconfigured, Skyvern};

    fn environment(settings: &'static [(&str, &str)]) -> Environment<'static> {
        Environment::new(|name| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_missing_setting_is_named_and_an_empty_one_is_missing() {
        for settings in [&[][..], &[("SKYVERN_API_KEY", "  ")][..]] {
            let error = Skyvern::read(&environment(settings)).unwrap_err();
            assert_eq!(error, Misconfigured { name: "SKYVERN_API_KEY", fault: "is missing" });
        }
    }

    #[test]
    fn a_malformed_setting_is_named_without_its_value() {
        for url in ["skyvern", "ftp://skyvern.example", "http://"] {
            let settings: &'static [(&str, &str)] =
                Box::leak(Box::new([("SKYVERN_API_KEY", "k"), ("SKYVERN_API_URL", url)]));
            let error = Skyvern::read(&environment(settings)).unwrap_err();
            assert_eq!(error.name, "SKYVERN_API_URL");
            assert!(!error.to_string().contains("skyvern"));
        }
    }

    #[test]
    fn vendor_addresses_default_to_the_real_services_and_end_in_a_slash() {
        let skyvern = Skyvern::read(&environment(&[("SKYVERN_API_KEY", "k")])).unwrap();
        assert_eq!(skyvern.api_url.as_str(), "https://api.skyvern.com/");
        let clerk = Clerk::read(&environment(&[("CLERK_ISSUER", "https://clerk.example/")])).unwrap();
        assert_eq!(clerk.issuer, "https://clerk.example");
        assert_eq!(clerk.jwks_url.as_str(), "https://clerk.example/.well-known/jwks.json");
    }
}
