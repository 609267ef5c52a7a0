use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::picture::Picture;
use crate::domain::{Icao24, StateVector, UnixTime};

/// The newest state of each aircraft sent to `/sse/flights`, regardless of its age.
///
/// The live picture drops aircraft that have been silent for a while, but this stream promises every newer state. It
/// therefore remembers the sent states for longer than the picture does, and compares new states with them.
#[derive(Debug, Default)]
pub(super) struct LatestStates {
    aircraft: HashMap<Icao24, Latest>,
    /// The sequence number of the newest update.
    sequence: u64,
}

#[derive(Debug)]
struct Latest {
    state: Arc<StateVector>,
    /// The update that contained it.
    sequence: u64,
    /// When it was sent, by the local clock.
    sent_at: UnixTime,
}

impl LatestStates {
    /// The minimum time for which an aircraft is kept after its last state: as long as the collector remembers it.
    const MIN_MEMORY: Duration = Duration::from_secs(3600);

    /// About ten times as many as are in the air at a time. At 400 bytes each this is 80 MB, which only fake addresses
    /// can reach.
    const MAX_AIRCRAFT: usize = 200_000;

    /// Stores and returns the states that are newer than the last one of their aircraft, in the given order.
    ///
    /// States too far ahead of the local clock are skipped, since they would block all correct states for a long time.
    pub(super) fn take_newer<'a>(
        &mut self,
        states: impl IntoIterator<Item = &'a Arc<StateVector>>,
        now: UnixTime,
    ) -> Vec<Arc<StateVector>> {
        let (sequence, latest) = (self.sequence + 1, now.plus(Picture::MAX_AHEAD));
        let mut newer = Vec::new();
        for state in states.into_iter().filter(|state| state.last_contact <= latest) {
            let sent = Latest { state: state.clone(), sequence, sent_at: now };
            match self.aircraft.entry(state.icao24) {
                Entry::Occupied(known) if known.get().state.last_contact >= state.last_contact => continue,
                Entry::Occupied(mut known) => drop(known.insert(sent)),
                Entry::Vacant(unknown) => drop(unknown.insert(sent)),
            }
            newer.push(state.clone());
            self.sequence = sequence;
        }
        newer
    }

    /// Returns the sequence number of the last update that contained newer states.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the newest state of each aircraft that changed after update `sequence`, ordered by address.
    pub(super) fn changed_after(&self, sequence: u64) -> Vec<&Arc<StateVector>> {
        let changed = self.aircraft.values().filter(|latest| latest.sequence > sequence);
        let mut changed: Vec<_> = changed.map(|latest| &latest.state).collect();
        changed.sort_unstable_by_key(|state| state.icao24);
        changed
    }

    /// Evicts aircraft without a new state for an hour, or for twice `aircraft_timeout` if that is longer. Beyond
    /// [`Self::MAX_AIRCRAFT`], it evicts those that have been silent the longest.
    pub(super) fn forget(&mut self, now: UnixTime, aircraft_timeout: Duration) {
        let oldest = now.minus(Self::MIN_MEMORY.max(2 * aircraft_timeout));
        self.aircraft.retain(|_, latest| latest.sent_at >= oldest);
        self.keep_at_most(Self::MAX_AIRCRAFT);
    }

    fn keep_at_most(&mut self, max: usize) {
        let Some(excess) = self.aircraft.len().checked_sub(max).filter(|excess| *excess > 0) else { return };
        let mut silent: Vec<_> = self.aircraft.iter().map(|(icao24, latest)| (latest.sequence, *icao24)).collect();
        silent.select_nth_unstable(excess - 1);
        for (_, icao24) in silent.into_iter().take(excess) {
            self.aircraft.remove(&icao24);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    const TIMEOUT: Duration = Duration::from_secs(300);

    fn take(latest: &mut LatestStates, now: i64, states: &[(&str, i64)]) -> Vec<(String, i64)> {
        let states: Vec<_> = states.iter().map(|(icao24, at)| Arc::new(state(icao24, *at))).collect();
        let newer = latest.take_newer(&states, UnixTime(now));
        newer.iter().map(|state| (state.icao24.to_string(), state.last_contact.0)).collect()
    }

    #[test]
    fn a_newer_state_is_sent_once_whatever_its_age() {
        let mut latest = LatestStates::default();
        assert_eq!(take(&mut latest, 9000, &[("aaaaaa", 10), ("aaaaaa", 9), ("bbbbbb", 9000)]).len(), 2);
        assert_eq!(take(&mut latest, 9001, &[("aaaaaa", 10), ("bbbbbb", 8999)]), []);
        assert_eq!(take(&mut latest, 9002, &[("aaaaaa", 11)]), [("aaaaaa".to_owned(), 11)]);
    }

    #[test]
    fn a_state_far_ahead_of_the_clock_does_not_hold_back_later_ones() {
        let mut latest = LatestStates::default();
        assert_eq!(take(&mut latest, 1000, &[("aaaaaa", 4601), ("bbbbbb", 4600), ("aaaaaa", 999)]).len(), 2);
        assert_eq!(take(&mut latest, 1010, &[("aaaaaa", 1009)]).len(), 1);
    }

    #[test]
    fn silent_aircraft_are_forgotten() {
        let mut latest = LatestStates::default();
        take(&mut latest, 1000, &[("aaaaaa", 10)]);
        latest.forget(UnixTime(4600), TIMEOUT);
        assert_eq!(latest.aircraft.len(), 1);
        latest.forget(UnixTime(4601), 8 * TIMEOUT);
        assert_eq!(latest.aircraft.len(), 1, "aircraft stay in the picture for longer than half an hour");
        latest.forget(UnixTime(4601), TIMEOUT);
        assert_eq!(latest.aircraft.len(), 0);
    }

    #[test]
    fn the_number_of_aircraft_is_bounded() {
        let mut latest = LatestStates::default();
        take(&mut latest, 1000, &[("aaaaaa", 10), ("bbbbbb", 20)]);
        take(&mut latest, 1001, &[("cccccc", 30), ("aaaaaa", 31)]);
        latest.keep_at_most(3);
        assert_eq!(latest.aircraft.len(), 3);
        latest.keep_at_most(2);
        let kept = latest.changed_after(0).into_iter().map(|state| state.icao24.to_string());
        assert_eq!(kept.collect::<Vec<_>>(), ["aaaaaa", "cccccc"], "the aircraft that was silent longest is evicted");
    }

    proptest! {
        #[test]
        fn a_client_that_skipped_updates_catches_up_with_all_changes_since(
            updates in prop::collection::vec(prop::collection::vec((0_u32..6, 0_i64..1000), 0..8), 1..20),
            seen in 0_usize..20,
        ) {
            let (mut latest, mut client, mut whole) = (LatestStates::default(), BTreeMap::new(), BTreeMap::new());
            let mut left_at = 0;
            for (index, update) in updates.iter().enumerate() {
                let states: Vec<_> = update.iter().map(|(n, at)| Arc::new(state(&format!("{n:06x}"), *at))).collect();
                let newer = latest.take_newer(&states, UnixTime(1000));
                whole.extend(newer.iter().map(|s| (s.icao24, s.clone())));
                if index < seen {
                    client.extend(newer.into_iter().map(|s| (s.icao24, s)));
                    left_at = latest.sequence();
                }
            }
            client.extend(latest.changed_after(left_at).into_iter().map(|s| (s.icao24, s.clone())));
            prop_assert_eq!(client, whole);
        }
    }
}
