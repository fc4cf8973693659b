//! The reference: what each call must come to, and what must be true of every application after it.
//!
//! It is written from what the pages promise, which are named at each rule, and knows nothing of tables, locks and
//! triggers. Calls come one after the other here; the database, which is called by several at once, must do what one of
//! the possible orders does.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    application_status::ApplicationStatus::{self as Status, *},
    supabase::rpc::applications::SubmissionFailure,
    vendors::skyvern::{Decision, Event},
};
use uuid::Uuid;

use super::{
    calls::{Call, parts},
    session::Answer,
    snapshot::Snapshot,
};

/// For how long a caller may be at it (docs/functions/initiate-skyvern-application.md#what-it-does).
pub const LEASE: u64 = 60;
/// For how long a submission waits in the queue, and a run may be unknown to Skyvern.
const DAY: u64 = 24 * 60 * 60;
/// For how long a run may take (docs/functions/job-runner.md#catching-up-with-skyvern).
const DEADLINE: u64 = 2 * 60 * 60;

/// Whose runs say surely that nothing was sent (docs/functions/initiate-skyvern-application.md#one-posting-one-application).
pub const SURELY_NOT_SENT: [&str; 5] =
    ["job_closed", "login_required", "missing_information", "captcha_blocked", "resume_upload_failed"];

/// What is told of a run that could not be stopped in time.
const LATE_STOP: &str = "It had been sent already";

/// How many runs a person may have.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub per_day: usize,
    pub at_once: usize,
}

#[derive(Debug, Clone)]
pub struct Person {
    pub limits: Limits,
    pub is_gone: bool,
}

/// What was last heard of a run.
#[derive(Debug, Clone, Default)]
struct Heard {
    status: Option<String>,
    attempt: i32,
    retry_pending: bool,
    at: u64,
}

/// Why the status is what it is.
#[derive(Debug, Clone, Default)]
struct Details {
    reason: Option<String>,
    /// The run that has sent it although the application had moved on.
    proof: Option<String>,
    /// The run that has sent it once more.
    second: Option<String>,
}

/// A submission from its claim until it is known whether a run started.
#[derive(Debug, Clone)]
pub struct InProgress {
    pub id: Uuid,
    pub since: u64,
    is_open: bool,
    previous: Status,
}

/// A submission that waits in the queue, as a job whose id is known from the next look at the database on.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub job: Option<Uuid>,
    since: u64,
}

#[derive(Debug, Clone)]
pub struct Application {
    pub person: usize,
    pub posting: usize,
    pub status: Status,
    pub is_deleted: bool,
    pub run: Option<String>,
    pub submission: Option<InProgress>,
    pub waiting: Option<Waiting>,
    key: Option<String>,
    again: bool,
    heard: Heard,
    details: Details,
}

/// What the ledger says about one submission.
#[derive(Debug, Clone)]
pub struct Entry {
    pub application: Option<Uuid>,
    pub run: Option<String>,
    pub is_over: bool,
    /// Its cancellation has been asked for, so that later news of it is no reason to wait for its end again.
    is_cancelled: bool,
    person: usize,
    claimed_at: u64,
    started_at: Option<u64>,
    /// Skyvern said what stopped it before it could send the form.
    is_surely_not_sent: bool,
}

/// A webhook that has come.
#[derive(Debug, Clone)]
struct Received {
    key: String,
    event: Box<Event>,
    application: Option<Uuid>,
    named: Option<Uuid>,
    is_waiting: bool,
}

/// What a person was told, of which application.
pub type Told = (usize, Option<Uuid>, String);

#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub now: u64,
    pub is_skyvern_paused: bool,
    pub people: Vec<Person>,
    pub applications: BTreeMap<Uuid, Application>,
    pub ledger: BTreeMap<Uuid, Entry>,
    pub told: Vec<Told>,
    /// Runs whose proof their person was told of.
    told_sent: BTreeSet<String>,
    inbox: Vec<Received>,
    /// Jobs that are still to be done.
    open_jobs: BTreeSet<Uuid>,
}

/// What a person decided stands (docs/functions/skyvern-webhook-handler.md#what-it-does).
pub fn is_decision(status: Status) -> bool {
    matches!(status, AppliedManually | InterviewScheduled | OfferReceived | RejectedByCompany | WithdrawnByUser)
}

/// Whoever decides so wants no run any more (docs/functions/initiate-skyvern-application.md#stopping-it).
pub fn stops_runs(status: Status) -> bool {
    matches!(status, WithdrawnByUser | AppliedManually)
}

/// No run and no submission moves an application from there.
fn stands(status: Status) -> bool {
    is_decision(status) || status == SubmittedBySkyvern
}

fn is_final(status: Option<&str>) -> bool {
    matches!(status, Some("completed" | "failed" | "terminated" | "timed_out" | "canceled"))
}

/// What a person may do by themselves (docs/architecture.md): their own statuses, and back to the start where a second
/// attempt cannot apply twice.
fn may_decide(application: &Application, to: Status) -> bool {
    let from = application.status;
    from == to
        || is_decision(to)
        || (matches!(to, Draft | PendingSkyvernSubmission)
            && match from {
                Draft
                | PendingSkyvernSubmission
                | FailedSkyvernSubmission
                | FailedApplication
                | RequiresAttentionUserInput
                | RequiresAttentionManualReview => true,
                AppliedManually | WithdrawnByUser | RejectedByCompany => application.run.is_none(),
                _ => false,
            })
}

impl Application {
    /// Whether its submission is meant, although it may have been sent before.
    pub fn is_meant_again(&self) -> bool {
        self.again
    }
}

impl Reference {
    /// Before anything happens.
    pub fn of(people: &[Limits]) -> Self {
        let people = people.iter().map(|limits| Person { limits: *limits, is_gone: false }).collect();
        Self { people, ..Self::default() }
    }

    /// Takes over what only the database can say: which jobs there are and are done, and which job a submission waits as.
    pub fn see(&mut self, snapshot: &Snapshot) {
        for (id, entry) in &mut self.ledger {
            let by_run = entry.run.as_ref().and_then(|run| snapshot.cancellation(run));
            entry.is_cancelled = by_run.or_else(|| snapshot.cancellation(&id.to_string())).is_some();
        }
        self.open_jobs = snapshot.jobs.iter().filter(|job| job.is_open()).map(|job| job.id).collect();
        for (id, application) in &mut self.applications {
            if let Some(waiting) = &mut application.waiting {
                waiting.job = snapshot.application(*id).and_then(|row| row.job);
            }
        }
    }

    /// What a call must come to, compared with what it did come to.
    pub fn apply(&mut self, call: &Call, answer: &Answer) -> Result<(), String> {
        let expected = self.expect(call, answer);
        let actual = match answer.value() {
            value if value.is_boolean() => value.to_string(),
            value if value.is_object() || answer.outcome() != "" => answer.outcome().to_owned(),
            // A function without a result, or a changed row.
            value if value.is_null() && !matches!(call, Call::Decide { .. }) => "done".to_owned(),
            value => if value.is_null() { "nothing" } else { "done" }.to_owned(),
        };
        if actual == expected { Ok(()) } else { Err(format!("it came to {answer:?}, and should have been {expected}")) }
    }

    fn expect(&mut self, call: &Call, answer: &Answer) -> String {
        let expected = match call {
            Call::Draft { person, posting } => self.draft(*person, *posting, answer),
            Call::Claim { person, application, key, again } => {
                self.claim(*person, *application, key.as_ref(), *again, None, answer)
            }
            Call::ClaimQueued { application, job } => self.claim_queued(*application, *job, answer),
            Call::Record { application, submission, run, status, .. } => {
                self.record(*application, *submission, run, status)
            }
            Call::Fail { application, submission, how, queue_after } => {
                self.fail(*application, *submission, *how, queue_after.is_some(), "skyvern_failed")
            }
            Call::FailQueued { application, job, why } => self.fail_queued(*application, *job, &why.decision()),
            Call::Hear { event, application, submission, .. } => self.hear(event, *application, *submission),
            Call::Look { application } => self.look(*application),
            Call::Ongoing { application, run } => self.go_on(*application, run),
            Call::Lost { application, run } => self.lose(*application, run),
            Call::Overdue { application, run } => self.give_up(*application, run),
            Call::Absent { application, submission } => self.absent(*application, *submission),
            Call::Stopped { submission, run } => self.stopped(*submission, run.as_ref()),
            Call::Decide { person, application, status } => self.decide(*person, *application, *status),
            Call::Delete { person, application } => self.delete(*person, *application),
            Call::Restore { person, application } => self.restore(*person, *application),
            Call::Erase { person, application } => self.erase(*person, *application),
            Call::CloseAccount { person } => self.close_account(*person),
        };
        expected.to_owned()
    }

    fn visible(&mut self, person: usize, id: Uuid) -> Option<&mut Application> {
        self.applications.get_mut(&id).filter(|application| application.person == person && !application.is_deleted)
    }

    /// An application that waits for exactly this run.
    fn processing(&mut self, id: Uuid, run: &str) -> Option<&mut Application> {
        let application = self.applications.get_mut(&id)?;
        let waits = application.status == ProcessingBySkyvern && application.run.as_deref() == Some(run);
        waits.then_some(application)
    }

    fn is_waiting(&self, application: &Application) -> bool {
        application.waiting.as_ref().is_some_and(|waiting| waiting.job.is_none_or(|job| self.open_jobs.contains(&job)))
    }

    fn draft(&mut self, person: usize, posting: usize, answer: &Answer) -> &'static str {
        if self.people[person].is_gone {
            // Nobody may write a row that is nobody's.
            return "42501 new row violates row-level security policy for table \"applications\"";
        }
        let id = answer.value().as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        let application = Application {
            person,
            posting,
            status: Draft,
            is_deleted: false,
            run: None,
            submission: None,
            waiting: None,
            key: None,
            again: false,
            heard: Heard::default(),
            details: Details::default(),
        };
        self.applications.insert(id, application);
        "done"
    }

    /// docs/functions/initiate-skyvern-application.md: one claim at a time, one run for a posting unless it is meant, as
    /// many as the person may have, and nobody is told to wait for a caller that is dead.
    fn claim(
        &mut self,
        person: usize,
        id: Uuid,
        key: Option<&String>,
        again: bool,
        job: Option<&Waiting>,
        answer: &Answer,
    ) -> &'static str {
        if self.people[person].is_gone {
            return if job.is_some() { "superseded" } else { "profile_pending" };
        }
        let Some(application) = self.visible(person, id).cloned() else { return "application_not_found" };
        let others = self.applications.iter().filter(|(other, known)| **other != id && known.person == person);
        if key.is_some() && others.clone().any(|(_, other)| other.key.as_ref() == key) {
            return "idempotency_key_reused";
        }
        let is_same_request = key.is_some() && application.key.as_ref() == key;
        if application.run.is_some()
            && application.submission.is_none()
            && (application.status == ProcessingBySkyvern || is_same_request)
        {
            return "already_started";
        }
        if !matches!(application.status, Draft | PendingSkyvernSubmission) {
            return "application_wrong_status";
        }
        if application.submission.as_ref().is_some_and(|it| !it.is_open && self.now < it.since + LEASE) {
            return "in_progress";
        }
        if job.is_none() && self.is_waiting(&application) {
            return "queued";
        }
        if application.submission.is_some() {
            return "open";
        }
        if job.is_some_and(|job| self.now >= job.since + DAY) {
            return "expired";
        }
        if !again && self.may_have_been_sent(person, id, application.posting) {
            return "already_applied";
        }
        if self.is_at_limit(person, id) {
            return "application_limit_reached";
        }
        if self.is_skyvern_paused && job.is_some() {
            return "paused";
        }

        let now = self.now;
        let is_paused = self.is_skyvern_paused;
        let Some(application) = self.applications.get_mut(&id) else { return "application_not_found" };
        let previous = application.status;
        application.status = PendingSkyvernSubmission;
        application.key = key.cloned();
        application.again = again;
        if is_paused {
            application.details = Details { reason: Some("skyvern_paused".to_owned()), ..Details::default() };
            application.waiting = Some(Waiting { job: None, since: now });
            return "queued";
        }
        let submission = answer.value()["submission_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        application.submission = Some(InProgress { id: submission, since: now, is_open: false, previous });
        application.waiting = job.cloned();
        self.ledger.insert(submission, Entry::new(id, person, now));
        "claimed"
    }

    fn claim_queued(&mut self, id: Uuid, job: Uuid, answer: &Answer) -> &'static str {
        let Some(application) = self.applications.get(&id) else { return "superseded" };
        let (person, key, again) = (application.person, application.key.clone(), application.again);
        match application.waiting.clone() {
            Some(waiting) if waiting.job == Some(job) => {
                self.claim(person, id, key.as_ref(), again, Some(&waiting), answer)
            }
            _ => "superseded",
        }
    }

    /// Whether the person may have applied for the posting before, or is about to, with this application or another.
    fn may_have_been_sent(&self, person: usize, id: Uuid, posting: usize) -> bool {
        self.applications.iter().any(|(other, known)| {
            known.person == person
                && known.posting == posting
                && (matches!(
                    known.status,
                    ProcessingBySkyvern
                        | SubmittedBySkyvern
                        | AppliedManually
                        | InterviewScheduled
                        | OfferReceived
                        | RejectedByCompany
                ) || (*other != id && self.is_waiting(known))
                    || self.ledger.values().any(|it| it.application == Some(*other) && it.may_have_been_sent()))
        })
    }

    fn is_at_limit(&self, person: usize, id: Uuid) -> bool {
        let Limits { per_day, at_once } = self.people[person].limits;
        let of_person = || self.ledger.values().filter(|entry| entry.person == person);
        let today = of_person()
            .filter(|entry| self.now < entry.claimed_at + DAY && (entry.run.is_some() || !entry.is_over))
            .count();
        let in_progress = of_person().filter(|entry| !entry.is_over).count();
        let waiting = self
            .applications
            .iter()
            .filter(|(other, known)| **other != id && known.person == person && self.is_waiting(known))
            .count();
        today + waiting >= per_day || in_progress >= at_once
    }

    /// "Skyvern said yes": the submission has its run, and what was heard of the run before is applied.
    fn record(&mut self, id: Uuid, submission: Uuid, run: &str, status: &str) -> &'static str {
        let Some(application) = self.applications.get(&id) else { return "application_not_found" };
        if application.run.as_deref() == Some(run) {
            return "already_recorded";
        }
        let person = application.person;
        if application.submission.as_ref().is_none_or(|current| current.id != submission) {
            // Not the application's any more, but it is there, and is cancelled.
            if !self.ledger.values().any(|entry| entry.run.as_deref() == Some(run)) {
                let entry = self.ledger.entry(submission).or_insert_with(|| Entry::new(id, person, self.now));
                if entry.application == Some(id) && entry.run.is_none() {
                    (entry.run, entry.started_at, entry.is_over) = (Some(run.to_owned()), Some(self.now), false);
                }
            }
            return "superseded";
        }
        self.attach(id, run, Some(status).filter(|status| !is_final(Some(status))));
        "recorded"
    }

    fn attach(&mut self, id: Uuid, run: &str, status: Option<&str>) {
        let now = self.now;
        let Some(application) = self.applications.get_mut(&id) else { return };
        let Some(submission) = application.submission.take() else { return };
        application.run = Some(run.to_owned());
        application.heard = Heard { status: status.map(str::to_owned), attempt: 1, retry_pending: false, at: now };
        if !stands(application.status) {
            application.status = ProcessingBySkyvern;
            application.details = Details::default();
        }
        application.waiting = None;
        let person = application.person;
        let entry = self.ledger.entry(submission.id).or_insert_with(|| Entry::new(id, person, now));
        (entry.run, entry.started_at) = (Some(run.to_owned()), Some(now));
        for index in 0..self.inbox.len() {
            let received = &mut self.inbox[index];
            if received.is_waiting && received.event.run_id.as_str() == run {
                (received.is_waiting, received.application) = (false, Some(id));
                let event = received.event.clone();
                self.hear_of_current(id, &event);
            }
        }
    }

    /// "Skyvern said no", or nobody knows. What the person decided in the meantime stands.
    fn fail(&mut self, id: Uuid, submission: Uuid, how: SubmissionFailure, queue: bool, reason: &str) -> &'static str {
        let now = self.now;
        let Some(application) = self.applications.get_mut(&id) else { return "application_not_found" };
        let Some(current) = application.submission.clone().filter(|current| current.id == submission) else {
            return "superseded";
        };
        let is_open = matches!(how, SubmissionFailure::Open);
        let is_refused = matches!(how, SubmissionFailure::NotStarted);
        let waits = queue
            && (is_open || is_refused)
            && application.status == PendingSkyvernSubmission
            && !application.is_deleted;
        if !stands(application.status) {
            match how {
                SubmissionFailure::Released if application.status == PendingSkyvernSubmission => {
                    application.status = current.previous;
                }
                SubmissionFailure::Released => {}
                _ => {
                    application.details = Details { reason: Some(reason.to_owned()), ..Details::default() };
                    if is_refused && !waits {
                        application.status = FailedSkyvernSubmission;
                    }
                }
            }
        }
        if !(is_open || waits || application.waiting.is_some()) {
            application.key = None;
        }
        if is_open {
            application.submission = Some(InProgress { is_open: true, ..current });
        } else {
            application.submission = None;
        }
        if (is_open && !waits) || application.status != PendingSkyvernSubmission {
            application.waiting = None;
        }
        if waits && application.waiting.is_none() {
            application.waiting = Some(Waiting { job: None, since: now });
        }
        if matches!(how, SubmissionFailure::Released) || (is_refused && waits) {
            self.ledger.remove(&submission);
        } else if !is_open && let Some(entry) = self.ledger.get_mut(&submission) {
            entry.is_over = true;
        }
        "recorded"
    }

    fn fail_queued(&mut self, id: Uuid, job: Uuid, decision: &Decision) -> &'static str {
        let Some(application) = self.applications.get(&id) else { return "superseded" };
        if application.waiting.as_ref().is_none_or(|waiting| waiting.job != Some(job)) {
            return "superseded";
        }
        if let Some(submission) = application.submission.as_ref().map(|submission| submission.id) {
            self.fail(id, submission, SubmissionFailure::NotStarted, false, "refused");
        }
        self.end(id, decision);
        if let Some(application) = self.applications.get_mut(&id) {
            (application.waiting, application.key) = (None, None);
        }
        "failed"
    }

    /// The application comes to what a decision says, and its person is told.
    fn end(&mut self, id: Uuid, decision: &Decision) {
        let (status, reason, title) = parts(decision);
        let Some(application) = self.applications.get_mut(&id) else { return };
        application.status = status;
        application.details = Details { reason: Some(reason), ..Details::default() };
        self.tell(id, status, title);
    }

    /// About what was deleted, people are told only that it was sent all the same.
    fn tell(&mut self, id: Uuid, status: Status, title: Option<String>) {
        let Some(application) = self.applications.get(&id) else { return };
        let title = match title {
            _ if application.is_deleted && status == SubmittedBySkyvern => Some(LATE_STOP.to_owned()),
            _ if application.is_deleted => None,
            title => title,
        };
        self.told.extend(title.map(|title| (application.person, Some(id), title)));
    }

    /// A webhook, or what was read at Skyvern (docs/functions/skyvern-webhook-handler.md#what-it-does): each event once.
    fn hear(&mut self, event: &Event, named: Option<Uuid>, submission: Option<Uuid>) -> &'static str {
        let run = event.run_id.as_str();
        let key = format!("{run}:{}:{}:{}", event.status.as_str(), event.attempt, event.retry_pending);
        if self.inbox.iter().any(|received| received.key == key) {
            return "duplicate";
        }
        let entry = self
            .ledger
            .iter()
            .find(|(_, entry)| entry.run.as_deref() == Some(run))
            .or_else(|| {
                self.ledger.iter().find(|(id, entry)| {
                    Some(**id) == submission
                        && entry.run.is_none()
                        && (entry.application.is_none() || entry.application == named)
                })
            })
            .map(|(id, entry)| (*id, entry.clone()));
        let mut about = self
            .applications
            .iter()
            .find(|(_, known)| known.run.as_deref() == Some(run))
            .map(|(id, _)| *id)
            .or_else(|| entry.as_ref().map_or(named, |(_, entry)| entry.application.or(named)))
            .filter(|id| self.applications.contains_key(id));
        let outcome = match (&entry, about) {
            (Some((submission, entry)), _) if entry.application.is_none() => {
                about = None;
                self.hear_of_erased(*submission, entry.person, event)
            }
            (_, Some(id)) => self.hear_of(id, event, entry.as_ref(), submission),
            (_, None) => "waiting",
        };
        let is_waiting = outcome == "waiting" && named.is_none_or(|id| self.applications.contains_key(&id));
        self.inbox.push(Received {
            key,
            event: Box::new(event.clone()),
            application: if outcome == "waiting" { None } else { about },
            named,
            is_waiting,
        });
        outcome
    }

    fn hear_of(
        &mut self,
        id: Uuid,
        event: &Event,
        entry: Option<&(Uuid, Entry)>,
        submission: Option<Uuid>,
    ) -> &'static str {
        let run = event.run_id.as_str();
        let application = &self.applications[&id];
        let is_at_start = matches!(application.status, Draft | PendingSkyvernSubmission);
        if application.run.as_deref() == Some(run) && application.submission.is_none() && !is_at_start {
            return self.hear_of_current(id, event);
        }
        // A webhook that was quicker than the record of its run, or than the caller's death.
        let is_of_submission = application.submission.as_ref().is_some_and(|current| match submission {
            Some(submission) => current.id == submission,
            None => application.run.is_none(),
        });
        if is_of_submission && entry.is_none_or(|(_, entry)| entry.run.is_none()) {
            self.attach(id, run, None);
            return self.hear_of_current(id, event);
        }
        match entry {
            Some((submission, entry)) if entry.application == Some(id) => self.hear_of_earlier(id, *submission, event),
            _ if application.run.is_some() => "other_run",
            _ => "waiting",
        }
    }

    /// docs/vendors/skyvern.md#order-of-events: an older attempt says nothing new, and of one attempt the first end
    /// stands, except that a canceled run may have been done.
    fn hear_of_current(&mut self, id: Uuid, event: &Event) -> &'static str {
        let now = self.now;
        let (decided, reason, title) = parts(&Decision::on(event));
        let status = event.status.as_str();
        let Some(application) = self.applications.get_mut(&id) else { return "waiting" };
        let Some(run) = application.run.clone() else { return "waiting" };
        let heard = &application.heard;
        let was_over = is_final(heard.status.as_deref()) && !heard.retry_pending;
        let is_revealed = heard.status.as_deref() == Some("canceled") && status == "completed";
        if event.attempt < heard.attempt || (event.attempt == heard.attempt && was_over && !is_revealed) {
            return "out_of_order";
        }
        application.heard = Heard {
            status: Some(status.to_owned()),
            attempt: event.attempt,
            retry_pending: event.retry_pending,
            at: now,
        };
        let is_given_up = application.status == RequiresAttentionManualReview
            && application.details.reason.as_deref() == Some("run_overdue")
            && (decided == ProcessingBySkyvern || status == "canceled");
        let is_kept = is_decision(application.status)
            || (application.status == SubmittedBySkyvern && application.details.proof.is_some())
            || is_given_up;
        let is_sent = decided == SubmittedBySkyvern;
        let is_change = application.status != decided;
        if !is_kept {
            application.status = decided;
            application.details = Details { reason: Some(reason.clone()), ..Details::default() };
        }
        if let Some(entry) = self.entry_of(&run) {
            entry.hear(event);
            if !is_kept {
                entry.is_surely_not_sent = SURELY_NOT_SENT.contains(&reason.as_str());
            }
        }
        if is_kept {
            if is_sent {
                self.keep_proof(id, &run);
            }
            return "kept";
        }
        if is_sent {
            self.told_sent.insert(run);
        }
        if is_change {
            self.tell(id, decided, title);
        }
        "applied"
    }

    /// A run of an application that was put back to the start, or has another run by now, moves it only by the proof
    /// that it was sent.
    fn hear_of_earlier(&mut self, id: Uuid, submission: Uuid, event: &Event) -> &'static str {
        let run = event.run_id.as_str();
        let now = self.now;
        if let Some(entry) = self.ledger.get_mut(&submission) {
            entry.run = Some(run.to_owned());
            entry.started_at = entry.started_at.or(Some(now));
            entry.hear(event);
        }
        let (decided, reason, title) = parts(&Decision::on(event));
        let Some(application) = self.applications.get_mut(&id) else { return "waiting" };
        let known = [&application.details.proof, &application.details.second];
        if decided != SubmittedBySkyvern || known.iter().any(|known| known.as_deref() == Some(run)) {
            return "other_run";
        }
        if stands(application.status) {
            self.keep_proof(id, run);
            return "kept";
        }
        self.told_sent.insert(run.to_owned());
        application.status = SubmittedBySkyvern;
        application.details = Details { reason: Some(reason), proof: Some(run.to_owned()), second: None };
        application.waiting = None;
        self.tell(id, SubmittedBySkyvern, title);
        "applied"
    }

    /// It was sent in spite of what its person decided, or twice: the truth is told, once, unless they know.
    fn keep_proof(&mut self, id: Uuid, run: &str) {
        if !self.told_sent.insert(run.to_owned()) {
            return;
        }
        let Some(application) = self.applications.get_mut(&id) else { return };
        let status = application.status;
        let title = if status == SubmittedBySkyvern {
            application.details.second = Some(run.to_owned());
            Some("Sent twice")
        } else {
            application.details.proof = Some(run.to_owned());
            application.details.reason = Some("sent".to_owned());
            stops_runs(status).then_some(LATE_STOP)
        };
        self.tell(id, status, title.map(str::to_owned));
    }

    /// Nothing is kept of what was erased, but that it was sent all the same is told, once.
    fn hear_of_erased(&mut self, submission: Uuid, person: usize, event: &Event) -> &'static str {
        let run = event.run_id.as_str();
        let now = self.now;
        if let Some(entry) = self.ledger.get_mut(&submission) {
            if entry.run.is_none() {
                (entry.run, entry.started_at) = (Some(run.to_owned()), Some(now));
            }
            entry.hear(event);
        }
        let (decided, ..) = parts(&Decision::on(event));
        if decided == SubmittedBySkyvern && self.told_sent.insert(run.to_owned()) {
            self.told.push((person, None, LATE_STOP.to_owned()));
        }
        "application_erased"
    }

    fn entry_of(&mut self, run: &str) -> Option<&mut Entry> {
        self.ledger.values_mut().find(|entry| entry.run.as_deref() == Some(run))
    }

    /// docs/functions/job-runner.md#catching-up-with-skyvern
    fn look(&mut self, id: Uuid) -> &'static str {
        let Some(application) = self.applications.get(&id) else { return "nothing" };
        let is_known = application.heard.status.is_some() && self.now < application.heard.at + 60;
        let is_found_out = match &application.submission {
            Some(submission) if submission.is_open || self.now >= submission.since + LEASE => "submission",
            Some(_) => "nothing",
            None if application.status != ProcessingBySkyvern || application.run.is_none() => "nothing",
            None if is_known && !self.is_overdue(application) => "nothing",
            None => "run",
        };
        if self.is_skyvern_paused && is_found_out != "nothing" { "paused" } else { is_found_out }
    }

    fn is_overdue(&self, application: &Application) -> bool {
        let is_run = |entry: &&Entry| entry.run.is_some() && entry.run == application.run;
        let entry = self.ledger.values().find(is_run);
        entry.is_some_and(|entry| {
            !entry.is_over && entry.started_at.is_some_and(|started_at| self.now >= started_at + DEADLINE)
        })
    }

    fn go_on(&mut self, id: Uuid, run: &str) -> &'static str {
        let now = self.now;
        match self.processing(id, run) {
            Some(application) => {
                application.heard.at = now;
                "true"
            }
            None => "false",
        }
    }

    fn lose(&mut self, id: Uuid, run: &str) -> &'static str {
        let now = self.now;
        match self.processing(id, run) {
            None => "superseded",
            Some(application) if now < application.heard.at + DAY => "unknown",
            Some(_) => {
                self.end(id, &Decision::run_lost());
                if let Some(entry) = self.entry_of(run) {
                    entry.is_over = true;
                }
                "lost"
            }
        }
    }

    fn give_up(&mut self, id: Uuid, run: &str) -> &'static str {
        let now = self.now;
        if self.processing(id, run).is_none() {
            return "superseded";
        }
        let started_at = self.entry_of(run).and_then(|entry| entry.started_at);
        if started_at.is_none_or(|started_at| now < started_at + DEADLINE) {
            return "in_time";
        }
        self.end(id, &Decision::run_overdue());
        "overdue"
    }

    fn absent(&mut self, id: Uuid, submission: Uuid) -> &'static str {
        match self.fail(id, submission, SubmissionFailure::Absent, false, "run_never_started") {
            "recorded" => {
                let application = &self.applications[&id];
                // One that waits in the queue is handed over by its job now.
                if !stands(application.status) && application.waiting.is_none() {
                    self.end(id, &Decision::run_never_started());
                }
                "absent"
            }
            other => other,
        }
    }

    fn stopped(&mut self, submission: Uuid, run: Option<&String>) -> &'static str {
        let is_taken = self.ledger.values().any(|entry| entry.run.is_some() && entry.run.as_ref() == run);
        match self.ledger.get_mut(&submission) {
            Some(entry) => {
                if !is_taken && entry.run.is_none() {
                    entry.run = run.cloned();
                }
                entry.is_over = true;
                "true"
            }
            None => "false",
        }
    }

    fn decide(&mut self, person: usize, id: Uuid, status: Status) -> &'static str {
        let Some(application) = self.visible(person, id) else { return "nothing" };
        if !may_decide(application, status) {
            return "status_not_yours";
        }
        application.status = status;
        if status != PendingSkyvernSubmission {
            application.waiting = None;
        }
        "done"
    }

    fn delete(&mut self, person: usize, id: Uuid) -> &'static str {
        let Some(application) = self.visible(person, id) else { return "application_not_found" };
        (application.is_deleted, application.waiting) = (true, None);
        "done"
    }

    fn restore(&mut self, person: usize, id: Uuid) -> &'static str {
        match self.applications.get_mut(&id).filter(|application| application.person == person) {
            Some(application) if application.is_deleted => {
                application.is_deleted = false;
                "done"
            }
            _ => "application_not_found",
        }
    }

    fn erase(&mut self, person: usize, id: Uuid) -> &'static str {
        if self.applications.get(&id).is_none_or(|application| application.person != person) {
            return "application_not_found";
        }
        self.forget(id);
        self.told.retain(|(_, about, _)| *about != Some(id));
        for entry in self.ledger.values_mut().filter(|entry| entry.application == Some(id)) {
            entry.application = None;
        }
        "done"
    }

    fn forget(&mut self, id: Uuid) {
        self.applications.remove(&id);
        let is_about = |it: &Received| it.application.or(it.named.filter(|_| it.application.is_none())) == Some(id);
        self.inbox.retain(|received| !is_about(received));
    }

    fn close_account(&mut self, person: usize) -> &'static str {
        self.people[person].is_gone = true;
        let theirs: Vec<Uuid> =
            self.applications.iter().filter(|(_, known)| known.person == person).map(|(id, _)| *id).collect();
        for id in theirs {
            self.forget(id);
        }
        self.ledger.retain(|_, entry| entry.person != person);
        self.told.retain(|(told, ..)| *told != person);
        "done"
    }
}

impl Entry {
    fn new(application: Uuid, person: usize, now: u64) -> Self {
        Self {
            application: Some(application),
            run: None,
            is_over: false,
            is_cancelled: false,
            person,
            claimed_at: now,
            started_at: None,
            is_surely_not_sent: false,
        }
    }

    /// When the run is over, so is the submission. Another attempt of it begins it again, as long as somebody waits for it.
    fn hear(&mut self, event: &Event) {
        let is_awaited = self.application.is_some() && !self.is_cancelled;
        self.is_over = event.is_final() || (self.is_over && !is_awaited);
    }

    /// Not, if no run was started, or if the run said what stopped it before it could send the form.
    fn may_have_been_sent(&self) -> bool {
        let was_never_started = self.run.is_none() && self.started_at.is_none() && self.is_over;
        !was_never_started && !self.is_surely_not_sent
    }
}
