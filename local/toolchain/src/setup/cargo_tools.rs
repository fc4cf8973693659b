//! Tools that cargo compiles: `worker-build` and `wasm-bindgen`, and `cargo-mutants` for whoever asks for it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{NodePackages, PackagingTools, log_of, tool};
use crate::{command, failure::Outcome, project::Project};

/// Must be the version of the `worker` crate.
const WORKER_BUILD: &str = "0.8.7";

const CARGO_MUTANTS: &str = "27.1.0";

/// What cargo installs for the functions.
pub(super) struct CargoTools {
    worker_build: PathBuf,
    wasm_bindgen: PathBuf,
}

impl CargoTools {
    pub(super) fn with(self, node: NodePackages) -> PackagingTools {
        PackagingTools { worker_build: self.worker_build, wasm_bindgen: self.wasm_bindgen, node }
    }
}

pub(super) fn install(project: &Project) -> Outcome<CargoTools> {
    // One build folder for both: they have dependencies in common.
    let build = project.cache.join("cargo-tools.unfinished");
    let worker_build = install_one(project, &build, "worker-build", "worker-build", WORKER_BUILD, &["--locked"])?;
    // wasm-bindgen's program and library only understand each other in the same version.
    let version = project.locked_version("wasm-bindgen")?;
    // Not `--locked`: the lock file that comes with the program does not resolve. Its one default feature is TLS for another
    // program of the package, which runs tests in browsers.
    let flags = ["--no-default-features"];
    let wasm_bindgen = install_one(project, &build, "wasm-bindgen", "wasm-bindgen-cli", &version, &flags)?;
    let _ = fs::remove_dir_all(&build);
    Ok(CargoTools {
        worker_build: worker_build.join("bin/worker-build"),
        wasm_bindgen: wasm_bindgen.join("bin/wasm-bindgen"),
    })
}

/// What changes Rust code in one place at a time.
pub(super) fn install_cargo_mutants(project: &Project) -> Outcome<PathBuf> {
    let build = project.cache.join("cargo-mutants.build");
    let folder = install_one(project, &build, "cargo-mutants", "cargo-mutants", CARGO_MUTANTS, &["--locked"])?;
    let _ = fs::remove_dir_all(&build);
    Ok(folder.join("bin/cargo-mutants"))
}

fn install_one(
    project: &Project,
    build: &Path,
    name: &str,
    package: &str,
    version: &str,
    flags: &[&str],
) -> Outcome<PathBuf> {
    let title = format!("installing {name} {version} (a minute or two)");
    tool(project, &format!("{name}-{version}"), &title, |folder| {
        let mut cargo = Command::new("cargo");
        cargo.args(["install", package, "--version", version, "--bin", name, "--root"]).arg(folder).args(flags);
        // Outside the checkout, whose settings are not meant for tools; in a build folder that is thrown away.
        cargo.current_dir(&project.cache).env("CARGO_TARGET_DIR", build);
        // They run for half a second either way, and compile in less than half the time.
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        command::without_cargo_environment(&mut cargo);
        command::run_logged(&mut cargo, &log_of(project, name)).map_err(|failure| {
            failure.mend(format!("cargo install {package} --version {version}, and read what it says"))
        })
    })
}
