//! What people are told without having done anything.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Person, Stack};
use uuid::Uuid;

use crate::support::{id, run_jobs};

async fn told(stack: &Stack, person: &Person, kind: &str) -> Vec<Value> {
    let sql =
        "select to_jsonb(n) from public.notifications n where user_id = $1 and type::text = $2 order by created_at";
    stack.database().json(sql, &[&person.user_id, &kind]).await
}

/// Lets the looks at these people's profiles be due, and done.
async fn let_profiles_be_looked_at(stack: &Stack, people: &[&Person]) {
    let people: Vec<Uuid> = people.iter().map(|person| person.user_id).collect();
    let due = "update private.profile_reminders set next_at = '2000-01-01' where user_id = any ($1)";
    stack.database().query(due, &[&people]).await;
    let open = "select count(*) from private.profile_reminders where user_id = any ($1) and next_at <= now()";
    tests::eventually("the profiles have been looked at", async || {
        // The minute is part of the job's key, so a second job comes with the next one.
        let another = "update public.background_jobs set dedupe_key = id::text
                       where job_type = 'profile_reminders' and status = 'completed'";
        stack.database().query(another, &[]).await;
        run_jobs(stack, &["profile_reminders"]).await;
        (stack.database().query(open, &[&people]).await[0].get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn people_are_reminded_weekly_of_what_they_lack_if_they_want_to_apply() {
    let stack = Stack::get().await;
    // One has everything, one has only signed up, two have begun.
    let (complete, idle) = (stack.new_person().await, Person::sign_up(&stack).await);
    let (lacking, nameless) = (Person::sign_up(&stack).await, Person::sign_up(&stack).await);
    let nobody = "update public.users set full_name = ' ', email = null where id = $1";
    stack.database().query(nobody, &[&nameless.user_id]).await;
    for person in [&complete, &lacking, &nameless] {
        person.draft_application().await;
    }

    let all = [&complete, &idle, &lacking, &nameless];
    let first =
        "select bool_and(next_at > now() + interval '6 days') from private.profile_reminders where user_id = any ($1)";
    let people: Vec<Uuid> = all.iter().map(|person| person.user_id).collect();
    assert!(stack.database().query(first, &[&people]).await[0].get::<_, bool>(0), "not in the first week");
    let_profiles_be_looked_at(&stack, &all).await;

    let kind = "PROFILE_REMINDER";
    assert!(told(&stack, &complete, kind).await.is_empty());
    assert!(told(&stack, &idle, kind).await.is_empty(), "they want nothing yet");
    let reminders = told(&stack, &lacking, kind).await;
    assert_eq!(reminders.len(), 1);
    assert_eq!(reminders[0]["message"], "To apply for jobs, add a résumé to your profile.");
    let message = told(&stack, &nameless, kind).await[0]["message"].clone();
    let expected =
        "To apply for jobs, add a résumé, your name and an e-mail address or a phone number to your profile.";
    assert_eq!(message, expected);
    assert!(stack.database().query(first, &[&people]).await[0].get::<_, bool>(0), "the next look is a week away");

    let_profiles_be_looked_at(&stack, &all).await;
    assert_eq!(told(&stack, &lacking, kind).await.len(), 1, "not on top of one that was not read");
    let caller = lacking.caller().await;
    let reminder = format!("notifications?id=eq.{}", reminders[0]["id"].as_str().unwrap());
    caller.update(&reminder, &json!({ "is_read": true })).await.expect_status(200);
    let_profiles_be_looked_at(&stack, &all).await;
    assert_eq!(told(&stack, &lacking, kind).await.len(), 2);
    let resume = json!({ "file_url": lacking.resume_path, "file_name": "cv.pdf", "is_primary": true });
    caller.insert("resumes", &resume).await.expect_status(201);
    caller.update(&format!("notifications?user_id=eq.{}", lacking.user_id), &json!({ "is_read": true })).await;
    let_profiles_be_looked_at(&stack, &all).await;
    assert_eq!(told(&stack, &lacking, kind).await.len(), 2, "nothing is missing any more");
}

/// People of tiers that no other test uses, so that nobody else is told.
async fn people_of(stack: &Stack, tier: &str, number: usize) -> Vec<Person> {
    let people = join_all((0..number).map(|_| Person::sign_up(stack))).await;
    for person in &people {
        move_to(stack, person, tier).await;
    }
    people
}

async fn move_to(stack: &Stack, person: &Person, tier: &str) {
    let change = json!({ "tier": tier });
    stack.service().update(&format!("users?id=eq.{}", person.user_id), &change).await.expect_status(200);
}

#[tokio::test]
async fn an_announcement_tells_each_person_of_its_tiers_once() {
    let stack = Stack::get().await;
    let kind = "GENERAL_ANNOUNCEMENT";
    let (insured, large) = (people_of(&stack, "career_insurance", 5).await, people_of(&stack, "enterprise", 2).await);
    let title = format!("News {}", Uuid::new_v4());
    let announce = async |tiers: &[&str]| {
        let text = json!({ "p_title": title, "p_message": "All is well.", "p_tiers": tiers });
        stack.service().rpc("announce", &text).await.expect_status(200).json
    };
    let jobs = async || {
        let sql = "select to_jsonb(j) from public.background_jobs j
                   where job_type = 'announcement' and payload ->> 'announcement_id' = $1";
        let announcement = announce(&["career_insurance"]).await["announcement_id"].clone();
        stack.database().json(sql, &[&announcement.as_str().unwrap()]).await
    };

    let (first, second) = tokio::join!(announce(&["career_insurance"]), announce(&["career_insurance"]));
    assert_eq!((&first["outcome"], &first["announcement_id"]), (&json!("announced"), &second["announcement_id"]));
    assert_eq!(jobs().await.len(), 1);
    let late = people_of(&stack, "career_insurance", 1).await;
    // Several at once, and far apart from each other: each tells others.
    let step = json!({ "p_announcement_id": first["announcement_id"], "p_limit": 1 });
    let steps = join_all((0..4).map(async |_| stack.service().rpc("tell_announcement", &step).await)).await;
    assert!(steps.iter().all(|step| step.status == 200 && step.json["is_finished"] == false), "{steps:?}");
    tests::eventually("everybody is told", async || {
        run_jobs(&stack, &["announcement"]).await;
        (jobs().await[0]["status"] == "completed").then_some(())
    })
    .await;

    for person in &insured {
        let told = told(&stack, person, kind).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0]["title"], &told[0]["message"]), (&json!(title), &json!("All is well.")));
        let pushes = "select to_jsonb(j) from public.background_jobs j
                      where job_type = 'push_notification' and dedupe_key = 'notification:' || $1";
        assert_eq!(stack.database().json(pushes, &[&id(&told[0]["id"]).to_string()]).await.len(), 1);
    }
    for person in large.iter().chain(&late) {
        assert!(told(&stack, person, kind).await.is_empty(), "another tier, and one who came later");
    }
    assert_eq!(announce(&["career_insurance"]).await["outcome"], "already_announced");

    // With a further tier, into which one of them has moved.
    move_to(&stack, &insured[0], "enterprise").await;
    assert_eq!(announce(&["career_insurance", "enterprise"]).await["outcome"], "announced");
    tests::eventually("the others are told", async || {
        run_jobs(&stack, &["announcement"]).await;
        let jobs = jobs().await;
        (jobs.len() == 2 && jobs.iter().all(|job| job["status"] == "completed")).then_some(())
    })
    .await;
    for person in insured.iter().chain(&large) {
        assert_eq!(told(&stack, person, kind).await.len(), 1);
    }
    for bad in [
        json!({ "p_title": "", "p_message": "x" }),
        json!({ "p_title": "x", "p_message": "x", "p_tiers": [] }),
        json!({ "p_title": "x", "p_message": "x".repeat(1001) }),
    ] {
        assert_eq!(stack.service().rpc("announce", &bad).await.expect_status(422).code(), "invalid_input");
    }
}
