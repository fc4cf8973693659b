//! A night's run that failed is tried again by the queue.

use std::time::Duration;

use serde_json::json;
use shared::{
    http,
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{
        Database,
        rpc::queue::{EnqueueBackgroundJobs, NewJob},
    },
    vendors::jsearch::QUOTA_SPENT,
};

use crate::settings::Settings;

/// Long enough for most outages, and for the lock of a run that died.
const PAUSE: Duration = Duration::from_mins(15);

/// Queues one job a day, if trying again may help. That it cannot be queued is in the log line, as a call that failed; then
/// the next night is the next try.
pub(crate) async fn queue(role: ServiceRole, call: &http::Call<Settings>, problem: &Problem) {
    if !may_help(problem) {
        return;
    }
    let today: String = call.received_at.to_iso_8601().chars().take(10).collect();
    let job = NewJob {
        job_type: "job_sync",
        payload: json!({}),
        run_at: &call.received_at.plus(PAUSE).to_iso_8601(),
        dedupe_key: &format!("job_sync:{today}"),
    };
    let database = Database::as_service_role(role, &call.settings.supabase, &call.upstream);
    let _ = database.call(&EnqueueBackgroundJobs { jobs: &[job] }).await;
}

/// Another run does what this one was to do; and an allowance that is spent does not come back within a day.
fn may_help(problem: &Problem) -> bool {
    !matches!(problem, Problem::JobSyncRunning { .. }) && problem.kind().code != QUOTA_SPENT.code
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::{
        problem::Problem,
        vendors::jsearch::{FAULTS, QUOTA_SPENT},
    };

    use super::may_help;

    #[test]
    fn only_what_may_pass_within_the_day_is_tried_again() {
        for fault in [FAULTS.timed_out, FAULTS.failed, FAULTS.unauthorized] {
            assert!(may_help(&fault.into()), "{fault:?}");
        }
        assert!(may_help(&Problem::DatabaseUnavailable));
        assert!(!may_help(&QUOTA_SPENT.into()));
        assert!(!may_help(&Problem::JobSyncRunning { retry_after: Duration::ZERO }));
    }
}
