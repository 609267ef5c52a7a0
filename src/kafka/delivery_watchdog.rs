/// Detects that librdkafka is stuck: counts how often in a row Kafka responded to a probe while no message was
/// delivered.
#[derive(Debug)]
pub(super) struct DeliveryWatchdog {
    outstanding: usize,
    responses: u32,
}

impl DeliveryWatchdog {
    /// After this many responses in a row without a delivery, librdkafka is stuck: a broker handles the requests of a
    /// connection in order, so it has processed everything that was sent before the probe.
    const MAX_RESPONSES: u32 = 4;

    pub(super) fn new(outstanding: usize) -> Self {
        Self { outstanding, responses: 0 }
    }

    /// Returns whether reports arrived since the last call.
    pub(super) fn has_progress(&mut self, outstanding: usize) -> bool {
        let progress = outstanding < self.outstanding;
        if progress {
            *self = Self::new(outstanding);
        }
        progress
    }

    /// Notes that nothing was delivered, and whether Kafka responded to the probe. Returns whether librdkafka counts as
    /// stuck now.
    pub(super) fn is_stuck(&mut self, responded: bool) -> bool {
        self.responses = if responded { self.responses + 1 } else { 0 };
        self.responses >= Self::MAX_RESPONSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_is_replaced_only_if_kafka_responds_but_nothing_is_delivered() {
        let mut watchdog = DeliveryWatchdog::new(3);
        let unavailable = [false; 20].map(|responded| watchdog.is_stuck(responded));
        assert_eq!(unavailable, [false; 20], "while Kafka is unavailable, a new producer would not help");
        assert_eq!([true, true, true, false, true].map(|responded| watchdog.is_stuck(responded)), [false; 5]);
        assert!(!watchdog.has_progress(3));
        assert!(watchdog.has_progress(2), "a report arrived");
        assert_eq!([true; 4].map(|responded| watchdog.is_stuck(responded)), [false, false, false, true]);
    }
}
