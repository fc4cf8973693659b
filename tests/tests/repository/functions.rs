//! Everything that lists the functions lists all of them: a function is what has a folder in `functions/`.

use std::{collections::BTreeSet, fs};

use tests::FUNCTIONS;
use toml::{Table, Value};

use crate::{path, text};

/// The folders of `functions/` that hold a crate.
pub(crate) fn functions() -> BTreeSet<String> {
    let folders = fs::read_dir(path("functions")).unwrap().map(Result::unwrap);
    let functions: BTreeSet<_> = folders
        .filter(|folder| folder.path().join("Cargo.toml").is_file())
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect();
    assert!(functions.len() > 7, "{functions:?}");
    functions
}

fn read(file: &str) -> Table {
    text(file).parse().unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn names(table: &Value) -> BTreeSet<String> {
    table.as_table().unwrap().keys().cloned().collect()
}

#[test]
fn the_tests_know_all_functions() {
    assert_eq!(BTreeSet::from(FUNCTIONS.map(|function| function.name.to_owned())), functions());
}

#[test]
fn a_functions_crate_is_named_after_its_folder() {
    for name in functions() {
        assert_eq!(read(&format!("functions/{name}/Cargo.toml"))["package"]["name"].as_str(), Some(&*name));
    }
}

#[test]
fn wrangler_deploys_all_functions_under_their_own_names() {
    let configuration = read("wrangler.toml");
    let environments = &configuration["env"];
    assert_eq!(names(environments), functions());
    for name in functions() {
        let environment = &environments[&*name];
        assert_eq!(environment["name"].as_str(), Some(&*name));
        assert_eq!(environment["main"].as_str(), Some(&*format!("functions/{name}/build/index.js")));
        assert_eq!(environment["build"]["command"].as_str(), Some(&*format!("cargo xtask build {name}")));
    }
}

#[test]
fn every_function_has_a_limit_of_cpu_time_and_runs_near_the_database() {
    let configuration = read("wrangler.toml");
    let limit = |table: &Table| table.get("limits")?.get("cpu_ms")?.as_integer();
    assert!((1..=1_000).contains(&limit(&configuration).unwrap()), "of every function that has none of its own");
    assert_eq!(configuration["placement"]["mode"].as_str(), Some("smart"));
    for name in functions() {
        let environment = configuration["env"][&*name].as_table().unwrap();
        assert!(!environment.contains_key("placement"), "{name}");
        let works_for_minutes = ["job-runner", "job-sync"].contains(&&*name);
        let own = limit(environment);
        assert_eq!(own.is_some(), works_for_minutes, "{name}");
        assert!(own.is_none_or(|own| (30_000..=300_000).contains(&own)), "{name}: the platform's limits");
    }
}

#[test]
fn supabase_leaves_the_check_of_callers_to_every_function() {
    let configuration = read("supabase/config.toml");
    assert_eq!(names(&configuration["functions"]), functions());
    for name in functions() {
        assert_eq!(configuration["functions"][&*name]["verify_jwt"].as_bool(), Some(false), "{name}");
    }
}

#[test]
fn nobody_signs_up_through_supabase_auth() {
    let auth = &read("supabase/config.toml")["auth"];
    assert_eq!(auth["enable_signup"].as_bool(), Some(false));
    assert_eq!(auth["enable_anonymous_sign_ins"].as_bool(), Some(false));
    for way in ["email", "sms"] {
        assert_eq!(auth[way]["enable_signup"].as_bool(), Some(false), "{way}");
    }
}

#[test]
fn the_readme_names_every_function() {
    let readme = text("README.md");
    for name in functions() {
        assert!(readme.contains(&name), "README.md does not name {name}");
    }
}
