//! Who may use up the allowance of searches, which there is once for the whole stack.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::stack::Stack;
use simulators::adzuna::control::Limits;

/// There is one allowance for the whole stack. Most tests share a boundless one; those about its end have it to
/// themselves.
static ALLOWANCE: RwLock<()> = RwLock::const_new(());

/// For tests that search and do not want to be stopped.
pub async fn boundless(stack: &Stack) -> RwLockReadGuard<'static, ()> {
    let shared = ALLOWANCE.read().await;
    let update = "update private.job_search_limits
                  set calls = 1000000, calls_per_person = null, calls_for_alerts = 1000000,
                      calls_for_alerts_per_person = null
                  where calls <> 1000000 or calls_for_alerts <> 1000000";
    stack.database().query(update, &[]).await;
    let limits = Limits { minute: 1_000_000, day: 1_000_000, week: 1_000_000, month: 1_000_000 };
    stack.adzuna().limit(limits).await;
    shared
}

/// For a test about the allowance: the limits as they are delivered, and nothing in the ledger.
pub async fn limited(stack: &Stack) -> RwLockWriteGuard<'static, ()> {
    drop(boundless(stack).await);
    let alone = ALLOWANCE.write().await;
    let update = "with emptied as (delete from private.job_search_calls)
                  update private.job_search_limits as limits
                  set calls = own.calls, calls_per_person = own.calls_per_person,
                      calls_for_alerts = own.calls_for_alerts, calls_for_alerts_per_person = own.of_these_per_person
                  from (values (interval '1 minute', 25, 5, 10, null), (interval '1 day', 250, 25, 100, 24),
                               (interval '7 days', 1000, 75, 400, null), (interval '31 days', 2500, 150, 1000, null))
                      as own (period, calls, calls_per_person, calls_for_alerts, of_these_per_person)
                  where own.period = limits.period";
    stack.database().query(update, &[]).await;
    alone
}
