//! Handing a claimed application over, and writing down what came of it.
//!
//! The order matters: everything that can fail for certain comes before the one call that cannot be
//! repeated. What is not known is written down as open, and found out by the run's title.

use std::time::Duration;

use shared::{
    application_status::ApplicationStatus,
    ids::{ApplicationId, BackgroundJobId, SubmissionId},
    problem::Problem,
    sign_in::{Person, ServiceRole},
    supabase::{
        COVER_LETTERS, Database, RESUMES, Storage,
        rpc::applications::{
            ClaimedApplication, FailQueuedApplication, FailureDetails, OpenSubmission, RecordSkyvernRun,
            RecordSubmissionFailure, RecordedFailure, Source, StartedRun, SubmissionFailure,
        },
    },
    vendors::{
        CallOutcome, Fault, FaultKind,
        skyvern::{Decision, NewRun, Run, SURELY_LISTED_AFTER, Skyvern, leaves_outcome_open, waits_for},
    },
};
use url::Url;

use crate::{Call, instructions, job_url};

/// Skyvern's workers fetch the résumé late, since runs wait in a queue, and more than once.
const RESUME_VALID_FOR: Duration = Duration::from_hours(12);

/// Where the cover letter is wanted, the résumé is too.
const COVER_LETTER_VALID_FOR: Duration = RESUME_VALID_FOR;

/// Who an application is handed over for.
#[derive(Clone, Copy)]
pub(crate) enum Sender<'a> {
    /// Somebody who waits for the response.
    Person(&'a Person),
    /// Somebody whose submission waits in the queue. This job hands it over, and tries again.
    Queue(ServiceRole, BackgroundJobId),
}

/// What a submission came to.
pub(crate) enum Submitted {
    /// There is a run.
    Started(StartedRun),
    /// Skyvern took nothing for the moment, and the submission waits in the queue.
    Queued {
        /// The application's status.
        status: ApplicationStatus,
        /// Why it waits.
        because: Problem,
    },
}

/// One application on its way to Skyvern.
pub(crate) struct Submission<'a> {
    pub(crate) application_id: ApplicationId,
    pub(crate) sender: Sender<'a>,
    pub(crate) call: &'a Call,
}

impl Submission<'_> {
    /// Starts a run and records it.
    ///
    /// # Errors
    /// What stood in the way; the application's row says the same by then.
    pub(crate) async fn submit(&self, claimed: &ClaimedApplication) -> Result<Submitted, Problem> {
        let submission_id = claimed.submission_id;
        let run = match self.prepare(claimed).await {
            Ok(run) => run,
            Err(problem) => {
                // Nothing was sent. Should the release fail, the lease runs out by itself.
                let _ = self.give_up(submission_id, SubmissionFailure::Released, &problem, None, None).await;
                return Err(problem);
            }
        };
        let fault = match Skyvern::new(&self.call.settings.skyvern, &self.call.upstream).start(&run).await {
            Ok(run) => return self.record(submission_id, &run).await.map(Submitted::Started),
            Err(fault) => fault,
        };
        let problem = Problem::from(fault);
        let is_open = leaves_outcome_open(fault);
        let queue_after = match (self.sender, fault.kind) {
            (Sender::Person(_), _) => waits_for(fault),
            // It is given up by whoever asked for it, together with what the person is told.
            (Sender::Queue(..), FaultKind::Rejected) => return Err(problem),
            // What an operator has to mend may be mended within the day.
            (Sender::Queue(..), _) => waits_for(fault).or((!is_open).then_some(Duration::ZERO)),
        };
        let outcome = if is_open { SubmissionFailure::Open } else { SubmissionFailure::NotStarted };
        let recorded = self.give_up(submission_id, outcome, &problem, Some(fault), queue_after).await?;
        if recorded.queued {
            return Ok(Submitted::Queued { status: recorded.status, because: problem });
        }
        Err(problem)
    }

    /// Finds out what became of an earlier submission. None when it surely started nothing.
    ///
    /// # Errors
    /// [`Problem::SubmissionOpen`] when it is too early to tell, and Skyvern's problems.
    pub(crate) async fn find_out(&self, earlier: &OpenSubmission) -> Result<Option<StartedRun>, Problem> {
        let skyvern = Skyvern::new(&self.call.settings.skyvern, &self.call.upstream);
        match skyvern.find_by_title(&earlier.title).await? {
            Some(run) => self.record(earlier.submission_id, &run).await.map(Some),
            None if Duration::from_secs(earlier.seconds_ago) < SURELY_LISTED_AFTER => Err(Problem::SubmissionOpen),
            None => {
                let problem = Problem::SubmissionOpen;
                self.give_up(earlier.submission_id, SubmissionFailure::Absent, &problem, None, None).await?;
                Ok(None)
            }
        }
    }

    /// Ends a submission that waited in the queue, and tells the person: nobody waits for the response. Nothing for any
    /// other.
    ///
    /// # Errors
    /// The database's problems.
    pub(crate) async fn fail(&self, decision: &Decision) -> Result<(), Problem> {
        let Sender::Queue(_, job_id) = self.sender else { return Ok(()) };
        let failure = FailQueuedApplication { application_id: self.application_id, job_id, decision };
        self.service().call(&failure).await.map(drop)
    }

    async fn prepare(&self, claimed: &ClaimedApplication) -> Result<NewRun, Problem> {
        let job_url =
            job_url::check(&claimed.application.job_url).map_err(|reason| Problem::JobUrlNotAllowed { reason })?;
        let settings = self.call.settings;
        let file_name = instructions::resume_file_name(claimed);
        let storage = match self.sender {
            Sender::Person(person) => Storage::of(person, &settings.supabase, &self.call.upstream),
            Sender::Queue(role, _) => Storage::as_service_role(role, &settings.supabase, &self.call.upstream),
        };
        let resume_url = storage
            .sign(RESUMES, &claimed.resume_path, Some(&file_name), RESUME_VALID_FOR)
            .await?
            .ok_or(Problem::ResumeNotFound)?;
        let cover_letter_url = match &claimed.cover_letter_path {
            Some(path) => {
                let file_name = instructions::cover_letter_file_name(claimed, path);
                let signed = storage.sign(COVER_LETTERS, path, Some(&file_name), COVER_LETTER_VALID_FOR).await?;
                // What the person put into the application is not left out without asking: it cannot be sent later.
                Some(signed.ok_or(Problem::CoverLetterNotFound)?)
            }
            None => None,
        };
        let webhook_url = self.webhook_url(claimed.submission_id)?;
        Ok(instructions::new_run(claimed, job_url, &resume_url, cover_letter_url.as_ref(), webhook_url))
    }

    /// The ids let a webhook find its application even if the run was never recorded. The
    /// submission's is random and known to nobody else.
    fn webhook_url(&self, submission_id: SubmissionId) -> Result<Url, Problem> {
        let base = &self.call.settings.functions_public_url;
        let mut url =
            base.join("functions/v1/skyvern-webhook-handler").map_err(|error| Problem::internal(error.to_string()))?;
        url.query_pairs_mut()
            .append_pair("application_id", &self.application_id.to_string())
            .append_pair("submission_id", &submission_id.to_string());
        Ok(url)
    }

    async fn record(&self, submission_id: SubmissionId, run: &Run) -> Result<StartedRun, Problem> {
        let record = RecordSkyvernRun {
            application_id: self.application_id,
            submission_id,
            run_id: &run.id,
            run_status: run.status.as_str(),
            source: Source::Initiate,
        };
        let recorded = self.service().call(&record).await?;
        let run_id = recorded.run_id.ok_or_else(|| Problem::internal("record_skyvern_run returned no run"))?;
        Ok(StartedRun { run_id, status: recorded.status })
    }

    async fn give_up(
        &self,
        submission_id: SubmissionId,
        outcome: SubmissionFailure,
        problem: &Problem,
        fault: Option<Fault>,
        queue_after: Option<Duration>,
    ) -> Result<RecordedFailure, Problem> {
        let failure = RecordSubmissionFailure {
            application_id: self.application_id,
            submission_id,
            outcome,
            reason: problem.kind().code,
            details: FailureDetails { message: problem.to_string() },
            queue_after: queue_after.map(|after| after.as_secs()),
            call_outcome: fault.and_then(CallOutcome::of),
            retry_after: fault.and_then(|fault| fault.retry_after).map(|after| after.as_secs()),
        };
        self.service().call(&failure).await
    }

    /// What Skyvern said must not be the person's to write, so this is not done with their token.
    fn service(&self) -> Database<'_> {
        let role = match self.sender {
            Sender::Person(person) => ServiceRole::to_record_for(person),
            Sender::Queue(role, _) => role,
        };
        Database::as_service_role(role, &self.call.settings.supabase, &self.call.upstream)
    }
}
