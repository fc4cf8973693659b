//! The local stack: PostgreSQL, PostgREST, the simulators of outside vendors, and the functions in workerd.
//!
//! The parts start in that order and stop in the opposite one. [`guardian`] runs them, so that none of them outlives the command.

pub mod clerk;
mod control;
pub mod database;
mod description;
mod functions;
mod guardian;
mod part;
mod ports;
mod postgres;
mod postgrest;
mod protocol;
pub mod released;
mod simulators;
mod supervisor;
mod template;
mod throw_away;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    sync::mpsc::{self, TryRecvError},
    thread,
    time::Duration,
};

pub use control::PartRequest;
pub use description::Description;
pub use protocol::Program;
pub use throw_away::with_migrated_database;

use toolchain::{Doing as _, Failure, Outcome, Project, progress::say, setup::StackTools};

use description::{DATABASE, Keys};
use part::Part;
use ports::Ports;
use protocol::Report;
use supervisor::{Event, Supervisor};

/// The command that is not for people: a stack starts its guardian with it, from the program that it runs in. So each program
/// that starts stacks has it.
pub const GUARDIAN: &str = "guardian";

/// Where the functions' log is in a stack's folder.
pub const FUNCTIONS_LOG: &str = "logs/functions.log";

/// How often other free ports are tried when one was taken in the meantime.
const PORT_TRIES: usize = 3;

/// Runs the guardian of a stack.
pub fn guard(lock: Option<&Path>) -> Outcome {
    guardian::run(lock.ok_or_else(|| Failure::new("a guardian is started by its stack"))?)
}

/// Whether a stack can be called that: the name becomes a folder's.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=40).contains(&name.len()) && name.bytes().all(plain)
}

/// Asks a running stack for something, and waits until it is done.
pub fn ask(project: &Project, name: &str, request: &PartRequest) -> Outcome {
    control::ask(&control_socket(&project.stack_folder(name)), request)
}

fn control_socket(folder: &Path) -> PathBuf {
    folder.join("control.sock")
}

/// How a stack is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Stacks of different names run side by side.
    pub name: String,
    /// The first of the ports, instead of free ones.
    pub port_base: Option<u16>,
    /// Forget the state of earlier runs.
    pub fresh: bool,
    /// Take the state away at the end; and therefore do not wait for the disk either.
    pub throw_away: bool,
    /// The simulated Skyvern finishes its runs by itself, after so many milliseconds.
    pub skyvern_finishes_after: Option<u32>,
    /// A file with settings of the functions that replace the local ones. A stack for tests has none, so that tests
    /// never call the real vendors that a person works with.
    pub vars: Option<PathBuf>,
}

impl Options {
    /// A stack that begins without rows and leaves none.
    #[must_use]
    pub fn throw_away(purpose: &str, skyvern_finishes_after: Option<u32>) -> Self {
        let name = format!("{purpose}-{}", std::process::id());
        Self { name, port_base: None, fresh: true, throw_away: true, skyvern_finishes_after, vars: None }
    }
}

/// Everything that the parts need to know of each other.
#[derive(Debug)]
struct Settings {
    project: Project,
    options: Options,
    tools: StackTools,
    simulators: PathBuf,
    folder: PathBuf,
    ports: Ports,
}

impl Settings {
    fn url(port: u16) -> String {
        format!("http://127.0.0.1:{port}")
    }

    fn database_url(&self, role: &str) -> String {
        format!("postgres://{role}:postgres@127.0.0.1:{}/{DATABASE}", self.ports.database)
    }

    fn keys_folder(&self) -> PathBuf {
        self.folder.join("keys")
    }

    fn keys(&self) -> Outcome<Keys> {
        Keys::read(&self.keys_folder().join("keys.json"))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }

    /// A program of this stack, with its log.
    fn program(&self, name: &str, file: impl Into<PathBuf>, arguments: &[&str]) -> Program {
        Program {
            name: name.into(),
            file: file.into(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment: BTreeMap::new(),
            folder: self.project.root.clone(),
            user: None,
            log: Some(self.log(name)),
        }
    }
}

/// A stack that runs for this command, and ends with it.
#[derive(Debug)]
pub struct Stack {
    supervisor: Supervisor,
    settings: Settings,
    description: Description,
    stopped_on_purpose: BTreeSet<Part>,
}

impl Stack {
    /// Starts everything and waits until all of it is ready.
    pub fn start(project: &Project, options: Options, tools: StackTools, simulators: PathBuf) -> Outcome<Self> {
        must_not_run(project, &options.name)?;
        let folder = project.stack_folder(&options.name);
        fs::create_dir_all(&folder).doing(|| format!("make {}", folder.display()))?;
        let mut supervisor = Supervisor::start(&project.program, &folder.join("lock"))?;
        let mut leftovers = vec![folder.join("stack.json"), control_socket(&folder)];
        if options.throw_away {
            leftovers = vec![folder.clone()];
        }
        supervisor.remove_at_end(leftovers);
        prepare_folder(&folder, options.fresh)?;

        let ports = choose_ports(&options)?;
        let mut settings = Settings { project: project.clone(), options, tools, simulators, folder, ports };
        let mut tries = 1;
        loop {
            match start_parts(&mut supervisor, &settings) {
                Ok(()) => break,
                Err(Failure::PortTaken(part)) if settings.options.port_base.is_none() && tries < PORT_TRIES => {
                    say!("  a port was taken while {part} started; trying others");
                    for part in Part::ALL.into_iter().rev() {
                        supervisor.stop(part.name())?;
                    }
                    settings.ports = Ports::free(None)?;
                    tries += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
        control::listen(&control_socket(&settings.folder), supervisor.sender())?;
        let description = describe(&settings, &supervisor)?;
        let stack = Self { supervisor, settings, description, stopped_on_purpose: BTreeSet::new() };
        stack.write_description()?;
        Ok(stack)
    }

    /// Where everything is.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The file that says so.
    #[must_use]
    pub fn description_file(&self) -> PathBuf {
        self.settings.folder.join("stack.json")
    }

    /// The log of a part.
    #[must_use]
    pub fn log(&self, part: &str) -> PathBuf {
        self.settings.log(part)
    }

    /// The folder of the stack's state.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.settings.folder
    }

    /// What ties the functions to this stack and to no real vendor.
    pub fn bindings(&self) -> Outcome<BTreeMap<String, String>> {
        functions::bindings(&self.settings)
    }

    /// Runs one more program, which ends with the stack, and returns its process id once it is ready.
    pub fn add(&mut self, name: &str, file: &Path, arguments: &[&str], ready: impl Fn() -> bool) -> Outcome<u32> {
        self.supervisor.launch(&self.settings.program(name, file, arguments))?;
        self.supervisor.wait_until(name, ready)?;
        let pid = self.supervisor.running().get(name).and_then(|pid| u32::try_from(*pid).ok());
        pid.ok_or_else(|| Failure::new(format!("{name} ended at once{}", self.supervisor.end_of_log(name))))
    }

    /// Watches over the stack until the person ends it, with `meanwhile` done again and again.
    pub fn follow(&mut self, mut meanwhile: impl FnMut()) -> Outcome {
        loop {
            meanwhile();
            match self.supervisor.next(Duration::from_millis(200)) {
                Ok(Some(event)) => self.react(event)?,
                Ok(None) => {}
                Err(Failure::Interrupted) => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Runs a command that uses the stack, and hands on its exit code.
    pub fn run(&mut self, mut program: Program) -> Outcome {
        let variable = description::ENVIRONMENT_VARIABLE.to_owned();
        program.environment.insert(variable, self.description_file().display().to_string());
        self.supervisor.launch(&program)?;
        loop {
            match self.supervisor.next(Duration::from_mins(1))? {
                Some(Event::Report(Report::Ended { name, code, .. })) if name == program.name => {
                    return match code {
                        Some(0) => Ok(()),
                        code => Err(Failure::Exit(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))),
                    };
                }
                Some(event) => self.react(event)?,
                None => {}
            }
        }
    }

    /// Watches over the stack while other work goes on beside it, and returns that work's outcome.
    pub fn attend(&mut self, work: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
        let (finished, outcome) = mpsc::channel();
        thread::spawn(move || finished.send(work()));
        loop {
            match outcome.try_recv() {
                Ok(outcome) => return outcome,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Err(Failure::new("the work beside the stack broke off")),
            }
            if let Some(event) = self.supervisor.next(Duration::from_millis(50))? {
                self.react(event)?;
            }
        }
    }

    /// Ends the stack in good order.
    pub fn stop(mut self) {
        self.supervisor.stop_all();
    }

    fn react(&mut self, event: Event) -> Outcome {
        match event {
            Event::PartRequest(pending) => {
                let done = self.handle(&pending.request);
                let answer = done.as_ref().map_err(ToString::to_string).copied();
                pending.answer(&answer);
                done.or_else(|failure| if matches!(failure, Failure::Interrupted) { Err(failure) } else { Ok(()) })
            }
            event => self.supervisor.unexpected(event),
        }
    }

    fn handle(&mut self, request: &PartRequest) -> Outcome {
        match request {
            PartRequest::Stop(name) => {
                let part = Part::named(name)?;
                self.supervisor.stop(part.name())?;
                self.stopped_on_purpose.insert(part);
            }
            PartRequest::Kill(name) => {
                let part = Part::named(name)?;
                self.supervisor.kill(part.name())?;
                self.stopped_on_purpose.insert(part);
            }
            PartRequest::Start(name) => {
                let part = Part::named(name)?;
                if self.stopped_on_purpose.remove(&part) {
                    part.start(&mut self.supervisor, &self.settings)?;
                    part.wait_until_ready(&mut self.supervisor, &self.settings)?;
                    // A person's own file may say something else by now.
                    self.description.replaced_settings = functions::replaced_settings(&self.settings)?;
                }
            }
        }
        self.description.parts = self.supervisor.running().clone();
        self.write_description()
    }

    fn write_description(&self) -> Outcome {
        self.description.write(&self.description_file())
    }
}

/// A name stands for one stack at a time.
pub fn must_not_run(project: &Project, name: &str) -> Outcome {
    match Description::of_running(project, name) {
        None => Ok(()),
        Some(running) => Err(Failure::new(format!("the stack {name} is already running, at {}", running.supabase_url))
            .mend("end it with Ctrl-C, or choose another --name")),
    }
}

/// The running stack of that name.
pub fn must_run(project: &Project, name: &str) -> Outcome<Description> {
    Description::of_running(project, name).ok_or_else(|| {
        Failure::new(format!("the stack {name} is not running")).mend(format!("cargo xtask dev --name {name}"))
    })
}

/// The state folder, with empty logs.
fn prepare_folder(folder: &Path, fresh: bool) -> Outcome {
    let forget: &[&str] = if fresh { &["postgres", "storage", "keys", "logs"] } else { &["logs"] };
    for name in forget {
        let path = folder.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).doing(|| format!("remove {}", path.display()))?;
        }
    }
    let logs = folder.join("logs");
    fs::create_dir_all(&logs).doing(|| format!("make {}", logs.display()))
}

fn choose_ports(options: &Options) -> Outcome<Ports> {
    match options.port_base {
        Some(base) => Ports::from_base(base),
        None => Ports::free((options.name == "dev").then_some(ports::USUAL_GATEWAY)),
    }
}

fn start_parts(supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
    postgres::start_and_migrate(supervisor, settings)?;
    postgres::seed(supervisor, settings)?;
    simulators::make_keys(supervisor, settings)?;
    let others = [Part::Postgrest, Part::Simulators, Part::Functions];
    say!("· starting PostgREST, the simulators and the functions …");
    for part in others {
        part.start(supervisor, settings)?;
    }
    for part in others {
        part.wait_until_ready(supervisor, settings)?;
    }
    Ok(())
}

fn describe(settings: &Settings, supervisor: &Supervisor) -> Outcome<Description> {
    let keys = settings.keys()?;
    let ports = settings.ports;
    let simulators_url = Settings::url(ports.simulators);
    Ok(Description {
        name: settings.options.name.clone(),
        xtask: settings.project.program.clone(),
        xtask_pid: std::process::id(),
        supabase_url: Settings::url(ports.gateway),
        functions_url: Settings::url(ports.functions),
        postgrest_url: Settings::url(ports.postgrest),
        postgrest_admin_url: Settings::url(ports.postgrest_admin),
        clerk_issuer: format!("{simulators_url}/clerk"),
        skyvern_api_url: format!("{simulators_url}/skyvern"),
        simulators_url,
        database_url: settings.database_url("postgres"),
        admin_database_url: settings.database_url("supabase_admin"),
        anon_key: keys.anon_key,
        service_role_key: keys.service_role_key,
        skyvern_api_key: keys.skyvern_api_key,
        skyvern_previous_api_key: keys.skyvern_previous_api_key,
        clerk_webhook_secret: keys.clerk_webhook_secret,
        replaced_settings: functions::replaced_settings(settings)?,
        postgresql_bin: settings.tools.postgresql_bin.clone(),
        log_dir: settings.folder.join("logs"),
        parts: supervisor.running().clone(),
    })
}

/// Whether somebody listens on that port.
fn listens(port: u16) -> bool {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_millis(500)).is_ok()
}

/// Whether a GET is answered with 200.
fn answers_ok(url: &str) -> bool {
    ureq::get(url)
        .config()
        .timeout_global(Some(Duration::from_secs(2)))
        .build()
        .call()
        .is_ok_and(|response| response.status() == 200)
}
