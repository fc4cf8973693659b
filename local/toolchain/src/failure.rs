//! How a command reports that it failed: one sentence, and the command that fixes it.

use std::{fmt, io};

/// What every step of the automation returns.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ends without having done its work.
#[derive(Debug)]
pub enum Failure {
    /// Something to tell the person.
    Told {
        /// What is wrong, in one sentence.
        sentence: String,
        /// The command, or the act, that mends it.
        mend: Option<String>,
    },
    /// The person pressed Ctrl-C, or the terminal went away.
    Interrupted,
    /// A port that looked free was taken before its owner could bind it; other ports may do.
    PortTaken(String),
    /// A program that the person watched has said itself what is wrong; its exit code is handed on.
    Exit(u8),
}

impl Failure {
    /// A failure that is told in one sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self::Told { sentence: sentence.into(), mend: None }
    }

    /// Adds the command that mends it.
    #[must_use]
    pub fn mend(self, command: impl Into<String>) -> Self {
        match self {
            Self::Told { sentence, .. } => Self::Told { sentence, mend: Some(command.into()) },
            other => other,
        }
    }

    /// The exit code of the whole command.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Told { .. } | Self::PortTaken(_) => 1,
            Self::Interrupted => 130,
            Self::Exit(code) => *code,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { sentence, mend: None } => f.write_str(sentence),
            Self::Told { sentence, mend: Some(command) } => write!(f, "{sentence}\n  to mend it: {command}"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::PortTaken(part) => {
                write!(f, "a port was taken while {part} started\n  to mend it: choose another --port-base, or none")
            }
            Self::Exit(code) => write!(f, "ended with exit code {code}"),
        }
    }
}

/// Names what was being done when the operating system refused.
pub trait Doing<T> {
    /// `doing` completes the sentence "cannot …".
    fn doing(self, doing: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("cannot {}: {error}", doing())))
    }
}

impl<T> Doing<T> for serde_json::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("cannot {}: {error}", doing())))
    }
}
