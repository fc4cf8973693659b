//! `cargo xtask deploy`: the functions to Cloudflare, with wrangler.

use std::process::Command;

use crate::{
    arguments::{Arguments, Usage},
    build, command,
    failure::Outcome,
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
    for name in build::chosen(project, &arguments.values)? {
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
