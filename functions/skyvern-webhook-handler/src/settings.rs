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
