//! Settings for tests: every vendor at an address that does not exist, keys that open nothing.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{config::Environment, http::Settings};

/// The `sub` of the person who signs in.
pub const PERSON_ID: &str = "4aa3c1b8-9c4e-4b0e-8f0e-5d1f6a7b8c9d";

/// What signs their token.
pub(super) const JWT_SECRET: &str = "a secret of the project with more than forty characters";

const SETTINGS: [(&str, &str); 15] = [
    ("SUPABASE_URL", "https://project.supabase.example"),
    ("SUPABASE_ANON_KEY", ANON_KEY),
    ("SUPABASE_SERVICE_ROLE_KEY", SERVICE_ROLE_KEY),
    ("SUPABASE_JWT_SECRET", JWT_SECRET),
    ("CLERK_ISSUER", "https://clerk.example"),
    ("CLERK_WEBHOOK_SECRET", CLERK_WEBHOOK_SECRET),
    ("SKYVERN_API_URL", "https://skyvern.example"),
    ("SKYVERN_API_KEY", "skyvern-key"),
    ("SKYVERN_WEBHOOK_SECRET", "skyvern-key"),
    ("ADZUNA_API_URL", "https://adzuna.example"),
    ("ADZUNA_APP_ID", "app-id"),
    ("ADZUNA_APP_KEY", "app-key"),
    ("EXPO_API_URL", "https://expo.example"),
    ("JSEARCH_API_KEY", "jsearch-key"),
    ("FUNCTIONS_PUBLIC_URL", "https://api.example"),
];

/// What Clerk's webhooks are signed with.
pub(super) const CLERK_WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What names the project to it, beside a person's own token.
pub(super) const ANON_KEY: &str = "eyJanon";

/// What an internal caller shows.
pub(super) const SERVICE_ROLE_KEY: &str = "eyJservice";

/// The environment that the settings are read from, with changes; an empty value takes a setting away.
#[must_use]
pub fn environment<'a>(changes: &'a [(&'a str, &'a str)]) -> Environment<'a> {
    Environment::new(move |name| value(changes, name))
}

fn value(changes: &[(&str, &str)], name: &str) -> Option<String> {
    let mut all = changes.iter().chain(&SETTINGS);
    all.find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
}

/// A function's settings, read from the test environment.
#[must_use]
pub fn settings<S: Settings>() -> &'static S {
    settings_with(&[])
}

/// The same with changes.
///
/// # Panics
/// If they cannot be read.
#[must_use]
pub fn settings_with<S: Settings>(changes: &[(&str, &str)]) -> &'static S {
    match S::read(&environment(changes)) {
        // Settings live as long as the isolate, and here as long as the test's process.
        Ok(settings) => Box::leak(Box::new(settings)),
        Err(misconfigured) => panic!("{misconfigured}"),
    }
}

/// Which functions each secret is for. The local stack hands them out by this list, and docs/configuration.md shows it.
const SECRETS: &str = include_str!("../../../local/stack/secrets.json");

fn secrets() -> BTreeMap<String, BTreeSet<String>> {
    serde_json::from_str(SECRETS).unwrap_or_else(|error| panic!("local/stack/secrets.json: {error}"))
}

/// The secrets that are for a function.
///
/// # Panics
/// If the list cannot be read.
#[must_use]
pub fn secrets_of(function: &str) -> BTreeSet<String> {
    secrets().into_iter().filter(|(_, functions)| functions.contains(function)).map(|(name, _)| name).collect()
}

/// The secrets that a function reads from the test environment, with changes.
///
/// # Panics
/// If the list or the settings cannot be read.
#[must_use]
pub fn secrets_read<S: Settings>(changes: &[(&str, &str)]) -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let watched = Environment::new(|name| {
        names.borrow_mut().insert(name.to_owned());
        value(changes, name)
    });
    if let Err(misconfigured) = S::read(&watched) {
        panic!("{misconfigured}");
    }
    drop(watched);
    let secrets = secrets();
    names.into_inner().into_iter().filter(|name| secrets.contains_key(name)).collect()
}
