//! Who runs beside whom on the stack of all where each test is a process of its own, under cargo-nextest. Where one program
//! runs after the other that is settled already.

use std::env;

use tokio::sync::OnceCell;
use tokio_postgres::Client;

use crate::stack::Stack;

/// Modes of a lock on one table: tests of one kind share it with each other, and with no others. The table is one that
/// nobody writes while a stack runs.
fn mode_of(program: &str) -> &'static str {
    match program {
        // A runner takes whatever job is due, whoever queued it.
        "tests::background" => "share",
        // It takes up all that an isolate can take.
        "tests::failure_overload" => "exclusive",
        _ => "row exclusive",
    }
}

/// Waits until only tests are at work that this one may run beside; then it is one of them until its process ends.
pub(crate) async fn may_begin(stack: &Stack) {
    static HELD: OnceCell<Client> = OnceCell::const_new();
    let Ok(program) = env::var("NEXTEST_BINARY_ID") else { return };
    HELD.get_or_init(async || {
        let connection = stack.database().connect().await;
        let mode = mode_of(&program);
        let lock = format!("begin; lock table supabase_migrations.schema_migrations in {mode} mode");
        connection.batch_execute(&lock).await.unwrap_or_else(|error| panic!("{lock}: {error:?}"));
        connection
    })
    .await;
}
