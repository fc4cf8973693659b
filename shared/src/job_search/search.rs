//! From a query to a page: one call to the database decides whether there is a good page, whether this caller may ask
//! Adzuna for one, or what else there is; a second one writes down what came of asking.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use super::{
    Results,
    isolate_cache::{self, CachedPage},
    key::{described, key},
};
use crate::{
    config::Supabase,
    ids::{SearchLeaseId, SearchVersion, UserId},
    outgoing::{RetryPolicy, Upstream},
    problem::Problem,
    sign_in::{Person, ServiceRole},
    supabase::Database,
    vendors::{
        Fault,
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
    /// What the person has done about its jobs.
    pub marks: Marks,
    /// Where it came from.
    pub freshness: Freshness,
    /// How long ago it came from Adzuna.
    pub age_seconds: u64,
    /// When that was, in the database's own words.
    pub fetched_at: String,
}

/// What the person has done about the jobs of a page.
#[derive(Debug, Default, Deserialize)]
pub struct Marks {
    /// The ids of saved jobs.
    pub saved: HashSet<String>,
    /// The status of applications, by the job's id.
    pub applications: HashMap<String, String>,
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

/// What `search_jobs` decided.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Decision {
    /// The cached page is good.
    Fresh { page: Cached },
    /// Asking has just failed; Adzuna is left alone for a while.
    Resting { page: Cached },
    /// Another caller is asking.
    Awaited { lease_id: Option<SearchLeaseId>, page: Option<Cached> },
    /// The caller who was waited for got nothing.
    Failed {
        #[serde(deserialize_with = "adzuna_fault")]
        failure: Fault,
    },
    /// Adzuna's allowance is used up, or the person's own share of it.
    Spent { retry_after_seconds: u64, is_own_limit: bool, page: Option<Cached> },
    /// This caller asks, and the call is in the ledger already.
    Leased { lease_id: SearchLeaseId, user_id: UserId, page: Option<Cached> },
}

/// A cached page, without its bulk if the version is the one that was named.
#[derive(Debug, Deserialize)]
struct Cached {
    version: SearchVersion,
    fetched_at: String,
    age_seconds: u64,
    results: Option<Results>,
    #[serde(flatten)]
    marks: Marks,
}

/// A fault by its code, as another caller stored it.
fn adzuna_fault<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fault, D::Error> {
    let code = String::deserialize(deserializer)?;
    adzuna::FAULTS.with_code(&code).ok_or_else(|| D::Error::custom("unknown fault of Adzuna"))
}

impl JobSearch<'_> {
    /// Finds the page.
    ///
    /// # Errors
    /// The database's problems, and Adzuna's or a spent allowance if there is no older page either.
    pub async fn run(&self) -> Result<Found, Problem> {
        let key = key(self.query);
        let mut awaited = None;
        let mut pauses = POLLING.pauses();
        loop {
            let known = isolate_cache::get(&key);
            match self.decide(&key, known.as_ref(), awaited).await? {
                Decision::Fresh { page } => return found(&key, page, known, Freshness::Hit),
                Decision::Resting { page }
                | Decision::Awaited { page: Some(page), .. }
                | Decision::Spent { page: Some(page), .. } => return found(&key, page, known, Freshness::Stale),
                Decision::Leased { lease_id, user_id, page } => {
                    return match self.ask(&key, lease_id, user_id).await? {
                        Ok(found) => Ok(found),
                        Err(fault) => match page {
                            Some(page) => found(&key, page, known, Freshness::Stale),
                            None => Err(fault.into()),
                        },
                    };
                }
                Decision::Failed { failure } => return Err(failure.into()),
                Decision::Spent { retry_after_seconds, is_own_limit, page: None } => {
                    let retry_after = Duration::from_secs(retry_after_seconds);
                    return Err(if is_own_limit {
                        Problem::SearchLimitReached { retry_after }
                    } else {
                        Problem::SearchQuotaSpent { retry_after }
                    });
                }
                Decision::Awaited { lease_id, page: None } => awaited = lease_id,
            }
            self.upstream.wait(pauses.next().ok_or(adzuna::FAULTS.timed_out)?).await;
        }
    }

    async fn decide(
        &self,
        key: &str,
        known: Option<&CachedPage>,
        awaited: Option<SearchLeaseId>,
    ) -> Result<Decision, Problem> {
        let mut arguments = json!({
            "p_query_key": key,
            "p_known_version": known.map(|page| page.version),
            "p_awaited_lease_id": awaited,
        });
        match self.searcher {
            Searcher::Person(person) => {
                Database::of(person, self.supabase, self.upstream).call("search_jobs", &arguments).await
            }
            Searcher::Alert { user_id, newer_than, .. } => {
                arguments["p_user_id"] = json!(user_id);
                arguments["p_newer_than"] = json!(newer_than);
                self.database().call("search_jobs_for_alert", &arguments).await
            }
        }
    }

    /// Asks Adzuna and writes down what came of it. The inner error is Adzuna's, the outer one the database's.
    async fn ask(&self, key: &str, lease_id: SearchLeaseId, user_id: UserId) -> Result<Result<Found, Fault>, Problem> {
        match Adzuna::new(self.adzuna, self.upstream).search(self.query).await {
            Ok(page) => {
                let results = Results::of(self.query, page);
                let arguments = json!({
                    "p_query_key": key,
                    "p_query": described(self.query),
                    "p_results": results,
                    "p_job_ids": results.ids(),
                    "p_lease_id": lease_id,
                    "p_user_id": user_id,
                });
                let stored: Cached = self.database().call_idempotent("store_job_search", &arguments).await?;
                found(key, Cached { results: Some(results), ..stored }, None, Freshness::Miss).map(Ok)
            }
            Err(fault) => {
                let arguments = json!({ "p_query_key": key, "p_lease_id": lease_id, "p_failure": fault.code });
                // If this fails too, the lease ends by itself; what happened is told either way.
                let _: Result<Value, Problem> = self.database().call("record_job_search_failure", &arguments).await;
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

fn found(key: &str, page: Cached, known: Option<CachedPage>, freshness: Freshness) -> Result<Found, Problem> {
    let results = match page.results {
        Some(results) => {
            let results = Rc::new(results);
            isolate_cache::put(key, CachedPage { version: page.version, results: results.clone() });
            results
        }
        None => known.map(|known| known.results).ok_or_else(|| Problem::internal("a page came without results"))?,
    };
    let Cached { marks, age_seconds, fetched_at, .. } = page;
    Ok(Found { results, marks, freshness, age_seconds, fetched_at })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Decision, POLLING};
    use crate::{outgoing::TIMEOUT, vendors::adzuna::FAULTS};

    #[test]
    fn every_decision_of_the_sql_function_is_read() {
        let id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let page = json!({
            "version": id, "is_fresh": true, "fetched_at": "2026-07-15T08:33:45.5+00:00", "age_seconds": 5, "results": null,
            "saved": ["gb:1"], "applications": { "gb:2": "DRAFT" },
        });
        let read = |decision| serde_json::from_value::<Decision>(decision).unwrap();
        let Decision::Fresh { page: fresh } = read(json!({ "outcome": "fresh", "page": page })) else { panic!() };
        assert!(fresh.marks.saved.contains("gb:1"));
        assert_eq!(fresh.marks.applications["gb:2"], "DRAFT");
        assert!(matches!(read(json!({ "outcome": "resting", "page": page })), Decision::Resting { .. }));
        let awaited = json!({ "outcome": "awaited", "lease_id": id, "page": null });
        assert!(matches!(read(awaited), Decision::Awaited { page: None, .. }));
        let failed = json!({ "outcome": "failed", "failure": FAULTS.timed_out.code });
        assert!(matches!(read(failed), Decision::Failed { failure } if failure == FAULTS.timed_out));
        let spent = json!({ "outcome": "spent", "retry_after_seconds": 17, "is_own_limit": true, "page": null });
        assert!(matches!(read(spent), Decision::Spent { retry_after_seconds: 17, is_own_limit: true, page: None }));
        let leased = json!({ "outcome": "leased", "lease_id": id, "user_id": id, "page": page });
        assert!(matches!(read(leased), Decision::Leased { page: Some(_), .. }));
    }

    #[test]
    fn nobody_waits_longer_than_adzuna_may_take() {
        assert_eq!(POLLING.pauses().sum::<Duration>(), TIMEOUT);
    }
}
