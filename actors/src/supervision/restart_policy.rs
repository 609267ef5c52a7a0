use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How often an actor may fail before its supervisor gives up, and how long it pauses after each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// More failures than this within `window` end the process.
    pub max_restarts: usize,
    /// The time over which failures are counted.
    pub window: Duration,
    /// The pause after the first failure in a window; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for RestartPolicy {
    /// 20 restarts a minute, with pauses from 50 ms to 1 s.
    fn default() -> Self {
        Self {
            max_restarts: 20,
            window: Duration::from_secs(60),
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(1),
        }
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Restart after a pause.
    RestartAfter(Duration),
    /// It fails too often: end.
    GiveUp,
}

/// The recent failures of one actor.
#[derive(Clone, Debug, Default)]
pub struct RestartHistory(VecDeque<Instant>);

impl RestartHistory {
    /// Records a failure and says what to do about it.
    pub fn after_failure(&mut self, policy: &RestartPolicy, now: Instant) -> Verdict {
        while self.0.front().is_some_and(|&failed| now.duration_since(failed) > policy.window) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        let failures = self.0.len();
        if failures > policy.max_restarts {
            return Verdict::GiveUp;
        }
        let doublings = u32::try_from(failures - 1).unwrap_or(u32::MAX).min(16);
        Verdict::RestartAfter((policy.first_pause * 2_u32.pow(doublings)).min(policy.longest_pause))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_then_it_gives_up() {
        let policy = RestartPolicy { max_restarts: 6, ..RestartPolicy::default() };
        let mut history = RestartHistory::default();
        let now = Instant::now();
        let verdicts: Vec<_> = (0..7).map(|_| history.after_failure(&policy, now)).collect();
        let pause = |ms| Verdict::RestartAfter(Duration::from_millis(ms));
        assert_eq!(verdicts, [pause(50), pause(100), pause(200), pause(400), pause(800), pause(1000), Verdict::GiveUp]);
    }

    proptest! {
        #[test]
        fn it_gives_up_exactly_when_a_window_holds_too_many(gaps in prop::collection::vec(0_u64..30_000, 1..80)) {
            let policy = RestartPolicy { max_restarts: 5, ..RestartPolicy::default() };
            let mut history = RestartHistory::default();
            let mut now = Instant::now();
            let mut failures: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                failures.push(now);
                let recent = failures.iter().filter(|&&at| now.duration_since(at) <= policy.window).count();
                let gave_up = history.after_failure(&policy, now) == Verdict::GiveUp;
                prop_assert_eq!(gave_up, recent > policy.max_restarts);
            }
        }
    }
}
