use std::collections::BTreeMap;
use std::sync::Arc;

use actors::batch::{Batch, DeadLetter, LogId, PartitionBatch, RecordPlace};
use actors::domain::StateVector;
use actors::ports::StartAt;

/// Puts records together into batches, and checks by their offsets that none is missing, repeated or of another log.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    partitions: BTreeMap<i32, Reading>,
    parts: BTreeMap<i32, PartitionBatch>,
    records: usize,
    bytes: usize,
}

/// How far the reading of one partition has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Owned, but not started: whatever comes was fetched before it was paused.
    NotStarted,
    /// Started at the last stored record, which is to be recognised; and how often something else came instead.
    Checking { place: Place, doubts: u8 },
    /// The offset that comes next (`None`: any), and the time stamp of the record before it.
    Expecting { offset: Option<i64>, after: i64 },
}

/// Where a partition is to be read on, and the time stamp of the record before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) next_offset: i64,
    pub(super) last_timestamp: i64,
}

/// A record as the gathering sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is in the batch, or needs not to be.
    Yes,
    /// The log is not the one that was stored from: it must be read from its beginning.
    OtherLog,
    /// It is not the record that was to be recognised. Either the log is another or has lost it, or the client was not
    /// yet where it was sent: a seek that overtakes the look-up of an assignment's first offset is undone by its answer.
    Doubtful(Place),
}

impl Gathering {
    /// A batch is handed out when it has so many records or bytes, however many more are at hand.
    const RECORDS: usize = 20_000;
    const BYTES: usize = 16 << 20;
    /// So often a start is tried again when it did not lead to its record.
    const DOUBTS: u8 = 3;

    /// These partitions are owned from now on.
    pub(super) fn own(&mut self, partitions: &[i32]) {
        self.partitions.extend(partitions.iter().map(|&partition| (partition, Reading::NotStarted)));
    }

    /// These are not; what was gathered of them goes.
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
        let started = self.partitions.iter().filter(|(_, reading)| **reading != Reading::NotStarted);
        started.map(|(partition, _)| *partition).collect()
    }

    /// The offset that comes next in each partition, where it is known.
    pub(super) fn reached(&self) -> BTreeMap<i32, i64> {
        let next = |reading: &Reading| match *reading {
            Reading::NotStarted => None,
            Reading::Checking { place, .. } => Some(place.next_offset),
            Reading::Expecting { offset, .. } => offset,
        };
        self.partitions.iter().filter_map(|(&partition, reading)| Some((partition, next(reading)?))).collect()
    }

    /// No partition is started any more; what was gathered goes.
    pub(super) fn stop_all(&mut self) {
        for reading in self.partitions.values_mut() {
            *reading = Reading::NotStarted;
        }
        (self.parts, self.records, self.bytes) = Default::default();
    }

    /// A partition is read from here on; what was gathered of it goes. With `whole` its first record must be offset 0.
    pub(super) fn start(&mut self, partition: i32, at: StartAt, whole: bool) {
        self.forget(partition);
        let reading = match at {
            StartAt::Resume { next_offset, last_timestamp } => {
                Reading::Checking { place: Place { next_offset, last_timestamp }, doubts: 0 }
            }
            StartAt::Beginning if whole => Reading::Expecting { offset: Some(0), after: i64::MAX },
            StartAt::Beginning | StartAt::Time(_) => Reading::Expecting { offset: None, after: i64::MAX },
        };
        self.partitions.insert(partition, reading);
    }

    /// A start did not lead to its record, and is tried again.
    pub(super) fn check_again(&mut self, partition: i32, place: Place) {
        let doubts = match self.partitions.get(&partition) {
            Some(Reading::Checking { doubts, .. }) => doubts + 1,
            _ => 1,
        };
        self.forget(partition);
        self.partitions.insert(partition, Reading::Checking { place, doubts });
    }

    /// The log has lost the record before this place, and perhaps some after it: they are counted when the next one comes.
    pub(super) fn expect(&mut self, partition: i32, place: Place) {
        self.forget(partition);
        let reading = Reading::Expecting { offset: Some(place.next_offset), after: place.last_timestamp };
        self.partitions.insert(partition, reading);
    }

    fn forget(&mut self, partition: i32) {
        if let Some(part) = self.parts.remove(&partition) {
            self.records -= part.states.len() + part.dead_letters.len();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records >= Self::RECORDS || self.bytes >= Self::BYTES
    }

    /// Takes the next record of a partition.
    pub(super) fn take(
        &mut self,
        log: &LogId,
        record: Record<'_>,
        decode: impl FnOnce(Option<&[u8]>) -> Result<StateVector, String>,
    ) -> Taken {
        let Some(reading) = self.partitions.get_mut(&record.partition) else { return Taken::Yes };
        let (expected, after) = match *reading {
            Reading::NotStarted => return Taken::Yes,
            Reading::Expecting { offset, after } => (offset.unwrap_or(record.offset), after),
            Reading::Checking { place, doubts } => {
                let Place { next_offset, last_timestamp } = place;
                if record.offset + 1 == next_offset {
                    if record.timestamp != last_timestamp {
                        return Taken::OtherLog;
                    }
                    *reading = Reading::Expecting { offset: Some(next_offset), after: last_timestamp };
                    return Taken::Yes;
                }
                if doubts < Self::DOUBTS {
                    return Taken::Doubtful(place);
                }
                if record.offset < next_offset {
                    return Taken::OtherLog;
                }
                (next_offset, last_timestamp)
            }
        };
        if record.offset < expected {
            // Fetched before a seek took effect; but what is younger than the last record may belong to a topic that was
            // made anew while it was read.
            let place = Place { next_offset: expected, last_timestamp: after };
            return if record.timestamp > after { Taken::Doubtful(place) } else { Taken::Yes };
        }
        let lost = record.offset.abs_diff(expected);
        *reading = Reading::Expecting { offset: Some(record.offset + 1), after: record.timestamp };
        if lost > 0 {
            log::warn!(topic:% = log.topic, partition = record.partition, lost; "Kafka no longer has the offsets {expected} to {}", record.offset - 1);
        }
        let part = self.parts.entry(record.partition).or_insert_with(|| PartitionBatch {
            partition: record.partition,
            expected: None,
            next_offset: 0,
            last_timestamp: 0,
            states: Vec::new(),
            records: Vec::new(),
            dead_letters: Vec::new(),
            lost: 0,
        });
        part.next_offset = record.offset + 1;
        part.last_timestamp = record.timestamp;
        part.lost += lost;
        match decode(record.value) {
            Ok(state) => {
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
        Taken::Yes
    }

    /// Hands out what was gathered.
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

    fn take(gathering: &mut Gathering, partition: i32, offset: i64) -> Taken {
        let value = format!(r#"{{"icao24":"{offset:06x}","last_contact":{offset}}}"#);
        let record = Record { partition, offset, timestamp: offset * 10, key: None, value: Some(value.as_bytes()) };
        gathering.take(&log(), record, codec::decode)
    }

    fn gathered(gathering: &mut Gathering) -> Vec<(i32, Vec<i64>, i64, u64)> {
        let parts = gathering.finish(&log()).parts.into_iter();
        parts
            .map(|part| {
                let times = part.states.iter().map(|state| state.last_contact.0).collect();
                (part.partition, times, part.next_offset, part.lost)
            })
            .collect()
    }

    fn started(at: StartAt) -> Gathering {
        let mut gathering = Gathering::default();
        gathering.own(&[0]);
        gathering.start(0, at, false);
        gathering
    }

    #[test]
    fn nothing_is_taken_before_the_start_or_from_others() {
        let mut gathering = Gathering::default();
        gathering.own(&[0]);
        take(&mut gathering, 0, 5);
        take(&mut gathering, 1, 5);
        assert!(gathering.is_empty());
    }

    #[test]
    fn the_last_stored_record_is_recognised_and_not_read_twice() {
        let mut gathering = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        for offset in 7..10 {
            assert_eq!(take(&mut gathering, 0, offset), Taken::Yes);
        }
        assert_eq!(gathered(&mut gathering), [(0, vec![8, 9], 10, 0)]);
    }

    #[test]
    fn a_record_of_another_time_in_the_last_ones_place_is_of_another_log() {
        let mut gathering = started(StartAt::Resume { next_offset: 8, last_timestamp: 71 });
        assert_eq!(take(&mut gathering, 0, 7), Taken::OtherLog);
    }

    #[test]
    fn any_other_record_than_the_last_stored_one_is_doubtful_for_some_time() {
        let place = Place { next_offset: 8, last_timestamp: 70 };
        for (offset, in_the_end) in [(0, Taken::OtherLog), (6, Taken::OtherLog), (8, Taken::Yes), (11, Taken::Yes)] {
            let mut gathering = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
            for _ in 0..Gathering::DOUBTS {
                assert_eq!(take(&mut gathering, 0, offset), Taken::Doubtful(place));
                gathering.check_again(0, place);
            }
            assert_eq!(take(&mut gathering, 0, offset), in_the_end);
        }
    }

    #[test]
    fn a_log_that_is_made_anew_while_it_is_read_is_noticed() {
        let mut gathering = started(StartAt::Beginning);
        for offset in 0..5 {
            take(&mut gathering, 0, offset);
        }
        let younger = Record { partition: 0, offset: 0, timestamp: 1_000, key: None, value: None };
        let place = Place { next_offset: 5, last_timestamp: 40 };
        assert_eq!(gathering.take(&log(), younger, codec::decode), Taken::Doubtful(place));
        let stale = Record { timestamp: 0, ..younger };
        assert_eq!(gathering.take(&log(), stale, codec::decode), Taken::Yes);
        assert_eq!(gathered(&mut gathering)[0].1.len(), 5, "neither was taken in");
    }

    #[test]
    fn what_retention_took_is_counted() {
        let mut gathering = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        gathering.expect(0, Place { next_offset: 8, last_timestamp: 70 });
        take(&mut gathering, 0, 11);
        take(&mut gathering, 0, 14);
        assert_eq!(gathered(&mut gathering), [(0, vec![11, 14], 15, 5)]);

        let mut whole = Gathering::default();
        whole.own(&[0]);
        whole.start(0, StartAt::Beginning, true);
        take(&mut whole, 0, 3);
        assert_eq!(gathered(&mut whole), [(0, vec![3], 4, 3)]);
    }

    #[test]
    fn retention_up_to_the_position_loses_nothing() {
        let mut gathering = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        gathering.expect(0, Place { next_offset: 8, last_timestamp: 70 });
        take(&mut gathering, 0, 8);
        assert_eq!(gathered(&mut gathering), [(0, vec![8], 9, 0)]);
    }

    #[test]
    fn records_fetched_before_a_seek_are_passed_over() {
        let mut gathering = started(StartAt::Beginning);
        take(&mut gathering, 0, 4);
        take(&mut gathering, 0, 5);
        gathering.start(0, StartAt::Resume { next_offset: 2, last_timestamp: 10 }, false);
        assert!(gathering.is_empty(), "what was gathered before is not handed out");
        for offset in [1, 2, 3] {
            take(&mut gathering, 0, offset);
        }
        take(&mut gathering, 0, 2);
        assert_eq!(gathered(&mut gathering), [(0, vec![2, 3], 4, 0)]);
    }

    #[test]
    fn a_revoked_partition_leaves_nothing_behind() {
        let mut gathering = started(StartAt::Beginning);
        gathering.own(&[1]);
        gathering.start(1, StartAt::Beginning, false);
        take(&mut gathering, 0, 1);
        take(&mut gathering, 1, 1);
        gathering.disown(&[0]);
        take(&mut gathering, 0, 2);
        assert_eq!(gathered(&mut gathering), [(1, vec![1], 2, 0)]);
    }

    #[test]
    fn what_cannot_be_decoded_keeps_its_place_as_a_dead_letter() {
        let mut gathering = started(StartAt::Beginning);
        let record = Record { partition: 0, offset: 3, timestamp: 30, key: Some(b"k"), value: None };
        gathering.take(&log(), record, codec::decode);
        let part = gathering.finish(&log()).parts.remove(0);
        assert_eq!((part.next_offset, part.states.len()), (4, 0));
        let letter = &part.dead_letters[0];
        assert_eq!((letter.offset, letter.key.as_deref(), letter.value.as_deref()), (3, Some(&b"k"[..]), None));
    }

    #[test]
    fn a_batch_is_bounded() {
        let mut gathering = started(StartAt::Beginning);
        for offset in 0..Gathering::RECORDS as i64 {
            assert!(!gathering.is_full());
            take(&mut gathering, 0, offset);
        }
        assert!(gathering.is_full());
    }
}
