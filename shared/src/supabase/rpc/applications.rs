//! Applications: claimed, handed to Skyvern, and moved by what is heard of their runs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Repeat, rpc};
use crate::{
    application_status::ApplicationStatus,
    ids::{ApplicationId, BackgroundJobId, RequestId, RunId, SubmissionId, UserId},
    vendors::skyvern::Decision,
};

rpc! {
    /// Decides in one transaction whether this call is the one that hands the application over. Called as the person.
    pub struct ClaimApplication<'a> {
        /// Which one.
        pub application_id: ApplicationId,
        /// The app's key for this request, if it sent one.
        pub idempotency_key: Option<&'a str>,
    }
    const NAME = "claim_application";
    /// The second call would find the claim of the first, and the submission's id would be lost.
    const REPEAT = Repeat::NotHarmless;
    type Answer = Claim;

    /// Writes down the run that a submission started.
    pub struct RecordSkyvernRun<'a> {
        /// Whose run it is.
        pub application_id: ApplicationId,
        /// Which submission started it.
        pub submission_id: SubmissionId,
        /// The run.
        pub run_id: &'a RunId,
        /// Where it stands, in Skyvern's words.
        pub run_status: &'a str,
        /// Who heard of it.
        pub source: Source,
    }
    const NAME = "record_skyvern_run";
    /// A run that is recorded already is left as it is.
    const REPEAT = Repeat::Harmless;
    type Answer = RecordedRun;

    /// Records a submission that started no run, or whose outcome is not known.
    pub struct RecordSubmissionFailure<'a> {
        /// Which application.
        pub application_id: ApplicationId,
        /// Which submission.
        pub submission_id: SubmissionId,
        /// How it ended.
        pub outcome: SubmissionFailure,
        /// The code of the problem.
        pub reason: &'a str,
        /// Kept in `applications.status_details`.
        pub details: FailureDetails,
    }
    const NAME = "record_submission_failure";
    /// A submission that has ended is not the current one any more, so nothing is changed.
    const REPEAT = Repeat::Harmless;
    type Answer = IgnoredAny;

    /// Keeps an event of a run and moves its application, all or nothing.
    pub struct ApplySkyvernEvent<'a> {
        /// The run.
        pub run_id: &'a RunId,
        /// Where it stands, in Skyvern's words.
        pub run_status: &'a str,
        /// The number of the run's attempt.
        pub attempt: i32,
        /// Whether Skyvern tries the run again.
        pub retry_pending: bool,
        /// The application that the webhook's address names.
        pub application_id: Option<ApplicationId>,
        /// The submission that the webhook's address names.
        pub submission_id: Option<SubmissionId>,
        /// What the event means.
        pub decision: &'a Decision,
        /// The event as it came.
        pub body: Cow<'a, str>,
        /// The request that brought it.
        pub request_id: RequestId,
        /// Who heard of it.
        pub source: Source,
    }
    const NAME = "apply_skyvern_event";
    /// The inbox knows an event by its run, status and attempt. Skyvern waits for the response and sends again, and a
    /// reconciliation is tried again by the queue.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = AppliedSkyvernEvent;

    /// Asks what is to be found out about an application at Skyvern.
    pub struct ApplicationToReconcile {
        /// Which one.
        pub application_id: ApplicationId,
        /// Who wants to know; null for the product's own looks.
        pub user_id: Option<UserId>,
    }
    const NAME = "application_to_reconcile";
    /// It changes nothing but that the one trial of a circuit breaker is taken; the next attempt asks again.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = Question;

    /// Writes down that a run still goes on.
    pub struct NoteOngoingSkyvernRun<'a> {
        /// Whose run it is.
        pub application_id: ApplicationId,
        /// The run.
        pub run_id: &'a RunId,
    }
    const NAME = "note_ongoing_skyvern_run";
    /// It sets a time.
    const REPEAT = Repeat::Harmless;
    type Answer = bool;

    /// Writes down that Skyvern does not know a run.
    pub struct RecordLostSkyvernRun<'a> {
        /// Whose run it was.
        pub application_id: ApplicationId,
        /// The run.
        pub run_id: &'a RunId,
        /// What that means, if it stays so for a day.
        pub decision: &'a Decision,
    }
    const NAME = "record_lost_skyvern_run";
    /// An application that is given up does not wait for the run any more.
    const REPEAT = Repeat::Harmless;
    type Answer = RecordedLoss;

    /// Gives up a run that still goes on after its deadline, and queues its cancellation.
    pub struct RecordOverdueSkyvernRun<'a> {
        /// Whose run it is.
        pub application_id: ApplicationId,
        /// The run.
        pub run_id: &'a RunId,
        /// What that means.
        pub decision: &'a Decision,
    }
    const NAME = "record_overdue_skyvern_run";
    /// An application that is given up does not wait for the run any more.
    const REPEAT = Repeat::Harmless;
    type Answer = RecordedLoss;

    /// Writes down that nothing of a submission is in progress any more.
    pub struct RecordStoppedRun<'a> {
        /// Which submission.
        pub submission_id: SubmissionId,
        /// The run that it started, as far as one was found.
        pub run_id: Option<&'a RunId>,
    }
    const NAME = "record_stopped_run";
    /// The first end stands.
    const REPEAT = Repeat::Harmless;
    type Answer = bool;

    /// Writes down that a submission surely started no run.
    pub struct RecordAbsentSubmission<'a> {
        /// Which application.
        pub application_id: ApplicationId,
        /// Which submission.
        pub submission_id: SubmissionId,
        /// What that means.
        pub decision: &'a Decision,
    }
    const NAME = "record_absent_submission";
    /// A submission that has ended is not the current one any more.
    const REPEAT = Repeat::Harmless;
    type Answer = RecordedLoss;
}

/// What `claim_application` decided.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Claim {
    /// This call hands the application over.
    Claimed(Box<ClaimedApplication>),
    /// An earlier call did.
    AlreadyStarted(StartedRun),
    /// Another call is doing so.
    InProgress,
    /// An earlier call tried, and it is not known yet whether a run exists.
    Open(OpenSubmission),
}

/// Everything that the run needs, and the id that proves the claim.
#[derive(Debug, Deserialize)]
pub struct ClaimedApplication {
    /// Proves the claim.
    pub submission_id: SubmissionId,
    /// Unique: the run can be found by it.
    pub title: String,
    /// The posting to apply for.
    pub application: Posting,
    /// Path in the bucket `resumes`.
    pub resume_path: String,
    /// Who applies.
    pub person: Candidate,
    /// What they look for.
    pub preferences: Option<Preferences>,
}

/// The posting to apply for.
#[derive(Debug, Deserialize)]
pub struct Posting {
    /// What.
    pub job_title: String,
    /// Where.
    pub company_name: String,
    /// The page with the form.
    pub job_url: String,
}

/// The person as an employer gets to know them.
#[derive(Debug, Deserialize)]
pub struct Candidate {
    /// First and last name.
    pub full_name: Option<String>,
    /// Verified.
    pub email: Option<String>,
    /// Verified.
    pub phone_number: Option<String>,
    /// As the person wrote it.
    pub linkedin_profile_url: Option<String>,
    /// As the person wrote it.
    pub portfolio_url: Option<String>,
}

/// What the person looks for (`user_preferences`).
#[derive(Debug, Default, Deserialize)]
pub struct Preferences {
    /// Titles of jobs.
    pub preferred_job_titles: Option<Vec<String>>,
    /// Places.
    pub target_locations: Option<Vec<Location>>,
    /// A year's pay, at least.
    pub salary_min: Option<i64>,
    /// A year's pay, at most.
    pub salary_max: Option<i64>,
    /// ISO 4217.
    pub salary_currency: Option<String>,
    /// Such as full time.
    pub employment_types: Option<Vec<String>>,
    /// What the person is good at.
    pub key_skills: Option<Vec<String>>,
    /// Remote, hybrid or on site.
    pub work_arrangement: Option<Vec<String>>,
}

/// A place the person would work at.
#[derive(Debug, Default, Deserialize)]
pub struct Location {
    /// The city.
    pub city: Option<String>,
    /// The state or region.
    pub state: Option<String>,
    /// Only work that needs no place.
    #[serde(default)]
    pub remote_only: bool,
}

/// The run that an application was handed to.
#[derive(Debug, Deserialize)]
pub struct StartedRun {
    /// The run.
    pub run_id: RunId,
    /// The application's status.
    pub status: ApplicationStatus,
}

/// A submission whose outcome is open.
#[derive(Debug, Deserialize)]
pub struct OpenSubmission {
    /// Which one.
    pub submission_id: SubmissionId,
    /// The title of its run, if there is one.
    pub title: String,
    /// How long ago it was sent, by the database's clock.
    pub seconds_ago: u64,
}

/// Who heard of a run or of its event. Only the history tells them apart.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The call that started the run.
    Initiate,
    /// Skyvern's webhook.
    SkyvernWebhook,
    /// A look at Skyvern's API.
    Reconciler,
}

/// What `record_skyvern_run` did.
#[derive(Debug, Deserialize)]
pub struct RecordedRun {
    /// Whether the run is recorded now.
    pub outcome: RunRecording,
    /// The application's run, which is another one for a submission that was superseded, or none.
    pub run_id: Option<RunId>,
    /// The application's status.
    pub status: ApplicationStatus,
}

/// Whether a run is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunRecording {
    /// It is now.
    Recorded,
    /// It was before.
    AlreadyRecorded,
    /// It is not: the submission is not the current one any more.
    Superseded,
}

/// How a submission ended that started no run for certain.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionFailure {
    /// Nothing was sent to Skyvern.
    Released,
    /// Skyvern refused.
    NotStarted,
    /// Nobody knows whether a run started.
    Open,
    /// It was looked for, and there is none.
    Absent,
}

/// What is kept of a submission that failed.
#[derive(Debug, Serialize)]
pub struct FailureDetails {
    /// For the person.
    pub message: String,
}

/// What became of an event of Skyvern's.
#[derive(Debug, Deserialize)]
pub struct AppliedSkyvernEvent {
    /// `applied`, `kept`, `out_of_order`, `duplicate`, `waiting`, `other_run` or `application_erased`. Only passed on, so it
    /// may be another one some day.
    pub outcome: String,
    /// The application that it is about, as far as it is known.
    pub application_id: Option<ApplicationId>,
    /// That application's status.
    pub status: Option<ApplicationStatus>,
    /// The push message that was queued along with the notification.
    pub push_job_id: Option<BackgroundJobId>,
}

/// What is to be found out at Skyvern.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Question {
    /// What became of this run.
    Run {
        /// The run.
        run_id: RunId,
        /// The attempt of it that was heard of last.
        attempt: i32,
        /// Whether its deadline has passed.
        is_overdue: bool,
    },
    /// Whether this submission started a run.
    Submission {
        /// Which one.
        submission_id: SubmissionId,
        /// The title of its run, if there is one.
        title: String,
        /// How long ago it was sent, by the database's clock.
        seconds_ago: u64,
    },
    /// Skyvern's circuit breaker is open.
    Paused {
        /// For how long.
        retry_after_seconds: u64,
    },
    /// It is known already, or no business of whoever asks.
    Nothing {
        /// `not_found`, `in_progress`, `just_heard_of` or `settled`.
        reason: String,
    },
}

/// What became of a run that is given up, or of a submission that started none.
#[derive(Debug, Deserialize)]
pub struct RecordedLoss {
    /// `lost`, `unknown`, `overdue`, `in_time`, `absent` or `superseded`. Only passed on, so it may be another one some day.
    pub outcome: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Claim, Question, RecordSkyvernRun, Source};
    use crate::ids::RunId;

    const ID: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

    #[test]
    fn a_call_serialises_to_the_arguments_of_the_sql_function() {
        let (application_id, submission_id) = (ID.parse().unwrap(), ID.parse().unwrap());
        let run_id = &RunId::parse("tsk_41").unwrap();
        let call =
            RecordSkyvernRun { application_id, submission_id, run_id, run_status: "queued", source: Source::Initiate };
        let expected = json!({
            "p_application_id": ID, "p_submission_id": ID, "p_run_id": "tsk_41", "p_run_status": "queued",
            "p_source": "initiate",
        });
        assert_eq!(serde_json::to_value(call).unwrap(), expected);
    }

    #[test]
    fn every_outcome_of_claim_application_is_read() {
        let claimed = json!({
            "outcome": "claimed", "submission_id": ID, "title": "jobraker-1",
            "application": { "id": ID, "job_title": "Engineer", "company_name": "Acme", "job_url": "https://a.example" },
            "resume_path": "u/cv.pdf", "resume_filename": null, "cover_letter_path": null,
            "person": { "id": ID, "full_name": null, "email": null, "phone_number": null,
                        "linkedin_profile_url": null, "portfolio_url": null },
            "preferences": null,
        });
        assert!(matches!(serde_json::from_value(claimed).unwrap(), Claim::Claimed(_)));
        let started = json!({ "outcome": "already_started", "run_id": "tsk_1", "status": "PROCESSING_BY_SKYVERN" });
        assert!(matches!(serde_json::from_value(started).unwrap(), Claim::AlreadyStarted(_)));
        assert!(matches!(serde_json::from_value(json!({ "outcome": "in_progress" })).unwrap(), Claim::InProgress));
        let open = json!({ "outcome": "open", "submission_id": ID, "title": "jobraker-1", "seconds_ago": 90 });
        assert!(matches!(serde_json::from_value(open).unwrap(), Claim::Open(_)));
    }

    #[test]
    fn every_outcome_of_application_to_reconcile_is_read() {
        let read = |answer| serde_json::from_value::<Question>(answer).unwrap();
        let run = read(json!({ "outcome": "run", "run_id": "tsk_41", "attempt": 2, "is_overdue": true }));
        assert!(matches!(run, Question::Run { attempt: 2, is_overdue: true, .. }));
        let submission =
            json!({ "outcome": "submission", "submission_id": ID, "title": "jobraker-1", "seconds_ago": 90 });
        assert!(matches!(read(submission), Question::Submission { seconds_ago: 90, .. }));
        let nothing = read(json!({ "outcome": "nothing", "reason": "settled" }));
        assert!(matches!(nothing, Question::Nothing { reason } if reason == "settled"));
    }
}
