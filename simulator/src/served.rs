//! Records what was served, so that tests can check that all of it arrived.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Every distinct (icao24, last_contact) of the complete and uncorrupted responses since the start.
///
/// It records what was sent, not what was received: a client that disconnects mid-response misses some of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedStates {
    /// Address and last contact in Unix seconds, sorted.
    pub states: Vec<(u32, i64)>,
    /// Number of states that were served but not recorded, because the limit was reached.
    pub forgotten: u64,
}

/// Records served states up to a limit.
#[derive(Debug)]
pub(crate) struct Served {
    limit: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    states: HashSet<(u32, i64)>,
    forgotten: u64,
}

impl Served {
    /// Creates a record limited to `limit` distinct states.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, seen: Mutex::default() }
    }

    pub(crate) fn record(&self, states: &[(u32, i64)]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for state in states {
            if seen.states.len() < self.limit {
                seen.states.insert(*state);
            } else if !seen.states.contains(state) {
                seen.forgotten += 1;
            }
        }
    }

    pub(crate) fn all(&self) -> ServedStates {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states: Vec<_> = seen.states.iter().copied().collect();
        states.sort_unstable();
        ServedStates { states, forgotten: seen.forgotten }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_beyond_the_limit_are_counted_but_not_recorded() {
        let served = Served::new(2);
        served.record(&[(2, 10), (1, 10), (2, 10)]);
        served.record(&[(3, 10), (1, 10)]);
        assert_eq!(served.all(), ServedStates { states: vec![(1, 10), (2, 10)], forgotten: 1 });
    }
}
