//! The status of an application, as the database knows it.

use serde::{Deserialize, Serialize};

/// Writes the enum and the list of its variants from one list, so that none is forgotten.
macro_rules! statuses {
    ($($(#[$meaning:meta])* $status:ident = $text:literal),+ $(,)?) => {
        /// `applications.status`, the type `application_status_type`. A test compares the two.
        // Read by way of the text: what serde derives for so many variants is larger by kilobytes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum ApplicationStatus {
            $($(#[$meaning])* $status),+
        }

        impl ApplicationStatus {
            /// All of them, in the database's order.
            pub const ALL: &[Self] = &[$(Self::$status),+];

            /// The text in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$status => $text),+
                }
            }
        }
    };
}

statuses! {
    /// The person has not asked for it to be submitted.
    Draft = "DRAFT",
    /// The person has, and no run has started yet.
    PendingSkyvernSubmission = "PENDING_SKYVERN_SUBMISSION",
    /// A run is going on at Skyvern.
    ProcessingBySkyvern = "PROCESSING_BY_SKYVERN",
    /// The run submitted it, and there is proof.
    SubmittedBySkyvern = "SUBMITTED_BY_SKYVERN",
    /// The website asks for something that only the person can give.
    RequiresAttentionUserInput = "REQUIRES_ATTENTION_USER_INPUT",
    /// The person has to look for themselves, or to finish it by hand.
    RequiresAttentionManualReview = "REQUIRES_ATTENTION_MANUAL_REVIEW",
    /// It was not submitted; another try may succeed.
    FailedSkyvernSubmission = "FAILED_SKYVERN_SUBMISSION",
    /// It cannot be submitted, for example because the posting is closed.
    FailedApplication = "FAILED_APPLICATION",
    /// The person applied without Skyvern.
    AppliedManually = "APPLIED_MANUALLY",
    /// The company wants to talk to the person.
    InterviewScheduled = "INTERVIEW_SCHEDULED",
    /// The company wants the person.
    OfferReceived = "OFFER_RECEIVED",
    /// The company does not want the person.
    RejectedByCompany = "REJECTED_BY_COMPANY",
    /// The person does not want the job any more.
    WithdrawnByUser = "WITHDRAWN_BY_USER",
}

impl From<ApplicationStatus> for &'static str {
    fn from(status: ApplicationStatus) -> Self {
        status.as_str()
    }
}

impl TryFrom<String> for ApplicationStatus {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = Self::ALL.iter().find(|status| status.as_str() == text);
        known.copied().ok_or("not the status of an application")
    }
}

#[cfg(test)]
mod tests {
    use super::ApplicationStatus;

    #[test]
    fn a_status_is_read_and_written_as_the_text_in_the_database() {
        for status in ApplicationStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(serde_json::from_value::<ApplicationStatus>(status.as_str().into()).unwrap(), *status);
        }
        assert!(serde_json::from_value::<ApplicationStatus>("APPLIED".into()).is_err());
    }
}
