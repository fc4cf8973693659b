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

#[cfg(test)]
mod tests {
    use shared::testing::{secrets_of, secrets_read};

    use super::Settings;

    #[test]
    fn it_needs_the_secrets_that_it_is_handed_and_no_others() {
        assert_eq!(secrets_read::<Settings>(&[]), secrets_of("generate-resume-signed-url"));
    }
}
