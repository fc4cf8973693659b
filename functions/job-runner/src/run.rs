//! One run: what is due is queued, what is queued is done as long as the time allows, and while work remains the next run
//! is requested.

use std::time::Duration;

use shared::{http, problem::Problem, sign_in::ServiceRole, supabase::Database};

use crate::{
    NAME, batch,
    queue::{self, Claim},
    run_request::RunRequest,
    settings::Settings,
    summary::Summary,
};

/// How long after its start a run still begins jobs.
const TIME: Duration = Duration::from_secs(20);

/// The same for a run that another run requested: the runtime ends it half a minute after that one's response, and the
/// longest job, sending push messages, takes 22 seconds.
const TIME_OF_SUCCESSOR: Duration = Duration::from_secs(6);

/// How long a run begins suspects when its time is up, one at least.
const TIME_OF_SUSPECTS: Duration = Duration::from_secs(10);

/// How many calls a run makes before it begins no more jobs: a Worker may make a thousand.
const CALLS: usize = 800;

/// The same for its suspects.
const CALLS_WITH_SUSPECTS: usize = 900;

/// How many runs follow one another without waiting for the schedule, which starts the next series anyway. The runtime
/// allows a request to go through 32 Workers.
const SUCCESSORS: u64 = 8;

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
        queue::queue_due_jobs(&request.job_types, &database, call.request_id).await;
    }

    let time = if request.successor == 0 { TIME } else { TIME_OF_SUCCESSOR };
    let deadline = call.received_at.plus(time);
    let worker = format!("{}:{}", NAME, call.request_id);
    let names = request.names();
    let mut summary = Summary::default();
    let calls = |summary: &Summary| summary.calls + call.upstream.calls();
    loop {
        if call.now() >= deadline || calls(&summary) >= CALLS {
            summary.more = true;
            break;
        }
        let jobs = queue::claim(&database, &worker, &names, Claim::Due).await?;
        if jobs.is_empty() {
            break;
        }
        summary.add(batch::run(jobs, deadline, role, call).await?);
    }
    if summary.more && request.successor == 0 {
        // There was always something else, so no suspect had its turn. All else is settled: if this is the job that ends
        // its worker, it takes nothing along. The runs that follow have no time for that.
        let deadline = call.now().plus(TIME_OF_SUSPECTS);
        while call.now() < deadline && calls(&summary) < CALLS_WITH_SUSPECTS {
            let suspect = queue::claim(&database, &worker, &names, Claim::Suspect).await?;
            if suspect.is_empty() {
                break;
            }
            summary.add(batch::run(suspect, deadline, role, call).await?);
        }
    }
    if summary.more {
        request_next_run(request, role, call);
    }
    Ok(summary)
}

/// Calls this same function, once the response is on its way.
fn request_next_run(request: &RunRequest, role: ServiceRole, call: &http::Call<Settings>) {
    if request.successor >= SUCCESSORS {
        return;
    }
    let Some(service_binding) = call.upstream.service_binding(NAME, "JOB_RUNNER") else { return };
    let supabase = &call.settings.supabase;
    let body = request.next().to_string();
    call.after_response(async move {
        // If it cannot be reached, the log says so, and the next scheduled run does the work.
        let _ = service_binding.post_json(role, supabase, body).await;
    });
}
