use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How often an actor may fail before its supervisor gives up, and the pause after each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// More failures than this within `window` end the process.
    pub max_restarts: usize,
    /// The time over which failures are counted.
    pub window: Duration,
    /// The pause after the first failure in a window, and after the first failure following progress. It doubles with
    /// each further failure without progress.
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

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartDecision {
    /// Restart after a pause.
    RestartAfter(Duration),
    /// The actor fails too often; end the process.
    GiveUp,
}

/// The recent failures of one actor.
#[derive(Clone, Debug, Default)]
pub struct RestartHistory {
    failures: VecDeque<Instant>,
    /// The number of latest failures without progress in between.
    without_progress: usize,
}

impl RestartHistory {
    /// Records a failure and decides what to do. `progressed` is whether the actor finished work since the previous
    /// failure.
    pub fn after_failure(&mut self, policy: &RestartPolicy, progressed: bool, now: Instant) -> RestartDecision {
        while self.failures.front().is_some_and(|&failed| now.duration_since(failed) > policy.window) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        if self.failures.len() > policy.max_restarts {
            return RestartDecision::GiveUp;
        }
        self.without_progress = if progressed { 1 } else { (self.without_progress + 1).min(self.failures.len()) };
        let doublings = u32::try_from(self.without_progress - 1).unwrap_or(u32::MAX).min(16);
        RestartDecision::RestartAfter((policy.first_pause * 2_u32.pow(doublings)).min(policy.longest_pause))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_before_giving_up() {
        let policy = RestartPolicy { max_restarts: 6, ..RestartPolicy::default() };
        let mut history = RestartHistory::default();
        let now = Instant::now();
        let decisions: Vec<_> = (0..7).map(|_| history.after_failure(&policy, false, now)).collect();
        assert_eq!(
            decisions,
            [pause(50), pause(100), pause(200), pause(400), pause(800), pause(1000), RestartDecision::GiveUp]
        );
    }

    #[test]
    fn progress_resets_the_pause_but_not_the_number_of_restarts() {
        let policy = RestartPolicy { max_restarts: 6, ..RestartPolicy::default() };
        let mut history = RestartHistory::default();
        let now = Instant::now();
        let decisions =
            [false, false, true, false, true, true, true].map(|worked| history.after_failure(&policy, worked, now));
        assert_eq!(
            decisions,
            [pause(50), pause(100), pause(50), pause(100), pause(50), pause(50), RestartDecision::GiveUp]
        );
    }

    #[test]
    fn failures_outside_the_window_do_not_lengthen_the_pause() {
        let policy = RestartPolicy::default();
        let mut history = RestartHistory::default();
        let now = Instant::now();
        for _ in 0..5 {
            history.after_failure(&policy, false, now);
        }
        assert_eq!(history.after_failure(&policy, false, now + policy.window * 2), pause(50));
    }

    fn pause(millis: u64) -> RestartDecision {
        RestartDecision::RestartAfter(Duration::from_millis(millis))
    }

    proptest! {
        #[test]
        fn it_gives_up_exactly_when_a_window_contains_too_many_failures(
            steps in prop::collection::vec((0_u64..30_000, any::<bool>()), 1..80),
        ) {
            let policy = RestartPolicy { max_restarts: 5, ..RestartPolicy::default() };
            let mut history = RestartHistory::default();
            let mut now = Instant::now();
            let mut failures: Vec<Instant> = Vec::new();
            for (gap, progressed) in steps {
                now += Duration::from_millis(gap);
                failures.push(now);
                let recent = failures.iter().filter(|&&at| now.duration_since(at) <= policy.window).count();
                let gave_up = history.after_failure(&policy, progressed, now) == RestartDecision::GiveUp;
                prop_assert_eq!(gave_up, recent > policy.max_restarts);
            }
        }
    }
}
