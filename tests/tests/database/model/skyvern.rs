//! The simulated Skyvern of the model: it starts a run whenever it is asked to, and knows which there are. What is true
//! of runs is here, whatever the database believes.

use serde_json::{Value, json};
use shared::vendors::skyvern::Event;
use uuid::Uuid;

/// A run is in the list this long after it was started, in seconds.
const LISTED_AFTER: u64 = 25;
/// The same for a run that comes much too late.
const LISTED_LATE: u64 = 3600;

/// What a run does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It goes on.
    Runs,
    /// It sent the application, and shows the confirmation.
    Sends,
    /// It says that it is completed, and shows nothing.
    CompletesUnproven,
    /// The form could not be sent, for this reason.
    Stops(&'static str),
    /// It failed for a technical reason, and may have sent the form before.
    Fails,
    /// It failed, and Skyvern tries it again.
    FailsForNow,
    /// The limit of time was reached.
    TimesOut,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: String,
    pub title: String,
    pub application: Uuid,
    pub submission: Uuid,
    pub person: usize,
    pub posting: usize,
    listed_at: u64,
    pub is_listed_late: bool,
    status: &'static str,
    attempt: i32,
    retry_pending: bool,
    output: Value,
    errors: Value,
    /// Skyvern does not know it any more.
    forgotten: bool,
}

impl Run {
    /// Whether it still does something.
    pub fn is_live(&self) -> bool {
        !self.forgotten && (self.retry_pending || matches!(self.status, "queued" | "running"))
    }

    fn payload(&self, attempt: Option<i32>) -> Value {
        let mut payload = json!({
            "run_id": self.id, "status": self.status, "retry_pending": self.retry_pending, "output": self.output,
            "errors": self.errors,
        });
        if let Some(attempt) = attempt {
            payload["attempt"] = json!(attempt);
        }
        payload
    }
}

/// A webhook that Skyvern has made, delivered or not.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub payload: Value,
    pub application: Uuid,
    pub submission: Uuid,
}

/// What Skyvern knows.
#[derive(Debug, Default)]
pub struct Skyvern {
    pub runs: Vec<Run>,
    pub webhooks: Vec<Webhook>,
}

impl Skyvern {
    /// Starts a run and returns its index.
    pub fn start(&mut self, title: &str, of: (Uuid, Uuid, usize, usize), now: u64, is_listed_late: bool) -> usize {
        let (application, submission, person, posting) = of;
        self.runs.push(Run {
            // Another one in each repetition, since the database remembers.
            id: format!("tsk_{}", Uuid::new_v4().simple()),
            title: title.to_owned(),
            application,
            submission,
            person,
            posting,
            listed_at: now + if is_listed_late { LISTED_LATE } else { LISTED_AFTER },
            is_listed_late,
            status: "queued",
            attempt: 1,
            retry_pending: false,
            output: Value::Null,
            errors: Value::Null,
            forgotten: false,
        });
        self.runs.len() - 1
    }

    /// Looks for a run by its title, and says where it stands.
    pub fn find_by_title(&self, title: &str, now: u64) -> Option<(String, &'static str)> {
        let listed = |run: &&Run| run.title == title && !run.forgotten && now >= run.listed_at;
        self.runs.iter().find(listed).map(|run| (run.id.clone(), run.status))
    }

    /// Reads a run; `None` if it is not known.
    pub fn read(&self, run: &str) -> Option<Event> {
        let run = self.runs.iter().find(|known| known.id == run && !known.forgotten)?;
        Some(parse(&run.payload(None)))
    }

    /// Cancels a run: false if it is not known, an error if it is over.
    pub fn cancel(&mut self, id: &str) -> Result<bool, ()> {
        let Some(index) = self.runs.iter().position(|run| run.id == id && !run.forgotten) else { return Ok(false) };
        if !self.runs[index].is_live() {
            return Err(());
        }
        self.change(index, "canceled", Value::Null, Value::Null, false);
        Ok(true)
    }

    /// Lets a run go on, as far as it can: what is over stays so, except that a canceled one may have been done.
    pub fn advance(&mut self, index: usize, next: Move) {
        let run = &self.runs[index];
        if run.forgotten || !(run.is_live() || (run.status == "canceled" && next == Move::Sends)) {
            return;
        }
        if run.retry_pending {
            self.runs[index].attempt += 1;
        }
        let proof = json!({ "submitted": true, "resume_attached": true, "confirmation_text": "Thank you" });
        match next {
            Move::Runs => self.change(index, "running", Value::Null, Value::Null, false),
            Move::Sends => self.change(index, "completed", proof, Value::Null, false),
            Move::CompletesUnproven => self.change(index, "completed", Value::Null, Value::Null, false),
            Move::Stops(code) => self.change(index, "terminated", Value::Null, json!([{ "error_code": code }]), false),
            Move::Fails => self.change(index, "failed", Value::Null, Value::Null, false),
            Move::FailsForNow => self.change(index, "failed", Value::Null, Value::Null, true),
            Move::TimesOut => self.change(index, "timed_out", Value::Null, Value::Null, false),
        }
    }

    /// Deletes what it knows of a run.
    pub fn forget(&mut self, index: usize) {
        self.runs[index].forgotten = true;
    }

    fn change(&mut self, index: usize, status: &'static str, output: Value, errors: Value, retry_pending: bool) {
        let run = &mut self.runs[index];
        (run.status, run.output, run.errors, run.retry_pending) = (status, output, errors, retry_pending);
        let webhook = Webhook {
            payload: run.payload(Some(run.attempt)),
            application: run.application,
            submission: run.submission,
        };
        self.webhooks.push(webhook);
    }
}

/// A webhook's body, as our backend reads it.
pub fn parse(payload: &Value) -> Event {
    Event::parse(payload.to_string().as_bytes()).expect("it is an event")
}
