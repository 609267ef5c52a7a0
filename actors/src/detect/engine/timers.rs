use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::domain::Icao24;

/// When to look at each aircraft again. An aircraft that is heard keeps its entry until that is due, so a state costs
/// nothing here.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(i64, Icao24)>>);

impl Timers {
    pub(super) fn push(&mut self, deadline: i64, icao24: Icao24) {
        self.0.push(Reverse((deadline, icao24)));
    }

    /// Removes and returns the earliest deadline that is not after `now`.
    pub(super) fn due(&mut self, now: i64) -> Option<(i64, Icao24)> {
        let Reverse((deadline, _)) = self.0.peek()?;
        if *deadline > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
