//! The functions under plain workerd. The local stack runs them in Miniflare, whose entry worker costs more than a
//! function does; hosted Workers have none.

use std::{
    collections::BTreeMap,
    env::consts::{ARCH, OS},
    fs,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

use super::{Contender, queue, workload};
use local_stack::Stack;
use toolchain::{Doing as _, Failure, Outcome, Project};

/// What the program is called in the stack, and its log.
const NAME: &str = "workerd";

/// A function in a memory of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isolate {
    /// The function's name.
    pub function: String,
    /// Whom it stands for.
    pub contender: Contender,
}

impl Isolate {
    /// What it is called in the runtime's configuration.
    fn name(&self) -> String {
        match self.contender {
            Contender::FunctionWithNewTokens => format!("{}-with-new-tokens", self.function),
            _ => self.function.clone(),
        }
    }
}

/// The functions, each isolate at an address of its own.
#[derive(Debug)]
pub struct Runtime {
    /// The process.
    pub pid: u32,
    /// Where each isolate listens.
    pub addresses: BTreeMap<Isolate, SocketAddr>,
    /// The module's size in bytes, raw and gzipped, of each function.
    pub sizes: BTreeMap<String, (usize, usize)>,
}

impl Runtime {
    /// Starts the functions that were built last, with what the stack binds them to.
    pub fn start(project: &Project, stack: &mut Stack, functions: &[String]) -> Outcome<Self> {
        let folder = stack.folder().join("bench");
        let mut sizes = BTreeMap::new();
        for function in functions {
            sizes.insert(function.clone(), copy(project, &folder, function)?);
        }
        let addresses = free_addresses(functions.iter().flat_map(|function| isolates(function)))?;
        let bindings = stack.bindings()?;
        let configuration = folder.join("workerd.capnp");
        let compatibility = Compatibility::read(project)?;
        fs::write(&configuration, configure(&compatibility, &addresses, &bindings))
            .doing(|| format!("write {}", configuration.display()))?;
        let arguments = ["serve", &configuration.display().to_string()];
        let listen = || addresses.values().all(|address| TcpStream::connect(address).is_ok());
        let pid = stack.add(NAME, &program(project)?, &arguments, listen)?;
        Ok(Self { pid, addresses, sizes })
    }
}

/// npm's start-up script would be a second process between us and the one to measure.
fn program(project: &Project) -> Outcome<PathBuf> {
    let system = if OS == "macos" { "darwin" } else { OS };
    let processor = if ARCH == "aarch64" { "arm64" } else { "64" };
    let program = project.root.join(format!("node_modules/@cloudflare/workerd-{system}-{processor}/bin/workerd"));
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::new(format!("there is no {}", program.display())).mend("npm ci"))
}

/// A build that comes in between must not change what is measured. Returns the module's sizes.
fn copy(project: &Project, folder: &Path, function: &str) -> Outcome<(usize, usize)> {
    let from = project.root.join("functions").join(function).join("build");
    let to = folder.join(function);
    fs::create_dir_all(&to).doing(|| format!("make {}", to.display()))?;
    for name in ["index.js", "index_bg.wasm"] {
        fs::copy(from.join(name), to.join(name)).doing(|| format!("copy {}", from.join(name).display()))?;
    }
    let module = fs::read(to.join("index_bg.wasm")).doing(|| "read the module".into())?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&module).doing(|| "compress the module".into())?;
    let gzipped = gzip.finish().doing(|| "compress the module".into())?;
    Ok((module.len(), gzipped.len()))
}

fn isolates(function: &str) -> impl Iterator<Item = Isolate> {
    let queue = (function == queue::FUNCTION).then_some(Contender::Function);
    let contenders = workload::of(function).into_iter().flat_map(workload::Workload::isolates).chain(queue);
    contenders.map(move |contender| Isolate { function: function.to_owned(), contender })
}

fn free_addresses(isolates: impl Iterator<Item = Isolate>) -> Outcome<BTreeMap<Isolate, SocketAddr>> {
    // All are held until the last one is chosen, so that none is chosen twice.
    let mut held = Vec::new();
    let mut addresses = BTreeMap::new();
    for isolate in isolates {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(|| "find a free port".into())?;
        addresses.insert(isolate, listener.local_addr().doing(|| "find a free port".into())?);
        held.push(listener);
    }
    Ok(addresses)
}

/// As which runtime the functions are deployed.
#[derive(Debug, PartialEq)]
struct Compatibility {
    date: String,
    flags: Vec<String>,
}

impl Compatibility {
    /// The one that `wrangler.toml` deploys with.
    fn read(project: &Project) -> Outcome<Self> {
        let file = project.root.join("wrangler.toml");
        let text = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
        Self::parse(&text).ok_or_else(|| Failure::new("wrangler.toml names no compatibility_date"))
    }

    fn parse(text: &str) -> Option<Self> {
        // Every other piece of such a line is in quotes.
        let quoted = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.into_iter().flat_map(|rest| rest.split('"').skip(1).step_by(2)).map(str::to_owned)
        };
        let date = quoted("compatibility_date").next()?;
        Some(Self { date, flags: quoted("compatibility_flags").collect() })
    }
}

fn configure(
    compatibility: &Compatibility,
    addresses: &BTreeMap<Isolate, SocketAddr>,
    bindings: &BTreeMap<String, String>,
) -> String {
    let flags: Vec<String> = compatibility.flags.iter().map(|flag| quoted(flag)).collect();
    let flags = flags.join(", ");
    let bindings: Vec<String> =
        bindings.iter().map(|(name, value)| format!("(name = {}, text = {})", quoted(name), quoted(value))).collect();
    let bindings = bindings.join(", ");
    let services: Vec<String> = addresses
        .keys()
        .map(|isolate| {
            let [script, module] = ["index.js", "index_bg.wasm"]
                .map(|file| format!("embed {}", quoted(&format!("{}/{file}", isolate.function))));
            format!(
                "    (name = {}, worker = (compatibilityDate = {}, compatibilityFlags = [{flags}], globalOutbound = \"outside\", bindings = [{bindings}],\n     \
                 modules = [(name = \"index.js\", esModule = {script}), (name = \"./index_bg.wasm\", wasm = {module})])),",
                quoted(&isolate.name()),
                quoted(&compatibility.date),
            )
        })
        .collect();
    let sockets: Vec<String> = addresses
        .iter()
        .map(|(isolate, address)| {
            let [name, address] = [isolate.name(), address.to_string()].map(|text| quoted(&text));
            format!("    (name = {name}, address = {address}, http = (), service = {name}),")
        })
        .collect();
    format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\n\
         const config :Workerd.Config = (\n  services = [\n{}\n    \
         (name = \"outside\", network = (allow = [\"public\", \"private\", \"local\"])),\n  ],\n  \
         sockets = [\n{}\n  ],\n);\n",
        services.join("\n"),
        sockets.join("\n"),
    )
}

/// A text literal of Cap'n Proto.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Compatibility, Contender, Isolate, configure, quoted};

    #[test]
    fn a_value_cannot_end_its_own_quotation() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }

    #[test]
    fn every_isolate_has_its_socket_and_its_bindings() {
        let isolate = |contender| Isolate { function: "apply".to_owned(), contender };
        let addresses = BTreeMap::from([
            (isolate(Contender::Function), "127.0.0.1:4000".parse().unwrap()),
            (isolate(Contender::FunctionWithNewTokens), "127.0.0.1:4001".parse().unwrap()),
        ]);
        let bindings = BTreeMap::from([("KEY".to_owned(), "value".to_owned())]);

        let deployed = "compatibility_date = \"2026-04-01\"\ncompatibility_flags = [\"a_flag\", \"another\"]\n";
        let compatibility = Compatibility::parse(deployed).unwrap();

        let text = configure(&compatibility, &addresses, &bindings);

        for part in [
            r#"(name = "apply", address = "127.0.0.1:4000", http = (), service = "apply")"#,
            r#"address = "127.0.0.1:4001", http = (), service = "apply-with-new-tokens")"#,
            r#"bindings = [(name = "KEY", text = "value")]"#,
            r#"wasm = embed "apply/index_bg.wasm""#,
            r#"compatibilityDate = "2026-04-01", compatibilityFlags = ["a_flag", "another"]"#,
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
