//! The guardian: a process of its own that runs the parts of a stack for a command, and makes sure that nothing is left
//! of them when the command ends, however it ends: when their socket closes, the guardian stops everything.
//!
//! It is the parent process of all parts, so no part ever runs unknown to it. It lives in a process group of its own and
//! ignores Ctrl-C and a closing terminal, since that is when it has work to do.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader},
    os::{
        fd::AsFd as _,
        unix::{
            net::UnixStream,
            process::{CommandExt as _, ExitStatusExt as _},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::protocol::{Program, Report, Request, receive, send};
use toolchain::{Doing as _, Failure, Outcome};

/// How a part is asked to end: more and more firmly, with the time that each request is given.
/// To PostgreSQL the first is a "fast" and the second an "immediate" shutdown.
const REQUESTS_TO_END: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(10)),
    (Signal::QUIT, Duration::from_secs(5)),
    (Signal::KILL, Duration::from_secs(10)),
];

/// How long processes that a part started may outlive it, when it was asked to end.
const STRAGGLERS_TIME: Duration = Duration::from_secs(8);

/// How long another guardian may need to clear away a stack whose command was killed.
const CLEARING_TIME: Duration = Duration::from_secs(30);

/// How often deadlines are looked at.
const PULSE: Duration = Duration::from_millis(20);

/// Runs the guardian; its standard input is the socket.
pub fn run(lock: &Path) -> Outcome {
    ctrlc::set_handler(|| ()).map_err(|error| Failure::new(format!("cannot hold off signals: {error}")))?;
    let socket = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from).doing(|| "open the socket".into())?;
    let mut reports = socket.try_clone().doing(|| "open the socket".into())?;
    let Some(_lock) = take(lock)? else {
        send(&mut reports, &Report::Occupied);
        return Ok(());
    };
    send(&mut reports, &Report::Ready);

    let (sender, inbox) = mpsc::channel();
    let requests = sender.clone();
    thread::spawn(move || {
        let mut reader = BufReader::new(socket);
        while let Some(request) = receive(&mut reader) {
            let _ = requests.send(Message::Request(request));
        }
        let _ = requests.send(Message::CommandGone);
    });
    Guardian { parts: Vec::new(), reports, sender, stopping_all: false, remove: Vec::new() }.serve(&inbox);
    Ok(())
}

/// Takes away what a stack leaves behind.
pub fn remove(paths: &[PathBuf]) {
    for path in paths {
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

/// Holds the state folder for as long as this process lives.
fn take(path: &Path) -> Outcome<Option<File>> {
    let file = File::create(path).doing(|| format!("write {}", path.display()))?;
    let started = Instant::now();
    while file.try_lock().is_err() {
        if started.elapsed() > CLEARING_TIME {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(Some(file))
}

enum Message {
    Request(Request),
    CommandGone,
    Ended { pid: i32, status: Option<ExitStatus> },
}

struct Guardian {
    parts: Vec<Part>,
    reports: UnixStream,
    sender: Sender<Message>,
    stopping_all: bool,
    remove: Vec<PathBuf>,
}

/// A running program.
struct Part {
    name: String,
    group: Pid,
    /// Which of [`REQUESTS_TO_END`] it was sent last, and when to send the next.
    asked_to_end: Option<(usize, Instant)>,
    /// How the program itself ended; what it left behind may still run, until then.
    ended: Option<(Option<ExitStatus>, Instant)>,
}

impl Guardian {
    fn serve(mut self, inbox: &Receiver<Message>) {
        while !(self.stopping_all && self.parts.is_empty()) {
            match inbox.recv_timeout(PULSE) {
                Ok(message) => self.take_message(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.stopping_all = true,
            }
            self.follow_up();
        }
        remove(&self.remove);
    }

    fn take_message(&mut self, message: Message) {
        match message {
            Message::Request(Request::Start(program)) => self.start(&program),
            Message::Request(Request::Stop(name)) => {
                if let Some(part) = self.parts.iter_mut().find(|part| part.name == name) {
                    part.ask_to_end(0);
                }
            }
            Message::Request(Request::Kill(name)) => {
                if let Some(part) = self.parts.iter_mut().find(|part| part.name == name) {
                    part.ask_to_end(REQUESTS_TO_END.len() - 1);
                }
            }
            Message::Request(Request::RemoveAtEnd(paths)) => self.remove = paths,
            Message::Request(Request::StopAll) | Message::CommandGone => self.stopping_all = true,
            Message::Request(Request::KillAll) => {
                self.stopping_all = true;
                for part in &mut self.parts {
                    part.ask_to_end(1);
                }
            }
            Message::Ended { pid, status } => {
                if let Some(part) = self.parts.iter_mut().find(|part| part.group.as_raw_nonzero().get() == pid) {
                    part.end(status);
                }
            }
        }
    }

    fn start(&mut self, program: &Program) {
        let name = program.name.clone();
        match spawn(program) {
            Err(error) => {
                send(&mut self.reports, &Report::Refused { name, reason: error.to_string() });
            }
            Ok(mut child) => {
                let group = Pid::from_child(&child);
                let pid = group.as_raw_nonzero().get();
                let sender = self.sender.clone();
                thread::spawn(move || {
                    let status = child.wait().ok();
                    let _ = sender.send(Message::Ended { pid, status });
                });
                self.parts.push(Part { name: name.clone(), group, asked_to_end: None, ended: None });
                send(&mut self.reports, &Report::Started { name, pid });
            }
        }
    }

    /// What time alone brings about: firmer requests, the end of stragglers, and the next part's turn to stop.
    fn follow_up(&mut self) {
        let now = Instant::now();
        let (gone, mut running): (Vec<Part>, Vec<Part>) =
            std::mem::take(&mut self.parts).into_iter().partition(|part| part.is_gone(now));
        for part in gone {
            let status = part.ended.and_then(|(status, _)| status);
            let report = Report::Ended {
                how: how(status),
                code: status.and_then(|status| status.code()),
                asked: part.asked_to_end.is_some(),
                name: part.name,
            };
            send(&mut self.reports, &report);
        }
        for part in &mut running {
            if let Some((request, due)) = part.asked_to_end
                && part.ended.is_none()
                && now >= due
            {
                part.ask_to_end(request + 1);
            }
        }
        if self.stopping_all
            && let Some(last) = running.last_mut()
            && last.asked_to_end.is_none()
        {
            last.ask_to_end(0);
        }
        self.parts = running;
    }
}

impl Part {
    fn ask_to_end(&mut self, request: usize) {
        if self.asked_to_end.is_some_and(|(sent, _)| sent >= request) {
            return;
        }
        let request = request.min(REQUESTS_TO_END.len() - 1);
        let (signal, time) = REQUESTS_TO_END[request];
        let _ = kill_process_group(self.group, signal);
        self.asked_to_end = Some((request, Instant::now() + time));
    }

    /// The program itself has ended. What it started gets a moment if it, too, was asked to end, and none otherwise.
    fn end(&mut self, status: Option<ExitStatus>) {
        let grace = if self.asked_to_end.is_some() { STRAGGLERS_TIME } else { Duration::ZERO };
        self.ended = Some((status, Instant::now() + grace));
    }

    fn is_gone(&self, now: Instant) -> bool {
        let Some((_, due)) = self.ended else {
            return false;
        };
        if test_kill_process_group(self.group).is_err() {
            return true;
        }
        if now >= due {
            let _ = kill_process_group(self.group, Signal::KILL);
            return true;
        }
        false
    }
}

fn spawn(program: &Program) -> io::Result<Child> {
    let mut command = Command::new(&program.file);
    command.args(&program.arguments).envs(&program.environment).current_dir(&program.folder);
    command.process_group(0).stdin(Stdio::null());
    if let Some(log) = &program.log {
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        command.stderr(file.try_clone()?).stdout(file);
    }
    if let Some(user) = program.user {
        command.uid(user.uid).gid(user.gid);
    }
    command.spawn()
}

fn how(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => format!("exited with code {code}"),
        Some((None, Some(signal))) => format!("was ended by signal {signal}"),
        Some((None, None)) | None => "ended".into(),
    }
}
