use std::collections::VecDeque;
use std::time::Duration;

use crate::detect::Alert;
use crate::supervision::backoff::Backoff;

/// Alerts waiting to be published, oldest first. They are separate from the states, so that a failing alert topic does
/// not delay the states.
#[derive(Debug)]
pub(super) struct RetryQueue {
    waiting: VecDeque<Alert>,
    /// The alerts in flight, kept here so that they survive a panic.
    in_flight: Vec<Alert>,
    /// Whether a backoff after a failed attempt is in progress.
    is_paused: bool,
    backoff: Backoff,
}

impl RetryQueue {
    /// Far more than occur in a day. An alert takes less than a kilobyte.
    const MAX_ALERTS: usize = 10_000;

    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), in_flight: Vec::new(), is_paused: false, backoff: Backoff::for_service() }
    }

    /// The number of unacknowledged alerts.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// Appends alerts, and returns how many of the oldest were dropped.
    pub(super) fn push(&mut self, alerts: impl IntoIterator<Item = Alert>) -> usize {
        self.waiting.extend(alerts);
        let excess = self.waiting.len().saturating_sub(Self::MAX_ALERTS);
        self.waiting.drain(..excess);
        excess
    }

    /// Takes the alerts to publish now. Empty while others are in flight or during a backoff.
    pub(super) fn take(&mut self) -> Vec<Alert> {
        if !self.is_paused && self.in_flight.is_empty() {
            self.in_flight = self.waiting.drain(..).collect();
            return self.in_flight.clone();
        }
        Vec::new()
    }

    /// Records that Kafka acknowledged the taken alerts, and returns their number.
    pub(super) fn delivered(&mut self) -> usize {
        self.backoff = Backoff::for_service();
        std::mem::take(&mut self.in_flight).len()
    }

    /// Records that Kafka did not acknowledge these of the taken alerts. Returns the number of acknowledged ones, and
    /// the backoff after which to call [`RetryQueue::resume`].
    pub(super) fn failed(&mut self, undelivered: &[usize]) -> (usize, Duration) {
        let in_flight = std::mem::take(&mut self.in_flight);
        let left: Vec<_> = undelivered.iter().filter_map(|&index| in_flight.get(index).cloned()).collect();
        let delivered = in_flight.len() - left.len();
        left.into_iter().rev().for_each(|alert| self.waiting.push_front(alert));
        self.is_paused = true;
        (delivered, self.backoff.pause())
    }

    /// Ends the backoff.
    pub(super) fn resume(&mut self) {
        self.is_paused = false;
    }

    /// Queues the taken alerts again, since it is unknown whether Kafka received them.
    pub(super) fn restart(&mut self) {
        self.is_paused = false;
        let in_flight = std::mem::take(&mut self.in_flight);
        in_flight.into_iter().rev().for_each(|alert| self.waiting.push_front(alert));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::test_support::state;

    fn alerts(times: std::ops::Range<i64>) -> Vec<Alert> {
        times.map(|at| Alert::starting("emergency-squawk", "emergency", Arc::new(state("aaaaaa", at)))).collect()
    }

    fn times(alerts: &[Alert]) -> Vec<i64> {
        alerts.iter().map(|alert| alert.since.0).collect()
    }

    #[test]
    fn unacknowledged_alerts_are_retried_in_order_after_the_pause() {
        let mut queue = RetryQueue::new();
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
        let mut queue = RetryQueue::new();
        assert_eq!(queue.push(alerts(0..10_000)), 0);
        assert_eq!(queue.push(alerts(10_000..10_002)), 2);
        assert_eq!((queue.len(), times(&queue.take())[0]), (10_000, 2));
    }
}
