//! When alerts are due, and whose turn it is.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use serde_json::{Value, json};
use tests::Stack;
use uuid::Uuid;

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn quiet_hours_end_by_the_local_clock() {
    let stack = Stack::get().await;
    for (at, timezone, start, end, expected) in [
        ("2026-11-28T12:00:00Z", "UTC", 21_i16, 8_i16, "2026-11-28T12:00:00Z"),
        ("2026-11-28T20:59:59Z", "UTC", 21, 8, "2026-11-28T20:59:59Z"),
        ("2026-11-28T21:00:00Z", "UTC", 21, 8, "2026-11-29T08:00:00Z"),
        ("2026-11-29T07:59:59Z", "UTC", 21, 8, "2026-11-29T08:00:00Z"),
        ("2026-11-29T08:00:00Z", "UTC", 21, 8, "2026-11-29T08:00:00Z"),
        // Hours within one day, none at all, and all but one.
        ("2026-11-29T03:00:00Z", "UTC", 1, 5, "2026-11-29T05:00:00Z"),
        ("2026-11-29T05:00:00Z", "UTC", 1, 5, "2026-11-29T05:00:00Z"),
        ("2026-11-29T03:00:00Z", "UTC", 5, 5, "2026-11-29T03:00:00Z"),
        ("2026-11-29T13:30:00Z", "UTC", 13, 12, "2026-11-30T12:00:00Z"),
        // Elsewhere it is another hour, and another day.
        ("2026-06-01T03:00:00Z", "America/New_York", 21, 8, "2026-06-01T12:00:00Z"),
        ("2026-11-28T15:00:00Z", "Asia/Kolkata", 21, 8, "2026-11-28T15:00:00Z"),
        ("2026-11-28T15:30:00Z", "Asia/Kolkata", 21, 8, "2026-11-29T02:30:00Z"),
        ("2026-12-31T09:00:00Z", "Pacific/Kiritimati", 21, 8, "2026-12-31T18:00:00Z"),
        // The clocks go forward in this night, and back in that one.
        ("2026-03-28T22:30:00Z", "Europe/London", 21, 8, "2026-03-29T07:00:00Z"),
        ("2026-10-24T22:30:00Z", "Europe/London", 21, 8, "2026-10-25T08:00:00Z"),
        // Two o'clock does not exist on this day.
        ("2026-03-08T06:30:00Z", "America/New_York", 1, 2, "2026-03-08T07:00:00Z"),
    ] {
        let sql = "select private.after_quiet_hours($1, $2, $3, $4)";
        let end: DateTime<Utc> = stack.database().query(sql, &[&moment(at), &timezone, &start, &end]).await[0].get(0);
        assert_eq!(end, moment(expected), "{at} {timezone} {start}");
    }
}

/// The next times of a search, by the local clock.
async fn times(
    stack: &Stack,
    query: &Value,
    frequency: &str,
    zone: (&str, i16, i16),
    after: &str,
) -> Vec<NaiveDateTime> {
    let sql = "with recursive run (number, at) as (
                   select 0, $6::timestamptz
                   union all
                   select number + 1, private.next_alert_at($1, $2, $3, $4, $5, at) from run where number < 30)
               select at at time zone $3 from run where number > 0 order by number";
    let (timezone, start, end) = zone;
    let rows = stack.database().query(sql, &[query, &frequency, &timezone, &start, &end, &moment(after)]).await;
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn alerts_keep_to_the_local_clock_through_changes_of_the_clocks() {
    let stack = Stack::get().await;
    for zone @ (timezone, start, end) in [
        ("UTC", 21, 8),
        ("Europe/London", 21, 8),
        ("America/New_York", 21, 8),
        ("Australia/Lord_Howe", 22, 7), // whose clocks change by half an hour
        ("Asia/Kathmandu", 9, 17),
        ("Pacific/Apia", 0, 0),
        ("America/Sao_Paulo", 23, 22), // one hour is left
    ] {
        for after in ["2026-03-05T23:30:00Z", "2026-03-27T12:00:00Z", "2026-10-20T06:00:00Z", "2026-10-30T00:00:00Z"] {
            for number in 0..3 {
                let query = json!({ "keywords": number });
                let told = format!("{timezone} {start} to {end}, after {after}, search {number}");
                let is_quiet = |at: &NaiveDateTime| {
                    let hour = i16::try_from(at.hour()).unwrap();
                    if start <= end { (start..end).contains(&hour) } else { hour >= start || hour < end }
                };

                for (frequency, days) in [("daily", 1), ("weekly", 7)] {
                    let times = times(&stack, &query, frequency, zone, after).await;
                    assert!(!times.iter().any(is_quiet), "{told}: {times:?}");
                    let first = (times[0] - moment(after).naive_utc()).num_hours();
                    assert!((-14..=24 * days + 14).contains(&first), "{told}: {times:?}");
                    for pair in times.windows(2) {
                        assert_eq!((pair[1].date() - pair[0].date()).num_days(), days, "{told}: {pair:?}");
                        // An hour that does not exist is an hour later.
                        let drift = (pair[1].time() - pair[0].time()).num_minutes().abs();
                        assert!(drift == 0 || pair[0].hour() <= 3, "{told}: {pair:?}");
                    }
                }

                let times = times(&stack, &query, "instant", zone, after).await;
                assert!(!times.iter().any(is_quiet), "{told}: {times:?}");
                let night = i64::from((end - start + 24) % 24);
                for pair in times.windows(2) {
                    let pause = pair[1] - pair[0];
                    let is_night = pause > TimeDelta::hours(2);
                    assert!(!is_night || pause <= TimeDelta::hours(night + 2), "{told}: {pair:?}");
                    assert!(!is_night || i16::try_from(pair[1].hour()).unwrap() == end, "{told}: {pair:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn equal_searches_have_one_time_and_different_ones_are_spread_out() {
    let stack = Stack::get().await;
    let zone = ("Europe/London", 21, 8);
    let mut hours = std::collections::BTreeSet::new();
    for number in 0..60 {
        let (query, same) =
            (json!({ "keywords": number, "location": "Leeds" }), json!({ "location": "Leeds", "keywords": number }));
        let first = times(&stack, &query, "daily", zone, "2026-06-01T00:00:00Z").await[0];
        assert_eq!(times(&stack, &same, "daily", zone, "2026-06-01T00:00:00Z").await[0], first);
        hours.insert(first.hour());
    }
    assert!(hours.len() >= 10, "of thirteen: {hours:?}");
}

/// Everything happens in one transaction, which is never committed: nobody else's searches are due in it, and nobody
/// else sees its own.
#[tokio::test]
async fn people_take_turns_however_many_searches_each_of_them_has() {
    let stack = Stack::get().await;
    let mut connection = stack.database().connect().await;
    let transaction = connection.transaction().await.unwrap();
    for prepare in [
        "update private.saved_search_alert_turns set due_at = null",
        "delete from private.row_limits where table_name = 'saved_searches'",
        "delete from private.job_search_calls",
        "update private.job_search_limits set calls_for_alerts = 10 where period = '1 minute'",
        "update private.job_search_limits set calls = 1000000, calls_for_alerts = 1000000 where period > '1 minute'",
    ] {
        transaction.execute(prepare, &[]).await.unwrap();
    }
    // The first has two thousand searches that have been due since yesterday, twelve others have two each.
    let mut people = Vec::new();
    for number in 0..13 {
        let id = Uuid::new_v4();
        let account = "insert into auth.users (id, raw_app_meta_data) values ($1, '{}')";
        transaction.execute(account, &[&id]).await.unwrap();
        let searches = "insert into public.saved_searches (user_id, search_name, search_query)
                        select $1::uuid, 'Saved', jsonb_build_object('keywords', $1::uuid::text || number)
                        from generate_series(1, $2::int) number";
        transaction.execute(searches, &[&id, &if number == 0 { 2000 } else { 2 }]).await.unwrap();
        people.push(id);
    }
    let due = "update private.saved_search_alerts set next_at = now() - interval '1 day' where user_id = any ($1)";
    transaction.execute(due, &[&people]).await.unwrap();
    let turns = "update private.saved_search_alert_turns as turn set due_at = now() - interval '1 day' + number * interval '1 second'
                 from unnest($1::uuid[]) with ordinality as person (id, number) where turn.user_id = person.id";
    transaction.execute(turns, &[&people]).await.unwrap();

    let mut queued: Vec<Vec<i64>> = Vec::new();
    for _ in 0..3 {
        transaction.query_one("select public.queue_due_saved_search_alerts()", &[]).await.unwrap();
        let counts = "select (select count(*) from public.background_jobs
                              where user_id = person.id and job_type = 'saved_search_alert')
                      from unnest($1::uuid[]) with ordinality as person (id, number) order by number";
        queued.push(transaction.query(counts, &[&people]).await.unwrap().iter().map(|row| row.get(0)).collect());
    }

    assert_eq!(queued[0], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], "there is room for ten");
    assert_eq!(queued[1][10..], [2, 2, 2], "those who have waited come first, with all they have");
    assert_eq!(queued[1].iter().sum::<i64>(), 20);
    assert_eq!(queued[2], [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], "when nobody else waits, more of the first");
    let next = "select due_at > now() from private.saved_search_alert_turns where user_id = any ($1) order by due_at";
    let all_later = transaction.query(next, &[&people]).await.unwrap().iter().all(|row| row.get(0));
    assert!(all_later, "whoever had a turn is behind those who come now");
}

#[tokio::test]
async fn a_person_in_another_place_is_told_at_another_time() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let caller = ada.caller().await;
    let search = json!({ "search_name": "Saved", "search_query": { "keywords": "Rust" } });
    let search = caller.insert("saved_searches", &search).await.expect_status(201).json[0]["id"].clone();
    let search: Uuid = serde_json::from_value(search).unwrap();
    let ran = "update public.saved_searches set last_run_at = now() + interval '1 second' where id = $1";
    stack.database().query(ran, &[&search]).await;
    let next_hour = async |timezone: &str| {
        let sql = "select to_char(next_at at time zone $2, 'HH24:MI:SS') from private.saved_search_alerts
                   where saved_search_id = $1";
        let rows = stack.database().query(sql, &[&search, &timezone]).await;
        rows[0].get::<_, String>(0)
    };

    let preferences = format!("user_preferences?user_id=eq.{}", ada.user_id);
    let quiet = json!({ "quiet_hours_start": 21, "quiet_hours_end": 8 });
    caller.update(&preferences, &quiet).await.expect_status(200);
    let in_utc = next_hour("UTC").await;
    let profile = format!("users?id=eq.{}", ada.user_id);
    caller.update(&profile, &json!({ "timezone": "Asia/Tokyo" })).await.expect_status(200);
    assert_eq!(next_hour("Asia/Tokyo").await, in_utc, "the same hour by the person's own clock");

    // A database that has forgotten the zone.
    let mut connection = stack.database().connect().await;
    let transaction = connection.transaction().await.unwrap();
    transaction.execute("set local session_replication_role = replica", &[]).await.unwrap();
    transaction
        .execute("update public.users set timezone = 'Europe/Atlantis' where id = $1", &[&ada.user_id])
        .await
        .unwrap();
    let clock = "select timezone, quiet_start, quiet_end from private.clock_of_person($1)";
    let row = transaction.query_one(clock, &[&ada.user_id]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i16>(1), row.get::<_, i16>(2)), ("UTC", 21, 8));
}
