use std::time::Duration;

use crate::domain::{PollOutcome, PollRecord};

/// Sums up frequent polls with the same outcome.
#[derive(Debug, Default)]
pub(super) struct PollSums {
    sum: Option<PollRecord>,
    last: Option<PollOutcome>,
}

impl PollSums {
    /// A poll that is followed by the next one sooner than this is summed up.
    pub(super) const FREQUENT: Duration = Duration::from_secs(5);
    /// A sum is complete after this time, in milliseconds.
    const PERIOD: i64 = 10_000;

    /// Adds a poll, and returns the records that are complete. A change of the outcome is recorded at once.
    pub(super) fn add(&mut self, poll: PollRecord, is_frequent: bool) -> Vec<PollRecord> {
        let changed = self.last.replace(poll.outcome) != Some(poll.outcome);
        let mut complete = Vec::new();
        match self.sum.take() {
            Some(sum) if is_frequent && !changed && sum.area == poll.area => self.sum = Some(summed(&sum, poll)),
            sum => {
                complete.extend(sum);
                self.sum = Some(poll);
            }
        }
        let is_complete = |sum: &PollRecord| sum.ended.0 - sum.started.0 >= Self::PERIOD;
        if changed || !is_frequent || self.sum.as_ref().is_some_and(is_complete) {
            complete.extend(self.sum.take());
        }
        complete
    }

    /// Returns the polls that were not returned yet.
    pub(super) fn finish(&mut self) -> Option<PollRecord> {
        self.sum.take()
    }
}

fn summed(sum: &PollRecord, poll: PollRecord) -> PollRecord {
    PollRecord {
        started: sum.started.min(poll.started),
        ended: sum.ended.max(poll.ended),
        polls: sum.polls.saturating_add(poll.polls),
        changed: sum.changed.saturating_add(poll.changed),
        bad_rows: sum.bad_rows.saturating_add(poll.bad_rows),
        seconds: sum.seconds.max(poll.seconds),
        ..poll
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::UnixMillis;

    fn poll(started: i64, outcome: PollOutcome) -> PollRecord {
        PollRecord {
            source: "roof".into(),
            kind: "readsb".into(),
            process: "a".into(),
            outcome,
            started: UnixMillis(started),
            ended: UnixMillis(started + 10),
            polls: 1,
            states: started.unsigned_abs(),
            changed: 2,
            bad_rows: 1,
            seconds: started as f64 / 1e6,
            credits_left: None,
            interval: 1.0,
            next_poll_at: Some(UnixMillis(started + 1_000)),
            area: None,
        }
    }

    #[test]
    fn frequent_polls_are_summed_up_until_ten_seconds_pass_or_the_outcome_changes() {
        use PollOutcome::{Live, Unavailable};
        let mut sums = PollSums::default();
        let mut records = Vec::new();
        for second in 0..25 {
            let outcome = if second == 20 { Unavailable } else { Live };
            records.extend(sums.add(poll(second * 1_000, outcome), true));
        }
        records.extend(sums.finish());
        let found: Vec<_> =
            records.iter().map(|sum| (sum.started.0 / 1_000, sum.ended.0 / 1_000, sum.polls, sum.outcome)).collect();
        let expected = [
            (0, 0, 1, Live),
            (1, 11, 11, Live),
            (12, 19, 8, Live),
            (20, 20, 1, Unavailable),
            (21, 21, 1, Live),
            (22, 24, 3, Live),
        ];
        assert_eq!(found, expected);
        let sum = &records[1];
        assert_eq!((sum.states, sum.changed, sum.bad_rows, sum.seconds), (11_000, 22, 11, 0.011));
        assert_eq!(sum.next_poll_at, Some(UnixMillis(12_000)));
        assert_eq!(sums.finish(), None);
    }

    #[test]
    fn an_infrequent_poll_is_a_record_of_its_own() {
        let mut sums = PollSums::default();
        for at in 0..3 {
            assert_eq!(sums.add(poll(at, PollOutcome::Live), false).len(), 1);
        }
        assert_eq!(sums.add(poll(4, PollOutcome::Live), true), []);
        assert_eq!(sums.add(poll(5, PollOutcome::Live), false).len(), 2);
    }

    proptest! {
        #[test]
        fn every_poll_is_in_exactly_one_record(
            polls in prop::collection::vec((1_i64..4_000, 0_usize..3, any::<bool>()), 0..60),
        ) {
            let (mut sums, mut records, mut at) = (PollSums::default(), Vec::new(), 0);
            for (after, outcome, is_frequent) in &polls {
                at += after;
                records.extend(sums.add(poll(at, PollOutcome::ALL[*outcome]), *is_frequent));
            }
            records.extend(sums.finish());
            prop_assert_eq!(records.iter().map(|record| record.polls as usize).sum::<usize>(), polls.len());
            prop_assert!(records.windows(2).all(|pair| pair[0].started < pair[1].started));
            prop_assert!(records.iter().all(|sum| sum.ended.0 - sum.started.0 < 14_000 + 10));
        }
    }
}
