//! Alerts of saved searches.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{Repeat, queue::FencingToken, rpc};
use crate::ids::{BackgroundJobId, SavedSearchId, UserId};

rpc! {
    /// Queues a background job for each saved search that is due.
    pub struct QueueDueSavedSearchAlerts {}
    const NAME = "queue_due_saved_search_alerts";
    /// The next scheduled run queues what is due.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = IgnoredAny;

    /// Asks what to search for.
    pub struct SavedSearchToAlert {
        /// The background job that asks, which may be of the person's own queueing.
        pub job_id: BackgroundJobId,
        /// Which search.
        pub saved_search_id: SavedSearchId,
    }
    const NAME = "saved_search_to_alert";
    /// It only reads; the background job's next attempt asks again.
    const REPEAT = Repeat::LeftToCaller;
    type Answer = SearchToAlert;

    /// Decides which postings are new, tells the person of them, and settles the background job, all or nothing.
    pub struct RecordSavedSearchAlert<'a> {
        /// The background job.
        pub job_id: BackgroundJobId,
        /// Of the lease that the job is run under.
        pub fencing_token: FencingToken as "p_lease_number",
        /// Which search.
        pub saved_search_id: SavedSearchId,
        /// As [`SearchToAlert::Wanted`] has it.
        pub since: &'a str,
        /// What was found, in the order of the page.
        pub postings: &'a [FoundPosting<'a>],
        /// When the page came from Adzuna, in the database's own words.
        pub searched_at: &'a str,
    }
    const NAME = "record_saved_search_alert";
    /// A background job that is settled is not the caller's any more.
    const REPEAT = Repeat::Harmless;
    type Answer = RecordedAlert;
}

/// What `saved_search_to_alert` returns.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SearchToAlert {
    /// The person wants to know.
    Wanted {
        /// As the app saved it.
        search_query: Map<String, Value>,
        /// Whose search it is.
        user_id: UserId,
        /// Postings from before this time are no news. In the database's own words, as the next one.
        since: String,
        /// A page of this age holds no news.
        newer_than: String,
    },
    /// It was deleted.
    SearchNotFound,
    /// The person does not want to know any more.
    SwitchedOff,
}

/// What decides whether a posting is new, and what is told of it.
#[derive(Debug, Serialize)]
pub struct FoundPosting<'a> {
    /// Country and Adzuna's own number.
    pub id: &'a str,
    /// The title.
    pub title: &'a str,
    /// The employer.
    pub company: Option<&'a str>,
    /// The place, in words.
    pub location: Option<&'a str>,
    /// When it appeared, RFC 3339 in UTC.
    pub posted_at: Option<&'a str>,
}

/// What became of an alert.
#[derive(Debug, Deserialize)]
pub struct RecordedAlert {
    /// `told`, `nothing_new`, `search_changed`, `search_not_found`, `switched_off` or `superseded`. Only passed on, so it
    /// may be another one some day.
    pub outcome: String,
}
