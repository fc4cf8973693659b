//! Builds each function as a Cloudflare Worker, in its own `build/` folder, and the program that simulates the vendors.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::{
    command,
    failure::{Doing as _, Failure, Outcome},
    progress::{say, step},
    project::{Project, hex},
    setup::{self, BuildTools},
};

/// Builds the functions of these names, or all, and tells their sizes.
pub fn named(project: &Project, names: &[String]) -> Outcome {
    let tools = setup::build_tools(project)?;
    for name in chosen(project, names)? {
        build(project, &tools, &name)?;
        say!("  {name}: {}", sizes(&folder_of(project, &name))?);
    }
    Ok(())
}

/// Builds all functions and says nothing of those that are up to date.
pub fn all(project: &Project) -> Outcome {
    let tools = setup::build_tools(project)?;
    for name in project.functions()? {
        build(project, &tools, &name)?;
    }
    Ok(())
}

/// The functions that were named, or all.
pub fn chosen(project: &Project, names: &[String]) -> Outcome<Vec<String>> {
    let all = project.functions()?;
    if names.is_empty() {
        return Ok(all);
    }
    match names.iter().find(|name| !all.contains(name)) {
        Some(unknown) => {
            Err(Failure::new(format!("there is no function {unknown}; the functions are {}", all.join(", "))))
        }
        None => Ok(names.to_vec()),
    }
}

fn folder_of(project: &Project, name: &str) -> PathBuf {
    project.root.join("functions").join(name).join("build")
}

/// Compiles, which is quick when nothing changed, and only packages (wasm-bindgen, wasm-opt, esbuild) what is new.
fn build(project: &Project, tools: &BuildTools, name: &str) -> Outcome {
    let target = project.wasm_target_folder();
    fs::create_dir_all(&target).doing(|| format!("make {}", target.display()))?;
    let lock = File::create(target.join("build.lock")).doing(|| "write the lock of the build".into())?;
    lock.lock().doing(|| "wait for another build".into())?;

    let log = target.join(format!("{name}.log"));
    let folder = folder_of(project, name);
    step(&format!("compiling {name} to WebAssembly"), || {
        // The same call that worker-build makes, so that its own finds nothing left to do.
        let mut cargo = Command::new("cargo");
        prepare(project, tools, name, &mut cargo);
        cargo.args(["build", "--lib", "--release", "--target", "wasm32-unknown-unknown"]);
        command::run_logged(&mut cargo, &log)
    })?;
    let compiled = target.join("wasm32-unknown-unknown/release").join(format!("{}.wasm", name.replace('-', "_")));
    let fingerprint = fingerprint(&compiled, tools)?;
    let stamp = target.join(format!("{name}.fingerprint"));
    let whole = folder.join("index.js").is_file() && folder.join("index_bg.wasm").is_file();
    if whole && fs::read_to_string(&stamp).is_ok_and(|found| found == fingerprint) {
        return Ok(());
    }
    step(&format!("packaging {name}"), || {
        let _ = fs::remove_file(&stamp);
        let mut worker_build = Command::new(&tools.worker_build);
        prepare(project, tools, name, &mut worker_build).arg("--release");
        command::run_logged(&mut worker_build, &log)?;
        keep_only_the_worker(&folder)
    })?;
    fs::write(&stamp, fingerprint).doing(|| format!("write {}", stamp.display()))
}

/// The folder, the toolchain and the pinned tools that a build of a function needs.
fn prepare<'c>(project: &Project, tools: &BuildTools, name: &str, command: &'c mut Command) -> &'c mut Command {
    tools
        .wasm
        .apply(command)
        .env("CARGO_TARGET_DIR", project.wasm_target_folder())
        .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
        .env("ESBUILD_BIN", tools.node.program("esbuild"))
        .env("WASM_OPT_BIN", tools.node.program("wasm-opt"))
        .current_dir(project.root.join("functions").join(name))
}

/// The compiled code and everything that packages it.
fn fingerprint(compiled: &Path, tools: &BuildTools) -> Outcome<String> {
    let bytes = fs::read(compiled).doing(|| format!("read {}", compiled.display()))?;
    let versions = [&tools.worker_build, &tools.wasm_bindgen].map(|tool| tool.display().to_string()).join(" ");
    Ok(format!("{} {versions} {}", hex(&Sha256::digest(bytes)), tools.node.fingerprint()))
}

/// worker-build also leaves a `package.json` and an entry for older versions of itself. `.tmp` it takes away by itself.
fn keep_only_the_worker(folder: &Path) -> Outcome {
    for entry in fs::read_dir(folder).doing(|| format!("read {}", folder.display()))?.flatten() {
        if ["index.js", "index_bg.wasm", ".tmp"].iter().any(|kept| entry.file_name() == *kept) {
            continue;
        }
        let path = entry.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.doing(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}

/// The program that simulates the outside world. Built with the features of the whole workspace,
/// so that this and `cargo test` share what they compile.
pub fn simulators(project: &Project) -> Outcome<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--workspace", "--bin", "simulators", "--quiet"]).current_dir(&project.root);
    command::run_shown(&mut cargo)?;
    Ok(project.target_folder().join("debug/simulators"))
}

/// The size of the module, raw and as Cloudflare counts it.
fn sizes(folder: &Path) -> Outcome<String> {
    let module = folder.join("index_bg.wasm");
    let bytes = fs::read(&module).doing(|| format!("read {}", module.display()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes).doing(|| "compress the module".into())?;
    let compressed = gzip.finish().doing(|| "compress the module".into())?;
    Ok(format!("{} KB of WebAssembly, {} KB gzipped", bytes.len() / 1000, compressed.len() / 1000))
}
