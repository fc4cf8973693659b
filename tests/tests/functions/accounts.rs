//! The accounts follow Clerk, whatever order its webhooks come in, and whoever is quicker than them.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Value, json};
use simulators::clerk::webhook::sign;
use tests::{EventSpec, Fault, Finish, Method, Person, Reply, SentEvent, Service, Stack, TokenSpec};
use uuid::Uuid;

const NAME: &str = "clerk-webhook-handler";

fn new_clerk_id() -> String {
    format!("user_{}", Uuid::new_v4().simple())
}

fn new_address() -> String {
    format!("{}@people.example", Uuid::new_v4().simple())
}

/// A person as Clerk describes them; the primary address is not the first one.
fn user(clerk_id: &str, updated_at: i64, address: &str) -> Value {
    json!({
        "id": clerk_id, "object": "user", "created_at": 1_000, "updated_at": updated_at,
        "first_name": "Grace", "last_name": format!("Hopper {updated_at}"), "username": null, "external_id": null,
        "primary_email_address_id": "idn_primary", "primary_phone_number_id": null, "phone_numbers": [],
        "email_addresses": [
            { "id": "idn_other", "email_address": new_address(), "verification": { "status": "verified" } },
            { "id": "idn_primary", "email_address": address, "verification": { "status": "verified", "strategy": "email_code" } },
        ],
        "public_metadata": {}, "unsafe_metadata": { "clerk_id": "user_somebody_else", "role": "admin" },
    })
}

async fn send(stack: &Stack, kind: &str, data: Value) -> SentEvent {
    stack.clerk().send(&EventSpec::new(kind, data)).await
}

async fn delete(stack: &Stack, clerk_id: &str) -> SentEvent {
    send(stack, "user.deleted", json!({ "id": clerk_id, "object": "user", "deleted": true })).await
}

/// The profiles with this Clerk id, with their accounts.
async fn people(stack: &Stack, clerk_id: &str) -> Vec<Value> {
    let sql = "select to_jsonb(profile) || jsonb_build_object('account', to_jsonb(account))
               from public.users profile join auth.users account using (id) where clerk_user_id = $1";
    stack.database().json(sql, &[&clerk_id]).await
}

async fn person(stack: &Stack, clerk_id: &str) -> Value {
    let mut people = people(stack, clerk_id).await;
    assert_eq!(people.len(), 1, "one account: {people:#?}");
    people.remove(0)
}

async fn inbox(stack: &Stack, clerk_id: &str) -> Vec<Value> {
    let sql = "select to_jsonb(e) from public.webhook_events e where clerk_user_id = $1 order by received_at";
    stack.database().json(sql, &[&clerk_id]).await
}

/// Posts to the handler as it is, without the simulator.
async fn post(stack: &Stack, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let request = stack.http(Method::POST, stack.function_url(NAME)).body(body.into());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_bytes()));
    Reply::to(request).await
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Posts any body with a good signature.
async fn post_signed(stack: &Stack, content_type: &str, body: &str) -> Reply {
    let (id, timestamp) = (format!("msg_{}", Uuid::new_v4().simple()), now().to_string());
    let signature = sign(&stack.keys().clerk_webhook_secret, &id, &timestamp, body);
    let headers = [
        ("content-type", content_type),
        ("svix-id", id.as_str()),
        ("svix-timestamp", timestamp.as_str()),
        ("svix-signature", signature.as_str()),
    ];
    post(stack, &headers, body).await
}

/// A token with these claims besides the usual ones.
fn token(clerk_id: &str, claims: &Value) -> TokenSpec {
    TokenSpec { sub: clerk_id.to_owned(), claims: claims.as_object().unwrap().clone(), ..TokenSpec::default() }
}

/// What `initiate-skyvern-application` says to somebody with these claims. Whoever is known to us hears that there is no
/// such application.
async fn ask_with(stack: &Stack, clerk_id: &str, claims: &Value) -> Reply {
    let token = stack.clerk().mint(&token(clerk_id, claims)).await;
    let body = json!({ "application_id": Uuid::new_v4() });
    stack.bearer(&token).invoke("initiate-skyvern-application", &body).await
}

#[tokio::test]
async fn a_new_person_gets_an_account_and_a_profile() {
    let stack = Stack::get().await;
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let mut data = user(&clerk_id, 5_000, &address.to_uppercase());
    data["primary_phone_number_id"] = json!("idn_phone");
    let number = format!("+4479{:08}", Uuid::new_v4().as_u128() % 100_000_000);
    data["phone_numbers"] =
        json!([{ "id": "idn_phone", "phone_number": number, "verification": { "status": "verified" } }]);

    let sent = send(&stack, "user.created", data).await;

    assert_eq!(sent.outcome(), "created");
    let person = person(&stack, &clerk_id).await;
    assert_eq!(sent.answers[0].json["user_id"], person["id"]);
    assert_eq!((&person["email"], &person["full_name"]), (&json!(address), &json!("Grace Hopper 5000")));
    assert_eq!((&person["phone_number"], &person["role"]), (&json!(number), &json!("seeker")));
    let account = &person["account"];
    assert_eq!(account["raw_app_meta_data"]["clerk_id"], json!(clerk_id));
    expect_closed(account);
    for token in ["confirmation_token", "recovery_token", "email_change", "email_change_token_new"] {
        assert_eq!(account[token], "", "the Auth server cannot read null in {token}");
    }

    // And their token now is theirs, in the database as in the functions.
    let caller = stack.bearer(&stack.clerk().token(&clerk_id).await);
    assert_eq!(caller.select("users?select=email").await.json, json!([{ "email": address }]));
    let known = ask_with(&stack, &clerk_id, &json!({})).await;
    assert_eq!(known.header("server-timing").matches("database").count(), 1, "{known:?}");
    known.expect_problem(404, "application_not_found");
}

/// Supabase Auth finds nobody in this row of `auth.users`, and would let nobody in as them.
fn expect_closed(account: &Value) {
    for column in ["email", "email_confirmed_at", "phone", "phone_confirmed_at", "confirmed_at", "encrypted_password"] {
        assert_eq!(account[column], Value::Null, "{column}: {account:#}");
    }
    assert_eq!(account["banned_until"], "9999-01-01T00:00:00+00:00", "for good, in a form that Go can read");
}

#[tokio::test]
async fn supabase_auth_opens_no_account_of_clerks() {
    let stack = Stack::get().await;
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let _ = send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await.outcome();
    let id: Uuid = person(&stack, &clerk_id).await["id"].as_str().unwrap().parse().unwrap();

    // What Supabase Auth writes when it sends a link, lifts a ban, or changes an address.
    for change in [
        "recovery_token = 'link', recovery_sent_at = now()",
        "banned_until = null",
        "email = 'thief@people.example', email_confirmed_at = now(), encrypted_password = 'hash'",
        "email_change = 'thief@people.example', email_change_token_new = 'link'",
        "phone = '15550100', phone_confirmed_at = now(), phone_change_token = '123456'",
    ] {
        stack.database().query(&format!("update auth.users set {change} where id = $1"), &[&id]).await;
        let person = person(&stack, &clerk_id).await;
        expect_closed(&person["account"]);
        for token in ["recovery_token", "email_change", "email_change_token_new", "phone_change_token"] {
            assert_eq!(person["account"][token], "", "{change}");
        }
        assert_eq!(person["email"], json!(address), "{change}");
    }

    // A row that a server makes for a Clerk id is closed likewise; the profile has the address.
    let imported = tests::Person::sign_up(&stack).await;
    let row = person(&stack, &imported.clerk_user_id).await;
    expect_closed(&row["account"]);
    assert_eq!(row["email"], json!(imported.email));
}

#[tokio::test]
async fn an_address_that_nobody_confirmed_is_nobodys() {
    let stack = Stack::get().await;
    let address = new_address();
    let squatter = Uuid::new_v4();
    let sign_up = "insert into auth.users (id, email) values ($1, $2)";
    stack.database().query(sign_up, &[&squatter, &address]).await;
    assert_eq!(stack.database().row("users", squatter).await["email"], Value::Null);

    let clerk_id = new_clerk_id();
    let _ = send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await.outcome();
    assert_eq!(person(&stack, &clerk_id).await["email"], json!(address), "its owner is not kept from having it");
    let confirm = "update auth.users set email_confirmed_at = now() where id = $1";
    stack.database().query(confirm, &[&squatter]).await;
    assert_eq!(stack.database().row("users", squatter).await["email"], Value::Null, "and keeps it");

    // Of Supabase Auth's own people it is known from when they confirm it.
    let (newcomer, address) = (Uuid::new_v4(), new_address());
    stack.database().query(sign_up, &[&newcomer, &address]).await;
    stack.database().query(confirm, &[&newcomer]).await;
    assert_eq!(stack.database().row("users", newcomer).await["email"], json!(address));
}

#[tokio::test]
async fn news_may_come_in_any_order() {
    let stack = Stack::get().await;
    let news = [("user.created", 1_000), ("user.updated", 2_000), ("user.updated", 3_000)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let clerk_id = new_clerk_id();
        let addresses = [new_address(), new_address(), new_address()];
        let mut newest = 0;
        for index in order {
            let (kind, updated_at) = news[index];
            let sent = send(&stack, kind, user(&clerk_id, updated_at, &addresses[index])).await;
            let expected = match newest {
                0 => "created",
                newest if newest > updated_at => "outdated",
                _ => "updated",
            };
            assert_eq!(sent.outcome(), expected, "{order:?}");
            newest = newest.max(updated_at);
        }
        let person = person(&stack, &clerk_id).await;
        assert_eq!((&person["email"], &person["full_name"]), (&json!(addresses[2]), &json!("Grace Hopper 3000")));
        assert_eq!(inbox(&stack, &clerk_id).await.len(), 3);
    }
}

#[tokio::test]
async fn at_the_same_instant_the_update_is_the_newer_news() {
    let stack = Stack::get().await;
    for kinds in [["user.created", "user.updated"], ["user.updated", "user.created"]] {
        let (clerk_id, address) = (new_clerk_id(), new_address());
        for kind in kinds {
            let stated = if kind == "user.updated" { address.clone() } else { new_address() };
            let _ = send(&stack, kind, user(&clerk_id, 1_000, &stated)).await.outcome();
        }
        assert_eq!(person(&stack, &clerk_id).await["email"], json!(address), "{kinds:?}");
    }
}

#[tokio::test]
async fn what_the_person_wrote_themselves_stays() {
    let stack = Stack::get().await;
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let _ = send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await.outcome();
    let _ = send(&stack, "user.updated", user(&clerk_id, 2_000, &address)).await.outcome();
    assert_eq!(person(&stack, &clerk_id).await["full_name"], "Grace Hopper 2000", "it follows Clerk");

    let caller = stack.bearer(&stack.clerk().token(&clerk_id).await);
    let own = json!({ "full_name": "Rear Admiral Hopper", "phone_number": "+1 555 0100 200" });
    caller.update("users?id=not.is.null", &own).await.expect_status(200);
    let _ = send(&stack, "user.updated", user(&clerk_id, 3_000, &address)).await.outcome();

    let person = person(&stack, &clerk_id).await;
    assert_eq!((&person["full_name"], &person["phone_number"]), (&own["full_name"], &own["phone_number"]));
}

#[tokio::test]
async fn only_a_verified_primary_address_counts() {
    let stack = Stack::get().await;
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let _ = send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await.outcome();
    for (updated_at, verification) in [(2_000, Value::Null), (3_000, json!({ "status": "unverified" }))] {
        let mut data = user(&clerk_id, updated_at, &address);
        data["email_addresses"][1]["verification"] = verification;
        assert_eq!(send(&stack, "user.updated", data).await.outcome(), "updated");
        let person = person(&stack, &clerk_id).await;
        assert_eq!(person["email"], Value::Null);
    }
    let mut nobody = user(&clerk_id, 4_000, &address);
    nobody["email_addresses"] = json!([]);
    nobody["primary_email_address_id"] = Value::Null;
    assert_eq!(send(&stack, "user.updated", nobody).await.outcome(), "updated");
    assert_eq!(send(&stack, "user.updated", user(&clerk_id, 5_000, &address)).await.outcome(), "updated");
    assert_eq!(person(&stack, &clerk_id).await["email"], json!(address));
}

#[tokio::test]
async fn fifty_copies_at_once_make_one_account() {
    let stack = Stack::get().await;
    let clerk_id = new_clerk_id();
    let spec = EventSpec { copies: 50, ..EventSpec::new("user.created", user(&clerk_id, 1_000, &new_address())) };

    let sent = stack.clerk().send(&spec).await;

    let mut outcomes = sent.outcomes();
    outcomes.sort_unstable();
    assert_eq!((outcomes[0], &outcomes[1..]), ("created", &["duplicate"; 49][..]));
    assert_eq!(inbox(&stack, &clerk_id).await.len(), 1);
    assert!(person(&stack, &clerk_id).await["email"].is_string());

    // Replayed by hand, after other news.
    let _ = send(&stack, "user.updated", user(&clerk_id, 2_000, &new_address())).await.outcome();
    let again = EventSpec { svix_id: Some(sent.svix_id), copies: 1, ..spec };
    assert_eq!(stack.clerk().send(&again).await.outcome(), "duplicate");
}

#[tokio::test]
async fn different_news_of_one_person_at_once_ends_with_the_newest() {
    let stack = Stack::get().await;
    let clerk_id = new_clerk_id();
    let addresses: Vec<String> = (0..20).map(|_| new_address()).collect();
    let sent = join_all((1..).zip(&addresses).map(async |(updated_at, address)| {
        let kind = if updated_at == 1 { "user.created" } else { "user.updated" };
        send(&stack, kind, user(&clerk_id, updated_at, address)).await
    }))
    .await;
    assert_eq!(sent.iter().filter(|sent| sent.outcome() == "created").count(), 1);
    assert_eq!(person(&stack, &clerk_id).await["email"], json!(addresses[19]));
}

#[tokio::test]
async fn an_address_belongs_to_whom_clerk_gave_it_last() {
    let stack = Stack::get().await;
    let (first, second, address) = (new_clerk_id(), new_clerk_id(), new_address());
    let _ = send(&stack, "user.created", user(&first, 1_000, &address)).await.outcome();
    // The first one gave it up at 2000, but that news is late.
    assert_eq!(send(&stack, "user.created", user(&second, 3_000, &address)).await.outcome(), "created");
    assert_eq!(person(&stack, &second).await["email"], json!(address));
    assert_eq!(person(&stack, &first).await["email"], Value::Null);
    let other = new_address();
    assert_eq!(send(&stack, "user.updated", user(&first, 2_000, &other)).await.outcome(), "updated");
    assert_eq!(person(&stack, &first).await["email"], json!(other));

    // Older news of a third one takes nothing away.
    let third = new_clerk_id();
    assert_eq!(send(&stack, "user.created", user(&third, 500, &address)).await.outcome(), "created");
    assert_eq!(person(&stack, &third).await["email"], Value::Null);
    assert_eq!(person(&stack, &second).await["email"], json!(address));
}

#[tokio::test]
async fn two_people_may_swap_addresses_at_the_same_time() {
    let stack = Stack::get().await;
    for _ in 0..5 {
        let (ada, grace) = (new_clerk_id(), new_clerk_id());
        let (first, second) = (new_address(), new_address());
        let _ = send(&stack, "user.created", user(&ada, 1_000, &first)).await.outcome();
        let _ = send(&stack, "user.created", user(&grace, 1_000, &second)).await.outcome();
        let (one, other) = tokio::join!(
            send(&stack, "user.updated", user(&ada, 2_000, &second)),
            send(&stack, "user.updated", user(&grace, 2_001, &first)),
        );
        assert_eq!((one.outcome(), other.outcome()), ("updated", "updated"));
        assert_eq!(person(&stack, &ada).await["email"], json!(second));
        assert_eq!(person(&stack, &grace).await["email"], json!(first));
    }
}

#[tokio::test]
async fn an_equal_address_joins_no_two_accounts() {
    let stack = Stack::get().await;
    let address = new_address();
    let through_supabase = Uuid::new_v4();
    let sign_up = "insert into auth.users (id, email, email_confirmed_at) values ($1, $2, now())";
    stack.database().query(sign_up, &[&through_supabase, &address]).await;

    let clerk_id = new_clerk_id();
    assert_eq!(send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await.outcome(), "created");

    let newcomer = person(&stack, &clerk_id).await;
    assert_ne!(newcomer["id"], json!(through_supabase));
    assert_eq!(newcomer["email"], Value::Null, "who is not Clerk's keeps what they have");
    assert_eq!(stack.database().row("users", through_supabase).await["email"], json!(address));
}

#[tokio::test]
async fn a_deletion_stays() {
    let stack = Stack::get().await;
    for comes_first in ["user.created", "user.deleted"] {
        let (clerk_id, address) = (new_clerk_id(), new_address());
        if comes_first == "user.created" {
            let _ = send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await.outcome();
        }
        assert_eq!(delete(&stack, &clerk_id).await.outcome(), "deleted");
        assert_eq!(delete(&stack, &clerk_id).await.outcome(), "deleted");
        for kind in ["user.created", "user.updated"] {
            let late = send(&stack, kind, user(&clerk_id, 9_000, &address)).await;
            assert_eq!(late.outcome(), "account_deleted", "{kind} after the deletion");
        }
        assert!(people(&stack, &clerk_id).await.is_empty());
        // A token outlives its account by up to a minute.
        let reply = ask_with(&stack, &clerk_id, &json!({ "email": address })).await;
        reply.expect_problem(403, "account_deleted");
        assert!(people(&stack, &clerk_id).await.is_empty());
        for event in inbox(&stack, &clerk_id).await {
            assert!(!event["body"].as_str().unwrap().contains(&address), "nothing personal is left: {event:#}");
        }
        // The address is free for somebody else.
        let other = new_clerk_id();
        let _ = send(&stack, "user.created", user(&other, 1_000, &address)).await.outcome();
        assert_eq!(person(&stack, &other).await["email"], json!(address));
    }
}

#[tokio::test]
async fn with_the_person_goes_everything_that_is_theirs() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let going = ada.pending_application().await;
    let run_id = ada.initiate(going).await.expect_status(202).run_id().to_owned();
    let draft = ada.draft_application().await;

    assert_eq!(delete(&stack, &ada.clerk_user_id).await.outcome(), "deleted");

    for table in ["users", "user_preferences", "applications", "application_events", "notifications"] {
        let column = if table == "users" { "id" } else { "user_id" };
        assert!(stack.database().rows(table, column, ada.user_id).await.is_empty(), "{table}");
    }
    let account = stack.database().query("select from auth.users where id = $1", &[&ada.user_id]).await;
    assert!(account.is_empty());

    // Two things SQL cannot do are left to be done.
    let job = async |key: String| {
        let sql = "select to_jsonb(j) from public.background_jobs j where dedupe_key = $1";
        stack.database().json(sql, &[&key]).await
    };
    let files = job(format!("delete_files:{}", ada.user_id)).await;
    assert_eq!(files[0]["payload"], json!({ "buckets": ["resumes", "cover_letters"], "folder": ada.user_id }));
    let cancel = job(format!("cancel_skyvern_run:{run_id}")).await;
    assert_eq!(cancel[0]["payload"]["run_id"], json!(run_id));
    let sql = "select to_jsonb(j) from public.background_jobs j where payload ->> 'application_id' = $1";
    let of_draft = stack.database().json(sql, &[&draft.to_string()]).await;
    assert!(of_draft.is_empty(), "a draft has no run: {of_draft:#?}");

    // Skyvern still tells how it went, and nothing of that is kept.
    let finished = stack.skyvern().finish(&run_id, &Finish::submitted()).await;
    assert_eq!(finished.deliveries[0].status(), Some(200), "{finished:#?}");
    let sql = "select to_jsonb(e) from public.webhook_events e where run_id = $1";
    let events = stack.database().json(sql, &[&run_id]).await;
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["body"], &events[0]["outcome"]), (&json!(""), &json!("account_deleted")), "{events:#?}");
}

#[tokio::test]
async fn odd_text_in_an_event_does_not_stop_it() {
    let stack = Stack::get().await;
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let body = format!(
        r#"{{"type":"user.created","data":{{"id":"{clerk_id}","updated_at":1,"first_name":"Gr\u0000ace{}","last_name":null,
            "primary_email_address_id":"i","email_addresses":[{{"id":"i","email_address":"{address}","verification":
            {{"status":"verified"}}}}],"unsafe_metadata":{{"x":"\ud800","y":"\u0000","z":[[[[]]]]}}}}}}"#,
        "e".repeat(300),
    );
    post_signed(&stack, "application/json", &body).await.expect_status(200);
    let person = person(&stack, &clerk_id).await;
    assert_eq!(person["full_name"].as_str().map(str::len), Some(200));
    assert_eq!(person["email"], json!(address));

    // A malformed address counts as no address.
    for address in ["no address", &format!("{}@x.example", "a".repeat(300))] {
        let clerk_id = new_clerk_id();
        assert_eq!(send(&stack, "user.created", user(&clerk_id, 1, address)).await.outcome(), "created");
        assert_eq!(people(&stack, &clerk_id).await[0]["email"], Value::Null);
    }
}

#[tokio::test]
async fn events_of_other_kinds_are_taken_and_kept_nowhere() {
    let stack = Stack::get().await;
    for kind in ["session.created", "email.created", "organization.deleted", "user.anything", ""] {
        let id = format!("msg_{}", Uuid::new_v4().simple());
        let spec = EventSpec { svix_id: Some(id.clone()), ..EventSpec::new(kind, json!({ "id": "x" })) };
        assert_eq!(stack.clerk().send(&spec).await.outcome(), "ignored", "{kind}");
        let kept = stack.database().query("select from public.webhook_events where event_key = $1", &[&id]).await;
        assert!(kept.is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn an_event_that_the_database_did_not_take_comes_again() {
    let stack = Stack::get().await;
    let unavailable = json!({ "code": "PGRST000", "message": "no connection", "details": null, "hint": null });
    let status = |status, body| Fault::Status { status, body, headers: std::collections::BTreeMap::new() };
    for (fault, refusal, then) in [
        (status(503, unavailable), (503, "database_unavailable"), "created"),
        (status(500, json!({ "code": "XX000", "message": "secret detail" })), (500, "internal"), "created"),
        (Fault::Html, (503, "database_unavailable"), "created"),
        (Fault::Cut, (503, "database_unavailable"), "created"),
        // It was written, and the answer was lost.
        (Fault::CutAfterEffect, (503, "database_unavailable"), "duplicate"),
        (Fault::Hold, (504, "database_timed_out"), "duplicate"),
    ] {
        let clerk_id = new_clerk_id();
        let what = format!("{fault:?}");
        stack.fail_once(Service::Rest, &clerk_id, fault).await;
        let spec = EventSpec::new("user.created", user(&clerk_id, 1_000, &new_address()));
        let sent = stack.clerk().send(&spec).await;
        assert_eq!(sent.refusal(), refusal, "{what}: {sent:#?}");
        assert!(!sent.answers[0].json.to_string().contains("secret detail"), "{sent:#?}");

        let again = EventSpec { svix_id: Some(sent.svix_id), ..spec };
        assert_eq!(stack.clerk().send(&again).await.outcome(), then, "{what}");
        assert!(person(&stack, &clerk_id).await["email"].is_string());
    }
}

#[tokio::test]
async fn who_is_quicker_than_the_webhook_is_known_by_their_token() {
    let stack = Stack::get().await;
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let claims = json!({ "email": address });

    let replies = join_all((0..10).map(|_| ask_with(&stack, &clerk_id, &claims))).await;

    for reply in replies {
        reply.expect_problem(404, "application_not_found");
    }
    let early = person(&stack, &clerk_id).await;
    assert_eq!(early["email"], Value::Null, "nobody has said that it is verified");
    assert_eq!(early["full_name"], Value::Null);
    expect_closed(&early["account"]);

    let sent = send(&stack, "user.created", user(&clerk_id, 1_000, &address)).await;
    assert_eq!(sent.outcome(), "updated", "any news is newer than a token");
    let later = person(&stack, &clerk_id).await;
    assert_eq!((&later["id"], &later["full_name"]), (&early["id"], &json!("Grace Hopper 1000")));
    assert_eq!(later["email"], json!(address));
}

#[tokio::test]
async fn a_token_that_does_not_say_enough_makes_nobody_known() {
    let stack = Stack::get().await;
    for claims in [
        json!({}),
        json!({ "email": null }),
        json!({ "email": "" }),
        json!({ "email": "nobody" }),
        json!({ "email": "a\u{0}b@x.example" }),
        json!({ "email": new_address(), "email_verified": false }),
        json!({ "email": new_address(), "email_verified": "no" }),
    ] {
        let clerk_id = new_clerk_id();
        let reply = ask_with(&stack, &clerk_id, &claims).await;
        assert_eq!(reply.header("retry-after"), "2", "{claims}: {reply:?}");
        reply.expect_problem(403, "profile_pending");
        assert!(people(&stack, &clerk_id).await.is_empty(), "{claims}");
    }
    // The database, asked without a function before it, is no easier to convince.
    for email in [json!(7), json!([new_address()]), json!({ "a": "b@c" }), json!("a\u{0}b@x.example")] {
        let clerk_id = new_clerk_id();
        let token = stack.clerk().mint(&token(&clerk_id, &json!({ "email": email }))).await;
        let reply = stack.bearer(&token).rpc("ensure_person", &json!({})).await;
        assert_eq!((reply.status, reply.code()), (403, "profile_pending"), "{email}");
        assert!(people(&stack, &clerk_id).await.is_empty(), "{email}");
    }
    let (clerk_id, address) = (new_clerk_id(), new_address());
    let confirmed = json!({ "email": address, "email_verified": true });
    ask_with(&stack, &clerk_id, &confirmed).await.expect_problem(404, "application_not_found");
    assert_eq!(person(&stack, &clerk_id).await["email"], json!(address));
}

#[tokio::test]
async fn a_token_takes_no_address_from_anybody() {
    let stack = Stack::get().await;
    let ada = Person::sign_up(&stack).await;
    let clerk_id = new_clerk_id();
    let claims = json!({ "email": ada.email, "email_verified": true });
    ask_with(&stack, &clerk_id, &claims).await.expect_problem(404, "application_not_found");
    assert_eq!(person(&stack, &clerk_id).await["email"], Value::Null);
    assert_eq!(stack.database().row("users", ada.user_id).await["email"], json!(ada.email));

    // An address that only a token has claimed goes to the person whom Clerk names as its owner.
    let (squatter, address) = (new_clerk_id(), new_address());
    ask_with(&stack, &squatter, &json!({ "email": address })).await.expect_problem(404, "application_not_found");
    let owner = new_clerk_id();
    let _ = send(&stack, "user.created", user(&owner, 1, &address)).await.outcome();
    assert_eq!(person(&stack, &owner).await["email"], json!(address));
    assert_eq!(person(&stack, &squatter).await["email"], Value::Null);
}
