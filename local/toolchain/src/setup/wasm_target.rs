//! A compiler for `wasm32-unknown-unknown`: rustup's where it can be had, else the distribution's.
//!
//! The second way is for machines without rustup, or where rustup cannot download anything. Debian's `rustc-web` has the
//! source of the standard library but not its WebAssembly build, so that is made here, once.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{apt_install, log_of, tool};
use crate::{
    command,
    failure::{Doing as _, Failure, Outcome},
    progress::{say, step},
    project::Project,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// The packages of the distribution's compiler.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Minor version of the oldest compiler that the `worker` crate accepts.
const OLDEST_MINOR: u32 = 91;

/// Which cargo builds WebAssembly.
#[derive(Debug)]
pub enum WasmToolchain {
    /// The same one that builds everything else.
    Default,
    /// The distribution's: a folder with only its programs, to be put first on the PATH, and the linker it lacks.
    Distribution {
        /// `cargo`, `rustc` and their companions.
        programs: PathBuf,
        /// A file that must be called `rust-lld`, since the compiler knows the linker's kind by the name.
        linker: PathBuf,
    },
}

impl WasmToolchain {
    /// Makes a command, and the cargo and rustc that it may start, use this toolchain.
    pub fn apply<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command::without_cargo_environment(command);
        if let Self::Distribution { programs, linker } = self {
            let path = env::var_os("PATH").unwrap_or_default();
            let folders = [programs.clone()].into_iter().chain(env::split_paths(&path));
            command.env("PATH", env::join_paths(folders).unwrap_or(path));
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

pub(super) fn install(project: &Project) -> Outcome<WasmToolchain> {
    if compiles(project, "rustc") {
        return Ok(WasmToolchain::Default);
    }
    if compiles(project, "/usr/bin/rustc") {
        return distribution(project);
    }
    if command::answer(Command::new("rustup").arg("--version")).is_some() {
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", TARGET]);
        let added = step("adding the WebAssembly target with rustup", || {
            command::run_logged(&mut rustup, &log_of(project, "rustup"))
        });
        if added.is_ok() && compiles(project, "rustc") {
            return Ok(WasmToolchain::Default);
        }
        say!("  rustup cannot bring it here; taking the distribution's compiler instead");
    }
    install_distribution(project).map_err(|failure| failure.mend(format!("rustup target add {TARGET}")))?;
    distribution(project)
}

/// The distribution's clippy, where its compiler is the one in use. rustup's comes with the toolchain.
pub(super) fn install_clippy(project: &Project, toolchain: &WasmToolchain) -> Outcome {
    match toolchain {
        WasmToolchain::Distribution { .. } if !Path::new("/usr/bin/cargo-clippy").exists() => {
            apt_install(project, &["rust-web-clippy"])?;
            distribution(project).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Whether this compiler is new enough and really makes WebAssembly: the one proof that its library is there and fits.
fn compiles(project: &Project, rustc: &str) -> bool {
    let Some(version) = command::answer(Command::new(rustc).arg("--version")) else {
        return false;
    };
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < OLDEST_MINOR) {
        return false;
    }
    let mut rustc = Command::new(rustc);
    // A file of its own: as root, rustc would put its output in the place of /dev/null itself.
    rustc.args(["--target", TARGET, "--crate-type=lib", "--emit=metadata", "--crate-name=probe"]);
    rustc.arg("-o").arg(project.cache.join("probe.rmeta")).arg("-");
    let Ok(mut child) = rustc.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        return false;
    };
    let written = child.stdin.take().is_some_and(|mut source| source.write_all(b"pub fn probe() {}").is_ok());
    child.wait().is_ok_and(|status| written && status.success())
}

/// Makes a folder that holds the distribution's programs and nothing else of `/usr/bin`, which must not come first on
/// the PATH as a whole: it may hold an old Node, for example.
fn distribution(project: &Project) -> Outcome<WasmToolchain> {
    let programs = project.cache.join("distribution-rust");
    fs::create_dir_all(&programs).doing(|| format!("make {}", programs.display()))?;
    for name in ["cargo", "rustc", "rustdoc", "cargo-clippy", "clippy-driver"] {
        let (from, to) = (Path::new("/usr/bin").join(name), programs.join(name));
        if from.exists() && !to.exists() {
            symlink(&from, &to).doing(|| format!("link {}", to.display()))?;
        }
    }
    Ok(WasmToolchain::Distribution { linker: linker(project, &programs)?, programs })
}

/// rustup's `rust-lld`, else the distribution's linker under that name.
fn linker(project: &Project, programs: &Path) -> Outcome<PathBuf> {
    let host = env::consts::ARCH;
    let sysroot = command::answer(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
    let of_rustup = Path::new(&sysroot).join(format!("lib/rustlib/{host}-unknown-linux-gnu/bin/rust-lld"));
    if of_rustup.is_file() {
        return Ok(of_rustup);
    }
    let link = programs.join("rust-lld");
    if !link.exists() {
        if !Path::new("/usr/bin/wasm-ld").exists() {
            apt_install(project, &["lld"])?;
        }
        symlink("/usr/bin/wasm-ld", &link).doing(|| format!("link {}", link.display()))?;
    }
    Ok(link)
}

fn install_distribution(project: &Project) -> Outcome {
    let missing = !Path::new("/usr/lib/rustlib/src/rust/library/std").exists()
        || !Path::new("/usr/bin/cargo").exists()
        || !Path::new("/usr/bin/rustc").exists();
    if missing {
        apt_install(project, &PACKAGES)?;
    }
    let version = command::answer(Command::new("/usr/bin/rustc").arg("--version")).unwrap_or_default();
    let version = version.split_whitespace().nth(1).unwrap_or("unknown").to_owned();
    let libraries = tool(
        project,
        &format!("wasm-std-{version}"),
        "building the standard library for WebAssembly (about half a minute)",
        |folder| build_standard_library(project, folder),
    )?;
    copy_to_rustlib(project, &libraries)?;
    if compiles(project, "/usr/bin/rustc") {
        return Ok(());
    }
    Err(Failure::new(format!("the distribution's Rust ({version}) does not build {TARGET}")))
}

/// Builds the library as a dependency of an empty crate, and keeps its `.rlib` files.
fn build_standard_library(project: &Project, folder: &Path) -> Outcome {
    let empty = folder.join("empty");
    fs::create_dir_all(empty.join("src")).doing(|| format!("make {}", empty.display()))?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(empty.join("Cargo.toml"), manifest).doing(|| "write Cargo.toml".into())?;
    fs::write(empty.join("src/lib.rs"), "#![no_std]\n").doing(|| "write lib.rs".into())?;

    let mut cargo = Command::new("/usr/bin/cargo");
    command::without_cargo_environment(&mut cargo);
    cargo.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]).current_dir(&empty);
    cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", empty.join("target"));
    // Without bitcode, link-time optimisation of the functions fails.
    cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes");
    command::run_logged(&mut cargo, &log_of(project, "wasm-std"))?;

    let built = empty.join("target").join(TARGET).join("release/deps");
    for entry in fs::read_dir(&built).doing(|| format!("read {}", built.display()))?.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let library = path.extension().is_some_and(|extension| extension == "rlib");
        if library && !name.to_string_lossy().starts_with("libempty-") {
            fs::copy(&path, folder.join(name)).doing(|| format!("copy {}", path.display()))?;
        }
    }
    fs::remove_dir_all(&empty).doing(|| format!("remove {}", empty.display()))
}

/// Where the compiler looks. Written by root only; a leftover of another version would be found twice, so it goes.
fn copy_to_rustlib(project: &Project, libraries: &Path) -> Outcome {
    let script = format!(
        "rm -rf /usr/lib/rustlib/{TARGET} && mkdir -p /usr/lib/rustlib/{TARGET}/lib && cp \"$1\"/*.rlib /usr/lib/rustlib/{TARGET}/lib/ && chmod -R a+rX /usr/lib/rustlib/{TARGET}"
    );
    let mut shell = if crate::users::is_root() { Command::new("sh") } else { Command::new("sudo") };
    if !crate::users::is_root() {
        shell.args(["-n", "sh"]);
    }
    shell.arg("-c").arg(script).arg("sh").arg(libraries);
    command::run_logged(&mut shell, &log_of(project, "rustlib"))
}
