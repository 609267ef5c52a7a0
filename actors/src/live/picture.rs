use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Icao24, StateVector, UnixTime};

/// The newest state of every aircraft that was heard lately.
#[derive(Debug, Default)]
pub struct Picture {
    aircraft: BTreeMap<Icao24, Entry>,
    sequence: u64,
    observed_at: Option<UnixTime>,
}

#[derive(Debug)]
struct Entry {
    state: Arc<StateVector>,
    /// The sequence number of the update that brought it.
    changed: u64,
}

/// What an update changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// In the order in which they came; an aircraft may occur more than once, each time newer.
    pub states: Vec<Arc<StateVector>>,
    /// States that were not newer than the picture.
    pub not_newer: u64,
    /// States of aircraft that were heard last before the picture's time.
    pub outdated: u64,
}

impl Picture {
    /// Takes over what is newer than the picture. A state is outdated when its aircraft was unheard for longer than
    /// `timeout` before `now`.
    pub fn apply<'a>(
        &mut self,
        states: impl IntoIterator<Item = &'a Arc<StateVector>>,
        now: UnixTime,
        timeout: Duration,
    ) -> Change {
        self.sequence += 1;
        let mut change = Change::default();
        let oldest = now.minus(timeout);
        for state in states {
            if state.last_contact < oldest {
                change.outdated += 1;
                continue;
            }
            let known = self.aircraft.get(&state.icao24);
            if known.is_some_and(|known| known.state.last_contact >= state.last_contact) {
                change.not_newer += 1;
                continue;
            }
            self.aircraft.insert(state.icao24, Entry { state: state.clone(), changed: self.sequence });
            self.observed_at = self.observed_at.max(state.observed_at);
            change.states.push(state.clone());
        }
        change
    }

    /// Removes the aircraft that were unheard for longer than `timeout` before `now`.
    pub fn sweep(&mut self, now: UnixTime, timeout: Duration) -> Vec<Icao24> {
        let oldest = now.minus(timeout);
        let gone: Vec<_> =
            self.aircraft.values().filter(|e| e.state.last_contact < oldest).map(|e| e.state.icao24).collect();
        for icao24 in &gone {
            self.aircraft.remove(icao24);
        }
        gone
    }

    /// The number of the last update.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The newest response time of any state that was ever taken over.
    pub fn observed_at(&self) -> Option<UnixTime> {
        self.observed_at
    }

    /// How many aircraft there are.
    pub fn len(&self) -> usize {
        self.aircraft.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.aircraft.is_empty()
    }

    /// Every state, by address.
    pub fn states(&self) -> impl Iterator<Item = &Arc<StateVector>> {
        self.aircraft.values().map(|entry| &entry.state)
    }

    /// The newest state of each aircraft that changed after update `sequence`, by address.
    pub fn changed_after(&self, sequence: u64) -> impl Iterator<Item = &Arc<StateVector>> {
        self.aircraft.values().filter(move |entry| entry.changed > sequence).map(|entry| &entry.state)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    const TIMEOUT: Duration = Duration::from_secs(300);

    fn apply(picture: &mut Picture, now: i64, states: &[(&str, i64)]) -> Change {
        let states: Vec<_> = states.iter().map(|(icao24, at)| Arc::new(state(icao24, *at))).collect();
        picture.apply(&states, UnixTime(now), TIMEOUT)
    }

    #[test]
    fn what_is_not_newer_is_ignored() {
        let mut picture = Picture::default();
        apply(&mut picture, 1000, &[("aaaaaa", 990)]);
        let change = apply(&mut picture, 1001, &[("aaaaaa", 990), ("aaaaaa", 989), ("bbbbbb", 1)]);
        assert_eq!((change.states.len(), change.not_newer, change.outdated), (0, 2, 1));
    }

    #[test]
    fn an_aircraft_unheard_for_the_timeout_is_gone() {
        let mut picture = Picture::default();
        apply(&mut picture, 1000, &[("aaaaaa", 990), ("bbbbbb", 999)]);
        assert_eq!(picture.sweep(UnixTime(1290), TIMEOUT), []);
        assert_eq!(picture.sweep(UnixTime(1291), TIMEOUT), [Icao24::parse("aaaaaa").unwrap()]);
        assert_eq!(picture.len(), 1);
    }

    proptest! {
        #[test]
        fn a_client_that_skipped_updates_catches_up_with_what_changed_since(
            updates in prop::collection::vec(prop::collection::vec((0_u32..6, 900_i64..1000), 0..8), 1..20),
            seen in 0_usize..20,
        ) {
            let (mut picture, mut client) = (Picture::default(), BTreeMap::new());
            let mut left_at = 0;
            for (index, update) in updates.iter().enumerate() {
                let states: Vec<_> = update.iter().map(|(n, at)| Arc::new(state(&format!("{n:06x}"), *at))).collect();
                let change = picture.apply(&states, UnixTime(1000), TIMEOUT);
                if index < seen {
                    client.extend(change.states.into_iter().map(|s| (s.icao24, s)));
                    left_at = picture.sequence();
                }
            }
            client.extend(picture.changed_after(left_at).map(|s| (s.icao24, s.clone())));
            let whole: BTreeMap<_, _> = picture.states().map(|s| (s.icao24, s.clone())).collect();
            prop_assert_eq!(client, whole);
        }
    }
}
