//! What a run's state means for the application and the person.
//!
//! The database applies the decision only where the order of events and the person's own decisions allow it; what it
//! would be is decided here. A new outcome is one entry in the list below.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Event, RunError, RunStatus};
use crate::application_status::ApplicationStatus;

/// The longest text of Skyvern's that is kept for the person, in characters.
const MAXIMUM_TEXT_LENGTH: usize = 1000;

/// Writes the enum and the list of its variants from one list, so that none is forgotten.
macro_rules! outcomes {
    ($($(#[$comment:meta])* $outcome:ident => $meaning:expr,)+) => {
        /// What a run came to. Where several codes say why, the first in this list counts: what is final comes before
        /// what a person can fix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        enum Outcome {
            $($(#[$comment])* $outcome,)+
        }

        impl Outcome {
            const ALL: &[Self] = &[$(Self::$outcome,)+];

            fn meaning(self) -> Meaning {
                match self {
                    $(Self::$outcome => $meaning,)+
                }
            }
        }
    };
}

outcomes! {
    /// The run goes on.
    Running => Meaning::new("running", ApplicationStatus::ProcessingBySkyvern),
    /// It failed, and Skyvern tries again.
    Retrying => Meaning::new("retrying", ApplicationStatus::ProcessingBySkyvern),

    /// There is proof that the employer received the application.
    Submitted => Meaning::new("submitted", ApplicationStatus::SubmittedBySkyvern)
        .notifying("Application sent", "Your application for {job_title} at {company_name} was sent and confirmed."),

    AlreadyApplied => Meaning::new("already_applied", ApplicationStatus::FailedApplication)
        .reported_when("the website says that the candidate has already applied for this job")
        .notifying("Already applied", "{company_name} says you have already applied for {job_title}."),
    JobClosed => Meaning::new("job_closed", ApplicationStatus::FailedApplication)
        .reported_when("the posting is closed, expired, filled, or cannot be found")
        .notifying("Posting closed", "{job_title} at {company_name} takes no more applications."),

    LoginRequired => Meaning::new("login_required", ApplicationStatus::RequiresAttentionUserInput)
        .reported_when("the website demands to log in or to create an account before applying")
        .also_reported_as(&[
            "OTP_ERROR",
            "OTP_TIMEOUT",
            "OTP_EXPIRED",
            "MISSING_TOTP_SOURCE",
            "CREDENTIAL_LOGIN_UNCONFIRMED",
            "CREDENTIAL_ACCOUNT_LOCKED",
        ])
        .asking_for_input(
            "The website asks for an account. Sign in or create one there and apply on the posting's page, \
             then mark the application as applied.",
        ),
    MissingInformation => Meaning::new("missing_information", ApplicationStatus::RequiresAttentionUserInput)
        .reported_when("a required question cannot be answered from the information given")
        .asking_for_input(
            "The form asks for something your profile does not tell. Complete your profile and submit again.",
        ),

    CaptchaBlocked => Meaning::new("captcha_blocked", ApplicationStatus::RequiresAttentionManualReview)
        .reported_when("a captcha or another check for robots stands in the way")
        .asking_to_finish(),
    ResumeUploadFailed => Meaning::new("resume_upload_failed", ApplicationStatus::RequiresAttentionManualReview)
        .reported_when("the resume could not be uploaded or was rejected")
        .asking_to_finish(),

    /// Skyvern says that it is completed, and shows no proof of it.
    Unproven => Meaning::new("unproven", ApplicationStatus::RequiresAttentionManualReview).asking_to_check(),
    /// The AI judged the goal out of reach, and gave none of our codes.
    Terminated => Meaning::new("terminated", ApplicationStatus::RequiresAttentionManualReview).asking_to_check(),
    /// A technical failure.
    Failed => Meaning::new("failed", ApplicationStatus::FailedSkyvernSubmission).telling_it_was_not_sent(),
    TimedOut => Meaning::new("timed_out", ApplicationStatus::FailedSkyvernSubmission).telling_it_was_not_sent(),
    Canceled => Meaning::new("canceled", ApplicationStatus::FailedSkyvernSubmission).telling_it_was_not_sent(),

    /// Skyvern does not know the run any more. It may have sent the application before that, so only a person can find
    /// out.
    RunLost => Meaning::new("run_lost", ApplicationStatus::RequiresAttentionManualReview).asking_to_check(),
    /// The run goes on after its deadline, and is cancelled. It may have sent the application before that.
    RunOverdue => Meaning::new("run_overdue", ApplicationStatus::RequiresAttentionManualReview).asking_to_check(),
    /// The call that should have started a run started none.
    RunNeverStarted => Meaning::new("run_never_started", ApplicationStatus::FailedSkyvernSubmission)
        .telling_it_was_not_sent(),

    /// Skyvern took nothing for as long as the submission could wait.
    WaitedTooLong => Meaning::new("waited_too_long", ApplicationStatus::FailedSkyvernSubmission).notifying(
        "Application not sent",
        "Your application for {job_title} at {company_name} could not be started within a day. Nothing was sent; you \
         may submit it again.",
    ),
}

/// All that follows from an outcome.
#[derive(Debug)]
struct Meaning {
    /// The `reason` in `applications.status_details`, and for an outcome that Skyvern reports, the code for it.
    code: &'static str,
    /// When Skyvern reports it, in words for Skyvern's AI.
    condition: Option<&'static str>,
    /// Skyvern's own codes that mean the same (docs/vendors/skyvern.md#statuses-and-errors).
    skyvern_codes: &'static [&'static str],
    /// The application's status.
    status: ApplicationStatus,
    /// What the person is told; nothing while the run goes on.
    notification: Option<Notification>,
    /// What the person can do about it.
    action_prompt: Option<&'static str>,
}

impl Meaning {
    const fn new(code: &'static str, status: ApplicationStatus) -> Self {
        Self { code, condition: None, skyvern_codes: &[], status, notification: None, action_prompt: None }
    }

    const fn reported_when(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    const fn also_reported_as(self, skyvern_codes: &'static [&'static str]) -> Self {
        Self { skyvern_codes, ..self }
    }

    const fn notifying(self, title: &'static str, message: &'static str) -> Self {
        Self { notification: Some(Notification { title, message }), ..self }
    }

    const fn asking_for_input(self, action_prompt: &'static str) -> Self {
        let prompting = Self { action_prompt: Some(action_prompt), ..self };
        prompting.notifying(
            "Your input is needed",
            "{company_name} asks for something only you can give to apply for {job_title}.",
        )
    }

    const fn asking_to_finish(self) -> Self {
        self.notifying(
            "Please finish your application",
            "The website of {company_name} stopped the application for {job_title}. Please finish it by hand.",
        )
    }

    const fn asking_to_check(self) -> Self {
        self.notifying(
            "Please check your application",
            "It is not certain that your application for {job_title} at {company_name} was sent.",
        )
    }

    const fn telling_it_was_not_sent(self) -> Self {
        self.notifying(
            "Application not sent",
            "Your application for {job_title} at {company_name} could not be completed.",
        )
    }

    /// Whether an error code that a run came with means this outcome.
    fn is_reported_as(&self, code: &str) -> bool {
        (self.condition.is_some() && self.code == code) || self.skyvern_codes.contains(&code)
    }
}

/// The codes that a run is given for outcomes, each with its condition in words.
#[must_use]
pub fn error_code_mapping() -> Value {
    let meanings = Outcome::ALL.iter().map(|outcome| outcome.meaning());
    let codes = meanings.filter_map(|meaning| Some((meaning.code.to_owned(), meaning.condition?.into())));
    Value::Object(codes.collect::<Map<_, _>>())
}

/// What the database is asked to write.
#[derive(Debug, PartialEq, Serialize)]
pub struct Decision {
    /// `applications.status`.
    status: ApplicationStatus,
    /// `applications.status_details`.
    status_details: Value,
    /// What the person is told; nothing while the run goes on.
    notification: Option<Notification>,
}

/// A notification; `{job_title}` and `{company_name}` are filled in from the application's row.
#[derive(Debug, PartialEq, Serialize)]
struct Notification {
    title: &'static str,
    message: &'static str,
}

impl Decision {
    /// What an event of the run means. Decides by proof first, then by the codes that say why, then by the status
    /// alone.
    #[must_use]
    pub fn on(event: &Event) -> Self {
        if event.retry_pending {
            return Outcome::Retrying.decision();
        }
        match &event.status {
            RunStatus::Ongoing(_) => Outcome::Running.decision(),
            RunStatus::Completed => match Proof::find(&event.output) {
                Some(proof) => submitted(&proof),
                None => Outcome::reported(&event.errors).unwrap_or(Outcome::Unproven).explained_by(event),
            },
            RunStatus::Terminated => {
                Outcome::reported(&event.errors).unwrap_or(Outcome::Terminated).explained_by(event)
            }
            RunStatus::Failed => Outcome::reported(&event.errors).unwrap_or(Outcome::Failed).explained_by(event),
            RunStatus::TimedOut => Outcome::TimedOut.explained_by(event),
            RunStatus::Canceled => Outcome::Canceled.explained_by(event),
        }
    }

    /// Skyvern does not know the run any more.
    #[must_use]
    pub fn run_lost() -> Self {
        Outcome::RunLost.decision()
    }

    /// Skyvern took nothing for as long as the submission could wait.
    #[must_use]
    pub fn waited_too_long() -> Self {
        Outcome::WaitedTooLong.decision()
    }

    /// A submission that waited could not be started when its turn came: `message` says why, `reason` is its code.
    #[must_use]
    pub fn refused_in_its_turn(reason: &str, message: &str) -> Self {
        Self {
            status: ApplicationStatus::FailedSkyvernSubmission,
            status_details: json!({ "reason": reason, "message": message }),
            notification: Some(Notification {
                title: "Application not sent",
                message: "Your application for {job_title} at {company_name} had to wait and could not be started then. \
                          Nothing was sent; open it to see why.",
            }),
        }
    }

    /// The run goes on after its deadline.
    #[must_use]
    pub fn run_overdue() -> Self {
        Outcome::RunOverdue.decision()
    }

    /// The call that should have started a run started none.
    #[must_use]
    pub fn run_never_started() -> Self {
        Outcome::RunNeverStarted.decision()
    }
}

impl Outcome {
    /// The first outcome, in the order of the list, that one of these errors stands for.
    fn reported(errors: &[RunError]) -> Option<Self> {
        errors.iter().filter_map(|error| Self::reported_as(&error.error_code)).min()
    }

    fn reported_as(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.meaning().is_reported_as(code))
    }

    /// The decision, without details beyond the code.
    fn decision(self) -> Decision {
        let Meaning { code, status, notification, .. } = self.meaning();
        Decision { status, status_details: json!({ "reason": code }), notification }
    }

    /// The decision, with what Skyvern says about it.
    fn explained_by(self, event: &Event) -> Decision {
        let mut decision = self.decision();
        let details = &mut decision.status_details;
        details["skyvern_status"] = json!(event.status.as_str());
        details["failure_reason"] = json!(self.explanation(event));
        if let Some(prompt) = self.meaning().action_prompt {
            details["action_prompt"] = json!(prompt);
        }
        decision
    }

    /// What Skyvern says about the code that decided, otherwise about the run.
    fn explanation(self, event: &Event) -> Option<String> {
        let deciding = event.errors.iter().find(|error| Self::reported_as(&error.error_code) == Some(self));
        let reasoning = deciding.and_then(|error| error.reasoning.as_deref());
        reasoning.or(event.failure_reason.as_deref()).and_then(clean)
    }
}

/// What shows that the employer received the application. The status `completed` alone only says that the AI believes
/// so, and a run can complete although the résumé could not be fetched.
struct Proof {
    confirmation_id: Option<String>,
    confirmation_text: String,
}

impl Proof {
    fn find(output: &Value) -> Option<Self> {
        let proven = output["submitted"] == true && output["resume_attached"] == true;
        let confirmation_text = text(&output["confirmation_text"])?;
        proven.then(|| Self { confirmation_id: text(&output["confirmation_id"]), confirmation_text })
    }
}

fn submitted(proof: &Proof) -> Decision {
    let mut decision = Outcome::Submitted.decision();
    decision.status_details["confirmation_id"] = json!(proof.confirmation_id);
    decision.status_details["confirmation_text"] = json!(proof.confirmation_text);
    decision
}

/// A text or a number, as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => clean(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Trimmed, cut, and without NUL, which PostgreSQL cannot store. `None` if nothing is left.
fn clean(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|character| *character != '\0').take(MAXIMUM_TEXT_LENGTH).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Decision, Event, Outcome, error_code_mapping};
    use crate::application_status::ApplicationStatus;

    fn decided(payload: &Value) -> Decision {
        let mut complete = json!({ "run_id": "tsk_41" });
        complete.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
        Decision::on(&Event::parse(complete.to_string().as_bytes()).unwrap())
    }

    fn proof() -> Value {
        json!({ "submitted": true, "resume_attached": true, "confirmation_text": "Thank you", "confirmation_id": "XYZ-1" })
    }

    #[test]
    fn completed_with_proof_is_submitted() {
        let decision = decided(&json!({ "status": "completed", "output": proof() }));
        assert_eq!(decision.status, ApplicationStatus::SubmittedBySkyvern);
        assert_eq!(decision.status_details["confirmation_id"], "XYZ-1");
        assert_eq!(decision.notification.unwrap().title, "Application sent");
    }

    #[test]
    fn completed_without_proof_is_for_a_person_to_check() {
        let mut outputs = vec![Value::Null, json!([]), json!("done"), json!({})];
        for (field, value) in [
            ("submitted", json!(false)),
            ("submitted", json!("true")),
            ("submitted", Value::Null),
            ("resume_attached", json!(false)),
            ("resume_attached", Value::Null),
            ("confirmation_text", json!("")),
            ("confirmation_text", json!(" \u{0} ")),
            ("confirmation_text", Value::Null),
        ] {
            let mut output = proof();
            output[field] = value;
            outputs.push(output);
        }
        for output in outputs {
            let decision = decided(&json!({ "status": "completed", "output": output }));
            assert_eq!(decision.status, ApplicationStatus::RequiresAttentionManualReview, "{output}");
            assert_eq!(decision.status_details["reason"], "unproven", "{output}");
        }
    }

    #[test]
    fn a_number_is_a_confirmation_too() {
        let mut output = proof();
        output["confirmation_id"] = json!(12345);
        let decision = decided(&json!({ "status": "completed", "output": output }));
        assert_eq!(decision.status_details["confirmation_id"], "12345");
    }

    #[test]
    fn the_codes_tell_why() {
        for (code, status) in [
            ("job_closed", ApplicationStatus::FailedApplication),
            ("already_applied", ApplicationStatus::FailedApplication),
            ("login_required", ApplicationStatus::RequiresAttentionUserInput),
            ("OTP_TIMEOUT", ApplicationStatus::RequiresAttentionUserInput),
            ("missing_information", ApplicationStatus::RequiresAttentionUserInput),
            ("captcha_blocked", ApplicationStatus::RequiresAttentionManualReview),
            ("resume_upload_failed", ApplicationStatus::RequiresAttentionManualReview),
        ] {
            for run_status in ["terminated", "failed", "completed"] {
                let errors = json!([{ "error_code": "x" }, { "error_code": code, "reasoning": "because" }]);
                let decision = decided(&json!({ "status": run_status, "errors": errors }));
                assert_eq!(decision.status, status, "{code} of a {run_status} run");
                assert_eq!(decision.status_details["failure_reason"], "because");
                assert!(decision.notification.is_some());
                let asks = decision.status_details["action_prompt"].is_string();
                assert_eq!(asks, status == ApplicationStatus::RequiresAttentionUserInput, "{code}");
            }
        }
    }

    #[test]
    fn what_is_final_weighs_more_than_what_can_be_mended() {
        let errors = json!([{ "error_code": "login_required" }, { "error_code": "job_closed" }]);
        let decision = decided(&json!({ "status": "terminated", "errors": errors }));
        assert_eq!(decision.status_details["reason"], "job_closed");
    }

    #[test]
    fn without_a_code_the_status_decides() {
        for (run_status, status) in [
            ("terminated", ApplicationStatus::RequiresAttentionManualReview),
            ("failed", ApplicationStatus::FailedSkyvernSubmission),
            ("timed_out", ApplicationStatus::FailedSkyvernSubmission),
            ("canceled", ApplicationStatus::FailedSkyvernSubmission),
        ] {
            let errors = json!([{ "error_code": "REACH_MAX_STEPS", "reasoning": "too many steps" }]);
            let payload = json!({ "status": run_status, "errors": errors, "failure_reason": "no luck" });
            let decision = decided(&payload);
            assert_eq!(decision.status, status, "{run_status}");
            assert_eq!(decision.status_details["failure_reason"], "no luck");
            assert!(decision.notification.is_some());
        }
    }

    #[test]
    fn while_the_run_goes_on_nobody_is_told() {
        for run_status in ["created", "queued", "running", "paused", "something_new"] {
            let decision = decided(&json!({ "status": run_status }));
            assert_eq!(decision.status, ApplicationStatus::ProcessingBySkyvern, "{run_status}");
            assert_eq!(decision.notification, None);
        }
        let decision = decided(&json!({ "status": "failed", "attempt": 1, "retry_pending": true }));
        assert_eq!((decision.status, decision.notification), (ApplicationStatus::ProcessingBySkyvern, None));
    }

    #[test]
    fn free_text_is_bounded_and_storable() {
        let decision = decided(&json!({ "status": "failed", "failure_reason": format!("\u{0}{}", "é".repeat(5000)) }));
        let kept = decision.status_details["failure_reason"].as_str().unwrap();
        assert_eq!(kept.chars().count(), 1000);
        assert!(!kept.contains('\0'));
    }

    #[test]
    fn skyvern_is_given_the_codes_that_decide() {
        let mapping = error_code_mapping();
        let mut told: Vec<&str> = mapping.as_object().unwrap().keys().map(String::as_str).collect();
        // Another crate of the workspace has serde_json keep the order of members.
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "already_applied",
                "captcha_blocked",
                "job_closed",
                "login_required",
                "missing_information",
                "resume_upload_failed"
            ]
        );
        for code in told {
            assert_eq!(Outcome::reported_as(code).unwrap().meaning().code, code);
            assert!(mapping[code].is_string(), "{code}");
        }
        for code in ["submitted", "running", "unproven", "failed", "run_lost", "run_overdue", "REACH_MAX_STEPS", ""] {
            assert_eq!(Outcome::reported_as(code), None, "{code} is not Skyvern's to report");
        }
    }

    #[test]
    fn an_outcome_has_one_code_and_tells_the_person_when_the_run_is_over() {
        for outcome in Outcome::ALL {
            let meaning = outcome.meaning();
            let same = Outcome::ALL.iter().filter(|other| other.meaning().code == meaning.code);
            assert_eq!(same.count(), 1, "{}", meaning.code);
            let goes_on = meaning.status == ApplicationStatus::ProcessingBySkyvern;
            assert_eq!(meaning.notification.is_none(), goes_on, "{}", meaning.code);
        }
    }
}
