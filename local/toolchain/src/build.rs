//! Builds each function as a Cloudflare Worker, in its own `build/` folder, and the program that simulates the vendors.

use std::{
    cmp::Reverse,
    fs::{self, File},
    io::Write as _,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::{
    command,
    failure::{Doing as _, Failure, Outcome},
    progress::{both, say, step},
    project::{Project, hex},
    setup::{self, PackagingTools, StackTools, WasmToolchain},
};

/// Builds the functions of these names, or all, and tells their sizes.
pub fn named(project: &Project, names: &[String]) -> Outcome {
    let names = chosen(project, names)?;
    let (tools, wasm) = both(|| setup::packaging_tools(project), || compile(project, &names))?;
    package(project, &tools, &wasm, &names)?;
    for name in names {
        say!("  {name}: {}", sizes(&folder_of(project, &name))?);
    }
    Ok(())
}

/// Everything that a stack is started from: its tools, all functions, and the simulators, which `simulators` compiles.
/// Nothing of it waits for anything that it does not need, so that a first run keeps all processors busy.
pub fn everything(
    project: &Project,
    simulators: impl FnOnce() -> Outcome<PathBuf> + Send,
) -> Outcome<(StackTools, PathBuf)> {
    let functions = project.functions()?;
    let (simulators, tools) = both(simulators, || {
        let (tools, wasm) = both(|| setup::all_tools(project), || compile(project, &functions))?;
        package(project, &tools.packaging, &wasm, &functions)?;
        Ok(tools.stack)
    })?;
    Ok((tools, simulators))
}

/// The same as it was built last, whatever has changed since.
pub fn as_built(project: &Project) -> Outcome<(StackTools, PathBuf)> {
    Ok((setup::stack_tools(project)?, built_simulators(project)))
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

/// Compiles functions, which is quick when nothing changed.
fn compile(project: &Project, names: &[String]) -> Outcome<WasmToolchain> {
    let wasm = setup::wasm_target(project)?;
    let _lock = lock(project)?;
    let title = match names {
        [name] => format!("compiling {name} to WebAssembly"),
        names => format!("compiling {} functions to WebAssembly", names.len()),
    };
    step(&title, || {
        // For each function the same as the call that worker-build makes, so that its own finds nothing left to do.
        let mut cargo = Command::new("cargo");
        wasm.apply(&mut cargo).env("CARGO_TARGET_DIR", project.wasm_target_folder()).current_dir(&project.root);
        cargo.args(["build", "--lib", "--release", "--target", "wasm32-unknown-unknown"]);
        for name in names {
            cargo.args(["--package", name]);
        }
        command::run_logged(&mut cargo, &project.wasm_target_folder().join("functions.log"))
    })?;
    Ok(wasm)
}

/// Packages (wasm-bindgen, wasm-opt, esbuild) what is new, as many functions at a time as there are processors: none of
/// these programs uses more than one.
fn package(project: &Project, tools: &PackagingTools, wasm: &WasmToolchain, names: &[String]) -> Outcome {
    let _lock = lock(project)?;
    let mut names: Vec<&String> = names.iter().collect();
    // The largest first, so that it is not the last one, with nothing beside it.
    names.sort_by_key(|name| Reverse(compiled(project, name).metadata().map_or(0, |module| module.len())));
    let workers = thread::available_parallelism().map_or(1, usize::from).min(names.len());
    let waiting = Mutex::new(names.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Outcome {
        while let Some(name) = next() {
            package_one(project, tools, wasm, name)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}

/// worker-build's switch: the runtime waits for the response as it does for work after one, so that a caller who hangs up
/// ends nothing. Otherwise a lease that nobody gives back would be left behind. What ends then, the functions decide
/// themselves.
const RUN_TO_COMPLETION: &str = "RUN_TO_COMPLETION";

fn package_one(project: &Project, tools: &PackagingTools, wasm: &WasmToolchain, name: &str) -> Outcome {
    let target = project.wasm_target_folder();
    let folder = folder_of(project, name);
    let fingerprint = fingerprint(&compiled(project, name), tools)?;
    let stamp = target.join(format!("{name}.fingerprint"));
    let whole = folder.join("index.js").is_file() && folder.join("index_bg.wasm").is_file();
    if whole && fs::read_to_string(&stamp).is_ok_and(|found| found == fingerprint) {
        return Ok(());
    }
    step(&format!("packaging {name}"), || {
        let _ = fs::remove_file(&stamp);
        let mut worker_build = Command::new(&tools.worker_build);
        wasm.apply(&mut worker_build)
            .arg("--release")
            .env(RUN_TO_COMPLETION, "1")
            .env("CARGO_TARGET_DIR", &target)
            .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
            .env("ESBUILD_BIN", tools.node.program("esbuild"))
            .env("WASM_OPT_BIN", tools.node.program("wasm-opt"))
            .current_dir(project.root.join("functions").join(name));
        command::run_logged(&mut worker_build, &target.join(format!("{name}.log")))?;
        keep_only_the_worker(&folder)
    })?;
    fs::write(&stamp, fingerprint).doing(|| format!("write {}", stamp.display()))
}

/// The module that cargo compiles, which is not packaged yet.
fn compiled(project: &Project, name: &str) -> PathBuf {
    let folder = project.wasm_target_folder().join("wasm32-unknown-unknown/release");
    folder.join(format!("{}.wasm", name.replace('-', "_")))
}

/// One build at a time in this checkout.
fn lock(project: &Project) -> Outcome<File> {
    let target = project.wasm_target_folder();
    fs::create_dir_all(&target).doing(|| format!("make {}", target.display()))?;
    let lock = File::create(target.join("build.lock")).doing(|| "write the lock of the build".into())?;
    lock.lock().doing(|| "wait for another build".into())?;
    Ok(lock)
}

/// The compiled code and everything that packages it.
fn fingerprint(compiled: &Path, tools: &PackagingTools) -> Outcome<String> {
    let bytes = fs::read(compiled).doing(|| format!("read {}", compiled.display()))?;
    let versions = [&tools.worker_build, &tools.wasm_bindgen].map(|tool| tool.display().to_string()).join(" ");
    Ok(format!("{} {versions} {RUN_TO_COMPLETION} {}", hex(&Sha256::digest(bytes)), tools.node.fingerprint()))
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
    command::run_shown(command::without_cargo_environment(&mut cargo))?;
    Ok(built_simulators(project))
}

fn built_simulators(project: &Project) -> PathBuf {
    project.target_folder().join("debug/simulators")
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
