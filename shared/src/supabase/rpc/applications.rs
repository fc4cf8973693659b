//! Applications: claimed, handed to Skyvern, and moved by what is heard of their runs.

use std::{borrow::Cow, slice};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

use super::{Repeat, rpc};
use crate::{
    application_status::ApplicationStatus,
    ids::{ApplicationId, BackgroundJobId, RequestId, RunId, SubmissionId, UserId},
    vendors::{CallOutcome, skyvern::Decision},
};

rpc! {
    /// Decides in one transaction whether this call is the one that hands the application over. Called as the person.
    pub struct ClaimApplication<'a> {
        /// Which one.
        pub application_id: ApplicationId,
        /// The app's key for this request, if it sent one.
        pub idempotency_key: Option<&'a str>,
        /// Whether the person means it although they have applied for this posting before.
        pub apply_again: bool,
    }
    const NAME = "claim_application";
    /// The second call would find the claim of the first, and the submission's id would be lost.
    const REPEAT = Repeat::NotHarmless;
    type Answer = Claim;

    /// The same for a submission that waits in the queue, as its job.
    pub struct ClaimQueuedApplication {
        /// Which one.
        pub application_id: ApplicationId,
        /// The job that it waits as.
        pub job_id: BackgroundJobId,
    }
    const NAME = "claim_queued_application";
    /// As above.
    const REPEAT = Repeat::NotHarmless;
    type Answer = Claim;

    /// Gives up a submission that waited in the queue, and tells its person.
    pub struct FailQueuedApplication<'a> {
        /// Which one.
        pub application_id: ApplicationId,
        /// The job that it waited as.
        pub job_id: BackgroundJobId,
        /// What that means.
        pub decision: &'a Decision,
    }
    const NAME = "fail_queued_application";
    /// One that was given up waits no more.
    const REPEAT = Repeat::Harmless;
    type Answer = IgnoredAny;

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
        /// If it is to wait in the queue: in how many seconds it is due.
        pub queue_after: Option<u64>,
        /// What the call of Skyvern says about Skyvern, if there was one.
        pub call_outcome: Option<CallOutcome>,
        /// How long Skyvern asks us to wait, in seconds.
        pub retry_after: Option<u64>,
    }
    const NAME = "record_submission_failure";
    /// A submission that has ended is not the current one any more, so nothing is changed.
    const REPEAT = Repeat::Harmless;
    type Answer = RecordedFailure;

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
    /// It waits in the queue until Skyvern takes it.
    Queued {
        /// The application's status.
        status: ApplicationStatus,
    },
    /// Asked by a job: Skyvern's circuit breaker is open.
    Paused {
        /// Until when.
        retry_after_seconds: u64,
    },
    /// Asked by a job: its submission waits no more.
    Superseded,
    /// Asked by a job: its submission has waited for too long.
    Expired,
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
    /// Path in the bucket `cover_letters`, if the application has one.
    pub cover_letter_path: Option<String>,
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

/// What the person looks for (`user_preferences`), as far as it can be read. They wrote it themselves, maybe with an
/// older app; what has another shape is left out, and stops no application.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub struct Preferences {
    /// Titles of jobs.
    pub preferred_job_titles: Vec<String>,
    /// Places.
    pub target_locations: Vec<Location>,
    /// A year's pay, at least.
    pub salary_min: Option<i64>,
    /// A year's pay, at most.
    pub salary_max: Option<i64>,
    /// ISO 4217.
    pub salary_currency: Option<String>,
    /// Such as full time.
    pub employment_types: Vec<String>,
    /// What the person is good at.
    pub key_skills: Vec<String>,
    /// Remote, hybrid or on site.
    pub work_arrangement: Vec<String>,
}

impl From<Value> for Preferences {
    fn from(row: Value) -> Self {
        let texts = |name: &str| list(&row[name]).iter().filter_map(text).collect();
        Self {
            preferred_job_titles: texts("preferred_job_titles"),
            target_locations: list(&row["target_locations"]).iter().filter_map(Location::read).collect(),
            salary_min: amount(&row["salary_min"]),
            salary_max: amount(&row["salary_max"]),
            salary_currency: text(&row["salary_currency"]),
            employment_types: texts("employment_types"),
            key_skills: texts("key_skills"),
            work_arrangement: texts("work_arrangement"),
        }
    }
}

/// A place the person would work at.
#[derive(Debug)]
pub struct Location {
    /// The city.
    pub city: Option<String>,
    /// The state or region.
    pub state: Option<String>,
    /// Only work that needs no place.
    pub remote_only: bool,
}

impl Location {
    /// An object, or only the name of a place.
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Object(_) => Some(Self {
                city: text(&value["city"]),
                state: text(&value["state"]),
                remote_only: value["remote_only"] == true,
            }),
            value => Some(Self { city: Some(text(value)?), state: None, remote_only: false }),
        }
    }
}

/// The items of a list; anything else is a list of itself.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        value => slice::from_ref(value),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn amount(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
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

/// What `record_submission_failure` did.
#[derive(Debug, Deserialize)]
pub struct RecordedFailure {
    /// The application's status.
    pub status: ApplicationStatus,
    /// Whether the submission waits in the queue.
    pub queued: bool,
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

    use super::{Claim, Preferences, Question, RecordSkyvernRun, Source};
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
        let queued = json!({ "outcome": "queued", "status": "PENDING_SKYVERN_SUBMISSION" });
        assert!(matches!(serde_json::from_value(queued).unwrap(), Claim::Queued { .. }));
        let paused = json!({ "outcome": "paused", "retry_after_seconds": 30 });
        assert!(matches!(serde_json::from_value(paused).unwrap(), Claim::Paused { retry_after_seconds: 30 }));
        for (outcome, is_read) in [
            ("superseded", (|claim| matches!(claim, Claim::Superseded)) as fn(Claim) -> bool),
            ("expired", |claim| matches!(claim, Claim::Expired)),
        ] {
            assert!(is_read(serde_json::from_value(json!({ "outcome": outcome })).unwrap()), "{outcome}");
        }
    }

    #[test]
    fn a_preference_of_any_shape_is_read_as_far_as_it_goes() {
        let read = |row: serde_json::Value| serde_json::from_value::<Preferences>(row).unwrap();
        let odd = read(json!({
            "preferred_job_titles": [null, "Analyst", " ", 7, {}], "key_skills": "Rust", "employment_types": null,
            "target_locations": ["London", null, 7.5, { "city": null, "remote_only": null }, { "city": ["x"] },
                                 { "city": "Leeds", "state": 3, "remote_only": true }, ["x"]],
            "salary_min": "90000", "salary_max": { "amount": 1 }, "salary_currency": ["EUR"], "work_arrangement": true,
        }));
        assert_eq!(odd.preferred_job_titles, ["Analyst", "7"]);
        assert_eq!(
            (odd.key_skills, odd.employment_types.len(), odd.work_arrangement.len()),
            (vec!["Rust".into()], 0, 0)
        );
        let cities: Vec<_> = odd.target_locations.iter().map(|location| location.city.as_deref()).collect();
        assert_eq!(cities, [Some("London"), Some("7.5"), None, None, Some("Leeds")]);
        let remote: Vec<_> = odd.target_locations.iter().map(|location| location.remote_only).collect();
        assert_eq!(remote, [false, false, false, false, true]);
        assert_eq!((odd.salary_min, odd.salary_max, odd.salary_currency), (Some(90_000), None, None));
        for row in [json!({}), json!([]), json!("x"), json!(7), json!([{ "city": "x" }])] {
            assert!(read(row).target_locations.is_empty());
        }
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
