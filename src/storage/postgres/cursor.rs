use actors::batch::Batch;
use actors::domain::UnixTime;
use tokio_postgres::{Client, Error, Statement, Transaction};

use super::maintenance::postgres_seconds;

/// How far the work behind the store has come, as a transaction that stores needs to know it.
pub(super) struct Cursor {
    hold: Statement,
    read: Statement,
    begin: Statement,
}

/// A weak lock, which costs next to nothing and only the step's excludes: rows that are put behind the cursor are noted
/// as such, since nobody moves it over them before they are committed.
const HOLD: &str = "LOCK TABLE derived_cursor IN ROW SHARE MODE";
const READ: &str = "SELECT extract(epoch FROM through)::bigint FROM derived_cursor";
const BEGIN: &str = "UPDATE derived_cursor SET through = date_trunc('hour', to_timestamp($1::bigint), 'UTC')
    WHERE through IS NULL";

impl Cursor {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            hold: client.prepare(HOLD).await?,
            read: client.prepare(READ).await?,
            begin: client.prepare(BEGIN).await?,
        })
    }

    /// Where it is, and stays until the end of the transaction.
    pub(super) async fn hold(&self, transaction: &Transaction<'_>) -> Result<Option<UnixTime>, Error> {
        transaction.execute(&self.hold, &[]).await?;
        self.read(transaction).await
    }

    /// Sets it before the first rows of all. Another transaction may have been faster.
    pub(super) async fn begin(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<Option<UnixTime>, Error> {
        let Some(oldest) = batch.iter().map(|state| state.last_contact).min() else { return Ok(None) };
        transaction.execute(&self.begin, &[&postgres_seconds(oldest)]).await?;
        self.read(transaction).await
    }

    async fn read(&self, transaction: &Transaction<'_>) -> Result<Option<UnixTime>, Error> {
        let row = transaction.query_opt(&self.read, &[]).await?;
        Ok(row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten().map(UnixTime))
    }
}
