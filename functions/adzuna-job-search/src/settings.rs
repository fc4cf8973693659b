//! What this function needs to know.

use shared::{
    config::{Environment, Misconfigured, Supabase},
    http,
    sign_in::SignIn,
    vendors::adzuna,
};

/// Read once for each isolate.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) supabase: Supabase,
    pub(crate) sign_in: SignIn,
    pub(crate) adzuna: adzuna::Settings,
}

impl http::Settings for Settings {
    fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        Ok(Self {
            supabase: Supabase::read(environment)?,
            sign_in: SignIn::read(environment)?,
            adzuna: adzuna::Settings::read(environment)?,
        })
    }
}
