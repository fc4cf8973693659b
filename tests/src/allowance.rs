//! Who may use up the allowance of searches, which there is once for the whole stack.

use crate::stack::Stack;
use crate::turn::{ALLOWANCE, Turn};
use simulators::adzuna::control::Limits;

/// For tests that search and do not want to be stopped.
pub async fn boundless(stack: &Stack) -> Turn {
    let shared = Turn::shared(stack, ALLOWANCE).await;
    lift(stack).await;
    shared
}

/// For a test about the allowance: the limits as they are delivered, and nothing in the ledger.
pub async fn limited(stack: &Stack) -> Turn {
    let alone = Turn::alone(stack, ALLOWANCE).await;
    lift(stack).await;
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

async fn lift(stack: &Stack) {
    let update = "update private.job_search_limits
                  set calls = 1000000, calls_per_person = null, calls_for_alerts = 1000000,
                      calls_for_alerts_per_person = null
                  where calls <> 1000000 or calls_for_alerts <> 1000000";
    stack.database().query(update, &[]).await;
    let limits = Limits { minute: 1_000_000, day: 1_000_000, week: 1_000_000, month: 1_000_000 };
    stack.adzuna().limit(limits).await;
}
