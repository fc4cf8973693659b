//! Handing a claimed application over, and writing down what came of it.
//!
//! The order matters: everything that can fail for certain comes before the one call that cannot be
//! repeated. What is not known is written down as open, and found out by the run's title.

use std::time::Duration;

use shared::{
    ids::{ApplicationId, SubmissionId},
    problem::Problem,
    sign_in::{Person, ServiceRole},
    supabase::{
        Database, RESUMES, Storage,
        rpc::applications::{
            ClaimedApplication, FailureDetails, OpenSubmission, RecordSkyvernRun, RecordSubmissionFailure, Source,
            StartedRun, SubmissionFailure,
        },
    },
    vendors::skyvern::{NewRun, Run, SURELY_LISTED_AFTER, Skyvern, leaves_outcome_open},
};
use url::Url;

use crate::{Call, instructions, job_url};

/// Skyvern's workers fetch the résumé late, since runs wait in a queue, and more than once.
const RESUME_VALID_FOR: Duration = Duration::from_hours(12);

/// One application on its way to Skyvern.
pub(crate) struct Submission<'a> {
    pub(crate) application_id: ApplicationId,
    pub(crate) person: &'a Person,
    pub(crate) call: &'a Call,
}

impl Submission<'_> {
    /// Starts a run and records it.
    ///
    /// # Errors
    /// What stood in the way; the application's row says the same by then.
    pub(crate) async fn submit(&self, claimed: &ClaimedApplication) -> Result<StartedRun, Problem> {
        let run = match self.prepare(claimed).await {
            Ok(run) => run,
            Err(problem) => {
                // Nothing was sent. Should the release fail, the lease runs out by itself.
                let _ = self.give_up(claimed.submission_id, SubmissionFailure::Released, &problem).await;
                return Err(problem);
            }
        };
        match Skyvern::new(&self.call.settings.skyvern, &self.call.upstream).start(&run).await {
            Ok(run) => self.record(claimed.submission_id, &run).await,
            Err(fault) => {
                let outcome =
                    if leaves_outcome_open(fault) { SubmissionFailure::Open } else { SubmissionFailure::NotStarted };
                self.give_up(claimed.submission_id, outcome, &fault.into()).await?;
                Err(fault.into())
            }
        }
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
                self.give_up(earlier.submission_id, SubmissionFailure::Absent, &Problem::SubmissionOpen).await?;
                Ok(None)
            }
        }
    }

    async fn prepare(&self, claimed: &ClaimedApplication) -> Result<NewRun, Problem> {
        let settings = self.call.settings;
        let resolver = settings.job_url_resolver.as_ref();
        let job_url = job_url::check(&claimed.application.job_url, resolver, &self.call.upstream).await?;
        let file_name = instructions::resume_file_name(claimed);
        let resume_url = Storage::of(self.person, &settings.supabase.project, &self.call.upstream)
            .sign(RESUMES, &claimed.resume_path, Some(&file_name), RESUME_VALID_FOR)
            .await?
            .ok_or(Problem::ResumeNotFound)?;
        let webhook_url = self.webhook_url(claimed.submission_id)?;
        Ok(instructions::new_run(claimed, job_url, &resume_url, webhook_url))
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
    ) -> Result<(), Problem> {
        let failure = RecordSubmissionFailure {
            application_id: self.application_id,
            submission_id,
            outcome,
            reason: problem.kind().code,
            details: FailureDetails { message: problem.to_string() },
        };
        self.service().call(&failure).await.map(drop)
    }

    /// What Skyvern said must not be the person's to write, so this is not done with their token.
    fn service(&self) -> Database<'_> {
        Database::as_service_role(
            ServiceRole::to_record_for(self.person),
            &self.call.settings.supabase,
            &self.call.upstream,
        )
    }
}
