//! What this function needs to know.

use shared::{
    config::{Environment, Misconfigured, Supabase},
    http,
    sign_in::SignIn,
    vendors::skyvern,
};
use url::Url;

/// Read once for each isolate.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) supabase: Supabase,
    pub(crate) sign_in: SignIn,
    pub(crate) skyvern: skyvern::Settings,
    /// `FUNCTIONS_PUBLIC_URL`: where Skyvern reaches `/functions/v1`.
    pub(crate) functions_public_url: Url,
    /// `JOB_URL_RESOLVER_URL`: asks DNS over HTTPS where a posting's address leads. Without it, its spelling decides alone.
    pub(crate) job_url_resolver: Option<Url>,
}

impl http::Settings for Settings {
    fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self {
            supabase: Supabase::read(environment)?,
            sign_in: SignIn::read(environment)?,
            skyvern: skyvern::Settings::read(environment)?,
            functions_public_url: environment.url("FUNCTIONS_PUBLIC_URL", None)?,
            job_url_resolver: environment.optional_url("JOB_URL_RESOLVER_URL")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use shared::testing::{secrets_of, secrets_read};

    use super::Settings;

    #[test]
    fn it_needs_the_secrets_that_it_is_handed_and_no_others() {
        assert_eq!(secrets_read::<Settings>(&[]), secrets_of("initiate-skyvern-application"));
    }
}
