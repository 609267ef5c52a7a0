//! Rate limits for log lines.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Admits a log line at most once per period.
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
    /// Creates a throttle that admits one line per period.
    pub const fn new(period: Duration) -> Self {
        Self { period, state: Mutex::new(State { admitted: None, suppressed: 0 }) }
    }

    /// Returns the number of lines suppressed since the last one if a line may be logged now.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        // A panic elsewhere leaves both numbers consistent.
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
    fn a_throttle_admits_one_line_per_period_and_counts_the_others() {
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
