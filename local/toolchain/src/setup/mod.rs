//! Set-up: everything the project needs beside Rust, Node and Python, installed once, in pinned versions.
//!
//! Nothing is installed globally that the machine already has. A tool is made in a temporary folder and renamed
//! when it is whole, so that an interrupted step never looks complete.

mod cargo_tools;
mod node_packages;
mod postgresql;
mod safeupdate;
mod wasm_target;

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::Command,
};

pub use node_packages::NodePackages;
pub use wasm_target::WasmToolchain;

use crate::{
    command,
    failure::{Doing as _, Failure, Outcome},
    progress::{both, step},
    project::Project,
};

/// What makes Cloudflare Workers of compiled functions.
#[derive(Debug)]
pub struct PackagingTools {
    /// Builds a Cloudflare Worker from a crate.
    pub worker_build: PathBuf,
    /// Makes the JavaScript around a WebAssembly module.
    pub wasm_bindgen: PathBuf,
    /// esbuild, wasm-opt and wrangler among others.
    pub node: NodePackages,
}

/// What a stack runs on.
#[derive(Debug, Clone)]
pub struct StackTools {
    /// The folder with `postgres`, `initdb` and `psql`.
    pub postgresql_bin: PathBuf,
    /// A folder of libraries that PostgreSQL loads beside its own.
    pub postgresql_libraries: PathBuf,
    /// PostgREST, the Supabase CLI and Miniflare.
    pub node: NodePackages,
}

/// Both.
#[derive(Debug)]
pub struct AllTools {
    /// What packages the functions.
    pub packaging: PackagingTools,
    /// What runs them.
    pub stack: StackTools,
}

/// Installs what packaging functions needs.
pub fn packaging_tools(project: &Project) -> Outcome<PackagingTools> {
    let _lock = lock(project, SETUP)?;
    let (node, cargo_tools) = both(|| node_packages::install(project), || cargo_tools::install(project))?;
    Ok(cargo_tools.with(node))
}

/// Installs what a stack needs to run.
pub fn stack_tools(project: &Project) -> Outcome<StackTools> {
    let _lock = lock(project, SETUP)?;
    stack_tools_under_lock(project)
}

/// Installs what packaging functions and running them needs.
pub fn all_tools(project: &Project) -> Outcome<AllTools> {
    let _lock = lock(project, SETUP)?;
    let (stack, cargo_tools) = both(|| stack_tools_under_lock(project), || cargo_tools::install(project))?;
    Ok(AllTools { packaging: cargo_tools.with(stack.node.clone()), stack })
}

fn stack_tools_under_lock(project: &Project) -> Outcome<StackTools> {
    let node = node_packages::install(project)?;
    let postgresql_bin = postgresql::install(project)?;
    let postgresql_libraries = safeupdate::install(project, &postgresql_bin)?;
    Ok(StackTools { postgresql_bin, postgresql_libraries, node })
}

/// Installs the compiler for WebAssembly.
pub fn wasm_target(project: &Project) -> Outcome<WasmToolchain> {
    let _lock = lock(project, WASM_TARGET)?;
    wasm_target::install(project)
}

/// Installs the programs from npm.
pub fn node_packages(project: &Project) -> Outcome<NodePackages> {
    let _lock = lock(project, SETUP)?;
    node_packages::install(project)
}

/// Installs cargo-mutants.
pub fn cargo_mutants(project: &Project) -> Outcome<PathBuf> {
    let _lock = lock(project, SETUP)?;
    cargo_tools::install_cargo_mutants(project)
}

/// Installs the linter for WebAssembly code.
pub fn wasm_clippy(project: &Project) -> Outcome<WasmToolchain> {
    let _lock = lock(project, WASM_TARGET)?;
    let wasm = wasm_target::install(project)?;
    wasm_target::install_clippy(project, &wasm)?;
    Ok(wasm)
}

/// The lock of everything that is installed, except for the compiler for WebAssembly.
const SETUP: &str = "setup.lock";

/// The lock of the compiler for WebAssembly, which is installed beside other things.
const WASM_TARGET: &str = "wasm-target.lock";

/// Only one set-up at a time; the lock goes with the process, however that ends.
fn lock(project: &Project, name: &str) -> Outcome<File> {
    let path = project.cache.join(name);
    let file = File::create(&path).map_err(|error| {
        Failure::new(format!("the cache folder {} cannot be written: {error}", project.cache.display()))
            .mend("export JOBRAKER_CACHE_DIR=<a folder you may write>")
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            step("waiting for another set-up to finish", || file.lock().doing(|| "wait for another set-up".into()))?;
        }
        Err(TryLockError::Error(error)) => return Err(error).doing(|| format!("lock {}", path.display())),
    }
    Ok(file)
}

/// Makes `<cache>/<name>` by `fill`, unless it is there already.
fn tool(project: &Project, name: &str, title: &str, fill: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    let folder = project.cache.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let unfinished = project.cache.join(format!("{name}.unfinished"));
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished).doing(|| format!("make {}", unfinished.display()))?;
    step(title, || fill(&unfinished))?;
    fs::rename(&unfinished, &folder).doing(|| format!("rename {}", unfinished.display()))?;
    Ok(folder)
}

/// Where the output of a set-up step goes.
fn log_of(project: &Project, name: &str) -> PathBuf {
    project.cache.join("logs").join(format!("{name}.log"))
}

/// Installs packages of the distribution, if there is a way to without asking.
fn apt_install(project: &Project, packages: &[&str]) -> Outcome {
    let by_hand = format!("sudo apt-get install --no-install-recommends {}", packages.join(" "));
    let missing = |why: &str| Failure::new(format!("{} must be installed, and {why}", packages.join(", ")));
    if command::answer(Command::new("apt-get").arg("--version")).is_none() {
        return Err(missing("this machine has no apt-get"));
    }
    let root = crate::users::is_root();
    if !root && command::answer(Command::new("sudo").args(["-n", "true"])).is_none() {
        return Err(missing("sudo asks for a password").mend(by_hand));
    }
    let apt = |arguments: &[&str]| {
        let mut apt = if root { Command::new("apt-get") } else { Command::new("sudo") };
        if !root {
            apt.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command::run_logged(&mut apt, &log_of(project, "apt-get"))
    };
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(packages);
    step(&format!("installing {} with apt-get", packages.join(", ")), || {
        apt(&install).or_else(|_| {
            // The lists of packages may be missing or old.
            apt(&["update"])?;
            apt(&install)
        })
    })
    .map_err(|failure| failure.mend(by_hand))
}
