//! Searching for jobs.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{
    APP_ID, APP_KEY, Fault, Method, Person, Reply, Stack, TokenSpec,
    allowance::{boundless, limited},
};
use uuid::Uuid;

/// A word that nobody else searches for.
fn word() -> String {
    format!("w{}", Uuid::new_v4().simple())
}

async fn search(person: &Person, query: &Value) -> Reply {
    person.caller().await.invoke("adzuna-job-search", query).await
}

async fn search_by_query(person: &Person, query: &str) -> Reply {
    let path = format!("/functions/v1/adzuna-job-search?{query}");
    Reply::to(person.caller().await.request(Method::GET, &path)).await
}

/// `x-cache` of a success.
#[track_caller]
fn cache(reply: &Reply) -> &str {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("x-cache")
}

fn status(status: u16, body: impl Into<Value>) -> Fault {
    Fault::Status { status, body: body.into(), headers: [].into() }
}

fn html(status: u16) -> Fault {
    let headers = [("content-type".to_owned(), "text/html".to_owned())].into();
    Fault::Status { status, body: json!("<html><body>CloudFront</body></html>"), headers }
}

/// Lets the cached pages for a word be two hours old, which is past their time.
async fn grow_old(stack: &Stack, word: &str) {
    let update = "update public.job_search_cache
                  set fetched_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'
                  where query ->> 'what' = $1 returning id";
    assert!(!stack.database().query(update, &[&word]).await.is_empty(), "a page for {word} is cached");
}

/// A posting of Adzuna's with everything in it.
fn posting(id: &str) -> Value {
    json!({
        "__CLASS__": "Adzuna::API::Response::Job",
        "id": id,
        "title": "Senior <strong>Rust</strong> Engineer &amp; Lead",
        "description": "We are <strong>hir</strong>ing.<br>R&D, 3 < 4 &ndash; &lt;b&gt;now&lt;/b&gt; …",
        "created": "2026-07-15T08:33:45Z",
        "redirect_url": format!("https://www.adzuna.co.uk/jobs/land/ad/{id}?se=abc&utm_medium=api&utm_source=APPID&v=01"),
        "adref": "a.b.c",
        "company": { "__CLASS__": "Adzuna::API::Response::Company", "display_name": "Fabrikam & Sons" },
        "location": { "display_name": "Farringdon, Central London", "area": ["UK", "London"] },
        "category": { "tag": "it-jobs", "label": "IT-Stellen" },
        "latitude": 51.52, "longitude": -0.105,
        "salary_min": 60000, "salary_max": 75000.5, "salary_is_predicted": "1",
        "contract_time": "full_time", "contract_type": "permanent",
    })
}

#[tokio::test]
async fn a_search_answers_clean_jobs_with_nulls_for_what_is_unknown() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    let sparse = json!({ "id": "43", "title": "Analyst", "description": "…", "created": "2026-07-15T08:33:45Z",
                         "company": {}, "category": { "tag": "unknown" }, "salary_is_predicted": "0" });
    stack.adzuna().seed(&word, &[posting("42"), json!({ "id": null }), sparse]).await;

    let reply = search(&ada, &json!({ "keywords": word, "country": "us" })).await;

    assert_eq!((cache(&reply), reply.header("age")), ("miss", "0"));
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(
        reply.json,
        json!({
            "jobs": [
                {
                    "id": "us:42",
                    "title": "Senior Rust Engineer & Lead",
                    "company": "Fabrikam & Sons",
                    "location": "Farringdon, Central London",
                    "url": "https://www.adzuna.co.uk/jobs/land/ad/42?se=abc&utm_medium=api&utm_source=APPID&v=01",
                    "description": "We are hiring. R&D, 3 < 4 – now …",
                    "salary": { "min": 60000, "max": 75000.5, "currency": "USD", "is_predicted": true },
                    "category": "it-jobs",
                    "contract_type": "permanent",
                    "contract_time": "full_time",
                    "posted_at": "2026-07-15T08:33:45Z",
                    "saved": false,
                    "application_status": null,
                },
                {
                    "id": "us:43", "title": "Analyst", "company": null, "location": null, "url": null, "description": "…",
                    "salary": { "min": null, "max": null, "currency": "USD", "is_predicted": false }, "category": null,
                    "contract_type": null, "contract_time": null, "posted_at": "2026-07-15T08:33:45Z", "saved": false,
                    "application_status": null,
                },
            ],
            "total": 3,
            "page": 1,
            "next_page": null,
            "attribution": {
                "text": "Jobs by Adzuna",
                "url": "https://www.adzuna.com/",
                "estimate_label": "Estimated by Adzuna Jobsworth",
            },
        })
    );
}

#[tokio::test]
async fn adzuna_is_asked_with_every_filter_under_its_own_name() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    let query = json!({
        "keywords": word, "location": "São Paulo", "country": "br", "page": 2, "page_size": 10, "salary_min": 50000,
        "salary_max": 90000, "salary_include_unknown": true, "full_time": true, "part_time": false,
        "permanent": true, "category": "it-jobs", "company": "Example Ltd", "excluded_words": "senior lead",
        "title_only": "engineer", "distance": 25, "max_days_old": 7, "sort_by": "date", "sort_dir": "down",
    });

    let reply = search(&ada, &query).await;

    assert_eq!(cache(&reply), "miss");
    assert_eq!((&reply.json["page"], &reply.json["next_page"]), (&json!(2), &json!(3)));
    assert_eq!(reply.json["jobs"].as_array().map(Vec::len), Some(10));
    assert_eq!(reply.json["jobs"][0]["salary"]["currency"], "BRL");
    let asked = stack.adzuna().searches_for(&word).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].path,
        format!(
            "/v1/api/jobs/br/search/2?app_id={APP_ID}&app_key={APP_KEY}&results_per_page=10&what={word}\
             &what_exclude=senior+lead&title_only=engineer&where=S%C3%A3o+Paulo&distance=25&max_days_old=7\
             &category=it-jobs&company=Example+Ltd&salary_min=50000&salary_max=90000&salary_include_unknown=1\
             &full_time=1&permanent=1&sort_by=date&sort_dir=down"
        )
    );
    assert_eq!(asked[0].headers["x-request-id"], reply.header("x-request-id"));
}

#[tokio::test]
async fn a_search_for_remote_work_names_no_place_and_counts_the_pay() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    let query = json!({ "keywords": format!("React {word}"), "location": "Remote", "min_salary": 80000 });

    assert_eq!(cache(&search(&ada, &query).await), "miss");

    let asked = stack.adzuna().searches_for(&word).await;
    let expected = format!("&results_per_page=20&what=React+{word}+remote&salary_min=80000");
    assert!(asked.len() == 1 && asked[0].path.ends_with(&expected), "{asked:?}");
    let same = json!({ "keywords": format!("remote react {word}"), "salary_min": 80000 });
    assert_eq!(cache(&search(&ada, &same).await), "hit", "it is the same search");
}

#[tokio::test]
async fn the_same_search_in_another_spelling_asks_nobody() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, bob, word) = (stack.new_person().await, stack.new_person().await, word());

    let first = search(&ada, &json!({ "keywords": format!("{word} Café"), "location": "Leeds" })).await;
    assert_eq!(cache(&first), "miss");
    for same in [
        json!({ "location": " LEEDS", "keywords": format!("CAFE\u{301}   {}", word.to_uppercase()) }),
        json!({ "keywords": format!("{word} café"), "location": "leeds", "country": "GB", "page": 1, "page_size": 20,
                "distance": 10, "company": "", "full_time": false, "contract": null, "unknown": [] }),
    ] {
        let reply = search(&bob, &same).await;
        assert_eq!(cache(&reply), "hit", "{same}");
        assert_eq!(reply.json, first.json);
    }
    let reply = search_by_query(&bob, &format!("location=Leeds&keywords=caf%C3%A9+{word}&page=1")).await;
    assert_eq!(cache(&reply), "hit");
    assert!(reply.header("age").parse::<u64>().is_ok(), "{reply:?}");

    assert_eq!(stack.adzuna().searches_for(&word).await.len(), 1);
    let other = search(&bob, &json!({ "keywords": format!("{word} Café"), "location": "Leeds", "page": 2 })).await;
    assert_eq!(cache(&other), "miss", "another page is another search");
}

#[tokio::test]
async fn a_hit_costs_one_call_to_the_database_and_a_miss_three() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    let calls = |reply: &Reply| {
        let timing = reply.header("server-timing").to_owned();
        let names = timing.split(", ").filter_map(|call| call.split(';').next());
        names.filter(|name| *name != "clerk").map(str::to_owned).collect::<Vec<_>>()
    };

    let miss = search(&ada, &json!({ "keywords": word })).await;
    let hit = search(&ada, &json!({ "keywords": word })).await;

    assert_eq!(calls(&miss), ["database", "database", "adzuna", "database"]);
    assert_eq!(calls(&hit), ["database"]);
}

#[tokio::test]
async fn twenty_equal_searches_at_once_ask_once() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let word = word();
    let people = join_all((0..4).map(|_| stack.new_person())).await;
    stack.adzuna().fail_once(&word, Fault::Delay { ms: 700 }).await;

    let query = json!({ "keywords": word });
    let replies = join_all((0..20).map(|number| search(&people[number % 4], &query))).await;

    let misses = replies.iter().filter(|reply| cache(reply) == "miss").count();
    assert_eq!(misses, 1);
    assert!(replies.iter().all(|reply| reply.json == replies[0].json));
    assert_eq!(stack.adzuna().searches_for(&word).await.len(), 1);
}

#[tokio::test]
async fn whoever_asked_and_never_came_back_is_waited_for_only_for_a_while() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    // The key is known from the cache once the search was made.
    search(&ada, &json!({ "keywords": word })).await.expect_status(200);
    let lost = "with page as (delete from public.job_search_cache where query ->> 'what' = $1 returning query_key)
                insert into private.job_search_leases (query_key, id, expires_at)
                select query_key, gen_random_uuid(), clock_timestamp() + interval '1 second' from page returning id";
    assert_eq!(stack.database().query(lost, &[&word]).await.len(), 1);

    let reply = search(&ada, &json!({ "keywords": word })).await;

    assert_eq!(cache(&reply), "miss");
    assert_eq!(stack.adzuna().searches_for(&word).await.len(), 2);
}

#[tokio::test]
async fn older_results_take_the_place_of_missing_ones() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    let query = json!({ "keywords": word });
    let first = search(&ada, &query).await;
    grow_old(&stack, &word).await;
    stack.adzuna().fail_once(&word, status(500, json!({ "exception": "UNEXPECTED" }))).await;

    let stale = search(&ada, &query).await;
    assert_eq!(cache(&stale), "stale");
    assert!(stale.header("age").parse::<u64>().unwrap() >= 7200, "{stale:?}");
    assert_eq!(stale.json, first.json);

    let resting = search(&ada, &query).await;
    assert_eq!(cache(&resting), "stale");
    assert_eq!(stack.adzuna().searches_for(&word).await.len(), 2, "Adzuna is left alone for a while");

    let rested = "update private.job_search_leases set expires_at = now() - interval '1 minute'
                  where query_key in (select query_key from public.job_search_cache where query ->> 'what' = $1)";
    stack.database().query(rested, &[&word]).await;
    assert_eq!(cache(&search(&ada, &query).await), "miss");
}

#[tokio::test]
async fn results_that_are_too_old_help_nobody() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    search(&ada, &json!({ "keywords": word })).await.expect_status(200);
    grow_old(&stack, &word).await;
    let weeks_ago = "update public.job_search_cache set fetched_at = now() - interval '8 days'
                     where query ->> 'what' = $1";
    stack.database().query(weeks_ago, &[&word]).await;
    stack.adzuna().fail_once(&word, status(503, Value::Null)).await;

    search(&ada, &json!({ "keywords": word })).await.expect_problem(502, "adzuna_failed");
}

#[tokio::test]
async fn each_fault_of_adzuna_has_its_name_and_shows_no_key() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let refused = json!({ "exception": "AUTH_FAIL", "display": format!("bad key {APP_KEY}") });
    let faults = [
        (status(401, refused.clone()), 502, "adzuna_unauthorized"),
        (status(403, refused.clone()), 502, "adzuna_unauthorized"),
        (status(410, refused), 502, "adzuna_unauthorized"),
        (html(400), 502, "adzuna_rejected"),
        (status(404, json!({ "exception": "UNKNOWN" })), 502, "adzuna_rejected"),
        (html(429), 502, "adzuna_rate_limited"),
        (status(500, json!({ "exception": "UNEXPECTED" })), 502, "adzuna_failed"),
        (html(503), 502, "adzuna_failed"),
        (Fault::Html, 502, "adzuna_failed"),
        (Fault::Cut, 502, "adzuna_unreachable"),
        (Fault::Hold, 504, "adzuna_timed_out"),
        (html(200), 502, "adzuna_unreadable"),
        (status(200, json!("{\"results\": [")), 502, "adzuna_unreadable"),
        (status(200, json!({ "results": "none" })), 502, "adzuna_unreadable"),
        (status(200, json!({ "count": 0 })), 502, "adzuna_unreadable"),
        // Good, but longer than any answer that is of use.
        (Fault::Padded { bytes: 5 * 1024 * 1024 }, 502, "adzuna_unreadable"),
    ];

    let requests = join_all(faults.into_iter().map(async |(fault, status, code)| {
        let word = word();
        stack.adzuna().fail_once(&word, fault.clone()).await;

        let reply = search(&ada, &json!({ "keywords": word })).await;

        assert!(!format!("{reply:?}").contains(APP_KEY), "{reply:?}");
        let reply = reply.expect_problem(status, code);
        assert_eq!(reply.header("retry-after").is_empty(), code != "adzuna_rate_limited", "{reply:?}");
        assert_eq!(
            stack.adzuna().searches_for(&word).await.len(),
            1,
            "no try is made without being counted: {fault:?}"
        );
        let remembered = search(&ada, &json!({ "keywords": word })).await.expect_problem(status, code);
        let wait: u64 = remembered.header("retry-after").parse().unwrap();
        let longest = if code == "adzuna_rejected" { 3600 } else { 30 };
        assert!((1..=longest).contains(&wait), "{fault:?}: {wait}");
        assert_eq!(stack.adzuna().searches_for(&word).await.len(), 1, "for a while nobody asks again: {fault:?}");
        reply.header("x-request-id").to_owned()
    }))
    .await;

    let log = stack.log_with(&requests).await;
    assert!(!log.contains(APP_KEY), "no key is in the log");
}

#[tokio::test]
async fn a_page_that_fails_again_is_left_alone_for_longer() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    let query = json!({ "keywords": word });
    search(&ada, &query).await.expect_status(200);
    grow_old(&stack, &word).await;
    let key = "select query_key from public.job_search_cache where query ->> 'what' = $1";
    let key: String = stack.database().query(key, &[&word]).await[0].get(0);

    let mut pauses = Vec::new();
    for _ in 0..9 {
        stack.adzuna().fail_once(&word, status(500, Value::Null)).await;
        assert_eq!(cache(&search(&ada, &query).await), "stale");
        let pause = "select round(extract(epoch from lease.expires_at - call.called_at))::int
                     from private.job_search_leases as lease join private.job_search_calls as call using (id)
                     where lease.query_key = $1";
        pauses.push(stack.database().query(pause, &[&key]).await[0].get::<_, i32>(0));
        let over = "update private.job_search_leases set expires_at = now() where query_key = $1";
        stack.database().query(over, &[&key]).await;
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);

    assert_eq!(cache(&search(&ada, &query).await), "miss");
    let left = stack.database().query("select from private.job_search_leases where query_key = $1", &[&key]).await;
    assert!(left.is_empty(), "a success is forgotten");
}

#[tokio::test]
async fn those_who_wait_for_a_failure_share_it() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    stack.adzuna().fail_once(&word, Fault::Hold).await;

    let query = json!({ "keywords": word });
    let replies = join_all((0..5).map(|_| search(&ada, &query))).await;

    for reply in replies {
        reply.expect_problem(504, "adzuna_timed_out");
    }
    assert_eq!(stack.adzuna().searches_for(&word).await.len(), 1);
}

#[tokio::test]
async fn the_allowance_is_never_exceeded_however_many_search_at_once() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    for (period, limit, ago, longest_wait) in [
        ("a minute", 25, "0 seconds", 60),
        ("a day", 250, "2 hours", 24 * 3600),
        ("a week", 1000, "2 days", 7 * 24 * 3600),
        ("a month", 2500, "10 days", 31 * 24 * 3600),
    ] {
        let _allowance = limited(&stack).await;
        let (left, at_once) = (3, 10);
        let seed = "insert into private.job_search_calls (id, called_at)
                    select gen_random_uuid(), clock_timestamp() - $1::text::interval from generate_series(1, $2::int)";
        stack.database().query(seed, &[&ago, &(limit - left)]).await;
        let word = word();

        let replies = join_all(
            (0..at_once).map(async |number| search(&ada, &json!({ "keywords": format!("{word} {number}") })).await),
        )
        .await;

        let (found, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!(found.len(), usize::try_from(left).unwrap(), "{period}");
        assert_eq!(stack.adzuna().searches_for(&word).await.len(), found.len(), "{period}: no call without allowance");
        for reply in refused {
            let reply = reply.expect_problem(503, "search_quota_spent");
            let wait: u64 = reply.header("retry-after").parse().unwrap();
            assert!((longest_wait / 60..=longest_wait).contains(&wait), "{period}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn when_the_allowance_is_spent_older_results_are_given_and_the_cache_goes_on() {
    let stack = Stack::get().await;
    let (ada, old, new) = (stack.new_person().await, word(), word());
    let _allowance = limited(&stack).await;
    for word in [&old, &new] {
        assert_eq!(cache(&search(&ada, &json!({ "keywords": word })).await), "miss");
    }
    grow_old(&stack, &old).await;
    let seed = "insert into private.job_search_calls (id, called_at)
                select gen_random_uuid(), clock_timestamp() + interval '30 minutes' from generate_series(1, 23)";
    stack.database().query(seed, &[]).await;

    assert_eq!(cache(&search(&ada, &json!({ "keywords": old })).await), "stale");
    assert_eq!(cache(&search(&ada, &json!({ "keywords": new })).await), "hit");
    search(&ada, &json!({ "keywords": word() })).await.expect_problem(503, "search_quota_spent");
    assert_eq!(stack.adzuna().searches_for(&old).await.len(), 1);

    let minute_over = "update private.job_search_calls set called_at = called_at - interval '1 hour'";
    stack.database().query(minute_over, &[]).await;
    assert_eq!(cache(&search(&ada, &json!({ "keywords": old })).await), "miss", "the minute is over");
}

#[tokio::test]
async fn the_limit_of_a_person_is_exact_and_leaves_the_rest_to_others() {
    let stack = Stack::get().await;
    let (ada, bob) = (stack.new_person().await, stack.new_person().await);
    for (period, limit, ago, longest_wait) in [
        ("a minute", 5, "0 seconds", 60),
        ("a day", 25, "2 hours", 24 * 3600),
        ("a week", 75, "2 days", 7 * 24 * 3600),
        ("a month", 150, "10 days", 31 * 24 * 3600),
    ] {
        let _allowance = limited(&stack).await;
        let (left, at_once) = (3, 8);
        seed_calls(&stack, &ada, ago, limit - left).await;
        let word = word();

        let replies = join_all(
            (0..at_once).map(async |number| search(&ada, &json!({ "keywords": format!("{word} {number}") })).await),
        )
        .await;

        let (found, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!(found.len(), usize::try_from(left).unwrap(), "{period}");
        assert_eq!(stack.adzuna().searches_for(&word).await.len(), found.len(), "{period}");
        for reply in refused {
            let reply = reply.expect_problem(429, "search_limit_reached");
            let wait: u64 = reply.header("retry-after").parse().unwrap();
            assert!((longest_wait / 60..=longest_wait).contains(&wait), "{period}: {reply:?}");
        }
        assert_eq!(
            cache(&search(&bob, &json!({ "keywords": word })).await),
            "miss",
            "{period}: the rest is for others"
        );
    }
}

/// Lets the ledger know earlier calls of a person; those that come later only count as well for longer.
async fn seed_calls(stack: &Stack, person: &Person, ago: &str, count: i32) {
    let seed = "insert into private.job_search_calls (id, called_at, user_id)
                select gen_random_uuid(), clock_timestamp() - $1::text::interval, $3 from generate_series(1, $2::int)";
    stack.database().query(seed, &[&ago, &count, &person.user_id]).await;
}

#[tokio::test]
async fn a_person_at_their_limit_gets_older_results_and_what_is_cached() {
    let stack = Stack::get().await;
    let (ada, bob, old, new) = (stack.new_person().await, stack.new_person().await, word(), word());
    let _allowance = limited(&stack).await;
    for word in [&old, &new] {
        assert_eq!(cache(&search(&bob, &json!({ "keywords": word })).await), "miss");
    }
    grow_old(&stack, &old).await;
    seed_calls(&stack, &ada, "-30 minutes", 10).await;

    assert_eq!(cache(&search(&ada, &json!({ "keywords": old })).await), "stale");
    assert_eq!(cache(&search(&ada, &json!({ "keywords": new })).await), "hit");
    search(&ada, &json!({ "keywords": word() })).await.expect_problem(429, "search_limit_reached");
    assert_eq!(stack.adzuna().searches_for(&old).await.len(), 1);
    assert_eq!(cache(&search(&bob, &json!({ "keywords": old })).await), "miss", "bob may still ask");
}

#[tokio::test]
async fn three_accounts_do_not_use_up_a_day_of_everybodys() {
    let stack = Stack::get().await;
    let greedy = join_all((0..3).map(|_| stack.new_person())).await;
    let bob = stack.new_person().await;
    let _allowance = limited(&stack).await;
    let mut spent = 0;
    for minutes in 1..=20 {
        for person in &greedy {
            let word = word();
            let searches = (0..5).map(|number| json!({ "keywords": format!("{word} {number}") }));
            let replies = join_all(searches.map(async |query| search(person, &query).await)).await;
            spent += replies.iter().filter(|reply| reply.status == 200).count();
        }
        let minute_over = "update private.job_search_calls set called_at = called_at - interval '61 seconds'";
        stack.database().query(minute_over, &[]).await;
        if minutes == 5 {
            assert_eq!(spent, 75, "each has had their day");
        }
    }
    assert_eq!(spent, 75);
    assert_eq!(cache(&search(&bob, &json!({ "keywords": word() })).await), "miss", "most is left");
}

#[tokio::test]
async fn who_leaves_the_function_out_spends_nothing_and_holds_up_nobody() {
    let stack = Stack::get().await;
    let (ada, word) = (stack.new_person().await, word());
    let _allowance = limited(&stack).await;
    // The key of a search is known from the cache once it was made.
    search(&ada, &json!({ "keywords": word })).await.expect_status(200);
    let key = "with page as (delete from public.job_search_cache where query ->> 'what' = $1 returning query_key),
                    calls as (delete from private.job_search_calls)
               select query_key from page";
    let key: String = stack.database().query(key, &[&word]).await[0].get(0);
    let caller = ada.caller().await;

    let asked = json!({ "p_query_key": key });
    let looks = join_all((0..30).map(|_| caller.rpc("search_jobs", &asked))).await;
    for look in looks {
        assert_eq!(look.expect_status(200).json["outcome"], "missing");
    }
    let lease = json!({ "p_query_key": key, "p_known_version": null, "p_user_id": ada.user_id });
    let refused = caller.rpc("lease_job_search", &lease).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (403, Some("42501")), "{refused:?}");

    let left = "select from private.job_search_calls union all
                select from private.job_search_leases where query_key = $1";
    assert!(stack.database().query(left, &[&key]).await.is_empty(), "nothing is spent or held");
    assert_eq!(cache(&search(&ada, &json!({ "keywords": word })).await), "miss");
}

#[tokio::test]
async fn whoever_impersonates_a_person_sees_what_is_cached_and_spends_nothing() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, known, new) = (stack.new_person().await, word(), word());
    search(&ada, &json!({ "keywords": known })).await.expect_status(200);
    let claims = json!({ "act": { "iss": "https://dashboard.clerk.com", "sub": "user_2support" } });
    let claims = claims.as_object().unwrap().clone();
    let spec = TokenSpec { sub: ada.clerk_user_id.clone(), claims, ..TokenSpec::default() };
    let support = stack.bearer(&stack.clerk().mint(&spec).await);
    let look = async |word: &str| support.invoke("adzuna-job-search", &json!({ "keywords": word })).await;

    assert_eq!(cache(&look(&known).await), "hit");
    look(&new).await.expect_problem(403, "impersonation_refused");
    assert!(stack.adzuna().searches_for(&new).await.is_empty());
}

#[tokio::test]
async fn the_calls_of_a_deleted_person_still_count_and_are_nobodys() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let _allowance = limited(&stack).await;
    search(&ada, &json!({ "keywords": word() })).await.expect_status(200);

    stack.database().query("delete from auth.users where id = $1", &[&ada.user_id]).await;

    let calls = stack.database().json("select to_jsonb(c) from private.job_search_calls c", &[]).await;
    let [call] = &calls[..] else { panic!("one call was expected in {calls:?}") };
    assert_eq!(call["user_id"], Value::Null);
}

#[tokio::test]
async fn a_failed_call_counts_too() {
    let stack = Stack::get().await;
    let (ada, word) = (stack.new_person().await, word());
    let _allowance = limited(&stack).await;
    stack.adzuna().fail_once(&word, status(500, Value::Null)).await;

    search(&ada, &json!({ "keywords": word })).await.expect_problem(502, "adzuna_failed");

    let calls = stack.database().query("select from private.job_search_calls", &[]).await;
    assert_eq!(calls.len(), 1);
}

#[tokio::test]
async fn jobs_are_marked_with_what_the_person_did_and_nobody_else() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, bob, word) = (stack.new_person().await, stack.new_person().await, word());
    let postings: Vec<Value> = ["1", "2", "3", "4"].map(posting).to_vec();
    stack.adzuna().seed(&word, &postings).await;
    let query = json!({ "keywords": word });
    let marks = async |person: &Person, query: &Value| {
        let reply = search(person, query).await.expect_status(200);
        let jobs = reply.json["jobs"].as_array().unwrap().clone();
        jobs.iter().map(|job| json!([job["id"], job["saved"], job["application_status"]])).collect::<Vec<_>>()
    };
    let none = ["1", "2", "3", "4"].map(|id| json!([format!("gb:{id}"), false, null]));
    assert_eq!(marks(&ada, &query).await, none);

    let caller = ada.caller().await;
    let row = |id: &str| {
        json!({ "adzuna_job_id": id, "job_title": "Engineer", "company_name": "Fabrikam",
                "job_url": format!("https://jobs.example.com/{id}") })
    };
    caller.insert("saved_jobs", &row("gb:1")).await.expect_status(201);
    caller.insert("saved_jobs", &row("us:4")).await.expect_status(201);
    caller.insert("applications", &row("gb:2")).await.expect_status(201);
    let applied = caller.insert("applications", &row("gb:2")).await.expect_status(201);
    let thrown_away = caller.insert("applications", &row("gb:3")).await.expect_status(201);
    let path = format!("applications?id=eq.{}", applied.json[0]["id"].as_str().unwrap());
    caller.update(&path, &json!({ "status": "APPLIED_MANUALLY" })).await.expect_status(200);
    let deletion = json!({ "p_application_id": thrown_away.json[0]["id"] });
    caller.rpc("delete_application", &deletion).await.expect_status(204);

    let mut expected = none.clone();
    expected[0] = json!(["gb:1", true, null]);
    expected[1] = json!(["gb:2", false, "APPLIED_MANUALLY"]);
    assert_eq!(marks(&ada, &query).await, expected, "at once, although the page is cached");
    assert_eq!(marks(&bob, &query).await, none);

    // The same when the page comes fresh from Adzuna.
    let other_page_size = json!({ "keywords": word, "page_size": 4 });
    assert_eq!(marks(&ada, &other_page_size).await, expected);
    let other_country = json!({ "keywords": word, "country": "us" });
    assert_eq!(marks(&ada, &other_country).await[0], json!(["us:1", false, null]));
    assert_eq!(marks(&ada, &other_country).await[3], json!(["us:4", true, null]));
}

#[tokio::test]
async fn pages_end_where_the_results_end() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    stack.adzuna().seed(&word, &["1", "2", "3", "4", "5"].map(posting)).await;

    let mut pages = Vec::new();
    for page in 1..=4 {
        let reply = search(&ada, &json!({ "keywords": word, "page": page, "page_size": 2 })).await.expect_status(200);
        let jobs = reply.json["jobs"].as_array().unwrap().len();
        pages.push(json!([reply.json["page"], jobs, reply.json["next_page"], reply.json["total"]]));
    }

    assert_eq!(pages, [json!([1, 2, 2, 5]), json!([2, 2, 3, 5]), json!([3, 1, null, 5]), json!([4, 0, null, 5])]);
}

#[tokio::test]
async fn no_page_leads_on_to_one_that_would_be_refused() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, word) = (stack.new_person().await, word());
    stack.adzuna().seed(&word, &(0..1100).map(|id| posting(&id.to_string())).collect::<Vec<_>>()).await;
    let page = async |page: u32| search(&ada, &json!({ "keywords": word, "page": page, "page_size": 50 })).await;

    assert_eq!(page(19).await.expect_status(200).json["next_page"], 20);
    assert_eq!(page(20).await.expect_status(200).json["next_page"], Value::Null);
    page(21).await.expect_problem(400, "invalid_input");
}

#[tokio::test]
async fn every_bad_field_is_named_and_nothing_is_asked() {
    let stack = Stack::get().await;
    let (ada, word) = (stack.new_person().await, word());
    let fields = |reply: &Reply| {
        let errors = reply.json["errors"].as_array().unwrap();
        let mut fields: Vec<String> = errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        fields.sort_unstable();
        fields
    };
    let bad = json!({
        "keywords": { "word": word }, "location": 5, "country": "zz", "page": -1, "page_size": 51, "salary_min": "many",
        "salary_max": 1.5, "full_time": "yes", "category": "../it-jobs", "max_days_old": 0, "sort_by": "luck",
    });

    let reply = search(&ada, &bad).await.expect_problem(400, "invalid_input");
    let mut all: Vec<String> = bad.as_object().unwrap().keys().cloned().collect();
    all.sort_unstable();
    assert_eq!(fields(&reply), all);

    let query = format!("keywords={word}&page=two&page_size=&distance=5&sort_dir=sideways&contract=1");
    let reply = search_by_query(&ada, &query).await.expect_problem(400, "invalid_input");
    assert_eq!(fields(&reply), ["contract", "distance", "page", "page_size", "sort_dir"]);
    assert!(stack.adzuna().searches_for(&word).await.is_empty());
}

#[tokio::test]
async fn what_is_no_search_is_refused() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let post = || caller.request(Method::POST, "/functions/v1/adzuna-job-search");
    let json_type = "application/json";

    let large = json!({ "keywords": "a".repeat(70_000) }).to_string();
    let reply = Reply::to(post().header("content-type", json_type).body(large)).await;
    reply.expect_problem(413, "body_too_large");
    Reply::to(post().header("content-type", "text/plain").body("{}"))
        .await
        .expect_problem(415, "unsupported_media_type");
    for body in ["", "keywords=rust", "[]", "null", "{\"keywords\":"] {
        let reply = Reply::to(post().header("content-type", json_type).body(body)).await;
        reply.expect_problem(400, "invalid_input");
    }
    let reply = Reply::to(caller.request(Method::PUT, "/functions/v1/adzuna-job-search").json(&json!({}))).await;
    assert_eq!(reply.expect_problem(405, "method_not_allowed").header("allow"), "GET, POST, OPTIONS");
    let reply = Reply::to(stack.http(Method::GET, stack.function_url("adzuna-job-search"))).await;
    reply.expect_problem(401, "token_missing");
}
