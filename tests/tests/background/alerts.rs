//! Saved searches that tell their people of new postings.

use chrono::{DateTime, Duration, Timelike as _, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{
    Fault, Person, Reply, Stack,
    allowance::{boundless, limited},
};
use uuid::Uuid;

use crate::support::{id, let_time_pass, run_jobs};

const ALERT: &str = "saved_search_alert";

/// Lets the ledger know calls that were made for alerts, of somebody or of a person.
async fn seed_calls(stack: &Stack, person: Option<&Person>, ago: &str, count: i32) {
    let seed = "insert into private.job_search_calls (id, called_at, user_id, is_alert)
                select gen_random_uuid(), clock_timestamp() - $1::text::interval, $3, true
                from generate_series(1, $2::int)";
    stack.database().query(seed, &[&ago, &count, &person.map(|person| person.user_id)]).await;
}

/// Lets the time pass for which a page of results is left alone after a failure.
async fn let_failures_be_forgotten(stack: &Stack) {
    let pass = "update private.job_search_leases set expires_at = now() where failure is not null";
    stack.database().query(pass, &[]).await;
}

/// A saved search of a person, for a word that nobody else searches for.
struct Saved<'a> {
    stack: &'a Stack,
    person: &'a Person,
    id: Uuid,
    word: String,
}

fn word() -> String {
    format!("w{}", Uuid::new_v4().simple())
}

impl<'a> Saved<'a> {
    /// One for which Adzuna knows nothing yet.
    async fn new(stack: &'a Stack, person: &'a Person) -> Self {
        Self::finding(stack, person, &[]).await
    }

    /// The same with these postings. They are there before the search is, since another test's runner may be quick.
    async fn finding(stack: &'a Stack, person: &'a Person, postings: &[Value]) -> Self {
        let word = word();
        stack.adzuna().seed(&word, postings).await;
        Self::of_word(stack, person, &word).await
    }

    /// One that has run and is not due, so that no runner touches it.
    async fn at_rest(stack: &'a Stack, person: &'a Person) -> Self {
        let search = Self::new(stack, person).await;
        search.runs().await;
        search
    }

    async fn of_word(stack: &'a Stack, person: &'a Person, word: &str) -> Self {
        Self::of_query(stack, person, word, json!({ "keywords": word, "location": "Leeds" })).await
    }

    /// Saved ten days ago.
    async fn of_query(stack: &'a Stack, person: &'a Person, word: &str, query: Value) -> Self {
        let insert = "insert into public.saved_searches (user_id, search_name, search_query, created_at)
                      values ($1, 'Rust in Leeds', $2, now() - interval '10 days') returning id";
        let id = stack.database().query(insert, &[&person.user_id, &query]).await[0].get(0);
        Self { stack, person, id, word: word.to_owned() }
    }

    async fn change(&self, change: Value) -> Reply {
        let path = format!("saved_searches?id=eq.{}", self.id);
        self.person.caller().await.update(&path, &change).await.expect_status(200)
    }

    async fn row(&self) -> Value {
        self.stack.database().row("saved_searches", self.id).await
    }

    /// When it is due.
    async fn next_at(&self) -> Option<DateTime<Utc>> {
        let sql = "select next_at from private.saved_search_alerts where saved_search_id = $1";
        self.stack.database().query(sql, &[&self.id]).await[0].get(0)
    }

    async fn last_run_at(&self) -> DateTime<Utc> {
        self.row().await["last_run_at"].as_str().unwrap().parse().unwrap()
    }

    async fn jobs(&self) -> Vec<Value> {
        let sql = "select to_jsonb(j) from public.background_jobs j
                   where job_type = 'saved_search_alert' and payload ->> 'saved_search_id' = $1::text::uuid::text
                   order by created_at";
        self.stack.database().json(sql, &[&self.id.to_string()]).await
    }

    /// The job that the schedule queued last, unless the search is due again.
    async fn last_job(&self) -> Option<Value> {
        let sql = "select to_jsonb(j) from public.background_jobs j
                   join private.saved_search_alerts alert on alert.job_id = j.id
                   where saved_search_id = $1 and coalesce(next_at, 'infinity') > clock_timestamp()";
        self.stack.database().json(sql, &[&self.id]).await.pop()
    }

    async fn notifications(&self) -> Vec<Value> {
        let sql = "select to_jsonb(n) from public.notifications n where related_entity_id = $1 order by created_at";
        self.stack.database().json(sql, &[&self.id]).await
    }

    /// Lets two hours pass for the last run, and for the page that it saw.
    async fn grow_old(&self) {
        let aged = "with page as (update public.job_search_cache
                                  set fetched_at = fetched_at - interval '2 hours', expires_at = now() - interval '1 hour'
                                  where query ->> 'what' = $2)
                    update public.saved_searches set last_run_at = last_run_at - interval '2 hours' where id = $1";
        self.stack.database().query(aged, &[&self.id, &self.word]).await;
    }

    /// The same, after which the search is due.
    async fn let_it_be_due(&self) {
        self.grow_old().await;
        let due = "update private.saved_search_alerts set next_at = clock_timestamp() where saved_search_id = $1";
        self.stack.database().query(due, &[&self.id]).await;
    }

    /// Lets the runner do it, whichever it is, and returns the job when it is finished.
    async fn runs(&self) -> Value {
        tests::eventually("the search has been run", async || {
            run_jobs(self.stack, &[ALERT]).await;
            self.last_job().await.filter(|job| job["status"] == "completed" || job["status"] == "failed")
        })
        .await
    }

    async fn finds(&self, postings: &[Value]) {
        self.stack.adzuna().seed(&self.word, postings).await;
    }

    async fn searches(&self) -> usize {
        self.stack.adzuna().searches_for(&self.word).await.len()
    }

    /// A job as a worker holds it.
    async fn held_job(&self) -> Value {
        let sql = "insert into public.background_jobs (user_id, job_type, payload, status, lease_number, locked_by,
                                                       lease_expires_at)
                   values ($1, 'saved_search_alert', jsonb_build_object('saved_search_id', $2::uuid), 'processing', 1,
                           'a test', now() + interval '1 hour')
                   returning id";
        let job_id: Uuid = self.stack.database().query(sql, &[&self.person.user_id, &self.id]).await[0].get(0);
        json!({ "id": job_id, "lease_number": 1 })
    }

    async fn begin(&self, job: &Value) -> Value {
        let arguments = json!({ "p_job_id": job["id"], "p_saved_search_id": self.id });
        self.stack.service().rpc("saved_search_to_alert", &arguments).await.expect_status(200).json
    }

    async fn record(&self, job: &Value, task: &Value, postings: &[Value]) -> Value {
        let arguments = json!({
            "p_job_id": job["id"], "p_lease_number": job["lease_number"], "p_saved_search_id": self.id,
            "p_since": task["since"], "p_postings": postings, "p_searched_at": Utc::now().to_rfc3339(),
        });
        self.stack.service().rpc("record_saved_search_alert", &arguments).await.expect_status(200).json
    }
}

/// A posting of Adzuna's, so many hours old.
fn posting(id: u32, title: &str, hours: i64) -> Value {
    let created = Utc::now() - Duration::hours(hours);
    json!({
        "id": id.to_string(), "title": title, "description": "…", "salary_is_predicted": "0",
        "created": created.format("%Y-%m-%dT%H:%M:%SZ").to_string(), "company": { "display_name": "Fabrikam & Sons" },
        "location": { "display_name": "Leeds" },
    })
}

/// The same as the runner writes it down.
fn found(id: u32, title: &str, hours: i64) -> Value {
    let posting = posting(id, title, hours);
    json!({ "id": format!("gb:{id}"), "title": title, "company": "Fabrikam & Sons", "location": "Leeds",
            "posted_at": posting["created"] })
}

async fn prefer(person: &Person, preference: Value) {
    let path = format!("user_preferences?user_id=eq.{}", person.user_id);
    person.caller().await.update(&path, &preference).await.expect_status(200);
}

#[tokio::test]
async fn new_postings_become_one_notification_and_one_push_message() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let token = format!("ExponentPushToken[{}]", &Uuid::new_v4().simple().to_string()[..22]);
    ada.caller().await.rpc("register_push_token", &json!({ "p_token": token })).await.expect_status(200);
    let first = [
        posting(1, "Rust Engineer", 1),
        posting(2, "Rust <strong>Lead</strong>", 2),
        posting(3, "Rust Analyst", 3),
        posting(4, "Rust Tester", 4),
        posting(5, "Rust Engineer", 5), // the same, from another board
        posting(6, "Rust Archaeologist", 24 * 30),
    ];
    let search = Saved::finding(&stack, &ada, &first).await;

    let job = search.runs().await;

    assert_eq!((&job["status"], &job["result"]["outcome"]), (&json!("completed"), &json!("told")));
    assert_eq!(job["result"]["new_postings"], 4);
    let notifications = search.notifications().await;
    let [notification] = &notifications[..] else { panic!("one was expected in {notifications:?}") };
    assert_eq!(notification["user_id"], json!(ada.user_id));
    assert_eq!(notification["type"], "NEW_JOB_MATCH_SAVED_SEARCH");
    assert_eq!(notification["related_entity_type"], "saved_search");
    assert_eq!(notification["title"], "4 new jobs for “Rust in Leeds”");
    assert_eq!(
        notification["message"],
        "Rust Engineer at Fabrikam & Sons, Rust Lead at Fabrikam & Sons, Rust Analyst at Fabrikam & Sons and 1 more"
    );
    let pushed = tests::eventually("the push message arrives", async || {
        run_jobs(&stack, &["push_notification"]).await;
        let delivered = stack.expo().delivered(&token).await;
        (!delivered.is_empty()).then_some(delivered)
    })
    .await;
    assert_eq!(pushed.len(), 1);
    let asked = stack.adzuna().searches_for(&search.word).await;
    assert!(asked[0].path.contains("/gb/search/1?"), "{asked:?}");
    assert!(asked[0].path.contains("results_per_page=50") && asked[0].path.contains("sort_by=date"), "{asked:?}");

    search.let_it_be_due().await;
    let again = search.runs().await;
    assert_eq!(again["result"]["outcome"], "nothing_new", "{again}");
    assert_eq!((search.searches().await, search.notifications().await.len()), (2, 1));

    let mut second = first.to_vec();
    second.insert(0, posting(7, "Rust Gardener", 0));
    search.finds(&second).await;
    search.let_it_be_due().await;
    search.runs().await;
    let notifications = search.notifications().await;
    assert_eq!(notifications.len(), 2);
    assert_eq!(notifications[1]["title"], "New job for “Rust in Leeds”");
    assert_eq!(notifications[1]["message"], "Rust Gardener at Fabrikam & Sons");
}

#[tokio::test]
async fn a_push_message_of_an_alert_waits_for_the_end_of_the_quiet_hours() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    // From this hour on, for three hours.
    let start = Utc::now().hour();
    prefer(&ada, json!({ "quiet_hours_start": start, "quiet_hours_end": (start + 3) % 24 })).await;
    let search = Saved::finding(&stack, &ada, &[posting(1, "Rust Engineer", 1)]).await;

    let job = search.runs().await;

    assert_eq!(job["result"]["outcome"], "told", "a new search runs at once: {job}");
    assert_eq!(search.notifications().await.len(), 1, "and in the app it is told at once");
    let push = stack.database().row("background_jobs", id(&job["result"]["push_job_id"])).await;
    let run_at: DateTime<Utc> = push["run_at"].as_str().unwrap().parse().unwrap();
    assert_eq!((run_at.hour(), run_at.minute(), run_at.second()), ((start + 3) % 24, 0, 0), "{push}");
    assert_eq!(push["status"], "pending");
    let next_at = search.next_at().await.unwrap();
    assert!(!(0..3).map(|hours| (start + hours) % 24).any(|hour| hour == next_at.hour()), "{next_at}");
}

#[tokio::test]
async fn what_was_there_when_the_search_was_saved_is_no_news() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let word = word();
    stack.adzuna().seed(&word, &[posting(1, "Rust Engineer", 1)]).await;
    let row = json!({ "search_name": "Rust", "search_query": { "keywords": word } });
    let row = ada.caller().await.insert("saved_searches", &row).await.expect_status(201);
    let search = Saved { stack: &stack, person: &ada, id: id(&row.json[0]["id"]), word };

    let job = search.runs().await;
    assert_eq!(job["result"]["outcome"], "nothing_new", "{job}");
    assert_ne!(search.row().await["last_run_at"], Value::Null);

    search.finds(&[posting(2, "Rust Lead", 1)]).await;
    search.change(json!({ "search_query": { "keywords": format!("{} two", search.word) } })).await;
    let job = search.runs().await;
    assert_eq!(job["result"]["outcome"], "nothing_new", "another query is another search: {job}");
    assert!(search.notifications().await.is_empty());
}

#[tokio::test]
async fn a_posting_that_appears_late_is_news_and_one_that_comes_back_is_not() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let search = Saved::finding(&stack, &ada, &[posting(1, "Rust Engineer", 30)]).await;
    search.runs().await;
    assert_eq!(search.notifications().await.len(), 1);

    search.finds(&[posting(2, "Rust Lead", 30), posting(3, "Rust Analyst", 72)]).await;
    search.let_it_be_due().await;
    let job = search.runs().await;
    assert_eq!(job["result"]["new_postings"], 1, "two days of grace");

    search.finds(&[posting(1, "Rust Engineer, renewed", 0), posting(2, "Rust Lead", 0)]).await;
    search.let_it_be_due().await;
    let job = search.runs().await;
    assert_eq!(job["result"]["outcome"], "nothing_new", "{job}");
}

#[tokio::test]
async fn the_owner_decides_how_often_and_whether_at_all() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let search = Saved::new(&stack, &ada).await;
    search.runs().await; // a new search is due at once

    for (frequency, longest) in
        [("instant", Duration::hours(1)), ("daily", Duration::days(1)), ("weekly", Duration::days(7))]
    {
        prefer(&ada, json!({ "alert_frequency": frequency })).await;
        let (last_run_at, next_at) = (search.last_run_at().await, search.next_at().await.unwrap());
        assert!(next_at > last_run_at && next_at <= last_run_at + longest, "{frequency}: {last_run_at} {next_at}");

        search.let_it_be_due().await;
        search.runs().await;
        assert!(search.next_at().await.unwrap() <= Utc::now() + longest, "{frequency}, after it was due");
    }

    let queued = search.jobs().await.len();
    run_jobs(&stack, &[ALERT]).await;
    assert_eq!(search.jobs().await.len(), queued, "what is not due is not queued");

    let last_run = "update public.saved_searches set last_run_at = now() - interval '8 days' where id = $1";
    stack.database().query(last_run, &[&search.id]).await;
    prefer(&ada, json!({ "receive_job_alerts": false })).await;
    assert_eq!(search.next_at().await, None);
    prefer(&ada, json!({ "receive_job_alerts": true })).await;
    search.runs().await;
    assert_eq!(search.jobs().await.len(), queued + 1, "a week has passed since the last run");
    search.change(json!({ "notify_new_jobs": false })).await;
    assert_eq!(search.next_at().await, None);
    run_jobs(&stack, &[ALERT]).await;
    assert_eq!(search.jobs().await.len(), queued + 1, "what is switched off is not queued");
}

#[tokio::test]
async fn equal_searches_run_at_the_same_time_and_ask_once() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let people = join_all((0..3).map(|_| stack.new_person())).await;
    let word = word();
    stack.adzuna().seed(&word, &[posting(1, "Rust Engineer", 1)]).await;
    let searches = join_all(people.iter().map(|person| Saved::of_word(&stack, person, &word))).await;

    let jobs = join_all(searches.iter().map(Saved::runs)).await;

    assert!(jobs.iter().all(|job| job["result"]["outcome"] == "told"), "{jobs:?}");
    assert_eq!(searches[0].searches().await, 1);
    let times = join_all(searches.iter().map(Saved::next_at)).await;
    assert!(times[0].is_some() && times.iter().all(|time| *time == times[0]), "{times:?}");
}

#[tokio::test]
async fn several_runners_at_once_tell_once() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let search = Saved::finding(&stack, &ada, &[posting(1, "Rust Engineer", 1)]).await;

    join_all((0..6).map(|_| run_jobs(&stack, &[ALERT]))).await;
    search.runs().await;

    assert_eq!((search.jobs().await.len(), search.searches().await), (1, 1));
    assert_eq!(search.notifications().await.len(), 1);
}

#[tokio::test]
async fn a_search_that_is_due_while_its_job_waits_is_not_queued_again() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let search = Saved::at_rest(&stack, &ada).await;
    let waits = "with job as (insert into public.background_jobs (user_id, job_type, payload, run_at)
                              values ($1, 'saved_search_alert', jsonb_build_object('saved_search_id', $2::uuid),
                                      '2100-01-01') returning id)
                 update private.saved_search_alerts set job_id = job.id, next_at = clock_timestamp()
                 from job where saved_search_id = $2";
    stack.database().query(waits, &[&ada.user_id, &search.id]).await;

    tests::eventually("it is looked at", async || {
        run_jobs(&stack, &[ALERT]).await;
        (search.next_at().await? > Utc::now()).then_some(())
    })
    .await;

    assert_eq!(search.jobs().await.len(), 2, "that one, and the one that found nothing");
}

#[tokio::test]
async fn a_runner_that_dies_after_searching_leaves_the_telling_to_the_next() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let search = Saved::finding(&stack, &ada, &[posting(1, "Rust Engineer", 1)]).await;
    let job = search.held_job().await;
    let task = search.begin(&job).await;
    assert_eq!((&task["outcome"], &task["user_id"]), (&json!("wanted"), &json!(ada.user_id)));

    let_time_pass(&stack, id(&job["id"])).await;
    tests::eventually("another runner takes the job", async || {
        run_jobs(&stack, &[ALERT]).await;
        (stack.database().row("background_jobs", id(&job["id"])).await["status"] == "completed").then_some(())
    })
    .await;
    assert_eq!(search.notifications().await.len(), 1);

    let late = search.record(&job, &task, &[found(2, "Rust Lead", 0)]).await;
    assert_eq!(late["outcome"], "superseded");
    assert_eq!(search.notifications().await.len(), 1);
}

#[tokio::test]
async fn what_is_recorded_is_recorded_whole_and_once() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let search = Saved::at_rest(&stack, &ada).await;
    let (job, other) = (search.held_job().await, search.held_job().await);
    let task = search.begin(&job).await;
    let postings = [found(1, "Rust Engineer", 1)];

    let (first, second) = tokio::join!(search.record(&job, &task, &postings), search.record(&other, &task, &postings));
    let mut outcomes = [&first["outcome"], &second["outcome"]].map(|outcome| outcome.as_str().unwrap());
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["nothing_new", "told"], "two jobs for the same search stand in line");
    assert_eq!(search.record(&job, &task, &postings).await["outcome"], "superseded", "an answer that was lost");
    assert_eq!(search.notifications().await.len(), 1);

    let job = search.held_job().await;
    search.record(&job, &search.begin(&job).await, &[found(2, "Rust Lead", 0)]).await;
    // Rows of the same transaction carry its number.
    let sql = "select array[(select xmin::text from public.saved_searches where id = $1),
                            (select xmin::text from private.saved_search_alerts where saved_search_id = $1),
                            (select xmin::text from private.saved_search_sightings
                             where saved_search_id = $1 and posting_id = 'gb:2'),
                            (select xmin::text from public.background_jobs where id = $2),
                            (select xmin::text from public.notifications where related_entity_id = $1
                             order by created_at desc limit 1)]";
    let transactions: Vec<Option<String>> = stack.database().query(sql, &[&search.id, &id(&job["id"])]).await[0].get(0);
    assert!(transactions[0].is_some() && transactions.iter().all(|one| *one == transactions[0]), "{transactions:?}");
}

#[tokio::test]
async fn a_search_that_is_gone_or_switched_off_or_changed_meanwhile_tells_nothing() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let postings = [found(1, "Rust Engineer", 1)];

    let off = Saved::at_rest(&stack, &ada).await;
    let job = off.held_job().await;
    let task = off.begin(&job).await;
    prefer(&ada, json!({ "receive_job_alerts": false })).await;
    assert_eq!(off.record(&job, &task, &postings).await["outcome"], "switched_off");
    assert_eq!(off.begin(&job).await, json!({ "outcome": "switched_off" }));
    prefer(&ada, json!({ "receive_job_alerts": true })).await;

    let changed = Saved::at_rest(&stack, &ada).await;
    let other_job = changed.held_job().await;
    let task = changed.begin(&other_job).await;
    changed.change(json!({ "search_query": { "keywords": word() } })).await;
    assert_eq!(changed.record(&other_job, &task, &postings).await["outcome"], "search_changed");

    let gone = Saved::at_rest(&stack, &ada).await;
    let third_job = gone.held_job().await;
    let task = gone.begin(&third_job).await;
    stack.database().query("delete from public.saved_searches where id = $1", &[&gone.id]).await;
    assert_eq!(gone.record(&third_job, &task, &postings).await["outcome"], "search_not_found");

    for (search, job) in [(&off, &job), (&changed, &other_job), (&gone, &third_job)] {
        assert!(search.notifications().await.is_empty());
        assert_eq!(stack.database().row("background_jobs", id(&job["id"])).await["status"], "completed");
    }
    assert_eq!(changed.runs().await["result"]["outcome"], "nothing_new", "a changed search is due at once");
}

#[tokio::test]
async fn a_person_queues_their_own_searches_and_nobody_elses() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let (search, foreign) = (Saved::new(&stack, &ada).await, Saved::new(&stack, &grace).await);
    search.runs().await;
    foreign.runs().await;
    foreign.grow_old().await;
    let queue = async |payload: Value| {
        let job = json!({ "job_type": ALERT, "payload": payload });
        let queued = ada.caller().await.insert("background_jobs", &job).await.expect_status(201);
        let job_id = id(&queued.json[0]["id"]);
        tests::eventually("the job is done", async || {
            run_jobs(&stack, &[ALERT]).await;
            let job = stack.database().row("background_jobs", job_id).await;
            (job["status"] == "completed" || job["status"] == "failed").then_some(job)
        })
        .await
    };

    let own = queue(json!({ "saved_search_id": search.id })).await;
    assert_eq!(own["result"]["outcome"], "nothing_new", "{own}");
    assert_eq!(search.searches().await, 1, "the page of a minute ago does");
    let strangers = queue(json!({ "saved_search_id": foreign.id })).await;
    assert_eq!(strangers["result"], json!({ "outcome": "search_not_found" }));
    let nobodys = queue(json!({ "saved_search_id": Uuid::new_v4() })).await;
    assert_eq!(nobodys["result"], strangers["result"], "it is not told which searches there are");
    assert_eq!(foreign.searches().await, 1);
    let malformed = queue(json!({ "saved_search_id": "mine" })).await;
    assert_eq!(malformed["error"], "malformed_payload");
}

#[tokio::test]
async fn what_is_no_search_any_more_rests_until_it_is_changed() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let word = word();
    let query = json!({ "keywords": word, "country": "Atlantis" });
    let search = Saved::of_query(&stack, &ada, &word, query).await;

    let job = search.runs().await;
    assert_eq!((&job["status"], &job["error"]), (&json!("failed"), &json!("invalid_search")));
    search.let_it_be_due().await;
    tests::eventually("it is taken off the schedule", async || {
        run_jobs(&stack, &[ALERT]).await;
        search.next_at().await.is_none().then_some(())
    })
    .await;
    assert_eq!((search.jobs().await.len(), search.searches().await), (1, 0));

    search.change(json!({ "search_query": { "keywords": search.word, "country": "gb" } })).await;
    assert_eq!(search.runs().await["result"]["outcome"], "nothing_new");
}

#[tokio::test]
async fn a_fault_of_adzuna_is_tried_again_and_loses_nothing() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let word = word();
    let fault = Fault::Status { status: 500, body: Value::Null, headers: [].into() };
    stack.adzuna().fail_once(&word, fault).await;
    stack.adzuna().seed(&word, &[posting(1, "Rust Engineer", 1)]).await;
    let search = Saved::of_word(&stack, &ada, &word).await;

    let job = tests::eventually("the fault is met", async || {
        run_jobs(&stack, &[ALERT]).await;
        search.jobs().await.into_iter().find(|job| job["error"] == "adzuna_failed")
    })
    .await;
    assert_eq!((&job["status"], &job["retry_count"]), (&json!("pending"), &json!(1)));
    assert_eq!(search.row().await["last_run_at"], Value::Null);

    let_time_pass(&stack, id(&job["id"])).await;
    let_failures_be_forgotten(&stack).await;
    assert_eq!(search.runs().await["result"]["outcome"], "told");
}

#[tokio::test]
async fn what_adzuna_refuses_is_not_repeated_but_asked_again_later() {
    let stack = Stack::get().await;
    let _allowance = boundless(&stack).await;
    let ada = stack.new_person().await;
    let word = word();
    let refusal = Fault::Status { status: 400, body: Value::Null, headers: [].into() };
    stack.adzuna().fail_once(&word, refusal).await;
    stack.adzuna().seed(&word, &[posting(1, "Rust Engineer", 1)]).await;
    let search = Saved::of_word(&stack, &ada, &word).await;

    let refused = search.runs().await;
    assert_eq!((&refused["status"], &refused["error"]), (&json!("failed"), &json!("adzuna_rejected")));
    let next_at = search.next_at().await.unwrap();
    assert!(next_at <= Utc::now() + Duration::hours(6), "sooner than a day later: {next_at}");

    search.let_it_be_due().await;
    let_failures_be_forgotten(&stack).await;
    assert_eq!(search.runs().await["result"]["outcome"], "told");
}

#[tokio::test]
async fn when_the_share_of_alerts_is_spent_they_wait_and_people_go_on_searching() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let _allowance = limited(&stack).await;
    seed_calls(&stack, None, "0 seconds", 10).await;
    let (search, other) = (Saved::new(&stack, &ada).await, Saved::new(&stack, &ada).await);

    run_jobs(&stack, &[ALERT]).await;
    assert!(search.jobs().await.is_empty(), "nothing is queued that could not be searched");

    let job = json!({ "job_type": ALERT, "payload": { "saved_search_id": search.id } });
    ada.caller().await.insert("background_jobs", &job).await.expect_status(201);
    let job = tests::eventually("it is put back", async || {
        run_jobs(&stack, &[ALERT]).await;
        search.jobs().await.into_iter().find(|job| job["lease_number"] != 0 && job["status"] == "pending")
    })
    .await;
    assert_eq!((&job["retry_count"], &job["error"]), (&json!(0), &Value::Null), "which is no attempt");
    let run_at: DateTime<Utc> = job["run_at"].as_str().unwrap().parse().unwrap();
    assert!(run_at > Utc::now() && run_at <= Utc::now() + Duration::minutes(1), "{run_at}");
    assert_eq!((search.searches().await, &search.row().await["last_run_at"]), (0, &Value::Null));
    let person = grace.caller().await.invoke("adzuna-job-search", &json!({ "keywords": word() })).await;
    assert_eq!(person.expect_status(200).header("x-cache"), "miss");

    let minute_over = "update private.job_search_calls set called_at = called_at - interval '1 minute'";
    stack.database().query(minute_over, &[]).await;
    let_time_pass(&stack, id(&job["id"])).await;
    other.runs().await;
    search.runs().await;
    let ledger = "select count(*) from private.job_search_calls where user_id = $1 and is_alert";
    assert_eq!(stack.database().query(ledger, &[&ada.user_id]).await[0].get::<_, i64>(0), 2);
    let own = "update private.job_search_limits set calls_per_person = 1 where period = interval '1 minute'";
    stack.database().query(own, &[]).await;
    let person = ada.caller().await.invoke("adzuna-job-search", &json!({ "keywords": word() })).await;
    assert_eq!(person.expect_status(200).header("x-cache"), "miss", "what a person may ask is still theirs");
}

#[tokio::test]
async fn a_person_has_no_more_than_their_share_of_the_alerts() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let _allowance = limited(&stack).await;
    seed_calls(&stack, Some(&ada), "2 hours", 24).await;
    let mine = join_all((0..5).map(|_| Saved::new(&stack, &ada))).await;
    let theirs = Saved::new(&stack, &grace).await;

    theirs.runs().await;

    assert_eq!(theirs.searches().await, 1);
    let mut waiting = 0;
    for search in &mine {
        assert_eq!(search.searches().await, 0);
        waiting += search.jobs().await.len();
    }
    assert_eq!(waiting, 3, "one person does not fill the queue");
}

#[tokio::test]
async fn an_older_page_serves_if_the_last_run_did_not_have_it() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let _allowance = limited(&stack).await;
    let word = word();
    stack.adzuna().seed(&word, &[posting(1, "Rust Engineer", 3)]).await;
    let (search, other) = (Saved::of_word(&stack, &ada, &word).await, Saved::of_word(&stack, &grace, &word).await);
    other.runs().await;
    search.runs().await;
    // The page is two hours old then; the one has seen it, and the other has not run since yesterday.
    search.grow_old().await;
    let other_run = "update public.saved_searches set last_run_at = last_run_at - interval '2 hours' where id = $1";
    stack.database().query(other_run, &[&other.id]).await;
    let yesterday = "update public.saved_searches set last_run_at = now() - interval '1 day' where id = $1";
    stack.database().query(yesterday, &[&search.id]).await;
    seed_calls(&stack, None, "0 seconds", 10).await;
    let queue = "insert into public.background_jobs (user_id, job_type, payload)
                 select user_id, 'saved_search_alert', jsonb_build_object('saved_search_id', id)
                 from public.saved_searches where id = any ($1) returning id";
    stack.database().query(queue, &[&vec![search.id, other.id]]).await;

    let (served, put_back) = tests::eventually("both have been tried", async || {
        run_jobs(&stack, &[ALERT]).await;
        let is_tried = |job: &Value| job["lease_number"] == 1 && job["status"] != "processing";
        let last = async |search: &Saved<'_>| search.jobs().await.pop().filter(is_tried);
        Some((last(&search).await?, last(&other).await?))
    })
    .await;

    assert_eq!(served["result"]["outcome"], "nothing_new", "{served}");
    assert_eq!(search.row().await["last_run_at"], other.row().await["last_run_at"], "the time of that page");
    assert_eq!(put_back["status"], "pending", "{put_back}");
    assert_eq!(search.searches().await, 1, "nobody was asked");
}
