//! The devices of a person: how many are kept, and which.

use serde_json::{Value, json};
use tests::{Person, Stack};
use uuid::Uuid;

fn token() -> String {
    format!("ExponentPushToken[{}]", Uuid::new_v4())
}

/// Devices that were last seen so many days ago.
async fn seen(stack: &Stack, person: &Person, days: std::ops::RangeInclusive<i32>) {
    let sql = "insert into public.user_push_tokens (user_id, token, device_name, last_seen_at)
               select $1, 'ExponentPushToken[' || gen_random_uuid() || ']', days::text, now() - make_interval(days => days)
               from generate_series($2::int, $3::int) as days";
    stack.database().query(sql, &[&person.user_id, days.start(), days.end()]).await;
}

/// The names of a person's devices, those that were seen last first.
async fn names(stack: &Stack, person: &Person) -> Vec<String> {
    let sql = "select device_name from public.user_push_tokens where user_id = $1 order by last_seen_at desc";
    stack.database().query(sql, &[&person.user_id]).await.iter().map(|row| row.get(0)).collect()
}

async fn register(person: &Person, token: &str, name: &str) -> Value {
    let device = json!({ "p_token": token, "p_platform": "ios", "p_device_name": name });
    person.caller().await.rpc("register_push_token", &device).await.expect_status(200).json
}

#[tokio::test]
async fn of_many_devices_the_twenty_that_were_seen_last_are_kept() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    seen(&stack, &ada, 1..=24).await;
    seen(&stack, &grace, 1..=24).await;

    register(&ada, &token(), "new").await;

    let kept: Vec<String> = ["new".to_owned()].into_iter().chain((1..=19).map(|days| days.to_string())).collect();
    assert_eq!(names(&stack, &ada).await, kept);
    assert_eq!(names(&stack, &grace).await.len(), 24, "nobody else's are touched");

    // One that is known makes room for no other.
    let sql = "select token from public.user_push_tokens where user_id = $1 and device_name = '19'";
    let known: String = stack.database().query(sql, &[&ada.user_id]).await[0].get(0);
    register(&ada, &known, "back").await;
    let kept: Vec<String> =
        ["back", "new"].map(str::to_owned).into_iter().chain((1..=18).map(|days| days.to_string())).collect();
    assert_eq!(names(&stack, &ada).await, kept);
}

#[tokio::test]
async fn a_device_that_comes_back_is_as_it_says_now_whosever_it_was() {
    let stack = Stack::get().await;
    let (ada, grace) = (stack.new_person().await, stack.new_person().await);
    let token = token();
    let first = register(&ada, &token, "Ada's").await;
    let gone = "update public.user_push_tokens
                set revoked_at = now(), last_seen_at = now() - interval '1 year' where token = $1";
    for (person, name) in [(&ada, "Ada's again"), (&grace, "Grace's")] {
        stack.database().query(gone, &[&token]).await;

        let again = register(person, &token, name).await;

        assert_eq!(again["id"], first["id"]);
        let sql = "select user_id = $2 and device_name = $3 and revoked_at is null
                          and last_seen_at > now() - interval '1 day'
                   from public.user_push_tokens where token = $1";
        let is_so = &stack.database().query(sql, &[&token, &person.user_id, &name]).await[0];
        assert!(is_so.get::<_, bool>(0), "{name}");
    }
    assert!(names(&stack, &ada).await.is_empty());
}
