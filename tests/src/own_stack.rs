//! A local stack that a test starts for itself, to stop its parts or end it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, and this is a part of tests")]

use std::{
    collections::BTreeSet,
    env, fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::stack::Stack;

/// Only ends a test that would wait for ever: neither a start nor an end takes as long, on a slow machine either.
const TIMEOUT: Duration = Duration::from_mins(5);

/// A stack that this test started, and ends when it fails.
pub struct OwnStack {
    name: String,
    program: PathBuf,
    xtask: Child,
    file: PathBuf,
    output: PathBuf,
    description: Value,
}

impl OwnStack {
    /// Starts one under a name of its own; `options` go to `cargo xtask dev`. The clock starts nothing there, so that only
    /// what a test does happens.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(purpose: &str, options: &[&str]) -> Self {
        let variable = env::var_os("JOBRAKER_STACK").unwrap_or_else(|| panic!("run this with `cargo xtask test`"));
        let shared = Path::new(&variable);
        let program: Value = serde_json::from_slice(&fs::read(shared).unwrap()).unwrap();
        let program = PathBuf::from(program["xtask"].as_str().unwrap());
        let name = format!("stack-{purpose}-{}", std::process::id());
        let file = shared.ancestors().nth(2).unwrap().join(&name).join("stack.json");
        let output = env::temp_dir().join(format!("{name}.log"));
        let log = fs::File::create(&output).unwrap();
        let xtask = Command::new(&program)
            .args(["dev", "--throw-away", "--as-built", "--without-crons", "--name", &name])
            .args(options)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let mut stack = Self { name, program, xtask, file, output, description: Value::Null };
        wait_until("the stack starts", || {
            if let Some(ended) = stack.xtask.try_wait().unwrap() {
                panic!("the stack ended with {ended}: {}", stack.said());
            }
            stack.description =
                fs::read(&stack.file).map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default();
            !stack.description.is_null()
        });
        stack
    }

    /// The name it runs under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program that runs it.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The process that runs it.
    #[must_use]
    pub fn xtask_pid(&self) -> u32 {
        self.xtask.id()
    }

    /// Where it is described, for [`Stack::described_by`](crate::Stack::described_by).
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// An address from the description.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    pub fn address(&self, of: &str) -> &str {
        self.description[of].as_str().unwrap_or_else(|| panic!("no {of} in {}", self.description))
    }

    /// The ports that it takes.
    ///
    /// # Panics
    /// If an address has none.
    #[must_use]
    pub fn ports(&self) -> BTreeSet<&str> {
        let addresses =
            ["supabase_url", "functions_url", "postgrest_url", "postgrest_admin_url", "simulators_url", "database_url"];
        addresses.map(|address| self.address(address).rsplit(':').next().unwrap()).into()
    }

    /// The process of a part.
    ///
    /// # Panics
    /// If there is no such part.
    #[must_use]
    pub fn part(&self, name: &str) -> u32 {
        let pid = self.description["parts"][name].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.unwrap_or_else(|| panic!("no {name} in {}", self.description))
    }

    /// Whether PostgREST has a database to ask.
    ///
    /// # Panics
    /// Without an address of PostgREST.
    #[must_use]
    pub fn answers(&self) -> bool {
        let mut answer = String::new();
        let address = self.address("postgrest_admin_url").trim_start_matches("http://");
        let asked = TcpStream::connect(address).and_then(|mut connection| {
            connection.write_all(b"GET /ready HTTP/1.0\r\n\r\n")?;
            connection.read_to_string(&mut answer)
        });
        asked.is_ok() && answer.split_whitespace().nth(1) == Some("200")
    }

    /// Asks for `stop-part`, `kill-part` or `start-part`, and waits until it is done.
    ///
    /// # Panics
    /// If it is refused.
    pub fn ask(&self, request: &str, part: &str) {
        let status = Command::new(&self.program).args(["stack", request, part, "--name", &self.name]).status().unwrap();
        assert!(status.success(), "{request} {part}: {status}");
    }

    /// Starts the functions again with other settings, for a stack that was started with `--vars` and this file. The
    /// connections to the former ones are cut, so there is a new way in.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn with_settings(&self, file: &Path, settings: &str) -> Stack {
        self.ask("stop-part", "functions");
        fs::write(file, settings).unwrap();
        self.ask("start-part", "functions");
        Stack::described_by(&self.file)
    }

    /// What the command said.
    ///
    /// # Panics
    /// If that cannot be read.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// Ctrl-C: how the command ended, and what is left of the stack.
    ///
    /// # Panics
    /// If it does not end.
    pub fn interrupt(&mut self) -> (ExitStatus, Vec<String>) {
        signal("INT", self.xtask.id());
        let ended = self.wait();
        (ended, self.left_over())
    }

    /// Waits for the command alone.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.xtask.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < TIMEOUT, "the command does not end: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is left of the stack when the guardian has had its time, too: processes and files.
    ///
    /// # Panics
    /// If processes cannot be listed.
    #[must_use]
    pub fn left_over(&self) -> Vec<String> {
        let started = Instant::now();
        loop {
            let mut left = self.processes();
            if self.file.exists() {
                left.push(self.file.display().to_string());
            }
            if left.is_empty() || started.elapsed() > TIMEOUT {
                return left;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The members of the parts' process groups, and everything that names the stack's folder: PostgreSQL's workers
    /// leave the group, the guardian has its own.
    fn processes(&self) -> Vec<String> {
        let groups: Vec<String> =
            self.description["parts"].as_object().unwrap().values().map(ToString::to_string).collect();
        let listed = Command::new("ps").args(["-A", "-o", "pgid=,stat=,args="]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout)
            .lines()
            .filter(|line| {
                let mut words = line.split_whitespace();
                let (group, state) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let dead = state.starts_with('Z'); // waits for its parent to take note
                !dead && (groups.iter().any(|of_stack| of_stack == group) || line.contains(&format!("/{}/", self.name)))
            })
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for OwnStack {
    fn drop(&mut self) {
        if matches!(self.xtask.try_wait(), Ok(None)) {
            signal("INT", self.xtask.id());
            let _ = self.xtask.wait();
        }
        let _ = fs::remove_file(&self.output);
    }
}

/// Sends a signal, such as `KILL`.
///
/// # Panics
/// If there is no such process.
pub fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {pid}: {status}");
}

/// Waits as long as a stack may take to start or end until something holds.
///
/// # Panics
/// If it does not.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < TIMEOUT, "{what}: not after {TIMEOUT:?}");
        thread::sleep(Duration::from_millis(50));
    }
}
