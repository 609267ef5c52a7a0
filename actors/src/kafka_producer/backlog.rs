use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{Icao24, StateVector};

/// Limits of the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacklogLimits {
    /// Approximate memory in bytes.
    pub bytes: usize,
    /// The maximum age of a state.
    pub age: Duration,
}

/// The number of dropped states, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DroppedStates {
    pub(super) too_old: u64,
    pub(super) no_room: u64,
}

/// States waiting to be published, oldest first. When it is full, states superseded by a newer one of the same aircraft
/// are dropped first, and the newest state of each aircraft last.
#[derive(Debug)]
pub(super) struct Backlog {
    limits: BacklogLimits,
    waiting: VecDeque<Held>,
    /// The number of waiting states of each aircraft.
    count_by_aircraft: HashMap<Icao24, usize>,
}

/// A state and the time at which it was queued.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) state: Arc<StateVector>,
    since: Instant,
}

impl Backlog {
    /// The memory of one waiting state, including its share of the collections.
    pub(super) const STATE_BYTES: usize = size_of::<StateVector>() + 80;

    pub(super) fn new(limits: BacklogLimits) -> Self {
        Self { limits, waiting: VecDeque::new(), count_by_aircraft: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Appends states, and returns how many were dropped.
    pub(super) fn push(&mut self, states: impl IntoIterator<Item = Arc<StateVector>>, now: Instant) -> DroppedStates {
        for state in states {
            *self.count_by_aircraft.entry(state.icao24).or_default() += 1;
            self.waiting.push_back(Held { state, since: now });
        }
        self.shrink(now)
    }

    /// Puts taken states back at the front, in order.
    pub(super) fn put_back(&mut self, taken: Vec<Held>, now: Instant) -> DroppedStates {
        for held in taken.into_iter().rev() {
            *self.count_by_aircraft.entry(held.state.icao24).or_default() += 1;
            self.waiting.push_front(held);
        }
        self.shrink(now)
    }

    /// Takes up to `max` states from the front.
    pub(super) fn take(&mut self, max: usize) -> Vec<Held> {
        let taken: Vec<_> = self.waiting.drain(..max.min(self.waiting.len())).collect();
        for held in &taken {
            forget(&mut self.count_by_aircraft, held.state.icao24);
        }
        taken
    }

    fn shrink(&mut self, now: Instant) -> DroppedStates {
        let before = self.waiting.len();
        while self.waiting.front().is_some_and(|held| now.duration_since(held.since) > self.limits.age) {
            self.drop_oldest();
        }
        let young = self.waiting.len();
        let max = self.limits.bytes / Self::STATE_BYTES;
        let mut excess = self.waiting.len().saturating_sub(max);
        if excess > 0 {
            let count_by_aircraft = &mut self.count_by_aircraft;
            self.waiting.retain(|held| {
                let superseded =
                    excess > 0 && count_by_aircraft.get(&held.state.icao24).is_some_and(|&count| count > 1);
                if superseded {
                    excess -= 1;
                    forget(count_by_aircraft, held.state.icao24);
                }
                !superseded
            });
        }
        while self.waiting.len() > max {
            self.drop_oldest();
        }
        DroppedStates { too_old: (before - young) as u64, no_room: (young - self.waiting.len()) as u64 }
    }

    fn drop_oldest(&mut self) {
        if let Some(held) = self.waiting.pop_front() {
            forget(&mut self.count_by_aircraft, held.state.icao24);
        }
    }
}

fn forget(count_by_aircraft: &mut HashMap<Icao24, usize>, icao24: Icao24) {
    if let Some(count) = count_by_aircraft.get_mut(&icao24) {
        *count -= 1;
        if *count == 0 {
            count_by_aircraft.remove(&icao24);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    fn backlog(states: usize) -> Backlog {
        Backlog::new(BacklogLimits { bytes: states * Backlog::STATE_BYTES, age: Duration::from_secs(60) })
    }

    fn held(backlog: &mut Backlog) -> Vec<(String, i64)> {
        backlog.take(usize::MAX).iter().map(|held| (held.state.icao24.to_string(), held.state.last_contact.0)).collect()
    }

    fn states(pairs: &[(&str, i64)]) -> Vec<Arc<StateVector>> {
        pairs.iter().map(|(icao24, at)| Arc::new(state(icao24, *at))).collect()
    }

    #[test]
    fn superseded_states_are_dropped_before_the_oldest_aircraft() {
        let mut backlog = backlog(3);
        assert_eq!(
            backlog.push(states(&[("aaaaaa", 1), ("bbbbbb", 1), ("aaaaaa", 2)]), Instant::now()),
            DroppedStates::default()
        );
        assert_eq!(backlog.push(states(&[("cccccc", 3)]), Instant::now()).no_room, 1);
        assert_eq!(backlog.push(states(&[("dddddd", 4)]), Instant::now()).no_room, 1);
        let expected = [("aaaaaa".into(), 2), ("cccccc".into(), 3), ("dddddd".into(), 4)];
        assert_eq!(held(&mut backlog), expected, "aaaaaa 1 was superseded, then bbbbbb was the oldest");
    }

    #[tokio::test(start_paused = true)]
    async fn states_older_than_the_limit_are_dropped() {
        let mut backlog = backlog(10);
        backlog.push(states(&[("aaaaaa", 1)]), Instant::now());
        tokio::time::advance(Duration::from_secs(61)).await;
        let dropped = backlog.push(states(&[("bbbbbb", 2)]), Instant::now());
        assert_eq!(dropped, DroppedStates { too_old: 1, no_room: 0 });
        assert_eq!(held(&mut backlog), [("bbbbbb".into(), 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn states_put_back_keep_their_age() {
        let mut backlog = backlog(10);
        backlog.push(states(&[("aaaaaa", 1)]), Instant::now());
        let taken = backlog.take(1);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(backlog.put_back(taken, Instant::now()).too_old, 1);
    }

    #[test]
    fn states_put_back_are_taken_first() {
        let mut backlog = backlog(10);
        backlog.push(states(&[("aaaaaa", 1), ("bbbbbb", 2), ("cccccc", 3)]), Instant::now());
        let taken = backlog.take(2);
        backlog.put_back(taken, Instant::now());
        assert_eq!(held(&mut backlog), [("aaaaaa".into(), 1), ("bbbbbb".into(), 2), ("cccccc".into(), 3)]);
    }

    proptest! {
        #[test]
        fn the_backlog_stays_bounded_and_ordered_and_keeps_the_newest_states(
            pushes in prop::collection::vec((0_u32..8, 1_usize..4), 1..60),
        ) {
            let mut backlog = backlog(10);
            let (mut at, mut dropped) = (0_i64, 0);
            let mut newest = std::collections::BTreeMap::new();
            for (aircraft, count) in pushes {
                for _ in 0..count {
                    at += 1;
                    let icao24 = format!("{aircraft:06x}");
                    dropped += backlog.push([Arc::new(state(&icao24, at))], Instant::now()).no_room;
                    newest.insert(icao24, at);
                }
                prop_assert!(backlog.len() <= 10);
            }
            prop_assert_eq!(backlog.count_by_aircraft.values().sum::<usize>(), backlog.len());
            let left = held(&mut backlog);
            prop_assert_eq!(dropped as usize + left.len(), at as usize);
            prop_assert!(left.is_sorted_by_key(|(_, at)| *at));
            // The limit is ten states for eight aircraft, so none may have lost its newest state.
            for (icao24, at) in newest {
                prop_assert!(left.contains(&(icao24, at)));
            }
        }
    }
}
