//! The next run, at once, while work remains.

use shared::http;

use crate::{NAME, order::Order, settings::Settings};

/// So many runs follow one another at most; the clock starts the next series anyway. The runtime allows a request to go
/// through 32 Workers.
const SUCCESSORS: u64 = 8;

/// Asks this very function, after the answer.
pub(crate) fn ask_for_the_next_run(order: &Order, call: &http::Call<Settings>) {
    if order.successor >= SUCCESSORS {
        return;
    }
    let Some(neighbour) = call.neighbour(NAME, "JOB_RUNNER") else { return };
    let key = &call.settings.supabase.service_role_key;
    let body = order.next().to_string();
    call.after_the_answer(async move {
        // If it cannot be asked, that is in the log, and the clock's next run does the work.
        let _ = neighbour.post_json(key, body).await;
    });
}
