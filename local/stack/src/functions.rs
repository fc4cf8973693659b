//! The functions, in workerd, as `wrangler.toml` deploys them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::json;

use super::{Settings, description::write_private, part::Part, protocol::Program};
use toolchain::{Doing as _, Outcome};

pub(super) fn program(settings: &Settings) -> Outcome<Program> {
    let file = settings.folder.join("functions.json");
    write_private(&file, configuration(settings)?.to_string().as_bytes())?;
    let script = settings.project.root.join("local/stack/functions.mjs").display().to_string();
    let arguments = ["--enable-source-maps", &script, &file.display().to_string()];
    Ok(settings.program(Part::Functions.name(), "node", &arguments))
}

/// What the script needs to know. The bindings hold for every function; the settings that the person names override them.
fn configuration(settings: &Settings) -> Outcome<serde_json::Value> {
    let root = &settings.project.root;
    Ok(json!({
        "port": settings.ports.functions,
        "wranglerConfiguration": root.join("wrangler.toml"),
        "overrides": settings.options.vars,
        "bindings": bindings(settings)?,
    }))
}

/// What ties the functions to this stack and to no real vendor.
pub(super) fn bindings(settings: &Settings) -> Outcome<BTreeMap<String, String>> {
    let keys = settings.keys()?;
    let gateway = Settings::url(settings.ports.gateway);
    let vendors = Settings::url(settings.ports.simulators);
    let signing_keys = format!("{},{}", keys.skyvern_api_key, keys.skyvern_previous_api_key);
    let clerk_secrets = format!("{},{}", keys.clerk_webhook_secret, keys.clerk_previous_webhook_secret);
    let bindings = [
        ("SUPABASE_URL", gateway.clone()),
        ("SUPABASE_ANON_KEY", keys.anon_key),
        ("SUPABASE_SERVICE_ROLE_KEY", keys.service_role_key),
        ("SUPABASE_JWT_SECRET", keys.jwt_secret),
        ("SUPABASE_JWKS_URL", format!("{gateway}/auth/v1/.well-known/jwks.json")),
        ("CLERK_ISSUER", format!("{vendors}/clerk")),
        ("CLERK_WEBHOOK_SECRET", clerk_secrets),
        ("SKYVERN_API_URL", format!("{vendors}/skyvern")),
        ("SKYVERN_API_KEY", keys.skyvern_api_key),
        ("SKYVERN_WEBHOOK_SECRET", signing_keys),
        ("EXPO_API_URL", format!("{vendors}/expo")),
        ("ADZUNA_API_URL", format!("{vendors}/adzuna")),
        // The simulator knows these two and no others; they are worth nothing anywhere else.
        ("ADZUNA_APP_ID", "0a1b2c3d".to_owned()),
        ("ADZUNA_APP_KEY", "00112233445566778899aabbccddeeff".to_owned()),
        ("JSEARCH_API_URL", format!("{vendors}/jsearch")),
        ("JSEARCH_API_KEY", "ak_0123456789abcdef0123456789abcdef".to_owned()), // likewise
        ("JSEARCH_QUERIES", job_queries()),
        ("FUNCTIONS_PUBLIC_URL", gateway),
    ];
    Ok(bindings.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Ten queries of fifty pages: the simulator costs nothing, and a catalogue of some size is more like a real one.
fn job_queries() -> String {
    let queries: Vec<_> = (1..=10)
        .map(|number| {
            json!({ "name": format!("local-{number}"), "query": format!("clerk in town {number:02}"), "country": "us", "pages": 50 })
        })
        .collect();
    json!(queries).to_string()
}

/// The names of the settings that the person's own file replaces.
pub(super) fn replaced_settings(settings: &Settings) -> Outcome<BTreeSet<String>> {
    let Some(file) = &settings.options.vars else {
        return Ok(BTreeSet::new());
    };
    let text = fs::read_to_string(file).doing(|| format!("read {}", file.display()))?;
    Ok(names(&text))
}

/// The values do not matter here, and a line of a longer value that looks like a setting is named, too: one name too many
/// does no harm.
fn names(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("export "));
    lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn replaced_settings_are_named_however_they_are_written() {
        let text = "# SKYVERN_API_KEY=old\n\nexport SKYVERN_API_URL = \"https://api.skyvern.com\"\n  EXPO_ACCESS_TOKEN=a=b\r\nEMPTY=\n";
        let names = names(text);
        for name in ["SKYVERN_API_URL", "EXPO_ACCESS_TOKEN", "EMPTY"] {
            assert!(names.contains(name), "{name}: {names:?}");
        }
        assert!(!names.contains("SKYVERN_API_KEY"), "{names:?}");
    }
}
