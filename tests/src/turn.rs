//! Turns at what there is once for all tests of a stack: the allowance of searches, or the one sync of postings.
//!
//! They are locks in the stack's database, so that tests in other programs, or in processes of their own, wait as well.

use tokio_postgres::Client;

use crate::stack::Stack;

/// Most tests that search share a boundless one; those about its end have it to themselves.
pub const ALLOWANCE: &str = "the allowance of searches";

/// One run goes on at a time, and is about the whole catalogue.
pub const JOB_SYNC: &str = "the sync of postings";

/// Held until it is dropped, or its test ends in any other way: the lock belongs to a connection of its own.
#[must_use = "a turn ends when it is dropped"]
pub struct Turn {
    _connection: Client,
}

impl Turn {
    /// Beside others who share it.
    ///
    /// # Panics
    /// If the database does not give it.
    pub async fn shared(stack: &Stack, what: &str) -> Self {
        Self::take(stack, "select pg_advisory_lock_shared(hashtextextended($1, 0))", what).await
    }

    /// Beside nobody.
    ///
    /// # Panics
    /// If the database does not give it.
    pub async fn alone(stack: &Stack, what: &str) -> Self {
        Self::take(stack, "select pg_advisory_lock(hashtextextended($1, 0))", what).await
    }

    async fn take(stack: &Stack, lock: &str, what: &str) -> Self {
        let connection = stack.database().connect().await;
        let taken = connection.execute(lock, &[&what]).await;
        taken.unwrap_or_else(|error| panic!("no turn at {what}: {error:?}"));
        Self { _connection: connection }
    }
}
