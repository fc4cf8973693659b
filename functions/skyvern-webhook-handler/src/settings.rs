//! What this function needs to know.

use shared::{
    config::{Environment, Misconfigured, Supabase},
    http,
    vendors::skyvern::WebhookKeys,
};

/// Read once for each isolate.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) supabase: Supabase,
    pub(crate) webhook_keys: WebhookKeys,
}

impl http::Settings for Settings {
    fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self { supabase: Supabase::read(environment)?, webhook_keys: WebhookKeys::read(environment)? })
    }
}

#[cfg(test)]
mod tests {
    use shared::testing::{secrets_of, secrets_read};

    use super::Settings;

    #[test]
    fn it_needs_the_secrets_that_it_is_handed_and_no_others() {
        assert_eq!(secrets_read::<Settings>(&[]), secrets_of("skyvern-webhook-handler"));
    }
}
