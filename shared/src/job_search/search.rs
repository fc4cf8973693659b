//! From a query to a page. One call to the database, as the person, finds a good page or what else there is. Only if
//! there is none, the backend takes the right to ask Adzuna, asks, and writes down what came of it.

use std::{rc::Rc, time::Duration};

use serde::de::IgnoredAny;

use super::{
    isolate_cache::{self, CachedPage},
    key::{described, key},
    results,
};
use crate::{
    config::Supabase,
    ids::{SearchLeaseId, UserId},
    outgoing::{RetryPolicy, Upstream},
    problem::Problem,
    sign_in::{Person, ServiceRole},
    supabase::{
        Database,
        rpc::search::{
            LeaseJobSearch, Marks, RecordJobSearchFailure, Results, SearchDecision, SearchJobs, SearchJobsForAlert,
            StoreJobSearch, StoredPage,
        },
    },
    vendors::{
        CallOutcome, Fault,
        adzuna::{self, Adzuna, Query},
    },
};

/// How often another caller's progress is looked at: for ten seconds in all, as long as Adzuna may take to answer that
/// caller.
const POLLING: RetryPolicy =
    RetryPolicy::pausing(&[100, 150, 250, 500, 500, 500, 750, 750, 1000, 1000, 1000, 1000, 1500, 1000]);

/// One search.
#[derive(Debug)]
pub struct JobSearch<'a> {
    /// What is wanted.
    pub query: &'a Query,
    /// For whom.
    pub searcher: Searcher<'a>,
    /// The project.
    pub supabase: &'a Supabase,
    /// Adzuna.
    pub adzuna: &'a adzuna::Settings,
    /// The outside world.
    pub upstream: &'a Upstream,
}

/// For whom a search is made, and so whose share of Adzuna's allowance it is.
#[derive(Debug)]
pub enum Searcher<'a> {
    /// Somebody who is waiting for it.
    Person(&'a Person),
    /// A saved search of theirs.
    Alert {
        /// Nobody is present whose token it could be done with.
        role: ServiceRole,
        /// Whose.
        user_id: UserId,
        /// A page of this age holds no news, in the database's own words.
        newer_than: &'a str,
    },
}

/// A page and the person's own marks on it.
#[derive(Debug)]
pub struct Found {
    /// The page.
    pub results: Rc<Results>,
    /// What the person has done about its postings.
    pub marks: Marks,
    /// Where it came from.
    pub freshness: Freshness,
    /// How long ago it came from Adzuna.
    pub age_seconds: u64,
    /// When that was, in the database's own words.
    pub fetched_at: String,
}

/// Where a page came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The cache, and it is good.
    Hit,
    /// Adzuna, just now.
    Miss,
    /// The cache, past its time, because there is nothing newer.
    Stale,
}

impl Freshness {
    /// The value of `x-cache`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}

impl JobSearch<'_> {
    /// Finds the page.
    ///
    /// # Errors
    /// The database's problems, and Adzuna's or a spent allowance if there is no older page either.
    pub async fn run(&self) -> Result<Found, Problem> {
        let key = key(self.query);
        let mut pauses = POLLING.pauses();
        loop {
            let known = isolate_cache::get(&key);
            match self.decide(&key, known.as_ref()).await? {
                SearchDecision::Fresh { page } => return found(&key, page, known, Freshness::Hit),
                SearchDecision::Resting { page }
                | SearchDecision::Awaited { page: Some(page) }
                | SearchDecision::Paused { page: Some(page), .. }
                | SearchDecision::Spent { page: Some(page), .. } => return found(&key, page, known, Freshness::Stale),
                SearchDecision::Leased { lease_id, user_id, page } => {
                    return match self.ask(&key, lease_id, user_id).await? {
                        Ok(found) => Ok(found),
                        Err(fault) => match page {
                            Some(page) => found(&key, page, known, Freshness::Stale),
                            None => Err(fault.into()),
                        },
                    };
                }
                SearchDecision::Failed { failure, retry_after_seconds } => {
                    return Err(failure.retried_after(Some(Duration::from_secs(retry_after_seconds))).into());
                }
                SearchDecision::Paused { retry_after_seconds, page: None } => {
                    let retry_after = Duration::from_secs(retry_after_seconds);
                    return Err(adzuna::FAULTS.paused.retried_after(Some(retry_after)).into());
                }
                SearchDecision::Spent { retry_after_seconds, is_own_limit, page: None } => {
                    let retry_after = Duration::from_secs(retry_after_seconds);
                    return Err(if is_own_limit {
                        Problem::SearchLimitReached { retry_after }
                    } else {
                        Problem::SearchQuotaSpent { retry_after }
                    });
                }
                SearchDecision::Missing { .. } => return Err(Problem::internal("a lease was asked for and not given")),
                SearchDecision::Awaited { page: None } => {}
            }
            self.upstream.wait(pauses.next().ok_or(adzuna::FAULTS.timed_out)?).await;
        }
    }

    async fn decide(&self, key: &str, known: Option<&CachedPage>) -> Result<SearchDecision, Problem> {
        let known_version = known.map(|page| page.version);
        match self.searcher {
            Searcher::Person(person) => {
                let search = SearchJobs { query_key: key, known_version };
                let decision = Database::of(person, self.supabase, self.upstream).call(&search).await?;
                let SearchDecision::Missing { user_id } = decision else { return Ok(decision) };
                // A person must not be able to take it: they could spend the allowance without a search.
                self.database().call(&LeaseJobSearch { query_key: key, known_version, user_id }).await
            }
            Searcher::Alert { user_id, newer_than, .. } => {
                self.database().call(&SearchJobsForAlert { query_key: key, known_version, user_id, newer_than }).await
            }
        }
    }

    /// Asks Adzuna and writes down what came of it. The inner error is Adzuna's, the outer one the database's.
    async fn ask(&self, key: &str, lease_id: SearchLeaseId, user_id: UserId) -> Result<Result<Found, Fault>, Problem> {
        match Adzuna::new(self.adzuna, self.upstream).search(self.query).await {
            Ok(page) => {
                let results = results::of(self.query, page);
                let store = StoreJobSearch {
                    query_key: key,
                    query: described(self.query),
                    results: &results,
                    job_ids: results.jobs.iter().map(|posting| posting.id.as_str()).collect(),
                    lease_id,
                    user_id,
                };
                let stored = self.database().call(&store).await?;
                found(key, StoredPage { results: Some(results), ..stored }, None, Freshness::Miss).map(Ok)
            }
            Err(fault) => {
                let failure = RecordJobSearchFailure {
                    query_key: key,
                    lease_id,
                    failure: fault,
                    outcome: CallOutcome::of(fault).unwrap_or(CallOutcome::Failed),
                    retry_after_seconds: fault.retry_after.map(|pause| pause.as_secs()),
                };
                // If this fails too, the lease expires; the caller gets the vendor's problem either way.
                let _: Result<IgnoredAny, Problem> = self.database().call(&failure).await;
                Ok(Err(fault))
            }
        }
    }

    /// What Adzuna said is the backend's to write down: it is for everybody.
    fn database(&self) -> Database<'_> {
        let role = match self.searcher {
            Searcher::Person(person) => ServiceRole::to_record_for(person),
            Searcher::Alert { role, .. } => role,
        };
        Database::as_service_role(role, self.supabase, self.upstream)
    }
}

fn found(key: &str, page: StoredPage, known: Option<CachedPage>, freshness: Freshness) -> Result<Found, Problem> {
    let results = match page.results {
        Some(results) => {
            let results = Rc::new(results);
            isolate_cache::put(key, CachedPage { version: page.version, results: results.clone() });
            results
        }
        None => known.map(|known| known.results).ok_or_else(|| Problem::internal("a page came without results"))?,
    };
    let StoredPage { marks, age_seconds, fetched_at, .. } = page;
    Ok(Found { results, marks, freshness, age_seconds, fetched_at })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::POLLING;
    use crate::outgoing::TIMEOUT;

    #[test]
    fn nobody_waits_longer_than_adzuna_may_take() {
        assert_eq!(POLLING.pauses().sum::<Duration>(), TIMEOUT);
    }
}
