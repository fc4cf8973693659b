//! The database as its superuser: for what no API shows, and for the rows that a test compares.

use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

/// One connection, opened at the first query.
pub struct Database {
    url: String,
    client: OnceCell<Client>,
}

impl Database {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: OnceCell::new() }
    }

    /// A connection of its own, for tests that hold a transaction open.
    ///
    /// # Panics
    /// If the database does not take it.
    pub async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls)
            .await
            .unwrap_or_else(|error| panic!("no connection to {}: {error:?}", self.url));
        tokio::spawn(connection);
        client
    }

    /// The rows of a query or of a `returning`.
    ///
    /// # Panics
    /// If the query fails.
    pub async fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let client = self.client.get_or_init(|| self.connect()).await;
        client.query(sql, parameters).await.unwrap_or_else(|error| panic!("{sql}\nfailed: {error:?}"))
    }

    /// The rows of a query that selects one `jsonb` or `json` column.
    pub async fn json(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Value> {
        self.query(sql, parameters).await.iter().map(|row| row.get(0)).collect()
    }

    /// A row by its id, as an object.
    ///
    /// # Panics
    /// If there is none.
    pub async fn row(&self, table: &str, id: Uuid) -> Value {
        let mut rows = self.rows(table, "id", id).await;
        assert_eq!(rows.len(), 1, "{table} has a row {id}");
        rows.remove(0)
    }

    /// The rows with that id in that column, as objects, in no particular order.
    pub async fn rows(&self, table: &str, column: &str, id: Uuid) -> Vec<Value> {
        let sql = format!("select to_jsonb(t) from public.{table} t where t.{column} = $1");
        self.json(&sql, &[&id]).await
    }
}
