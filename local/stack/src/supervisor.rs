//! The command's side of the guardian: starts programs through it, and learns how they end.

use std::{
    collections::BTreeMap,
    io::BufReader,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::{
    control::PendingRequest,
    guardian,
    protocol::{Program, Report, Request, receive, send},
};
use toolchain::{
    Doing as _, Failure, Outcome,
    command::{indented, last_lines, without_cargo_environment},
    progress::say,
};

/// How long a part may take to become ready. It takes seconds, but a machine may have much else to do.
const START_TIME: Duration = Duration::from_mins(3);

/// How long parts may take to end when there is no guardian any more to ask them.
const TAKE_OVER_TIME: Duration = Duration::from_secs(8);

/// What can happen to a command while a stack runs.
#[derive(Debug)]
pub enum Event {
    /// Ctrl-C, a request to terminate, or a closed terminal.
    Interrupted,
    /// News of a part.
    Report(Report),
    /// The guardian has gone.
    GuardianGone,
    /// Another command asks for something.
    PartRequest(PendingRequest),
}

/// Everything that runs for this command.
#[derive(Debug)]
pub struct Supervisor {
    guardian: Child,
    socket: UnixStream,
    events: Receiver<Event>,
    sender: Sender<Event>,
    running: BTreeMap<String, i32>,
    logs: BTreeMap<String, PathBuf>,
    remove_at_end: Vec<PathBuf>,
    guardian_gone: bool,
    stopped: bool,
}

impl Supervisor {
    /// Starts the guardian, which holds the lock file from then on.
    pub fn start(program: &Path, lock: &Path) -> Outcome<Self> {
        let (socket, other_end) = UnixStream::pair().doing(|| "open a socket".into())?;
        let mut guardian = Command::new(program);
        // The tests are among what it runs, and cargo would compile them anew for what it said to this command.
        let guardian = without_cargo_environment(&mut guardian)
            .arg(super::GUARDIAN)
            .arg(lock)
            .stdin(Stdio::from(OwnedFd::from(other_end)))
            .process_group(0) // Ctrl-C is for the command, which then tells the guardian
            .spawn()
            .doing(|| format!("start {}", program.display()))?;
        let mut reader = BufReader::new(socket.try_clone().doing(|| "open a socket".into())?);
        match receive(&mut reader) {
            Some(Report::Ready) => {}
            Some(Report::Occupied) => {
                return Err(Failure::new("another stack of this name is running, starting or stopping")
                    .mend("end it with Ctrl-C, or choose another --name"));
            }
            _ => return Err(Failure::new("the guardian process did not start")),
        }
        let (sender, events) = mpsc::channel();
        let reports = sender.clone();
        thread::spawn(move || {
            while let Some(report) = receive(&mut reader) {
                let _ = reports.send(Event::Report(report));
            }
            let _ = reports.send(Event::GuardianGone);
        });
        let signals = sender.clone();
        ctrlc::set_handler(move || {
            let _ = signals.send(Event::Interrupted);
        })
        .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        Ok(Self {
            guardian,
            socket,
            events,
            sender,
            running: BTreeMap::new(),
            logs: BTreeMap::new(),
            remove_at_end: Vec::new(),
            guardian_gone: false,
            stopped: false,
        })
    }

    /// For other sources of events.
    pub fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// The process ids of the programs that run.
    pub fn running(&self) -> &BTreeMap<String, i32> {
        &self.running
    }

    /// What goes away with the stack.
    pub fn remove_at_end(&mut self, paths: Vec<PathBuf>) {
        send(&mut self.socket, &Request::RemoveAtEnd(paths.clone()));
        self.remove_at_end = paths;
    }

    /// Starts a program.
    pub fn launch(&mut self, program: &Program) -> Outcome {
        if let Some(log) = &program.log {
            self.logs.insert(program.name.clone(), log.clone());
        }
        send(&mut self.socket, &Request::Start(program.clone()));
        loop {
            match self.next(Duration::from_secs(10))? {
                Some(Event::Report(Report::Started { name, .. })) if name == program.name => return Ok(()),
                Some(Event::Report(Report::Refused { reason, .. })) => {
                    return Err(Failure::new(format!("{} cannot be started: {reason}", program.file.display())));
                }
                Some(event) => self.unexpected(event)?,
                None => return Err(Failure::new("the guardian process does not answer")),
            }
        }
    }

    /// Starts a program and waits until it has done its work; an inner error says how it ended instead.
    pub fn run(&mut self, program: &Program) -> Outcome<Result<(), String>> {
        self.launch(program)?;
        self.wait_for_end(&program.name)
    }

    fn wait_for_end(&mut self, part: &str) -> Outcome<Result<(), String>> {
        loop {
            match self.next(Duration::from_hours(1))? {
                Some(Event::Report(Report::Ended { name, how, code, .. })) if name == part => {
                    return Ok(if code == Some(0) { Ok(()) } else { Err(how) });
                }
                Some(event) => self.unexpected(event)?,
                None => {}
            }
        }
    }

    /// Waits until a part that was launched is ready.
    pub fn wait_until(&mut self, part: &str, answers: impl Fn() -> bool) -> Outcome {
        let started = Instant::now();
        while !answers() {
            match self.next(Duration::from_millis(20))? {
                Some(event) => self.unexpected(event)?,
                None if started.elapsed() > START_TIME => {
                    let log = self.end_of_log(part);
                    return Err(Failure::new(format!("{part} does not answer after {} s{log}", START_TIME.as_secs())));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Ends one part in good order.
    pub fn stop(&mut self, part: &str) -> Outcome {
        self.end(part, &Request::Stop(part.into()))
    }

    /// Ends one part without a warning.
    pub fn kill(&mut self, part: &str) -> Outcome {
        self.end(part, &Request::Kill(part.into()))
    }

    fn end(&mut self, part: &str, request: &Request) -> Outcome {
        if !self.running.contains_key(part) {
            return Ok(());
        }
        send(&mut self.socket, request);
        loop {
            match self.next(Duration::from_mins(1))? {
                Some(Event::Report(Report::Ended { name, .. })) if name == part => return Ok(()),
                Some(event) => self.unexpected(event)?,
                None => return Err(Failure::new(format!("{part} does not stop"))),
            }
        }
    }

    /// The next event, if one comes in time. An interruption and the loss of the guardian end every wait.
    pub fn next(&mut self, timeout: Duration) -> Outcome<Option<Event>> {
        let event = match self.events.recv_timeout(timeout) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => Event::GuardianGone,
        };
        match &event {
            Event::Interrupted => return Err(Failure::Interrupted),
            Event::GuardianGone => {
                self.guardian_gone = true;
                return Err(Failure::new("the guardian process of the stack was killed, so the stack ends"));
            }
            Event::Report(Report::Started { name, pid }) => {
                self.running.insert(name.clone(), *pid);
            }
            Event::Report(Report::Ended { name, .. }) => {
                self.running.remove(name);
            }
            Event::Report(_) | Event::PartRequest(_) => {}
        }
        Ok(Some(event))
    }

    /// Judges an event that nobody waited for: a part that ends by itself ends the stack.
    pub fn unexpected(&self, event: Event) -> Outcome {
        match event {
            Event::Report(Report::Ended { name, how, asked: false, .. }) => {
                if self.log_says_port_taken(&name) {
                    return Err(Failure::PortTaken(name));
                }
                let log = self.end_of_log(&name);
                Err(Failure::new(format!("{name} {how}, so the stack ends{log}")))
            }
            Event::PartRequest(pending) => {
                pending.answer(&Err("the stack is busy".into()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn log_says_port_taken(&self, part: &str) -> bool {
        let end = self.logs.get(part).map(|log| last_lines(log).to_lowercase()).unwrap_or_default();
        end.contains("address already in use") || end.contains("address in use") || end.contains("eaddrinuse")
    }

    /// The last lines of a part's log, for a sentence to end with.
    pub fn end_of_log(&self, part: &str) -> String {
        match self.logs.get(part) {
            Some(log) => format!("; the last lines of {}:\n{}", log.display(), indented(&last_lines(log))),
            None => String::new(),
        }
    }

    /// Ends every part and then the guardian; a second Ctrl-C makes short work of it.
    pub fn stop_all(&mut self) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        send(&mut self.socket, &Request::StopAll);
        while !self.guardian_gone {
            match self.events.recv_timeout(Duration::from_mins(1)) {
                Ok(Event::Interrupted) => {
                    say!("stopping at once");
                    send(&mut self.socket, &Request::KillAll);
                }
                Ok(Event::GuardianGone) | Err(_) => break,
                Ok(Event::Report(Report::Ended { name, .. })) => {
                    self.running.remove(&name);
                }
                Ok(Event::Report(_) | Event::PartRequest(_)) => {}
            }
        }
        if !self.guardian.wait().is_ok_and(|status| status.success()) {
            self.take_over();
        }
    }

    /// Does the work of a guardian that was killed.
    fn take_over(&mut self) {
        let groups: Vec<Pid> = self.running.values().copied().filter_map(Pid::from_raw).collect();
        let any_left = || groups.iter().any(|group| test_kill_process_group(*group).is_ok());
        for signal in [Signal::INT, Signal::KILL] {
            for group in &groups {
                let _ = kill_process_group(*group, signal);
            }
            let started = Instant::now();
            while any_left() && started.elapsed() < TAKE_OVER_TIME {
                thread::sleep(Duration::from_millis(20));
            }
        }
        guardian::remove(&self.remove_at_end);
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop_all();
    }
}
