//! Tools that cargo compiles: `worker-build` and `wasm-bindgen`.

use std::{path::PathBuf, process::Command};

use super::{log_of, tool};
use crate::{command, failure::Outcome, project::Project};

/// Must be the version of the `worker` crate.
const WORKER_BUILD: &str = "0.8.7";

pub(super) fn install_worker_build(project: &Project) -> Outcome<PathBuf> {
    let folder = install(project, "worker-build", "worker-build", WORKER_BUILD, &["--locked"])?;
    Ok(folder.join("bin/worker-build"))
}

/// wasm-bindgen's program and library only understand each other in the same version.
pub(super) fn install_wasm_bindgen(project: &Project) -> Outcome<PathBuf> {
    let version = project.locked_version("wasm-bindgen")?;
    // Not `--locked`: the lock file that comes with the program does not resolve.
    let folder = install(project, "wasm-bindgen", "wasm-bindgen-cli", &version, &[])?;
    Ok(folder.join("bin/wasm-bindgen"))
}

fn install(project: &Project, name: &str, package: &str, version: &str, flags: &[&str]) -> Outcome<PathBuf> {
    let title = format!("installing {name} {version} (a minute or two)");
    tool(project, &format!("{name}-{version}"), &title, |folder| {
        let mut cargo = Command::new("cargo");
        cargo.args(["install", package, "--version", version, "--bin", name, "--root"]).arg(folder).args(flags);
        // Outside the checkout, whose settings are not meant for tools; in a build folder that is thrown away.
        cargo.current_dir(&project.cache).env("CARGO_TARGET_DIR", folder.join("build"));
        // They run for half a second either way, and compile in less than half the time.
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        command::without_cargo_environment(&mut cargo);
        command::run_logged(&mut cargo, &log_of(project, name)).map_err(|failure| {
            failure.mend(format!("cargo install {package} --version {version}, and read what it says"))
        })?;
        let _ = std::fs::remove_dir_all(folder.join("build"));
        Ok(())
    })
}
