//! What was served: for tests that ask whether all of it arrived.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Every distinct (icao24, last_contact) of the complete and undistorted answers since the start.
///
/// It says what was sent, not what was received: a client that hung up in the middle of an answer missed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedStates {
    /// The address as a number, and Unix seconds; in order.
    pub states: Vec<(u32, i64)>,
    /// States that were served and found no room in the memory.
    pub forgotten: u64,
}

/// The memory itself.
#[derive(Debug)]
pub(crate) struct Served {
    room: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    states: HashSet<(u32, i64)>,
    forgotten: u64,
}

impl Served {
    /// A memory with room for so many.
    pub(crate) fn new(room: usize) -> Self {
        Self { room, seen: Mutex::default() }
    }

    pub(crate) fn remember(&self, states: &[(u32, i64)]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for state in states {
            if seen.states.len() < self.room {
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
    fn the_memory_has_a_bound_and_says_so() {
        let served = Served::new(2);
        served.remember(&[(2, 10), (1, 10), (2, 10)]);
        served.remember(&[(3, 10), (1, 10)]);
        assert_eq!(served.all(), ServedStates { states: vec![(1, 10), (2, 10)], forgotten: 1 });
    }
}
