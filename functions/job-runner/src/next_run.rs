//! The next run, at once, while work remains.

use shared::{http, sign_in::ServiceRole};

use crate::{NAME, run_request::RunRequest, settings::Settings};

/// So many runs follow one another at most; the clock starts the next series anyway. The runtime allows a request to go
/// through 32 Workers.
const SUCCESSORS: u64 = 8;

/// Asks this very function, after the answer.
pub(crate) fn request_next_run(request: &RunRequest, role: ServiceRole, call: &http::Call<Settings>) {
    if request.successor >= SUCCESSORS {
        return;
    }
    let Some(service_binding) = call.upstream.service_binding(NAME, "JOB_RUNNER") else { return };
    let supabase = &call.settings.supabase;
    let body = request.next().to_string();
    call.after_response(async move {
        // If it cannot be asked, that is in the log, and the clock's next run does the work.
        let _ = service_binding.post_json(role, supabase, body).await;
    });
}
