//! How many runs a person may have.

use futures_util::future::join_all;
use serde_json::json;
use tests::{Fault, Finish, Person, Reply, Stack};

/// Somebody of this tier.
async fn person_of(stack: &Stack, tier: &str) -> Person {
    let person = stack.new_person().await;
    let set = "update public.users set tier = $2::text::public.user_tier where id = $1";
    stack.database().query(set, &[&person.user_id, &tier]).await;
    person
}

fn seconds(reply: &Reply) -> i64 {
    reply.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn the_limits_are_those_of_the_tiers() {
    let sql = "select jsonb_build_array(tier, per_day, at_once) from private.application_limits
               where tier <> 'career_insurance' order by tier";
    let rows = Stack::get().await.database().json(sql, &[]).await;
    let expected =
        [json!(["free", 10, 2]), json!(["pro", 50, 5]), json!(["h1b_pro", 50, 5]), json!(["enterprise", 500, 20])];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn so_many_runs_at_once_and_no_more_until_one_is_over() {
    let stack = Stack::get().await;
    let ada = person_of(&stack, "free").await;
    let first = ada.initiate(ada.draft_application().await).await.expect_status(202);
    ada.initiate(ada.draft_application().await).await.expect_status(202);

    let third = ada.draft_application().await;
    let reply = ada.initiate(third).await.expect_problem(429, "application_limit_reached");
    assert!(reply.json["detail"].as_str().unwrap().contains("2 applications at the same time"), "{reply:?}");
    assert_eq!(seconds(&reply), 300);
    let direct = ada.caller().await.rpc("claim_application", &json!({ "p_application_id": third })).await;
    assert_eq!((direct.status, direct.code()), (429, "application_limit_reached"), "{direct:?}");
    assert_eq!(direct.header("retry-after"), "300");
    assert!(stack.skyvern().creations_for(third).await.is_empty());
    assert_eq!(ada.application_row(third).await["status"], "DRAFT");

    stack.skyvern().finish(first.run_id(), &Finish::submitted()).await;
    ada.initiate(third).await.expect_status(202);
}

#[tokio::test]
async fn claims_at_the_same_instant_do_not_overshoot() {
    let stack = Stack::get().await;
    let ada = person_of(&stack, "free").await;
    let mut drafts = Vec::new();
    for _ in 0..12 {
        drafts.push(json!({ "p_application_id": ada.draft_application().await }));
    }
    let caller = ada.caller().await;

    let claims = join_all(drafts.iter().map(|draft| caller.rpc("claim_application", draft))).await;

    assert_eq!(claims.iter().filter(|claim| claim.status == 200).count(), 2, "{claims:#?}");
    let refused = claims.iter().filter(|claim| claim.code() == "application_limit_reached");
    assert_eq!(refused.count(), 10, "{claims:#?}");
}

#[tokio::test]
async fn so_many_runs_a_day_and_one_more_when_the_oldest_is_a_day_old() {
    let stack = Stack::get().await;
    let ada = person_of(&stack, "free").await;
    // The oldest of ten was claimed 23 hours ago, and deleting what they were for changes nothing.
    let runs = "insert into private.application_runs (submission_id, user_id, run_id, claimed_at, started_at, ended_at)
                select gen_random_uuid(), $1, 'tsk_' || gen_random_uuid(), at, at, at
                from generate_series(1, 10) as number, lateral (select now() - interval '24 hours' + number * interval '1 hour') as t (at)";
    stack.database().query(runs, &[&ada.user_id]).await;
    let application = ada.draft_application().await;

    let reply = ada.initiate(application).await.expect_problem(429, "application_limit_reached");
    assert!(reply.json["detail"].as_str().unwrap().contains("10 applications in 24 hours"), "{reply:?}");
    assert!((3000..=3600).contains(&seconds(&reply)), "{reply:?}");

    let age =
        "update private.application_runs set claimed_at = claimed_at - interval '1 hour 1 second' where user_id = $1";
    stack.database().query(age, &[&ada.user_id]).await;
    ada.initiate(application).await.expect_status(202);
}

#[tokio::test]
async fn what_started_nothing_costs_nothing() {
    let stack = Stack::get().await;
    let ada = person_of(&stack, "free").await;
    for _ in 0..12 {
        let application = ada.draft_application().await;
        let refusal = Fault::Status { status: 422, body: json!({ "detail": "no" }), headers: [].into() };
        stack.skyvern().fail_once(application, refusal).await;
        ada.initiate(application).await.expect_problem(502, "skyvern_rejected");
    }
    ada.initiate(ada.draft_application().await).await.expect_status(202);
}

#[tokio::test]
async fn an_operator_changes_the_limits() {
    let stack = Stack::get().await;
    let ada = person_of(&stack, "career_insurance").await;
    let set = "update private.application_limits set per_day = $1 where tier = 'career_insurance'";
    stack.database().query(set, &[&0]).await;
    let application = ada.draft_application().await;
    let reply = ada.initiate(application).await.expect_problem(429, "application_limit_reached");
    assert_eq!(seconds(&reply), 24 * 60 * 60);
    stack.database().query(set, &[&100]).await;
    ada.initiate(application).await.expect_status(202);
}
