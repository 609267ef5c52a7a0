//! Brings recorded states into the database through the DbWriter, past Kafka: each file is a log of its own.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use thiserror::Error;
use tokio::time::Instant;

use crate::batch::{Batch, Fenced, LogId, PartitionBatch, Position};
use crate::domain::{StateVector, UnixTime};
use crate::messages::{FindPositions, StoreBatch};
use crate::ports::{BadRecord, Recorded, RecordedStates, StoreError};
use crate::supervision::backoff::Backoff;

/// The log of a file that an older version remembered as done though it had stored nothing of it.
const RETRIED: &str = "import-retried";

/// A file is a log of one partition.
const PARTITION: i32 = 0;

/// So many bad records are told of one by one; the others are only counted.
const TOLD: u64 = 20;

/// What of a file is taken, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct ImportRules {
    /// Rows that are older are refused: the retention would delete them.
    pub oldest: UnixTime,
    /// Rows that are newer are bad: they lie in the future.
    pub newest: UnixTime,
    /// How many bad records of a file are passed over.
    pub max_bad: u64,
    /// Whether a file is read from its beginning though it was imported before.
    pub again: bool,
    /// How long a database that is away is waited for.
    pub patience: Duration,
}

/// What became of a file's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that are in the table now and were not before.
    pub inserted: u64,
    /// Rows whose key was there before, or twice in the file.
    pub duplicates: u64,
    /// Rows that are older than the retention.
    pub too_old: u64,
    /// What is no state vector, lies in the future or is refused by the database.
    pub bad: u64,
    /// What another import had dealt with.
    pub passed_over: u64,
}

/// Why a file was not imported to its end. What was stored stays, and the next import of the file goes on from there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// Somebody must look at the file.
    #[error("{0}")]
    Unreadable(String),
    /// Somebody must look at the file.
    #[error(
        "gave up after more than {limit} bad records, the last one at {reason}; correct the file, or allow more of them with --max-bad"
    )]
    TooManyBad {
        /// How many are allowed.
        limit: u64,
        /// Where it is and what is wrong with it.
        reason: String,
    },
    /// Nobody: it can be tried again later.
    #[error("{0}")]
    Unavailable(String),
    /// The operator must look at the database.
    #[error("database refused: {0}")]
    Refused(String),
    /// Somebody took back what was stored while it went on.
    #[error("the file's position in the database was moved back meanwhile")]
    MovedBack,
}

/// Brings recorded state vectors to the DbWriter. Each file is a log of its own, so that an import that was broken off
/// goes on where it was, and one that was finished is not done again. A file of which nothing was stored is not
/// remembered: it is read again as a whole.
#[derive(Clone, Debug)]
pub struct Importer {
    /// Says how far a file was stored.
    pub positions: Recipient<FindPositions>,
    /// Stores.
    pub db_writer: Recipient<StoreBatch>,
    /// What is taken.
    pub rules: ImportRules,
}

impl Importer {
    /// Imports a file under its identity; `progress` is told after each batch.
    ///
    /// # Errors
    /// Told apart by who can act; see [`ImportError`].
    pub async fn import(
        &self,
        log: LogId,
        source: &mut impl RecordedStates,
        mut progress: impl FnMut(&Imported),
    ) -> Result<Imported, ImportError> {
        let (log, stored) = self.find_log(log).await?;
        let mut import = Import { importer: self, log, stored, imported: Imported::default() };
        while let Some(mut records) = source.next().await.map_err(ImportError::Unreadable)? {
            import.pass_over(&mut records);
            import.take(records).await?;
            progress(&import.imported);
        }
        Ok(import.imported)
    }

    /// The log to go on with, and its position. A position without a time was written by a version that remembered a
    /// file of which it had stored nothing; it is left alone, since a position never goes back.
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
        let mut tries = Tries::new(self.rules.patience);
        loop {
            let question = FindPositions { log: log.clone(), partitions: vec![PARTITION] };
            match self.positions.send(question).await {
                Ok(Ok(found)) => return Ok(found.first().copied()),
                Ok(Err(StoreError::Refused(reason))) => return Err(ImportError::Refused(reason)),
                Ok(Err(error)) => tries.failed(error.to_string()).await?,
                Err(error) => tries.failed(format!("the DbWriter did not answer: {error}")).await?,
            }
        }
    }
}

/// The tries of one request, within the patience.
struct Tries {
    deadline: Instant,
    backoff: Backoff,
}

impl Tries {
    fn new(patience: Duration) -> Self {
        Self { deadline: Instant::now() + patience, backoff: Backoff::for_a_service() }
    }

    /// Waits for the next try, if there is to be one.
    async fn failed(&mut self, reason: String) -> Result<(), ImportError> {
        let pause = self.backoff.pause();
        if Instant::now() + pause > self.deadline {
            return Err(ImportError::Unavailable(reason));
        }
        log::warn!("not imported yet: {reason}");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// One file under way.
struct Import<'a> {
    importer: &'a Importer,
    log: LogId,
    /// What the table holds.
    stored: Option<Position>,
    imported: Imported,
}

impl Import<'_> {
    /// Leaves out what was dealt with before.
    fn pass_over(&mut self, records: &mut Recorded) {
        let Some(position) = self.stored.filter(|_| !self.importer.rules.again) else { return };
        let before = records.states.len() + records.bad.len();
        records.states.retain(|(record, _)| *record >= position.next_offset);
        records.bad.retain(|bad| bad.record >= position.next_offset);
        self.imported.passed_over += (before - records.states.len() - records.bad.len()) as u64;
    }

    /// Stores what is to be taken of some records, as far as the bad ones are not too many.
    async fn take(&mut self, mut records: Recorded) -> Result<(), ImportError> {
        let ImportRules { oldest, newest, .. } = self.importer.rules;
        let mut bad = std::mem::take(&mut records.bad);
        bad.extend(records.states.extract_if(.., |(_, state)| state.last_contact > newest).map(|(record, state)| {
            let reason =
                format!("record {}: {} at {} lies in the future", record + 1, state.icao24, state.last_contact);
            BadRecord { record, reason }
        }));
        bad.sort_by_key(|bad| bad.record);
        let mut too_many = None;
        for BadRecord { record, reason } in bad {
            if let Err(error) = self.count_bad(reason) {
                // The records before it are stored, so that the next import begins with it.
                records.next = record;
                records.states.retain(|(before, _)| *before < record);
                too_many = Some(error);
                break;
            }
        }
        let offered = records.states.len();
        records.states.retain(|(_, state)| state.last_contact >= oldest);
        self.imported.too_old += (offered - records.states.len()) as u64;
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
            ..=TOLD => log::warn!("passed over: {reason}"),
            told if told == TOLD + 1 => log::warn!("more bad records are only counted"),
            _ => {}
        }
        Ok(())
    }

    /// Stores the records as one batch, within the patience. As long as nothing of the file was stored, its position is
    /// not stored either.
    async fn store(&mut self, mut records: Recorded) -> Result<(), ImportError> {
        let mut tries = Tries::new(self.importer.rules.patience);
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
                        Some(fenced) => self.overtaken(fenced, &mut records)?,
                    }
                }
                Ok(Err(StoreError::Rejected { icao24, last_contact, reason })) => {
                    let is_refused = |state: &StateVector| state.icao24 == icao24 && state.last_contact == last_contact;
                    let refused: Vec<_> = records.states.extract_if(.., |(_, state)| is_refused(state)).collect();
                    let reason = format!("the database refuses {icao24} at {last_contact}: {reason}");
                    if refused.is_empty() {
                        tries.failed(reason.clone()).await?;
                    }
                    for (record, _) in refused {
                        self.count_bad(format!("record {}: {reason}", record + 1))?;
                    }
                }
                Ok(Err(StoreError::Refused(reason))) => return Err(ImportError::Refused(reason)),
                Ok(Err(error @ StoreError::Unavailable(_))) => tries.failed(error.to_string()).await?,
                Err(error) => tries.failed(format!("the DbWriter did not answer: {error}")).await?,
            }
        }
        Ok(())
    }

    /// The position was not the expected one: an earlier try was committed and its answer lost, or another process
    /// imports the same file.
    fn overtaken(&mut self, fenced: &Fenced, records: &mut Recorded) -> Result<(), ImportError> {
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
            // Read again, it may lie before the position, which never goes back.
            next_offset: expected.map_or(records.next, |expected| expected.max(records.next)),
            last_timestamp: newest.or(self.stored.map(|position| position.last_timestamp)).unwrap_or_default(),
            states: records.states.iter().map(|(_, state)| state.clone()).collect(),
            records: Vec::new(),
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
