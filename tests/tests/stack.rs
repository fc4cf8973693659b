//! The local stack itself: it starts beside others, and nothing of it is left behind, however it ends.
//!
//! Each test starts stacks of its own, with the program that runs the stack of all other tests.

#![expect(clippy::panic, reason = "a panic is how a test fails, in helpers as well")]

use std::{
    collections::BTreeSet,
    env, fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// A start makes a database and builds what is not built yet; an end may have to wait for every part.
const PATIENCE: Duration = Duration::from_mins(3);

#[test]
fn two_stacks_run_side_by_side_and_ctrl_c_ends_only_its_own() {
    let base = free_row_of_ports();
    let mut given = OwnStack::start("given", &["--port-base", &base.to_string()]);
    let mut other = OwnStack::start("other", &[]);
    assert_eq!(given.address("supabase_url"), format!("http://127.0.0.1:{base}"));
    assert!(given.ports().is_disjoint(&other.ports()), "{:?} and {:?}", given.ports(), other.ports());
    assert!(given.answers() && other.answers());

    let (ended, left) = given.interrupt();

    assert!(ended.success(), "Ctrl-C is the ordinary end: {ended}");
    assert_eq!(left, [""; 0], "processes of the first stack");
    assert!(other.answers(), "the second stack goes on");
    other.interrupt();
}

#[test]
fn ctrl_c_twice_leaves_nothing_either() {
    let mut stack = OwnStack::start("twice", &[]);

    signal("INT", stack.xtask.id());
    signal("INT", stack.xtask.id());

    stack.wait();
    assert_eq!(stack.left_over(), [""; 0]);
}

#[test]
fn a_stack_whose_command_is_killed_ends_by_itself() {
    let mut stack = OwnStack::start("killed", &[]);

    signal("KILL", stack.xtask.id());

    stack.wait();
    assert_eq!(stack.left_over(), [""; 0]);
}

#[test]
fn a_stack_whose_guardian_is_killed_is_ended_by_its_command() {
    let mut stack = OwnStack::start("unguarded", &[]);
    let guardian = children_of(stack.xtask.id());
    let [guardian] = guardian[..] else { panic!("{} has the children {guardian:?}", stack.xtask.id()) };

    signal("KILL", guardian);

    assert_eq!(stack.wait().code(), Some(1));
    assert_eq!(stack.left_over(), [""; 0]);
}

#[test]
fn a_part_that_dies_ends_the_stack_by_name() {
    let mut stack = OwnStack::start("part", &[]);

    signal("KILL", stack.part("functions")); // which is two processes: Node, and workerd below it

    assert_eq!(stack.wait().code(), Some(1));
    assert_eq!(stack.left_over(), [""; 0]);
    let said = stack.said();
    assert!(said.contains("functions was ended by signal 9"), "{said}");
}

#[test]
fn a_part_that_is_stopped_on_purpose_comes_back_and_the_others_find_it() {
    let stack = OwnStack::start("purpose", &[]);

    stack.ask("stop-part", "postgres");
    assert!(!stack.answers(), "PostgREST has no database");
    stack.ask("start-part", "postgres");

    eventually("PostgREST finds the database again", || stack.answers());
}

#[test]
fn a_second_stack_of_the_same_name_is_refused() {
    let stack = OwnStack::start("same", &[]);

    let refused = Command::new(&stack.program).args(["dev", "--name", &stack.name]).output().unwrap();

    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("already running"), "{said}");
    assert!(stack.answers());
}

/// A stack that this test started, and ends when it fails.
struct OwnStack {
    name: String,
    program: PathBuf,
    xtask: Child,
    file: PathBuf,
    output: PathBuf,
    description: Value,
}

impl OwnStack {
    fn start(purpose: &str, options: &[&str]) -> Self {
        let variable = env::var_os("JOBRAKER_STACK").unwrap_or_else(|| panic!("run this with `cargo xtask test`"));
        let shared = Path::new(&variable);
        let program: Value = serde_json::from_slice(&fs::read(shared).unwrap()).unwrap();
        let program = PathBuf::from(program["xtask"].as_str().unwrap());
        let name = format!("stack-{purpose}-{}", std::process::id());
        let file = shared.ancestors().nth(2).unwrap().join(&name).join("stack.json");
        let output = env::temp_dir().join(format!("{name}.log"));
        let log = fs::File::create(&output).unwrap();
        let xtask = Command::new(&program)
            .args(["dev", "--throw-away", "--name", &name])
            .args(options)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let mut stack = Self { name, program, xtask, file, output, description: Value::Null };
        eventually("the stack starts", || {
            if let Some(ended) = stack.xtask.try_wait().unwrap() {
                panic!("the stack ended with {ended}: {}", stack.said());
            }
            stack.description =
                fs::read(&stack.file).map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default();
            !stack.description.is_null()
        });
        stack
    }

    fn address(&self, of: &str) -> &str {
        self.description[of].as_str().unwrap_or_else(|| panic!("no {of} in {}", self.description))
    }

    fn ports(&self) -> BTreeSet<&str> {
        let addresses =
            ["supabase_url", "functions_url", "postgrest_url", "postgrest_admin_url", "simulators_url", "database_url"];
        addresses.map(|address| self.address(address).rsplit(':').next().unwrap()).into()
    }

    fn part(&self, name: &str) -> u32 {
        let pid = self.description["parts"][name].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.unwrap_or_else(|| panic!("no {name} in {}", self.description))
    }

    /// Whether PostgREST has a database to ask.
    fn answers(&self) -> bool {
        let mut answer = String::new();
        let address = self.address("postgrest_admin_url").trim_start_matches("http://");
        let asked = TcpStream::connect(address).and_then(|mut connection| {
            connection.write_all(b"GET /ready HTTP/1.0\r\n\r\n")?;
            connection.read_to_string(&mut answer)
        });
        asked.is_ok() && answer.split_whitespace().nth(1) == Some("200")
    }

    fn ask(&self, wish: &str, part: &str) {
        let status = Command::new(&self.program).args(["stack", wish, part, "--name", &self.name]).status().unwrap();
        assert!(status.success(), "{wish} {part}: {status}");
    }

    /// What the command said.
    fn said(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    fn interrupt(&mut self) -> (ExitStatus, Vec<String>) {
        signal("INT", self.xtask.id());
        let ended = self.wait();
        (ended, self.left_over())
    }

    /// Waits for the command alone.
    fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.xtask.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the command does not end: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is left of the stack when the guardian has had its time, too: processes and files.
    fn left_over(&self) -> Vec<String> {
        let started = Instant::now();
        loop {
            let mut left = self.processes();
            if self.file.exists() {
                left.push(self.file.display().to_string());
            }
            if left.is_empty() || started.elapsed() > Duration::from_secs(40) {
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

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {pid}: {status}");
}

fn children_of(pid: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().unwrap();
    let pid = pid.to_string();
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter(|(_, parent)| parent.trim() == pid)
        .map(|(child, _)| child.parse().unwrap())
        .collect()
}

/// The first of six free ports in a row, below those that the system hands out by itself.
fn free_row_of_ports() -> u16 {
    let taken = |port| TcpListener::bind(("127.0.0.1", port)).is_err();
    let mut bases = (20_000..30_000).step_by(10);
    bases.find(|base| !(*base..base + 6).any(taken)).unwrap_or_else(|| panic!("no six free ports in a row"))
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}
