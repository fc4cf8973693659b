//! `saved_search_alert`: runs a saved search, and notifies its person of postings that were not there before.
//!
//! The payload is `{saved_search_id}`. The search goes through the cache and the ledger of everybody's searches; what it
//! found is judged, notified and recorded by one SQL function, which settles the job as well.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::{
    http::Fields,
    ids::SavedSearchId,
    job_search::{self, JobSearch, Searcher},
    problem::Problem,
    supabase::rpc::alerts::{FoundPosting, RecordSavedSearchAlert, SavedSearchToAlert, SearchToAlert},
    vendors::adzuna::{FAULTS, Query, SortBy, SortDirection},
};

use crate::{attempt::Attempt, job::BackgroundJob, outcome::JobOutcome};

/// As many as Adzuna gives at once.
const PAGE_SIZE: u32 = 50;

/// The queue looks again after so long at most: the allowance may grow, or come back earlier than was foreseen.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);

#[derive(Deserialize)]
struct Payload {
    saved_search_id: SavedSearchId,
}

pub(crate) async fn run(attempt: &Attempt<'_>, job: &BackgroundJob) -> Result<JobOutcome, JobOutcome> {
    let Payload { saved_search_id } = job.payload()?;
    let database = attempt.database();
    let to_alert = SavedSearchToAlert { job_id: job.id, saved_search_id };
    let (search_query, user_id, since, newer_than) = match database.call(&to_alert).await? {
        SearchToAlert::Wanted { search_query, user_id, since, newer_than } => {
            (search_query, user_id, since, newer_than)
        }
        SearchToAlert::SearchNotFound => return Ok(nothing_to_do("search_not_found")),
        SearchToAlert::SwitchedOff => return Ok(nothing_to_do("switched_off")),
    };
    let query = newest_first(search_query)?;

    let settings = attempt.call.settings;
    let search = JobSearch {
        query: &query,
        searcher: Searcher::Alert { role: attempt.role, user_id, newer_than: &newer_than },
        supabase: &settings.supabase,
        adzuna: &settings.adzuna,
        upstream: attempt.upstream,
    };
    let found = search.run().await.map_err(not_found_out)?;

    let postings: Vec<FoundPosting> = found.results.jobs.iter().map(summary).collect();
    let record = RecordSavedSearchAlert {
        job_id: job.id,
        fencing_token: job.fencing_token,
        saved_search_id,
        since: &since,
        postings: &postings,
        searched_at: &found.fetched_at,
    };
    Ok(JobOutcome::Elsewhere { outcome: database.call(&record).await?.outcome })
}

fn nothing_to_do(outcome: &str) -> JobOutcome {
    JobOutcome::Completed { result: json!({ "outcome": outcome }) }
}

/// The saved query, for its newest postings whatever page and order the person looks at. What was saved may have come
/// from a version of the app with other ideas of a query, or from no app at all.
fn newest_first(search_query: Map<String, Value>) -> Result<Query, JobOutcome> {
    let invalid = |_| JobOutcome::Failed { error: "invalid_search".to_owned() };
    let without_page = search_query.into_iter().filter(|(field, _)| {
        // They are not the alert's, so they need not be right either.
        !["page", "page_size", "sort_by", "sort_dir"].contains(&field.as_str())
    });
    let query = job_search::read(Fields::of(without_page.collect())).map_err(invalid)?;
    Ok(Query {
        page: 1,
        page_size: PAGE_SIZE,
        sort_by: Some(SortBy::Date),
        sort_dir: Some(SortDirection::Down),
        ..query
    })
}

/// No page that is new enough.
fn not_found_out(problem: Problem) -> JobOutcome {
    match problem {
        Problem::SearchQuotaSpent { retry_after } | Problem::SearchLimitReached { retry_after } => {
            JobOutcome::PutBack { after: retry_after.min(LONGEST_PAUSE) }
        }
        Problem::Vendor(problem) if problem.kind.code == FAULTS.paused.code => {
            JobOutcome::PutBack { after: problem.retry_after.unwrap_or_default().min(LONGEST_PAUSE) }
        }
        // Each further try would be counted, and refused too.
        Problem::Vendor(problem) if problem.kind.code == FAULTS.rejected.code => {
            JobOutcome::Failed { error: problem.kind.code.to_owned() }
        }
        problem => problem.into(),
    }
}

/// What decides whether a posting is new, and what is told of it.
fn summary(posting: &job_search::Posting) -> FoundPosting<'_> {
    FoundPosting {
        id: &posting.id,
        title: &posting.title,
        company: posting.company.as_deref(),
        location: posting.location.as_deref(),
        posted_at: posting.posted_at.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use shared::{problem::Problem, vendors::adzuna::FAULTS};

    use super::{newest_first, not_found_out};
    use crate::outcome::JobOutcome;

    fn parameters(search_query: &Value) -> Result<String, JobOutcome> {
        let query = newest_first(search_query.as_object().unwrap().clone())?;
        let parameters = query.parameters().into_iter().map(|(name, value)| format!("{name}={value}"));
        Ok(parameters.collect::<Vec<_>>().join("&"))
    }

    #[test]
    fn a_saved_search_is_asked_for_its_newest_postings() {
        let saved = json!({ "keywords": "Rust", "location": "Leeds", "page": 3, "page_size": 10, "sort_by": "salary",
                            "sort_dir": "up", "remote": true });
        let expected = "results_per_page=50&what=Rust&where=Leeds&distance=10&sort_by=date&sort_dir=down";
        assert_eq!(parameters(&saved), Ok(expected.to_owned()));
        let remote = json!({ "keywords": "React Developer", "location": "Remote", "min_salary": 80000 });
        let expected_remote =
            "results_per_page=50&what=React Developer remote&salary_min=80000&sort_by=date&sort_dir=down";
        assert_eq!(parameters(&remote), Ok(expected_remote.to_owned()));
        let odd_page = json!({ "keywords": "Rust", "location": "Leeds", "page": "x", "page_size": 500 });
        assert_eq!(parameters(&odd_page), Ok(expected.to_owned()), "the page is not the alert's");
    }

    #[test]
    fn what_is_no_search_any_more_fails_for_good() {
        let saved = json!({ "keywords": ["Rust"], "country": "xx" });
        assert_eq!(parameters(&saved), Err(JobOutcome::Failed { error: "invalid_search".to_owned() }));
    }

    #[test]
    fn a_spent_allowance_is_waited_for_and_counts_as_no_attempt() {
        let hour = Duration::from_hours(1);
        let spent = not_found_out(Problem::SearchQuotaSpent { retry_after: hour });
        assert_eq!(spent, JobOutcome::PutBack { after: hour });
        let spent = not_found_out(Problem::SearchLimitReached { retry_after: 24 * hour });
        assert_eq!(spent, JobOutcome::PutBack { after: 6 * hour });
    }

    #[test]
    fn while_adzuna_is_left_alone_a_job_waits_without_losing_an_attempt() {
        let paused = FAULTS.paused.retried_after(Some(Duration::from_secs(90)));
        assert_eq!(not_found_out(paused.into()), JobOutcome::PutBack { after: Duration::from_secs(90) });
    }

    #[test]
    fn a_fault_of_adzuna_is_tried_again_unless_it_is_the_search() {
        assert_eq!(not_found_out(FAULTS.failed.into()).outcome(), "retry");
        assert_eq!(not_found_out(FAULTS.rejected.into()).error(), Some("adzuna_rejected"));
        assert_eq!(not_found_out(FAULTS.rejected.into()).outcome(), "failed");
    }
}
