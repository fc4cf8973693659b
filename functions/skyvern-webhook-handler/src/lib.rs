//! `skyvern-webhook-handler`: receives Skyvern's news of a run.
//!
//! Skyvern POSTs its payload to `?application_id=…&submission_id=…`, signed in
//! `x-skyvern-signature`. Returns 200 `{outcome, application_id, status}` once everything is
//! committed, for a repeated event as for a new one, and then sends the push message, if there is
//! one. 401 `signature_invalid` is final for Skyvern;
//! 503 and 504 make it send again (Skyvern contract §4.4).

mod settings;

use std::sync::OnceLock;

use serde::Serialize;
use serde_json::json;
use shared::{
    application_status::ApplicationStatus,
    http::{self, Endpoint, Incoming, Reply},
    ids::{ApplicationId, BackgroundJobId},
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{
        Database,
        rpc::applications::{ApplySkyvernEvent, Source},
    },
    vendors::skyvern::{Decision, Event},
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::settings::Settings;

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::webhook("skyvern-webhook-handler"), handle).await
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let settings = call.settings;
    let signature = incoming.headers.get("x-skyvern-signature");
    let verified = settings.webhook_keys.verify(signature, &incoming.body).ok_or(Problem::SignatureInvalid)?;
    let role = ServiceRole::of_webhook(verified);
    incoming.require_json_type()?;
    let event = Event::parse(&incoming.body)?;
    let database = Database::as_service_role(role, &settings.supabase, &call.upstream);
    let applied = database
        .call(&ApplySkyvernEvent {
            run_id: &event.run_id,
            run_status: event.status.as_str(),
            attempt: event.attempt,
            retry_pending: event.retry_pending,
            // The signature does not cover the address, so what cannot be read there is left out: the
            // run id alone finds the application as soon as it is recorded.
            application_id: id_in_query(incoming, "application_id"),
            submission_id: id_in_query(incoming, "submission_id"),
            decision: &Decision::on(&event),
            // Parsing it has shown that it is UTF-8.
            body: String::from_utf8_lossy(&incoming.body),
            request_id: call.request_id,
            source: Source::SkyvernWebhook,
        })
        .await?;
    if let Some(job_id) = applied.push_job_id {
        send_push_message(job_id, role, call);
    }
    let answer = Answer { outcome: &applied.outcome, application_id: applied.application_id, status: applied.status };
    Reply::ok(&answer, answer.outcome)
}

/// Has the push message sent at once, without keeping Skyvern waiting. If that fails, the job stays in
/// the queue until it is done.
fn send_push_message(job_id: BackgroundJobId, role: ServiceRole, call: &http::Call<Settings>) {
    let Some(push) = call.upstream.service_binding("trigger-push-notification", "TRIGGER_PUSH_NOTIFICATION") else {
        return;
    };
    let supabase = &call.settings.supabase;
    call.after_response(async move {
        let message = json!({ "job_id": job_id }).to_string();
        // Whoever failed has logged it, and the response is gone.
        let _ = push.post_json(role, supabase, message).await;
    });
}

fn id_in_query<T: std::str::FromStr>(incoming: &Incoming, name: &str) -> Option<T> {
    incoming.query(name)?.parse().ok()
}

/// What became of the event.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    outcome: &'a str,
    application_id: Option<ApplicationId>,
    status: Option<ApplicationStatus>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        http::Incoming,
        outgoing::Failure,
        secret::Secret,
        testing::{Machine, block_on, post_bytes},
        vendors::skyvern::sign,
    };

    use super::handle;

    const APPLICATION: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
    const JOB: &str = "0b9619ff-8b86-4d11-b42d-00c04fc964ff";

    fn webhook(body: &Value) -> Incoming {
        let body = body.to_string();
        let signature = sign(&Secret::new("skyvern-key"), body.as_bytes());
        post_bytes(&format!("application_id={APPLICATION}"), &[("x-skyvern-signature", signature)], body)
    }

    fn failed_run() -> Incoming {
        webhook(&json!({ "run_id": "tsk_41", "status": "failed", "attempt": 2 }))
    }

    fn applied(push_job_id: Option<&str>) -> Value {
        json!({ "outcome": "applied", "application_id": APPLICATION, "status": "FAILED_SKYVERN_SUBMISSION",
                "push_job_id": push_job_id })
    }

    fn code(machine: &Machine, incoming: &Incoming) -> &'static str {
        block_on(handle(incoming, &machine.call())).unwrap_err().kind().code
    }

    #[test]
    fn an_event_is_written_down_in_one_call_and_its_push_job_is_sent_after_the_response() {
        let machine = Machine::new().responds("/rpc/apply_skyvern_event", 200, applied(Some(JOB))).responds(
            "/trigger-push-notification",
            200,
            json!({}),
        );

        let reply = block_on(handle(&failed_run(), &machine.call())).unwrap();

        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &answer["status"]), (200, &json!("FAILED_SKYVERN_SUBMISSION")));
        assert_eq!(answer.get("push_job_id"), None, "Skyvern need not know of it");
        assert_eq!(machine.paths(), ["apply_skyvern_event"]);
        let arguments = &machine.sent()[0].body;
        assert_eq!((&arguments["p_application_id"], &arguments["p_attempt"]), (&json!(APPLICATION), &json!(2)));
        assert_eq!(arguments["p_decision"]["status"], "FAILED_SKYVERN_SUBMISSION");

        block_on(machine.finish());
        assert_eq!(machine.sent()[1].body, json!({ "job_id": JOB }));
        assert_eq!(machine.sent()[1].headers.get("authorization"), Some("Bearer eyJservice"));
    }

    #[test]
    fn a_push_message_that_cannot_be_sent_at_once_takes_nothing_back() {
        let machine = Machine::new()
            .responds("/rpc/apply_skyvern_event", 200, applied(Some(JOB)))
            .fails("/trigger-push-notification", Failure::TimedOut);
        assert_eq!(block_on(handle(&failed_run(), &machine.call())).unwrap().status, 200);
        block_on(machine.finish());
        assert!(machine.is_exhausted());
    }

    #[test]
    fn without_the_right_signature_nothing_is_asked_of_the_database() {
        let machine = Machine::new();
        let mut unsigned = failed_run();
        unsigned.headers = [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect();
        let mut altered = failed_run();
        altered.body.push(b' ');
        for incoming in [unsigned, altered] {
            assert_eq!(code(&machine, &incoming), "signature_invalid");
        }
        assert!(machine.sent().is_empty());
    }

    #[test]
    fn what_is_signed_and_no_event_is_refused() {
        let machine = Machine::new();
        for body in [json!({}), json!([]), json!({ "run_id": 7, "status": "failed" }), json!({ "run_id": "tsk_41" })] {
            assert_eq!(code(&machine, &webhook(&body)), "invalid_input", "{body}");
        }
        assert!(machine.sent().is_empty());
    }

    #[test]
    fn a_database_that_fails_makes_skyvern_send_again() {
        let down = json!({ "code": "PGRST000", "message": "no connection", "details": null, "hint": null });
        let machine = (0..3).fold(Machine::new(), |machine, _| {
            // An event is applied once however often it comes, so the call is repeated before Skyvern has to.
            machine.responds("/rpc/apply_skyvern_event", 503, down.clone())
        });
        assert_eq!(code(&machine, &failed_run()), "database_unavailable");
        let machine = Machine::new().fails("/rpc/apply_skyvern_event", Failure::TimedOut);
        assert_eq!(code(&machine, &failed_run()), "database_timed_out");
    }
}
