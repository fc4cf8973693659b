//! `cargo xtask deploy`: the functions to Cloudflare, with wrangler.

use std::{fs, process::Command};

use crate::{
    arguments::{Arguments, Usage},
    build, command,
    failure::{Doing as _, Outcome},
    progress::say,
    project::Project,
    setup,
};

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
    for name in called_ones_first(build::chosen(project, &arguments.values)?, &text) {
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

/// Cloudflare refuses a function that is bound to one it does not know yet.
fn called_ones_first(mut names: Vec<String>, configuration: &str) -> Vec<String> {
    let is_called = |name: &String| configuration.lines().any(|line| line.trim() == format!("service = \"{name}\""));
    names.sort_by_key(|name| !is_called(name));
    names
}

#[cfg(test)]
mod tests {
    use super::called_ones_first;

    #[test]
    fn a_function_is_deployed_before_those_that_are_bound_to_it() {
        let configuration = "[[env.a.services]]\nbinding = \"C\"\nservice = \"c\"\n";
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(called_ones_first(names, configuration), ["c", "a", "b"]);
    }

    #[test]
    fn internal_functions_have_no_public_route() {
        let configuration = include_str!("../../wrangler.toml");
        let (_, section) = configuration.split_once("[env.trigger-push-notification]").unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        assert!(section.contains("main = ") && !section.contains("route"), "{section}");
        assert!(configuration.contains("\nworkers_dev = false\n"), "nor one under workers.dev");
    }
}
