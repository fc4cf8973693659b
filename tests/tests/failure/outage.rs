//! What happens while a part of the system is away. Each test stops parts of a stack of its own.

use std::{net::TcpListener, time::Duration};

use serde_json::{Value, json};
use simulators::skyvern::sign;
use tests::{EventSpec, FUNCTIONS, Finish, Function, OwnStack, Reply, Stack, WebhookKey, own_stack::wait_until};

#[tokio::test]
async fn a_webhook_that_comes_while_the_database_is_away_is_not_lost() {
    let own = OwnStack::start("outage", &["--skyvern-waits"]);
    let stack = Stack::described_by(own.file());
    let ada = stack.new_person().await;
    let application = ada.pending_application().await;
    let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();

    own.ask("stop-part", "postgres");
    let finished = stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    let statuses: Vec<_> = finished.deliveries[0].attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(503); 3], "Skyvern is told to come back, and does: {finished:#?}");
    assert!(finished.deliveries[0].attempts[0].body.contains("database_unavailable"), "{finished:#?}");

    own.ask("start-part", "postgres");
    wait_until("PostgREST finds the database again", || own.answers());
    let stack = Stack::described_by(own.file()); // its connection to the database was cut as well
    let inbox = "select to_jsonb(e) from public.webhook_events e";
    assert!(stack.database().json(inbox, &[]).await.is_empty(), "nothing was written");
    assert_eq!(ada_status(&stack, application).await, "PROCESSING_BY_SKYVERN");

    let again = stack.skyvern().finish(&run_id, &Finish { out_of_turn: true, ..Finish::submitted() }).await;
    assert_eq!(again.deliveries[0].status(), Some(200), "{again:#?}");
    assert_eq!(ada_status(&stack, application).await, "SUBMITTED_BY_SKYVERN");
    assert_eq!(stack.database().json(inbox, &[]).await.len(), 1);
    assert_eq!(stack.database().rows("notifications", "related_entity_id", application).await.len(), 1);
}

async fn ada_status(stack: &Stack, application: uuid::Uuid) -> Value {
    stack.database().row("applications", application).await["status"].clone()
}

#[tokio::test]
async fn without_a_webhook_secret_the_fault_is_ours_and_the_sender_comes_back() {
    let file = std::env::temp_dir().join(format!("jobraker-secrets-{}.vars", std::process::id()));
    let empty = "SKYVERN_WEBHOOK_SECRET=\"\"\nCLERK_WEBHOOK_SECRET=\"\"\n";
    std::fs::write(&file, empty).unwrap();
    let own = OwnStack::start("secrets", &["--vars", file.to_str().unwrap()]);
    for (purpose, variables) in
        [("empty", empty), ("commas", "SKYVERN_WEBHOOK_SECRET=\" , \"\nCLERK_WEBHOOK_SECRET=\"whsec_,\"\n")]
    {
        let stack = own.with_settings(&file, variables);

        let body = br#"{"run_id":"tsk_1","status":"completed"}"#;
        // With an empty key, with a key that is in use elsewhere, and with none.
        let empty = sign("", body);
        let current = stack.skyvern().sign(body);
        for headers in [vec![("x-skyvern-signature", empty.as_str())], vec![("x-skyvern-signature", &current)], vec![]]
        {
            stack.send_webhook("", &headers, &body[..]).await.expect_problem(500, "misconfigured");
        }
        let event = EventSpec::new("user.deleted", json!({ "id": "user_1" }));
        for key in [WebhookKey::Current, WebhookKey::Wrong] {
            let sent = stack.clerk().send(&EventSpec { key, ..event.clone() }).await;
            assert_eq!(sent.refusal(), (500, "misconfigured"), "{purpose}: {sent:#?}");
        }
        assert!(stack.database().json("select to_jsonb(e) from public.webhook_events e", &[]).await.is_empty());
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn vendors_that_refuse_every_connection_are_told_by_name() {
    // A port that was free a moment ago.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = ["SKYVERN_API_URL", "ADZUNA_API_URL", "EXPO_API_URL", "JSEARCH_API_URL"]
        .map(|name| format!("{name}=http://{nobody}\n"));
    let file = std::env::temp_dir().join(format!("jobraker-refused-{}.vars", std::process::id()));
    std::fs::write(&file, settings.concat()).unwrap();
    let own = OwnStack::start("refused", &["--vars", file.to_str().unwrap()]);
    let stack = Stack::described_by(own.file());
    let ada = stack.new_person().await;
    let told = async |function: Function, request: reqwest::RequestBuilder| {
        let reply = Reply::to(request.timeout(Duration::from_mins(3))).await;
        stack.expect_discreet(&reply);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{}: {reply:?}", function.name);
        format!("{}: {} {}", function.name, reply.status, reply.code())
    };

    let mut answers = Vec::new();
    for name in ["initiate-skyvern-application", "adzuna-job-search", "trigger-push-notification", "job-sync"] {
        let function = Function::named(name);
        let body = function.good_body(&ada).await;
        answers.push(told(function, function.request_with(&stack, &ada, &body).await).await);
    }
    assert_eq!(
        answers,
        [
            "initiate-skyvern-application: 502 skyvern_unreachable",
            "adzuna-job-search: 502 adzuna_unreachable",
            "trigger-push-notification: 502 expo_unreachable",
            "job-sync: 502 jsearch_unreachable",
        ]
    );

    // The project itself. Whoever calls was signed in before, so nothing else stands in the way.
    let link = Function::named("generate-resume-signed-url");
    let body = link.good_body(&ada).await;
    Reply::to(link.request_with(&stack, &ada, &body).await).await.expect_status(200);
    let mut requests = Vec::new();
    for function in FUNCTIONS {
        let body = function.good_body(&ada).await;
        requests.push((function, function.request_with(&stack, &ada, &body).await));
    }
    own.ask("stop-part", "simulators");
    let mut answers = Vec::new();
    for (function, request) in requests {
        answers.push(told(function, request).await);
    }
    assert_eq!(
        answers,
        [
            "initiate-skyvern-application: 503 database_unavailable",
            "adzuna-job-search: 503 database_unavailable",
            "generate-resume-signed-url: 502 storage_failed",
            "skyvern-webhook-handler: 503 database_unavailable",
            "clerk-webhook-handler: 503 database_unavailable",
            "trigger-push-notification: 503 database_unavailable",
            "job-runner: 503 database_unavailable",
            "job-sync: 503 database_unavailable",
        ]
    );
    std::fs::remove_file(&file).unwrap();
}
