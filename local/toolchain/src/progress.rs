//! Tells the person what is going on, and for how long already. Several steps may go on at the same time.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use crate::failure::{Failure, Outcome};

/// Prints a line, and goes on when nobody reads any more (`println!` would panic when the terminal is gone).
#[macro_export]
macro_rules! say {
    ($($part:tt)*) => {
        $crate::progress::line(&format!($($part)*))
    };
}
pub use say;

/// A step that goes on.
struct Running {
    title: String,
    started: Instant,
}

/// The steps that go on, in the order in which they began. Whoever prints holds the lock.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The function behind [`say!`].
pub fn line(text: &str) {
    print(&running(), text);
}

/// Does `work` under a title, with the elapsed time: live on a terminal, every half minute in a log.
pub fn step<T>(title: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let started = Instant::now();
    let (finished, is_running) = mpsc::channel::<()>();
    begin(title, started);
    let outcome = thread::scope(|scope| {
        scope.spawn(move || tick(title, started, &is_running));
        let outcome = work();
        drop(finished);
        outcome
    });
    end(title, if outcome.is_ok() { "done" } else { "failed" }, started);
    outcome
}

/// Does two things at the same time, and waits for both even if one of them fails.
pub fn both<A: Send, B>(
    one: impl FnOnce() -> Outcome<A> + Send,
    other: impl FnOnce() -> Outcome<B>,
) -> Outcome<(A, B)> {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((one?, other?))
    })
}

fn begin(title: &str, started: Instant) {
    let mut running = running();
    if !is_live() {
        print(&running, &format!("· {title} …"));
    }
    running.push(Running { title: title.to_owned(), started });
    show_running(&running);
}

/// Shows the passing time until the other end of the channel is dropped.
fn tick(title: &str, started: Instant, is_running: &mpsc::Receiver<()>) {
    let live = is_live();
    let pause = Duration::from_secs(if live { 1 } else { 30 });
    while is_running.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        if live {
            show_running(&running());
        } else {
            say!("  still {title}, {}", elapsed(started));
        }
    }
}

fn end(title: &str, how: &str, started: Instant) {
    let mut running = running();
    if let Some(ended) = running.iter().position(|step| step.title == title && step.started == started) {
        running.remove(ended);
    }
    if is_live() {
        print(&running, &format!("· {title}: {how}, {}", elapsed(started)));
    } else if how != "done" || started.elapsed() >= Duration::from_secs(2) {
        print(&running, &format!("  {title}: {how} after {}", elapsed(started)));
    }
}

fn is_live() -> bool {
    io::stdout().is_terminal()
}

/// Prints a line above the one that shows the running steps.
fn print(running: &[Running], text: &str) {
    if running.is_empty() || !is_live() {
        show(&format!("{text}\n"));
    } else {
        show(&format!("\r\x1b[2K{text}\n"));
        show_running(running);
    }
}

/// On a terminal: the step that has been running longest, on a line that is written over again and again.
fn show_running(running: &[Running]) {
    let Some(Running { title, started }) = running.first().filter(|_| is_live()) else { return };
    let others = if running.len() > 1 { format!(" (and {} more)", running.len() - 1) } else { String::new() };
    show(&format!("\r\x1b[2K· {title} … {}{others}", elapsed(*started)));
}

fn show(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Ends a program: says why it failed, unless the person knows, and returns its exit code.
#[must_use]
pub fn conclude(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Interrupted | Failure::Exit(_)) {
                say!("error: {failure}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
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
