//! A life, played: the database, Skyvern, and whoever calls, step by step, with a look at everything after each.

use std::time::Instant;

use serde_json::json;
use shared::{
    supabase::rpc::applications::{Source, SubmissionFailure},
    vendors::skyvern::Event,
};
use tests::scratch_database::ScratchDatabase;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::{
    calls::{Call, Person},
    clock::Clock,
    reference::{LEASE, Limits, Reference, SURELY_NOT_SENT},
    rules,
    session::{self, Answer},
    skyvern::{Run, Skyvern, parse},
    snapshot::Snapshot,
    steps::{Address, SkyvernAnswers, Step},
};

/// The people, by their tier and what an operator allows it.
const PEOPLE: [(&str, Limits); 2] =
    [("free", Limits { per_day: 3, at_once: 2 }), ("pro", Limits { per_day: 20, at_once: 3 })];
/// How many applications a person makes at most.
const APPLICATIONS: usize = 4;
/// When not finding a run proves that there is none, in seconds.
pub const SURELY_LISTED_AFTER: u64 = 120;

/// The database, for one life after the other.
pub struct Database {
    pub client: Client,
    other: Client,
    observer: Client,
    other_pid: i32,
    clock: Clock,
    look: Statement,
}

impl Database {
    pub async fn of(scratch: &ScratchDatabase) -> Self {
        let client = scratch.connect().await;
        let other = scratch.connect().await;
        let observer = scratch.connect().await;
        for connection in [&client, &other] {
            connection.batch_execute("set synchronous_commit = off; set deadlock_timeout = '200ms'").await.unwrap();
        }
        let other_pid = other.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        let clock = Clock::of(&client).await;
        let look = Snapshot::prepare(&client).await;
        Self { client, other, observer, other_pid, clock, look }
    }

    /// Forgets the life before.
    async fn clear(&self) {
        let sql = "begin; set local session_replication_role = replica;
                   delete from public.applications; delete from public.application_events;
                   delete from public.application_deletions; delete from public.notifications;
                   delete from public.background_jobs; delete from public.webhook_events;
                   delete from private.application_runs; delete from private.circuit_breakers;
                   delete from public.user_preferences; delete from public.users; delete from auth.users; commit";
        self.client.batch_execute(sql).await.unwrap();
        // Every row is written again whenever time passes, and there is no pause for the autovacuum.
        let vacuum = "vacuum public.applications, public.application_events, public.notifications,
                      public.background_jobs, public.webhook_events, private.application_runs, public.users";
        self.client.batch_execute(vacuum).await.unwrap();
    }

    /// Whether the other connection waits for this one.
    async fn is_other_blocked(&self) -> bool {
        let sql = "select cardinality(pg_blocking_pids($1)) > 0";
        self.observer.query_one(sql, &[&self.other_pid]).await.unwrap().get(0)
    }
}

/// What a caller knows and has not written down yet.
#[derive(Debug, Clone)]
enum Report {
    Run { run: String, status: &'static str },
    Failure { how: SubmissionFailure, queue_after: Option<u64> },
}

/// What a caller is at.
#[derive(Debug, Clone)]
enum At {
    /// It has claimed the application, and asks Skyvern next.
    Claimed,
    /// It was told of an earlier submission, and looks for its run next.
    FindingOut,
    /// It knows.
    Knows(Report),
    /// It has found nothing yet.
    GivesUp,
}

#[derive(Debug, Clone)]
struct Caller {
    application: Uuid,
    submission: Uuid,
    title: String,
    since: u64,
    again: bool,
    /// Runs that there were when it claimed, and that nobody knew of then.
    unheard_of: Vec<String>,
    at: At,
}

/// What is wrong, and where.
pub type Checked<T = ()> = Result<T, String>;

pub struct World<'a> {
    database: &'a Database,
    people: Vec<Person>,
    pub reference: Reference,
    pub skyvern: Skyvern,
    pub snapshot: Snapshot,
    callers: Vec<Caller>,
    /// What has been asked of the database.
    pub calls: usize,
    /// Everything that happened, for whoever reads a failure.
    pub log: Vec<String>,
    began: Instant,
}

impl<'a> World<'a> {
    /// Two people, and nothing else.
    pub async fn begin(database: &'a Database) -> Self {
        database.clear().await;
        let mut people = Vec::new();
        for (tier, limits) in PEOPLE {
            let id = Uuid::new_v4();
            let subject = format!("user_{}", id.simple());
            let metadata = json!({ "clerk_id": subject }).to_string();
            let sql = format!(
                "insert into auth.users (id, raw_app_meta_data) values ('{id}', '{metadata}');
                 update public.users set tier = '{tier}', current_resume_url = '{id}/cv.pdf' where id = '{id}';
                 update private.application_limits set per_day = {}, at_once = {} where tier = '{tier}'",
                limits.per_day, limits.at_once
            );
            database.client.batch_execute(&sql).await.unwrap();
            people.push(Person { id, subject });
        }
        let reference = Reference::of(&PEOPLE.map(|(_, limits)| limits));
        Self {
            database,
            people,
            reference,
            skyvern: Skyvern::default(),
            snapshot: Snapshot::default(),
            callers: Vec::new(),
            calls: 0,
            log: Vec::new(),
            began: Instant::now(),
        }
    }

    /// Whether so much real time has passed that the database and the reference may disagree about what is over.
    pub fn was_held_up(&self) -> bool {
        self.began.elapsed().as_secs() >= 15
    }

    /// Plays a step.
    pub async fn play(&mut self, step: &Step) -> Checked {
        self.log.push(format!("{step:?}"));
        match step {
            Step::Ask { caller, answer } => self.ask(*caller, *answer),
            Step::Run { run, next } => {
                if let Some(run) = from_newest(self.skyvern.runs.len(), *run) {
                    self.skyvern.advance(run, *next);
                }
                Ok(())
            }
            Step::Forget { run } => {
                self.forget(*run);
                Ok(())
            }
            Step::Background { answer, dies_after } => self.background(*answer, *dies_after).await,
            Step::Wait { seconds } => {
                self.wait(*seconds).await;
                Ok(())
            }
            Step::Pause { is_paused } => self.pause(*is_paused).await,
            Step::Together { first, second, is_held } => match (self.resolve(first), self.resolve(second)) {
                (Some(first), Some(second)) => self.call_together(&first, &second, *is_held).await,
                _ => Ok(()),
            },
            step => match self.resolve(step) {
                Some(call) => self.call(&call).await.map(drop),
                None => Ok(()),
            },
        }
    }

    /// The call that a step is at this moment, if it is one.
    fn resolve(&self, step: &Step) -> Option<Call> {
        let application = |index: usize| {
            let ids: Vec<Uuid> =
                self.snapshot.history.iter().filter(|it| it.from.is_none()).map(|it| it.application).collect();
            let id = ids[from_newest(ids.len(), index)?];
            self.reference.applications.get(&id).map(|known| (known.person, id))
        };
        Some(match step {
            Step::Draft { person, posting } => {
                let theirs = self.reference.applications.values().filter(|known| known.person == *person).count();
                if theirs >= APPLICATIONS || self.reference.people[*person].is_gone {
                    return None;
                }
                Call::Draft { person: *person, posting: *posting }
            }
            Step::Claim { application: index, key, again } => {
                let (person, application) = application(*index)?;
                // The third key is the same for all of a person's applications.
                let key = key.map(|key| if key < 2 { format!("{key} of {application}") } else { "shared".to_owned() });
                Call::Claim { person, application, key, again: *again }
            }
            Step::Report { caller } => {
                let caller = &self.callers[from_newest(self.callers.len(), *caller)?];
                let (application, submission) = (caller.application, caller.submission);
                match &caller.at {
                    At::Knows(Report::Run { run, status }) => {
                        Call::Record { application, submission, run: run.clone(), status, source: Source::Initiate }
                    }
                    At::Knows(Report::Failure { how, queue_after }) => {
                        Call::Fail { application, submission, how: *how, queue_after: *queue_after }
                    }
                    _ => return None,
                }
            }
            Step::Deliver { webhook, address } => {
                let webhook = &self.skyvern.webhooks[from_newest(self.skyvern.webhooks.len(), *webhook)?];
                hear(parse(&webhook.payload), webhook.application, webhook.submission, *address)
            }
            Step::Foreign { application: index, address } => {
                let (_, application) = application(*index)?;
                let run = format!("tsk_foreign_{}", Uuid::new_v4().simple());
                let event = parse(&json!({ "run_id": run, "status": "failed" }));
                let address = if *address == Address::WithoutSubmission { Address::Empty } else { *address };
                hear(event, application, Uuid::new_v4(), address)
            }
            Step::Decide { application: index, status } => {
                let (person, application) = application(*index)?;
                Call::Decide { person, application, status: *status }
            }
            Step::Delete { application: index } => {
                let (person, application) = application(*index)?;
                Call::Delete { person, application }
            }
            Step::Restore { application: index } => {
                let (person, application) = application(*index)?;
                Call::Restore { person, application }
            }
            Step::Erase { application: index } => {
                let (person, application) = application(*index)?;
                Call::Erase { person, application }
            }
            Step::CloseAccount { person } if !self.reference.people[*person].is_gone => {
                Call::CloseAccount { person: *person }
            }
            _ => return None,
        })
    }

    /// Makes a call, and looks at what it did.
    pub async fn call(&mut self, call: &Call) -> Checked<Answer> {
        let (role, statement) = call.statement(&self.people);
        let answer = session::call(&self.database.client, &role, &statement).await;
        self.calls += 1;
        self.log.push(format!("    {call:?} -> {answer:?}"));
        self.reference.apply(call, &answer)?;
        self.look().await?;
        self.note(call, &answer);
        Ok(answer)
    }

    /// Makes two calls at once. What they come to must be what one of the two orders comes to.
    async fn call_together(&mut self, first: &Call, second: &Call, is_held: bool) -> Checked {
        let answers = if is_held { self.hold_and_call(first, second).await } else { self.race(first, second).await };
        self.calls += 2;
        self.log.push(format!("    {first:?} -> {:?}", answers.0));
        self.log.push(format!("    {second:?} -> {:?}", answers.1));
        let before = self.reference.clone();
        let one_way = self.apply_both((first, &answers.0), (second, &answers.1)).await;
        if let Err(one_way) = one_way {
            self.reference = before;
            self.apply_both((second, &answers.1), (first, &answers.0)).await.map_err(|other_way| {
                format!("neither order fits.\nin this order: {one_way}\nthe other way round: {other_way}")
            })?;
        }
        self.note(first, &answers.0);
        self.note(second, &answers.1);
        Ok(())
    }

    async fn apply_both(&mut self, first: (&Call, &Answer), second: (&Call, &Answer)) -> Checked {
        self.reference.apply(first.0, first.1)?;
        self.reference.apply(second.0, second.1)?;
        self.look().await
    }

    /// The first call's transaction is open until the second call is done or waits for it.
    async fn hold_and_call(&self, first: &Call, second: &Call) -> (Answer, Answer) {
        let (role, statement) = first.statement(&self.people);
        let held = session::call_and_hold(&self.database.client, &role, &statement).await;
        let (role, statement) = second.statement(&self.people);
        let mut waiting = std::pin::pin!(session::call(&self.database.other, &role, &statement));
        let early = loop {
            tokio::select! {
                biased;
                answer = &mut waiting => break Some(answer),
                is_blocked = self.database.is_other_blocked() => if is_blocked { break None },
            }
        };
        session::commit(&self.database.client).await;
        let answer = match early {
            Some(answer) => answer,
            None => waiting.await,
        };
        (held, answer)
    }

    async fn race(&self, first: &Call, second: &Call) -> (Answer, Answer) {
        let (role, statement) = first.statement(&self.people);
        let (other_role, other_statement) = second.statement(&self.people);
        tokio::join!(
            session::call(&self.database.client, &role, &statement),
            session::call(&self.database.other, &other_role, &other_statement),
        )
    }

    /// Looks at everything.
    async fn look(&mut self) -> Checked {
        self.snapshot = Snapshot::take(&self.database.client, &self.database.look).await;
        self.reference.see(&self.snapshot);
        rules::check(&self.reference, &self.snapshot, &self.people)
    }

    /// Whoever was answered knows something now.
    fn note(&mut self, call: &Call, answer: &Answer) {
        let Call::Claim { application, again, .. } = call else { return };
        self.add_caller(*application, *again, answer);
    }

    /// Somebody who claimed an application, or has to find out about an earlier submission. Returns which caller it is.
    pub fn add_caller(&mut self, application: Uuid, again: bool, answer: &Answer) -> Option<usize> {
        let at = match answer.outcome() {
            "claimed" => At::Claimed,
            "open" => At::FindingOut,
            _ => return None,
        };
        let value = answer.value();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let submission = text("submission_id").parse().unwrap_or_default();
        let since = self.reference.now - value["seconds_ago"].as_u64().unwrap_or_default().min(self.reference.now);
        let unheard_of = self.skyvern.runs.iter().filter(|run| self.is_unheard_of(run));
        let unheard_of = unheard_of.map(|run| run.id.clone()).collect();
        self.callers.push(Caller { application, submission, title: text("title"), since, again, unheard_of, at });
        Some(self.callers.len() - 1)
    }

    fn ask(&mut self, caller: usize, answer: SkyvernAnswers) -> Checked {
        match from_newest(self.callers.len(), caller) {
            Some(caller) => self.ask_as(caller, answer).map(drop),
            None => Ok(()),
        }
    }

    /// A caller asks Skyvern, if it has not yet. Returns what it has to write down then.
    pub fn ask_as(&mut self, index: usize, answer: SkyvernAnswers) -> Checked<Option<Call>> {
        let caller = self.callers[index].clone();
        let now = self.reference.now;
        let at = match caller.at {
            At::Claimed => self.answer(&caller, answer)?,
            At::FindingOut => match self.skyvern.find_by_title(&caller.title, now) {
                Some((run, status)) => At::Knows(Report::Run { run, status }),
                None if now < caller.since + SURELY_LISTED_AFTER => At::GivesUp,
                None => At::Knows(Report::Failure { how: SubmissionFailure::Absent, queue_after: None }),
            },
            at => at,
        };
        self.callers[index].at = at;
        Ok(self.resolve(&Step::Report { caller: self.callers.len() - 1 - index }))
    }

    fn answer(&mut self, caller: &Caller, answer: SkyvernAnswers) -> Checked<At> {
        let failure = |how, queue_after| Ok(At::Knows(Report::Failure { how, queue_after }));
        match answer {
            // Whoever is later than this has been ended by the runtime.
            _ if self.reference.now >= caller.since + LEASE => Ok(At::GivesUp),
            SkyvernAnswers::NotAsked => failure(SubmissionFailure::Released, None),
            SkyvernAnswers::Nothing => failure(SubmissionFailure::Open, None),
            SkyvernAnswers::No => failure(SubmissionFailure::NotStarted, None),
            SkyvernAnswers::Later => failure(SubmissionFailure::NotStarted, Some(30)),
            SkyvernAnswers::Yes | SkyvernAnswers::YesUnheard | SkyvernAnswers::YesUnlisted => {
                let is_late = answer == SkyvernAnswers::YesUnlisted;
                let run = self.start(caller, is_late)?;
                if answer == SkyvernAnswers::YesUnheard {
                    return failure(SubmissionFailure::Open, Some(120));
                }
                Ok(At::Knows(Report::Run { run, status: "queued" }))
            }
        }
    }

    /// Skyvern starts a run. That it may is checked here against the runs that there really are.
    fn start(&mut self, caller: &Caller, is_listed_late: bool) -> Checked<String> {
        let Some((person, posting)) =
            self.reference.applications.get(&caller.application).map(|known| (known.person, known.posting))
        else {
            // It was erased, or its person is gone, while the caller was at it.
            let known = (caller.application, caller.submission, usize::MAX, usize::MAX);
            let index = self.skyvern.start(&caller.title, known, self.reference.now, is_listed_late);
            return Ok(self.skyvern.runs[index].id.clone());
        };
        if self.skyvern.runs.iter().any(|run| run.submission == caller.submission) {
            return Err(format!("a second run is started for the submission {}", caller.submission));
        }
        for run in self.skyvern.runs.iter().filter(|run| (run.person, run.posting) == (person, posting)) {
            // Who erases an application wants nothing to be known of it.
            let is_known =
                self.reference.applications.contains_key(&run.application) && !caller.unheard_of.contains(&run.id);
            if is_known && !caller.again && !self.is_surely_not_sent(&run.id) {
                return Err(format!("a second run is started for the posting that {run:?} may have applied for"));
            }
        }
        let known = (caller.application, caller.submission, person, posting);
        let index = self.skyvern.start(&caller.title, known, self.reference.now, is_listed_late);
        let live = self
            .skyvern
            .runs
            .iter()
            .filter(|run| run.person == person && run.is_live() && !caller.unheard_of.contains(&run.id))
            .count();
        let at_once = PEOPLE[person].1.at_once;
        if live > at_once {
            return Err(format!("{live} runs of one person go on at once, where {at_once} may"));
        }
        Ok(self.skyvern.runs[index].id.clone())
    }

    /// Whether nobody can know of the run so far: its caller has not written it down, and it was not in the list when its
    /// submission was looked for.
    pub fn is_unheard_of(&self, run: &Run) -> bool {
        run.is_listed_late && !self.reference.ledger.values().any(|entry| entry.run.as_ref() == Some(&run.id))
    }

    /// Skyvern has said at some time what stopped the run.
    fn is_surely_not_sent(&self, run: &str) -> bool {
        self.skyvern.webhooks.iter().any(|webhook| {
            webhook.payload["run_id"] == run
                && SURELY_NOT_SENT.iter().any(|code| webhook.payload["errors"][0]["error_code"] == *code)
        })
    }

    /// Skyvern loses a run. Not one that nobody has heard of: what cannot be found later than it is surely listed counts as
    /// never started, and Skyvern does not lose runs within minutes.
    fn forget(&mut self, run: usize) {
        let Some(index) = from_newest(self.skyvern.runs.len(), run) else { return };
        let id = &self.skyvern.runs[index].id;
        if self.reference.ledger.values().any(|entry| entry.run.as_ref() == Some(id)) {
            self.skyvern.forget(index);
        }
    }

    /// Time passes, for all.
    pub async fn wait(&mut self, seconds: u64) {
        self.database.clock.pass(&self.database.client, seconds).await;
        self.reference.now += seconds;
    }

    pub async fn pause(&mut self, is_paused: bool) -> Checked {
        let sql = if is_paused {
            "insert into private.circuit_breakers (vendor, held) values ('skyvern', 'open') on conflict do nothing"
        } else {
            "delete from private.circuit_breakers"
        };
        self.database.client.batch_execute(sql).await.map_err(|error| error.to_string())?;
        self.reference.is_skyvern_paused = is_paused;
        Ok(())
    }

    /// A statement of the backend that changes nothing of an application.
    pub async fn service(&mut self, statement: &str) -> Answer {
        self.calls += 1;
        session::call(&self.database.client, &session::Role::Service, statement).await
    }

    /// Looks again, without a call.
    pub async fn look_again(&mut self) -> Checked {
        self.look().await
    }
}

fn hear(event: Event, application: Uuid, submission: Uuid, address: Address) -> Call {
    Call::Hear {
        event: Box::new(event),
        application: (address != Address::Empty).then_some(application),
        submission: (address == Address::Whole).then_some(submission),
        source: Source::SkyvernWebhook,
    }
}

/// The index of the one that is so many before the newest.
fn from_newest(length: usize, index: usize) -> Option<usize> {
    (length > 0).then(|| length - 1 - index % length)
}
