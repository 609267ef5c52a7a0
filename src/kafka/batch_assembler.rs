#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use actors::batch::{Batch, DeadLetter, LogId, PartitionBatch, RecordPlace};
use actors::ports::StartAt;

use super::codec::{DecodeRecord, Decoded};

/// Assembles records into batches, and checks their offsets for records that are missing, repeated or from another log.
#[derive(Debug, Default)]
pub(super) struct BatchAssembler {
    partitions: BTreeMap<i32, ReadState>,
    parts: BTreeMap<i32, PartitionBatch>,
    records: usize,
    bytes: usize,
    /// Whether gaps are normal, as in a compacted topic.
    is_compacted: bool,
}

/// The read position of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadState {
    /// Owned, but not started. Records that still arrive were fetched before the partition was paused.
    NotStarted,
    /// Seeking to the last stored record, which has to match before reading continues. `attempts` counts the seeks that
    /// led to a different record.
    Checking { place: ResumePoint, attempts: u8 },
    /// Reading. `offset` is the next expected offset (`None`: any), `after` the timestamp of the record before it.
    Expecting { offset: Option<i64>, after: i64 },
}

/// Where to resume reading a partition: the next offset, and the timestamp of the record before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResumePoint {
    pub(super) next_offset: i64,
    pub(super) last_timestamp: i64,
}

/// A Kafka record, borrowed from the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// In milliseconds since the Unix epoch.
    pub(super) timestamp: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

/// The outcome of [`BatchAssembler::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakeOutcome {
    /// The record was added to the batch, or was correctly ignored.
    Accepted,
    /// The log is not the one that the stored records came from, so it must be read from the beginning.
    OtherLog,
    /// The record is not the expected one. Either this is another log, or the log no longer has that record, or the
    /// client has not reached the requested offset: a seek that overtakes the lookup of an assignment's first offset is
    /// undone by the lookup's result.
    Unverified(ResumePoint),
}

impl BatchAssembler {
    /// The size limits of a batch, even if more records are available.
    const MAX_RECORDS: usize = 20_000;
    const MAX_BYTES: usize = 16 << 20;
    /// How often a seek that led to a different record is repeated.
    const MAX_ATTEMPTS: u8 = 3;

    /// Creates an assembler for a topic that is compacted or written by transactions, in which offsets are missing.
    pub(super) fn of_compacted() -> Self {
        Self { is_compacted: true, ..Self::default() }
    }

    /// Adds partitions that this consumer now owns.
    pub(super) fn own(&mut self, partitions: &[i32]) {
        self.partitions.extend(partitions.iter().map(|&partition| (partition, ReadState::NotStarted)));
    }

    /// Removes partitions that this consumer no longer owns, and drops their records.
    pub(super) fn disown(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.partitions.remove(partition);
            self.forget(*partition);
        }
    }

    pub(super) fn owned(&self) -> Vec<i32> {
        self.partitions.keys().copied().collect()
    }

    pub(super) fn owns(&self, partition: i32) -> bool {
        self.partitions.contains_key(&partition)
    }

    pub(super) fn started(&self) -> Vec<i32> {
        let started = self.partitions.iter().filter(|(_, reading)| **reading != ReadState::NotStarted);
        started.map(|(partition, _)| *partition).collect()
    }

    /// Returns the next offset of each partition where it is known.
    pub(super) fn reached(&self) -> BTreeMap<i32, i64> {
        let next = |state: &ReadState| match *state {
            ReadState::NotStarted => None,
            ReadState::Checking { place, .. } => Some(place.next_offset),
            ReadState::Expecting { offset, .. } => offset,
        };
        self.partitions.iter().filter_map(|(&partition, reading)| Some((partition, next(reading)?))).collect()
    }

    /// Stops all partitions and drops their records.
    pub(super) fn stop_all(&mut self) {
        for reading in self.partitions.values_mut() {
            *reading = ReadState::NotStarted;
        }
        (self.parts, self.records, self.bytes) = Default::default();
    }

    /// Starts a partition and drops its records. If `whole` is set, its first record must have offset 0.
    pub(super) fn start(&mut self, partition: i32, at: StartAt, whole: bool) {
        self.forget(partition);
        let reading = match at {
            StartAt::Resume { next_offset, last_timestamp } => {
                ReadState::Checking { place: ResumePoint { next_offset, last_timestamp }, attempts: 0 }
            }
            StartAt::Offset(offset) => ReadState::Expecting { offset: Some(offset), after: i64::MAX },
            StartAt::Beginning if whole => ReadState::Expecting { offset: Some(0), after: i64::MAX },
            StartAt::Beginning | StartAt::Time(_) => ReadState::Expecting { offset: None, after: i64::MAX },
        };
        self.partitions.insert(partition, reading);
    }

    /// Restarts a partition at the same place, after a seek that led to a different record.
    pub(super) fn check_again(&mut self, partition: i32, place: ResumePoint) {
        let attempts = match self.partitions.get(&partition) {
            Some(ReadState::Checking { attempts, .. }) => attempts + 1,
            _ => 1,
        };
        self.forget(partition);
        self.partitions.insert(partition, ReadState::Checking { place, attempts });
    }

    /// Continues at `place` when the log no longer has the record before it. If later records are gone too, the next
    /// record reveals how many, and they are counted as lost then.
    pub(super) fn expect(&mut self, partition: i32, place: ResumePoint) {
        self.forget(partition);
        let reading = ReadState::Expecting { offset: Some(place.next_offset), after: place.last_timestamp };
        self.partitions.insert(partition, reading);
    }

    fn forget(&mut self, partition: i32) {
        if let Some(part) = self.parts.remove(&partition) {
            self.records -= part.count_records();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records >= Self::MAX_RECORDS || self.bytes >= Self::MAX_BYTES
    }

    /// Takes the next record of a partition.
    pub(super) fn take(&mut self, log: &LogId, record: Record<'_>, decode: DecodeRecord) -> TakeOutcome {
        let Some(reading) = self.partitions.get_mut(&record.partition) else { return TakeOutcome::Accepted };
        let (expected, after) = match *reading {
            ReadState::NotStarted => return TakeOutcome::Accepted,
            ReadState::Expecting { offset, after } => (offset.unwrap_or(record.offset), after),
            ReadState::Checking { place, attempts } => {
                let ResumePoint { next_offset, last_timestamp } = place;
                if record.offset + 1 == next_offset {
                    if record.timestamp != last_timestamp {
                        return TakeOutcome::OtherLog;
                    }
                    *reading = ReadState::Expecting { offset: Some(next_offset), after: last_timestamp };
                    return TakeOutcome::Accepted;
                }
                if attempts < Self::MAX_ATTEMPTS {
                    return TakeOutcome::Unverified(place);
                }
                if record.offset < next_offset {
                    return TakeOutcome::OtherLog;
                }
                (next_offset, last_timestamp)
            }
        };
        if record.offset < expected {
            // Normally a record that was fetched before a seek took effect. If it is newer than the last one, though,
            // the topic may have been recreated while it was being read.
            let place = ResumePoint { next_offset: expected, last_timestamp: after };
            return if record.timestamp > after { TakeOutcome::Unverified(place) } else { TakeOutcome::Accepted };
        }
        let lost = if self.is_compacted { 0 } else { record.offset.abs_diff(expected) };
        *reading = ReadState::Expecting { offset: Some(record.offset + 1), after: record.timestamp };
        if lost > 0 {
            log::warn!(
                topic:% = log.topic, partition = record.partition, lost;
                "Kafka no longer has the offsets {expected} to {}", record.offset - 1
            );
        }
        let part = self.parts.entry(record.partition).or_insert_with(|| PartitionBatch {
            partition: record.partition,
            expected: None,
            next_offset: 0,
            last_timestamp: 0,
            states: Vec::new(),
            records: Vec::new(),
            polls: Vec::new(),
            alerts: Vec::new(),
            skipped: 0,
            dead_letters: Vec::new(),
            lost: 0,
        });
        part.next_offset = record.offset + 1;
        part.last_timestamp = record.timestamp;
        part.lost += lost;
        let place = RecordPlace { offset: record.offset, timestamp: record.timestamp };
        match decode(record.key, record.value) {
            Ok(Decoded::Poll(poll)) => {
                part.polls.push(poll);
                part.records.push(place);
            }
            Ok(Decoded::Alert(alert)) => {
                part.alerts.push(alert);
                part.records.push(place);
            }
            Ok(Decoded::State(state)) => {
                part.states.push(Arc::new(state));
                part.records.push(place);
            }
            Ok(Decoded::Skipped) => part.skipped += 1,
            Err(reason) => part.dead_letters.push(DeadLetter {
                topic: log.topic.clone(),
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.map(|key| key.to_vec().into()),
                value: record.value.map(|value| value.to_vec().into()),
                reason,
            }),
        }
        self.records += 1;
        self.bytes += record.value.map_or(0, <[u8]>::len);
        TakeOutcome::Accepted
    }

    /// Returns the assembled batch and starts a new one.
    pub(super) fn finish(&mut self, log: &LogId) -> Batch {
        (self.records, self.bytes) = (0, 0);
        Batch { log: log.clone(), parts: std::mem::take(&mut self.parts).into_values().collect() }
    }
}
