//! Searches for postings: the cache of pages and the ledger of calls.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Number, Value};

use super::{Repeat, rpc};
use crate::{
    application_status::ApplicationStatus,
    ids::{SearchLeaseId, SearchVersion, UserId},
    vendors::{CallOutcome, Fault, adzuna},
};

rpc! {
    /// Finds out what there is without asking Adzuna. Called as the person.
    pub struct SearchJobs<'a> {
        /// The hash of the query.
        pub query_key: &'a str,
        /// The page that the caller has, so that it need not be sent again.
        pub known_version: Option<SearchVersion>,
    }
    const NAME = "search_jobs";
    /// It changes nothing. Somebody is waiting, and hears at once that the database is down.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = SearchDecision;

    /// Takes the right to ask Adzuna for a page that is missing.
    pub struct LeaseJobSearch<'a> {
        /// The hash of the query.
        pub query_key: &'a str,
        /// The page that the caller has, so that it need not be sent again.
        pub known_version: Option<SearchVersion>,
        /// The person who searches, from [`SearchDecision::Missing`].
        pub user_id: UserId,
    }
    const NAME = "lease_job_search";
    /// The second call would wait for the lease of the first, whose call to Adzuna is counted.
    const REPEAT = Repeat::NotHarmless;
    type Answer = SearchDecision;

    /// Both for a saved search.
    pub struct SearchJobsForAlert<'a> {
        /// The hash of the query.
        pub query_key: &'a str,
        /// The page that the caller has, so that it need not be sent again.
        pub known_version: Option<SearchVersion>,
        /// Whose saved search it is.
        pub user_id: UserId,
        /// A page of this age holds no news, in the database's own words.
        pub newer_than: &'a str,
    }
    const NAME = "search_jobs_for_alert";
    /// As for [`LeaseJobSearch`].
    const REPEAT = Repeat::NotHarmless;
    type Answer = SearchDecision;

    /// Keeps a page that came from Adzuna.
    pub struct StoreJobSearch<'a> {
        /// The hash of the query.
        pub query_key: &'a str,
        /// The query in words, for people who look into the table.
        pub query: Value,
        /// The page.
        pub results: &'a Results,
        /// The ids of the postings on it.
        pub job_ids: Vec<&'a str>,
        /// The lease under which Adzuna was asked.
        pub lease_id: SearchLeaseId,
        /// Whose marks are wanted.
        pub user_id: UserId,
    }
    const NAME = "store_job_search";
    /// The same page is kept again.
    const REPEAT = Repeat::Harmless;
    type Answer = StoredPage;

    /// Tells those who wait, and Adzuna's circuit breaker, that there is no page.
    pub struct RecordJobSearchFailure<'a> {
        /// The hash of the query.
        pub query_key: &'a str,
        /// The lease under which Adzuna was asked.
        pub lease_id: SearchLeaseId,
        /// Why.
        pub failure: Fault,
        /// What that says about Adzuna.
        pub outcome: CallOutcome,
        /// How long Adzuna asks us to wait.
        pub retry_after_seconds: Option<u64>,
    }
    const NAME = "record_job_search_failure";
    /// The lease ends by itself.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;
}

/// What `search_jobs`, `lease_job_search` or `search_jobs_for_alert` decided.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SearchDecision {
    /// The cached page is good.
    Fresh {
        /// The page.
        page: StoredPage,
    },
    /// Asking has just failed; Adzuna is left alone for a while.
    Resting {
        /// An older page.
        page: StoredPage,
    },
    /// Another caller is asking.
    Awaited {
        /// An older page.
        page: Option<StoredPage>,
    },
    /// Asking has failed lately, and there is no older page.
    Failed {
        /// Why.
        #[serde(deserialize_with = "adzuna::fault_with_code")]
        failure: Fault,
        /// When somebody may ask again.
        retry_after_seconds: u64,
    },
    /// Adzuna's circuit breaker is open.
    Paused {
        /// When Adzuna is called again.
        retry_after_seconds: u64,
        /// An older page.
        page: Option<StoredPage>,
    },
    /// Somebody has to ask: the person who searches, by the right that `lease_job_search` gives.
    Missing {
        /// Who the person is.
        user_id: UserId,
    },
    /// Adzuna's allowance is used up, or the person's own share of it.
    Spent {
        /// When there is some again.
        retry_after_seconds: u64,
        /// Whether it is the person's own.
        is_own_limit: bool,
        /// An older page.
        page: Option<StoredPage>,
    },
    /// This caller asks, and the call is in the ledger already.
    Leased {
        /// The right to ask.
        lease_id: SearchLeaseId,
        /// Who the caller is.
        user_id: UserId,
        /// An older page.
        page: Option<StoredPage>,
    },
}

/// A cached page, without its bulk if the version is the one that was named.
#[derive(Debug, Deserialize)]
pub struct StoredPage {
    /// Which fetch it came from.
    pub version: SearchVersion,
    /// When that was, in the database's own words.
    pub fetched_at: String,
    /// How long ago that was.
    pub age_seconds: u64,
    /// The bulk.
    pub results: Option<Results>,
    /// The person's own marks.
    #[serde(flatten)]
    pub marks: Marks,
}

/// What the person has done about the postings of a page.
#[derive(Debug, Default, Deserialize)]
pub struct Marks {
    /// The ids of saved postings.
    pub saved: HashSet<String>,
    /// The status of applications, by the posting's id.
    pub applications: HashMap<String, ApplicationStatus>,
}

/// A page of results for everybody.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The postings, each once; `jobs` in the response.
    pub jobs: Vec<Posting>,
    /// How many there are on all pages.
    pub total: Option<u64>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// A posting as people see it, without their own marks. What is not known is null.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Posting {
    /// Country and Adzuna's own number, which alone is unique within a country only.
    pub id: String,
    /// The job's title.
    pub title: String,
    /// The employer.
    pub company: Option<String>,
    /// The place, in words.
    pub location: Option<String>,
    /// Where to send people.
    pub url: Option<String>,
    /// The beginning of the description.
    pub description: Option<String>,
    /// What is paid.
    pub salary: Salary,
    /// The tag of the category.
    pub category: Option<String>,
    /// `permanent` or `contract`.
    pub contract_type: Option<String>,
    /// `full_time` or `part_time`.
    pub contract_time: Option<String>,
    /// When it appeared, RFC 3339 in UTC.
    pub posted_at: Option<String>,
}

/// A year's pay.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Salary {
    /// At least.
    pub min: Option<Number>,
    /// At most.
    pub max: Option<Number>,
    /// ISO 4217.
    pub currency: String,
    /// Whether Adzuna has estimated it.
    pub is_predicted: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::SearchDecision;
    use crate::{application_status::ApplicationStatus, vendors::adzuna::FAULTS};

    #[test]
    fn every_decision_is_read() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let page = json!({
            "version": id, "is_fresh": true, "fetched_at": "2026-07-15T08:33:45.5+00:00", "age_seconds": 5, "results": null,
            "saved": ["gb:1"], "applications": { "gb:2": "DRAFT" },
        });
        let read = |decision| serde_json::from_value::<SearchDecision>(decision).unwrap();
        let SearchDecision::Fresh { page: fresh } = read(json!({ "outcome": "fresh", "page": page })) else { panic!() };
        assert!(fresh.marks.saved.contains("gb:1"));
        assert_eq!(fresh.marks.applications["gb:2"], ApplicationStatus::Draft);
        assert!(matches!(read(json!({ "outcome": "resting", "page": page })), SearchDecision::Resting { .. }));
        let awaited = json!({ "outcome": "awaited", "page": null });
        assert!(matches!(read(awaited), SearchDecision::Awaited { page: None }));
        let failed = json!({ "outcome": "failed", "failure": FAULTS.timed_out, "retry_after_seconds": 30 });
        assert!(matches!(
            read(failed),
            SearchDecision::Failed { failure, retry_after_seconds: 30 } if failure == FAULTS.timed_out
        ));
        let paused = json!({ "outcome": "paused", "retry_after_seconds": 30, "page": null });
        assert!(matches!(read(paused), SearchDecision::Paused { retry_after_seconds: 30, page: None }));
        let missing = json!({ "outcome": "missing", "user_id": id, "page": null });
        assert!(matches!(read(missing), SearchDecision::Missing { .. }));
        let spent = json!({ "outcome": "spent", "retry_after_seconds": 17, "is_own_limit": true, "page": null });
        assert!(matches!(
            read(spent),
            SearchDecision::Spent { retry_after_seconds: 17, is_own_limit: true, page: None }
        ));
        let leased = json!({ "outcome": "leased", "lease_id": id, "user_id": id, "page": page });
        assert!(matches!(read(leased), SearchDecision::Leased { page: Some(_), .. }));
    }
}
