//! `cargo xtask deploy`: the functions to Cloudflare, with wrangler.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use serde::Deserialize;

use toolchain::{Doing as _, Failure, Outcome, Project, build, command, progress::say, setup};

use crate::arguments::{Arguments, Usage};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask deploy [FUNCTION…] [--dry-run]

Builds the functions, all of them unless some are named, and deploys each with `wrangler deploy --env FUNCTION`, to the
account that `npx wrangler login` or CLOUDFLARE_API_TOKEN names. Apply the migrations first:
`cargo xtask db up --database-url URL`.

  --dry-run  do everything but the upload; needs no account and no network",
    switches: &["--dry-run"],
    options: &[],
};

/// Runs `cargo xtask deploy`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let node = setup::node_packages(project)?;
    build::named(project, &arguments.values)?;
    let configuration = project.root.join("wrangler.toml");
    let text = fs::read_to_string(&configuration).doing(|| format!("read {}", configuration.display()))?;
    let bound = bindings(&text)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", configuration.display())))?;
    for name in called_ones_first(build::chosen(project, &arguments.values)?, &bound) {
        say!("· wrangler deploy --env {name}");
        let mut wrangler = Command::new(node.program("wrangler"));
        wrangler.args(["deploy", "--env", &name]).current_dir(&project.root).env("WRANGLER_SEND_METRICS", "false");
        if arguments.has("--dry-run") {
            wrangler.args(["--dry-run", "--outdir"]).arg(project.wasm_target_folder().join("deploy").join(&name));
        }
        command::run_shown(&mut wrangler)?;
    }
    Ok(())
}

/// The functions that each function is bound to.
fn bindings(configuration: &str) -> Result<BTreeMap<String, BTreeSet<String>>, toml::de::Error> {
    #[derive(Deserialize)]
    struct Configuration {
        env: BTreeMap<String, Environment>,
    }
    #[derive(Deserialize)]
    struct Environment {
        #[serde(default)]
        services: Vec<Service>,
    }
    #[derive(Deserialize)]
    struct Service {
        service: String,
    }
    let configuration: Configuration = toml::from_str(configuration)?;
    let services = |environment: Environment| environment.services.into_iter().map(|bound| bound.service).collect();
    Ok(configuration.env.into_iter().map(|(name, environment)| (name, services(environment))).collect())
}

/// Cloudflare refuses a function that is bound to one it does not know yet, other than itself. Those that are bound in a
/// circle keep their order: wrangler says what is wrong with them.
fn called_ones_first(names: Vec<String>, bound: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut waiting = names;
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let waits = |name: &String| {
            bound.get(name).into_iter().flatten().any(|called| called != name && waiting.contains(called))
        };
        let next = waiting.iter().position(|name| !waits(name)).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::{bindings, called_ones_first};

    #[test]
    fn a_function_is_deployed_before_those_that_are_bound_to_it() {
        let configuration = r#"
            [env.a]
            services = [{ binding = "A", service = "a" }, { binding = "B", service = "b" }]
            [env.b]
            services = [{ binding = "D", service = "d" }]
            [env.c]
            [env.d]
        "#;
        let names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(called_ones_first(names, &bindings(configuration).unwrap()), ["c", "d", "b", "a"]);
    }

    #[test]
    fn a_circle_does_not_go_on_for_ever() {
        let configuration = r#"
            [env.a]
            services = [{ binding = "B", service = "b" }]
            [env.b]
            services = [{ binding = "A", service = "a" }]
        "#;
        let names = ["a", "b"].map(str::to_owned).to_vec();
        assert_eq!(called_ones_first(names, &bindings(configuration).unwrap()), ["a", "b"]);
    }

    #[test]
    fn internal_functions_have_no_public_route() {
        let configuration = include_str!("../../wrangler.toml");
        for function in ["trigger-push-notification", "job-runner", "job-sync"] {
            let (_, section) = configuration.split_once(&format!("[env.{function}]")).unwrap_or_default();
            let section = section.split("\n[").next().unwrap_or_default();
            assert!(section.contains("main = ") && !section.contains("route"), "{function}: {section}");
        }
        assert!(configuration.contains("\nworkers_dev = false\n"), "nor one under workers.dev");
    }
}
