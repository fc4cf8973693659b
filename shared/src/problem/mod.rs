//! Everything that can go wrong, and the response to each (RFC 9457).
//!
//! A client matches on `code`: codes are added, never renamed. A problem is named for what it means to the caller, not
//! for the status that some vendor sent. docs/problems.md is the list of all, for those who meet them.

mod token;

use std::time::Duration;

pub use token::TokenProblem;

use crate::{application_status::ApplicationStatus, config::Misconfigured, ids::ApplicationId};

/// Why a request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The body or the query is not what the function expects. One entry for each bad field.
    #[error("the request is not in the expected form")]
    InvalidInput(Vec<FieldError>),
    /// The body is longer than the function reads.
    #[error("the body may have at most {limit} bytes")]
    BodyTooLarge {
        /// The function's limit in bytes.
        limit: usize,
    },
    /// The body is not declared as JSON.
    #[error("the body must be sent as application/json")]
    UnsupportedMediaType,
    /// The function does not know the method.
    #[error("the method is not allowed here")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },

    /// No token, or one that is refused.
    #[error(transparent)]
    Unauthenticated(#[from] TokenProblem),
    /// An internal function, called without the service-role key.
    #[error("only the backend itself may call this")]
    ServiceKeyRequired,
    /// A valid token of a person whose profile has not arrived yet.
    #[error("your profile is still being set up; try again in a moment")]
    ProfilePending,
    /// A token that is still valid, of an account that was deleted at Clerk.
    #[error("this account has been deleted")]
    AccountDeleted,
    /// A token of Clerk's impersonation, for something that costs money or that others see.
    #[error("only the person themselves may do this")]
    ImpersonationRefused,
    /// The keys that check tokens cannot be fetched, so nobody can be let in or turned away.
    #[error("sign-in cannot be checked at the moment")]
    SignInUnavailable,

    /// Also for another person's application: the response does not tell that it exists.
    #[error("there is no such application")]
    ApplicationNotFound,
    /// The application has gone further than this call, or was closed.
    #[error("{detail}")]
    ApplicationWrongStatus {
        /// Names the status the application is in.
        detail: String,
    },
    /// An application for the same posting was or may have been sent, and the caller did not say that it is meant.
    #[error("{}", .0.detail)]
    AlreadyApplied(Box<SentApplication>),
    /// The person does not want to apply at this company.
    #[error("{detail}")]
    CompanyExcluded {
        /// Names the company.
        detail: String,
    },
    /// The person has as many runs as their tier allows.
    #[error("{detail}")]
    ApplicationLimitReached {
        /// Names the limit.
        detail: String,
        /// Until one more may be possible.
        retry_after: Duration,
    },
    /// Another call is submitting this application right now.
    #[error("the application is being handed to Skyvern by another call")]
    SubmissionInProgress,
    /// An earlier call ended without knowing whether a run was started. The next call or the reconciler finds out.
    #[error("it is still open whether an earlier attempt reached Skyvern; nothing is sent twice")]
    SubmissionOpen,
    /// The `Idempotency-Key` belongs to another application.
    #[error("the Idempotency-Key was already used for another application")]
    IdempotencyKeyReused,
    /// The person has no résumé, or the stored path is not theirs.
    #[error("upload a résumé before applying")]
    ResumeMissing,
    /// The path is set, but there is no such file, or not for this person.
    #[error("the résumé file cannot be found; upload it again")]
    ResumeNotFound,
    /// The application names a cover letter, but there is no such file, or not for this person.
    #[error("the cover letter cannot be found; upload it again, or apply without one")]
    CoverLetterNotFound,
    /// A path or bucket that no file of a person can have.
    #[error("there can be no such file")]
    PathNotAllowed,
    /// Also for another person's file.
    #[error("there is no such file")]
    FileNotFound,
    /// Skyvern's browser may not be sent to the posting's address.
    #[error("the address of the job posting cannot be used: {reason}")]
    JobUrlNotAllowed {
        /// Why, in words for a person.
        reason: &'static str,
    },

    /// The resolver cannot be asked, or does not know either. Nothing is let through unchecked.
    #[error("it cannot be checked at the moment where the address of the job posting leads; try again later")]
    JobUrlUnresolved,

    /// The webhook's signature is missing, or was made with another key or over other bytes.
    #[error("the signature does not match")]
    SignatureInvalid,

    /// A vendor failed. [`vendors`](crate::vendors) makes it from a fault, and knows which vendors there are. In a box,
    /// because it is the largest variant, and every result of a handler is as large as that.
    #[error("{}", .0.detail)]
    Vendor(Box<VendorProblem>),

    /// The person's own share of Adzuna's quota is used up, and there are no results from earlier.
    #[error("you have searched too often in a short time; try again later")]
    SearchLimitReached {
        /// Until the share allows one more.
        retry_after: Duration,
    },
    /// Adzuna's quota is used up, and there are no results from earlier.
    #[error("no more searches are possible at the moment; try again later")]
    SearchQuotaSpent {
        /// Until the quota allows one more.
        retry_after: Duration,
    },

    /// Another run of the job sync is going on.
    #[error("another run of the job sync is going on")]
    JobSyncRunning {
        /// Until its lock expires, unless it is extended.
        retry_after: Duration,
    },
    /// This run was too slow, and its lock has expired.
    #[error("this run of the job sync was too slow and has been given up")]
    JobSyncSuperseded,

    /// The file store did not answer in time.
    #[error("the file store did not answer in time")]
    StorageTimedOut,
    /// The file store failed, or its response cannot be read.
    #[error("the file store is not working at the moment")]
    StorageFailed,

    /// The database did not answer in time.
    #[error("the database did not answer in time")]
    DatabaseTimedOut,
    /// The database cannot be reached.
    #[error("the database is not available at the moment")]
    DatabaseUnavailable,

    /// The isolate has as many requests in flight as it can serve in good time.
    #[error("too many requests at once; try again in a moment")]
    Overloaded,

    /// A setting is missing or malformed; its name is in the log only.
    #[error("this function is not set up correctly")]
    Misconfigured(#[from] Misconfigured),
    /// Logged in full, and reported in one neutral sentence.
    #[error("something went wrong on our side")]
    Internal {
        /// What happened, for the log. Nothing secret, nothing personal.
        cause: String,
    },
}

/// One bad field of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The field's name, or `body`.
    pub field: &'static str,
    /// What it should be.
    pub message: String,
}

/// An earlier application for a posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentApplication {
    /// Says which of both it is: another application, or the very one.
    pub detail: String,
    /// Which one.
    pub application_id: ApplicationId,
    /// What came of it.
    pub application_status: ApplicationStatus,
}

/// A vendor's failure as it is reported to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VendorProblem {
    /// Status, code and title.
    pub kind: Kind,
    /// The sentence for the caller.
    pub detail: &'static str,
    /// When trying again makes sense, if it does.
    pub retry_after: Option<Duration>,
}

/// What is the same for every problem of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// HTTP status.
    pub status: u16,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// Short and the same for every occurrence.
    pub title: &'static str,
}

const fn kind(status: u16, code: &'static str, title: &'static str) -> Kind {
    Kind { status, code, title }
}

impl Problem {
    /// A failure of our own, with its cause for the log.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::Internal { cause: cause.into() }
    }

    /// One bad field.
    #[must_use]
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidInput(vec![FieldError { field, message: message.into() }])
    }

    /// Status, code and title.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidInput(_) => kind(400, "invalid_input", "Invalid input"),
            Self::BodyTooLarge { .. } => kind(413, "body_too_large", "Body too large"),
            Self::UnsupportedMediaType => kind(415, "unsupported_media_type", "Unsupported media type"),
            Self::MethodNotAllowed { .. } => kind(405, "method_not_allowed", "Method not allowed"),
            Self::Unauthenticated(problem) => kind(401, problem.code(), "Not signed in"),
            Self::ServiceKeyRequired => kind(401, "service_key_required", "Service key required"),
            Self::ProfilePending => kind(403, "profile_pending", "Profile pending"),
            Self::AccountDeleted => kind(403, "account_deleted", "Account deleted"),
            Self::ImpersonationRefused => kind(403, "impersonation_refused", "Impersonation refused"),
            Self::SignInUnavailable => kind(503, "sign_in_unavailable", "Sign-in unavailable"),
            Self::ApplicationNotFound => kind(404, "application_not_found", "Application not found"),
            Self::ApplicationWrongStatus { .. } => {
                kind(409, "application_wrong_status", "Application in another status")
            }
            Self::AlreadyApplied(_) => kind(409, "already_applied", "Already applied"),
            Self::CompanyExcluded { .. } => kind(409, "company_excluded", "Company excluded"),
            Self::ApplicationLimitReached { .. } => kind(429, "application_limit_reached", "Too many applications"),
            Self::SubmissionInProgress => kind(409, "submission_in_progress", "Submission in progress"),
            Self::SubmissionOpen => kind(409, "submission_open", "Submission still open"),
            Self::IdempotencyKeyReused => kind(422, "idempotency_key_reused", "Idempotency key reused"),
            Self::ResumeMissing => kind(422, "resume_missing", "Résumé missing"),
            Self::ResumeNotFound => kind(422, "resume_not_found", "Résumé not found"),
            Self::CoverLetterNotFound => kind(422, "cover_letter_not_found", "Cover letter not found"),
            Self::PathNotAllowed => kind(422, "path_not_allowed", "Path not allowed"),
            Self::FileNotFound => kind(404, "file_not_found", "File not found"),
            Self::JobUrlNotAllowed { .. } => kind(422, "job_url_not_allowed", "Job address not allowed"),
            Self::JobUrlUnresolved => kind(503, "job_url_unresolved", "Job address not checked"),
            Self::SignatureInvalid => kind(401, "signature_invalid", "Signature invalid"),
            Self::Vendor(problem) => problem.kind,
            Self::SearchLimitReached { .. } => kind(429, "search_limit_reached", "Too many searches"),
            Self::SearchQuotaSpent { .. } => kind(503, "search_quota_spent", "No searches left"),
            Self::JobSyncRunning { .. } => kind(409, "job_sync_running", "Job sync running"),
            Self::JobSyncSuperseded => kind(409, "job_sync_superseded", "Job sync superseded"),
            Self::StorageTimedOut => kind(504, "storage_timed_out", "File store timed out"),
            Self::StorageFailed => kind(502, "storage_failed", "File store failed"),
            Self::DatabaseTimedOut => kind(504, "database_timed_out", "Database timed out"),
            Self::DatabaseUnavailable => kind(503, "database_unavailable", "Database unavailable"),
            Self::Overloaded => kind(503, "overloaded", "Overloaded"),
            Self::Misconfigured(_) => kind(500, "misconfigured", "Function not set up"),
            Self::Internal { .. } => kind(500, "internal", "Internal error"),
        }
    }

    /// When trying again makes sense, for the `Retry-After` header.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ProfilePending | Self::SubmissionInProgress | Self::Overloaded | Self::DatabaseUnavailable => {
                Some(Duration::from_secs(2))
            }
            Self::SignInUnavailable | Self::JobUrlUnresolved => Some(Duration::from_secs(5)),
            Self::SubmissionOpen => Some(Duration::from_mins(1)),
            Self::Vendor(problem) => problem.retry_after,
            Self::ApplicationLimitReached { retry_after, .. }
            | Self::SearchLimitReached { retry_after }
            | Self::SearchQuotaSpent { retry_after }
            | Self::JobSyncRunning { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// The cause of a failure of our own, for the log line only.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Internal { cause } => Some(cause.clone()),
            Self::Misconfigured(misconfigured) => Some(misconfigured.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Problem, TokenProblem};
    use crate::config::Misconfigured;

    #[test]
    fn what_passes_by_itself_says_when_to_come_again() {
        let asked = Duration::from_secs(90);
        let detail = || "no".to_owned();
        for (problem, seconds) in [
            (Problem::ProfilePending, Some(2)),
            (Problem::SubmissionInProgress, Some(2)),
            (Problem::Overloaded, Some(2)),
            (Problem::DatabaseUnavailable, Some(2)),
            (Problem::SignInUnavailable, Some(5)),
            (Problem::JobUrlUnresolved, Some(5)),
            (Problem::SubmissionOpen, Some(60)),
            (Problem::ApplicationLimitReached { detail: detail(), retry_after: asked }, Some(90)),
            (Problem::SearchLimitReached { retry_after: asked }, Some(90)),
            (Problem::SearchQuotaSpent { retry_after: asked }, Some(90)),
            (Problem::JobSyncRunning { retry_after: asked }, Some(90)),
            (Problem::DatabaseTimedOut, None),
            (Problem::ResumeMissing, None),
        ] {
            assert_eq!(problem.retry_after().map(|after| after.as_secs()), seconds, "{problem:?}");
        }
    }

    #[test]
    fn each_reason_to_refuse_a_token_has_a_code_and_is_told_in_the_challenge() {
        for (problem, code) in [
            (TokenProblem::Missing, "token_missing"),
            (TokenProblem::Malformed, "token_malformed"),
            (TokenProblem::AlgorithmRefused, "token_algorithm_refused"),
            (TokenProblem::KeyUnknown, "token_key_unknown"),
            (TokenProblem::SignatureInvalid, "token_signature_invalid"),
            (TokenProblem::Expired, "token_expired"),
            (TokenProblem::NotYetValid, "token_not_yet_valid"),
            (TokenProblem::IssuerRefused, "token_issuer_refused"),
            (TokenProblem::PartyRefused, "token_party_refused"),
            (TokenProblem::KindRefused, "token_kind_refused"),
        ] {
            let kind = Problem::from(problem).kind();
            assert_eq!((kind.status, kind.code), (401, code));
            let challenge = match problem {
                TokenProblem::Missing => "Bearer".to_owned(),
                _ => format!("Bearer error=\"invalid_token\", error_description=\"{problem}\""),
            };
            assert_eq!(problem.challenge(), challenge);
        }
    }

    #[test]
    fn a_setting_that_is_wrong_is_named_in_the_log() {
        let problem = Problem::from(Misconfigured { name: "CLERK_ISSUER", fault: "is missing" });
        assert_eq!(problem.cause().as_deref(), Some("CLERK_ISSUER is missing"));
        assert_eq!(Problem::ResumeMissing.cause(), None);
    }

    #[test]
    fn an_internal_problem_tells_its_cause_to_the_log_only() {
        let problem = Problem::internal("relation \"x\" does not exist");
        assert!(!problem.to_string().contains("relation"));
        assert_eq!(problem.cause().as_deref(), Some("relation \"x\" does not exist"));
    }
}
