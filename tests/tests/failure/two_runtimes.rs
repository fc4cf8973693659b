//! Two runtimes at once on one database, one with a clock that is five minutes ahead of the database's and one with a clock
//! that is five minutes behind it. Each request goes to the other one.

use std::{env, path::Path, process::Stdio};

use tests::{
    Stack,
    runtimes::{Gateway, Runtime},
    scratch_database::repository,
};

/// What is promised about submissions, and where else two may meet or a time decides: by the beginnings of the tests' names.
const SUITE: [(&str, &[&str]); 2] = [
    (
        "functions",
        &[
            "apply::",
            "apply_limits::",
            "apply_once::",
            "hear_back::",
            "push::a_device_that_is_gone",
            "push::a_queued_message",
            "push::a_sender_that_lost_its_lease",
            "push::a_webhook_that_comes_twenty_times",
            "search::older_results",
            "search::results_that_are_too_old",
            "search::the_allowance_is_never_exceeded",
            "search::the_limit_of_a_person",
            "search::twenty_equal_searches",
            "search::whoever_asked_and_never_came_back",
        ],
    ),
    ("background", &["reconcile::", "stop::", "submit_application::"]),
];

/// Tests that are about the stack's own gateway, by which Storage's links lead.
const LEFT_OUT: &[&str] = &["apply::the_resume_in_the_prompt_can_be_fetched_by_anybody_who_has_the_link"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_holds_across_two_runtimes_whose_clocks_are_ten_minutes_apart() {
    let stack = Stack::get().await;
    let gateway = Gateway::open(&stack).await;
    let ahead = Runtime::start(&stack, "ahead", gateway.url(), 300).await;
    let behind = Runtime::start(&stack, "behind", gateway.url(), -300).await;
    gateway.lead_to(&[&ahead, &behind]);

    let description = gateway.description(&stack, true);
    for (program, promises) in SUITE {
        let said = run(program, promises, &description).await;
        let outcome = said.lines().find_map(|line| line.trim().strip_prefix("test result: ok. ")).unwrap_or_default();
        let passed = outcome.split(' ').next().and_then(|count| count.parse::<usize>().ok());
        assert!(passed.is_some_and(|passed| passed >= promises.len()), "{program}: {said}");
    }
}

/// Runs these tests of a program, as it was built for this run, on the stack that is described there.
async fn run(program: &str, tests: &[&str], description: &Path) -> String {
    let left_out = LEFT_OUT.iter().flat_map(|name| ["--skip", name]);
    let cargo = tokio::process::Command::new(env::var_os("CARGO").unwrap())
        .args(["test", "--quiet", "--workspace", "--test", program, "--"])
        .args(tests)
        .args(left_out)
        .current_dir(repository())
        .env("JOBRAKER_STACK", description)
        .stdin(Stdio::null())
        .output();
    let outcome = cargo.await.unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success(), "{program}: {said}{}", String::from_utf8_lossy(&outcome.stderr));
    said
}
