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
    let tools = setup::build_tools(project)?;
    build::named(project, &arguments.values)?;
    for name in build::chosen(project, &arguments.values)? {
        say!("· wrangler deploy --env {name}");
        let mut wrangler = Command::new(tools.node.program("wrangler"));
        // The build command of wrangler.toml runs once more, and must find the same tools.
        build::environment(project, &tools, &mut wrangler);
        wrangler.args(["deploy", "--env", &name]).current_dir(&project.root);
        if arguments.has("--dry-run") {
            wrangler.args(["--dry-run", "--outdir"]).arg(project.wasm_target_folder().join("deploy").join(&name));
        }
        command::run_shown(&mut wrangler)?;
    }
    Ok(())
}
