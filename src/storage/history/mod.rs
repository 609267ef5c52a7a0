//! The history row by row, of any size: in the order of time, and in constant memory.
//!
//! It is read in slices of time, each of a moderate number of rows and ordered by the database. So the first row comes
//! at once, no statement runs long enough to hold back the database's own housekeeping, and the whole is not one
//! snapshot: a row that arrives while it is read is in it if its time had not been read yet.

mod decoder;
mod postgres;
mod slices;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use actors::domain::{BoundingBox, Icao24, StateVector, UnixTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Database, QueryError, Storage};
use postgres::PostgresHistory;
use sqlite::SqliteHistory;

/// One stored state vector, its texts borrowed from what the database sent.
pub type HistoryRow<'a> = StateVector<&'a str>;

/// Which rows are asked for: those for which all of it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryQuery {
    /// The earliest `last_contact`, included.
    pub from: UnixTime,
    /// The latest `last_contact`, included.
    pub to: UnixTime,
    /// Only positions in this box.
    pub bounding_box: Option<BoundingBox>,
    /// Only these aircraft; empty: all.
    pub icao24: Vec<Icao24>,
    /// Only this callsign, in any case.
    pub callsign: Option<String>,
}

/// A history that is being read. Dropped, its query is cancelled.
#[derive(Debug)]
pub struct HistoryReader {
    reader: Reader,
    /// Room for this many is limited, since each takes a connection and much of a core.
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Reader {
    Postgres(Box<PostgresHistory>),
    Sqlite(Box<SqliteHistory>),
}

impl Storage {
    /// Begins to read the history; to be read on the same runtime, which should serve nobody else: it takes long, and with
    /// SQLite it blocks.
    ///
    /// # Errors
    /// The database does not answer within [`StorageOptions::connect_timeout`](super::StorageOptions), lacks the schema,
    /// or [`StorageOptions::histories`](super::StorageOptions) are being read, and still are after that time: readers
    /// whose clients have left end within moments.
    pub async fn history(&self, query: &HistoryQuery) -> Result<HistoryReader, QueryError> {
        let permit = tokio::time::timeout(self.connect_timeout(), self.histories().acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(QueryError::Busy)?;
        let reader = match &self.0 {
            Database::Postgres(database) => {
                Reader::Postgres(Box::new(PostgresHistory::begin(Arc::clone(database), query).await?))
            }
            Database::Sqlite(database) => Reader::Sqlite(Box::new(SqliteHistory::begin(database, query)?)),
        };
        Ok(HistoryReader { reader, _permit: permit })
    }

    fn connect_timeout(&self) -> Duration {
        match &self.0 {
            Database::Postgres(database) => database.options.connect_timeout,
            Database::Sqlite(database) => database.options.connect_timeout,
        }
    }

    fn histories(&self) -> Arc<Semaphore> {
        match &self.0 {
            Database::Postgres(database) => Arc::clone(&database.histories),
            Database::Sqlite(database) => Arc::clone(&database.histories),
        }
    }
}

impl HistoryReader {
    /// How many rows one call of [`read`](Self::read) hands on at most.
    pub const ROWS: usize = 256;

    /// Hands on the next rows, ordered by `last_contact` and `icao24`: some, or none where much had to be looked through.
    /// `false`: there are no more.
    ///
    /// # Errors
    /// The database failed, or took longer than [`StorageOptions::history_timeout`](super::StorageOptions). What was
    /// handed on before is right; there is no more to be had.
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

    /// Up to where in time everything was handed on, not included.
    pub fn reached(&self) -> UnixTime {
        match &self.reader {
            Reader::Postgres(reader) => reader.reached(),
            Reader::Sqlite(reader) => reader.reached(),
        }
    }
}
