/// Counts how often in a row Kafka answered a probe while it delivered no message.
#[derive(Debug)]
pub(super) struct Patience {
    outstanding: usize,
    answers: u32,
}

impl Patience {
    /// After this many answers in a row without a delivery, librdkafka is stuck: a broker answers the requests of a
    /// connection in order, so it has processed everything that was sent before the probe.
    const MAX_ANSWERS: u32 = 4;

    pub(super) fn new(outstanding: usize) -> Self {
        Self { outstanding, answers: 0 }
    }

    /// Returns whether reports arrived since the last call.
    pub(super) fn sees_progress(&mut self, outstanding: usize) -> bool {
        let progress = outstanding < self.outstanding;
        if progress {
            *self = Self::new(outstanding);
        }
        progress
    }

    /// Notes that nothing was delivered, and whether Kafka answered the probe. Returns whether librdkafka counts as
    /// stuck now.
    pub(super) fn is_over(&mut self, answers: bool) -> bool {
        self.answers = if answers { self.answers + 1 } else { 0 };
        self.answers >= Self::MAX_ANSWERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_is_replaced_only_if_kafka_responds_but_nothing_is_delivered() {
        let mut patience = Patience::new(3);
        let unavailable = [false; 20].map(|answers| patience.is_over(answers));
        assert_eq!(unavailable, [false; 20], "while Kafka is unavailable, a new producer would not help");
        assert_eq!([true, true, true, false, true].map(|answers| patience.is_over(answers)), [false; 5]);
        assert!(!patience.sees_progress(3));
        assert!(patience.sees_progress(2), "a report arrived");
        assert_eq!([true; 4].map(|answers| patience.is_over(answers)), [false, false, false, true]);
    }
}
