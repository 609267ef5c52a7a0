//! Batches of records, passed from Kafka to the database and the live picture together with their log positions.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::detect::{Alert, AlertKey};
use crate::domain::{PollRecord, StateVector};

/// Identifies a log by its cluster id (random for each process of the embedded broker) and its topic.
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

/// Records read from one log, grouped by partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The log from which the records were read.
    pub log: LogId,
    /// One part per partition with records.
    pub parts: Vec<PartitionBatch>,
}

impl Batch {
    /// The number of state vectors.
    pub fn states(&self) -> usize {
        self.parts.iter().map(|part| part.states.len()).sum()
    }

    /// The number of records of polls.
    pub fn polls(&self) -> usize {
        self.parts.iter().map(|part| part.polls.len()).sum()
    }

    /// The number of records of alerts.
    pub fn alerts(&self) -> usize {
        self.parts.iter().map(|part| part.alerts.len()).sum()
    }

    /// The number of state vectors, records of polls and records of alerts.
    pub fn rows(&self) -> usize {
        self.states() + self.polls() + self.alerts()
    }

    /// The number of records from which the batch was read.
    pub fn records(&self) -> u64 {
        self.parts.iter().map(PartitionBatch::count_records).sum::<usize>() as u64
    }

    /// The number of offsets missing from the log.
    pub fn lost_offsets(&self) -> u64 {
        self.parts.iter().map(|part| part.lost).sum()
    }

    /// Returns all state vectors, by partition and then in log order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StateVector>> {
        self.parts.iter().flat_map(|part| &part.states)
    }
}

/// Consecutive records of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionBatch {
    /// The partition's number.
    pub partition: i32,
    /// The stored position required for the part to be stored; `None` if there must be no stored position yet.
    pub expected: Option<i64>,
    /// The offset after the last record.
    pub next_offset: i64,
    /// The timestamp of the last record, in Unix milliseconds.
    pub last_timestamp: i64,
    /// The decoded state vectors.
    pub states: Vec<Arc<StateVector>>,
    /// The record of each state vector, poll or alert, in the same order; empty if they were not read from records.
    pub records: Vec<RecordPlace>,
    /// The decoded records of polls, from a log of those.
    pub polls: Vec<PollRecord>,
    /// The decoded alerts, from a log of those.
    pub alerts: Vec<Alert>,
    /// The number of records that are valid, but of no interest.
    pub skipped: usize,
    /// The records that could not be decoded.
    pub dead_letters: Vec<DeadLetter>,
    /// The number of offsets missing from the log: deleted by retention, or beyond the embedded broker's limits.
    pub lost: u64,
}

impl PartitionBatch {
    /// Returns the number of records from which the part was read.
    pub fn count_records(&self) -> usize {
        self.states.len() + self.polls.len() + self.alerts.len() + self.skipped + self.dead_letters.len()
    }
}

/// A record of a log other than that of the state vectors, which the database stores in a table of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum SideRecord {
    /// The outcome of polls.
    Poll(PollRecord),
    /// The beginning or the end of an alert.
    Alert(Alert),
}

impl SideRecord {
    /// Returns the key of the record in its log.
    pub fn key(&self) -> String {
        match self {
            Self::Poll(poll) => poll.source.clone(),
            Self::Alert(alert) => AlertKey::from(alert).to_string(),
        }
    }
}

impl fmt::Display for SideRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poll(poll) => write!(f, "a record of polls of {}", poll.source),
            Self::Alert(alert) => write!(f, "the alert {} of {}", AlertKey::from(alert), alert.since),
        }
    }
}

/// A record's offset and timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// Its offset.
    pub offset: i64,
    /// Unix milliseconds.
    pub timestamp: i64,
}

/// The stored position of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The partition's number.
    pub partition: i32,
    /// The offset of the first record that was not stored.
    pub next_offset: i64,
    /// The timestamp of the record before it, in Unix milliseconds.
    pub last_timestamp: i64,
}

/// A record that could not be processed, kept for inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The topic from which it was read.
    pub topic: Arc<str>,
    /// The partition from which it was read.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// Its timestamp, in Unix milliseconds.
    pub timestamp: i64,
    /// Its key, truncated if it is too large.
    pub key: Option<Bytes>,
    /// Its value, truncated if it is too large.
    pub value: Option<Bytes>,
    /// The reason.
    pub reason: String,
}

/// The outcome of storing a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The number of inserted rows.
    pub inserted: u64,
    /// The number of rows whose key existed before or occurred twice in the batch.
    pub duplicates: u64,
    /// The parts that were skipped because the stored position was not the expected one.
    pub fenced: Vec<Fenced>,
}

/// A part that was skipped because the stored position had changed: by another process, or by an earlier attempt whose
/// reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The partition's number.
    pub partition: i32,
    /// The stored position: the next offset and the timestamp of the record before it; `None` if there is none.
    pub found: Option<Position>,
}
