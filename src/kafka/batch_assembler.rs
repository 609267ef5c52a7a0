use std::collections::BTreeMap;
use std::sync::Arc;

use actors::batch::{Batch, DeadLetter, LogId, PartitionBatch, RecordPlace};
use actors::ports::StartAt;

use super::codec::Decoded;

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
    pub(super) fn take(
        &mut self,
        log: &LogId,
        record: Record<'_>,
        decode: impl FnOnce(Option<&[u8]>) -> Result<Decoded, String>,
    ) -> TakeOutcome {
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
            dead_letters: Vec::new(),
            lost: 0,
        });
        part.next_offset = record.offset + 1;
        part.last_timestamp = record.timestamp;
        part.lost += lost;
        match decode(record.value) {
            Ok(Decoded::Poll(poll)) => {
                part.polls.push(poll);
                part.records.push(RecordPlace { offset: record.offset, timestamp: record.timestamp });
            }
            Ok(Decoded::Alert(alert)) => part.alerts.push(alert),
            Ok(Decoded::State(state)) => {
                part.states.push(Arc::new(state));
                part.records.push(RecordPlace { offset: record.offset, timestamp: record.timestamp });
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::codec;

    fn log() -> LogId {
        LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
    }

    fn take(assembler: &mut BatchAssembler, partition: i32, offset: i64) -> TakeOutcome {
        let value = format!(r#"{{"icao24":"{offset:06x}","last_contact":{offset}}}"#);
        let record = Record { partition, offset, timestamp: offset * 10, key: None, value: Some(value.as_bytes()) };
        assembler.take(&log(), record, codec::decode_state_record)
    }

    fn assembled(assembler: &mut BatchAssembler) -> Vec<(i32, Vec<i64>, i64, u64)> {
        let parts = assembler.finish(&log()).parts.into_iter();
        parts
            .map(|part| {
                let times = part.states.iter().map(|state| state.last_contact.0).collect();
                (part.partition, times, part.next_offset, part.lost)
            })
            .collect()
    }

    fn started(at: StartAt) -> BatchAssembler {
        let mut assembler = BatchAssembler::default();
        assembler.own(&[0]);
        assembler.start(0, at, false);
        assembler
    }

    #[test]
    fn records_of_unstarted_and_foreign_partitions_are_ignored() {
        let mut assembler = BatchAssembler::default();
        assembler.own(&[0]);
        take(&mut assembler, 0, 5);
        take(&mut assembler, 1, 5);
        assert!(assembler.is_empty());
    }

    #[test]
    fn the_last_stored_record_is_skipped_on_resume() {
        let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        for offset in 7..10 {
            assert_eq!(take(&mut assembler, 0, offset), TakeOutcome::Accepted);
        }
        assert_eq!(assembled(&mut assembler), [(0, vec![8, 9], 10, 0)]);
    }

    #[test]
    fn another_timestamp_at_the_last_stored_offset_means_another_log() {
        let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 71 });
        assert_eq!(take(&mut assembler, 0, 7), TakeOutcome::OtherLog);
    }

    #[test]
    fn a_record_other_than_the_last_stored_one_is_unverified_until_the_attempts_run_out() {
        let place = ResumePoint { next_offset: 8, last_timestamp: 70 };
        for (offset, outcome) in [
            (0, TakeOutcome::OtherLog),
            (6, TakeOutcome::OtherLog),
            (8, TakeOutcome::Accepted),
            (11, TakeOutcome::Accepted),
        ] {
            let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
            for _ in 0..BatchAssembler::MAX_ATTEMPTS {
                assert_eq!(take(&mut assembler, 0, offset), TakeOutcome::Unverified(place));
                assembler.check_again(0, place);
            }
            assert_eq!(take(&mut assembler, 0, offset), outcome);
        }
    }

    #[test]
    fn a_topic_recreated_during_reading_is_detected() {
        let mut assembler = started(StartAt::Beginning);
        for offset in 0..5 {
            take(&mut assembler, 0, offset);
        }
        let newer = Record { partition: 0, offset: 0, timestamp: 1_000, key: None, value: None };
        let place = ResumePoint { next_offset: 5, last_timestamp: 40 };
        assert_eq!(assembler.take(&log(), newer, codec::decode_state_record), TakeOutcome::Unverified(place));
        let stale = Record { timestamp: 0, ..newer };
        assert_eq!(assembler.take(&log(), stale, codec::decode_state_record), TakeOutcome::Accepted);
        assert_eq!(assembled(&mut assembler)[0].1.len(), 5, "neither is in the batch");
    }

    #[test]
    fn records_deleted_by_retention_are_counted_as_lost() {
        let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        assembler.expect(0, ResumePoint { next_offset: 8, last_timestamp: 70 });
        take(&mut assembler, 0, 11);
        take(&mut assembler, 0, 14);
        assert_eq!(assembled(&mut assembler), [(0, vec![11, 14], 15, 5)]);

        let mut whole = BatchAssembler::default();
        whole.own(&[0]);
        whole.start(0, StartAt::Beginning, true);
        take(&mut whole, 0, 3);
        assert_eq!(assembled(&mut whole), [(0, vec![3], 4, 3)]);
    }

    #[test]
    fn retention_up_to_the_position_loses_nothing() {
        let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        assembler.expect(0, ResumePoint { next_offset: 8, last_timestamp: 70 });
        take(&mut assembler, 0, 8);
        assert_eq!(assembled(&mut assembler), [(0, vec![8], 9, 0)]);
    }

    #[test]
    fn records_fetched_before_a_seek_are_ignored() {
        let mut assembler = started(StartAt::Beginning);
        take(&mut assembler, 0, 4);
        take(&mut assembler, 0, 5);
        assembler.start(0, StartAt::Resume { next_offset: 2, last_timestamp: 10 }, false);
        assert!(assembler.is_empty(), "records from before the start are dropped");
        for offset in [1, 2, 3] {
            take(&mut assembler, 0, offset);
        }
        take(&mut assembler, 0, 2);
        assert_eq!(assembled(&mut assembler), [(0, vec![2, 3], 4, 0)]);
    }

    #[test]
    fn a_revoked_partition_leaves_nothing_behind() {
        let mut assembler = started(StartAt::Beginning);
        assembler.own(&[1]);
        assembler.start(1, StartAt::Beginning, false);
        take(&mut assembler, 0, 1);
        take(&mut assembler, 1, 1);
        assembler.disown(&[0]);
        take(&mut assembler, 0, 2);
        assert_eq!(assembled(&mut assembler), [(1, vec![1], 2, 0)]);
    }

    #[test]
    fn an_undecodable_record_becomes_a_dead_letter_with_its_position() {
        let mut assembler = started(StartAt::Beginning);
        let record = Record { partition: 0, offset: 3, timestamp: 30, key: Some(b"k"), value: None };
        assembler.take(&log(), record, codec::decode_state_record);
        let part = assembler.finish(&log()).parts.remove(0);
        assert_eq!((part.next_offset, part.states.len()), (4, 0));
        let letter = &part.dead_letters[0];
        assert_eq!((letter.offset, letter.key.as_deref(), letter.value.as_deref()), (3, Some(&b"k"[..]), None));
    }

    #[test]
    fn a_batch_is_bounded() {
        let mut assembler = started(StartAt::Beginning);
        for offset in 0..BatchAssembler::MAX_RECORDS as i64 {
            assert!(!assembler.is_full());
            take(&mut assembler, 0, offset);
        }
        assert!(assembler.is_full());
    }
}
