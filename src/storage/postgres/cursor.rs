use actors::batch::Batch;
use actors::domain::UnixTime;
use tokio_postgres::{Client, Error, Statement, Transaction};

use super::time::postgres_seconds;

/// Prepared statements for the summaries' cursor, used by transactions that store rows.
pub(super) struct CursorLock {
    lock: Statement,
    read: Statement,
    begin: Statement,
}

/// A weak lock that conflicts only with the lock of a summarizing step. While a storing transaction holds it, the
/// cursor cannot move past its uncommitted rows, so every row stored behind the cursor is recorded as late.
const LOCK: &str = "LOCK TABLE derived_cursor IN ROW SHARE MODE";
const READ: &str = "SELECT extract(epoch FROM through)::bigint FROM derived_cursor";
const BEGIN: &str = "UPDATE derived_cursor SET through = date_trunc('hour', to_timestamp($1::bigint), 'UTC')
    WHERE through IS NULL";

impl CursorLock {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            lock: client.prepare(LOCK).await?,
            read: client.prepare(READ).await?,
            begin: client.prepare(BEGIN).await?,
        })
    }

    /// Returns the cursor's position and keeps the cursor from moving until the end of the transaction.
    pub(super) async fn lock(&self, transaction: &Transaction<'_>) -> Result<Option<UnixTime>, Error> {
        transaction.execute(&self.lock, &[]).await?;
        self.read(transaction).await
    }

    /// Places the cursor before the first rows ever stored, and returns its position. Another transaction may already
    /// have placed it.
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
