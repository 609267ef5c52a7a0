//! Log lines that could come often.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets a log line through at most once in a period, for what could come often.
///
/// ```
/// use actors::throttle::Throttle;
/// use std::time::Duration;
///
/// static BAD_ROWS: Throttle = Throttle::new(Duration::from_secs(10));
/// if let Some(suppressed) = BAD_ROWS.admit() {
///     log::warn!(suppressed; "rows without an address");
/// }
/// ```
#[derive(Debug)]
pub struct Throttle {
    period: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    admitted: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    /// One line in a period.
    pub const fn new(period: Duration) -> Self {
        Self { period, state: Mutex::new(State { admitted: None, suppressed: 0 }) }
    }

    /// Whether to log now, and if so how many lines were suppressed since the last one.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        // A panic elsewhere does not spoil two numbers.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.admitted.is_some_and(|last| now.saturating_duration_since(last) < self.period) {
            state.suppressed += 1;
            return None;
        }
        state.admitted = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_lets_one_line_a_period_through_and_counts_the_others() {
        let throttle = Throttle::new(Duration::from_secs(10));
        let start = Instant::now();
        let at = |seconds| throttle.admit_at(start + Duration::from_secs(seconds));
        assert_eq!(at(0), Some(0));
        assert_eq!(at(1), None);
        assert_eq!(at(9), None);
        assert_eq!(at(10), Some(2));
        assert_eq!(at(19), None);
        assert_eq!(at(40), Some(1));
        assert_eq!(at(39), None, "an older clock reading is no reason to log");
    }
}
