//! What every function says when somebody it depends on fails: all functions against all their vendors and all ways of
//! failing, in one table.
//!
//! What each failure leaves behind is in the tests of the function. Clerk, which is asked only once in a while, fails in
//! `key_rotation.rs`, and connections are refused in `outage.rs`: both need a stack of their own.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tests::{
    FUNCTIONS, Fault, FaultSpec, Function, OWN_WORDS, Reply, Service, Stack, Turn, allowance::boundless, turn,
};
use uuid::Uuid;

/// The vendors that each function calls before it responds.
const VENDORS: [(&str, &[Service]); 8] = [
    ("initiate-skyvern-application", &[Service::Rest, Service::Storage, Service::Skyvern]),
    ("adzuna-job-search", &[Service::Rest, Service::Adzuna]),
    ("generate-resume-signed-url", &[Service::Storage]),
    ("skyvern-webhook-handler", &[Service::Rest]),
    ("clerk-webhook-handler", &[Service::Rest]),
    ("trigger-push-notification", &[Service::Rest, Service::Expo]),
    ("job-runner", &[Service::Rest]),
    (JOB_SYNC, &[Service::Rest, Service::Jsearch]),
];

/// Only ends a test that would wait for ever: a vendor that is silent stays so, and whoever called is answered all the same.
const LONGEST_WAIT: Duration = Duration::from_mins(3);

/// One run goes on at a time.
const JOB_SYNC: &str = "job-sync";

/// How a vendor fails.
#[derive(Clone, Copy, Debug)]
enum Failing {
    /// 403, with words that are not for everybody.
    Refuses,
    /// 429
    Limits,
    /// 500, likewise with words.
    Breaks,
    /// The connection ends without an answer.
    Cuts,
    /// A proxy's page with status 502.
    Page,
    /// A page with status 200.
    PageAsSuccess,
    /// No response, however long it is waited for.
    IsSilent,
    /// 307, to the same place again, where the vendor would fulfil the request.
    Redirects,
}

use Failing::{Breaks, Cuts, IsSilent, Limits, Page, PageAsSuccess, Redirects, Refuses};

/// No problem at all: the submission waits in the queue.
const WAITS: &str = "202";

/// What is answered then.
const ANSWERS: [(Service, [(Failing, &str); 8]); 6] = [
    (
        Service::Rest,
        [
            (Refuses, "503 database_unavailable"),
            (Limits, "503 database_unavailable"),
            (Breaks, "503 database_unavailable"),
            (Cuts, "503 database_unavailable"),
            (Page, "503 database_unavailable"),
            (PageAsSuccess, "503 database_unavailable"),
            (IsSilent, "504 database_timed_out"),
            (Redirects, "503 database_unavailable"),
        ],
    ),
    (
        Service::Storage,
        [
            (Refuses, "502 storage_failed"),
            (Limits, "502 storage_failed"),
            (Breaks, "502 storage_failed"),
            (Cuts, "502 storage_failed"),
            (Page, "502 storage_failed"),
            (PageAsSuccess, "502 storage_failed"),
            (IsSilent, "504 storage_timed_out"),
            (Redirects, "502 storage_failed"),
        ],
    ),
    (
        Service::Skyvern,
        [
            (Refuses, "502 skyvern_unauthorized"),
            (Limits, WAITS),
            (Breaks, "502 skyvern_failed"),
            (Cuts, "502 skyvern_unreachable"),
            (Page, "502 skyvern_failed"),
            (PageAsSuccess, "502 skyvern_unreadable"),
            (IsSilent, "504 skyvern_timed_out"),
            (Redirects, "502 skyvern_failed"),
        ],
    ),
    (
        Service::Adzuna,
        [
            (Refuses, "502 adzuna_unauthorized"),
            (Limits, "502 adzuna_rate_limited"),
            (Breaks, "502 adzuna_failed"),
            (Cuts, "502 adzuna_unreachable"),
            (Page, "502 adzuna_failed"),
            (PageAsSuccess, "502 adzuna_unreadable"),
            (IsSilent, "504 adzuna_timed_out"),
            (Redirects, "502 adzuna_failed"),
        ],
    ),
    (
        Service::Expo,
        [
            (Refuses, "502 expo_unauthorized"),
            (Limits, "502 expo_rate_limited"),
            (Breaks, "502 expo_failed"),
            (Cuts, "502 expo_unreachable"),
            (Page, "502 expo_failed"),
            (PageAsSuccess, "502 expo_unreadable"),
            (IsSilent, "504 expo_timed_out"),
            (Redirects, "502 expo_rejected"),
        ],
    ),
    (
        Service::Jsearch,
        [
            (Refuses, "502 jsearch_unauthorized"),
            (Limits, "502 jsearch_rate_limited"),
            (Breaks, "502 jsearch_failed"),
            (Cuts, "502 jsearch_unreachable"),
            (Page, "502 jsearch_failed"),
            (PageAsSuccess, "502 jsearch_unreadable"),
            (IsSilent, "504 jsearch_timed_out"),
            (Redirects, "502 jsearch_failed"),
        ],
    ),
];

impl Failing {
    fn fault(self) -> Fault {
        let says = |status, body| Fault::Status { status, body, headers: [].into() };
        let html = [("content-type".to_owned(), "text/html".to_owned())].into();
        match self {
            Refuses => says(403, json!({ "message": OWN_WORDS, "error": OWN_WORDS, "detail": OWN_WORDS })),
            Limits => says(429, json!({ "message": OWN_WORDS })),
            Breaks => says(500, json!({ "message": OWN_WORDS })),
            Cuts => Fault::Cut,
            Page => Fault::Html,
            PageAsSuccess => Fault::Status {
                status: 200,
                body: json!(format!("<html><body>{OWN_WORDS}</body></html>")),
                headers: html,
            },
            IsSilent => Fault::Hold,
            Redirects => Fault::Status {
                status: 307,
                body: json!({ "message": OWN_WORDS }),
                headers: [("location".to_owned(), "?".to_owned())].into(),
            },
        }
    }
}

/// One cell of the table: a good request, whose own calls to the vendor fail.
async fn answer(stack: &Stack, name: &str, vendor: Service, failing: Failing) -> Reply {
    let person = stack.new_person().await;
    let function = Function::named(name);
    let body = function.good_body(&person).await;
    let request_id = Uuid::new_v4().to_string();
    let times = match vendor {
        Service::Expo => 4,    // a push message that is repeated shows only once
        Service::Jsearch => 3, // nobody waits at a screen for a sync
        _ => 1,
    };
    stack.fail(FaultSpec { service: vendor, contains: request_id.clone(), times, fault: failing.fault() }).await;

    let request = function.request_with(stack, &person, &body).await.header("x-request-id", &request_id);
    Reply::to(request.timeout(LONGEST_WAIT)).await
}

#[tokio::test]
async fn every_fault_of_a_vendor_is_told_by_name_in_time_and_without_its_words() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    assert_eq!(
        BTreeSet::from(VENDORS.map(|(function, _)| function)),
        BTreeSet::from(FUNCTIONS.map(|function| function.name)),
        "every function has its vendors"
    );
    let mut cells = Vec::new();
    for (function, vendors) in VENDORS {
        for (vendor, answers) in ANSWERS.iter().filter(|(vendor, _)| vendors.contains(vendor)) {
            cells.extend(answers.iter().map(|(failing, expected)| (function, *vendor, *failing, *expected)));
        }
    }
    assert_eq!(cells.len(), 104);

    let check = async |(function, vendor, failing, expected): (&str, Service, Failing, &str)| {
        let reply = answer(&stack, function, vendor, failing).await;
        let told = format!("{} {} {}", reply.status, reply.code(), reply.header("content-type"));
        let cell = format!("{function}, where {vendor:?} {failing:?}");
        let expected = match expected {
            WAITS => format!("{WAITS}  application/json"),
            problem => format!("{problem} application/problem+json"),
        };
        assert_eq!(told, expected, "{cell}: {reply:?}");
        stack.expect_discreet(&reply);
        reply.header("x-request-id").to_owned()
    };
    let (syncs, others): (Vec<_>, Vec<_>) = cells.into_iter().partition(|(function, ..)| *function == JOB_SYNC);
    let one_by_one = async {
        let _turn = Turn::alone(&stack, turn::JOB_SYNC).await;
        let mut requests = Vec::new();
        for cell in syncs {
            // A run that got no response to its beginning holds the lock without knowing it.
            let release = "delete from public.cron_locks where lock_name = 'job_sync'";
            stack.database().query(release, &[]).await;
            requests.push(check(cell).await);
        }
        requests
    };
    let (others, syncs) = tokio::join!(join_all(others.into_iter().map(&check)), one_by_one);

    let log = stack.log_with(&[others, syncs].concat()).await;
    for secret in stack.secrets() {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
    assert!(!log.contains("panicked"), "no function has panicked");
}
