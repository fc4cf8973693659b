//! What a run's state means for the application and the person.
//!
//! The database applies the decision only where the order of events and the person's own decisions
//! allow it; here is decided what it would be.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Event, RunError, RunStatus};

/// The longest free text of Skyvern's that is kept for the person, in characters.
const MAXIMUM_TEXT_LENGTH: usize = 1000;

/// What the database is asked to write.
#[derive(Debug, PartialEq, Serialize)]
pub struct Decision {
    /// `applications.status`.
    status: &'static str,
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
    /// What an event of the run means. Decides by proof first, then by the codes that say why, then
    /// by the status alone.
    #[must_use]
    pub fn on(event: &Event) -> Self {
        if event.retry_pending {
            return processing("retrying");
        }
        match &event.status {
            RunStatus::Ongoing(_) => processing("running"),
            RunStatus::Completed => match Proof::find(&event.output) {
                Some(proof) => submitted(&proof),
                None => Reason::find(&event.errors).unwrap_or(Reason::Unproven).decision(event),
            },
            RunStatus::Terminated => Reason::find(&event.errors).unwrap_or(Reason::Terminated).decision(event),
            RunStatus::Failed => Reason::find(&event.errors).unwrap_or(Reason::Failed).decision(event),
            RunStatus::TimedOut => Reason::TimedOut.decision(event),
            RunStatus::Canceled => Reason::Canceled.decision(event),
        }
    }

    /// Skyvern does not know the run any more. It may have sent the application before that, so
    /// only a person can find out.
    #[must_use]
    pub fn run_lost() -> Self {
        Self {
            status: "REQUIRES_ATTENTION_MANUAL_REVIEW",
            status_details: json!({ "reason": "run_lost" }),
            notification: Some(UNCERTAIN),
        }
    }

    /// The call that should have started a run started none.
    #[must_use]
    pub fn run_never_started() -> Self {
        Self {
            status: "FAILED_SKYVERN_SUBMISSION",
            status_details: json!({ "reason": "run_never_started" }),
            notification: Some(NOT_SENT),
        }
    }
}

const UNCERTAIN: Notification = Notification {
    title: "Please check your application",
    message: "It is not certain that your application for {job_title} at {company_name} was sent.",
};

const NOT_SENT: Notification = Notification {
    title: "Application not sent",
    message: "Your application for {job_title} at {company_name} could not be completed.",
};

/// What shows that the employer received the application. "Completed" alone only says that the AI
/// believes so, and a run can complete although the résumé could not be fetched.
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

fn processing(reason: &str) -> Decision {
    Decision { status: "PROCESSING_BY_SKYVERN", status_details: json!({ "reason": reason }), notification: None }
}

fn submitted(proof: &Proof) -> Decision {
    Decision {
        status: "SUBMITTED_BY_SKYVERN",
        status_details: json!({
            "reason": "submitted",
            "confirmation_id": proof.confirmation_id,
            "confirmation_text": proof.confirmation_text,
        }),
        notification: Some(Notification {
            title: "Application sent",
            message: "Your application for {job_title} at {company_name} was sent and confirmed.",
        }),
    }
}

/// Why an application was not sent, or not surely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    AlreadyApplied,
    JobClosed,
    LoginRequired,
    MissingInformation,
    CaptchaBlocked,
    ResumeUploadFailed,
    Unproven,
    Terminated,
    Failed,
    TimedOut,
    Canceled,
}

impl Reason {
    /// The weightiest reason among the codes: what is final before what a person can mend.
    fn find(errors: &[RunError]) -> Option<Self> {
        let reasons = errors.iter().filter_map(|error| Self::of_code(&error.error_code));
        reasons.min_by_key(|reason| *reason as u8)
    }

    /// From the codes that the run was given, and Skyvern's own for logging in (Skyvern contract §3).
    fn of_code(code: &str) -> Option<Self> {
        match code {
            "already_applied" => Some(Self::AlreadyApplied),
            "job_closed" => Some(Self::JobClosed),
            "login_required"
            | "OTP_ERROR"
            | "OTP_TIMEOUT"
            | "OTP_EXPIRED"
            | "MISSING_TOTP_SOURCE"
            | "CREDENTIAL_LOGIN_UNCONFIRMED"
            | "CREDENTIAL_ACCOUNT_LOCKED" => Some(Self::LoginRequired),
            "missing_information" => Some(Self::MissingInformation),
            "captcha_blocked" => Some(Self::CaptchaBlocked),
            "resume_upload_failed" => Some(Self::ResumeUploadFailed),
            _ => None,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::AlreadyApplied => "already_applied",
            Self::JobClosed => "job_closed",
            Self::LoginRequired => "login_required",
            Self::MissingInformation => "missing_information",
            Self::CaptchaBlocked => "captcha_blocked",
            Self::ResumeUploadFailed => "resume_upload_failed",
            Self::Unproven => "unproven",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Canceled => "canceled",
        }
    }

    fn decision(self, event: &Event) -> Decision {
        let mut details = json!({
            "reason": self.code(),
            "skyvern_status": event.status.as_str(),
            "failure_reason": self.explanation(event),
        });
        if let Some(prompt) = self.action_prompt() {
            details["action_prompt"] = json!(prompt);
        }
        let (status, notification) = self.consequence();
        Decision { status, status_details: details, notification: Some(notification) }
    }

    /// Skyvern's words on the code that decided, else on the run.
    fn explanation(self, event: &Event) -> Option<String> {
        let deciding = event.errors.iter().find(|error| Self::of_code(&error.error_code) == Some(self));
        let reasoning = deciding.and_then(|error| error.reasoning.as_deref());
        reasoning.or(event.failure_reason.as_deref()).and_then(clean)
    }

    /// What the person can do about it.
    fn action_prompt(self) -> Option<&'static str> {
        match self {
            Self::LoginRequired => Some(
                "The website asks for an account. Sign in or create one there and apply on the posting's page, \
                 then mark the application as applied.",
            ),
            Self::MissingInformation => {
                Some("The form asks for something your profile does not tell. Complete your profile and submit again.")
            }
            _ => None,
        }
    }

    fn consequence(self) -> (&'static str, Notification) {
        let notification = |title, message| Notification { title, message };
        match self {
            Self::LoginRequired | Self::MissingInformation => (
                "REQUIRES_ATTENTION_USER_INPUT",
                notification(
                    "Your input is needed",
                    "{company_name} asks for something only you can give to apply for {job_title}.",
                ),
            ),
            Self::CaptchaBlocked | Self::ResumeUploadFailed => (
                "REQUIRES_ATTENTION_MANUAL_REVIEW",
                notification(
                    "Please finish your application",
                    "The website of {company_name} stopped the application for {job_title}. Please finish it by hand.",
                ),
            ),
            Self::Unproven | Self::Terminated => ("REQUIRES_ATTENTION_MANUAL_REVIEW", UNCERTAIN),
            Self::JobClosed => (
                "FAILED_APPLICATION",
                notification("Posting closed", "{job_title} at {company_name} takes no more applications."),
            ),
            Self::AlreadyApplied => (
                "FAILED_APPLICATION",
                notification("Already applied", "{company_name} says you have already applied for {job_title}."),
            ),
            Self::Failed | Self::TimedOut | Self::Canceled => ("FAILED_SKYVERN_SUBMISSION", NOT_SENT),
        }
    }
}

/// A text or a number, as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => clean(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Trimmed, bounded, and without NUL, which PostgreSQL cannot keep. None if nothing is left.
fn clean(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|character| *character != '\0').take(MAXIMUM_TEXT_LENGTH).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Decision, Event};

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
        assert_eq!(decision.status, "SUBMITTED_BY_SKYVERN");
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
            assert_eq!(decision.status, "REQUIRES_ATTENTION_MANUAL_REVIEW", "{output}");
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
            ("job_closed", "FAILED_APPLICATION"),
            ("already_applied", "FAILED_APPLICATION"),
            ("login_required", "REQUIRES_ATTENTION_USER_INPUT"),
            ("OTP_TIMEOUT", "REQUIRES_ATTENTION_USER_INPUT"),
            ("missing_information", "REQUIRES_ATTENTION_USER_INPUT"),
            ("captcha_blocked", "REQUIRES_ATTENTION_MANUAL_REVIEW"),
            ("resume_upload_failed", "REQUIRES_ATTENTION_MANUAL_REVIEW"),
        ] {
            for run_status in ["terminated", "failed", "completed"] {
                let errors = json!([{ "error_code": "x" }, { "error_code": code, "reasoning": "because" }]);
                let decision = decided(&json!({ "status": run_status, "errors": errors }));
                assert_eq!(decision.status, status, "{code} of a {run_status} run");
                assert_eq!(decision.status_details["failure_reason"], "because");
                assert!(decision.notification.is_some());
                let asks = decision.status_details["action_prompt"].is_string();
                assert_eq!(asks, status == "REQUIRES_ATTENTION_USER_INPUT", "{code}");
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
            ("terminated", "REQUIRES_ATTENTION_MANUAL_REVIEW"),
            ("failed", "FAILED_SKYVERN_SUBMISSION"),
            ("timed_out", "FAILED_SKYVERN_SUBMISSION"),
            ("canceled", "FAILED_SKYVERN_SUBMISSION"),
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
            assert_eq!(decision.status, "PROCESSING_BY_SKYVERN", "{run_status}");
            assert_eq!(decision.notification, None);
        }
        let decision = decided(&json!({ "status": "failed", "attempt": 1, "retry_pending": true }));
        assert_eq!((decision.status, decision.notification), ("PROCESSING_BY_SKYVERN", None));
    }

    #[test]
    fn free_text_is_bounded_and_storable() {
        let decision = decided(&json!({ "status": "failed", "failure_reason": format!("\u{0}{}", "é".repeat(5000)) }));
        let kept = decision.status_details["failure_reason"].as_str().unwrap();
        assert_eq!(kept.chars().count(), 1000);
        assert!(!kept.contains('\0'));
    }
}
