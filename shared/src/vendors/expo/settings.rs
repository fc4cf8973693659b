//! The settings for Expo: its address and our credentials.

use url::Url;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
};

/// Expo's address and our access token.
#[derive(Debug)]
pub struct Settings {
    /// `EXPO_API_URL`, by default Expo's own; ends in `/`.
    pub api_url: Url,
    /// `EXPO_ACCESS_TOKEN`, needed only where the Expo project requires it. Without the setting none is sent, because
    /// Expo refuses a wrong token even where none is needed.
    pub access_token: Option<Secret>,
}

impl Settings {
    /// Reads the two settings.
    ///
    /// # Errors
    /// The first one that is malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let access_token = environment.optional("EXPO_ACCESS_TOKEN");
        Ok(Self {
            api_url: environment.url("EXPO_API_URL", Some("https://exp.host/"))?,
            access_token: access_token.map(|_| environment.secret("EXPO_ACCESS_TOKEN")).transpose()?,
        })
    }
}
