use std::cell::RefCell;
use std::collections::BTreeMap;

/// Corrects the ends of logs for offsets that are never delivered: markers and records of aborted transactions, and
/// records that expired.
///
/// A partition whose log ends in such offsets would otherwise seem to have unread records until the next record
/// arrives. librdkafka reports when it has read a partition to its end, but not at which offset.
#[derive(Debug, Default)]
pub(super) struct EndWatch {
    partitions: RefCell<BTreeMap<i32, Watched>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    /// Where reading started.
    start: i64,
    at_end: Option<AtEnd>,
}

/// Everything was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtEnd {
    /// The offset of the end is unknown until it is requested.
    Unknown,
    /// The log ended at this offset.
    Known(i64),
}

/// The partitions that had been read to their end before a request for the ends was sent.
#[derive(Debug)]
pub(super) struct ReadToEnd(BTreeMap<i32, AtEnd>);

impl EndWatch {
    /// Notes that reading a partition starts at this offset.
    pub(super) fn start(&self, partition: i32, offset: i64) {
        self.partitions.borrow_mut().insert(partition, Watched { start: offset, at_end: None });
    }

    /// Notes that a record of this partition arrived.
    pub(super) fn received(&self, partition: i32) {
        if let Some(watched) = self.partitions.borrow_mut().get_mut(&partition) {
            watched.at_end = None;
        }
    }

    /// Notes that everything was received.
    pub(super) fn at_end(&self, partition: i32) {
        if let Some(watched) = self.partitions.borrow_mut().get_mut(&partition) {
            watched.at_end = Some(AtEnd::Unknown);
        }
    }

    /// Returns what has to be known before the ends are requested.
    pub(super) fn read_to_end(&self) -> ReadToEnd {
        let partitions = self.partitions.borrow();
        ReadToEnd(partitions.iter().filter_map(|(&partition, watched)| Some((partition, watched.at_end?))).collect())
    }

    /// Replaces the end of each partition that was read to its end by the offset that the reader has reached.
    pub(super) fn correct(&self, before: &ReadToEnd, reached: &BTreeMap<i32, i64>, ends: &mut [(i32, i64)]) {
        let mut partitions = self.partitions.borrow_mut();
        for (partition, end) in ends {
            let Some(&at_end) = before.0.get(partition) else { continue };
            // A record may have arrived in the meantime.
            let Some(watched) = partitions.get_mut(partition).filter(|watched| watched.at_end == Some(at_end)) else {
                continue;
            };
            let reached = reached.get(partition).copied().unwrap_or(watched.start);
            // Another end means that there are new records, and an end before the position that the log is another one.
            if *end >= reached && at_end.may_be(*end) {
                watched.at_end = Some(AtEnd::Known(*end));
                *end = reached;
            }
        }
    }
}

impl AtEnd {
    fn may_be(self, end: i64) -> bool {
        match self {
            Self::Unknown => true,
            Self::Known(known) => known == end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(watch: &EndWatch, reached: Option<i64>, end: i64) -> i64 {
        let before = watch.read_to_end();
        let mut ends = [(0, end)];
        watch.correct(&before, &reached.map(|offset| (0, offset)).into_iter().collect(), &mut ends);
        ends[0].1
    }

    #[test]
    fn offsets_that_are_never_delivered_are_not_counted() {
        let watch = EndWatch::default();
        watch.start(0, 5);
        assert_eq!(corrected(&watch, Some(9), 10), 10, "not read to its end yet");
        watch.at_end(0);
        assert_eq!(corrected(&watch, Some(9), 10), 9);
        assert_eq!(corrected(&watch, Some(9), 10), 9, "the end is the same");
        assert_eq!(corrected(&watch, Some(9), 12), 12, "there are new records");
        watch.at_end(0);
        assert_eq!(corrected(&watch, None, 12), 5, "nothing was received since the start");
    }

    #[test]
    fn a_record_that_arrives_while_the_ends_are_requested_is_counted() {
        let watch = EndWatch::default();
        watch.start(0, 0);
        watch.at_end(0);
        let before = watch.read_to_end();
        watch.received(0);
        let mut ends = [(0, 10)];
        watch.correct(&before, &BTreeMap::from([(0, 8)]), &mut ends);
        assert_eq!(ends, [(0, 10)]);
    }

    #[test]
    fn the_end_of_a_recreated_log_is_not_corrected() {
        let watch = EndWatch::default();
        watch.start(0, 0);
        watch.at_end(0);
        assert_eq!(corrected(&watch, Some(9), 3), 3);
        assert_eq!(corrected(&watch, Some(9), 10), 9);
        assert_eq!(corrected(&watch, Some(9), 3), 3);
    }
}
