//! What this function needs to know.

use shared::{
    config::{Environment, Misconfigured, Supabase},
    http,
    vendors::expo,
};

/// Read once for each isolate.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) supabase: Supabase,
    pub(crate) expo: expo::Settings,
}

impl http::Settings for Settings {
    fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self { supabase: Supabase::read(environment)?, expo: expo::Settings::read(environment)? })
    }
}
