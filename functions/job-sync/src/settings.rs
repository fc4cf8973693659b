//! What this function needs to know.

use shared::{
    config::{Environment, Misconfigured, Supabase},
    http,
    vendors::jsearch,
};

use crate::queries::{self, NamedQuery};

/// Read once for each isolate.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) supabase: Supabase,
    pub(crate) jsearch: jsearch::Settings,
    /// `JSEARCH_QUERIES`
    pub(crate) queries: Vec<NamedQuery>,
}

impl http::Settings for Settings {
    fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let queries = queries::parse(&environment.required("JSEARCH_QUERIES")?);
        Ok(Self {
            supabase: Supabase::read(environment)?,
            jsearch: jsearch::Settings::read(environment)?,
            queries: queries.map_err(|fault| Misconfigured { name: "JSEARCH_QUERIES", fault })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use shared::testing::{secrets_of, secrets_read};

    use super::Settings;

    #[test]
    fn it_needs_the_secrets_that_it_is_handed_and_no_others() {
        let queries = r#"[{ "name": "cooks", "query": "cook", "country": "us" }]"#;
        assert_eq!(secrets_read::<Settings>(&[("JSEARCH_QUERIES", queries)]), secrets_of("job-sync"));
    }
}
