//! Claiming an application: one SQL function, as the person, decides in one transaction whether
//! this call is the one that hands it over.

use serde::Deserialize;
use serde_json::json;
use shared::{
    ids::{ApplicationId, SubmissionId},
    problem::Problem,
    supabase::Database,
};

use crate::Started;

/// What `claim_application` decided.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Claim {
    /// This call hands the application over.
    Claimed(Box<Claimed>),
    /// An earlier call did.
    AlreadyStarted(Started),
    /// Another call is doing so.
    InProgress,
    /// An earlier call tried, and nobody knows yet whether a run exists.
    Open(Earlier),
}

/// Everything that the run needs, and the number that proves the claim.
#[derive(Debug, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) submission_id: SubmissionId,
    /// Unique: the run can be found by it.
    pub(crate) title: String,
    pub(crate) application: Application,
    /// Path in the bucket `resumes`.
    pub(crate) resume_path: String,
    pub(crate) person: Candidate,
    pub(crate) preferences: Option<Preferences>,
}

/// The posting to apply for.
#[derive(Debug, Deserialize)]
pub(crate) struct Application {
    pub(crate) job_title: String,
    pub(crate) company_name: String,
    pub(crate) job_url: String,
}

/// The person as an employer gets to know them.
#[derive(Debug, Deserialize)]
pub(crate) struct Candidate {
    pub(crate) full_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) linkedin_profile_url: Option<String>,
    pub(crate) portfolio_url: Option<String>,
}

/// What the person looks for (`user_preferences`).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Preferences {
    pub(crate) preferred_job_titles: Option<Vec<String>>,
    pub(crate) target_locations: Option<Vec<Location>>,
    pub(crate) salary_min: Option<i64>,
    pub(crate) salary_max: Option<i64>,
    pub(crate) salary_currency: Option<String>,
    pub(crate) employment_types: Option<Vec<String>>,
    pub(crate) key_skills: Option<Vec<String>>,
    pub(crate) work_arrangement: Option<Vec<String>>,
}

/// A place the person would work at.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Location {
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) remote_only: bool,
}

/// A submission whose outcome is open.
#[derive(Debug, Deserialize)]
pub(crate) struct Earlier {
    pub(crate) submission_id: SubmissionId,
    pub(crate) title: String,
    /// How long ago it was sent, by the database's clock.
    pub(crate) seconds_ago: u64,
}

/// Claims the application for this call.
///
/// # Errors
/// The refusals of `claim_application`, and the database's own problems.
pub(crate) async fn claim(
    database: &Database<'_>,
    application_id: ApplicationId,
    idempotency_key: Option<&str>,
) -> Result<Claim, Problem> {
    let arguments = json!({ "p_application_id": application_id, "p_idempotency_key": idempotency_key });
    database.call("claim_application", &arguments).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Claim;

    #[test]
    fn every_outcome_of_the_sql_function_is_read() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let claimed = json!({
            "outcome": "claimed", "submission_id": id, "title": "jobraker-1",
            "application": { "id": id, "job_title": "Engineer", "company_name": "Acme", "job_url": "https://a.example" },
            "resume_path": "u/cv.pdf", "resume_filename": null, "cover_letter_path": null,
            "person": { "id": id, "full_name": null, "email": null, "phone_number": null,
                        "linkedin_profile_url": null, "portfolio_url": null },
            "preferences": null,
        });
        assert!(matches!(serde_json::from_value(claimed).unwrap(), Claim::Claimed(_)));
        let started = json!({ "outcome": "already_started", "run_id": "tsk_1", "status": "PROCESSING_BY_SKYVERN" });
        assert!(matches!(serde_json::from_value(started).unwrap(), Claim::AlreadyStarted(_)));
        assert!(matches!(serde_json::from_value(json!({ "outcome": "in_progress" })).unwrap(), Claim::InProgress));
        let open = json!({ "outcome": "open", "submission_id": id, "title": "jobraker-1", "seconds_ago": 90 });
        assert!(matches!(serde_json::from_value(open).unwrap(), Claim::Open(_)));
    }
}
