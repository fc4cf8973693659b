//! Where Expo is, and how we show who we are.

use url::Url;

use crate::{
    config::{Environment, Misconfigured},
    secret::Secret,
};

/// Expo's push service.
#[derive(Debug)]
pub struct Settings {
    /// `EXPO_API_URL`, by default Expo's own; ends in `/`.
    pub api_url: Url,
    /// `EXPO_ACCESS_TOKEN`, needed only where the project asks for it. None is sent where there is
    /// none: Expo refuses a wrong one even where none is needed.
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
