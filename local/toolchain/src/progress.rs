//! Tells the person what is going on, and for how long already.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::failure::Outcome;

/// Prints a line, and goes on when nobody reads any more (`println!` would panic when the terminal is gone).
#[macro_export]
macro_rules! say {
    ($($part:tt)*) => {
        $crate::progress::line(&format!($($part)*))
    };
}
pub use say;

/// The function behind [`say!`].
pub fn line(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Does `work` under a title, with the elapsed time: live on a terminal, every half minute in a log.
pub fn step<T>(title: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let started = Instant::now();
    let live = io::stdout().is_terminal();
    let (finished, running) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || tick(title, started, live, &running));
        let outcome = work();
        drop(finished);
        outcome
    })
    .inspect(|_| end(title, "done", started, live))
    .inspect_err(|_| end(title, "failed", started, live))
}

/// Shows the passing time until the other end of the channel is dropped.
fn tick(title: &str, started: Instant, live: bool, running: &mpsc::Receiver<()>) {
    if !live {
        say!("· {title} …");
    }
    let pause = Duration::from_secs(if live { 1 } else { 30 });
    loop {
        if live {
            show(&format!("\r\x1b[2K· {title} … {}", elapsed(started)));
        }
        match running.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) if !live => say!("  still {title}, {}", elapsed(started)),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn end(title: &str, how: &str, started: Instant, live: bool) {
    if live {
        show(&format!("\r\x1b[2K· {title}: {how}, {}\n", elapsed(started)));
    } else if how != "done" || started.elapsed() >= Duration::from_secs(2) {
        say!("  {how} after {}", elapsed(started));
    }
}

fn show(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// "0.4 s", "12 s", "2 min 45 s".
#[must_use]
pub fn elapsed(since: Instant) -> String {
    let time = since.elapsed();
    match time.as_secs() {
        0..=9 => format!("{:.1} s", time.as_secs_f32()),
        seconds @ 10..=59 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
