//! PostgREST, set up as a hosted project is.

use super::{Settings, part::Part, protocol::Program};
use toolchain::Outcome;

pub(super) fn program(settings: &Settings) -> Outcome<Program> {
    let mut program = settings.program(Part::Postgrest.name(), settings.tools.node.postgrest()?, &[]);
    let mut set = |name: &str, value: String| program.environment.insert(format!("PGRST_{name}"), value);
    set("DB_URI", settings.database_url("authenticator"));
    set("DB_SCHEMAS", "public".into());
    set("DB_EXTRA_SEARCH_PATH", "public, extensions".into());
    set("DB_ANON_ROLE", "anon".into());
    set("DB_MAX_ROWS", "1000".into());
    set("DB_POOL", "20".into());
    // The public keys of Clerk and of Supabase Auth and the project's own secret, side by side.
    set("JWT_SECRET", format!("@{}", settings.keys_folder().join("jwks.json").display()));
    set("SERVER_HOST", "127.0.0.1".into());
    set("SERVER_PORT", settings.ports.postgrest.to_string());
    set("ADMIN_SERVER_PORT", settings.ports.postgrest_admin.to_string());
    set("LOG_LEVEL", "warn".into());
    Ok(program)
}
