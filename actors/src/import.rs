//! Imports recorded states into the database through the DbWriter, without Kafka. Each file is a log of its own.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use foldhash::fast::RandomState;
use thiserror::Error;
use tokio::time::Instant;

use crate::batch::{Batch, Fenced, LogId, PartitionBatch, Position};
use crate::domain::{Icao24, StateVector, UnixTime};
use crate::messages::{FindPositions, StoreBatch};
use crate::ports::{BadRecord, Recorded, RecordedStates, StoreError};
use crate::supervision::backoff::Backoff;

/// The topic of the log used for files that an earlier version marked as imported although it had stored nothing.
const RETRIED: &str = "import-retried";

/// Each file is a log with one partition.
const PARTITION: i32 = 0;

/// The number of bad records that are logged one by one; further ones are only counted.
const MAX_LOGGED_BAD_RECORDS: u64 = 20;

/// Which records of a file are imported, and how long to retry.
#[derive(Clone, Copy, Debug)]
pub struct ImportRules {
    /// Older rows are rejected, since retention would delete them.
    pub oldest: UnixTime,
    /// Newer rows are bad, since they are in the future.
    pub newest: UnixTime,
    /// The number of bad records that a file may have.
    pub max_bad: u64,
    /// Whether to read a file from the beginning even if it was imported before.
    pub again: bool,
    /// How long to wait for an unavailable database.
    pub retry_timeout: Duration,
}

/// The outcome of importing a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The number of inserted rows.
    pub inserted: u64,
    /// The number of rows whose key existed before, or occurred earlier in the file but not in the aircraft's row before.
    pub duplicates: u64,
    /// The number of rows with the key of the aircraft's row before, as in dumps that repeat a state until the next one.
    pub repeated: u64,
    /// The number of rows older than the retention.
    pub too_old: u64,
    /// The number of records that are not state vectors, are in the future, or were rejected by the database.
    pub bad: u64,
    /// The number of records of aircraft without an ICAO address.
    pub skipped: u64,
    /// The number of records that an earlier import had processed.
    pub passed_over: u64,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, other: Self) {
        let Self { inserted, duplicates, repeated, too_old, bad, skipped, passed_over } = other;
        self.inserted += inserted;
        self.duplicates += duplicates;
        self.repeated += repeated;
        self.too_old += too_old;
        self.bad += bad;
        self.skipped += skipped;
        self.passed_over += passed_over;
    }
}

/// Why an import stopped early. Stored rows stay, and the next import of the file continues from there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The file cannot be read; the operator must inspect it.
    #[error("{0}")]
    Unreadable(String),
    /// The file contains too many bad records; the operator must inspect it.
    #[error("more than {limit} bad records, the last one: {reason}; correct the file, or allow more with --max-bad")]
    TooManyBad {
        /// The allowed number of bad records.
        limit: u64,
        /// A description of where the last bad record is and what is wrong with it.
        reason: String,
    },
    /// The database or the DbWriter is unavailable; retry the import later.
    #[error("{0}")]
    Unavailable(String),
    /// The database refused the request; the operator must act.
    #[error("database refused: {0}")]
    Refused(String),
    /// The file's position was moved back while the import was running.
    #[error("the file's position in the database was moved back during the import")]
    MovedBack,
}

/// Sends recorded state vectors to the DbWriter. Each file is a log of its own, so an interrupted import resumes where
/// it stopped and a finished one is not repeated. A file of which nothing was stored has no position and is read again
/// as a whole.
#[derive(Clone, Debug)]
pub struct Importer {
    /// Finds the stored position of a file.
    pub positions: Recipient<FindPositions>,
    /// Stores batches.
    pub db_writer: Recipient<StoreBatch>,
    /// Which records to import.
    pub rules: ImportRules,
}

impl Importer {
    /// Imports a file under its identity, and calls `progress` after each batch.
    ///
    /// # Errors
    /// See [`ImportError`], whose variants tell who can act.
    pub async fn import(
        &self,
        log: LogId,
        source: &mut impl RecordedStates,
        mut progress: impl FnMut(&Imported),
    ) -> Result<Imported, ImportError> {
        let (log, stored) = self.find_log(log).await?;
        let mut import =
            Import { importer: self, log, stored, repeats: Repeats::default(), imported: Imported::default() };
        while let Some(mut records) = source.next().await.map_err(ImportError::Unreadable)? {
            import.pass_over(&mut records);
            import.take(records).await?;
            progress(&import.imported);
        }
        Ok(import.imported)
    }

    /// Returns the log to continue with, and its position. A position without a timestamp was written by an earlier
    /// version for a file of which it had stored nothing. It is left unchanged, since positions never move back.
    async fn find_log(&self, log: LogId) -> Result<(LogId, Option<Position>), ImportError> {
        match self.find_position(&log).await? {
            Some(Position { last_timestamp: 0, .. }) => {
                let log = LogId { topic: RETRIED.into(), ..log };
                let stored = self.find_position(&log).await?;
                Ok((log, stored))
            }
            stored => Ok((log, stored)),
        }
    }

    async fn find_position(&self, log: &LogId) -> Result<Option<Position>, ImportError> {
        let mut attempts = Attempts::new(self.rules.retry_timeout);
        loop {
            let query = FindPositions { log: log.clone(), partitions: vec![PARTITION] };
            match self.positions.send(query).await {
                Ok(Ok(found)) => return Ok(found.first().copied()),
                Ok(Err(StoreError::Refused(reason))) => return Err(ImportError::Refused(reason)),
                Ok(Err(error)) => attempts.failed(error.to_string()).await?,
                Err(error) => attempts.failed(format!("the DbWriter did not answer: {error}")).await?,
            }
        }
    }
}

/// The attempts of one request, limited by [`ImportRules::retry_timeout`].
struct Attempts {
    deadline: Instant,
    backoff: Backoff,
}

impl Attempts {
    fn new(retry_timeout: Duration) -> Self {
        Self { deadline: Instant::now() + retry_timeout, backoff: Backoff::for_service() }
    }

    /// Waits before the next attempt. Returns an error if that would exceed the deadline.
    async fn failed(&mut self, reason: String) -> Result<(), ImportError> {
        let pause = self.backoff.pause();
        if Instant::now() + pause > self.deadline {
            return Err(ImportError::Unavailable(reason));
        }
        log::warn!(pause:? = pause; "failed to import records, retrying: {reason}");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Recognises rows that repeat the aircraft's row before: the same address and `last_contact`.
///
/// OpenSky's dumps have a row a second for each aircraft, for five minutes after it was last heard. The database would
/// recognise these rows too, but at several times the cost of a new one.
#[derive(Debug, Default)]
struct Repeats {
    young: HashMap<Icao24, UnixTime, RandomState>,
    /// The previous generation, so that the memory is bounded and active aircraft are kept.
    old: HashMap<Icao24, UnixTime, RandomState>,
}

impl Repeats {
    const GENERATION: usize = 65_536;

    /// Whether the state has the key of the aircraft's state before, which it replaces.
    fn contains(&mut self, state: &StateVector) -> bool {
        let before = match self.young.insert(state.icao24, state.last_contact) {
            Some(before) => Some(before),
            None => self.old.get(&state.icao24).copied(),
        };
        if self.young.len() >= Self::GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        before == Some(state.last_contact)
    }
}

/// An import in progress.
struct Import<'a> {
    importer: &'a Importer,
    log: LogId,
    /// The position in the database.
    stored: Option<Position>,
    repeats: Repeats,
    imported: Imported,
}

impl Import<'_> {
    /// Drops records that an earlier import processed.
    fn pass_over(&mut self, records: &mut Recorded) {
        let Some(position) = self.stored.filter(|_| !self.importer.rules.again) else { return };
        let count = |records: &Recorded| records.states.len() + records.bad.len() + records.skipped.len();
        let before = count(records);
        records.states.retain(|(record, _)| *record >= position.next_offset);
        records.bad.retain(|bad| bad.record >= position.next_offset);
        records.skipped.retain(|record| *record >= position.next_offset);
        self.imported.passed_over += (before - count(records)) as u64;
    }

    /// Stores the valid records, or those before the first bad one over the limit.
    async fn take(&mut self, mut records: Recorded) -> Result<(), ImportError> {
        let ImportRules { oldest, newest, .. } = self.importer.rules;
        let mut bad = std::mem::take(&mut records.bad);
        bad.extend(records.states.extract_if(.., |(_, state)| state.last_contact > newest).map(|(record, state)| {
            let reason = format!("record {}: {} at {} is in the future", record + 1, state.icao24, state.last_contact);
            BadRecord { record, reason }
        }));
        bad.sort_by_key(|bad| bad.record);
        let mut too_many = None;
        for BadRecord { record, reason } in bad {
            if let Err(error) = self.count_bad(reason) {
                // Store only the records before this one, so that the next import starts with it.
                records.next = record;
                records.states.retain(|(before, _)| *before < record);
                records.skipped.retain(|before| *before < record);
                too_many = Some(error);
                break;
            }
        }
        let offered = records.states.len();
        records.states.retain(|(_, state)| state.last_contact >= oldest);
        self.imported.too_old += (offered - records.states.len()) as u64;
        let valid = records.states.len();
        records.states.retain(|(_, state)| !self.repeats.contains(state));
        self.imported.repeated += (valid - records.states.len()) as u64;
        self.imported.skipped += records.skipped.len() as u64;
        self.store(records).await?;
        too_many.map_or(Ok(()), Err)
    }

    fn count_bad(&mut self, reason: String) -> Result<(), ImportError> {
        let limit = self.importer.rules.max_bad;
        if self.imported.bad >= limit {
            return Err(ImportError::TooManyBad { limit, reason });
        }
        self.imported.bad += 1;
        match self.imported.bad {
            ..=MAX_LOGGED_BAD_RECORDS => log::warn!("skipped bad record: {reason}"),
            bad if bad == MAX_LOGGED_BAD_RECORDS + 1 => log::warn!("further bad records are counted but not logged"),
            _ => {}
        }
        Ok(())
    }

    /// Stores the records as one batch, and retries until the timeout. No position is stored before the first row of
    /// the file is.
    async fn store(&mut self, mut records: Recorded) -> Result<(), ImportError> {
        let mut attempts = Attempts::new(self.importer.rules.retry_timeout);
        while self.stored.is_some_and(|position| position.next_offset < records.next) || !records.states.is_empty() {
            let batch = Arc::new(self.batch(&records));
            match self.importer.db_writer.send(StoreBatch(batch.clone())).await {
                Ok(Ok(stored)) => {
                    self.imported.inserted += stored.inserted;
                    self.imported.duplicates += stored.duplicates;
                    match stored.fenced.first() {
                        None => {
                            self.stored = batch.parts.first().map(position_after);
                            return Ok(());
                        }
                        Some(fenced) => self.adopt_position(fenced, &mut records)?,
                    }
                }
                Ok(Err(StoreError::Rejected { icao24, last_contact, reason })) => {
                    let is_rejected =
                        |state: &StateVector| state.icao24 == icao24 && state.last_contact == last_contact;
                    let rejected: Vec<_> = records.states.extract_if(.., |(_, state)| is_rejected(state)).collect();
                    let reason = format!("the database rejected the row of {icao24} at {last_contact}: {reason}");
                    if rejected.is_empty() {
                        attempts.failed(reason.clone()).await?;
                    }
                    for (record, _) in rejected {
                        self.count_bad(format!("record {}: {reason}", record + 1))?;
                    }
                }
                Ok(Err(StoreError::Refused(reason))) => return Err(ImportError::Refused(reason)),
                Ok(Err(error @ (StoreError::Unavailable(_) | StoreError::RejectedRecord { .. }))) => {
                    attempts.failed(error.to_string()).await?;
                }
                Err(error) => attempts.failed(format!("the DbWriter did not answer: {error}")).await?,
            }
        }
        Ok(())
    }

    /// Handles an unexpected position: either an earlier attempt was committed but its reply was lost, or another
    /// process is importing the same file.
    fn adopt_position(&mut self, fenced: &Fenced, records: &mut Recorded) -> Result<(), ImportError> {
        let before = self.stored.map_or(0, |position| position.next_offset);
        self.stored = fenced.found.filter(|found| found.next_offset >= before);
        if self.stored.is_none() {
            return Err(ImportError::MovedBack);
        }
        self.pass_over(records);
        Ok(())
    }

    fn batch(&self, records: &Recorded) -> Batch {
        let expected = self.stored.map(|position| position.next_offset);
        let newest = records.states.iter().map(|(_, state)| state.last_contact.0.saturating_mul(1000)).max();
        let part = PartitionBatch {
            partition: PARTITION,
            expected,
            // When a file is read again, this offset may be before the stored position, which never moves back.
            next_offset: expected.map_or(records.next, |expected| expected.max(records.next)),
            last_timestamp: newest.or(self.stored.map(|position| position.last_timestamp)).unwrap_or_default(),
            states: records.states.iter().map(|(_, state)| state.clone()).collect(),
            records: Vec::new(),
            polls: Vec::new(),
            alerts: Vec::new(),
            skipped: 0,
            dead_letters: Vec::new(),
            lost: 0,
        };
        Batch { log: self.log.clone(), parts: vec![part] }
    }
}

fn position_after(part: &PartitionBatch) -> Position {
    let PartitionBatch { partition, next_offset, last_timestamp, .. } = *part;
    Position { partition, next_offset, last_timestamp }
}
