//! An in-memory database, which also accepts dead letters.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use actix::{Actor, Context, Handler};
use actors::batch::{Batch, Fenced, Position, Stored};
use actors::messages::{FindPositions, PublishDeadLetters, StoreBatch};
use actors::ports::{PublishError, StoreError};

use super::PARTITIONS;
use super::log::record;

/// How the database handles a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The database is unavailable, and nothing is stored.
    Unavailable,
    /// The batch is stored, but the response is lost.
    ReplyLost,
    /// Another writer stores the next records of every partition first.
    AnotherWriter,
    /// The last row of the batch is rejected for its content.
    RowRejected,
}

#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) positions: BTreeMap<i32, i64>,
    /// How often each (partition, `last_contact`) was stored.
    pub(crate) rows: BTreeMap<(i32, i64), usize>,
    pub(crate) letters: BTreeSet<(i32, i64)>,
    pub(crate) rejected: BTreeSet<(i32, i64)>,
    pub(crate) rejected_letters: BTreeSet<(i32, i64)>,
    pub(crate) faults: VecDeque<Option<Fault>>,
    pub(crate) length: i64,
}

impl Database {
    fn store(&mut self, batch: &Batch) -> Stored {
        let mut stored = Stored::default();
        for part in &batch.parts {
            let found = self.positions.get(&part.partition).copied();
            if found != part.expected {
                let found = found.map(|next_offset| position(part.partition, next_offset));
                stored.fenced.push(Fenced { partition: part.partition, found });
                continue;
            }
            self.positions.insert(part.partition, part.next_offset);
            for state in &part.states {
                *self.rows.entry((part.partition, state.last_contact.0)).or_default() += 1;
                stored.inserted += 1;
            }
        }
        stored
    }

    /// Stores a few records of every partition, as another writer would.
    fn store_as_another_writer(&mut self) {
        for partition in 0..PARTITIONS {
            let from = self.positions.get(&partition).copied().unwrap_or(0);
            let to = (from + 3).min(self.length);
            if to > from {
                for offset in from..to {
                    match record(partition, offset) {
                        Ok(_) => *self.rows.entry((partition, offset)).or_default() += 1,
                        Err(_) => drop(self.letters.insert((partition, offset))),
                    }
                }
                self.positions.insert(partition, to);
            }
        }
    }
}

pub(crate) fn position(partition: i32, next_offset: i64) -> Position {
    Position { partition, next_offset, last_timestamp: next_offset - 1 }
}

#[derive(Clone)]
pub(crate) struct FakeDbWriter(pub(crate) Rc<RefCell<Database>>);

impl Actor for FakeDbWriter {
    type Context = Context<Self>;
}

impl Handler<FindPositions> for FakeDbWriter {
    type Result = Result<Vec<Position>, StoreError>;

    fn handle(&mut self, query: FindPositions, _: &mut Self::Context) -> Self::Result {
        let mut database = self.0.borrow_mut();
        if database.faults.pop_front().flatten() == Some(Fault::Unavailable) {
            return Err(StoreError::Unavailable("connection refused".into()));
        }
        let known = query.partitions.iter().filter_map(|p| database.positions.get(p).map(|next| position(*p, *next)));
        Ok(known.collect())
    }
}

impl Handler<StoreBatch> for FakeDbWriter {
    type Result = Result<Stored, StoreError>;

    fn handle(&mut self, StoreBatch(batch): StoreBatch, _: &mut Self::Context) -> Self::Result {
        let mut database = self.0.borrow_mut();
        match database.faults.pop_front().flatten() {
            Some(Fault::Unavailable) => return Err(StoreError::Unavailable("connection refused".into())),
            Some(Fault::ReplyLost) => {
                database.store(&batch);
                return Err(StoreError::Unavailable("connection reset".into()));
            }
            Some(Fault::AnotherWriter) => database.store_as_another_writer(),
            Some(Fault::RowRejected) => {
                if let Some(state) = batch.iter().last() {
                    let partition = i32::try_from(state.icao24.to_u32()).unwrap();
                    database.rejected.insert((partition, state.last_contact.0));
                    return Err(StoreError::Rejected {
                        icao24: state.icao24,
                        last_contact: state.last_contact,
                        reason: "a constraint".into(),
                    });
                }
            }
            None => {}
        }
        Ok(database.store(&batch))
    }
}

impl Handler<PublishDeadLetters> for FakeDbWriter {
    type Result = Result<(), PublishError>;

    fn handle(&mut self, PublishDeadLetters(letters): PublishDeadLetters, _: &mut Self::Context) -> Self::Result {
        let mut database = self.0.borrow_mut();
        if database.faults.pop_front().flatten() == Some(Fault::Unavailable) {
            return Err(PublishError { undelivered: (0..letters.len()).collect(), reason: "timed out".into() });
        }
        for letter in letters {
            assert_eq!(letter.timestamp, letter.offset, "the timestamp of a dead letter is that of its record");
            let key = (letter.partition, letter.offset);
            let kind = if letter.reason == "garbage" { &mut database.letters } else { &mut database.rejected_letters };
            kind.insert(key);
        }
        Ok(())
    }
}
