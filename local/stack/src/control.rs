//! How another command reaches a running stack: a socket in the stack's state folder, one request a connection.

use std::{
    io::{BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc::Sender,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    protocol::{receive, send},
    supervisor::Event,
};
use toolchain::{Doing as _, Failure, Outcome};

/// What can be asked of a running stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartRequest {
    /// Ends a part on purpose; the stack goes on without it.
    Stop(String),
    /// Kills a part, as a machine that fails does; the stack goes on without it.
    Kill(String),
    /// Starts that part again, on the same port and data.
    Start(String),
}

/// A request, and who waits for its outcome.
#[derive(Debug)]
pub struct PendingRequest {
    /// What is asked.
    pub request: PartRequest,
    asker: UnixStream,
}

impl PendingRequest {
    /// Sends the outcome; it does not matter if the asker has gone.
    pub fn answer(mut self, answer: &Result<(), String>) {
        send(&mut self.asker, answer);
        let _ = self.asker.flush();
    }
}

/// Listens for requests and passes them on as events.
pub fn listen(path: &Path, events: Sender<Event>) -> Outcome {
    let _ = std::fs::remove_file(path); // of a stack that ended without clearing away
    let listener = UnixListener::bind(path).map_err(|error| {
        Failure::new(format!("the socket {} cannot be made: {error}", path.display()))
            .mend("export JOBRAKER_CACHE_DIR=<a folder with a short path>")
    })?;
    thread::spawn(move || {
        for asker in listener.incoming().flatten() {
            let _ = asker.set_read_timeout(Some(Duration::from_secs(2)));
            let request = asker.try_clone().ok().and_then(|reader| receive(&mut BufReader::new(reader)));
            if let Some(request) = request {
                let _ = events.send(Event::PartRequest(PendingRequest { request, asker }));
            }
        }
    });
    Ok(())
}

/// Asks a running stack, and waits until it is done.
pub fn ask(path: &Path, request: &PartRequest) -> Outcome {
    let mut socket =
        UnixStream::connect(path).map_err(|_| Failure::new("no such stack is running").mend("cargo xtask dev"))?;
    send(&mut socket, request);
    let mut reader = BufReader::new(socket.try_clone().doing(|| "read the answer".into())?);
    match receive::<Result<(), String>>(&mut reader) {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(Failure::new(reason)),
        None => Err(Failure::new("the stack ended before it answered")),
    }
}
