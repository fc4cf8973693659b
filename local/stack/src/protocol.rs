//! What a command and its guardian say to each other: one JSON document a line, over a socket.

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use toolchain::users::User;

/// A program to run as a part of the stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    /// What people call the part.
    pub name: String,
    /// The file to run.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What is added to the environment.
    pub environment: BTreeMap<String, String>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// Another user to run as.
    pub user: Option<User>,
    /// Where its output goes; without one, to the terminal.
    pub log: Option<PathBuf>,
}

/// From the command to its guardian.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Runs a program in a process group of its own.
    Start(Program),
    /// Ends the program of that name in good order.
    Stop(String),
    /// Ends the program of that name without a warning.
    Kill(String),
    /// Ends everything in good order, the last one first, and then the guardian.
    StopAll,
    /// Ends everything at once.
    KillAll,
    /// Files and folders to remove when everything has ended.
    RemoveAtEnd(Vec<PathBuf>),
}

/// From the guardian to its command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The guardian holds the state folder and waits for requests.
    Ready,
    /// Another stack holds the state folder.
    Occupied,
    /// A program runs, under this process id, which is also its group's.
    Started {
        /// The part's name.
        name: String,
        /// Its process id.
        pid: i32,
    },
    /// A program could not be started.
    Refused {
        /// The part's name.
        name: String,
        /// The operating system's reason.
        reason: String,
    },
    /// A program and all processes that it left behind have ended.
    Ended {
        /// The part's name.
        name: String,
        /// How, for people.
        how: String,
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
        /// Whether a request ended it.
        asked: bool,
    },
}

/// Writes one message; false when nobody listens any more.
pub fn send(writer: &mut impl Write, message: &impl Serialize) -> bool {
    let Ok(mut line) = serde_json::to_vec(message) else {
        return false;
    };
    line.push(b'\n');
    writer.write_all(&line).and_then(|()| writer.flush()).is_ok()
}

/// Reads one message; none when the other side has gone.
pub fn receive<T: DeserializeOwned>(reader: &mut impl BufRead) -> Option<T> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(length) if length > 0 => serde_json::from_str(&line).ok(),
        _ => None,
    }
}
