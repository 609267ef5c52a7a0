use std::collections::VecDeque;
use std::time::Duration;

use crate::supervision::backoff::Backoff;

/// Messages waiting to be accepted by their destination, oldest first.
#[derive(Debug)]
pub(crate) struct RetryQueue<T> {
    waiting: VecDeque<T>,
    /// The maximum number of waiting messages.
    max: usize,
    /// The messages in flight, kept here so that they survive a panic.
    in_flight: Vec<T>,
    /// Whether a backoff after a failed attempt is in progress.
    is_paused: bool,
    backoff: Backoff,
}

impl<T: Clone> RetryQueue<T> {
    pub(crate) fn new(max: usize) -> Self {
        Self { waiting: VecDeque::new(), max, in_flight: Vec::new(), is_paused: false, backoff: Backoff::for_service() }
    }

    /// The number of messages that were not accepted yet.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// Appends messages, and returns how many of the oldest were dropped.
    pub(crate) fn push(&mut self, messages: impl IntoIterator<Item = T>) -> usize {
        self.waiting.extend(messages);
        let excess = self.waiting.len().saturating_sub(self.max);
        self.waiting.drain(..excess);
        excess
    }

    /// Takes the messages to send now. Empty while others are in flight or during a backoff.
    pub(crate) fn take(&mut self) -> Vec<T> {
        if !self.is_paused && self.in_flight.is_empty() {
            self.in_flight = self.waiting.drain(..).collect();
            return self.in_flight.clone();
        }
        Vec::new()
    }

    /// Records that the taken messages were accepted, and returns their number.
    pub(crate) fn delivered(&mut self) -> usize {
        self.backoff = Backoff::for_service();
        std::mem::take(&mut self.in_flight).len()
    }

    /// Records that these of the taken messages were not accepted. Returns the number of accepted ones, and the backoff
    /// after which to call [`RetryQueue::resume`].
    pub(crate) fn failed(&mut self, undelivered: &[usize]) -> (usize, Duration) {
        let in_flight = std::mem::take(&mut self.in_flight);
        let left: Vec<_> = undelivered.iter().filter_map(|&index| in_flight.get(index).cloned()).collect();
        let delivered = in_flight.len() - left.len();
        left.into_iter().rev().for_each(|message| self.waiting.push_front(message));
        self.is_paused = true;
        (delivered, self.backoff.pause())
    }

    /// Ends the backoff.
    pub(crate) fn resume(&mut self) {
        self.is_paused = false;
    }

    /// Queues the taken messages again, since it is unknown whether they were accepted.
    pub(crate) fn restart(&mut self) {
        self.is_paused = false;
        let in_flight = std::mem::take(&mut self.in_flight);
        in_flight.into_iter().rev().for_each(|message| self.waiting.push_front(message));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::detect::Alert;
    use crate::test_support::state;

    fn alerts(times: std::ops::Range<i64>) -> Vec<Alert> {
        times.map(|at| Alert::starting("emergency-squawk", "emergency", Arc::new(state("aaaaaa", at)))).collect()
    }

    fn times(alerts: &[Alert]) -> Vec<i64> {
        alerts.iter().map(|alert| alert.since.0).collect()
    }

    #[test]
    fn unacknowledged_alerts_are_retried_in_order_after_the_pause() {
        let mut queue = RetryQueue::new(10_000);
        queue.push(alerts(0..3));
        assert_eq!(times(&queue.take()), [0, 1, 2]);
        queue.push(alerts(3..4));
        assert_eq!(times(&queue.take()), [0; 0], "one attempt at a time");
        assert_eq!((queue.failed(&[0, 2]).0, queue.len()), (1, 3));
        assert_eq!(times(&queue.take()), [0; 0], "not before the pause is over");
        queue.resume();
        assert_eq!(times(&queue.take()), [0, 2, 3]);
        queue.restart();
        assert_eq!(times(&queue.take()), [0, 2, 3], "it is unknown whether Kafka received them");
        assert_eq!((queue.delivered(), queue.len()), (3, 0));
    }

    #[test]
    fn the_queue_is_bounded_and_drops_the_oldest_first() {
        let mut queue = RetryQueue::new(10_000);
        assert_eq!(queue.push(alerts(0..10_000)), 0);
        assert_eq!(queue.push(alerts(10_000..10_002)), 2);
        assert_eq!((queue.len(), times(&queue.take())[0]), (10_000, 2));
    }
}
