//! The settings for Skyvern: its address and our credentials.

use url::Url;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
};

/// Skyvern's address and our key.
#[derive(Debug)]
pub struct Settings {
    /// `SKYVERN_API_URL`, by default Skyvern's cloud; ends in `/`.
    pub api_url: Url,
    /// `SKYVERN_API_KEY`.
    pub api_key: Secret,
}

impl Settings {
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
    use super::Settings;
    use crate::config::Environment;

    #[test]
    fn the_address_defaults_to_the_real_service() {
        let environment = Environment::new(|name| (name == "SKYVERN_API_KEY").then(|| "k".to_owned()));
        assert_eq!(Settings::read(&environment).unwrap().api_url.as_str(), "https://api.skyvern.com/");
    }
}
