use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use actors::batch::{Batch, Fenced, LogId, Position, Stored};
use actors::domain::StateVector;
use actors::history::{StepSize, Summarizer};
use actors::ports::{LikelyNew, Maintained, StoreError};
use futures_util::future::join;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Statement, Transaction};

use super::connection::{PostgresDatabase, PostgresError, Session, within};
use super::copy::copy_rows;
use super::cursor::CursorLock;
use super::maintenance::{Round, expire};
use super::positions::Positions;
use super::rejected_row::find_rejected_row;
use super::side_rows::{expire_side_rows, find_rejected_side_row, insert_side_rows};
use super::staging::Staging;
use super::summarize::summarize;
use super::transaction::begin;
use crate::storage::rows::select_rows;
use crate::storage::schema::COLUMNS;
use crate::storage::side_rows::SideRows;

/// The actors' store. Its single connection is opened on demand and dropped on the first error.
pub(in crate::storage) struct PostgresWriter {
    database: Arc<PostgresDatabase>,
    /// Taken for each call and put back only on success, so that a call that failed, timed out or was dropped does not
    /// leave behind a connection with an open transaction.
    idle: RefCell<Option<WriteSession>>,
    resets: Cell<u64>,
    round: RefCell<Round>,
    step: StepSize,
    summarizer: RefCell<Summarizer>,
}

/// A connection with its prepared statements.
struct WriteSession {
    session: Session,
    positions: Positions,
    copy: Statement,
    staging: Staging,
    cursor: CursorLock,
}

impl PostgresWriter {
    pub(in crate::storage) fn new(database: Arc<PostgresDatabase>) -> Self {
        Self {
            idle: RefCell::new(None),
            resets: Cell::new(0),
            round: RefCell::default(),
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
        let limit = self.database.options.statement_timeout;
        self.with_session(async |session| {
            within(limit, session.positions.find(&session.session.client, log, partitions)).await
        })
        .await
    }

    /// Implements [`actors::ports::StateStore::store`].
    pub(in crate::storage) async fn store(&self, batch: &Batch, likely_new: &LikelyNew) -> Result<Stored, StoreError> {
        let limit = self.database.options.statement_timeout;
        let stored = self.with_session(async |session| {
            let has_side_rows = batch.rows() > batch.states();
            let mut attempt = if has_side_rows {
                within(limit, session.store_side_rows(batch)).await
            } else {
                within(limit, session.store(batch, likely_new)).await
            };
            // The hints about new rows were wrong, or another writer was faster. Staging handles such conflicts.
            if !has_side_rows && attempt.as_ref().is_err_and(PostgresError::is_unique_violation) {
                attempt = within(limit, session.store(batch, &LikelyNew::default())).await;
            }
            match attempt {
                Err(failure) if failure.is_data_error() => match within(limit, session.find_rejected_row(batch)).await?
                {
                    Some(rejected) => Err(PostgresError::Rejected(rejected)),
                    None => Err(failure),
                },
                attempt => attempt,
            }
        });
        let stored = stored.await?;
        if let Some(newest) = batch.iter().map(|state| state.last_contact).max() {
            self.summarizer.borrow_mut().stored(newest, Instant::now());
        }
        Ok(stored)
    }

    /// Runs one summarizing step and returns whether there is more to do.
    pub(in crate::storage) async fn summarize(&self) -> Result<bool, StoreError> {
        let options = &self.database.options;
        let mut summarizer = self.summarizer.borrow().clone();
        let result = self
            .with_session(async |session| {
                let step = summarize(&mut session.session.client, options, &mut summarizer);
                within(options.maintenance_timeout + options.connect_timeout, step).await
            })
            .await;
        match result {
            Ok(_) => *self.summarizer.borrow_mut() = summarizer,
            Err(_) => self.summarizer.borrow_mut().failed(),
        }
        result
    }

    /// Deletes some of the rows that are older than the retention.
    pub(in crate::storage) async fn expire(&self) -> Result<Maintained, StoreError> {
        let options = &self.database.options;
        let mut round = self.round.borrow().clone();
        let result = self
            .with_session(async |session| {
                let step = expire(&mut session.session.client, options, self.step.rows(), &mut round);
                // The server cancels slow statements itself; the margin covers a server that does not respond at all.
                within(options.maintenance_timeout + options.connect_timeout, step).await
            })
            .await;
        self.step.adapt(result.is_ok());
        if result.is_ok() {
            self.round.replace(round);
        }
        result
    }

    /// Deletes some of the records of polls and alerts that are older than the retention of summaries. Returns whether
    /// there may be more.
    pub(in crate::storage) async fn expire_side_rows(&self) -> Result<bool, StoreError> {
        let options = &self.database.options;
        self.with_session(async |session| {
            let step = expire_side_rows(&mut session.session.client, options, self.step.rows());
            within(options.maintenance_timeout + options.connect_timeout, step).await
        })
        .await
    }

    /// Implements [`actors::ports::StateStore::reset`].
    pub(in crate::storage) fn reset(&self) {
        self.resets.set(self.resets.get() + 1);
        self.idle.take();
    }

    async fn with_session<T>(
        &self,
        work: impl AsyncFnOnce(&mut WriteSession) -> Result<T, PostgresError>,
    ) -> Result<T, StoreError> {
        let resets = self.resets.get();
        let idle = self.idle.take().filter(|idle| !idle.session.client.is_closed());
        let mut session = match idle {
            Some(session) => session,
            None => self.connect().await?,
        };
        let result = match work(&mut session).await {
            Ok(result) => result,
            Err(failure) => {
                self.database.invalidate_session_check(failure.code()).await;
                return Err(failure.into());
            }
        };
        if self.resets.get() == resets {
            self.idle.replace(Some(session));
        }
        Ok(result)
    }

    async fn connect(&self) -> Result<WriteSession, PostgresError> {
        let options = &self.database.options;
        let session = self.database.connect(options.statement_timeout).await?;
        within(options.statement_timeout, async {
            let positions = Positions::prepare(&session.client).await?;
            let copy = format!("COPY state_vectors_scaled ({COLUMNS}) FROM STDIN (FORMAT binary)");
            let copy = session.client.prepare(&copy).await?;
            let staging = Staging::prepare(&session.client).await?;
            let cursor = CursorLock::prepare(&session.client).await?;
            Ok::<_, PostgresError>(WriteSession { session, positions, copy, staging, cursor })
        })
        .await
    }
}

impl WriteSession {
    /// Stores a batch in one transaction: advances the positions, then inserts the rows of the parts whose position was
    /// the expected one. Dropping the future rolls the transaction back.
    async fn store(&mut self, batch: &Batch, likely_new: &LikelyNew) -> Result<Stored, PostgresError> {
        let transaction = begin(&mut self.session.client).await?;
        // Pipelined, to save a round trip for the lock.
        let (through, passed) = join(self.cursor.lock(&transaction), self.positions.advance(&transaction, batch)).await;
        let (through, passed) = both(through, passed)?;
        let through = match through {
            Some(through) => Some(through),
            None => self.cursor.begin(&transaction, batch).await?,
        };
        let fenced = fenced_parts(&transaction, &self.positions, batch, &passed).await?;
        let mut selected = select_rows(batch, likely_new, |part| passed[part]);
        let late = through.filter(|through| selected.separate_late_rows(*through));
        let mut inserted = 0;
        if !selected.new.is_empty() {
            inserted += copy_rows(&transaction, &self.copy, &selected.new).await?;
        }
        if !selected.possibly_stored.is_empty() {
            inserted += match late {
                None => self.staging.insert(&transaction, &selected.possibly_stored).await?,
                Some(through) => {
                    self.staging.insert_and_record_late(&transaction, &selected.possibly_stored, through).await?
                }
            };
        }
        fail::fail_point!("store-rows-sent", |_| crate::fault::kill_self());
        transaction.commit().await?;
        fail::fail_point!("store-committed", |_| crate::fault::kill_self());
        Ok(Stored { inserted, duplicates: (selected.total as u64).saturating_sub(inserted), fenced })
    }

    /// Stores a batch of a log of other records like [`store`](Self::store).
    async fn store_side_rows(&mut self, batch: &Batch) -> Result<Stored, PostgresError> {
        let transaction = begin(&mut self.session.client).await?;
        let passed = self.positions.advance(&transaction, batch).await?;
        let fenced = fenced_parts(&transaction, &self.positions, batch, &passed).await?;
        let rows = SideRows::of(batch, &passed);
        let inserted = insert_side_rows(&transaction, &rows).await?;
        let (sent, committed) = if rows.alerts.is_empty() {
            ("store-polls-sent", "store-polls-committed")
        } else {
            ("store-alerts-sent", "store-alerts-committed")
        };
        crate::fault::point(sent);
        transaction.commit().await?;
        crate::fault::point(committed);
        Ok(Stored { inserted, duplicates: (rows.count() as u64).saturating_sub(inserted), fenced })
    }

    /// Finds the row that made the server reject a batch, in a transaction that is rolled back. Returns `None` if the
    /// rows are rejected only in combination, or no longer.
    ///
    /// # Errors
    /// The connection failed.
    async fn find_rejected_row(&mut self, batch: &Batch) -> Result<Option<StoreError>, PostgresError> {
        let transaction = begin(&mut self.session.client).await?;
        let passed = self.positions.advance(&transaction, batch).await?;
        let side_row = find_rejected_side_row(&transaction, &SideRows::of(batch, &passed)).await?;
        let selected = select_rows(batch, &LikelyNew::default(), |part| passed[part]);
        let insert = async |states: &[&StateVector]| self.staging.insert(&transaction, states).await;
        let state = find_rejected_row(&transaction, &selected.possibly_stored, insert).await?;
        transaction.rollback().await?;
        Ok(side_row.or_else(|| {
            let (&StateVector { icao24, last_contact, .. }, reason) = state?;
            Some(StoreError::Rejected { icao24, last_contact, reason })
        }))
    }
}

/// Returns both results, or the error that is the root cause: one of two errors may only say that the other one aborted
/// the transaction.
fn both<A, B>(one: Result<A, Error>, other: Result<B, Error>) -> Result<(A, B), Error> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(follows), Err(cause)) if follows.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => Err(cause),
        (Err(cause), _) | (_, Err(cause)) => Err(cause),
    }
}

/// Returns the parts that did not pass, with the positions that the table holds for them.
async fn fenced_parts(
    transaction: &Transaction<'_>,
    positions: &Positions,
    batch: &Batch,
    passed: &[bool],
) -> Result<Vec<Fenced>, PostgresError> {
    let parts = batch.parts.iter().zip(passed).filter(|(_, passed)| !**passed);
    let partitions: Vec<i32> = parts.map(|(part, _)| part.partition).collect();
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let found = positions.find(transaction, &batch.log, &partitions).await?;
    let found = |partition| found.iter().find(|position| position.partition == partition).copied();
    Ok(partitions.iter().map(|&partition| Fenced { partition, found: found(partition) }).collect())
}

impl fmt::Debug for PostgresWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresWriter").field("resets", &self.resets).finish_non_exhaustive()
    }
}
