//! The queue's promises, asked of its SQL functions as a worker asks them.

use serde_json::{Value, json};
use tests::Stack;
use uuid::Uuid;

use crate::support::{claim, claim_of, enqueue, id, let_time_pass, settle, unknown_type};

#[tokio::test]
async fn what_has_the_same_key_is_queued_once() {
    let stack = Stack::get().await;
    let (job_type, key) = (unknown_type(), Uuid::new_v4().to_string());
    let jobs = json!([
        { "job_type": job_type, "payload": { "n": 1 }, "dedupe_key": key },
        { "job_type": job_type, "payload": { "n": 2 }, "dedupe_key": key },
        { "job_type": job_type, "payload": { "n": 3 } },
    ]);

    let first = stack.service().rpc("enqueue_background_jobs", &json!({ "p_jobs": jobs })).await.expect_status(200);
    let again = stack.service().rpc("enqueue_background_jobs", &json!({ "p_jobs": jobs })).await.expect_status(200);

    let outcomes = |reply: &tests::Reply| -> Vec<String> {
        reply.json.as_array().unwrap().iter().map(|job| job["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(outcomes(&first), ["queued", "already_queued", "queued"]);
    assert_eq!(outcomes(&again), ["already_queued", "already_queued", "queued"]);
    assert_eq!(first.json[0]["id"], first.json[1]["id"], "the answer leads to the one job");
    assert_eq!(first.json[0]["id"], again.json[1]["id"]);
    assert_eq!(claim(&stack, &job_type, 10).await.len(), 3);
}

#[tokio::test]
async fn a_key_is_used_up_even_when_its_job_is_done() {
    let stack = Stack::get().await;
    let (job_type, key) = (unknown_type(), Uuid::new_v4().to_string());
    let jobs = json!([{ "job_type": job_type, "dedupe_key": key }]);
    let first = enqueue(&stack, &jobs).await;
    let job = &claim(&stack, &job_type, 1).await[0];
    assert_eq!(settle(&stack, job, json!({ "outcome": "completed" })).await, "completed");

    assert_eq!(enqueue(&stack, &jobs).await, first);
    assert!(claim(&stack, &job_type, 1).await.is_empty());
}

#[tokio::test]
async fn the_oldest_due_jobs_come_first_and_nobody_gets_them_twice() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let at = |hour: u32| json!({ "job_type": job_type, "run_at": format!("2026-01-01T{hour:02}:00:00Z") });
    let ids = enqueue(&stack, &json!([at(3), at(1), at(2), at(4)])).await;
    enqueue(&stack, &json!([{ "job_type": job_type, "run_at": "2100-01-01T00:00:00Z" }])).await;

    let first = claim(&stack, &job_type, 2).await;
    let second = claim(&stack, &job_type, 10).await;

    let claimed: Vec<Uuid> = first.iter().chain(&second).map(|job| id(&job["id"])).collect();
    assert_eq!(claimed, [ids[1], ids[2], ids[0], ids[3]]);
    assert!(claim(&stack, &job_type, 10).await.is_empty(), "one is not due, the others are taken");
}

#[tokio::test]
async fn twenty_workers_at_once_share_the_work() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let jobs: Vec<Value> = (0..200).map(|n| json!({ "job_type": job_type, "payload": { "n": n } })).collect();
    enqueue(&stack, &json!(jobs)).await;

    let workers = (0..20).map(|_| async {
        let mut mine = Vec::new();
        loop {
            let jobs = claim(&stack, &job_type, 7).await;
            // Jobs that another worker is looking at are passed over, so only an empty queue ends the work.
            if jobs.is_empty() {
                let sql = "select count(*) from public.background_jobs where job_type = $1 and status = 'pending'";
                if stack.database().query(sql, &[&job_type]).await[0].get::<_, i64>(0) == 0 {
                    return mine;
                }
            }
            mine.extend(jobs.iter().map(|job| job["payload"]["n"].as_u64().unwrap()));
        }
    });
    let mut all: Vec<u64> = futures_util::future::join_all(workers).await.concat();

    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_late_worker_changes_nothing() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type }])).await[0];
    let late = claim(&stack, &job_type, 1).await.remove(0);
    let_time_pass(&stack, job_id).await;
    let next = claim(&stack, &job_type, 1).await.remove(0);

    for outcome in ["completed", "failed", "retry", "put_back"] {
        assert_eq!(settle(&stack, &late, json!({ "outcome": outcome })).await, "superseded");
    }
    let leases = json!({ "p_jobs": [{ "job_id": job_id, "lease_number": late["lease_number"] }] });
    assert_eq!(stack.service().rpc("extend_background_jobs", &leases).await.json, json!([]));

    assert_eq!(next["attempt"], 2, "the lost attempt counts");
    assert_eq!(settle(&stack, &next, json!({ "outcome": "completed", "result": { "n": 1 } })).await, "completed");
    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!((&row["status"], &row["result"]["n"]), (&json!("completed"), &json!(1)));
    assert_eq!(settle(&stack, &next, json!({ "outcome": "failed" })).await, "superseded", "done is done");
}

#[tokio::test]
async fn a_lease_lasts_half_a_minute_by_the_databases_clock_and_can_be_extended() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type }])).await[0];
    let job = claim(&stack, &job_type, 1).await.remove(0);
    let remaining = async || {
        let sql = "select extract(epoch from lease_expires_at - now())::float8 from public.background_jobs
                   where id = $1";
        stack.database().query(sql, &[&job_id]).await[0].get::<_, f64>(0)
    };
    let first = remaining().await;
    assert!((0.0..=30.0).contains(&first), "{first}");

    let shorten = "update public.background_jobs set lease_expires_at = now() + interval '1 second' where id = $1";
    stack.database().query(shorten, &[&job_id]).await;
    let progress = json!({ "job_id": job_id, "lease_number": job["lease_number"], "progress": { "pages": 4 } });
    let extended = stack.service().rpc("extend_background_jobs", &json!({ "p_jobs": [progress] })).await;

    assert_eq!(extended.json, json!([job_id]));
    let second = remaining().await;
    assert!((1.0..=30.0).contains(&second) && second > 1.0, "{second}");
    assert_eq!(stack.database().row("background_jobs", job_id).await["progress"], json!({ "pages": 4 }));
}

#[tokio::test]
async fn a_worker_whose_clock_is_wrong_cannot_tell_the_queue_what_time_it_is() {
    let stack = Stack::get().await;
    let sql = "select count(*) from pg_proc
               where pronamespace = 'public'::regnamespace and proname like '%_background_jobs'
                 and ('timestamptz'::regtype = any (proargtypes) or 'timestamp'::regtype = any (proargtypes))";
    assert_eq!(stack.database().query(sql, &[]).await[0].get::<_, i64>(0), 0, "no function takes a time from a worker");

    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type }])).await[0];
    let job = claim(&stack, &job_type, 1).await.remove(0);
    let skewed = json!({
        "job_id": job_id, "lease_number": job["lease_number"], "lease_expires_at": "2100-01-01T00:00:00Z",
        "run_at": "1970-01-01T00:00:00Z", "progress": { "now": "2100-01-01T00:00:00Z" },
    });
    stack.service().rpc("extend_background_jobs", &json!({ "p_jobs": [skewed] })).await.expect_status(200);
    let sql = "select lease_expires_at <= now() + interval '30 seconds' from public.background_jobs where id = $1";
    assert!(stack.database().query(sql, &[&job_id]).await[0].get::<_, bool>(0));

    let retry = json!({ "outcome": "retry", "error": "late", "run_at": "1970-01-01T00:00:00Z" });
    assert_eq!(settle(&stack, &job, retry).await, "pending");
    let sql = "select run_at > now() from public.background_jobs where id = $1";
    assert!(stack.database().query(sql, &[&job_id]).await[0].get::<_, bool>(0), "it waits by the database's clock");
}

#[tokio::test]
async fn what_fails_waits_longer_each_time_until_it_is_given_up() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type, "max_attempts": 3 }])).await[0];
    let mut pauses = Vec::new();
    let failure = json!({ "outcome": "retry", "error": "expo_failed" });
    for expected in ["pending", "pending", "failed"] {
        let_time_pass(&stack, job_id).await;
        let job = claim(&stack, &job_type, 1).await.remove(0);
        assert_eq!(settle(&stack, &job, failure.clone()).await, expected);
        let sql = "select extract(epoch from run_at - updated_at)::float8 from public.background_jobs where id = $1";
        pauses.push(stack.database().query(sql, &[&job_id]).await[0].get::<_, f64>(0));
    }
    // 30 s and 60 s, each with a quarter of spread.
    assert!((22.0..38.0).contains(&pauses[0]) && (44.0..76.0).contains(&pauses[1]), "{pauses:?}");
    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!((&row["error"], &row["retry_count"]), (&json!("expo_failed"), &json!(3)));
    let_time_pass(&stack, job_id).await;
    assert!(claim(&stack, &job_type, 1).await.is_empty(), "failed is final");
}

#[tokio::test]
async fn a_vendors_retry_after_is_waited_for() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type }])).await[0];
    let job = claim(&stack, &job_type, 1).await.remove(0);
    settle(&stack, &job, json!({ "outcome": "retry", "error": "busy", "retry_after_seconds": 600 })).await;

    let sql = "select extract(epoch from run_at - now())::float8 from public.background_jobs where id = $1";
    let pause: f64 = stack.database().query(sql, &[&job_id]).await[0].get(0);
    assert!((590.0..=600.0).contains(&pause), "{pause}");
}

#[tokio::test]
async fn what_is_put_back_has_not_failed() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type, "max_attempts": 1 }])).await[0];
    for _ in 0..3 {
        let job = claim(&stack, &job_type, 1).await.remove(0);
        assert_eq!(job["attempt"], 1);
        assert_eq!(settle(&stack, &job, json!({ "outcome": "put_back" })).await, "pending");
    }
    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!((&row["retry_count"], &row["error"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_handed_out_alone_and_given_up() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let at = |hour: u32| json!({ "job_type": job_type, "run_at": format!("2026-01-01T{hour:02}:00:00Z"), "max_attempts": 3 });
    let ids = enqueue(&stack, &json!([at(1), at(2), at(3)])).await;
    let poisoned = ids[1];

    // The worker that has all three vanishes; each of them is tried alone after that.
    assert_eq!(claim(&stack, &job_type, 10).await.len(), 3);
    for job_id in &ids {
        let_time_pass(&stack, *job_id).await;
    }
    let mut alone = Vec::new();
    loop {
        let jobs = claim(&stack, &job_type, 10).await;
        let [job] = jobs.as_slice() else {
            assert!(jobs.is_empty(), "{jobs:?}");
            break;
        };
        alone.push(id(&job["id"]));
        if id(&job["id"]) == poisoned {
            let_time_pass(&stack, poisoned).await;
        } else {
            assert_eq!(settle(&stack, job, json!({ "outcome": "completed" })).await, "completed");
        }
    }

    assert_eq!(alone, [ids[0], poisoned, ids[2], poisoned], "they take turns");
    let row = stack.database().row("background_jobs", poisoned).await;
    assert_eq!((&row["status"], &row["error"]), (&json!("failed"), &json!("lease_expired")));
    assert_eq!(row["retry_count"], 3);
}

#[tokio::test]
async fn a_cancelled_job_is_taken_from_its_worker() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let ids = enqueue(&stack, &json!([{ "job_type": job_type }, { "job_type": job_type }])).await;
    let job = claim(&stack, &job_type, 1).await.remove(0);

    let cancelled = stack.service().rpc("cancel_background_jobs", &json!({ "p_job_ids": ids })).await;

    assert_eq!(cancelled.json.as_array().unwrap().len(), 2);
    assert_eq!(settle(&stack, &job, json!({ "outcome": "completed" })).await, "superseded");
    assert!(claim(&stack, &job_type, 10).await.is_empty());
    for job_id in ids {
        let row = stack.database().row("background_jobs", job_id).await;
        assert_eq!((&row["status"], &row["error"]), (&json!("failed"), &json!("cancelled")));
    }
}

#[tokio::test]
async fn finished_jobs_leave_the_indexes_that_workers_read() {
    let stack = Stack::get().await;
    let sql = "select indexdef from pg_indexes
               where schemaname = 'public' and indexname in ('idx_background_jobs_job_type_run_at',
                                                             'idx_background_jobs_lease_expires_at')
               order by indexname";
    let definitions: Vec<String> = stack.database().query(sql, &[]).await.iter().map(|row| row.get(0)).collect();
    assert!(definitions[0].contains("WHERE ((status = 'pending'"), "{definitions:?}");
    assert!(definitions[1].contains("WHERE (status = 'processing'"), "{definitions:?}");
}

#[tokio::test]
async fn every_type_has_its_turn_however_many_jobs_of_another_wait() {
    let stack = Stack::get().await;
    let (many, few) = (unknown_type(), unknown_type());
    let at = |job_type: &str, minute: usize| json!({ "job_type": job_type, "run_at": format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60) });
    let jobs: Vec<Value> =
        (0..300).map(|minute| at(&many, minute)).chain((400..403).map(|minute| at(&few, minute))).collect();
    let ids = enqueue(&stack, &json!(jobs)).await;

    let first = claim_of(&stack, &[&many, &few], 2).await;
    let second = claim_of(&stack, &[&many, &few], 50).await;

    let claimed = |jobs: &[Value]| jobs.iter().map(|job| id(&job["id"])).collect::<Vec<Uuid>>();
    assert_eq!(claimed(&first), [ids[0], ids[300]], "the oldest of each");
    let rest: Vec<Uuid> = ids[1..49].iter().chain(&ids[301..303]).copied().collect();
    assert_eq!(claimed(&second), rest, "what one type leaves is the other's");
}

#[tokio::test]
async fn jobs_that_somebody_else_looks_at_keep_nobody_from_the_rest() {
    let stack = Stack::get().await;
    let (many, few) = (unknown_type(), unknown_type());
    let jobs: Vec<Value> = (0..120).map(|_| json!({ "job_type": many })).chain([json!({ "job_type": few })]).collect();
    enqueue(&stack, &json!(jobs)).await;
    let mut other = stack.database().connect().await;
    let transaction = other.transaction().await.unwrap();
    let hold = "select from public.background_jobs where job_type = $1 and status = 'pending'
                order by run_at limit 60 for update";
    assert_eq!(transaction.query(hold, &[&many]).await.unwrap().len(), 60);

    let claimed = claim_of(&stack, &[&many, &few], 50).await;

    assert_eq!(claimed.len(), 50);
    assert_eq!(claimed.iter().filter(|job| job["job_type"] == few.as_str()).count(), 1);
}

#[tokio::test]
async fn a_suspect_holds_nobody_up_and_has_its_turn() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let at = |hour: u32| json!({ "job_type": job_type, "run_at": format!("2026-01-01T{hour:02}:00:00Z") });
    let suspect = enqueue(&stack, &json!([at(1)])).await[0];
    assert_eq!(claim(&stack, &job_type, 1).await.len(), 1);
    let_time_pass(&stack, suspect).await;
    let newer = enqueue(&stack, &json!([at(2), at(3)])).await;
    let claimed = |jobs: Vec<Value>| jobs.iter().map(|job| id(&job["id"])).collect::<Vec<Uuid>>();

    assert_eq!(claimed(claim(&stack, &job_type, 1).await), [newer[0]], "the oldest of all has lost its worker");
    let turn = json!({ "p_worker": "a test", "p_job_types": [job_type], "p_limit": 10, "p_suspect_only": true });
    let jobs: Vec<Value> = stack.service().rpc("claim_background_jobs", &turn).await.parse();
    assert_eq!((claimed(jobs.clone()), &jobs[0]["attempt"]), (vec![suspect], &json!(2)), "alone, although more is due");
    assert_eq!(stack.service().rpc("claim_background_jobs", &turn).await.json, json!([]), "nothing else is a suspect");

    assert_eq!(settle(&stack, &jobs[0], json!({ "outcome": "put_back" })).await, "pending");
    assert_eq!(claimed(claim(&stack, &job_type, 10).await), [newer[1]], "it stays one");
    assert_eq!(claimed(claim(&stack, &job_type, 10).await), [suspect], "and comes when nothing else is due");
}

#[tokio::test]
async fn a_claim_reads_the_heads_of_the_indexes_alone() {
    let stack = Stack::get().await;
    let types = [unknown_type(), unknown_type(), unknown_type()];
    let mut connection = stack.database().connect().await;
    // Never committed.
    let transaction = connection.transaction().await.unwrap();
    let jobs = "insert into public.background_jobs (job_type, payload, run_at, lost_leases, status, result)
                select ($1::text[])[1 + number % 3], '{}', now() - number * interval '1 second',
                       case when number % 7 = 0 then 1 else 0 end,
                       (case when number % 5 = 0 then 'completed' else 'pending' end)::public.job_status, '{}'
                from generate_series(1, 30000) as number";
    transaction.execute(jobs, &[&types.as_slice()]).await.unwrap();
    transaction.batch_execute("analyze public.background_jobs").await.unwrap();
    let read = async || {
        let sql = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'background_jobs'";
        transaction.query_one(sql, &[]).await.unwrap().get::<_, i64>(0)
    };
    // Often enough for the plan that is kept for all arguments.
    for turn in 0..12 {
        let before = read().await;
        let claim = "select jsonb_array_length(public.claim_background_jobs('a test', $1, 50, $2))";
        let suspect_only = turn % 4 == 3;
        let claimed: i32 = transaction.query_one(claim, &[&types.as_slice(), &suspect_only]).await.unwrap().get(0);
        assert_eq!(claimed, if suspect_only { 1 } else { 50 });
        let rows = read().await - before;
        assert!(rows < 2000, "claim {turn} read {rows} rows of 30,000");
    }
}

#[tokio::test]
async fn a_person_queues_and_sees_only_what_is_theirs_and_meant_for_people() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let caller = ada.caller().await;
    let job = |job_type: &str| json!({ "job_type": job_type, "payload": { "saved_search_id": Uuid::nil() }, "run_at": "2100-01-01T00:00:00Z" });
    let mine = caller.insert("background_jobs", &job("saved_search_alert")).await.expect_status(201);
    for job_type in ["push_notification", "purge", "job_sync", "no_operation", "delete_files"] {
        caller.insert("background_jobs", &job(job_type)).await.expect_status(403);
    }
    let mut foreign = job("saved_search_alert");
    foreign["user_id"] = json!(grace.user_id);
    caller.insert("background_jobs", &foreign).await.expect_status(403);
    let machinery =
        json!([{ "job_type": "push_notification", "user_id": ada.user_id, "run_at": "2100-01-01T00:00:00Z" }]);
    enqueue(&stack, &machinery).await;

    assert_eq!(caller.select("background_jobs").await.json, mine.json, "not even their own push messages");
    assert_eq!(grace.caller().await.select("background_jobs").await.json, json!([]));
    let payload = json!({ "job_type": "saved_search_alert", "payload": { "text": "a".repeat(5000) } });
    assert_eq!(caller.insert("background_jobs", &payload).await.code(), "invalid_input");
}

#[tokio::test]
async fn a_person_cancels_a_job_and_changes_nothing_else_of_it() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let caller = ada.caller().await;
    let job = json!({ "job_type": "saved_search_alert", "payload": {}, "run_at": "2100-01-01T00:00:00Z" });
    let job_id = id(&caller.insert("background_jobs", &job).await.expect_status(201).json[0]["id"]);
    let row = format!("background_jobs?id=eq.{job_id}");

    for change in [json!({ "status": "completed" }), json!({ "status": "failed" }), json!({ "error": "cancelled" })] {
        caller.update(&row, &change).await.expect_status(403);
    }
    let by_another = grace.caller().await.rpc("cancel_background_jobs", &json!({ "p_job_ids": [job_id] })).await;
    assert_eq!(by_another.json, json!([]));
    let cancelled = caller.rpc("cancel_background_jobs", &json!({ "p_job_ids": [job_id] })).await;
    assert_eq!(cancelled.json, json!([job_id]));
    let again = caller.rpc("cancel_background_jobs", &json!({ "p_job_ids": [job_id] })).await;
    assert_eq!(again.json, json!([]));
}

#[tokio::test]
async fn nobody_fills_the_queue() {
    let stack = Stack::get().await;
    let caller = stack.new_person().await.caller().await;
    let job = json!({ "job_type": "saved_search_alert", "payload": {}, "run_at": "2100-01-01T00:00:00Z" });
    let inserts = (0..30).map(|_| caller.insert("background_jobs", &job));
    let answers = futures_util::future::join_all(inserts).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 20);
    let refused = answers.iter().filter(|answer| answer.status == 429 && answer.code() == "too_many_jobs").count();
    assert_eq!(refused, 10);
    for refused in answers.iter().filter(|answer| answer.status == 429) {
        assert_eq!(refused.header("retry-after"), "60");
    }
}

#[tokio::test]
async fn queueing_and_cancelling_does_not_get_round_the_limit() {
    let stack = Stack::get().await;
    let person = stack.new_person().await;
    let caller = person.caller().await;
    let job = json!({ "job_type": "saved_search_alert", "payload": {}, "run_at": "2100-01-01T00:00:00Z" });
    // What the backend queues for the person is not theirs to answer for.
    let of_the_backend = "insert into public.background_jobs (user_id, job_type, payload, run_at, dedupe_key, status)
                          select $1, 'saved_search_alert', '{}', '2100-01-01', 'a test ' || gen_random_uuid(), 'failed'
                          from generate_series(1, 200)";
    stack.database().query(of_the_backend, &[&person.user_id]).await;
    for _ in 0..5 {
        let queued = caller.insert("background_jobs", &json!(vec![job.clone(); 20])).await.expect_status(201);
        let ids: Vec<Uuid> = queued.json.as_array().unwrap().iter().map(|job| id(&job["id"])).collect();
        let cancelled = caller.rpc("cancel_background_jobs", &json!({ "p_job_ids": ids })).await;
        assert_eq!(cancelled.json.as_array().unwrap().len(), 20);
    }

    let refused = caller.insert("background_jobs", &job).await.expect_status(429);

    assert_eq!(refused.code(), "too_many_background_jobs");
    let pause: u32 = refused.header("retry-after").parse().unwrap();
    assert!((80_000..=86_400).contains(&pause), "until the oldest is a day old: {pause}");
    let a_day = "update public.background_jobs set created_at = created_at - interval '1 day' where user_id = $1";
    stack.database().query(a_day, &[&person.user_id]).await;
    caller.insert("background_jobs", &job).await.expect_status(201);
}

#[tokio::test]
async fn a_person_sees_how_far_their_job_is() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let caller = ada.caller().await;
    let job = json!({ "job_type": "saved_search_alert", "payload": {}, "run_at": "2100-01-01T00:00:00Z" });
    let job_id = id(&caller.insert("background_jobs", &job).await.expect_status(201).json[0]["id"]);
    let lease = "update public.background_jobs set status = 'processing', lease_number = 5,
                        lease_expires_at = now() + interval '1 hour' where id = $1";
    stack.database().query(lease, &[&job_id]).await;

    let report = |progress: Value| json!({ "p_jobs": [{ "job_id": job_id, "lease_number": 5, "progress": progress }] });
    let progress = json!({ "step": "searching", "done": 1, "of": 2 });
    stack.service().rpc("extend_background_jobs", &report(progress.clone())).await.expect_status(200);

    let seen = format!("background_jobs?id=eq.{job_id}&select=status,progress");
    assert_eq!(caller.select(&seen).await.json, json!([{ "status": "processing", "progress": progress }]));
    assert_eq!(grace.caller().await.select(&seen).await.json, json!([]));
    let odd = stack.service().rpc("extend_background_jobs", &report(json!("halfway"))).await;
    assert_eq!((odd.status, odd.code()), (400, "23514"), "always an object");
}

#[tokio::test]
async fn a_heartbeat_keeps_what_is_still_the_workers_and_tells_of_it_alone() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let ids = enqueue(&stack, &json!(vec![json!({ "job_type": job_type }); 5])).await;
    let jobs = claim(&stack, &job_type, 5).await;
    let held = |job_id: Uuid| jobs.iter().find(|job| id(&job["id"]) == job_id).unwrap();
    let [kept, quiet, settled, cancelled, lost] = ids[..] else { panic!("{ids:?}") };
    settle(&stack, held(settled), json!({ "outcome": "completed" })).await;
    stack.service().rpc("cancel_background_jobs", &json!({ "p_job_ids": [cancelled] })).await.expect_status(200);
    let_time_pass(&stack, lost).await;
    claim(&stack, &job_type, 1).await;
    let before = "update public.background_jobs
                  set progress = '{\"pages\": 1}', lease_expires_at = lease_expires_at - interval '25 seconds'
                  where job_type = $1";
    stack.database().query(before, &[&job_type]).await;
    let row = async |job_id| stack.database().row("background_jobs", job_id).await;
    let others = [row(settled).await, row(cancelled).await, row(lost).await];

    let beats: Vec<Value> = ids
        .iter()
        .map(|job_id| json!({ "job_id": job_id, "lease_number": held(*job_id)["lease_number"], "progress": { "pages": 2 } }))
        .map(|mut beat| {
            if beat["job_id"] == json!(quiet) {
                beat.as_object_mut().unwrap().remove("progress");
            }
            beat
        })
        .collect();
    let told = stack.service().rpc("extend_background_jobs", &json!({ "p_jobs": beats })).await.expect_status(200);

    let mut still: Vec<Uuid> = told.json.as_array().unwrap().iter().map(id).collect();
    still.sort_unstable();
    let mut expected = [kept, quiet];
    expected.sort_unstable();
    assert_eq!(still, expected);
    assert_eq!([row(settled).await, row(cancelled).await, row(lost).await], others, "what is not theirs is as it was");
    assert_eq!(
        (&row(kept).await["progress"], &row(quiet).await["progress"]),
        (&json!({"pages": 2}), &json!({"pages": 1}))
    );
    // Both times are those of the call.
    let lease =
        "select extract(epoch from lease_expires_at - updated_at)::int from public.background_jobs where id = $1";
    for job_id in expected {
        assert_eq!(stack.database().query(lease, &[&job_id]).await[0].get::<_, i32>(0), 30);
    }
}

#[tokio::test]
async fn a_settlement_is_for_its_lease_alone_and_says_when_the_job_is_due_again() {
    let stack = Stack::get().await;
    let job_type = unknown_type();
    let job_id = enqueue(&stack, &json!([{ "job_type": job_type, "max_attempts": 100 }])).await[0];
    let pause = async || {
        let sql = "select extract(epoch from run_at - updated_at)::float8 from public.background_jobs where id = $1";
        stack.database().query(sql, &[&job_id]).await[0].get::<_, f64>(0).round()
    };
    let first = claim(&stack, &job_type, 1).await.remove(0);
    let put_back = json!({ "outcome": "put_back", "retry_after_seconds": 600 });
    for unknown in [json!("lost"), Value::Null] {
        let entry = json!({ "job_id": job_id, "lease_number": first["lease_number"], "outcome": unknown });
        let refused = stack.service().rpc("settle_background_jobs", &json!({ "p_jobs": [entry] })).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_input"), "{refused:?}");
    }
    assert_eq!(settle(&stack, &first, put_back.clone()).await, "pending");
    assert!((600.0..=601.0).contains(&pause().await), "to the second");
    assert!(claim(&stack, &job_type, 1).await.is_empty(), "it is not due");

    // Its next lease is another one, and lost: from now on it is a suspect, which has to be due as well.
    let_time_pass(&stack, job_id).await;
    let second = claim(&stack, &job_type, 1).await.remove(0);
    assert_eq!(settle(&stack, &first, json!({ "outcome": "completed" })).await, "superseded");
    let_time_pass(&stack, job_id).await;
    let third = claim(&stack, &job_type, 1).await.remove(0);
    assert_eq!(settle(&stack, &second, json!({ "outcome": "completed" })).await, "superseded");
    assert_eq!(settle(&stack, &third, put_back).await, "pending");
    assert!(claim(&stack, &job_type, 1).await.is_empty(), "a suspect that is not due");

    // However often it has failed, it is tried again within the hour, give or take a quarter.
    let failed_often = "update public.background_jobs set retry_count = 20 where id = $1";
    stack.database().query(failed_often, &[&job_id]).await;
    let_time_pass(&stack, job_id).await;
    let job = claim(&stack, &job_type, 1).await.remove(0);
    assert_eq!(settle(&stack, &job, json!({ "outcome": "retry", "error": "x".repeat(501) })).await, "pending");
    assert!((2700.0..=4501.0).contains(&pause().await), "{}", pause().await);
    let row = stack.database().row("background_jobs", job_id).await;
    assert_eq!(row["error"].as_str().unwrap().len(), 500);
    assert_eq!((&row["locked_by"], &row["lease_expires_at"]), (&Value::Null, &Value::Null));

    let_time_pass(&stack, job_id).await;
    let job = claim(&stack, &job_type, 1).await.remove(0);
    assert_eq!(settle(&stack, &job, json!({ "outcome": "failed" })).await, "failed");
    assert_eq!(stack.database().row("background_jobs", job_id).await["retry_count"], 22);
    for limit in [json!(0), json!(501), Value::Null] {
        let asked = json!({ "p_worker": "a test", "p_job_types": [job_type], "p_limit": limit });
        let refused = stack.service().rpc("claim_background_jobs", &asked).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_input"), "{limit}: {refused:?}");
    }
}
