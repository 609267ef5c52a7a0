use std::collections::VecDeque;

use crate::ports::QueuedAlert;

/// The records of one partition that were read and not delivered yet. They are delivered one after another, so that an
/// endpoint learns about an aircraft's alerts in their order.
#[derive(Debug, Default)]
pub(super) struct PartitionQueue {
    waiting: VecDeque<QueuedAlert>,
    /// Whether the first record is being delivered.
    pub(super) is_busy: bool,
    /// Whether fetching is paused, because enough records wait.
    pub(super) is_paused: bool,
    /// Distinguishes this assignment of the partition from earlier ones, whose deliveries may still be ending.
    pub(super) assignment: u64,
}

impl PartitionQueue {
    /// With this many records waiting, no more are fetched.
    const FULL: usize = 64;
    /// With this many records left, fetching continues.
    const LOW: usize = 16;

    pub(super) fn new(assignment: u64) -> Self {
        Self { assignment, ..Self::default() }
    }

    pub(super) fn push(&mut self, record: QueuedAlert) {
        self.waiting.push_back(record);
    }

    /// Returns the record to deliver next, unless one is being delivered.
    pub(super) fn begin(&mut self) -> Option<QueuedAlert> {
        let next = self.waiting.front().filter(|_| !self.is_busy)?.clone();
        self.is_busy = true;
        Some(next)
    }

    /// Removes the record whose delivery has ended.
    pub(super) fn finish(&mut self) {
        self.waiting.pop_front();
        self.is_busy = false;
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns the timestamp of the oldest waiting record, in Unix milliseconds.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.waiting.front().map(|record| record.timestamp)
    }

    /// Returns whether to pause (`true`) or continue (`false`) fetching, if that has to change.
    pub(super) fn flow_change(&self) -> Option<bool> {
        match self.is_paused {
            false => (self.len() >= Self::FULL).then_some(true),
            true => (self.len() <= Self::LOW).then_some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64) -> QueuedAlert {
        QueuedAlert { topic: "alerts".into(), partition: 0, offset, timestamp: offset, key: None, value: None }
    }

    #[test]
    fn records_are_delivered_one_at_a_time_in_order() {
        let mut queue = PartitionQueue::new(1);
        (0..3).for_each(|offset| queue.push(record(offset)));
        for offset in 0..3 {
            assert_eq!(queue.begin(), Some(record(offset)));
            assert_eq!(queue.begin(), None, "one is being delivered");
            queue.finish();
        }
        assert_eq!((queue.begin(), queue.len()), (None, 0));
    }

    #[test]
    fn fetching_pauses_while_many_records_wait() {
        let mut queue = PartitionQueue::new(1);
        for offset in 0..64 {
            assert_eq!(queue.flow_change(), None);
            queue.push(record(offset));
        }
        assert_eq!(queue.flow_change(), Some(true));
        queue.is_paused = true;
        while queue.len() > 16 {
            assert_eq!(queue.flow_change(), None);
            queue.finish();
        }
        assert_eq!(queue.flow_change(), Some(false));
    }
}
