//! Whose tokens are accepted, and how they are checked.

use url::Url;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
};

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

#[cfg(test)]
mod tests {
    use super::Clerk;
    use crate::config::Environment;

    #[test]
    fn the_jwks_are_the_issuers_own_unless_set_otherwise() {
        let environment =
            Environment::new(|name| (name == "CLERK_ISSUER").then(|| "https://clerk.example/".to_owned()));
        let clerk = Clerk::read(&environment).unwrap();
        assert_eq!(clerk.issuer, "https://clerk.example");
        assert_eq!(clerk.jwks_url.as_str(), "https://clerk.example/.well-known/jwks.json");
    }
}
