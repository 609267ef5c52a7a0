//! Reads a history of any size row by row, ordered by time and in constant memory.
//!
//! The history is read in time slices of a limited number of rows, each sorted by the database. The first row therefore
//! arrives immediately, and no statement runs long enough to hold back vacuuming. The history as a whole is
//! not a snapshot: a row that is stored during reading is included if its time has not been read yet.

mod compressed_chunks;
mod decoder;
mod postgres;
mod query;
mod second;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use actors::domain::UnixTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::QueryError;
use super::postgres::PostgresDatabase;
use super::sqlite::SqliteDatabase;
use postgres::PostgresHistory;
pub use query::{HistoryQuery, HistoryRow};
use sqlite::SqliteHistory;

/// Reads a history. Dropping it cancels its query.
#[derive(Debug)]
pub struct HistoryReader {
    reader: Reader,
    /// Limits the number of readers, since each one occupies a connection and most of a core.
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Reader {
    Postgres(Box<PostgresHistory>),
    Sqlite(Box<SqliteHistory>),
}

impl HistoryReader {
    pub(super) async fn postgres(database: &Arc<PostgresDatabase>, query: &HistoryQuery) -> Result<Self, QueryError> {
        let permit = permit(&database.histories, database.options.connect_timeout).await?;
        let reader = PostgresHistory::begin(Arc::clone(database), query).await?;
        Ok(Self { reader: Reader::Postgres(Box::new(reader)), _permit: permit })
    }

    pub(super) async fn sqlite(database: &Arc<SqliteDatabase>, query: &HistoryQuery) -> Result<Self, QueryError> {
        let permit = permit(&database.histories, database.options.connect_timeout).await?;
        Ok(Self { reader: Reader::Sqlite(Box::new(SqliteHistory::begin(database, query)?)), _permit: permit })
    }

    /// Passes the next rows to `each`, ordered by `last_contact` and `icao24`. A call may yield no rows even though
    /// more follow. Returns `false` at the end.
    ///
    /// # Errors
    /// The database failed, or took longer than [`StorageOptions::history_timeout`](super::StorageOptions). Rows read
    /// before the error are valid; the reader must not be used again.
    pub async fn read(&mut self, each: impl FnMut(&HistoryRow<'_>)) -> Result<bool, QueryError> {
        #[cfg(feature = "fault-injection")]
        if fail::eval("history-hangs", |_| ()).is_some() {
            std::future::pending::<()>().await;
        }
        fail::fail_point!("history-breaks", |_| Err(QueryError::Unavailable("a failpoint".to_owned())));
        match &mut self.reader {
            Reader::Postgres(reader) => reader.read(each).await,
            Reader::Sqlite(reader) => reader.read(each),
        }
    }

    /// Returns the time up to which all rows have been returned.
    pub fn reached(&self) -> UnixTime {
        match &self.reader {
            Reader::Postgres(reader) => reader.reached(),
            Reader::Sqlite(reader) => reader.reached(),
        }
    }
}

async fn permit(readers: &Arc<Semaphore>, timeout: Duration) -> Result<OwnedSemaphorePermit, QueryError> {
    let permit = tokio::time::timeout(timeout, Arc::clone(readers).acquire_owned()).await;
    permit.ok().and_then(Result::ok).ok_or(QueryError::Busy)
}
