//! The queue with very much to do: on a machine that fails again and again, and beyond the time of one run. On stacks of
//! their own.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tests::{Fault, FaultSpec, OwnStack, Service, Stack, own_stack::wait_until};
use uuid::Uuid;

const JOBS: usize = 10_000;
const RUNNERS: usize = 4;
/// Of all jobs so many have an effect outside the queue.
const MESSAGES: usize = 200;

/// What fails, one after the other; each time a share of the work has been done meanwhile.
const FAILURES: [(&str, &str); 7] = [
    ("kill-part", "functions"),
    ("kill-part", "postgrest"),
    ("kill-part", "functions"),
    ("stop-part", "postgres"),
    ("kill-part", "functions"),
    ("stop-part", "postgres"),
    ("kill-part", "functions"),
];

/// Writes down every end of a job, so that a second one would be seen.
const WATCH: &str = "
    create table private.ends (job_id uuid not null, status public.job_status not null);
    create function private.note_end() returns trigger language plpgsql security definer set search_path = '' as $$
    begin
        insert into private.ends values (new.id, new.status);
        return null;
    end
    $$;
    create trigger on_background_jobs_end after update of status on public.background_jobs for each row
        when (new.status in ('completed', 'failed') and old.status is distinct from new.status)
        execute function private.note_end();";

/// A lease that is longer than half a minute. That those which have ended are taken over shows in the end, when all is
/// done: how soon depends on how long the machine is down.
const LONG_LEASES: &str = "
    select count(*) from public.background_jobs
    where status = 'processing' and lease_expires_at > clock_timestamp() + interval '30 seconds'";

#[tokio::test(flavor = "multi_thread")]
async fn every_job_ends_once_however_often_the_machine_fails() {
    let own = Arc::new(OwnStack::start("fire", &["--skyvern-waits"]));
    let stack = Stack::described_by(own.file());
    let client = stack.database().connect().await;
    client.batch_execute(WATCH).await.unwrap();
    let tokens = queue_messages(&stack, MESSAGES).await;
    let nothing = "insert into public.background_jobs (job_type, payload)
                   select 'no_operation', '{}' from generate_series(1, $1::bigint)";
    client.execute(nothing, &[&i64::try_from(JOBS - MESSAGES).unwrap()]).await.unwrap();

    let runners: Vec<_> = (0..RUNNERS).map(|_| tokio::spawn(run_for_ever(Stack::described_by(own.file())))).collect();
    for (number, (failure, part)) in FAILURES.into_iter().enumerate() {
        // The next failure comes when another share of the work is done, so all of them hit running jobs.
        let share = i64::try_from(JOBS * (number + 1) / (FAILURES.len() + 2)).unwrap();
        progress(&own, "work goes on", async |stack| ended(stack).await >= share).await;
        let own = own.clone();
        let fail = move || {
            own.ask(failure, part);
            own.ask("start-part", part);
            wait_until("PostgREST finds the database", || own.answers());
        };
        tokio::task::spawn_blocking(fail).await.unwrap();
    }
    progress(&own, "all is done", async |stack| ended(stack).await >= i64::try_from(JOBS).unwrap()).await;
    for runner in runners {
        runner.abort();
    }

    let stack = Stack::described_by(own.file());
    let count = async |sql: &str| stack.database().query(sql, &[]).await[0].get::<_, i64>(0);
    let unfinished = "select count(*) from public.background_jobs where status in ('pending', 'processing')
                      and job_type in ('no_operation', 'push_notification')";
    assert_eq!(count(unfinished).await, 0);
    assert_eq!(count("select count(*) from public.background_jobs where status = 'failed'").await, 0);
    let lost = count("select count(*) from public.background_jobs where lost_leases > 0").await;
    assert!(lost > 0, "the failures hit jobs that were running");
    let twice = "select count(*) from (select job_id from private.ends group by job_id having count(*) > 1) as twice";
    assert_eq!(count(twice).await, 0, "no job ended twice");
    for token in tokens {
        assert_eq!(stack.expo().shown(&token).await, 1, "one message on the screen of {token}");
    }
}

#[tokio::test]
async fn while_work_remains_a_run_asks_for_the_next_one_itself() {
    let own = OwnStack::start("again", &[]);
    let stack = Stack::described_by(own.file());
    // More than one run may do: it makes at most 800 calls, and two for fifty jobs.
    let jobs = "insert into public.background_jobs (job_type, payload)
                select 'no_operation', '{}' from generate_series(1, 25000)";
    stack.database().query(jobs, &[]).await;

    let first = stack.service().invoke("job-runner", &json!({ "job_types": ["no_operation"] })).await;

    assert_eq!((first.status, &first.json["more"]), (200, &json!(true)), "{first:?}");
    tests::within(Duration::from_mins(10), "the rest is done without another request", async || {
        let unfinished = "select count(*) from public.background_jobs where status <> 'completed'";
        (stack.database().query(unfinished, &[]).await[0].get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// A lease that ended before its worker extended it or settled its job.
const ENDED_LEASES: &str = "
    select count(*) from public.background_jobs where status = 'processing' and lease_expires_at < now()";

#[tokio::test]
async fn a_vendor_that_is_silent_costs_neither_leases_nor_the_messages_behind_it() {
    let own = OwnStack::start("slow", &["--skyvern-waits"]);
    let stack = Stack::described_by(own.file());
    let ada = stack.new_person().await;
    // Each is silent for longer than Skyvern is waited for. Three are asked about at once, so in twenty seconds six are.
    for _ in 0..20 {
        let application = ada.pending_application().await;
        let run_id = ada.initiate(application).await.expect_status(202).run_id().to_owned();
        let silent = FaultSpec { service: Service::Skyvern, contains: run_id, times: 5, fault: Fault::Hold };
        stack.fail(silent).await;
    }
    let age = "update public.applications set skyvern_heard_at = now() - interval '16 minutes'";
    stack.database().query(age, &[]).await;
    stack.service().rpc("queue_due_reconciliations", &json!({})).await.expect_status(200);
    // More of them than a run leases at once, and a message behind all of these.
    let more = "insert into public.background_jobs (job_type, payload, run_at)
                select job_type, payload, run_at from public.background_jobs, generate_series(1, 14)
                where job_type = 'reconcile_application'";
    stack.database().query(more, &[]).await;
    queue_messages(&stack, 1).await;

    let body = json!({ "job_types": ["reconcile_application", "push_notification"] });
    let run = async { stack.service().invoke("job-runner", &body).await };
    let watch = async {
        loop {
            let ended: i64 = stack.database().query(ENDED_LEASES, &[]).await[0].get(0);
            assert_eq!(ended, 0, "a lease has ended while its worker was at work");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let run = tokio::select! {
        run = run => run,
        () = watch => unreachable!("it has no end"),
    };

    assert_eq!((run.status, &run.json["more"]), (200, &json!(true)), "{run:?}");
    let endings = json!({ "handed_over": 1, "put_back": 43, "retry": 6 });
    assert_eq!(run.json["endings"], endings);
    let attempts = "select count(*) filter (where retry_count = 1 and error = 'skyvern_timed_out'),
                           count(*) filter (where retry_count = 0 and lost_leases = 0),
                           bool_and(updated_at > (select updated_at from public.background_jobs
                                                  where job_type = 'push_notification' and status = 'completed'))
                               filter (where retry_count = 1)
                    from public.background_jobs where job_type = 'reconcile_application'";
    let row = stack.database().query(attempts, &[]).await.remove(0);
    let counts: (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(counts, (6, 294), "what was put back has used no attempt");
    assert!(row.get::<_, bool>(2), "the message was sent before any of them had ended");
}

/// Messages to people with a device each: their effect can be counted.
async fn queue_messages(stack: &Stack, count: usize) -> Vec<String> {
    let sql = "
        with people as (
            insert into auth.users (id, email, raw_app_meta_data)
            select gen_random_uuid(), 'fire-' || number || '@people.example',
                   jsonb_build_object('clerk_id', 'user_fire' || number)
            from generate_series(1, $1::bigint) as number
            returning id
        )
        select id from people";
    let count = i64::try_from(count).unwrap();
    let people: Vec<Uuid> = stack.database().query(sql, &[&count]).await.iter().map(|row| row.get(0)).collect();
    let mut tokens = Vec::new();
    for person in people {
        let token = format!("ExponentPushToken[{}]", &Uuid::new_v4().simple().to_string()[..22]);
        let device = "insert into public.user_push_tokens (user_id, token) values ($1, $2)";
        stack.database().query(device, &[&person, &token]).await;
        let payload: Value = json!({ "user_id": person, "title": "News", "message": token, "data": {} });
        let job = "insert into public.background_jobs (user_id, job_type, payload, max_attempts)
                   values ($1, 'push_notification', $2, 20)";
        stack.database().query(job, &[&person, &payload]).await;
        tokens.push(token);
    }
    tokens
}

/// A runner after the other, whatever becomes of them.
async fn run_for_ever(stack: Stack) {
    loop {
        let body = json!({ "job_types": ["no_operation", "push_notification"] });
        let request = stack.service().request(tests::Method::POST, "/functions/v1/job-runner").json(&body);
        let answered = tests::Reply::try_to(request).await;
        if !answered.is_ok_and(|reply| reply.status == 200) {
            // The machine is down; a moment later it may be up again.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn ended(stack: &Stack) -> i64 {
    stack.database().query("select count(*) from private.ends", &[]).await[0].get(0)
}

/// Waits for something, and sees to it that no lease is too long meanwhile.
async fn progress(own: &OwnStack, what: &str, holds: impl AsyncFn(&Stack) -> bool) {
    // Its connection may have been cut, so each stretch has one of its own.
    let stack = Stack::described_by(own.file());
    tests::within(Duration::from_mins(10), what, async || {
        let long: i64 = stack.database().query(LONG_LEASES, &[]).await[0].get(0);
        assert_eq!(long, 0, "no lease outlives half a minute");
        holds(&stack).await.then_some(())
    })
    .await;
}
