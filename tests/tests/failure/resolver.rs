//! What a posting's name resolves to decides where a resolver is set, on a stack of its own.

use serde_json::Value;
use tests::{Fault, OwnStack, Person, Service, Stack, Zone};
use uuid::Uuid;

/// An application for a posting at a name of its own.
async fn application(ada: &Person, zone: Zone, stack: &Stack) -> Uuid {
    let application = ada.application("DRAFT", &format!("https://{}/7", zone.name)).await;
    stack.set_zone(&zone).await;
    application
}

fn zone(purpose: &str) -> Zone {
    Zone { name: format!("{purpose}-{}.example", Uuid::new_v4().simple()), ..Zone::default() }
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_refused_and_nothing_is_sent() {
    let file = std::env::temp_dir().join(format!("jobraker-resolver-{}.vars", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let own = OwnStack::start("resolver", &["--vars", file.to_str().unwrap()]);
    let resolver = format!("JOB_URL_RESOLVER_URL={}/dns/dns-query\n", own.address("simulators_url"));
    let stack = own.with_settings(&file, &resolver);
    let ada = stack.new_person().await;

    for (refused, code, status) in [
        (Zone { a: texts(["127.0.0.1"]), ..zone("loopback") }, "job_url_not_allowed", 422),
        (Zone { a: texts(["8.8.8.8", "169.254.169.254"]), ..zone("one-of-two") }, "job_url_not_allowed", 422),
        (Zone { a: texts(["8.8.8.8"]), aaaa: texts(["fd00::1"]), ..zone("new-kind") }, "job_url_not_allowed", 422),
        (
            Zone { a: texts(["10.0.0.1"]), alias_of: Some("intranet.example".into()), ..zone("alias") },
            "job_url_not_allowed",
            422,
        ),
        (Zone { status: 3, ..zone("nobody") }, "job_url_not_allowed", 422),
        (Zone { status: 2, ..zone("broken") }, "job_url_unresolved", 503),
    ] {
        let name = refused.name.clone();
        let application = application(&ada, refused, &stack).await;
        ada.initiate(application).await.expect_problem(status, code);
        assert!(stack.skyvern().creations_for(application).await.is_empty(), "{name}");
        let row = ada.application_row(application).await;
        assert_eq!((&row["status"], &row["submission_id"]), (&"DRAFT".into(), &Value::Null), "{name} is as it was");
    }

    let public = application(&ada, Zone { a: texts(["8.8.8.8"]), ..zone("public") }, &stack).await;
    ada.initiate(public).await.expect_status(202);

    let away = zone("away");
    let name = away.name.clone();
    let application = application(&ada, Zone { a: texts(["8.8.8.8"]), ..away }, &stack).await;
    stack.fail_once(Service::Dns, &name, Fault::Cut).await;
    let reply = ada.initiate(application).await.expect_problem(503, "job_url_unresolved");
    assert_eq!(reply.header("retry-after"), "5");
    ada.initiate(application).await.expect_status(202);
    assert_eq!(stack.skyvern().creations_for(application).await.len(), 1, "once the resolver was back");
    std::fs::remove_file(&file).unwrap();
}
