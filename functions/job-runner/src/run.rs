//! One run: what is due is queued, and what is queued is done, as long as the time allows.

use std::time::Duration;

use shared::{http, problem::Problem, sign_in::ServiceRole, supabase::Database};

use crate::{batch, next_run, queue, run_request::RunRequest, schedule, settings::Settings, summary::Summary};

/// After this no more jobs are begun.
const TIME: Duration = Duration::from_secs(20);

/// The same for a run that another run asked for: the runtime ends it half a minute after that one's answer, and the
/// longest job, sending push messages, takes 22 seconds.
const TIME_OF_SUCCESSOR: Duration = Duration::from_secs(6);

/// After so many calls neither: a Worker may make a thousand.
const CALLS: usize = 800;

/// Runs.
///
/// # Errors
/// When the queue cannot be reached. What was claimed and not settled by then is due again when its lease ends.
pub(crate) async fn run(
    request: &RunRequest,
    role: ServiceRole,
    call: &http::Call<Settings>,
) -> Result<Summary, Problem> {
    let database = Database::as_service_role(role, &call.settings.supabase, &call.upstream);
    if request.successor == 0 {
        schedule::queue_what_is_due(&request.job_types, &database, call.request_id).await;
    }

    let time = if request.successor == 0 { TIME } else { TIME_OF_SUCCESSOR };
    let deadline = call.received_at.plus(time);
    let worker = format!("{}:{}", crate::NAME, call.request_id);
    let names = request.names();
    let mut summary = Summary::default();
    loop {
        let calls = summary.calls + call.upstream.calls();
        if call.now() >= deadline || calls >= CALLS {
            summary.more = true;
            break;
        }
        let jobs = queue::claim(&database, &worker, &names).await?;
        if jobs.is_empty() {
            break;
        }
        summary.add(batch::run(jobs, deadline, role, call).await?);
    }
    if summary.more {
        next_run::request_next_run(request, role, call);
    }
    Ok(summary)
}
