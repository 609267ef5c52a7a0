//! What travels from Kafka to the database and the live picture, with its place in the log.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::domain::StateVector;

/// The identity of a log: its cluster's id (a random one for each process of the embedded broker) and its topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct LogId {
    /// Kafka's cluster id.
    pub cluster: Arc<str>,
    /// The topic's name.
    pub topic: Arc<str>,
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.topic, self.cluster)
    }
}

/// Records read from one log, by partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Where they were read.
    pub log: LogId,
    /// One part for each partition that had records.
    pub parts: Vec<PartitionBatch>,
}

impl Batch {
    /// How many state vectors it holds.
    pub fn states(&self) -> usize {
        self.parts.iter().map(|part| part.states.len()).sum()
    }

    /// Every state vector, by partition and then in the log's order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StateVector>> {
        self.parts.iter().flat_map(|part| &part.states)
    }
}

/// Consecutive records of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionBatch {
    /// The partition's number.
    pub partition: i32,
    /// What the database must hold as this partition's next offset for the part to be stored; `None`: no entry.
    pub expected: Option<i64>,
    /// The offset after the last record.
    pub next_offset: i64,
    /// Milliseconds since 1970 of the last record.
    pub last_timestamp: i64,
    /// What could be decoded.
    pub states: Vec<Arc<StateVector>>,
    /// The record that each of them was decoded from, in the same order; empty where there are no records.
    pub records: Vec<RecordPlace>,
    /// What could not.
    pub dead_letters: Vec<DeadLetter>,
    /// Offsets that the log no longer had: gone by retention, or out of the embedded broker's bounds.
    pub lost: u64,
}

/// Where a record stands in its partition, and when it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// How far one partition was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The partition's number.
    pub partition: i32,
    /// The offset of the first record that was not stored.
    pub next_offset: i64,
    /// Milliseconds since 1970 of the record before it.
    pub last_timestamp: i64,
}

/// A record that could not be used, to be kept where people can look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The topic it was read from.
    pub topic: Arc<str>,
    /// The partition it was read from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970, as it was published.
    pub timestamp: i64,
    /// Its key as it was, or the beginning of one that is too large.
    pub key: Option<Bytes>,
    /// Its value, likewise.
    pub value: Option<Bytes>,
    /// Why it could not be used.
    pub reason: String,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Rows that are in the table now and were not before.
    pub inserted: u64,
    /// Rows whose key was there before, or twice in the batch.
    pub duplicates: u64,
    /// The parts that were left out, because the table's position was not the expected one.
    pub fenced: Vec<Fenced>,
}

/// A part that was not stored, since somebody else (or an earlier try whose answer was lost) moved its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The partition's number.
    pub partition: i32,
    /// What the table holds: next offset and time stamp of the record before it; `None`: no entry.
    pub found: Option<Position>,
}
