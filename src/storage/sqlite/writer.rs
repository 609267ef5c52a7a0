use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::batch::{Batch, Fenced, LogId, PartitionBatch, Position, Stored};
use actors::domain::{StateVector, UnixTime, fields};
use actors::history::{StepSize, Summarizer};
use actors::ports::{LikelyNew, Maintained, StoreError};
use actors::state_vector_fields;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sqlite::SqliteConnection;
use tokio::sync::Mutex;

use super::alerts::{expire_alerts, insert_alert};
use super::connection::SqliteDatabase;
use super::late::Late;
use super::maintenance::delete_expired;
use super::polls::{expire_polls, insert_poll};
use super::summarize::summarize;
use crate::storage::rows::{seconds_after, select_rows};
use crate::storage::schema::sqlite::{ingest_position, state_vectors_scaled};
use crate::storage::side_rows::{SideRows, rejected_alert, rejected_poll};

/// The actors' store. Blocking threads take turns using its single connection.
pub(in crate::storage) struct SqliteWriter {
    database: Arc<SqliteDatabase>,
    /// Locked by the working thread, even after its caller has given up, so that at most one thread works at a time.
    connection: Arc<Mutex<Slot>>,
    resets: Cell<u64>,
    step: StepSize,
    summarizer: RefCell<Summarizer>,
}

/// The connection, which is `None` after an error, and the number of resets before it was opened.
#[derive(Default)]
struct Slot {
    connection: Option<SqliteConnection>,
    resets: u64,
}

impl SqliteWriter {
    pub(in crate::storage) fn new(database: Arc<SqliteDatabase>) -> Self {
        Self {
            connection: Arc::default(),
            resets: Cell::new(0),
            step: StepSize::new(database.options.maintenance_rows),
            summarizer: RefCell::new(Summarizer::new(database.options.summaries(), Instant::now())),
            database,
        }
    }

    /// Implements [`actors::ports::StateStore::positions`].
    pub(in crate::storage) async fn positions(
        &self,
        log: &LogId,
        partitions: &[i32],
    ) -> Result<Vec<Position>, StoreError> {
        let (log, partitions) = (log.clone(), partitions.to_vec());
        self.blocking(self.database.options.statement_timeout, move |connection| {
            let mut found = partitions
                .iter()
                .filter_map(|&partition| find_position(connection, &log, partition).transpose())
                .collect::<Result<Vec<_>, _>>()?;
            found.sort_by_key(|position| position.partition);
            Ok(found)
        })
        .await
    }

    /// Implements [`actors::ports::StateStore::store`]. Ignores the hints, since all rows are stored the same way.
    pub(in crate::storage) async fn store(&self, batch: &Batch, _: &LikelyNew) -> Result<Stored, StoreError> {
        let batch = batch.clone();
        let limit = self.database.options.statement_timeout;
        let newest = batch.iter().map(|state| state.last_contact).max();
        let stored = self.blocking(limit, move |connection| store(connection, &batch)).await?;
        if let Some(newest) = newest {
            self.summarizer.borrow_mut().stored(newest, Instant::now());
        }
        Ok(stored)
    }

    /// Runs one summarizing step and returns whether there is more to do.
    pub(in crate::storage) async fn summarize(&self) -> Result<bool, StoreError> {
        let mut summarizer = self.summarizer.borrow().clone();
        let step = move |connection: &mut SqliteConnection| {
            let more = summarize(connection, &mut summarizer)?;
            Ok((more, summarizer))
        };
        match self.blocking(self.database.options.maintenance_timeout, step).await {
            Ok((more, summarizer)) => {
                self.summarizer.replace(summarizer);
                Ok(more)
            }
            Err(error) => {
                self.summarizer.borrow_mut().failed();
                Err(error)
            }
        }
    }

    /// Deletes some of the rows that are older than the retention.
    pub(in crate::storage) async fn expire(&self) -> Result<Maintained, StoreError> {
        let (options, rows) = (&self.database.options, self.step.rows());
        let oldest = UnixTime::now().minus(options.retention);
        let delete = move |connection: &mut SqliteConnection| Ok(delete_expired(connection, oldest, rows)?);
        let result = self.blocking(options.maintenance_timeout, delete).await;
        self.step.adapt(result.is_ok());
        result
    }

    /// Deletes some of the records of polls and alerts that are older than the retention of summaries. Returns whether
    /// there may be more.
    pub(in crate::storage) async fn expire_side_rows(&self) -> Result<bool, StoreError> {
        let (options, rows) = (&self.database.options, self.step.rows());
        let oldest = UnixTime::now().minus(options.summary_retention);
        let delete = move |connection: &mut SqliteConnection| {
            let more_polls = expire_polls(connection, oldest, rows)?;
            Ok(expire_alerts(connection, oldest, rows)? || more_polls)
        };
        self.blocking(options.maintenance_timeout, delete).await
    }

    /// Implements [`actors::ports::StateStore::reset`].
    pub(in crate::storage) fn reset(&self) {
        self.resets.set(self.resets.get() + 1);
    }

    /// Runs the work on a blocking thread and waits for it up to `limit`. The work cannot be cancelled: if it commits
    /// after the timeout, the stored positions show it.
    async fn blocking<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (database, resets) = (Arc::clone(&self.database), self.resets.get());
        let slot = Arc::clone(&self.connection);
        let work = async {
            let mut slot = slot.lock_owned().await;
            let run = tokio::task::spawn_blocking(move || {
                let idle = slot.connection.take().filter(|_| slot.resets == resets);
                let mut connection = match idle {
                    Some(connection) => connection,
                    None => database.connect().map_err(|error| StoreError::Unavailable(error.to_string()))?,
                };
                let result = work(&mut connection)?;
                *slot = Slot { connection: Some(connection), resets };
                Ok(result)
            });
            run.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!("SQLite did not finish within {:.1} s", limit.as_secs_f64())))
        })
    }
}

impl fmt::Debug for SqliteWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteWriter").field("database", &self.database).finish_non_exhaustive()
    }
}

/// An error in a transaction.
enum Failure {
    Sqlite(Error),
    Rejected(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => Self::Unavailable(error.to_string()),
            Failure::Rejected(error) => error,
        }
    }
}

/// Stores a batch in one transaction: advances the positions, then inserts the rows of the parts whose position was the
/// expected one.
fn store(connection: &mut SqliteConnection, batch: &Batch) -> Result<Stored, Failure> {
    let stored = connection.immediate_transaction(|connection| {
        let mut passed = Vec::with_capacity(batch.parts.len());
        let mut fenced = Vec::new();
        for part in &batch.parts {
            // An immediate transaction is the only writer, so the position cannot change before the commit.
            let found = find_position(connection, &batch.log, part.partition)?;
            let is_expected = found.map(|position| position.next_offset) == part.expected;
            passed.push(is_expected);
            if is_expected {
                advance(connection, &batch.log, part)?;
            } else {
                fenced.push(Fenced { partition: part.partition, found });
            }
        }
        let selected = select_rows(batch, &LikelyNew::default(), |part| passed[part]);
        let mut inserted = 0;
        let mut late = Late::behind_cursor(connection, batch)?;
        for state in selected.possibly_stored {
            if insert(connection, state).map_err(|error| rejected_state(error, state))? > 0 {
                inserted += 1;
                late.inserted(state);
            }
        }
        late.write(connection)?;
        let side_rows = SideRows::of(batch, &passed);
        for poll in &side_rows.polls {
            let inserted_poll = insert_poll(connection, poll);
            inserted += inserted_poll.map_err(|error| rejected(error, |reason| rejected_poll(poll, reason)))?;
        }
        for alert in &side_rows.alerts {
            let changed = insert_alert(connection, alert);
            inserted += changed.map_err(|error| rejected(error, |reason| rejected_alert(alert, reason)))?;
        }
        let total = selected.total + side_rows.count();
        fail::fail_point!("store-rows-sent", |_| crate::fault::kill_self());
        Ok::<_, Failure>(Stored { inserted: inserted as u64, duplicates: (total - inserted) as u64, fenced })
    })?;
    fail::fail_point!("store-committed", |_| crate::fault::kill_self());
    Ok(stored)
}

fn find_position(connection: &mut SqliteConnection, log: &LogId, partition: i32) -> QueryResult<Option<Position>> {
    let found = ingest_position::table
        .filter(ingest_position::log.eq(&*log.cluster))
        .filter(ingest_position::topic.eq(&*log.topic))
        .filter(ingest_position::partition.eq(partition))
        .select((ingest_position::next_offset, ingest_position::last_timestamp))
        .first::<(i64, i64)>(connection)
        .optional()?;
    Ok(found.map(|(next_offset, last_timestamp)| Position { partition, next_offset, last_timestamp }))
}

fn advance(connection: &mut SqliteConnection, log: &LogId, part: &PartitionBatch) -> QueryResult<()> {
    diesel::replace_into(ingest_position::table)
        .values((
            ingest_position::log.eq(&*log.cluster),
            ingest_position::topic.eq(&*log.topic),
            ingest_position::partition.eq(part.partition),
            ingest_position::next_offset.eq(part.next_offset),
            ingest_position::last_timestamp.eq(part.last_timestamp),
        ))
        .execute(connection)?;
    Ok(())
}

/// Converts a field to the value that is bound in the statement.
macro_rules! bound {
    (address $state:ident $name:ident) => {
        std::str::from_utf8(&$state.$name.to_ascii()).unwrap_or_default()
    };
    (text $state:ident $name:ident) => {
        $state.$name.as_deref()
    };
    (number $state:ident $name:ident) => {
        $state.$name.map(|number| fields::$name.to_scaled(number))
    };
    (time $state:ident $name:ident) => {
        $state.$name.map(|time| seconds_after($state.last_contact, time))
    };
    (key_time $state:ident $name:ident) => {
        $state.$name.0
    };
    ($code_or_flag:ident $state:ident $name:ident) => {
        $state.$name
    };
}

macro_rules! insert {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        /// Inserts a row. Returns 1, or 0 if the key already exists. Ignores conflicts on the primary key only; a
        /// violation of any other constraint rejects the row. NULL is bound as a value, so that all rows share a single
        /// prepared statement.
        fn insert(connection: &mut SqliteConnection, state: &StateVector) -> QueryResult<usize> {
            diesel::insert_into(state_vectors_scaled::table)
                .values(($(state_vectors_scaled::$name.eq(bound!($kind state $name)),)*))
                .on_conflict((state_vectors_scaled::icao24, state_vectors_scaled::last_contact))
                .do_nothing()
                .execute(connection)
        }
    };
}
state_vector_fields!(insert);

/// Adds the row's key to the error if SQLite rejects the row's content.
fn rejected_state(error: Error, state: &StateVector) -> Failure {
    let (icao24, last_contact) = (state.icao24, state.last_contact);
    rejected(error, |reason| StoreError::Rejected { icao24, last_contact, reason })
}

fn rejected(error: Error, of_row: impl FnOnce(String) -> StoreError) -> Failure {
    use DatabaseErrorKind::{CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation};
    match &error {
        Error::DatabaseError(CheckViolation | ForeignKeyViolation | NotNullViolation | UniqueViolation, reason) => {
            Failure::Rejected(of_row(reason.message().to_owned()))
        }
        _ => Failure::Sqlite(error),
    }
}
