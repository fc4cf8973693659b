//! Hosted Supabase refuses an UPDATE or a DELETE without WHERE to the roles of its API, also inside of functions.

use serde_json::json;
use tests::{Method, Reply, Stack};
use tokio_postgres::{Client, NoTls};

/// PostgREST's own kind of connection, as the service.
async fn connection(stack: &Stack) -> Client {
    let url = stack.description().database_url.replacen("//postgres:", "//authenticator:", 1);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("set role service_role; create temp table things as select 1 as id").await.unwrap();
    client
}

async fn refused(client: &Client, sql: &str) -> (String, String) {
    let error = client.batch_execute(sql).await.unwrap_err();
    let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error:?}"));
    (error.code().code().to_owned(), error.message().to_owned())
}

#[tokio::test]
async fn a_change_of_all_rows_is_refused_to_people_and_to_the_service() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let (change, impossible) = (json!({ "quiet_hours_start": 7 }), json!({ "quiet_hours_start": 99 }));
    let own = ada.caller().await;
    // What gets through in spite of it harms nobody else's test.
    for (caller, method, body, verb) in [
        (&own, Method::PATCH, &change, "UPDATE"),
        (&own, Method::DELETE, &change, "DELETE"),
        (&stack.service(), Method::PATCH, &impossible, "UPDATE"),
    ] {
        let reply = Reply::to(caller.request(method, "/rest/v1/user_preferences").json(body)).await.expect_status(400);
        let message = format!("{verb} requires a WHERE clause");
        assert_eq!(reply.json, json!({ "code": "21000", "message": message, "details": null, "hint": null }));
    }

    let all = "user_preferences?user_id=not.is.null";
    let changed = own.update(all, &change).await.expect_status(200).json;
    assert_eq!(
        changed.as_array().map(Vec::len),
        Some(1),
        "a filter is a filter, and the policies do the rest: {changed}"
    );
}

#[tokio::test]
async fn it_is_refused_within_functions_and_common_table_expressions() {
    let client = connection(&Stack::get().await).await;
    for sql in [
        "create function pg_temp.empty() returns void language plpgsql as $$ begin delete from things; end $$;
         select pg_temp.empty()",
        "create function pg_temp.clear() returns bigint language sql as $$
             with gone as (delete from things returning id) select count(*) from gone $$;
         select pg_temp.clear()",
        "with gone as (delete from things returning id) select * from gone",
        "delete from things",
    ] {
        assert_eq!(
            refused(&client, sql).await,
            ("21000".to_owned(), "DELETE requires a WHERE clause".to_owned()),
            "{sql}"
        );
    }
    let update = refused(&client, "update things set id = 2").await;
    assert_eq!(update, ("21000".to_owned(), "UPDATE requires a WHERE clause".to_owned()));

    let allowed = "update things set id = 2 where id = 1; delete from things where true; truncate things;
                   insert into things values (3)";
    client.batch_execute(allowed).await.unwrap();
}

#[tokio::test]
async fn whoever_migrates_may_change_all_rows() {
    let stack = Stack::get().await;
    let (client, connection) = tokio_postgres::connect(&stack.description().database_url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("create temp table things as select 1 as id; update things set id = 2").await.unwrap();
}
