//! What this function needs to know.

use shared::{
    config::{Environment, Misconfigured, Project},
    http,
    sign_in::SignIn,
};

/// Read once for each isolate. The service-role key is not among it: the person's own token is enough.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) project: Project,
    pub(crate) sign_in: SignIn,
}

impl http::Settings for Settings {
    fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self { project: Project::read(environment)?, sign_in: SignIn::read(environment)? })
    }
}
