//! The job-runner, as far as applications are concerned: the same calls in the same order as in
//! functions/job-runner/src/job_types and functions/initiate-skyvern-application/src/queued.rs.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    supabase::rpc::applications::{Source, SubmissionFailure},
    vendors::skyvern::Event,
};
use uuid::Uuid;

use super::{
    calls::{Call, GivenUp},
    reference::Application,
    rules,
    session::{Answer, function_call},
    skyvern::Move,
    steps::SkyvernAnswers,
    world::{Checked, SURELY_LISTED_AFTER, World},
};

/// A cancellation that finds no run of its submission is sure of it at this attempt.
const SURELY_LISTED_AT_ATTEMPT: u32 = 4;

/// After so many rounds everything has come to rest.
const ROUNDS: usize = 40;

#[derive(Debug, Deserialize)]
struct Job {
    id: Uuid,
    #[serde(rename = "job_type")]
    kind: String,
    payload: Value,
    lease_number: i64,
    attempt: u32,
}

/// How an attempt at a job ends.
enum End {
    Completed,
    Retry,
    PutBack(u64),
    /// Its worker is dead.
    Died,
}

/// How many more calls a worker lives for.
struct Worker {
    calls_left: Option<usize>,
    answer: SkyvernAnswers,
}

impl Worker {
    /// Whether it still makes this call.
    fn lives(&mut self) -> bool {
        match &mut self.calls_left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

/// Makes a call, unless the worker is dead by now.
macro_rules! call {
    ($world:expr, $worker:expr, $call:expr) => {{
        if !$worker.lives() {
            return Ok(End::Died);
        }
        $world.call(&$call).await?
    }};
}

impl World<'_> {
    /// One run of the job-runner.
    pub async fn background(&mut self, answer: SkyvernAnswers, dies_after: Option<usize>) -> Checked {
        self.run_jobs(answer, dies_after).await.map(drop)
    }

    /// The same; returns how many jobs there were.
    async fn run_jobs(&mut self, answer: SkyvernAnswers, dies_after: Option<usize>) -> Checked<usize> {
        let mut worker = Worker { calls_left: dies_after, answer };
        self.service("select public.queue_due_reconciliations()").await;
        let types =
            ["reconcile_application", "cancel_skyvern_run", "submit_application", "push_notification", "delete_files"];
        let arguments = json!({ "p_worker": "model", "p_job_types": types, "p_limit": 50 });
        let claimed = self.service(&function_call("claim_background_jobs", &arguments)).await;
        let jobs: Vec<Job> =
            serde_json::from_value(claimed.value().clone()).map_err(|error| format!("{error}: {claimed:?}"))?;
        self.look_again().await?;
        let number = jobs.len();
        for job in jobs {
            self.log.push(format!("  {} {} attempt {}", job.kind, job.payload, job.attempt));
            let end = match job.kind.as_str() {
                "reconcile_application" => self.reconcile(&job, &mut worker).await?,
                "cancel_skyvern_run" => self.cancel(&job, &mut worker).await?,
                "submit_application" => self.submit(&job, &mut worker).await?,
                _ => End::Completed,
            };
            if matches!(end, End::Died) || !worker.lives() {
                self.log.push("  the worker dies".to_owned());
                break;
            }
            self.settle(&job, end).await?;
        }
        Ok(number)
    }

    async fn settle(&mut self, job: &Job, end: End) -> Checked {
        let (outcome, after) = match end {
            End::Completed => ("completed", None),
            End::Retry => ("retry", None),
            End::PutBack(after) => ("put_back", Some(after)),
            End::Died => return Ok(()),
        };
        let report = json!([{ "job_id": job.id, "lease_number": job.lease_number, "outcome": outcome,
                              "retry_after_seconds": after }]);
        let settled =
            self.service(&function_call("settle_background_jobs", &json!({ "p_jobs": report.to_string() }))).await;
        self.log.push(format!("  {outcome} -> {settled:?}"));
        self.look_again().await
    }

    async fn reconcile(&mut self, job: &Job, worker: &mut Worker) -> Checked<End> {
        let application = id(&job.payload["application_id"]);
        let question = call!(self, worker, Call::Look { application });
        let asked = question.value().clone();
        match question.outcome() {
            "run" => {
                let run = text(&asked["run_id"]);
                let attempt = i32::try_from(asked["attempt"].as_i64().unwrap_or(1)).unwrap_or(1);
                self.reconcile_run(application, run, attempt, asked["is_overdue"] == true, worker).await
            }
            "submission" => {
                let submission = id(&asked["submission_id"]);
                let age = asked["seconds_ago"].as_u64().unwrap_or_default();
                match self.skyvern.find_by_title(&text(&asked["title"]), self.reference.now) {
                    Some((run, status)) => {
                        let source = Source::Reconciler;
                        let record = Call::Record { application, submission, run: run.clone(), status, source };
                        let recorded = call!(self, worker, record);
                        let is_final = !matches!(status, "queued" | "running");
                        if is_final && recorded.outcome() != "superseded" {
                            return self.reconcile_run(application, run, 1, false, worker).await;
                        }
                        Ok(End::Completed)
                    }
                    None if age < SURELY_LISTED_AFTER => Ok(End::PutBack(SURELY_LISTED_AFTER - age)),
                    None => {
                        call!(self, worker, Call::Absent { application, submission });
                        Ok(End::Completed)
                    }
                }
            }
            "paused" => Ok(End::PutBack(asked["retry_after_seconds"].as_u64().unwrap_or_default())),
            _ => Ok(End::Completed),
        }
    }

    async fn reconcile_run(
        &mut self,
        application: Uuid,
        run: String,
        attempt: i32,
        is_overdue: bool,
        worker: &mut Worker,
    ) -> Checked<End> {
        let call = match self.skyvern.read(&run) {
            None => Call::Lost { application, run },
            Some(event) if !event.is_final() && is_overdue => Call::Overdue { application, run },
            Some(event) if !event.is_final() => Call::Ongoing { application, run },
            Some(event) => found(Event { attempt: event.attempt.max(attempt), ..event }, application),
        };
        call!(self, worker, call);
        Ok(End::Completed)
    }

    async fn cancel(&mut self, job: &Job, worker: &mut Worker) -> Checked<End> {
        let application = &job.payload["application_id"];
        let application = application.is_string().then(|| id(application));
        let mut run = job.payload["run_id"].as_str().map(str::to_owned);
        if let Some(title) = job.payload["submission_title"].as_str() {
            match self.skyvern.find_by_title(title, self.reference.now) {
                Some((found, _)) => run = Some(found),
                None if job.attempt < SURELY_LISTED_AT_ATTEMPT => return Ok(End::Retry),
                None => {}
            }
        }
        if let Some(run) = &run
            && self.skyvern.cancel(run).is_err()
        {
            // It was over already.
            match self.skyvern.read(run) {
                Some(event) if event.is_final() => {
                    if let Some(application) = application {
                        call!(self, worker, found(event, application));
                    }
                }
                Some(_) => return Ok(End::Retry),
                None => {}
            }
        }
        if job.payload["submission_id"].is_string() {
            let submission = id(&job.payload["submission_id"]);
            call!(self, worker, Call::Stopped { submission, run });
        }
        Ok(End::Completed)
    }

    async fn submit(&mut self, job: &Job, worker: &mut Worker) -> Checked<End> {
        let application = id(&job.payload["application_id"]);
        loop {
            let claim = call!(self, worker, Call::ClaimQueued { application, job: job.id });
            match claim.outcome() {
                "already_started" | "superseded" => return Ok(End::Completed),
                "expired" => {
                    call!(self, worker, Call::FailQueued { application, job: job.id, why: GivenUp::WaitedTooLong });
                    return Ok(End::Completed);
                }
                "claimed" | "open" => {
                    if let Some(end) = self.hand_over(application, &claim, job, worker).await? {
                        return Ok(end);
                    }
                    // It never reached Skyvern, so the application may be claimed anew.
                }
                "already_applied" | "idempotency_key_reused" | "application_wrong_status" => {
                    call!(self, worker, Call::FailQueued { application, job: job.id, why: GivenUp::Refused });
                    return Ok(End::Completed);
                }
                "in_progress" | "queued" | "paused" | "application_limit_reached" | "application_not_found" => {
                    return Ok(End::Retry);
                }
                other => return Err(format!("a claim of a job came to {other}")),
            }
        }
    }

    /// What follows a claim. None if the claim has to be made again.
    async fn hand_over(
        &mut self,
        application: Uuid,
        claim: &Answer,
        job: &Job,
        worker: &mut Worker,
    ) -> Checked<Option<End>> {
        let again = self.reference.applications.get(&application).is_some_and(Application::is_meant_again);
        let Some(caller) = self.add_caller(application, again, claim) else { return Ok(Some(End::Retry)) };
        let is_refused = worker.answer == SkyvernAnswers::No && claim.outcome() == "claimed";
        let Some(report) = self.ask_as(caller, worker.answer)? else { return Ok(Some(End::Retry)) };
        if !worker.lives() {
            return Ok(Some(End::Died));
        }
        if is_refused {
            self.call(&Call::FailQueued { application, job: job.id, why: GivenUp::Refused }).await?;
            return Ok(Some(End::Completed));
        }
        self.call(&report).await?;
        Ok(match report {
            Call::Record { .. } => Some(End::Completed),
            Call::Fail { how: SubmissionFailure::Absent, .. } => None,
            _ => Some(End::Retry),
        })
    }

    /// Nobody calls any more, Skyvern works and says what is true, no webhook comes: what is going on comes to an end by
    /// the background work alone. Runs go on until they are cancelled, or come to their own end.
    pub async fn come_to_rest(&mut self, next: Option<Move>) -> Checked {
        self.log.push(format!("everything comes to rest, and runs: {next:?}"));
        self.pause(false).await?;
        if let Some(next) = next {
            for run in 0..self.skyvern.runs.len() {
                self.skyvern.advance(run, next);
            }
        }
        let mut seen = Ok(());
        for _ in 0..ROUNDS {
            // Long enough for any backoff, and for a new quarter of an hour.
            self.wait(3600).await;
            while self.run_jobs(SkyvernAnswers::Yes, None).await? > 0 {}
            seen = self.rests();
            if seen.is_ok() {
                return Ok(());
            }
        }
        seen
    }

    fn rests(&self) -> Checked {
        rules::rests(&self.snapshot)?;
        match self.skyvern.runs.iter().find(|run| run.is_live() && !self.is_unheard_of(run)) {
            Some(run) => Err(format!("{run:?} still goes on")),
            None => Ok(()),
        }
    }
}

fn found(event: Event, application: Uuid) -> Call {
    let source = Source::Reconciler;
    Call::Hear { event: Box::new(event), application: Some(application), submission: None, source }
}

fn id(value: &Value) -> Uuid {
    text(value).parse().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
