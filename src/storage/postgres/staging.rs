use actors::domain::StateVector;
use tokio_postgres::{Client, Error, Statement, Transaction};

use super::columns;
use super::copy::copy_rows;

/// The way for rows that may be there already: into a temporary table by COPY, and on from there without the conflicts.
pub(super) struct Staging {
    copy: Statement,
    insert: Statement,
}

/// Emptied at each commit. `pg_temp` keeps a table of that name in the schema from being taken for it.
const CREATE: &str =
    "CREATE TEMPORARY TABLE IF NOT EXISTS state_vectors_staged (LIKE state_vectors) ON COMMIT DELETE ROWS";
const COPY: &str = concat!("COPY pg_temp.state_vectors_staged (", columns!(), ") FROM STDIN (FORMAT binary)");
/// Only the key's conflicts are absorbed: another constraint's violation is a refusal.
const INSERT: &str = concat!(
    "INSERT INTO state_vectors (",
    columns!(),
    ") SELECT ",
    columns!(),
    " FROM pg_temp.state_vectors_staged ON CONFLICT (icao24, last_contact) DO NOTHING"
);

impl Staging {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        client.batch_execute(CREATE).await?;
        Ok(Self { copy: client.prepare(COPY).await?, insert: client.prepare(INSERT).await? })
    }

    /// Inserts rows whose keys differ from each other and returns how many were not there before.
    pub(super) async fn insert(&self, transaction: &Transaction<'_>, rows: &[&StateVector]) -> Result<u64, Error> {
        copy_rows(transaction, &self.copy, rows).await?;
        transaction.execute(&self.insert, &[]).await
    }
}
