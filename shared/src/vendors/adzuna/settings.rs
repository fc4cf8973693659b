//! The settings for Adzuna: its address and our credentials.

use url::Url;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
};

/// Adzuna's address and our credentials.
#[derive(Debug)]
pub struct Settings {
    /// `ADZUNA_API_URL`, by default the real service; ends in `/`.
    pub api_url: Url,
    /// `ADZUNA_APP_ID`. The links in the results contain it too, and Adzuna requires that it stays there.
    pub app_id: Secret,
    /// `ADZUNA_APP_KEY`.
    pub app_key: Secret,
}

impl Settings {
    /// Reads the three settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self {
            api_url: environment.url("ADZUNA_API_URL", Some("https://api.adzuna.com/"))?,
            app_id: environment.secret("ADZUNA_APP_ID")?,
            app_key: environment.secret("ADZUNA_APP_KEY")?,
        })
    }
}
