//! What counts towards the runs that a person may have, and when there is room again.

use tests::Stack;
use tokio_postgres::Transaction;
use uuid::Uuid;

/// So many runs of a person, each with the moment of its claim, whether it is known to have started, and whether it is
/// over.
async fn runs(transaction: &Transaction<'_>, person: Uuid, count: i32, hours_ago: f64, starts: bool, ends: bool) {
    let sql = "insert into private.application_runs (submission_id, user_id, run_id, claimed_at, ended_at)
               select gen_random_uuid(), $1, case when $4 then 'tsk_' || gen_random_uuid() end, at, case when $5 then at end
               from generate_series(1, $2::int), lateral (select clock_timestamp() - $3 * interval '1 hour') as t (at)";
    transaction.execute(sql, &[&person, &count, &hours_ago, &starts, &ends]).await.unwrap();
}

/// Applications that wait, for jobs of this status.
async fn waiting(transaction: &Transaction<'_>, person: Uuid, count: i32, job: &str) -> Vec<Uuid> {
    let sql = "with jobs as (
                   insert into public.background_jobs (user_id, job_type, payload, status)
                   select $1, 'submit_application', '{}', $3::text::public.job_status from generate_series(1, $2::int)
                   returning id)
               insert into public.applications (user_id, job_title, company_name, job_url, status, submission_job_id)
               select $1, 't', 'c', 'https://jobs.example.com/' || id, 'PENDING_SKYVERN_SUBMISSION', id from jobs
               returning id";
    let rows = transaction.query(sql, &[&person, &count, &job]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Why there is no room for another run, with the pause in hours; nothing if there is.
async fn refusal(transaction: &mut Transaction<'_>, person: Uuid, application: Uuid) -> Option<(String, f64)> {
    let savepoint = transaction.transaction().await.unwrap();
    let ask = "select private.refuse_beyond_application_limits(users, $2) from public.users where id = $1";
    let asked = savepoint.execute(ask, &[&person, &application]).await;
    savepoint.rollback().await.unwrap();
    let refusal = asked.err()?;
    let refusal = refusal.as_db_error().unwrap();
    let told: serde_json::Value = serde_json::from_str(refusal.message()).unwrap();
    let details: serde_json::Value = serde_json::from_str(told["details"].as_str().unwrap()).unwrap();
    let pause = details["retry_after_seconds"].as_f64().unwrap() / 3600.0;
    Some((told["message"].as_str().unwrap().to_owned(), (pause * 10.0).round() / 10.0))
}

const DAY: &str = "your plan allows 10 applications in 24 hours";
const AT_ONCE: &str = "your plan allows 2 applications at the same time";

#[tokio::test]
async fn what_counts_is_what_may_have_cost_something_and_what_will() {
    let stack = Stack::get().await;
    let other = stack.new_person().await;
    // (runs: number, hours ago, started, over), (waiting: number, status of the job), the refusal
    for (made, queued, expected) in [
        (&[(9, 1.0, true, true)][..], (0, "pending"), None),
        (&[(10, 1.0, true, true)], (0, "pending"), Some((DAY, 23.0))),
        // What surely started nothing has cost nothing; what may have, has.
        (&[(9, 1.0, true, true), (5, 1.0, false, true)], (0, "pending"), None),
        (&[(9, 1.0, true, true), (1, 2.0, false, false)], (0, "pending"), Some((DAY, 22.0))),
        (&[(9, 1.0, true, true), (3, 23.0, false, true), (1, 2.0, true, true)], (0, "pending"), Some((DAY, 22.0))),
        // Yesterday's are over and done with, unless they go on.
        (&[(20, 25.0, true, true)], (0, "pending"), None),
        (&[(2, 25.0, true, false)], (0, "pending"), Some((AT_ONCE, 0.1))),
        (&[(1, 25.0, true, false)], (0, "pending"), None),
        // What waits will cost something, if its job lives.
        (&[(6, 1.0, true, true)], (4, "pending"), Some((DAY, 23.0))),
        (&[(6, 1.0, true, true)], (4, "processing"), Some((DAY, 23.0))),
        (&[(6, 1.0, true, true)], (4, "failed"), None),
        // So many have to be a day old as there are too many.
        (&[(1, 20.0, true, true), (1, 10.0, true, true), (8, 1.0, true, true)], (1, "pending"), Some((DAY, 14.0))),
        (&[], (10, "pending"), Some((DAY, 0.1))),
    ] {
        let person = stack.new_person().await;
        let mut client = stack.database().connect().await;
        let mut transaction = client.transaction().await.unwrap();
        transaction.execute("update public.users set tier = 'free' where id = $1", &[&person.user_id]).await.unwrap();
        for (count, hours_ago, starts, ends) in made {
            runs(&transaction, person.user_id, *count, *hours_ago, *starts, *ends).await;
        }
        runs(&transaction, other.user_id, 20, 1.0, true, false).await;
        waiting(&transaction, other.user_id, 20, "pending").await;
        waiting(&transaction, person.user_id, queued.0, queued.1).await;
        let expected = expected.map(|(told, hours)| (told.to_owned(), hours));

        let refused = refusal(&mut transaction, person.user_id, Uuid::new_v4()).await;

        assert_eq!(refused, expected, "{made:?}, {queued:?} wait");
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_handed_over_does_not_stand_in_its_own_way_and_an_unknown_tier_has_nothing() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let mut client = stack.database().connect().await;
    let mut transaction = client.transaction().await.unwrap();
    transaction.execute("update public.users set tier = 'free' where id = $1", &[&person.user_id]).await.unwrap();
    runs(&transaction, person.user_id, 9, 1.0, true, true).await;
    let own = waiting(&transaction, person.user_id, 1, "processing").await[0];
    assert_eq!(refusal(&mut transaction, person.user_id, own).await, None);
    assert!(refusal(&mut transaction, person.user_id, Uuid::new_v4()).await.is_some());

    transaction.execute("delete from private.application_runs where user_id = $1", &[&person.user_id]).await.unwrap();
    transaction.execute("delete from private.application_limits where tier = 'free'", &[]).await.unwrap();
    let none = ("your plan allows 0 applications in 24 hours".to_owned(), 24.0);
    assert_eq!(refusal(&mut transaction, person.user_id, own).await, Some(none));
    transaction.rollback().await.unwrap();
}
